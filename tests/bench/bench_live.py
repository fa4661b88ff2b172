#!/usr/bin/env python3
"""The live mode over real WebRTC, in one process with a peer made of aiortc:

    python -m tests.bench.bench_live [--questions 12] [--interruptions 24] [--minutes 10]

1. From the end of a spoken question to the first word of the answer, and what each part takes. `heard to said` is
   measured at both ends: from the last loud sample that came in to the first frame of speech that went out.
2. From the first sample of an interruption that came in to the first frame without the agent's speech. `without
   waiting`: less the time for which other programs kept the event loop and the voice activity from a core, and no more
   than the sound that came meanwhile.
3. Minutes of camera, speech and questions with a language model that takes 20 s for an answer, questions coming faster
   than that: memory, ages of the queues and of what is seen must not grow.

Models: those of the default configuration, without a language model in 1 and 2 (the evidence is the answer).
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from aiohttp import web
from aiortc.mediastreams import VideoStreamTrack

from reasoning.engine_client import EngineClient
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from runtime.clock import SystemClock
from runtime.messages import Samples
from tests.app.live.ear import Ear, percentile, words_only
from tests.app.live.peer import Mouth, Page, page_of
from tests.app.live.world import Served, World, open_world
from tests.perception.conftest import decode
from tests.perception.media import slide
from tests.reasoning.scripted_engine import Model, event, serving

FACTS = (
    "The conference takes place in Berlin.",
    "The meeting about the new website is on Thursday.",
    "The budget for the project is forty thousand dollars.",
)
QUESTIONS = (
    "Where does the conference take place?",
    "When is the meeting about the new website?",
    "What is the budget for the project?",
)
PARTS = ("vad", "end_of_turn", "asr", "retrieval", "first_token", "first_sound", "total")
CLOCK = SystemClock()


class Camera(VideoStreamTrack):
    """Slides that change every 20 s, 10 fps."""

    def __init__(self) -> None:
        super().__init__()
        self._start_s: float | None = None
        self._count = 0

    async def recv(self) -> av.VideoFrame:
        if self._start_s is None:
            self._start_s = CLOCK.now()
        await CLOCK.sleep(max(0.0, self._start_s + self._count / 10 - CLOCK.now()))
        number = self._count // 200
        frame = av.VideoFrame.from_ndarray(
            slide((f"SLIDE {number}", f"Room {100 + 7 * number}")), format="rgb24"
        )
        frame.pts, frame.time_base = self._count * 9000, Fraction(1, 90_000)
        self._count += 1
        return frame


def speak(text: str, voice: str = "en-us") -> Samples:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "said.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "148", "-w", str(file), text], check=True)
        return decode(file)


async def tell(page: Page, mouth: Mouth) -> None:
    for number, fact in enumerate(FACTS, 1):
        await mouth.say(speak(fact))
        await page.wait("utterance", number)
    await page.search("conference")


async def answers(world: World, count: int) -> None:
    async with world.serving() as served, page_of(served.address) as page:
        mouth = Mouth()
        await page.connect(sound=mouth)
        await page.wait("hello")
        session = served.session(page.session)
        ear = Ear(session)
        await tell(page, mouth)
        times: dict[str, list[float]] = {name: [] for name in (*PARTS, "heard to said")}
        for number in range(count):
            before = len(page.messages)
            await mouth.say(speak(QUESTIONS[number % len(QUESTIONS)]))
            quiet_s = ear.loud_s
            turn = (await after(page, before, "turn"))["turn"]
            await after(page, before, "answer")
            await page.enters("listening")
            latency = session.latency or {}
            for name in PARTS:
                times[name].append(latency.get(name, 0.0))
            first_s = next((at_s for at_s, of in ear.sent if of == turn), None)
            if first_s is not None:
                times["heard to said"].append(first_s - min(quiet_s, first_s))
        print(f"end of speech to first word, {count} questions")
        for name, seconds in times.items():
            show(name, seconds)


async def after(page: Page, before: int, kind: str) -> dict[str, Any]:
    """The first message of a kind since then."""
    count = sum(m["type"] == kind for m in page.messages[:before])
    return await page.wait(kind, count + 1)


async def interruptions(world: World, count: int) -> None:
    words = words_only(speak("Wait a moment please.", "en-us+f2"))
    async with world.serving() as served, page_of(served.address) as page:
        mouth = Mouth()
        await page.connect(sound=mouth)
        await page.wait("hello")
        ear = Ear(served.session(page.session))
        await tell(page, mouth)
        turns: list[str] = []
        missed = 0
        while len(turns) < count:
            before = len(page.messages)
            page.send(type="ask", text=QUESTIONS[0])
            turn = (await after(page, before, "turn"))["turn"]
            await page.enters("speaking")
            await mouth.say(words)
            await page.enters("listening")
            if any(m["type"] == "interrupted" and m["turn"] == turn for m in page.messages[before:]):
                turns.append(turn)
            else:
                missed += 1
        print(f"barge-in, {count} interruptions ({missed} more were not heard)")
        show("onset to silence", ear.silences_s(turns))
        show("without waiting", ear.silences_s(turns, waits=False))


async def slow_engine(request: web.Request) -> web.StreamResponse:
    """Twenty seconds for an answer that cites the first memory."""
    await request.json()
    response = web.StreamResponse()
    await response.prepare(request)
    for word in "It takes place in Berlin, as somebody said [1] .".split():
        await CLOCK.sleep(2.0)
        await response.write(event(word + " "))
    await response.write(b"data: [DONE]\n\n")
    return response


async def minutes(world: World, length: float) -> None:
    async with serving(slow_engine) as url:
        address = EngineAddress(url=url, model="slow", key="k", vision=False, weak=False, context_tokens=4096)
        async with EngineClient(address, EngineSettings(), CLOCK) as client:
            answerer = copy.copy(world.parts.answerer)
            answerer._engine = Model(client)
            async with world.serving(answerer=answerer) as served, page_of(served.address) as page:
                await watched(served, page, length)


async def watched(served: Served, page: Page, length: float) -> None:
    mouth = Mouth()
    await page.connect(sound=mouth, video=Camera())
    await page.wait("hello")
    session = served.session(page.session)
    talking = asyncio.create_task(talk(page, mouth), name="talk")
    process = psutil.Process()
    samples: list[tuple[float, float, float, float]] = []
    began_s = CLOCK.now()
    try:
        while (at_s := CLOCK.now() - began_s) < length * 60:
            await CLOCK.sleep(1.0)
            ages_s = max(stage["age_s"] for stage in session.health())
            seen = [m["t"] for m in page.messages if m["type"] == "seen"]
            frame_s = session.now_s() - seen[-1] if seen else 0.0
            samples.append((at_s, process.memory_info().rss / 2**20, ages_s, frame_s))
            del page.messages[:-200]
            page.heard.clear()
    finally:
        talking.cancel()
        await asyncio.wait([talking])
    print(f"{length:g} minutes with a language model that takes 20 s")
    print(f"{'minute':<16} {'RSS MB':>8} {'oldest in a queue s':>20} {'age of what is seen s':>22}")
    for minute, rows in itertools.groupby(samples, lambda row: int(row[0] // 60)):
        part = list(rows)
        rss = np.mean([row[1] for row in part])
        print(f"{minute + 1:<16} {rss:8.0f} {max(r[2] for r in part):20.2f} {max(r[3] for r in part):22.2f}")


async def talk(page: Page, mouth: Mouth) -> None:
    for number in itertools.count():
        await mouth.say(speak(FACTS[number % len(FACTS)]))
        await CLOCK.sleep(6.0)
        await mouth.say(speak(QUESTIONS[number % len(QUESTIONS)]))
        await CLOCK.sleep(6.0)


def show(name: str, seconds: Sequence[float]) -> None:
    p50, p95 = (1000 * percentile(seconds, q) for q in (50, 95))
    print(f"  {name:<18} p50 {p50:7.0f} ms   p95 {p95:7.0f} ms   of {len(seconds)}")


async def main(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_world(Path(folder)) as world:
            if options.questions:
                await answers(world, options.questions)
            if options.interruptions:
                await interruptions(world, options.interruptions)
            if options.minutes:
                await minutes(world, options.minutes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=re.sub(r"\n\n.*", "", __doc__ or "", flags=re.S))
    parser.add_argument("--questions", type=int, default=12)
    parser.add_argument("--interruptions", type=int, default=24)
    parser.add_argument("--minutes", type=float, default=10.0)
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is needed: it asks the questions")
    asyncio.run(main(parser.parse_args()))

"""What a live session must survive: bad links, peers that vanish, parts that fail, an end at any moment."""

from __future__ import annotations

import asyncio
import copy
import gc
import itertools
import json
import socket
import threading
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aioice.ice
import numpy as np
import psutil
import pytest
from aiortc.mediastreams import MediaStreamError

from reasoning.engine_client import EngineClient
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from reasoning.voices.espeak import EspeakVoice
from runtime.app.live.session import LiveSession
from runtime.messages import AudioChunk, Samples
from runtime.session import cancel_and_wait
from tests.app.live.conftest import RunLive
from tests.app.live.peer import DEADLINE_S, Mouth, lose_packets, page_of
from tests.app.live.scripted import Hoarse, Hum, Talker, Words, nothing_seen
from tests.app.live.world import Served, World, without_requests
from tests.perception.conftest import Speak
from tests.reasoning.scripted_engine import Model, Script, event, serving, streaming

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.flaky(reruns=2)]

SAID = "The conference takes place in Berlin."
ASKED = "Where does the conference take place?"


def test_a_fifth_of_all_packets_may_be_lost_in_both_directions(
    world: World, run_live: RunLive[None], speak: Speak, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = lose_packets(monkeypatch)

    async def main() -> None:
        talker = Talker(8)
        async with (
            world.serving({"leave_s": 0.1}, answerer=talker, voice=Hum(0.25), **nothing_seen()) as served,
            page_of(served.address) as page,
        ):
            mouth = Mouth()
            await page.connect(sound=mouth)
            await page.wait("hello")
            await mouth.say(speak(SAID))
            await page.wait("state", 2)  # hearing
            await page.enters("listening")
            page.heard.clear()
            page.send(type="ask", text=ASKED)
            answer = await page.wait("answer")
            told = [m["text"] for m in page.messages if m["type"] == "delta" and m["turn"] == answer["turn"]]
            assert "".join(told) == answer["text"]
            assert answer["text"].count("sentence") == 8
            await page.enters("listening")
            assert any(np.abs(part).max() > 0.1 for part in page.heard)
            assert min(lost["data"], lost["sound"]) > 10
            await page.close()
            await served.empty()

    run_live(main())


def test_a_peer_that_vanishes_mid_turn_leaves_nothing(
    world: World, run_live: RunLive[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No goodbye: only that it does not answer any more shows it."""
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.2)
    monkeypatch.setattr(aioice.ice, "CONSENT_FAILURES", 3)

    async def main() -> None:
        talker = Talker(10_000)
        async with (
            world.serving({"reconnect_s": 0.2}, answerer=talker, voice=Hum(1.0), **nothing_seen()) as served,
            page_of(served.address) as page,
        ):
            await page.connect()
            await page.wait("hello")
            page.send(type="ask", text=ASKED)
            await page.enters("speaking")
            session = weakref.ref(served.session(page.session))
            served.cut(page.session)
            await served.empty()
            assert talker.begun == 1 and talker.open == 0
            gc.collect()
            assert session() is None

    run_live(main())


@asynccontextmanager
async def serving_script(world: World, script: Script, **settings: Any) -> AsyncIterator[Served]:
    """The live server with a language model that is a script."""
    async with serving(script) as url:
        address = EngineAddress(url=url, model="m", key="k", vision=False, weak=False, context_tokens=4096)
        async with EngineClient(address, EngineSettings(**settings), world.parts.clock) as client:
            answerer = copy.copy(world.parts.answerer)
            answerer._engine = Model(client)
            async with world.serving({"leave_s": 0.1}, answerer=answerer, **nothing_seen()) as served:
                yield served


def test_a_model_that_stalls_gives_way_to_the_evidence(
    world: World, run_live: RunLive[None], speak: Speak
) -> None:
    script = Script(lambda _: streaming(event("It takes "), hang=True))

    async def main() -> None:
        async with (
            serving_script(world, script, answer_timeout_s=3.0) as served,
            page_of(served.address) as page,
        ):
            await page.connect(sound=Mouth(speak(SAID)))
            heard = await page.wait("utterance")
            await page.search(heard["text"])
            page.send(type="ask", text=ASKED)
            answer = await page.wait("answer")
            assert heard["id"] in {proof["id"] for proof in answer["evidence"]}
            assert "evidence itself is the answer" in answer["note"]
            assert "It takes" not in answer["text"]
            await page.enters("listening")
            await script.left.wait()

    run_live(main())


def test_an_interruption_aborts_the_request_of_a_model_that_stalls(
    world: World, run_live: RunLive[None], speak: Speak
) -> None:
    script = Script(lambda _: streaming(event("It takes place. In "), hang=True))

    async def main() -> None:
        async with serving_script(world, script) as served, page_of(served.address) as page:
            await page.connect(sound=Mouth(speak(SAID)))
            await page.search((await page.wait("utterance"))["text"])
            page.send(type="ask", text=ASKED)
            await page.enters("speaking")
            page.send(type="interrupt")
            await page.wait("interrupted")
            await script.left.wait()
            assert not [m for m in page.messages if m["type"] == "answer"]

    run_live(main())


@pytest.mark.parametrize(
    "voice",
    [
        Hoarse(),
        EspeakVoice(program="/nowhere/espeak-ng"),
        EspeakVoice(accent="nobody's"),
        Hum(hangs=True),
    ],
    ids=["fails", "is not there", "knows no such accent", "hangs"],
)
def test_a_voice_that_fails_costs_no_word_of_the_answer(
    world: World, run_live: RunLive[None], voice: Any
) -> None:
    """The page is given the words to speak itself."""
    speech = world.parts.app.speech.model_copy(update={"patience_s": 0.3})
    app = world.parts.app.model_copy(update={"speech": speech})
    talker = Talker(3)

    async def main() -> None:
        parts = {"answerer": talker, "voice": voice, "app": app, **nothing_seen()}
        async with world.serving({"leave_s": 0.1}, **parts) as served, page_of(served.address) as page:
            await page.connect()
            await page.wait("hello")
            for number in (1, 2):
                page.send(type="ask", text=ASKED)
                answer = await page.wait("answer", number)
                assert answer["text"].count("sentence") == 3
                await page.wait("speak", 3 * number)
                await page.enters("listening")
            spoken = [m["text"] for m in page.messages if m["type"] == "speak"]
            assert spoken == [f"This is sentence {i}." for i in (1, 2, 3, 1, 2, 3)]

    run_live(main())


def test_fifty_peers_that_come_and_go_leave_nothing(world: World, run_live: RunLive[None]) -> None:
    async def main() -> None:
        live = {"leave_s": 0.1, "sessions": 5, "offers_per_minute": 1000}
        async with world.serving(live) as served:

            async def come_and_go(seen: list[weakref.ref[LiveSession]]) -> None:
                async with page_of(served.address) as page:
                    await page.connect()
                    await page.wait("hello")
                    seen.append(weakref.ref(served.session(page.session)))

            first: list[weakref.ref[LiveSession]] = []
            await come_and_go(first)
            await served.empty()
            before = footprint()
            sessions: list[weakref.ref[LiveSession]] = []
            for _ in range(10):
                await asyncio.gather(*(come_and_go(sessions) for _ in range(5)))
                await served.empty()
            async with asyncio.timeout(DEADLINE_S):
                while footprint() != before:  # what is closed may take a moment to be gone
                    await world.parts.clock.sleep(0.02)
            gc.collect()
            assert len(sessions) == 50
            assert [s() for s in sessions if s() is not None] == []

    run_live(main())


def footprint() -> tuple[int, list[str], int]:
    """Tasks, the threads that compute, sockets."""
    tasks = without_requests(asyncio.all_tasks())
    threads = sorted(t.name for t in threading.enumerate() if t.name.startswith("compute"))
    sockets = [c for c in psutil.Process().net_connections() if c.type == socket.SOCK_DGRAM]
    return len(tasks), threads, len(sockets)


class Life:
    """A session without a connection, from its begin over speech, an answer and an interruption to its end."""

    def __init__(self, world: World, speech: Samples) -> None:
        words = replace(
            world.parts,
            transcriber=Words(ASKED),
            answerer=Talker(3),
            voice=Hum(),
            turn_detector=None,
            **nothing_seen(),
        )
        self.session = LiveSession(f"live-{next(_NUMBERS)}", words, world.new_watches(False))
        self.talker = words.answerer
        self.messages: list[str] = []
        self.when = -1
        self.now = asyncio.Event()
        self._speech = speech

    def _send(self, text: str) -> None:
        self.messages.append(json.loads(text)["type"])
        if len(self.messages) == self.when:
            self.now.set()

    async def live(self) -> None:
        """All of it. The loudspeaker is heard all the time."""
        listening = asyncio.create_task(self._listen(), name="loudspeaker")
        try:
            self.session.attach(self._send, False)
            await self._speak(0.0)
            while "speaking" not in self.session.conversation.state:
                await self._wait()
            await self._speak(10.0)
            while self.talker.begun < 2 or self.session.conversation.busy:
                await self._wait()
        finally:
            await cancel_and_wait(listening, 1.0)

    async def _wait(self) -> None:
        await self.session._parts.clock.sleep(0.005)

    async def _listen(self) -> None:
        try:
            while True:
                await self.session.speaker.recv()
        except MediaStreamError:
            return

    async def _speak(self, at_s: float) -> None:
        sound = np.concatenate([self._speech, np.zeros(24_000, np.float32)])
        for i in range(0, len(sound), 512):
            await self.session.audio.put(AudioChunk(at_s + i / 16_000, sound[i : i + 512]))


_NUMBERS = itertools.count()


@pytest.mark.parametrize("ending", ["cancelled", "closed"])
def test_a_session_can_end_at_every_moment_of_its_life(
    world: World, run_live: RunLive[None], speak: Speak, ending: str
) -> None:
    """Also before it has begun: at 0. A moment is a message to the page."""
    speech = speak(SAID)

    async def one(when: int) -> list[str]:
        life = Life(world, speech)
        life.when = when
        running = asyncio.create_task(life.session.run(), name="session")
        living = asyncio.create_task(life.live(), name="life")
        ended = asyncio.create_task(life.now.wait(), name="moment")
        if when:
            await asyncio.wait([living, ended], return_when=asyncio.FIRST_COMPLETED)
        await cancel_and_wait(ended, 1.0)
        if ending == "cancelled":
            running.cancel()
        said = "utterance" in life.messages
        async with asyncio.timeout(DEADLINE_S):
            await life.session.close()
            assert await cancel_and_wait(running, DEADLINE_S)
            await cancel_and_wait(living, DEADLINE_S)
        assert life.talker.open == 0
        if ending == "closed" and said:
            rows = await world.parts.memory.observations(life.session.id)
            assert [row.text for row in rows][:1] == [ASKED]
        return life.messages

    async def main() -> None:
        whole = await one(-1)
        assert {"partial", "utterance", "turn", "delta", "answer", "interrupted"} <= set(whole)
        for when in range(len(whole)):
            await one(when)

    run_live(main())


def test_a_server_that_stops_while_a_session_ends_waits_for_it(
    world: World, run_live: RunLive[None], speak: Speak
) -> None:
    async def main() -> None:
        async with (
            world.serving({"leave_s": 0.1}, **nothing_seen()) as served,
            page_of(served.address) as page,
        ):
            await page.connect(sound=Mouth(speak(SAID)))
            heard = await page.wait("utterance")
            session = page.session
            await page.close()
            while served.server._sessions:
                await world.parts.clock.sleep(0.001)
        rows = await world.parts.memory.observations(session)
        assert heard["text"] in [row.text for row in rows]

    run_live(main())

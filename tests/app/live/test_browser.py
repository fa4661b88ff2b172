"""A person with a real Chromium before the real server: connects, asks aloud, interrupts, comes back, leaves."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.clock import Stopwatch, SystemClock
from runtime.messages import Samples
from tests.app.live.chromium import Chromium, chromium
from tests.app.live.conftest import RunLive
from tests.app.live.ear import Ear, percentile, words_only
from tests.app.live.pages import LivePage, timed, wav, write_y4m
from tests.app.live.scripted import Hum, Talker
from tests.app.live.world import World, without_requests
from tests.perception.conftest import Speak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.flaky(reruns=2)]

SAID = "The conference takes place in Berlin."
ASKED, ANSWER = "Where does the conference take place?", "Berlin"
SHOWN, SHOWN_LATER = ("TRAIN TO PARIS", "leaves at 14:35"), ("LUNCH", "Soup and bread")
ASKED_WHAT_WAS_SHOWN, ANSWER_SHOWN = "What time does the train leave?", "14:35"
CONNECT_S, BARGE_IN_S, FREE_S = 3.0, 0.2, 5.0
"""What may pass from Start to the session, from speech to silence (95 of 100 times), and until a tab that was closed
costs nothing any more.
"""
INTERRUPTIONS = 20
TALK = Path(__file__).parents[2] / "fixtures" / "talk.mp4"
_MIDDLE_OF_DROP = """(() => {
  const { x, y, width, height } = document.getElementById('drop').getBoundingClientRect();
  return [x + width / 2, y + height / 2];
})()"""
MINUTES = 5


class LaterClock(SystemClock):
    """Minutes may pass in no time."""

    def __init__(self) -> None:
        self._later_s = 0.0

    def now(self) -> float:
        return super().now() + self._later_s

    def wall(self) -> float:
        return super().wall() + self._later_s

    def pass_s(self, seconds: float) -> None:
        self._later_s += seconds


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two slides by turns."""
    return write_y4m(tmp_path_factory.mktemp("camera") / "slides.y4m", (12, SHOWN), (6, SHOWN_LATER))


@asynccontextmanager
async def opened(browser: str, folder: Path, **media: Path) -> AsyncIterator[Chromium]:
    async with chromium(browser, folder / "profile", **media) as running:
        yield running


def test_it_connects_within_3_s_and_hears_and_sees(
    world: World, run_live: RunLive[None], browser: str, camera: Path, speak: Speak, tmp_path: Path
) -> None:
    """With the browser's own devices."""
    spoken = tmp_path / "said.wav"
    spoken.write_bytes(wav(timed((1.0, speak(SAID)), (60.0, np.zeros(1, np.float32)))))

    async def main() -> None:
        async with (
            world.serving() as served,
            opened(browser, tmp_path, sound=spoken, video=camera) as chrome,
        ):
            page = await LivePage.open(chrome, served.address)
            took_s = []
            # A machine that is busy with something else gets a second chance, and a third.
            for _ in range(3):
                with Stopwatch() as watch:
                    await page.start()
                took_s.append(watch.seconds)
                if took_s[-1] < CONNECT_S:
                    break
                await page.tab.evaluate("document.getElementById('end').click()")
                await page.tab.until("!document.getElementById('start').hidden")
            assert min(took_s) < CONNECT_S, took_s
            assert "conference" in (await page.wait("utterance"))["text"]
            await page.wait("seen")
            await page.tab.until("document.getElementById('utterances').innerText.includes('Berlin')")
            assert page.tab.problems == []

    run_live(main())


def test_the_keyboard_alone_is_enough_and_a_video_can_be_dropped(
    world: World, run_live: RunLive[None], browser: str, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            world.serving(answerer=Talker(2), voice=Hum()) as served,
            opened(browser, tmp_path) as chrome,
        ):
            page = await LivePage.open(chrome, served.address)
            tab = page.tab
            await tab.size(1280, 800)
            await page.tab_to("source")
            for _ in range(2):
                await tab.press("ArrowRight")
            x, y = await tab.evaluate(_MIDDLE_OF_DROP)
            await tab.drop(TALK, x, y)
            await tab.until("document.getElementById('file-name').innerText === 'talk.mp4'")
            await page.tab_to("file")
            await page.tab_to("start-button")
            await tab.press("Enter")
            await page.wait("hello")
            await page.wait("seen")
            await tab.until("document.activeElement.id === 'question'")
            await tab.call("Input.insertText", text=ASKED)
            await tab.press("Enter")
            assert (await page.wait("turn"))["text"] == ASKED
            await page.wait("answer")
            for key, forgotten in (("Escape", 0), ("Enter", 1)):
                await page.tab_to("forget-open")
                await tab.press("Enter")
                await tab.until("document.getElementById('forget').open")
                assert await page.focused() == "span"
                await tab.press("ArrowDown")
                await page.tab_to("forget-confirm")
                await tab.press(key)
                await tab.until("!document.getElementById('forget').open")
                assert await page.focused() == "forget-open"
                await tab.until(f"events.filter((e) => e.type === 'forgotten').length === {forgotten}")
            assert await page.answers() == []
            assert tab.problems == []

    run_live(main())


def test_it_answers_aloud_about_what_was_said_and_shown_minutes_ago(
    world: World, run_live: RunLive[None], browser: str, camera: Path, speak: Speak, tmp_path: Path
) -> None:
    async def main() -> None:
        clock = LaterClock()
        async with world.serving(clock=clock) as served, opened(browser, tmp_path, video=camera) as chrome:
            page = await LivePage.open(chrome, served.address, microphone=True)
            await page.start()
            await page.say(speak(SAID))
            await page.wait("utterance", where="e.text.includes('Berlin')")
            await page.wait("read", where=f"e.text.includes('{ANSWER_SHOWN}')")
            await page.wait("clip")
            await page.tab.evaluate("document.getElementById('blind').click()")  # it is not shown again
            await page.listen()
            ear = Ear(served.session((await page.wait("hello"))["session"]))
            clock.pass_s(MINUTES * 60)
            await ear.catches_up()
            await page.say(speak(ASKED))
            answer = await page.wait("answer")
            assert ANSWER in answer["text"]
            assert not answer["abstained"]
            proof = answer["evidence"][0]
            assert proof["modality"] == "said" and ANSWER in proof["text"]
            asked = await page.wait("utterance", where=f"e.t_start > {MINUTES * 60}")
            assert asked["t_start"] - proof["t_end"] > MINUTES * 60
            await page.wait("state", where=f"e.at > {answer['at']} && e.state === 'listening'")
            spoken = world.parts.transcriber.transcribe(await page.heard(), 0.0)
            # Of the sentence it quotes; the small listener takes a word for another now and then.
            recognised = set(re.findall(r"\w+", " ".join(utterance.text for utterance in spoken).lower()))
            assert len(recognised & {"conference", "takes", "place"}) >= 2, recognised

            await page.say(speak(ASKED_WHAT_WAS_SHOWN))
            answer = await page.wait("answer", 2)
            assert ANSWER_SHOWN in answer["text"]
            assert ANSWER_SHOWN in (await page.answers())[-1]
            chips = "[...document.querySelectorAll('#log .entry:last-child .chip.read')]"
            await page.tab.evaluate(f"{chips}.find((e) => e.innerText.includes('PARIS')).click()")
            await page.tab.until("document.getElementById('moment-picture').naturalWidth > 300")
            words = await page.tab.evaluate("document.getElementById('moment-words').innerText")
            assert ANSWER_SHOWN in words
            assert page.tab.problems == []

    run_live(main())


def test_it_is_silent_at_once_when_somebody_speaks(
    world: World, run_live: RunLive[None], browser: str, speak: Speak, tmp_path: Path
) -> None:
    async def main() -> None:
        async with world.serving() as served, opened(browser, tmp_path) as chrome:
            page = await LivePage.open(chrome, served.address, microphone=True)
            await page.start()
            ear = Ear(served.session((await page.wait("hello"))["session"]))
            await page.say(speak(SAID))
            await page.finds("conference")
            words = words_only(speak("Wait a moment please.", "en-us+f2"))
            turns = [await _interrupt(page, number, words) for number in range(1, INTERRUPTIONS + 1)]
            silences_s = ear.silences_s(turns, waits=False)
            shown = [[round(s, 3) for s in values] for values in (silences_s, ear.silences_s(turns))]
            assert percentile(silences_s, 95) < BARGE_IN_S, f"{shown[0]} without waiting, {shown[1]} with it"
            print(shown)
            for turn_id in turns:
                of_turn = f"events.filter((e) => e.turn === '{turn_id}').map((e) => e.type)"
                kinds = await page.tab.evaluate(of_turn)
                assert kinds.index("interrupted") == len(kinds) - 1
            assert page.tab.problems == []

    run_live(main())


async def _interrupt(page: LivePage, number: int, words: Samples) -> str:
    """Types a question and speaks into its answer; returns the turn."""
    await page.ask(ASKED)
    turn = await page.wait("turn", number, "e.typed")
    await page.wait("state", where=f"e.at > {turn['at']} && e.state === 'speaking'")
    await page.say(words)
    over = await page.wait("interrupted", where=f"e.turn === '{turn['turn']}'")
    await page.wait("state", where=f"e.at > {over['at']} && e.state === 'listening'")
    turn_id: str = turn["turn"]
    return turn_id


def test_two_people_see_nothing_of_each_other_and_a_third_is_told_that_it_is_full(
    world: World, run_live: RunLive[None], browser: str, speak: Speak, tmp_path: Path
) -> None:
    async def main() -> None:
        async with world.serving({"sessions": 2}) as served, opened(browser, tmp_path) as chrome:
            one, two, three = [await LivePage.open(chrome, served.address, microphone=True) for _ in range(3)]
            await one.start()
            await two.start("none")
            await one.say(speak(SAID))
            await one.wait("utterance")
            await one.finds("conference")
            await one.ask(ASKED)
            assert ANSWER in (await one.wait("answer"))["text"]
            await two.ask(ASKED)
            answer = await two.wait("answer")
            assert answer["abstained"] and answer["evidence"] == []
            kinds = {event["type"] for event in await two.tab.evaluate("events")}
            assert not kinds & {"utterance", "partial", "seen", "clip", "read"}
            await three.tab.evaluate("document.getElementById('start-button').click()")
            problem = await three.tab.until("document.getElementById('start-error').innerText")
            assert "full" in problem.lower()
            assert one.tab.problems == two.tab.problems == []

    run_live(main())


def test_who_was_cut_off_comes_back_to_the_same_session_and_memory(
    world: World, run_live: RunLive[None], browser: str, speak: Speak, tmp_path: Path
) -> None:
    """Once because the network is gone, which nobody says; once because the page is loaded again."""

    async def main() -> None:
        async with world.serving() as served, opened(browser, tmp_path) as chrome:
            page = await LivePage.open(chrome, served.address, microphone=True)
            await page.start()
            first = await page.wait("hello")
            await page.say(speak(SAID))
            heard = await page.wait("utterance")
            await page.finds("conference")
            served.cut(first["session"])
            again = await page.wait("hello", 2)
            assert again["resumed"] and again["session"] == first["session"]
            await page.ask(ASKED)
            answer = await page.wait("answer")
            assert ANSWER in answer["text"]
            assert heard["id"] in {proof["id"] for proof in answer["evidence"]}
            assert page.tab.problems == []

            await page.tab.reload()
            await page.start()
            again = await page.wait("hello")
            assert again["resumed"] and again["session"] == first["session"]
            await page.ask(ASKED)
            assert ANSWER in (await page.wait("answer"))["text"]
            assert page.tab.problems == []

    run_live(main())


def test_a_tab_that_is_closed_soon_costs_nothing(
    world: World, run_live: RunLive[None], browser: str, camera: Path, speak: Speak, tmp_path: Path
) -> None:
    async def main() -> None:
        async with world.serving() as served, opened(browser, tmp_path, video=camera) as chrome:
            kept: Any = None
            took_s: list[float] = []
            # The first one starts the threads that all share. A machine that is busy with something else gets more chances.
            while len(took_s) < 2 or (min(took_s) >= FREE_S and len(took_s) < 4):
                page = await LivePage.open(chrome, served.address, microphone=True)
                tasks, threads = without_requests(asyncio.all_tasks()), set(threading.enumerate())
                await page.start()
                kept = weakref.ref(served.session((await page.wait("hello"))["session"]))
                await page.say(speak(SAID))
                await page.wait("utterance")
                await page.ask(ASKED)
                await page.wait("delta")
                with Stopwatch() as watch:
                    await page.tab.close()
                    await served.empty()
                took_s.append(watch.seconds)
            assert min(took_s) < FREE_S, took_s
            left = asyncio.all_tasks() - tasks
            assert without_requests(left) == set()
            assert {
                t.name for t in set(threading.enumerate()) - threads if t.name.startswith("compute")
            } == set()
            gc.collect()
            assert kept() is None

    run_live(main())

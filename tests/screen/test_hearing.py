"""A real call: a sound server, real speech, a recorder with both ears, the commands and the page in a real browser."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.app.commandline import hearsight
from tests.app.live.chromium import chromium, program
from tests.conftest import require
from tests.screen.desktop import Desktop, Recordings, end, record, until
from tests.screen.soundserver import MICROPHONE, ROOM, SPEAKERS, SoundServer
from tests.screen.test_desktop import NEEDED, asked, figures_of, in_memory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.flaky(reruns=2)]

_ATTEMPTS, _PATIENCE_S = 4, 40.0
BUDGET = "My name is Anna and the budget for the harbor project is forty two thousand euros."
"""One sentence: two of a made-up voice are taken for two people's now and then."""
PROMISE = "Thank you. I will send you the drawings tomorrow morning."
BOTH = [MICROPHONE, f"{SPEAKERS}.monitor"]
WITHOUT_QUIET = ("screen.quiet_from=00:00", "screen.quiet_to=00:00")


@pytest.fixture(scope="module")
def recordings(weights: None, noon: None) -> Iterator[Recordings]:
    with closing(Recordings(recorded)) as kept:
        yield kept


@pytest.fixture
def memory(recordings: Recordings, request: pytest.FixtureRequest) -> Path:
    return recordings.of(request.node)


@contextmanager
def recorded() -> Iterator[Path]:
    """A memory in which a call was held. Its folder also has figures.json: what was seen meanwhile."""
    require(all(shutil.which(name) for name in NEEDED), f"{', '.join(NEEDED)} are not installed")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = folder / "memory"
        sound = SoundServer(stack, folder / "sound")
        desktop = Desktop(stack, folder)
        desktop.env |= {name: sound.env[name] for name in ("PULSE_SERVER", "XDG_RUNTIME_DIR")}
        desktop.terminal("Call with Anna", "56x8+4+4", "cat")
        desktop.type("Call with Anna", "the agenda of today")
        ears = ("screen.microphone=true", "screen.system_sound=true")
        recorder, address = record(stack, desktop, place, "engine.mode=off", *WITHOUT_QUIET, *ears)
        until(lambda: sound.recordings() == BOTH, "both ears")
        watch = "tell me when someone mentions the budget"
        promised = hearsight("screen", "watch", watch, "--memory", place)
        assert "budget" in promised.stdout, promised.stderr
        seen: dict[str, Any] = {}
        # The page shows what was said around the call's beginning: it is the user's own, however long the other one takes.
        say_until(sound, ROOM, place, PROMISE, "I will send you the drawings")
        say_until(sound, SPEAKERS, place, BUDGET, "budget for the")
        seen["status"] = hearsight("screen", "status", "--memory", place).stdout
        seen["tasks"] = hearsight("screen", "tasks", "--memory", place).stdout
        seen["timeline"] = hearsight("screen", "timeline", "--memory", place).stdout
        if (browser := program()) is not None:
            seen["page"] = asyncio.run(visit(browser, address, folder))
        hearsight("screen", "pause", "--memory", place)
        until(lambda: sound.recordings() == [], "the devices back")
        seen["paused"] = sound.recordings()
        seen["paused_status"] = hearsight("screen", "status", "--memory", place).stdout
        hearsight("screen", "resume", "--memory", place)
        until(lambda: sound.recordings() == BOTH, "both ears again")
        end(recorder)
        until(lambda: sound.recordings() == [], "the devices back at the end")
        seen["ended"] = sound.recordings()
        assert recorder.stdout is not None
        seen["told"] = recorder.stdout.read()
        (folder / "figures.json").write_text(json.dumps(seen))
        yield place


def say_until(sound: SoundServer, sink: str, place: Path, text: str, words: str) -> None:
    """Again, where it was misheard: whether Whisper knows a made-up voice is not what is tested here."""
    for attempt in range(_ATTEMPTS):
        sound.say(sink, text)
        try:
            until(lambda: in_memory(place, words), f"{words!r} in memory", _PATIENCE_S)
            return
        except AssertionError:
            if attempt == _ATTEMPTS - 1:
                raise


async def visit(browser: str, address: str, folder: Path) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    async with chromium(browser, folder / "profile") as chrome:
        tab = await chrome.open(address)
        await tab.until("!document.getElementById('hears').hidden")
        seen["hears"] = await tab.evaluate("document.getElementById('hears').innerText")
        seen["calls"] = await tab.until("document.getElementById('calls').innerText")
        await tab.evaluate("document.querySelector('#calls button').click()")
        seen["moment"] = await tab.until("document.getElementById('moment-words').innerText")
        seen["problems"] = tab.problems
    return seen


def test_what_another_said_is_answered_with_who_and_what_was_in_front(memory: Path) -> None:
    answer = asked(memory, "What did Anna say in the call about the budget?")
    assert "budget for the" in answer["answer"]
    assert "(heard through the loudspeakers at " in answer["answer"]
    assert "with Call with Anna in XTerm in front" in answer["answer"]
    assert answer["evidence"][0]["modality"] == "said"


def test_what_the_user_said_is_promised(memory: Path) -> None:
    answer = asked(memory, "What did I promise in the call?")["answer"]
    assert answer.startswith("You: “")
    assert "I will send you the drawings" in answer
    assert "I will send you the drawings" in figures_of(memory)["tasks"]


def test_what_was_not_said_is_not_heard(memory: Path) -> None:
    answer = asked(memory, "Did anybody mention a penguin in the call?")
    assert answer["abstained"]
    assert answer["answer"] == "I have not heard that."


def test_the_status_says_what_is_listened_to(memory: Path) -> None:
    seen = figures_of(memory)
    assert "microphone: listening; system sound: listening" in seen["status"]
    assert "microphone: closed; system sound: closed" in seen["paused_status"]


def test_a_pause_and_the_end_give_the_devices_back(memory: Path) -> None:
    seen = figures_of(memory)
    assert seen["paused"] == []
    assert seen["ended"] == []


def test_a_watch_is_told_of_words_and_the_timeline_of_the_call(memory: Path) -> None:
    seen = figures_of(memory)
    assert "budget" in seen["told"]
    assert "Call with Anna in XTerm (" in seen["timeline"].partition("  a call")[2]


def test_the_page_shows_that_it_hears(memory: Path) -> None:
    page = figures_of(memory).get("page")
    require(page is not None, "Chromium is not installed")
    assert page is not None
    assert page["hears"] == "Hearing: microphone, system sound"
    assert "a call" in page["calls"]
    assert "Call with Anna in XTerm" in page["calls"]
    assert "you: " in page["moment"]
    assert page["problems"] == []

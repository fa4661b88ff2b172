"""What is heard beside the screen, on virtual time: only while it is recorded, off the disk when it is forgotten, once."""

from __future__ import annotations

import asyncio
import shutil
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from memory.screen import ScreenMemory
from perception.audio.settings import AudioSettings
from perception.sources.pulse import EarName, PulseSound, Stamps
from runtime.app.screen.ear import CLOSED, LISTENING, Ear, HearingParts
from runtime.app.screen.ears import is_echo
from runtime.app.screen.retaining import retain
from runtime.app.screen.settings import ScreenSettings
from runtime.channel import Channel, Policy
from runtime.clock import VirtualClock
from runtime.errors import MediaError
from runtime.messages import AudioChunk, Observation, Samples, Watermark
from tests.conftest import Run
from tests.perception.scripted_ears import Language, Loudness, Scribe, quiet
from tests.screen.test_recorder import SETTINGS, WALL, Desk, recorded

_CHUNK_S = 0.256


class Room:
    """A source of sound that takes its time, as the real one: silence, unless somebody speaks. broken: why there is none."""

    def __init__(self, desk: Desk, language: Language) -> None:
        self._desk = desk
        self._language = language
        self._said: deque[Samples] = deque()
        self.broken = ""
        self.opened = 0
        self.is_open = False

    def say(self, text: str) -> None:
        sound = self._language.say(text)
        size = round(_CHUNK_S * 16_000)
        self._said.extend(
            np.pad(sound[at : at + size], (0, max(0, size - len(sound[at : at + size]))))
            for at in range(0, len(sound), size)
        )

    async def run(self, out: Channel[AudioChunk]) -> None:
        if self.broken:
            raise MediaError(self.broken)
        self.opened += 1
        self.is_open = True
        stamps = Stamps(self._desk.clock)
        try:
            while not self.broken:
                await self._desk.clock.sleep(_CHUNK_S)
                t_s = stamps.of(round(_CHUNK_S * 16_000))
                if t_s is None:
                    return
                await out.put(AudioChunk(t_s, self._said.popleft() if self._said else quiet(_CHUNK_S)))
            raise MediaError(self.broken)
        finally:
            self.is_open = False


class Hearing:
    """The ears of a desk, what is said into them, and what they report. Transcription is exact."""

    def __init__(self, *names: EarName) -> None:
        self.names = names
        self.language = Language()
        self.scribe = Scribe(self.language)
        self.rooms: dict[EarName, Room] = {}
        self.ears: dict[EarName, Ear] = {}
        self.reports: list[str] = []
        self.patience_s = 0.0
        """How long it takes to take up what was said."""

    def on(self, desk: Desk) -> None:
        async def take(name: EarName, item: Observation | Watermark) -> None:
            await desk.clock.sleep(self.patience_s)
            await desk.ears.take(name, item)

        for name in self.names:
            room = self.rooms[name] = Room(desk, self.language)
            parts = HearingParts(Loudness, self.scribe, None)
            ear = Ear(
                name, room.run, parts, AudioSettings(), 6.0, desk.compute, desk.clock, take, self.reports.append
            )  # fmt: skip
            self.ears[name] = ear
            desk.ears.add(ear)


async def heard(desk: Desk) -> list[Observation]:
    memory = ScreenMemory(desk.store)
    return await memory.heard(await memory.sources())


def test_what_is_said_is_in_memory_with_its_ear_its_time_and_what_was_in_front(
    tmp_path: Path, run_virtual: Run
) -> None:
    hearing = Hearing("microphone", "system")

    async def play(desk: Desk) -> None:
        await desk.show(30, "an agenda")
        desk.screen.title = "Call with Ben - Mousepad"
        await desk.show(30, "an agenda")
        hearing.rooms["system"].say("the budget is forty thousand")
        await desk.show(3)
        hearing.rooms["microphone"].say("then we can buy the pier")
        await desk.show(30)
        theirs, mine = await heard(desk)
        assert (theirs.text, theirs.details["ear"]) == ("the budget is forty thousand", "system")
        assert (mine.text, mine.details["ear"], mine.speaker) == (
            "then we can buy the pier", "microphone", "you",
        )  # fmt: skip
        assert theirs.details["document"] == "Call with Ben"
        assert 59.5 <= theirs.t_start_s <= 61.5
        assert 62.5 <= mine.t_start_s <= 64.5
        told = [wall - WALL for record, wall in desk.remembered if record.modality == "said"]
        assert all(at <= record.t_end_s + 1 for at, record in zip(told, (theirs, mine), strict=True))

    run_virtual(recorded(tmp_path / "m", play, prepare=hearing.on)())
    assert hearing.reports == ["microphone: listening", "system sound: listening"]


def test_a_pause_gives_the_microphone_back_and_what_was_said_before_is_kept(
    tmp_path: Path, run_virtual: Run
) -> None:
    hearing = Hearing("microphone")

    async def play(desk: Desk) -> None:
        room, ear = hearing.rooms["microphone"], hearing.ears["microphone"]
        await desk.show(10, "first")
        room.say("one two three")
        await desk.show(2)
        await desk.recorder.pause()
        assert not room.is_open
        assert ear.state == CLOSED
        room.say("a secret while it is paused")
        await desk.show(60, "unseen")
        assert [o.text for o in await heard(desk)] == ["one two three"]
        assert room.opened == 1
        room._said.clear()
        await desk.recorder.resume()
        await desk.show(10, "second")
        assert room.is_open
        assert ear.state == LISTENING
        room.say("four five six")
        await desk.show(20)
        assert [o.text for o in await heard(desk)] == ["one two three", "four five six"]

    run_virtual(recorded(tmp_path / "m", play, prepare=hearing.on)())


@pytest.mark.parametrize("silence_s", [2.0, 30.0])
def test_forgetting_takes_what_was_heard_off_the_disk_and_what_is_on_its_way(
    tmp_path: Path, run_virtual: Run, silence_s: float
) -> None:
    hearing = Hearing("microphone")

    async def play(desk: Desk) -> None:
        room = hearing.rooms["microphone"]
        await desk.show(300, "a line")
        room.say("keep this sentence")
        await desk.show(300)
        room.say("canary pelican")
        await desk.show(silence_s)
        await desk.recorder.forget(60)
        await desk.show(60)
        assert [o.text for o in await heard(desk)] == ["keep this sentence"]
        assert not desk.on_disk("pelican")

    run_virtual(recorded(tmp_path / "m", play, prepare=hearing.on)())


def test_what_was_heard_goes_with_age(tmp_path: Path, run_virtual: Run) -> None:
    hearing = Hearing("microphone")

    async def play(desk: Desk) -> None:
        await desk.show(10, "a line")
        hearing.rooms["microphone"].say("canary pelican")
        await desk.show(30)
        await desk.recorder.pause()
        assert desk.on_disk("pelican")
        await retain(desk.store, desk.writer, SETTINGS, WALL + 100 * 86400)
        assert await heard(desk) == []
        assert not desk.on_disk("pelican")

    run_virtual(recorded(tmp_path / "m", play, prepare=hearing.on)())


def test_a_secret_that_is_said_is_not_kept(tmp_path: Path, run_virtual: Run) -> None:
    hearing = Hearing("microphone")

    async def play(desk: Desk) -> None:
        await desk.show(10, "a line")
        hearing.rooms["microphone"].say("my card is 4111111111111111 until may")
        await desk.show(30)
        (record,) = await heard(desk)
        assert "my card is" in record.text
        assert not desk.on_disk("4111111111111111")

    run_virtual(recorded(tmp_path / "m", play, prepare=hearing.on)())


def test_a_microphone_that_is_away_is_told_once_and_taken_up_when_it_comes(
    tmp_path: Path, run_virtual: Run, caplog: pytest.LogCaptureFixture
) -> None:
    hearing = Hearing("microphone")

    async def play(desk: Desk) -> None:
        room = hearing.rooms["microphone"]
        room.broken = "there is none"
        await desk.show(600, "the screen goes on")
        assert await desk.texts() == ["notes.txt - Mousepad\nthe screen goes on"]
        assert hearing.ears["microphone"].state == "there is none"
        room.broken = ""
        await desk.show(60)
        room.say("now it is here")
        await desk.show(30)
        assert [o.text for o in await heard(desk)] == ["now it is here"]

    run_virtual(recorded(tmp_path / "m", play, prepare=hearing.on)())
    assert hearing.reports == ["microphone: there is none", "microphone: listening"]
    assert "there is none" not in caplog.text


def test_recognition_that_is_too_slow_delays_nobody_and_what_it_leaves_out_is_counted(
    tmp_path: Path, run_virtual: Run
) -> None:
    hearing = Hearing("microphone")
    hearing.patience_s = 120.0

    async def play(desk: Desk) -> None:
        await desk.show(10, "first")
        for n in range(20):
            hearing.rooms["microphone"].say(f"sentence number {n}")
            await desk.show(20, f"{chr(97 + n) * 6} was written")
        assert "notes.txt - Mousepad\ntttttt was written" in await desk.texts()
        assert hearing.ears["microphone"].state == LISTENING
        dropped = hearing.ears["microphone"].dropped
        assert dropped > 0
        assert desk.ears.states == [("microphone", f"listening, {dropped} chunks of sound left out")]
        assert desk.ears.listening == ["microphone"]

    run_virtual(recorded(tmp_path / "m", play, prepare=hearing.on)())


def test_a_full_disk_closes_the_microphone_until_there_is_room(
    tmp_path: Path, run_virtual: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"bytes": 10**12}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free["bytes"]))
    hearing = Hearing("microphone")

    async def play(desk: Desk) -> None:
        room = hearing.rooms["microphone"]
        await desk.show(20, "first")
        free["bytes"] = 10**6
        await desk.show(60, "unseen")
        assert not room.is_open
        free["bytes"] = 10**12
        await desk.show(20, "second")
        assert room.is_open

    run_virtual(recorded(tmp_path / "m", play, ScreenSettings(min_free_mb=100), prepare=hearing.on)())


def test_what_the_loudspeakers_say_into_the_microphone_is_heard_once(
    tmp_path: Path, run_virtual: Run
) -> None:
    hearing = Hearing("microphone", "system")

    async def play(desk: Desk) -> None:
        await desk.show(10, "a line")
        for room in hearing.rooms.values():
            room.say("the ferry leaves at nine from the old pier")
        await desk.show(10)
        hearing.rooms["microphone"].say("then I will be there at eight")
        await desk.show(30)
        said = [(o.text, o.details["ear"]) for o in await heard(desk)]
        assert said == [
            ("the ferry leaves at nine from the old pier", "system"),
            ("then I will be there at eight", "microphone"),
        ]

    run_virtual(recorded(tmp_path / "m", play, prepare=hearing.on)())


def test_words_are_an_echo_only_around_the_time_at_which_they_were_played() -> None:
    def said(text: str, t_s: float) -> Observation:
        return Observation(text, "", "said", text, t_s, t_s + 2.0, t_s + 2.0)

    played = [said("The ferry leaves at nine.", 100.0)]
    assert is_echo(said("a ferry leaves at nine", 100.5), played)
    assert not is_echo(said("a ferry leaves at nine", 120.0), played)
    assert not is_echo(said("I do not think so", 100.5), played)
    assert not is_echo(said("", 100.5), played)


def test_sound_that_was_read_late_at_first_is_not_taken_for_sound_of_the_future(run_virtual: Run) -> None:
    async def main() -> list[float]:
        clock, pipe = VirtualClock(WALL), asyncio.StreamReader()
        sound: Channel[AudioChunk] = Channel("sound", 100, Policy.DROP_OLDEST)
        recording: Any = SimpleNamespace(stdout=pipe)
        reading = asyncio.create_task(PulseSound("microphone", clock)._read(recording, sound))
        chunk = bytes(2 * round(_CHUNK_S * 16_000))
        await clock.sleep(3.5 * _CHUNK_S)
        pipe.feed_data(3 * chunk)  # the machine was busy: they had come one after the other
        await clock.sleep(0.5 * _CHUNK_S)
        for _ in range(4):
            pipe.feed_data(chunk)
            await clock.sleep(_CHUNK_S)
        reading.cancel()
        await asyncio.wait([reading])
        return [(await sound.get()).t_s - WALL for _ in range(7)]

    assert run_virtual(main()) == pytest.approx([n * _CHUNK_S for n in range(7)], abs=0.001)

"""Who speaks, in a live session: shown once it is known, corrected when more is, named by the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memory import Memory, MemoryWriter, People, Store
from perception.audio.settings import VoiceSettings
from runtime.app.live.protocol import ProtocolError
from runtime.app.live.voices import LiveVoices, Part
from runtime.channel import Channel, Policy
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.messages import Utterance, Watermark
from tests.conftest import Run
from tests.memory.world import SETTINGS, HashEncoder, source
from tests.perception.test_voices import Loudness, scene

ANA, BEN = 1, 2


class Page:
    """What a page is shown of who said what."""

    def __init__(self) -> None:
        self.lines: dict[str, str] = {}
        self.speakers: dict[str, str] = {}

    def __call__(self, kind: str, **fields: Any) -> None:
        if kind == "utterance":
            assert fields["speaker"] is None
            self.lines[fields["id"]] = fields["text"]
        else:
            assert kind == "speaker" and fields["id"] in self.lines
            self.speakers[fields["id"]] = fields["speaker"]

    def transcript(self) -> list[tuple[str | None, str]]:
        return [(self.speakers.get(i), text) for i, text in self.lines.items()]

    def id_of(self, text: str) -> str:
        return next(i for i, line in self.lines.items() if line == text)


class Session:
    """A live session's way from the words to the memory."""

    def __init__(self, store: Store, people: People, compute: Compute, voices: bool = True) -> None:
        self.page = Page()
        self._compute = compute
        encoder = Loudness() if voices else None
        self.voices = LiveVoices(
            encoder, people, compute, SystemClock(), VoiceSettings(), "live-1", self.page, lambda *_: False
        )
        settings = SETTINGS.model_copy(update={"said_commit_s": 0.001})
        about = source("live-1", has_video=False)
        self._writer = MemoryWriter(
            store, HashEncoder(), compute, settings, about, people=people, spoken=self.voices.committed
        )
        self._said = 0

    async def hear(self, *turns: tuple[tuple[str, int, float], ...]) -> None:
        """Every turn is a part of its own, of one or several voices; 100 s are between them."""
        parts: Channel[Part | Watermark] = Channel("parts", 64, Policy.BLOCK)
        to_write: Channel[Any] = Channel("to write", 64, Policy.BLOCK)
        for turn in turns:
            utterance, stretch = scene(*turn)
            shift = 100.0 * self._said
            moved = _moved(utterance, shift)
            await parts.put(Part(moved, stretch.samples, stretch.t_start_s + shift))
            await parts.put(Watermark("said", stretch.t_end_s + shift + 1.0))
            self._said += 1
        parts.close()
        await self.voices.run(parts, to_write)
        to_write.close()
        await self._writer.run(to_write)


def _moved(utterance: Utterance, by_s: float) -> Utterance:
    words = tuple(replace(w, t_start_s=w.t_start_s + by_s, t_end_s=w.t_end_s + by_s) for w in utterance.words)
    return replace(
        utterance, t_start_s=utterance.t_start_s + by_s, t_end_s=utterance.t_end_s + by_s, words=words
    )


def test_the_transcript_learns_who_speaks(tmp_path: Path, run_real: Run) -> None:
    async def main() -> None:
        compute = Compute()
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            people = await People.open(store, compute)
            session = Session(store, people, compute)
            await session.hear(
                (("Is the ferry late?", ANA, 2.0), ("Yes, by an hour.", BEN, 2.0)),
                (("Then let us walk over the bridge to the town.", ANA, 3.0),),
                (("My name is Ben, by the way.", BEN, 2.0),),
            )
            assert session.page.transcript() == [
                ("speaker 1", "Is the ferry late?"),
                ("Ben", "Yes, by an hour."),
                ("speaker 1", "Then let us walk over the bridge to the town."),
                ("Ben", "My name is Ben, by the way."),
            ]
            await session.voices.name(session.page.id_of("Is the ferry late?"), "Ana", 400.0)
            assert [who for who, _ in session.page.transcript()] == ["Ana", "Ben", "Ana", "Ben"]
            with pytest.raises(ProtocolError):
                await session.voices.name("no such line", "Ana", 400.0)
        await compute.close(5.0)

    run_real(main())


def test_what_the_page_says_is_known_to_later_questions_of_the_session(tmp_path: Path, run_real: Run) -> None:
    async def main() -> None:
        compute = Compute()
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            people = await People.open(store, compute)
            session = Session(store, people, compute)
            await session.hear((("The ferry is late again, so we have to wait.", ANA, 5.0),))
            await session.voices.name(next(iter(session.page.lines)), "Ana", 50.0)
            async with await Memory.open(store, HashEncoder(), settings=SETTINGS) as memory:
                before, after = [await memory.cast(t_s, ("live-1",)) for t_s in (49.0, 51.0)]
            assert before.speaker_of("p1").label == "speaker 1"
            assert after.speaker_of("p1").label == "Ana"
        await compute.close(5.0)

    run_real(main())


def test_without_an_encoder_the_words_go_through(tmp_path: Path, run_real: Run) -> None:
    async def main() -> int:
        compute = Compute()
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            people = await People.open(store, compute)
            session = Session(store, people, compute, voices=False)
            await session.hear((("The ferry is late.", ANA, 5.0),))
            assert session.page.transcript() == [(None, "The ferry is late.")]
            count = await store.count("observations")
        await compute.close(5.0)
        return count

    assert run_real(main()) == 1

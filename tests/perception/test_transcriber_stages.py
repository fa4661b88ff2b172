"""The two stages of hearing, with a scripted ear: same records whatever the chunks, and after a resume."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from perception.audio.settings import AudioSettings, GroupSettings
from perception.audio.stages import SpeechEvent, TranscribeStage, VadStage, observation_id
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.messages import (
    SAMPLE_RATE_HZ,
    AudioChunk,
    Observation,
    Samples,
    SpeechEnd,
    SpeechStart,
    Utterance,
    Watermark,
    Word,
)
from tests.conftest import Run
from tests.perception.scripted_ears import Loudness

SETTINGS = AudioSettings(group=GroupSettings(span_s=20))


class Lengths:
    """Says how long the sound is; fails on the calls it is told to."""

    name = "lengths"

    def __init__(self, failures: Sequence[int] = ()) -> None:
        self.calls = 0
        self.failures = set(failures)

    def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
        self.calls += 1
        if self.calls in self.failures:
            raise RuntimeError("out of luck")
        length_s = len(samples) / SAMPLE_RATE_HZ
        words = tuple(
            Word(f" s{i}", t_start_s + i, min(t_start_s + i + 1, t_start_s + length_s), 0.9)
            for i in range(math.ceil(length_s))
        )
        return (Utterance("", t_start_s, t_start_s + length_s, words, language="en"),)


class Doubtful(Lengths):
    """The same words, none of them sure; or only one other word."""

    def __init__(self, instead: str | None = None) -> None:
        super().__init__()
        self.instead = instead

    def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
        (heard,) = super().transcribe(samples, t_start_s)
        words = tuple(replace(w, probability=0.5) for w in heard.words)
        return (
            replace(heard, words=words if self.instead is None else (replace(words[0], text=self.instead),)),
        )


def sound(*loud: tuple[float, float], length_s: float) -> Samples:
    samples = np.zeros(round(length_s * SAMPLE_RATE_HZ), np.float32)
    for start_s, end_s in loud:
        samples[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)] = 0.3
    return samples


TALK = sound((1, 3), (5, 9), (15, 16), (40, 42), (58, 60), length_s=60)


def chunks(samples: Samples, size: int, t0: float = 0.0) -> list[AudioChunk]:
    return [AudioChunk(t0 + i / SAMPLE_RATE_HZ, samples[i : i + size]) for i in range(0, len(samples), size)]


async def hear(
    media: Sequence[AudioChunk],
    *,
    skip_before_s: float = -math.inf,
    whisper: Lengths | None = None,
    second: Lengths | None = None,
    ended: bool = True,
    vad: Loudness | None = None,
) -> tuple[list[SpeechEvent], list[Observation | Watermark]]:
    compute = Compute()
    audio = Channel[AudioChunk]("audio", 10_000, Policy.BLOCK)
    speech = Channel[SpeechEvent]("speech", 4, Policy.BLOCK)
    tee = Channel[SpeechEvent]("tee", 10_000, Policy.BLOCK)
    out = Channel[Observation | Watermark]("out", 10_000, Policy.BLOCK)
    ear = VadStage(compute, vad or Loudness(), SETTINGS, ended=lambda: ended)
    scribe = TranscribeStage(
        compute, whisper or Lengths(), SETTINGS, "film", second=second, skip_before_s=skip_before_s
    )
    for chunk in media:
        await audio.put(chunk)
    audio.close()
    events: list[SpeechEvent] = []

    async def listen() -> None:
        await ear.run(audio, speech)
        speech.close()

    async def copy() -> None:
        async for event in speech:
            events.append(event)
            await tee.put(event)
        tee.close()

    async def write() -> None:
        while True:
            try:
                return await scribe.run(tee, out)
            except RuntimeError:
                continue

    async with asyncio.TaskGroup() as tasks:
        for job in (listen(), copy(), write()):
            tasks.create_task(job)
    out.close()
    result = [item async for item in out]
    await compute.close(1)
    return events, result


def said(items: Sequence[Observation | Watermark]) -> list[Observation]:
    return [i for i in items if isinstance(i, Observation)]


def ends(events: Sequence[SpeechEvent]) -> list[tuple[float, float]]:
    return [(round(e.t_start_s, 1), round(e.t_end_s, 1)) for e in events if isinstance(e, SpeechEnd)]


def test_speech_becomes_observations(run_virtual: Run) -> None:
    events, items = run_virtual(hear(chunks(TALK, 8000)))
    assert ends(events) == [(0.8, 3.2), (4.8, 9.2), (14.8, 16.2), (39.8, 42.2), (57.8, 60.0)]
    observations = said(items)
    assert len(observations) == 5
    first = observations[0]
    assert (first.modality, first.source, first.known_at_s) == ("said", "film", first.t_end_s)
    assert first.details["language"] == "en"
    assert [w[0] for w in first.details["words"]] == first.text.split()
    assert first.id == observation_id("film", first.t_start_s, first.text)


@pytest.mark.parametrize("whisper", [Lengths(), Doubtful()], ids=["sure", "unsure"])
def test_what_a_second_transcriber_hears_is_another_reading(run_virtual: Run, whisper: Lengths) -> None:
    _, items = run_virtual(hear(chunks(TALK, 8000), whisper=whisper, second=Doubtful(" mango")))
    first = ["mango"] if isinstance(whisper, Doubtful) else []
    assert [o.details.get("alternatives", [])[:1] for o in said(items)] == [first] * 5


@pytest.mark.parametrize("size", [160, 511, 4096, 1_000_000])
def test_the_size_of_the_chunks_does_not_matter(run_virtual: Run, size: int) -> None:
    _, expected = run_virtual(hear(chunks(TALK, 8000)))
    _, items = run_virtual(hear(chunks(TALK, size)))
    assert said(items) == said(expected)


def test_marks_grow_and_never_pass_what_is_still_to_come(run_virtual: Run) -> None:
    events, items = run_virtual(hear(chunks(TALK, 8000)))
    for stream in (events, items):
        mark = -math.inf
        for item in stream:
            if isinstance(item, Watermark):
                assert item.t_s > mark
                mark = item.t_s
            elif isinstance(item, SpeechEnd | Observation):
                assert item.t_start_s >= mark
        assert mark == math.inf


def test_marks_come_during_silence(run_virtual: Run) -> None:
    events, items = run_virtual(hear(chunks(sound(length_s=30), 8000)))
    assert sum(isinstance(i, Watermark) for i in items) >= 15
    assert ends(events) == []


@pytest.mark.parametrize("skip_s", [3.2, 9.5, 17.0, 50.0])
def test_a_resumed_run_makes_the_same_observations(run_virtual: Run, skip_s: float) -> None:
    _, items = run_virtual(hear(chunks(TALK, 8000)))
    whisper = Lengths()
    _, resumed = run_virtual(hear(chunks(TALK, 8000), skip_before_s=skip_s, whisper=whisper))
    full, again = said(items), said(resumed)
    assert [o for o in again if o.t_end_s > skip_s] == [o for o in full if o.t_end_s > skip_s]
    assert {o.id for o in again} <= {o.id for o in full}
    assert [i for i in resumed if isinstance(i, Watermark)] == [i for i in items if isinstance(i, Watermark)]
    assert whisper.calls == (2 if skip_s < 16.2 else 1)


def test_a_drained_session_leaves_open_speech_to_the_next_run(run_virtual: Run) -> None:
    events, items = run_virtual(hear(chunks(TALK[: 41 * SAMPLE_RATE_HZ], 8000), ended=False))
    assert ends(events)[-1] == (14.8, 16.2)
    assert Watermark("said", math.inf) not in items
    _, full = run_virtual(hear(chunks(TALK, 8000)))
    assert said(items) == said(full)[: len(said(items))]


def test_a_crash_while_transcribing_loses_nothing(run_virtual: Run) -> None:
    _, expected = run_virtual(hear(chunks(TALK, 8000)))
    _, items = run_virtual(hear(chunks(TALK, 8000), whisper=Lengths(failures=[1, 3])))
    assert said(items) == said(expected)


def test_a_jump_in_time_begins_anew(run_virtual: Run) -> None:
    vad = Loudness()
    media = chunks(TALK[: 2 * SAMPLE_RATE_HZ], 8000) + chunks(TALK[: 10 * SAMPLE_RATE_HZ], 8000, t0=3600)
    events, items = run_virtual(hear(media, vad=vad))
    assert ends(events) == [(0.8, 2.0), (3600.8, 3603.2), (3604.8, 3609.2)]
    assert vad.resets == 2
    assert len(said(items)) == 3


def test_no_sound_at_all_is_heard_to_the_end(run_virtual: Run) -> None:
    _, items = run_virtual(hear([]))
    assert items == [Watermark("said", math.inf)]


def test_a_start_is_said_before_the_end(run_virtual: Run) -> None:
    events, _ = run_virtual(hear(chunks(TALK, 512)))
    kinds = [type(e) for e in events if not isinstance(e, Watermark)]
    assert kinds == [SpeechStart, SpeechEnd] * 5


def test_an_id_does_not_depend_on_case_and_punctuation() -> None:
    assert observation_id("a", 1.0, "Hello, World.") == observation_id("a", 1.0, "hello world")
    assert observation_id("a", 1.0, "x") != observation_id("b", 1.0, "x")
    assert observation_id("a", 1.0, "x") != observation_id("a", 1.001, "x")
    assert len(observation_id("a", 1.0, "x")) == 16

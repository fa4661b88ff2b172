"""Taking what is forgotten out of a recorded session: sound, pictures, what was shown of it and answered with it."""

from __future__ import annotations

import json
import os
import shutil
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from memory.forgetting import Forgetting, Selection
from memory.text import tokens
from runtime.app.live.recording import (
    EVENTS,
    HEADER_BYTES,
    PICTURES,
    SOUND,
    Event,
    private,
    read_about,
    read_events,
    span_of,
)
from runtime.errors import InputError
from runtime.messages import SAMPLE_RATE_HZ

MADE = "recordings"
"""Beside a memory: the folders of the sessions that were recorded with it, one a line."""
_LATE_S = 15.0
"""What is said or seen is shown, without a time of its own, up to this much later."""


@dataclass(frozen=True, slots=True)
class Cut:
    """spans: media seconds, both ends in; seen: those of which only the pictures go. mentions: ids and texts, folded;
    words: tokens. What has one of the mentions, or all of the words, goes wherever it stands.
    """

    spans: tuple[tuple[float, float], ...]
    seen: tuple[tuple[float, float], ...] = ()
    mentions: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sifted:
    """lines: those that stay. pictures: files that go. samples: of sound.wav, which stay (begin, end)."""

    lines: list[bytes]
    pictures: list[str]
    samples: list[tuple[int, int]]


def note_made(memory: Path, recording: Path) -> None:
    """The memory remembers that this session was recorded. Raises InputError."""
    try:
        with private(memory / MADE, "ab") as file:
            file.write(f"{recording.resolve()}\n".encode())
    except OSError as error:
        raise InputError(f"{memory / MADE}: {error.strerror or error}") from None


def made_with(memory: Path, sources: Iterable[str]) -> list[Path]:
    """The recordings of these sources (a session's folder has its name) that the memory knows of, gone or not."""
    try:
        lines = (memory / MADE).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    wanted = set(sources)
    return [path for path in map(Path, dict.fromkeys(lines)) if path.name in wanted]


def cut_of(found: Forgetting, selection: Selection, source: str) -> Cut:
    """What goes out of the recording of a source, with what is forgotten of it."""
    records = [record for record in found.records if record.source == source]
    spans = [(r.t_start_s, r.t_end_s) for r in records if r.modality == "said"]
    seen = [(r.t_start_s, r.t_end_s) for r in records if r.modality != "said"]
    if selection.spans:
        spans.append((selection.t_min_s, selection.t_max_s))
        seen = []
    return Cut(
        tuple(spans),
        tuple(seen),
        tuple(part for record in records for part in (record.id, _folded(record.text))),
        frozenset(tokens(selection.words)) if selection.words else frozenset(),
    )


def cut_recording(folder: Path, cut: Cut | None) -> None:
    """cut: None for all of it. Raises InputError: gone, or not to be read or written."""
    if not folder.is_dir():
        raise InputError(f"the recording {folder} is gone: nothing could be cut out of it")
    try:
        read_about(folder)
        if cut is None:
            shutil.rmtree(folder)
            return
        goes = _goes(read_events(folder), cut)
        sifted = sift((folder / EVENTS).read_bytes().splitlines(keepends=True), goes)
        for name in sifted.pictures:
            (folder / PICTURES / name).unlink(missing_ok=True)
        sound = _sound_without(folder, sifted.samples)
        events = (folder / EVENTS).with_suffix(".new")
        with private(events, "wb") as file:
            file.write(b"".join(sifted.lines))
        os.replace(sound, folder / SOUND)
        os.replace(events, folder / EVENTS)
    except OSError as error:
        raise InputError(f"the recording {folder} was not cut: {error.strerror or error}") from None


def sift(lines: Sequence[bytes], goes: Callable[[Event], bool]) -> Sifted:
    """lines: of events.jsonl; one that was cut off goes."""
    out = Sifted([], [], [])
    at = 0
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        begin, at = at, at + event.get("sound", 0)
        if not goes(event):
            out.lines.append(line)
            if at > begin:
                out.samples.append((begin, at))
        elif "picture" in event and "show" not in event:
            out.pictures.append(event["picture"])
    return out


def _goes(events: Sequence[Event], cut: Cut) -> Callable[[Event], bool]:
    def says(event: Event) -> bool:
        if not ("show" in event or "page" in event):
            return False
        text = " ".join(_texts(event))
        whole = _folded(text)
        return any(part in whole for part in cut.mentions if part) or (
            bool(cut.words) and cut.words <= set(tokens(text))
        )

    # A question and the pieces of its answer are one turn.
    turns = {event["turn"] for event in events if "turn" in event and says(event)}

    def goes(event: Event) -> bool:
        span = _span(event)
        late = _LATE_S if span is None and "turn" not in event else 0.0
        begin, end = span or (event["at"], event["at"])
        spans = cut.spans + cut.seen if "picture" in event and "show" not in event else cut.spans
        inside = any(begin <= to_s + late and end >= from_s for from_s, to_s in spans)
        timed = span is not None or "show" in event or "page" in event
        return (inside and timed) or event.get("turn") in turns or says(event)

    return goes


def _span(event: Event) -> tuple[float, float] | None:
    if "sound" in event and "show" not in event:
        return event["t"], event["t"] + event["sound"] / SAMPLE_RATE_HZ
    if "picture" in event and "show" not in event:
        return event["t"], event["t"]
    return span_of(event)


def _texts(value: object) -> Iterator[str]:
    """All strings in it, those of JSON in a string too: a page's messages are kept as they came."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value
        if value.startswith("{"):
            with suppress(ValueError):
                yield from _texts(json.loads(value))


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _sound_without(folder: Path, samples: Sequence[tuple[int, int]]) -> Path:
    """A new file of the samples that stay."""
    pcm = np.fromfile(folder / SOUND, "<i2", offset=HEADER_BYTES)
    path = (folder / SOUND).with_suffix(".new")
    with private(path, "wb") as file, wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes(b"".join(pcm[begin:end].tobytes() for begin, end in samples))
    return path

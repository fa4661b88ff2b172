"""Reading order, what counts as the same text, observations of a screen; and the real reader on drawn slides."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from perception.settings import ReadSettings, VideoSettings
from perception.vision.ocr import RapidTextReader, ReadStage, reading_order, same_line, same_screen
from perception.vision.sampling import Sampler
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.messages import Image, Observation, SampledFrame, VideoFrame, Watermark
from runtime.models import TextLine

from .media import slide

SETTINGS = ReadSettings()


def line(
    text: str, x0: float = 0.05, y0: float = 0.1, x1: float = 0.5, y1: float = 0.15, sure: float = 0.9
) -> TextLine:
    return TextLine(text, sure, (x0, y0, x1, y1))


# Order


def test_rows_from_top_to_bottom_pieces_from_left_to_right() -> None:
    pieces = [
        line("third", y0=0.5, y1=0.55),
        line("12 :", x0=0.21, x1=0.28, y0=0.305, y1=0.352),
        line("Room", x0=0.1, x1=0.2, y0=0.30, y1=0.35),
        line("first", y0=0.1, y1=0.15),
        line("Dr. Mbeki", x0=0.5, x1=0.7, y0=0.3, y1=0.35),
    ]
    assert [x.text for x in reading_order(pieces)] == ["first", "Room 12 :  Dr. Mbeki", "third"]
    assert reading_order(pieces)[1].box == (0.1, 0.30, 0.7, 0.352)


def test_columns_far_apart_stay_apart() -> None:
    pieces = [line("left", x0=0.0, x1=0.2), line("right", x0=0.7, x1=0.9)]
    assert [x.text for x in reading_order(pieces)] == ["left", "right"]


# Sameness


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Order 58213 : Rotterdam", "Order 58213: Rotterdam", True),
        ("error: missing header zlib", "eror: missing header zlib", True),
        ("Order 58213", "Order 58214", False),
        ("Project lead: Martin", "Project lead: Helena", False),
        ("closed on Monday", "closed on Sunday", False),
        ("closed", "closed today", False),
    ],
)
def test_reading_errors_and_other_lines(a: str, b: str, same: bool) -> None:
    assert same_line(a, b, SETTINGS.same_word) is same


def test_a_screen_that_gains_a_line_is_another_one() -> None:
    old = [line("Agenda"), line("1. Welcome")]
    assert same_screen(old, [line("agenda"), line("1 Welcome")], SETTINGS)
    assert not same_screen(old, [*old, line("2. Numbers")], SETTINGS)
    assert not same_screen(old, old[:1], SETTINGS)


# The stage


class ScriptedReader:
    """Reads the grey level of the picture's corner as a number into its script."""

    name = "scripted"

    def __init__(self, script: dict[int, Sequence[str]], sure: dict[int, float] | None = None) -> None:
        self._script = script
        self._sure = sure or {}
        self.calls = 0

    def read(self, image: Image) -> tuple[TextLine, ...]:
        self.calls += 1
        level = int(image[0, 0, 0])
        texts = self._script.get(level, ())
        return tuple(
            line(t, y0=0.1 + 0.1 * i, y1=0.15 + 0.1 * i, sure=self._sure.get(level, 0.9))
            for i, t in enumerate(texts)
        )


def frame(t_s: float, level: int, *, read: bool = False, chapter: int = 0) -> SampledFrame:
    return SampledFrame(VideoFrame(t_s, np.full((180, 320, 3), level, np.uint8)), chapter, 0.0, read)


def observe(
    reader: Any, frames: Sequence[SampledFrame], *, ended: bool = True
) -> tuple[list[Observation], list[float]]:
    """The observations, and the watermarks; each observation must come before its mark."""

    async def main() -> list[Observation | Watermark]:
        compute = Compute()
        inbox: Channel[SampledFrame] = Channel("frames", len(frames) + 1, Policy.BLOCK)
        outbox: Channel[Observation | Watermark] = Channel("out", 1000, Policy.BLOCK)
        for item in frames:
            await inbox.put(item)
        inbox.close()
        await ReadStage(compute, reader, "src", SETTINGS, ended=lambda: ended).run(inbox, outbox)
        outbox.close()
        await compute.close(1)
        return [item async for item in outbox]

    said = asyncio.run(main())
    reached = -math.inf
    for item in said:
        if isinstance(item, Watermark):
            reached = item.t_s
        else:
            assert item.t_start_s >= reached
    return [i for i in said if isinstance(i, Observation)], [i.t_s for i in said if isinstance(i, Watermark)]


A, B = ["Agenda", "1. Welcome"], ["Agenda", "1. Welcome", "2. Numbers"]


def test_a_text_spans_from_its_first_reading_until_it_is_gone() -> None:
    frames = [frame(1, 50), frame(2, 200, read=True), frame(6, 200), frame(8, 50), frame(9, 50)]
    (text,), marks = observe(ScriptedReader({200: A}), frames)
    assert (text.t_start_s, text.t_end_s, text.known_at_s) == (2, 8, 2)
    assert text.text == "Agenda\n1. Welcome"
    assert text.modality == "read"
    assert text.source == "src"
    assert [x["text"] for x in text.details["lines"]] == A
    assert text.details["keyframe_t"] == 2
    assert marks == [1, 2, 8, 9, math.inf]


def test_nothing_read_is_nothing_said() -> None:
    texts, marks = observe(ScriptedReader({}), [frame(1, 50, read=True), frame(2, 50)])
    assert texts == []
    assert marks == [1, 2, math.inf]


def test_the_same_text_read_again_is_one_observation_in_its_best_reading() -> None:
    reader = ScriptedReader(
        {200: ["missing haeder file"], 202: ["missing header file"]}, {200: 0.7, 202: 0.95}
    )
    (text,), _ = observe(reader, [frame(1, 200, read=True), frame(3, 202, read=True), frame(5, 202)])
    assert text.text == "missing header file"
    assert (text.t_start_s, text.known_at_s, text.t_end_s) == (1, 1, 5)
    assert text.confidence == pytest.approx(0.95)
    assert text.details["keyframe_t"] == 3


def test_a_new_line_supersedes_and_loses_nothing() -> None:
    texts, _ = observe(
        ScriptedReader({200: A, 202: B}), [frame(1, 200, read=True), frame(5, 202, read=True), frame(9, 202)]
    )
    assert [(t.text.count("\n") + 1, t.t_start_s, t.t_end_s) for t in texts] == [(2, 1, 5), (3, 5, 9)]


def test_no_text_crosses_a_chapter() -> None:
    frames = [
        frame(50, 200, read=True),
        frame(58, 200),
        frame(60, 200, chapter=1),
        frame(60.5, 200, read=True, chapter=1),
    ]
    texts, _ = observe(ScriptedReader({200: A}), frames)
    assert [(t.t_start_s, t.t_end_s) for t in texts] == [(50, 58), (60.5, 60.5)]
    assert texts[0].id != texts[1].id


def test_a_run_that_is_broken_off_leaves_the_open_text_to_the_next() -> None:
    frames = [frame(1, 200, read=True), frame(3, 200)]
    texts, marks = observe(ScriptedReader({200: A}), frames, ended=False)
    assert (texts, marks) == ([], [1])


def test_ids_are_the_same_in_every_run() -> None:
    frames = [frame(1, 200, read=True), frame(3, 200)]
    first, _ = observe(ScriptedReader({200: A}), frames)
    again, _ = observe(ScriptedReader({200: ["agenda", "1 welcome"]}), frames)
    assert first[0].id == again[0].id


# The real reader


@pytest.fixture(scope="module")
def reader() -> RapidTextReader:
    return RapidTextReader(SETTINGS)


@pytest.mark.slow
def test_reads_a_slide(reader: RapidTextReader) -> None:
    wanted = ["Shipping board", "Order 4711 : Oslo", "Order 4712 : Turin"]
    lines = reader.read(slide(wanted, scale=1.0))
    assert [x.text.replace(" :", ":") for x in lines] == [w.replace(" :", ":") for w in wanted]
    assert all(x.confidence > SETTINGS.min_confidence for x in lines)
    tops = [x.box[1] for x in lines]
    assert tops == sorted(tops)
    assert all(0 <= v <= 1 for x in lines for v in x.box)


@pytest.mark.slow
def test_reads_nothing_where_nothing_stands(reader: RapidTextReader) -> None:
    assert reader.read(np.full((360, 640, 3), 128, np.uint8)) == ()


@pytest.mark.slow
def test_from_pictures_to_observations(reader: RapidTextReader) -> None:
    """A slide between two plain stretches, through the real sampler and the real reader."""
    plain, shown = np.full((360, 640, 3), 90, np.uint8), slide(["Guest network", "key: amber 77"], scale=1.0)
    sampler = Sampler(VideoSettings())
    looks = [sampler.look(VideoFrame(i / 2, shown if 4 <= i / 2 < 10 else plain)) for i in range(30)]
    (text,), _ = observe(reader, [s for s in looks if s is not None])
    assert "amber 77" in text.text
    assert text.t_start_s == pytest.approx(4.5)
    assert text.t_end_s == pytest.approx(10, abs=0.6)

"""Which frames are sampled, and when text is asked for, on pictures drawn by the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np

from perception.settings import VideoSettings
from perception.vision.sampling import Sampler, SampleStage, small_gray, tile_difference
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.messages import SampledFrame, VideoFrame

from .media import slide

Picture = np.ndarray[Any, Any]
FPS = 2.0


def sample(picture: Callable[[float], Picture], until_s: float, from_s: float = 0.0) -> list[SampledFrame]:
    sampler = Sampler(VideoSettings())
    times = np.arange(from_s, until_s, 1 / FPS)
    looks = (sampler.look(VideoFrame(float(t), picture(float(t)))) for t in times)
    return [s for s in looks if s is not None]


def scenery(seed: int, size: tuple[int, int] = (640, 360)) -> Picture:
    """Smooth blobs: a picture without text."""
    import cv2

    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 215, (6, 10, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def reads(samples: list[SampledFrame]) -> list[float]:
    return [s.frame.t_s for s in samples if s.read]


def test_a_still_picture_is_sampled_every_four_seconds() -> None:
    still = scenery(1)
    assert [s.frame.t_s for s in sample(lambda t: still, 13)] == [0, 4, 8, 12]


def test_some_motion_is_sampled_every_second() -> None:
    def picture(t: float) -> Picture:
        image = scenery(1).copy()
        x = int(40 + 30 * t)
        image[100:180, x : x + 80] = 255
        return image

    samples = sample(picture, 5)
    assert [s.frame.t_s for s in samples] == [0, 1, 2, 3, 4]
    assert all(0 < s.change < 0.6 for s in samples[1:])


def test_a_picture_that_changes_altogether_is_sampled_at_every_look() -> None:
    assert [s.frame.t_s for s in sample(lambda t: scenery(int(t * 2)), 3)] == [0, 0.5, 1, 1.5, 2, 2.5]


def test_a_cut_after_a_still_picture_is_seen_at_once() -> None:
    samples = sample(lambda t: scenery(1 if t < 6.5 else 2), 8)
    assert [s.frame.t_s for s in samples][:3] == [0, 4, 6.5]
    assert samples[2].change > 0.9


def test_noise_is_not_change() -> None:
    still = scenery(3).astype(np.int16)
    rng = np.random.default_rng(0)

    def noisy(t: float) -> Picture:
        return np.clip(still + rng.normal(0, 3, still.shape), 0, 255).astype(np.uint8)

    assert [s.frame.t_s for s in sample(noisy, 9)] == [0, 4, 8]


def test_scenery_is_never_read() -> None:
    assert reads(sample(lambda t: scenery(int(t / 3)), 30)) == []


def test_a_slide_is_read_once_as_soon_as_it_has_settled() -> None:
    picture = slide(["Shipping board", "Order 4711 : Oslo", "Order 4712 : Turin"])
    samples = sample(lambda t: picture if t >= 3 else scenery(1), 20)
    assert reads(samples) == [3.5]


def test_a_text_shown_for_two_seconds_is_read() -> None:
    picture = slide(["Emergency number", "call 118 118"])
    samples = sample(lambda t: picture if 5 <= t < 7 else scenery(1), 12)
    assert reads(samples) == [5.5]


def chat(n: int, size: tuple[int, int] = (1280, 720)) -> Picture:
    return slide([f"{i}. this is what I said" for i in range(n)], size, scale=0.6)


def test_one_new_line_of_a_chat_is_read() -> None:
    difference = tile_difference(small_gray(chat(4)), small_gray(chat(5)))
    assert (difference > VideoSettings().tile_change).any()
    samples = sample(lambda t: chat(4 if t < 6 else 5), 12)
    assert reads(samples) == [0.5, 6.5]


def test_text_that_comes_back_is_read_again() -> None:
    picture = slide(["Harbour notice", "Ferry departs 16:40"])
    samples = sample(lambda t: picture if t < 4 or 9 <= t < 14 else scenery(1), 16)
    assert reads(samples) == [0.5, 9.5]


def test_moving_text_is_not_read_at_every_look() -> None:
    """A scrolling page: patience first, then now and then."""
    page = slide([f"line number {i} of a long page" for i in range(40)], (640, 2200))
    samples = sample(lambda t: page[int(40 * t) : int(40 * t) + 360], 12)
    assert len(reads(samples)) <= 4


def test_a_chapter_begins_as_if_nothing_had_been() -> None:
    """From the border on, the same samples with and without what went before: resume equals undisturbed."""

    def picture(t: float) -> Picture:
        return slide(["Agenda", f"topic {int(t / 7)}"]) if int(t / 10) % 2 else scenery(int(t / 4))

    whole = [s for s in sample(picture, 100) if s.frame.t_s >= 60]
    resumed = sample(picture, 100, from_s=60)
    assert [(s.frame.t_s, s.chapter, s.change, s.read) for s in whole] == [
        (s.frame.t_s, s.chapter, s.change, s.read) for s in resumed
    ]
    assert {s.chapter for s in whole} == {1}
    assert whole[0].change == 1.0


def test_another_picture_size_in_the_middle() -> None:
    samples = sample(lambda t: scenery(1, (640, 360) if t < 2 else (360, 640)), 4)
    assert 2.0 in [s.frame.t_s for s in samples]


def test_pictures_smaller_than_a_tile() -> None:
    assert sample(lambda t: np.full((8, 8, 3), 100, np.uint8), 2)[0].frame.t_s == 0


def test_the_stage_gives_each_frame_to_all_readers() -> None:
    async def main() -> tuple[list[SampledFrame], list[SampledFrame]]:
        compute = Compute()
        inbox: Channel[VideoFrame] = Channel("video", 16, Policy.BLOCK)
        a: Channel[SampledFrame] = Channel("a", 16, Policy.BLOCK)
        b: Channel[SampledFrame] = Channel("b", 16, Policy.BLOCK)
        for i in range(5):
            await inbox.put(VideoFrame(i / FPS, scenery(i)))
        inbox.close()
        await SampleStage(compute, VideoSettings()).run(inbox, (a, b))
        a.close()
        b.close()
        await compute.close(1)
        return [s async for s in a], [s async for s in b]

    first, second = asyncio.run(main())
    assert len(first) == 5
    assert all(x is y for x, y in zip(first, second, strict=True))

"""The reader of a browser's pictures: the newest, of any size, upright."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from perception.sources.webrtc import VideoTrackReader
from runtime.channel import Channel, Policy
from runtime.clock import VirtualClock, run_virtual
from runtime.compute import Compute
from runtime.messages import VideoFrame
from tests.conftest import Run, without_leaks
from tests.perception.media import shade, write_media
from tests.perception.tracks import Script, camera, picture, received


def watch(
    frames: Iterable[tuple[float, Any]], **options: Any
) -> tuple[list[VideoFrame], VideoTrackReader, list[float]]:
    """All frames, the reader, and when each frame came."""

    async def main() -> tuple[list[VideoFrame], VideoTrackReader, list[float]]:
        clock, compute = VirtualClock(), Compute()
        reader = VideoTrackReader(Script("video", clock, frames), clock, compute, **options)
        out: Channel[VideoFrame] = Channel("video", 1, Policy.LATEST, clock=clock)
        seen, came = await received(reader.run, out, clock)
        await compute.close(1)
        return seen, reader, came

    return run_virtual(without_leaks(main()))


def test_only_the_newest_is_converted_and_not_too_often() -> None:
    seen, reader, came = watch(camera(5.0), max_fps=2.0)
    assert len(seen) in (10, 11)
    assert all(after - before > 0.499 for before, after in pairwise(came))
    assert all(0 <= at - frame.t_s <= 1 / 30 + 1e-6 for frame, at in zip(seen, came, strict=True))
    for frame in seen:
        assert frame.image.mean() == pytest.approx(round(frame.t_s * 30), abs=2)
    stats = reader.stats
    assert (stats.received, stats.converted) == (150, len(seen))
    assert stats.dropped == 150 - len(seen)


def test_a_slow_camera_loses_nothing() -> None:
    seen, reader, _ = watch(camera(5.0, fps=1), max_fps=5.0)
    assert [frame.t_s for frame in seen] == pytest.approx([0, 1, 2, 3, 4])
    assert reader.stats.dropped == 0


@pytest.mark.parametrize(
    ("size", "shape"),
    [((639, 479), (479, 639)), ((1, 1), (1, 1)), ((1281, 7), (3, 640)), ((1080, 1920), (640, 360))],
)
def test_any_size(size: tuple[int, int], shape: tuple[int, int]) -> None:
    seen, _, _ = watch([(0.0, picture(100, size))], max_side=640)
    assert seen[0].image.shape == (*shape, 3)
    assert seen[0].image.dtype == np.uint8
    assert seen[0].image.mean() == pytest.approx(100, abs=2)


def test_the_size_may_change_at_any_frame() -> None:
    sizes = [(320, 240), (640, 360), (241, 135), (320, 240)]
    seen, _, _ = watch([(i * 1.0, picture(50 + i, size)) for i, size in enumerate(sizes)], max_fps=10)
    assert [(f.image.shape[1], f.image.shape[0]) for f in seen] == sizes


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_frames_are_turned_upright(tmp_path: Path, rotation: int) -> None:
    image = shade(40)
    image[:48, :80] = 220  # bright where it is top and left
    film = write_media(tmp_path / "f.mp4", [(0.0, image), (0.04, image)], rotation=rotation)
    with av.open(str(film)) as container:
        frame = next(container.decode(video=0))
    seen, _, _ = watch([(0.0, frame)])
    upright = np.rot90(image, round(frame.rotation / 90) % 4)
    assert seen[0].image.shape == upright.shape
    assert np.abs(seen[0].image.astype(int) - upright).mean() < 6


def test_a_viewer_that_stands_still_costs_one_frame(run_virtual: Run) -> None:
    """10,000 pictures of a quarter of a megabyte."""

    async def main() -> tuple[VideoTrackReader, Channel[VideoFrame]]:
        clock, compute = VirtualClock(), Compute()
        frames = ((i / 30, av.VideoFrame(512, 340, "yuv420p")) for i in range(10_000))
        reader = VideoTrackReader(Script("video", clock, frames), clock, compute)
        out: Channel[VideoFrame] = Channel("video", 1, Policy.LATEST, clock=clock)
        await reader.run(out)
        await compute.close(1)
        return reader, out

    process = psutil.Process(os.getpid())
    before = process.memory_info().rss
    reader, out = run_virtual(main())
    assert reader.stats.received == 10_000
    assert reader.stats.dropped == 10_000 - reader.stats.converted
    assert out.depth == 1
    assert process.memory_info().rss - before < 100 << 20

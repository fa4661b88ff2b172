"""The benchmark's own video is what it says it is."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from perception.sources.file import FileSource
from tests.bench.bench_ingest import CLIP, looped


def test_the_clip_is_repeated_until_it_is_long_enough(tmp_path: Path) -> None:
    clip = FileSource(CLIP).probe()
    video = FileSource(looped(CLIP, 2.5, tmp_path / "looped.mp4")).probe()
    assert clip.duration_s is not None
    assert video.duration_s == pytest.approx(3 * clip.duration_s, abs=0.5)
    with av.open(str(video.path)) as container:
        times = [float(f.pts * f.time_base) for f in container.decode(video=0)]
    assert times == sorted(times)
    assert len(times) == 3 * 929

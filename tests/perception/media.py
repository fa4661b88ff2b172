"""Tiny videos made by code, so that every test knows exactly what is in its file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

RATE_HZ = 16_000
MS = Fraction(1, 1000)


def shade(value: int, size: tuple[int, int] = (160, 96)) -> np.ndarray[Any, Any]:
    """A plain picture whose grey level tells which one it is. size: (width, height)."""
    return np.full((size[1], size[0], 3), value, np.uint8)


def slide(
    lines: Sequence[str], size: tuple[int, int] = (640, 360), scale: float = 0.8
) -> np.ndarray[Any, Any]:
    picture = np.full((size[1], size[0], 3), 248, np.uint8)
    for i, line in enumerate(lines):
        cv2.putText(
            picture, line, (30, 60 + 50 * i), cv2.FONT_HERSHEY_SIMPLEX, scale, (20, 20, 30), 2, cv2.LINE_AA
        )
    return picture


def tone(seconds: float, hz: float = 440.0, rate_hz: int = RATE_HZ) -> np.ndarray[Any, Any]:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def write_media(
    path: Path,
    pictures: Iterable[tuple[float, np.ndarray[Any, Any]]] = (),
    sounds: Iterable[tuple[float, np.ndarray[Any, Any]]] = (),
    *,
    codec: str = "libx264",
    key_every: int = 12,
    rotation: int = 0,
    rate_hz: int = RATE_HZ,
    offset_s: float = 0.0,
) -> Path:
    """pictures, sounds: (time in seconds, picture or mono samples), each in order; any spacing, gaps included.

    offset_s is added to all times. Sound is kept as it is (PCM or, in MP4, FLAC), so that samples can be checked.
    """
    pictures, sounds = list(pictures), list(sounds)
    with av.open(str(path), "w") as out:
        video: Any = None
        audio: Any = None
        if pictures:
            video = out.add_stream(codec, rate=25)
            video.height, video.width = pictures[0][1].shape[:2]
            video.pix_fmt = "yuv420p"
            video.codec_context.time_base = MS
            video.codec_context.gop_size = key_every
            if codec == "libx264":
                video.options = {"preset": "ultrafast", "crf": "18", "sc_threshold": "0", "bf": "2"}
            if rotation:
                video.set_display_rotation(rotation)
        if sounds:
            audio = out.add_stream("flac" if path.suffix == ".mp4" else "pcm_s16le", rate=rate_hz)
            audio.codec_context.layout = "mono"
        queue = [(t, "v", p) for t, p in pictures] + [(t, "a", s) for t, s in sounds]
        for t_s, kind, content in sorted(queue, key=lambda entry: entry[0]):
            if kind == "v":
                frame: Any = av.VideoFrame.from_ndarray(np.ascontiguousarray(content), format="rgb24")
                frame.pts, frame.time_base = round((t_s + offset_s) * 1000), MS
                out.mux(video.encode(frame))
            else:
                whole = (content * 32767).astype(np.int16)
                for start in range(0, len(whole), 1024):
                    block = whole[None, start : start + 1024]
                    frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
                    frame.sample_rate, frame.time_base = rate_hz, Fraction(1, rate_hz)
                    frame.pts = round((t_s + offset_s) * rate_hz) + start
                    out.mux(audio.encode(frame))
        for stream in (video, audio):
            if stream is not None:
                out.mux(stream.encode(None))
    return path

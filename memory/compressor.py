"""Short to long: a chapter's frames become clips (IXC2.5-OmniLive, arXiv 2412.09596, section 3.2).

A pause in speech does not close a clip: vision and speech arrive on their own time, so whether a pause was
known when the frames came would depend on the machine, and a resumed run could not repeat it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from memory.face_tracks import tracks_of
from memory.settings import MemorySettings
from runtime.messages import Clip, FrameFeature, Observation, Vector

_SPANS_S = (0.1, 4.0)
"""A frame's weight in its clip's mean is the time until the next, within these bounds."""


def clips_of_chapter(
    source: str, frames: Sequence[FrameFeature], end_s: float, settings: MemorySettings
) -> list[Clip]:
    """Cuts one chapter's frames (in order of time) into clips of clip_min_s to clip_max_s.

    A function of the chapter alone, so a resumed run makes the same clips. end_s: the chapter's end, or the
    video's where that is earlier. The last clip of a chapter may be shorter than clip_min_s.
    """
    groups: list[tuple[list[FrameFeature], float]] = []
    current: list[FrameFeature] = []
    running = np.zeros(0, np.float32)
    born = 0.0
    for frame in frames:
        if current:
            span = frame.t_s - current[0].t_s
            surprise = 1.0 - float(np.dot(frame.appearance, unit(running)))
            if span >= settings.clip_max_s or (span >= settings.clip_min_s and surprise > settings.surprise):
                groups.append((current, born))
                current, born = [], surprise
        running = frame.appearance.copy() if not current else running + frame.appearance
        current.append(frame)
    if not current:
        return []
    groups.append((current, born))
    ends = [group[0].t_s for group, _ in groups[1:]] + [end_s]
    return [
        _clip(source, group, min(end, group[-1].t_s + settings.clip_max_s), surprise, settings)
        for (group, surprise), end in zip(groups, ends, strict=True)
    ]


def seen_in(clip: Clip, settings: MemorySettings) -> Observation | None:
    """What the tags say was seen, as a record that words can find. None when no tag is probable enough."""
    tags = [(n, p) for n, p in clip.tags[: settings.seen_tags] if p >= settings.seen_probability]
    if not tags:
        return None
    return Observation(
        id=f"{clip.id}/seen",
        source=clip.source,
        modality="seen",
        text=", ".join(name for name, _ in tags),
        t_start_s=clip.t_start_s,
        t_end_s=clip.t_end_s,
        known_at_s=clip.known_s,
        confidence=float(tags[0][1]),
        details={"clip": clip.id, "tags": [[name, round(float(p), 4)] for name, p in tags]},
    )


def pooled(patches: Sequence[NDArray[np.float16]], tokens: int) -> NDArray[np.float16] | None:
    """Short-term memory H: (frames, p, d) averaged over time and a square grid of space to at most `tokens`.

    Returns (steps, cells, d) float16, finest space first with at least two steps in time; None when tokens <
    1.
    """
    if tokens < 1:
        return None
    stack = np.stack([np.asarray(p, np.float32) for p in patches])
    frames, count, _ = stack.shape
    side = isqrt(count)
    grid = 1
    for cells in (4, 3, 2):
        if side * side == count and cells <= side and tokens // cells**2 >= min(2, frames):
            grid = cells
            break
    steps = min(frames, tokens // grid**2)
    timed = np.stack([part.mean(axis=0) for part in np.array_split(stack, steps)])
    if grid == 1:
        whole: NDArray[np.float16] = timed.mean(axis=1, keepdims=True).astype(np.float16)
        return whole
    square = timed.reshape(steps, side, side, -1)
    rows = [band.mean(axis=1) for band in np.array_split(square, grid, axis=1)]
    cells_ = [cell.mean(axis=1) for row in rows for cell in np.array_split(row, grid, axis=1)]
    pooled_: NDArray[np.float16] = np.stack(cells_, axis=1).astype(np.float16)
    return pooled_


def unit(vector: NDArray[np.float32]) -> Vector:
    """The vector at length 1; zero stays zero."""
    length = float(np.linalg.norm(vector))
    return (vector / length if length > 0 else vector).astype(np.float32)


def _clip(
    source: str, frames: list[FrameFeature], end_s: float, surprise: float, settings: MemorySettings
) -> Clip:
    start = frames[0].t_s
    end_s = max(end_s, frames[-1].t_s)
    times = np.array([f.t_s for f in frames] + [end_s])
    weights = np.clip(np.diff(times), *_SPANS_S).astype(np.float32)
    weights /= weights.sum()
    vector = unit(weights @ np.stack([f.vector for f in frames]))
    appearance = unit(weights @ np.stack([f.appearance for f in frames]))
    nearest = max(range(len(frames)), key=lambda i: (float(frames[i].appearance @ appearance), -i))
    patches = [f.patches for f in frames if f.patches is not None]
    short_term = None
    if len(patches) == len(frames):
        share = settings.short_term_bytes_per_hour * max(end_s - start, 0.0) / 3600.0
        short_term = pooled(patches, int(share // (2 * patches[0].shape[1])))
    return Clip(
        id=f"{source}/clip/{round(start * 1000):010d}",
        source=source,
        t_start_s=start,
        t_end_s=end_s,
        vector=vector,
        appearance=appearance,
        short_term=short_term,
        tags=_mean_tags(frames, weights, settings.tags),
        surprise=surprise,
        frames=len(frames),
        keyframe=frames[nearest].thumbnail,
        keyframe_t_s=frames[nearest].t_s,
        faces=tracks_of(frames, end_s, settings.faces),
    )


def _mean_tags(
    frames: list[FrameFeature], weights: NDArray[np.float32], limit: int
) -> tuple[tuple[str, float], ...]:
    total: dict[str, float] = {}
    for frame, weight in zip(frames, weights, strict=True):
        for name, probability in frame.tags:
            total[name] = total.get(name, 0.0) + float(weight) * probability
    return tuple(sorted(total.items(), key=lambda item: (-item[1], item[0]))[:limit])

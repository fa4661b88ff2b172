"""The faces of a clip's frames, each followed through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from memory.settings import FaceMatchSettings
from runtime.messages import Face, FaceTrack, FrameFeature, Vector


@dataclass(slots=True)
class _Open:
    """A face that is followed. end_s: the first look that no longer shows it, None so far."""

    seen: list[tuple[float, Face]] = field(default_factory=list)
    end_s: float | None = None

    @property
    def mean(self) -> Vector:
        total = np.sum([max(face.quality, 1e-3) * face.vector for _, face in self.seen], axis=0)
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), np.float32)


def tracks_of(
    frames: Sequence[FrameFeature], end_s: float, settings: FaceMatchSettings
) -> tuple[FaceTrack, ...]:
    """A function of the clip's frames alone, in order of their first look. end_s: the clip's end.

    A face goes to the track that it is most like, from settings.same on; faces of one picture are of different people.
    """
    followed: list[_Open] = []
    for frame in frames:
        if frame.faces is None:
            continue
        here: set[int] = set()
        for face in frame.faces:
            scores = [(float(o.mean @ face.vector), -i) for i, o in enumerate(followed) if i not in here]
            score, number = max(scores, default=(-1.0, 0))
            if score < settings.same:
                number = -len(followed)
                followed.append(_Open())
            here.add(-number)
            followed[-number].seen.append((frame.t_s, face))
            followed[-number].end_s = None
        for i, one in enumerate(followed):
            if i not in here and one.end_s is None:
                one.end_s = frame.t_s
    return tuple(_track(one, end_s) for one in followed)


def _track(one: _Open, end_s: float) -> FaceTrack:
    best_s, best = max(one.seen, key=lambda seen: (seen[1].quality, -seen[0]))
    return FaceTrack(
        t_start_s=one.seen[0][0],
        t_end_s=one.end_s if one.end_s is not None else max(end_s, one.seen[-1][0]),
        t_s=best_s,
        looks=len(one.seen),
        quality=best.quality,
        vector=one.mean,
        model=best.model,
    )

"""What stands on the screen while nobody has the time to read it: one picture for each page that was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from perception.screen.change import Gray, differs
from runtime.messages import ScreenFrame

_ANOTHER = 0.02  # of a monitor's tiles: a new line is less, another page more
_STOOD_S = 0.2


@dataclass(slots=True)
class Stand:
    """One page on one monitor. frame: as it was looked at last, at until_s."""

    frame: ScreenFrame
    gray: Gray
    since_s: float
    until_s: float

    @property
    def stood(self) -> bool:
        """Long enough to be read, not just passing by."""
        return self.lasted_s >= _STOOD_S

    @property
    def lasted_s(self) -> float:
        return self.until_s - self.since_s

    @property
    def frames(self) -> list[ScreenFrame]:
        """As looks at it: when it appeared and, if it stood, when it was last there."""
        times = (self.since_s, self.until_s) if self.stood else (self.since_s,)
        return [replace(self.frame, t_s=t_s) for t_s in times]


class Stands:
    """Of all monitors. Blocking: for one thread. Times in media seconds."""

    def __init__(self) -> None:
        self._now: dict[int, Stand] = {}

    def look(self, frames: Sequence[ScreenFrame], t_s: float) -> list[Stand]:
        """frames: of the monitors that have changed since the last look. Returns what has stood for a while, and is gone."""
        over = []
        new = {frame.monitor: frame for frame in frames}
        for number, stand in self._now.items():
            if number not in new:
                stand.until_s = t_s
        for number, frame in new.items():
            gray = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), np.uint8)
            before = self._now.get(number)
            if before is not None and _same_page(before.gray, gray):
                before.frame, before.gray, before.until_s = frame, gray, t_s
                continue
            if before is not None and before.stood:
                over.append(before)
            self._now[number] = Stand(frame, gray, t_s, t_s)
        return over

    def take(self) -> list[Stand]:
        """What stands there now. The next look begins anew."""
        now, self._now = list(self._now.values()), {}
        return now


def _same_page(a: Gray, b: Gray) -> bool:
    return a.shape == b.shape and float(differs(a, b).mean()) <= _ANOTHER

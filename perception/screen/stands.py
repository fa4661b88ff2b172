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
_READABLE_S = 0.6  # between a look before a page and one after it: what stands that long is to be read


@dataclass(slots=True)
class Stand:
    """One page on one monitor. frame: as it was looked at last, at until_s. given_s: until then it was handed on."""

    frame: ScreenFrame
    gray: Gray
    since_s: float
    until_s: float
    given_s: float | None = None

    @property
    def stood(self) -> bool:
        """Long enough to be read, not just passing by."""
        return self.lasted_s >= _STOOD_S

    @property
    def lasted_s(self) -> float:
        return self.until_s - self.since_s

    @property
    def frames(self) -> list[ScreenFrame]:
        """Looks at it that were not handed on yet: when it appeared and, if it stood, when it was last there."""
        times = [] if self.given_s is not None else [self.since_s]
        if self.stood and (self.given_s is None or self.given_s - self.since_s < _STOOD_S):
            times.append(self.until_s)
        return [replace(self.frame, t_s=t_s) for t_s in times]


class Stands:
    """Of all monitors. Blocking: for one thread. Times in media seconds. missed: pages that were gone at the second look,
    which came so late that they may well have stood. turned: how often another page was seen.
    """

    def __init__(self) -> None:
        self._now: dict[int, Stand] = {}
        self._looked_s: float | None = None
        self._before_s: float | None = None
        self.missed = self.turned = 0

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
            same = before is not None and _same_page(before.gray, gray)
            if before is not None and same and before.given_s is None:
                before.frame, before.gray, before.until_s = frame, gray, t_s
                continue
            if before is not None and not same:
                self.turned += 1
                if before.stood and before.frames:
                    over.append(before)
                elif not before.stood and self._before_s is not None:
                    self.missed += t_s - self._before_s > _READABLE_S
            self._now[number] = Stand(frame, gray, t_s, t_s)
        self._before_s, self._looked_s = self._looked_s, t_s
        return over

    def take(self) -> list[Stand]:
        """What stands there now, as far as it was not taken yet."""
        taken = []
        for stand in self._now.values():
            if stand.frames:
                taken.append(replace(stand))
                stand.given_s = stand.until_s
        return taken

    def clear(self) -> None:
        """The next look begins anew."""
        self._now.clear()
        self._looked_s = self._before_s = None


def _same_page(a: Gray, b: Gray) -> bool:
    return a.shape == b.shape and float(differs(a, b).mean()) <= _ANOTHER

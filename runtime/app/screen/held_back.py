"""Whether something that was forgotten may still stand on the screen: after a restart it must not be taken up as new.

An empty file in the memory's folder says so. It tells nothing of what was forgotten: a fingerprint would let whoever has the
disk try out guesses.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path

import psutil

_NAME = "forgotten"
_EVERY_S = 60.0


class HeldBack:
    """there: something may. Times in seconds of a clock that only goes on."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / _NAME if folder is not None else None
        self._checked_s = -inf
        self.there = self._left_over()

    def note(self) -> None:
        """Something is forgotten. A disk on which that cannot be noted is no reason not to forget it."""
        self.there = True
        if self._path is not None:
            with suppress(OSError):
                self._path.touch(mode=0o600)

    def check(self, stands: Callable[[], bool], now_s: float) -> None:
        """Asks now and then whether it still may, and notes it."""
        if not self.there or now_s - self._checked_s < _EVERY_S:
            return
        self._checked_s = now_s
        if stands():
            self.note()
            return
        self.there = False
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _left_over(self) -> bool:
        """By an earlier run. What stood on the screen before the machine was started does not stand there any more."""
        try:
            return self._path is not None and self._path.stat().st_mtime >= psutil.boot_time()
        except OSError:
            return False

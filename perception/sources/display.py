"""Looks at the screen: a picture of every monitor, what is private blacked out, and the windows on it."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

import cv2
import numpy as np

from perception.screen.privacy import Exclusions, blacked_out
from perception.sources.x11 import X11Windows
from runtime.errors import MediaError
from runtime.messages import Image, ScreenFrame, ScreenWindow

WAYLAND = (
    "this is a Wayland session, in which a program may neither see the screen nor the windows on it, so nothing could be "
    "blacked out: log in to an X11 session to record, or take screenshots into a folder (hearsight screen --folder)"
)
NO_WINDOWS = (
    "this platform does not tell which windows are on the screen, so excluded ones cannot be blacked out: "
    "--set screen.without_windows=true records all the same"
)
_MONITORS_EVERY_S = 10.0


class Windows(Protocol):
    def windows(self) -> list[ScreenWindow]: ...
    def close(self) -> None: ...


class Display:
    """All monitors, each with its own number. Blocking, for one thread."""

    def __init__(self, exclusions: Exclusions, without_windows: bool = False) -> None:
        """Raises MediaError: no display, Wayland, or a platform that does not tell its windows."""
        self._exclusions = exclusions
        self._windows: Windows | None = None
        if sys.platform.startswith("linux"):
            if os.environ.get("WAYLAND_DISPLAY") or os.environ.get("XDG_SESSION_TYPE") == "wayland":
                raise MediaError(WAYLAND)
            if not os.environ.get("DISPLAY"):
                raise MediaError("there is no display: $DISPLAY is not set")
            self._windows = X11Windows()
        elif not without_windows:
            raise MediaError(NO_WINDOWS)
        try:
            self._screen = _capture()
        except MediaError:
            self._close_windows()
            raise
        self._listed_s = 0.0
        self._marks: list[int] = []
        self._last: dict[int, tuple[int, tuple[ScreenWindow, ...]]] = {}

    def close(self) -> None:
        """A second time does nothing."""
        screen, self._screen = self._screen, None
        if screen is not None:
            _release(screen)
            self._close_windows()

    def look(self, t_s: float) -> list[ScreenFrame]:
        """A frame of each monitor that is not the same as at the last look, pixel by pixel.

        Raises MediaError, also when a monitor has come, gone or changed: then the display is to be opened again.
        """
        self._same_monitors(t_s)
        try:
            monitors = self._screen.monitors[1:]
            # A screen that stands still costs one picture: nobody is asked about windows.
            marks = [zlib.crc32(self._screen.grab(monitor).raw) for monitor in monitors]
            if marks == self._marks:
                return []
            before = self._windows.windows() if self._windows is not None else []
            shots = [self._screen.grab(monitor) for monitor in monitors]
            after = self._windows.windows() if self._windows is not None else []
        except MediaError:
            raise
        except Exception as error:  # mss raises errors of each platform's own, ctypes and struct theirs
            reason = " ".join(str(error).split()) or "the display does not answer"
            raise MediaError(f"the screen cannot be captured: {reason}") from None
        self._marks = [zlib.crc32(shot.raw) for shot in shots]
        frames = []
        for number, (monitor, shot) in enumerate(zip(monitors, shots, strict=True)):
            place = (monitor["left"], monitor["top"])
            frame = self._frame(t_s, number, shot, _moved(before, place), _moved(after, place))
            if frame is not None:
                frames.append(frame)
        return frames

    def _same_monitors(self, t_s: float) -> None:
        """mss lists them once; whether they are the same is seen in another list now and then."""
        if abs(t_s - self._listed_s) < _MONITORS_EVERY_S:
            return
        self._listed_s = t_s
        fresh = _capture()
        before, self._screen = self._screen, fresh
        same = before.monitors == fresh.monitors
        _release(before)
        if not same:
            raise MediaError("the monitors have changed")

    def _frame(
        self, t_s: float, number: int, shot: Any, before: list[ScreenWindow], after: list[ScreenWindow]
    ) -> ScreenFrame | None:
        state = (self._marks[number], tuple(after))
        if self._last.get(number) == state:
            return None
        self._last[number] = state
        pixels = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
        image: Image = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), np.uint8)
        if self._windows is None:
            return ScreenFrame(t_s, image, number, None)
        image, windows = blacked_out(image, before, after, self._exclusions)
        return ScreenFrame(t_s, image, number, windows)

    def _close_windows(self) -> None:
        if self._windows is not None:
            self._windows.close()


def _release(screen: Any) -> None:
    """Of a connection that was lost mss raises after it has freed it: closed once more, it would be freed twice."""
    with suppress(Exception):
        screen.close()


def _capture() -> Any:
    """An mss.MSS that has listed the monitors. Raises MediaError."""
    import mss

    try:
        screen = mss.MSS()
        if len(screen.monitors) < 2:
            _release(screen)
            raise MediaError("the display has no monitor")
    except MediaError:
        raise
    except Exception as error:  # mss raises errors of each platform's own, ctypes and struct theirs
        raise MediaError(f"the screen cannot be captured: {' '.join(str(error).split())}") from None
    return screen


def _moved(windows: Sequence[ScreenWindow], place: tuple[int, int]) -> list[ScreenWindow]:
    """Boxes in pixels of a monitor's own picture."""
    x, y = place
    return [replace(w, box=(w.box[0] - x, w.box[1] - y, w.box[2] - x, w.box[3] - y)) for w in windows]

"""Tells that something is drawn on the screen, on X11 (the DAMAGE extension): nobody has to look to know that it stands still."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from perception.sources.x11 import open_display
from runtime.errors import MediaError


class Stirring:
    """On the event loop. Where the platform does not tell, and while the display is gone, nothing ever stirs."""

    def __init__(self, display: str | None = None) -> None:
        """display: ":0"; None is $DISPLAY. It is connected to when it is first armed, and again when it was lost."""
        self._name = display
        self._drawn = asyncio.Event()
        self._display: Any = None
        self._damage = 0
        self._fd = -1
        self._never = False

    def arm(self) -> None:
        """From now on: what is drawn before a look has begun is seen by it."""
        self._drawn.clear()
        if self._display is not None:
            self._again()
        elif not self._never:
            self._connect()

    async def wait(self) -> None:
        """Returns when something was drawn since arm."""
        await self._drawn.wait()

    def close(self) -> None:
        display, self._display = self._display, None
        if display is None:
            return
        asyncio.get_running_loop().remove_reader(self._fd)
        with suppress(Exception):  # whatever python-xlib raises of a display that went away
            display.close()

    def _connect(self) -> None:
        try:
            display = open_display(self._name)
        except MediaError:
            return
        try:
            from Xlib.ext import damage

            if not display.has_extension("DAMAGE"):
                self._never = True
                display.close()
                return
            display.damage_query_version()
            # One event, and no other until it is taken back.
            self._damage = display.screen().root.damage_create(damage.DamageReportNonEmpty)
            display.flush()
            self._fd = display.fileno()  # a display that went away does not tell it any more
        except Exception:  # whatever python-xlib raises of a display that went away
            with suppress(Exception):
                display.close()
            return
        self._display = display
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    def _again(self) -> None:
        try:
            self._display.damage_subtract(self._damage)
            self._display.flush()
        except Exception:  # whatever python-xlib raises of a display that went away
            self.close()

    def _read(self) -> None:
        try:
            while self._display.pending_events():
                self._display.next_event()
                self._drawn.set()
        except Exception:  # whatever python-xlib raises of a display that went away
            self.close()
            self._drawn.set()

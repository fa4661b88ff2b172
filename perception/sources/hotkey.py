"""A key of the whole desktop, on X11: pressed anywhere, it is heard here and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from perception.sources.x11 import open_display
from runtime.errors import InputError, MediaError

_MODIFIERS = {
    "ctrl": "ControlMask", "control": "ControlMask", "alt": "Mod1Mask", "shift": "ShiftMask", "super": "Mod4Mask",
}  # fmt: skip
_LOCKS = ("LockMask", "Mod2Mask")  # Caps Lock and Num Lock change nothing


class Hotkey:
    """On the event loop: nothing waits in a thread. keys: "ctrl+alt+p"."""

    def __init__(self, keys: str, pressed: Callable[[], None], display: str | None = None) -> None:
        """display: ":0"; None is $DISPLAY. Raises InputError: no such keys; MediaError: no X11 display, or another
        program has taken them.
        """
        try:
            from Xlib import XK, X, error
        except ImportError as problem:
            raise MediaError(f"python-xlib is not installed: {problem}") from None
        *modifiers, name = keys.lower().replace(" ", "").split("+")
        if not modifiers or not set(modifiers) <= set(_MODIFIERS):
            raise InputError(
                f"screen.hotkey {keys}: like ctrl+alt+p, with ctrl, alt, shift or super before a key"
            )
        symbol = XK.string_to_keysym(name) or XK.string_to_keysym(name.capitalize())
        self._display = open_display(display)
        code = self._display.keysym_to_keycode(symbol) if symbol else 0
        if not code:
            self._display.close()
            raise InputError(f"screen.hotkey {keys}: this keyboard has no key {name}")
        self._pressed = pressed
        self._press = X.KeyPress
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        root = self._display.screen().root
        mask = 0
        for modifier in modifiers:
            mask |= getattr(X, _MODIFIERS[modifier])
        locks = [getattr(X, lock) for lock in _LOCKS]
        refused = error.CatchError(error.BadAccess)
        for lock in (0, *locks, sum(locks)):
            root.grab_key(code, mask | lock, True, X.GrabModeAsync, X.GrabModeAsync, onerror=refused)
        self._display.sync()
        if refused.get_error() is not None:
            self._display.close()
            raise MediaError(f"another program has taken the keys {keys}")
        self._fd = self._display.fileno()  # a display that went away does not tell it any more
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    async def lost(self) -> None:
        """Returns when the display is gone."""
        await asyncio.shield(self._gone)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        with suppress(Exception):  # whatever python-xlib raises of a display that went away
            self._display.close()

    def _read(self) -> None:
        try:
            while self._display.pending_events():
                if self._display.next_event().type == self._press:
                    self._pressed()
        except Exception:  # whatever python-xlib raises of a display that went away
            asyncio.get_running_loop().remove_reader(self._fd)
            if not self._gone.done():
                self._gone.set_result(None)

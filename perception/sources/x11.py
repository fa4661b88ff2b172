"""Which windows there are on an X11 display: their stacking, places, titles and programs (EWMH where there is a window
manager that keeps it, else the tree of windows itself).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.errors import MediaError
from runtime.messages import ScreenWindow

_PRIVATE_FLAGS = re.compile(r"^-{1,2}(?:incognito|private|private-window|private-browsing|inprivate)$")
_LEAST = 8


def open_display(name: str | None) -> Any:
    """An Xlib Display. name: ":0"; None is $DISPLAY. Raises MediaError: none there, or no python-xlib."""
    try:
        from Xlib import display
    except ImportError as problem:
        raise MediaError(f"python-xlib is not installed: {problem}") from None
    try:
        return display.Display(name)
    # python-xlib raises what a name, an authority file or a socket make it raise
    except Exception as problem:
        raise MediaError(
            f"no X11 display{f' {name}' if name else ''}: {' '.join(str(problem).split())}"
        ) from None


class X11Windows:
    """Blocking, for one thread. Raises MediaError when the display cannot be reached, or is gone."""

    def __init__(self, display: str | None = None) -> None:
        """display: ":0"; None is $DISPLAY."""
        self._display = open_display(display)
        from Xlib import X, error

        self._x = X
        self._errors = (error.XError, error.ConnectionClosedError, OSError, AssertionError, ValueError)
        self._root = self._display.screen().root
        names = (
            "_NET_CLIENT_LIST_STACKING", "_NET_ACTIVE_WINDOW", "_NET_WM_NAME", "_NET_WM_PID", "_NET_WM_STATE",
            "_NET_WM_STATE_HIDDEN", "_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_DOCK", "_NET_WM_WINDOW_TYPE_DESKTOP",
            "WM_STATE",
        )  # fmt: skip
        self._atoms = {name: self._display.intern_atom(name) for name in names}
        self._private: dict[int, bool] = {}

    def close(self) -> None:
        try:
            self._display.close()
        except self._errors:
            return

    def windows(self) -> list[ScreenWindow]:
        """All that can be seen, topmost first; boxes in pixels of the whole display."""
        try:
            active = self._active()
            out = []
            for top in reversed(self._root.query_tree().children):
                window = self._window(top, active)
                if window is not None:
                    out.append(window)
            return out
        except self._errors as problem:
            raise MediaError(f"the X11 display does not answer: {' '.join(str(problem).split())}") from None

    def _window(self, top: Any, active: set[int]) -> ScreenWindow | None:
        """None: not on the screen, or gone meanwhile."""
        from Xlib import error

        try:
            attributes = top.get_attributes()
            if attributes.map_state != self._x.IsViewable or attributes.win_class == self._x.InputOnly:
                return None
            box = top.get_geometry()
            if min(box.width, box.height) < _LEAST:
                return None
            client = self._client(top)
            kinds = self._numbers(client, "_NET_WM_WINDOW_TYPE")
            if self._atoms["_NET_WM_WINDOW_TYPE_DESKTOP"] in kinds:
                return None
            x0, y0 = box.x, box.y
            border = 2 * box.border_width
            title, program, pid = self._title(client), self._program(client), self._pid(client)
            if pid and self._is_private(pid):
                title = f"{title} (private browsing)"
            return ScreenWindow(
                title=title,
                program="panel" if self._atoms["_NET_WM_WINDOW_TYPE_DOCK"] in kinds else program,
                box=(x0, y0, x0 + box.width + border, y0 + box.height + border),
                active=top.id in active or client.id in active,
                pid=pid,
            )
        except error.XError:
            return None

    def _client(self, top: Any) -> Any:
        """The program's own window inside a window manager's frame."""
        if top.get_full_property(self._atoms["WM_STATE"], self._x.AnyPropertyType) is not None:
            return top
        if top.get_wm_class() is not None:
            return top
        queue = list(top.query_tree().children)
        for _ in range(64):
            if not queue:
                break
            child = queue.pop(0)
            if child.get_full_property(self._atoms["WM_STATE"], self._x.AnyPropertyType) is not None:
                return child
            queue += child.query_tree().children
        return top

    def _active(self) -> set[int]:
        found = set(self._numbers(self._root, "_NET_ACTIVE_WINDOW"))
        focus = self._display.get_input_focus().focus
        while not found and hasattr(focus, "id") and focus.id != self._root.id:
            found.add(focus.id)
            parent = focus.query_tree().parent
            if not hasattr(parent, "id") or parent.id == self._root.id:
                break
            focus = parent
            found.add(focus.id)
        return found - {0}

    def _title(self, window: Any) -> str:
        named = window.get_full_property(self._atoms["_NET_WM_NAME"], self._x.AnyPropertyType)
        if named is not None and named.value:
            return _text(named.value)
        return _text(window.get_wm_name() or "")

    @staticmethod
    def _program(window: Any) -> str:
        names = window.get_wm_class()
        return str(names[1] or names[0]) if names else ""

    def _pid(self, window: Any) -> int:
        return next(iter(self._numbers(window, "_NET_WM_PID")), 0)

    def _numbers(self, window: Any, name: str) -> Sequence[int]:
        found = window.get_full_property(self._atoms[name], self._x.AnyPropertyType)
        return [int(v) for v in found.value] if found is not None and found.format == 32 else []

    def _is_private(self, pid: int) -> bool:
        """Chromium does not say in its title that a window is incognito; how it was started does."""
        if pid not in self._private:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                words = []
            if len(self._private) > 1000:
                self._private.clear()
            self._private[pid] = any(_PRIVATE_FLAGS.match(word) for word in words[1:])
        return self._private[pid]


def _text(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return " ".join(text.split())

"""Several monitors of a real X server: each is captured, what is private is black on each, and one that goes is noticed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from Xlib.display import Display as XDisplay
from Xlib.protocol import rq

from perception.screen.privacy import Exclusions
from perception.sources.display import Display
from runtime.errors import MediaError
from tests.conftest import require
from tests.screen.desktop import Desktop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.flaky(reruns=2)]

WIDTH, HEIGHT = 512, 384


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[XDisplay]:
    """An X server with a left and a right monitor of WIDTH x HEIGHT."""
    require(shutil.which("Xvfb"), "Xvfb is not installed")
    with ExitStack() as stack:
        desktop = Desktop(stack, tmp_path, f"{2 * WIDTH}x{HEIGHT}")
        monkeypatch.setenv("DISPLAY", desktop.env["DISPLAY"])
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
        x = XDisplay(desktop.env["DISPLAY"])
        stack.callback(x.close)
        outputs = x.screen().root.xrandr_get_screen_resources().outputs
        plug(x, "left", 0, outputs)
        plug(x, "right", WIDTH, [])
        yield x


class SetMonitor(rq.Request):  # type: ignore[misc]
    """RRSetMonitor of RandR 1.5: python-xlib has it, and cannot pack it."""

    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(43),
        rq.RequestLength(),
        rq.Window("window"),
        rq.Card32("name"),
        rq.Bool("primary"),
        rq.Bool("automatic"),
        rq.LengthOf("outputs", 2),
        rq.Int16("x"),
        rq.Int16("y"),
        rq.Card16("width"),
        rq.Card16("height"),
        rq.Card32("width_mm"),
        rq.Card32("height_mm"),
        rq.List("outputs", rq.Card32Obj),
    )


def plug(x: XDisplay, name: str, left: int, outputs: list[int]) -> None:
    """A monitor. One of them must have the server's output, whose own monitor it takes the place of."""
    SetMonitor(
        display=x.display,
        opcode=x.display.get_extension_major("RANDR"),
        window=x.screen().root,
        name=x.intern_atom(name),
        primary=bool(outputs),
        automatic=False,
        x=left,
        y=0,
        width=WIDTH,
        height=HEIGHT,
        width_mm=130,
        height_mm=98,
        outputs=outputs,
    )
    x.sync()


def show(x: XDisplay, title: str, box: tuple[int, int, int, int]) -> None:
    """A white window."""
    screen = x.screen()
    made: Any = screen.root.create_window(
        *box, 0, screen.root_depth, background_pixel=screen.white_pixel, override_redirect=True
    )
    made.set_wm_name(title)
    made.set_wm_class(title, title)
    made.map()
    x.sync()


def test_every_monitor_is_captured_and_a_private_window_is_black_on_each(server: XDisplay) -> None:
    show(server, "notes", (20, 20, 100, 50))
    show(server, "secret diary", (WIDTH - 100, 100, 200, 60))
    show(server, "mail", (WIDTH + 20, 200, 100, 50))
    display = Display(Exclusions(titles=("*secret*",)))
    try:
        left, right = display.look(0.0)
        assert display.look(1.0) == []
    finally:
        display.close()
    assert (left.monitor, right.monitor) == (0, 1)
    assert left.image.shape == right.image.shape == (HEIGHT, WIDTH, 3)
    assert left.image[20:70, 20:120].min() == 255
    assert right.image[200:250, 20:120].min() == 255
    assert left.image[100:160, -100:].max() == right.image[100:160, :100].max() == 0
    assert left.windows is not None and right.windows is not None
    assert {w.title: w.box for w in left.windows}["notes"] == (20, 20, 120, 70)
    assert {w.title: w.box for w in right.windows}["mail"] == (20, 200, 120, 250)
    assert not any("secret" in w.title for w in (*left.windows, *right.windows))


def test_a_monitor_that_goes_or_comes_is_noticed_and_the_display_opened_again(server: XDisplay) -> None:
    both = Display(Exclusions())
    assert len(both.look(0.0)) == 2
    server.screen().root.xrandr_delete_monitor(server.intern_atom("right"))
    server.sync()
    with pytest.raises(MediaError, match="the monitors have changed"):
        both.look(20.0)
    both.close()
    one = Display(Exclusions())
    assert [frame.monitor for frame in one.look(0.0)] == [0]
    plug(server, "right", WIDTH, [])
    with pytest.raises(MediaError, match="the monitors have changed"):
        one.look(20.0)
    one.close()
    both = Display(Exclusions())
    assert [frame.monitor for frame in both.look(0.0)] == [0, 1]
    both.close()

"""A real X server that goes away: the display and the key of the pause say so, and are closed without a word."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from perception.screen.privacy import Exclusions
from perception.sources.display import Display
from perception.sources.hotkey import Hotkey
from runtime.errors import MediaError
from tests.conftest import Run, require
from tests.screen.desktop import Desktop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.flaky(reruns=2)]


def test_a_display_that_went_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_real: Run) -> None:
    require(shutil.which("Xvfb"), "Xvfb is not installed")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)

    async def main() -> None:
        with ExitStack() as server:
            desktop = Desktop(server, tmp_path)
            monkeypatch.setenv("DISPLAY", desktop.env["DISPLAY"])
            display = Display(Exclusions())
            assert len(display.look(0.0)) == 1
            key = Hotkey("ctrl+alt+p", lambda: None)
        async with asyncio.timeout(60):
            await key.lost()
        key.close()
        with pytest.raises(MediaError, match=r"the screen cannot be captured: \w"):
            display.look(1.0)
        display.close()
        display.close()

    run_real(main())

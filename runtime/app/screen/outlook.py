"""What `hearsight doctor` says of the screen mode: what this machine lacks for it, and what that costs."""

from __future__ import annotations

import asyncio

from perception.screen.privacy import Exclusions
from perception.sources.display import Display
from perception.sources.pulse import missing_programs
from runtime.app.screen.settings import ScreenSettings
from runtime.errors import MediaError


async def screen_outlook(settings: ScreenSettings) -> tuple[list[str], int]:
    """Lines for a person, and how many things are missing that the settings want."""
    try:
        display = await asyncio.to_thread(Display, Exclusions((), ()), settings.without_windows)
        await asyncio.to_thread(display.close)
        lines = ["ok       screen: it can be seen, and the windows on it"]
    except MediaError as error:
        lines = [f"note     screen: not recorded from here (hearsight screen --folder works): {error}"]
    lacks = missing_programs()
    wanted = settings.microphone or settings.system_sound
    if not lacks:
        lines.append("ok       sound: parec and pactl are there, hearsight screen can hear")
    else:
        there = "are" if len(lacks) > 1 else "is"
        lines.append(
            f"{'missing' if wanted else 'note':8} sound: hearsight screen hears neither the microphone nor the "
            f"system's sound: {' and '.join(lacks)} {there} not there (package pulseaudio-utils)"
        )
    return lines, int(bool(lacks) and wanted)

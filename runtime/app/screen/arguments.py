"""The arguments of `hearsight screen` and its commands."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from runtime.app.arguments import add_command, memory_option

_DESCRIPTION = """Watches the screen, remembers what it showed, and makes it searchable; nothing leaves this machine.

  hearsight screen                                 record until Ctrl-C, in the foreground
  hearsight screen --folder DIR                    remember screenshots named by their time
  hearsight ask "What did the error say?"          answers with the time, the window and the picture

Windows of excluded programs, titles and private browsing are blacked out before anything reads the pixels (--set
screen.exclude_programs='["keepass*"]', screen.exclude_titles); secrets are taken out of text and pictures."""


def add_screen(commands: Any) -> None:
    parser = add_command(
        commands,
        "screen",
        "an assistant that watches the screen and remembers it",
        "runtime.app.screen.command:run_record",
        description=_DESCRIPTION,
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="remember the screenshots in a folder instead"
    )
    parser.add_argument(
        "--microphone", action="store_true", help="hear what is said into the microphone, too"
    )
    parser.add_argument(
        "--system-sound",
        action="store_true",
        help="hear what the loudspeakers play, too: the others in a call",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    memory_option(parser)
    sub = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        made = add_command(sub, name, help, f"runtime.app.screen.command:run_{name}")
        # Not to undo what was given before the command's name.
        made.add_argument("--memory", metavar="DIR", default=argparse.SUPPRESS, help="the memory's folder")
        return made

    command("status", "what is being recorded right now, and where its page is")
    pause = command("pause", "record nothing until resume")
    pause.add_argument("span", nargs="?", type=span_s, metavar="SPAN", help="or for so long: 30m, 2h")
    command("resume", "go on recording")
    command("toggle", "pause, or go on: for a key of the desktop's own settings")
    forget = command("forget", "take the last minutes out of the memory, and off the disk")
    forget.add_argument("span", type=span_s, metavar="SPAN", help="10m, 90s, 2h, 1d")
    timeline = command("timeline", "what was done: program, document, site, from when to when")
    timeline.add_argument("--day", metavar="D", help="2024-05-17, today, yesterday (default: the last day)")
    timeline.add_argument("--json", action="store_true", help="one JSON line for each activity")
    resources = command("resources", "files, pages and addresses that were seen, and when")
    resources.add_argument("--day", metavar="D", help="2024-05-17, today, yesterday (default: the last day)")
    command("tasks", "promises and things to do that were on the screen")
    dismiss = command("dismiss", "an open task or a watch: it is not brought up again")
    dismiss.add_argument("id", metavar="ID")
    watch = command("watch", "be told when something is on the screen")
    watch.add_argument("text", metavar="TEXT", help='"tell me when the build is done"')


def span_s(text: str) -> float:
    """Seconds from "10m", "90s", "2h", "1d" or "10" (minutes)."""
    match = re.fullmatch(
        r"\s*(\d+(?:\.\d+)?)\s*(?:(s)(?:ec(?:onds?)?)?|(m)(?:in(?:utes?)?)?|(h)(?:ours?)?|(d)(?:ays?)?)?\s*",
        text,
    )
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a span of time: 10m, 90s, 2h, 1d")
    unit = next((letter for letter in match.groups()[1:] if letter), "m")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]

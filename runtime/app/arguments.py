"""What several commands' arguments have in common."""

from __future__ import annotations

import argparse
from contextlib import suppress
from datetime import date, datetime
from typing import Any


def add_command(
    commands: Any, name: str, help: str, handler: str | None, **extra: Any
) -> argparse.ArgumentParser:
    """handler: "module:function" of what the command does, None where a command of its own must follow. It is imported when
    the command runs: the models take a second to import, --help none.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help,
        description=extra.pop("description", help),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **extra,
    )
    parser.set_defaults(parser=parser, handler=handler)
    return parser


def memory_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--memory",
        metavar="DIR",
        help="the memory: a folder or any LanceDB URI (default: $HEARSIGHT_MEMORY, else the user's data folder)",
    )


def engine_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-engine",
        dest="engine",
        action="store_false",
        help="without a language model: the evidence itself is the answer",
    )


def positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return value


def port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def day(text: str) -> str:
    """A date, as "2024-05-07"."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2024-05-07") from None


def media_time(text: str) -> float:
    """Seconds from "754", "754.5", "12:34" or "1:02:03"; Unix time from "2024-05-08" or "2024-05-08T13:56" (without a zone: this
    machine's).
    """
    with suppress(ValueError):
        when = datetime.fromisoformat(text) if "-" in text else None
        if when is not None:
            return when.timestamp()
    try:
        parts = [float(p) for p in text.split(":")]
    except ValueError:
        parts = []
    if not parts or len(parts) > 3 or any(p < 0 for p in parts) or any(p >= 60 for p in parts[1:]):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time: seconds, m:ss, h:mm:ss or a date like 2024-05-08"
        )
    total = 0.0
    for part in parts:
        total = total * 60 + part
    return total

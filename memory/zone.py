"""The calendar of a memory: where a time without a zone is read, and when a day begins.

What is stored are instants (Unix seconds). A zone None is that of the machine, as datetime has it.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from runtime.errors import InputError
from runtime.messages import Observation

OLD_ZONE = "UTC"
"""Of a memory that does not say which: it was made when times without a zone were read as UTC."""
_LOCAL = Path("/etc/localtime")


def zone_of(name: str) -> tzinfo | None:
    """By its name ("Europe/Oslo"); None, the machine's, of "". Raises InputError."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise InputError(f"{name!r} is no time zone like Europe/Oslo") from None


def machine_zone() -> str:
    """The name of the machine's zone, "" where it has none that can be told."""
    told = os.environ.get("TZ", "").removeprefix(":")
    name = told or os.path.realpath(_LOCAL).partition("zoneinfo/")[2]
    try:
        zone_of(name)
    except InputError:
        return ""
    return name


def unix_of(when: datetime, zone: tzinfo | None) -> float:
    """Unix time; without a zone of its own it is read in this one. Raises ValueError, OverflowError."""
    return (when if when.tzinfo else when.replace(tzinfo=zone)).timestamp()


def offset_of(when: datetime) -> float | None:
    """Seconds east of UTC where it was said; None where that is not told (UTC itself is how machines write instants)."""
    offset = when.utcoffset()
    return offset.total_seconds() if offset else None


def zone_said(record: Observation, zone: tzinfo | None) -> tzinfo | None:
    """In which "yesterday" is meant in a record: the offset that it came with, else the memory's zone."""
    offset_s = record.details.get("utc_offset_s")
    return timezone(timedelta(seconds=offset_s)) if isinstance(offset_s, int | float) else zone

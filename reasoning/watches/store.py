"""Watches on disk: one JSON file, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from reasoning.watches.wishes import Watch


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Kept:
    """What the file holds. next: number of the next id, which no removed watch had."""

    version: Literal[1] = 1
    next: int = 1
    watches: tuple[Watch, ...] = ()


_FILE = TypeAdapter(Kept)


def read_watches(path: Path, report: Callable[[str], None]) -> Kept:
    """Nothing where there is no file. One that cannot be understood is moved aside, which is reported in a line."""
    try:
        return _FILE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return Kept()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"{where}: {first['msg']}" if where else first["msg"]
    except OSError as error:
        report(f"watches: {path} cannot be read: {error.strerror or error}")
        return Kept()
    aside = _aside(path)
    try:
        os.replace(path, aside)
    except OSError as error:
        report(f"watches: {path} is damaged ({reason}) and cannot be moved: {error.strerror or error}")
    else:
        report(f"watches: {path} is damaged ({reason}): moved to {aside.name}, and begun anew")
    return Kept()


def write_watches(path: Path, next_number: int, watches: Sequence[Watch]) -> None:
    """Only the user can read the file. Raises OSError, and the old file is as it was then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_FILE.dump_json(Kept(1, next_number, tuple(watches)), indent=1))
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.bad")
    number = 2
    while aside.exists():
        aside = path.with_name(f"{path.name}.bad-{number}")
        number += 1
    return aside

"""Settings: pydantic models, filled from TOML files, the environment and the command line, in that order."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files as resource_files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from runtime.errors import ConfigError

ENV_PREFIX = "HEARSIGHT__"

_Key = tuple[str, ...]
_M = TypeVar("_M", bound=BaseModel)


class Settings(BaseModel):
    """Base of every module's settings: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def load_settings(
    model: type[_M],
    files: Sequence[Path | Traversable] = (),
    env: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> _M:
    """Fills a model. Later sources win, key by key.

    files: TOML. env: variables HEARSIGHT__SECTION__KEY (the process's, when None), in lower case. overrides:
    "section.key=value". The values of these two are read as TOML, and as plain strings where that fails or
    where the key wants a string.
    Raises ConfigError: one line with the source, the key, and for an unknown key the nearest known one.
    """
    draft = _Draft()
    for file in files:
        draft.add_file(file)
    for name, text in sorted((os.environ if env is None else env).items()):
        if name.upper().startswith(ENV_PREFIX):
            key = tuple(name[len(ENV_PREFIX) :].lower().split("__"))
            draft.add_text(key, text, f"environment variable {name}")
    for override in overrides:
        dotted, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(f"setting {override!r}: expected section.key=value")
        key = tuple(part.strip() for part in dotted.split("."))
        draft.add_text(key, text.strip(), f"setting {override!r}")
    return draft.validate(model)


def config_file(name: str) -> Traversable:
    """A file of the packaged `configs`. Raises ConfigError."""
    folder = resource_files("configs")
    known = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith((".toml", ".txt")))
    if name not in known:
        raise ConfigError(f"no packaged configuration is called {name}{_hint(name, known)}")
    return folder.joinpath(name)


def config_text(name: str) -> str:
    """The text of a file of the packaged `configs`. Raises ConfigError."""
    return config_file(name).read_text(encoding="utf-8")


class _Draft:
    """Merged values that still know where each came from."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._origins: dict[_Key, str] = {}
        self._texts: dict[_Key, str] = {}

    def add_file(self, file: Path | Traversable) -> None:
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{file}: cannot be read: {error.strerror or error}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: not valid TOML: {error}") from None
        for key, value in _entries(values):
            self._set(key, value, str(file))

    def add_text(self, key: _Key, text: str, origin: str) -> None:
        if not all(key):
            raise ConfigError(f"{origin}: a part of the key is empty")
        self._set(key, _parse(text), origin)
        self._texts[key] = text

    def _set(self, key: _Key, value: object, origin: str) -> None:
        table = self._values
        for part in key[:-1]:
            inner = table.get(part)
            if not isinstance(inner, dict):
                inner = table[part] = {}
            table = inner
        table[key[-1]] = value
        self._origins[key] = origin
        self._texts.pop(key, None)

    def validate(self, model: type[_M]) -> _M:
        # Strict, so that "5" is no number and 1 is no truth; as JSON, so that "dir/x" still is a Path.
        try:
            return model.model_validate_json(json.dumps(self._values, default=str), strict=True)
        except ValidationError as error:
            problems = error.errors(include_url=False)
        for problem in problems:
            key = _key(problem["loc"])
            if problem["type"] in ("string_type", "path_type") and key in self._texts:
                self._set(key, self._texts[key], self._origin(key))
                return self.validate(model)
        # An unknown key explains a missing one, if it is that key misspelt.
        problem = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
        key, kind = _key(problem["loc"]), problem["type"]
        dotted, origin = ".".join(key), self._origin(key)
        if kind == "extra_forbidden":
            known = [".".join((*key[:-1], name)) for name in _names(model, key[:-1])]
            raise ConfigError(f"{origin}: unknown key {dotted}{_hint(dotted, known)}")
        message = " ".join(problem["msg"].removeprefix("Value error, ").split())
        if kind == "missing":
            raise ConfigError(f"{origin}: {dotted} is missing")
        given = f", not {_shown(problem['input'])}" if message.startswith("Input should be") else ""
        raise ConfigError(f"{origin}: {dotted}: {message}{given}" if key else f"{origin}: {message}")

    def _origin(self, key: _Key) -> str:
        """Where the key was set; else where something inside or beside it was."""
        for length in range(len(key), 0, -1):
            for known, origin in reversed(self._origins.items()):
                if known[:length] == key[:length]:
                    return origin
        return "settings"


def _parse(text: str) -> Any:
    try:
        values = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return values["value"] if len(values) == 1 else text


def _entries(values: Mapping[str, Any], above: _Key = ()) -> Iterator[tuple[_Key, Any]]:
    """Leaves with their full keys; an empty table is a leaf."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _entries(value, (*above, name))
        else:
            yield (*above, name), value


def _key(loc: tuple[int | str, ...]) -> _Key:
    return tuple(str(part) for part in loc)


def _names(model: type[BaseModel], key: _Key) -> list[str]:
    """The keys a section of the model has; nothing where it is no section."""
    found: list[type[BaseModel]] = [model]
    for part in key:
        inner: list[type[BaseModel]] = []
        for candidate in found:
            field = candidate.model_fields.get(part)
            # A key of a dict, a place in a list: the models stay those the container holds.
            inner += _models(field.annotation) if field is not None else [candidate]
        found = inner
    return [name for candidate in found for name in candidate.model_fields]


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _hint(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

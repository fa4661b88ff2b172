"""A real server for the tests: its own folder for the state, the user's environment and weights."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reasoning import engine_server
from reasoning.engine_env import env_python
from reasoning.engine_models import SMALL
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress, log_file
from runtime.errors import ModelError
from runtime.weights import Registry
from tests.conftest import require


def engine_python() -> Path:
    python = env_python(gpu=False)
    require(python is not None, "the engine's environment is not installed")
    assert python is not None
    return python


def small_model() -> Path:
    try:
        return Registry.load().locate(SMALL)
    except ModelError as error:
        require(False, str(error))
        raise


@contextmanager
def real_server(settings: EngineSettings, folder: Path) -> Iterator[EngineAddress]:
    engine_python()
    small_model()
    try:
        yield asyncio.run(engine_server.start(settings, print, folder=folder))
    finally:
        asyncio.run(engine_server.stop(folder=folder))
        print(log_file(folder).read_text()[-4000:] if log_file(folder).exists() else "no log")

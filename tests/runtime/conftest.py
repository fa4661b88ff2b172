"""The shop as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.shop import Shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path, monkeypatch)

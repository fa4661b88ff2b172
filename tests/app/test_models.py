"""Models that a run can do without."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.app.models import Models
from runtime.app.settings import AppSettings
from runtime.compute import Compute
from runtime.weights import Registry
from tests.conftest import Run


@pytest.mark.parametrize("wanted", [True, False])
def test_speech_is_heard_once_where_the_second_model_is_not_to_be_had(
    run_virtual: Run, tmp_path: Path, wanted: bool
) -> None:
    said: list[str] = []
    second = {"model": str(tmp_path / "nowhere")} if wanted else None
    settings = AppSettings.model_validate({"audio": {"second": second}})

    async def scenario() -> None:
        compute = Compute()
        try:
            models = Models(settings, Registry.load(), compute, said.append)
            assert await models.second_transcriber() is None
        finally:
            await compute.close(5.0)

    run_virtual(scenario())
    assert len(said) == wanted and all("not heard twice" in line for line in said)

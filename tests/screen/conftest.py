"""The weights that a screen is read with."""

from __future__ import annotations

import pytest

from runtime.weights import Registry
from tests.conftest import require


@pytest.fixture(scope="session")
def weights() -> None:
    here = {s.spec.name for s in Registry.load().status() if s.present}
    require(
        here.issuperset({"minilm", "en-core-web-sm"}),
        "the default weights are not here: hearsight models pull",
    )

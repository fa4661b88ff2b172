"""The weights that a screen is read with, and a time of day for what real programs do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from runtime.clock import SystemClock
from runtime.weights import Registry
from tests.conftest import require


@pytest.fixture(scope="session")
def weights() -> None:
    here = {s.spec.name for s in Registry.load().status() if s.present}
    require(
        here.issuperset({"minilm", "en-core-web-sm"}),
        "the default weights are not here: hearsight models pull",
    )


@pytest.fixture(scope="module")
def noon() -> Iterator[None]:
    """The zone in which it is past twelve now: no day ends and no quiet hours begin while the programs run."""
    hour = datetime.fromtimestamp(SystemClock().wall(), UTC).hour
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", f"Etc/GMT{hour - 12:+d}")  # west of Greenwich counts up
        time.tzset()
        yield
    time.tzset()

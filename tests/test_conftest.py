"""The fixtures themselves: a leak fails, a missing part skips here and fails in CI."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime.clock import VirtualClock
from tests.conftest import Run, require
from tests.screen.desktop import Recordings


def test_a_leaked_task_fails_the_test(run_virtual: Run, run_real: Run) -> None:
    async def leaky() -> None:
        leaked = asyncio.create_task(asyncio.Event().wait(), name="forgotten")
        await asyncio.wait([leaked], timeout=0.001)

    for run in (run_virtual, run_real):
        with pytest.raises(pytest.fail.Exception, match="leaked tasks: forgotten"):
            run(leaky())


def test_results_and_errors_come_out(run_virtual: Run) -> None:
    async def divide(by: int) -> float:
        await VirtualClock().sleep(1)
        return 1 / by

    assert run_virtual(divide(2)) == 0.5
    with pytest.raises(ZeroDivisionError):
        run_virtual(divide(0))


def test_what_is_missing_fails_only_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    require(True, "nothing")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no weights"):
        require(False, "no weights")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="missing in CI: no weights"):
        require(False, "no weights")


def test_a_test_that_is_run_again_looks_at_a_new_recording(tmp_path: Path) -> None:
    open_now: list[Path] = []

    @contextmanager
    def recorded() -> Iterator[Path]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        assert folder.name != "1", "this one goes wrong"
        open_now.append(folder)
        yield folder
        open_now.remove(folder)

    first, again = SimpleNamespace(), SimpleNamespace(execution_count=2)
    with closing(Recordings(recorded)) as recordings:
        assert [recordings.of(first).name for _ in range(2)] == ["0", "0"]
        with pytest.raises(AssertionError):
            recordings.of(again)
        assert [recordings.of(test).name for test in (first, first, again)] == ["2", "2", "3"]
        assert open_now == [tmp_path / "3"]
    assert open_now == []

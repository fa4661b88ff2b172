"""The engine of a run: started when it is needed, once, and found again. Minutes pass on virtual time."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reasoning.engine import RETRY_S, Engine
from reasoning.engine_client import AnswerError
from reasoning.engine_env import OWN_PYTHON
from reasoning.engine_models import SMALL, wanted
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress, EngineState, ProcessId, engine_folder, write_state
from runtime.clock import VirtualClock
from runtime.errors import EngineError, ModelError
from tests.conftest import Run
from tests.reasoning.scripted_engine import Script, event, saying, serving, streaming

SETTINGS = EngineSettings(device="cpu")
ADDRESS = EngineAddress("http://127.0.0.1:9/v1", "m", "", False, True, 4096)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The engine's folder, empty: no server of this machine is found."""
    monkeypatch.setenv("HEARSIGHT_CACHE", str(tmp_path))
    engine_folder().mkdir()
    yield engine_folder()


class Starts:
    """Stands in for engine_server.start: takes a while, then gives an address or fails."""

    def __init__(self, *ends: EngineAddress | Exception, takes_s: float = 45.0) -> None:
        self._ends = list(ends)
        self._takes_s = takes_s
        self.begun = 0

    async def __call__(self) -> EngineAddress:
        self.begun += 1
        await VirtualClock().sleep(self._takes_s)
        end = self._ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


def engine(starts: Starts) -> Engine:
    return Engine(SETTINGS, print, VirtualClock(), start=starts)


def serve(address: EngineAddress, **changes: object) -> None:
    """Another process, or the supervisor, has a server at this address."""
    alive = ProcessId.of(os.getpid())
    assert alive is not None
    port = int(address.url.removesuffix("/v1").rpartition(":")[2])
    same = {"model": address.model, "vision": address.vision, "weak": address.weak}
    state = EngineState(
        phase="ready",
        supervisor=alive,
        server=alive,
        port=port,
        key=address.key,
        context_tokens=address.context_tokens,
        wanted=wanted(SETTINGS),
        started_s=0.0,
        **same,  # type: ignore[arg-type]
    )
    write_state(engine_folder(), replace(state, **changes))  # type: ignore[arg-type]


def test_nothing_starts_before_it_is_needed(run_virtual: Run) -> None:
    starts = Starts(ADDRESS)

    async def main() -> None:
        async with engine(starts) as one:
            assert await one.weak()
            assert starts.begun == 0
            client = await one.client()
            assert client.address == ADDRESS
            assert VirtualClock().now() == 45.0

    run_virtual(main())
    assert starts.begun == 1


def test_questions_that_come_together_share_one_start(run_virtual: Run) -> None:
    starts = Starts(ADDRESS)

    async def main() -> None:
        async with engine(starts) as one:
            first, second, third = await asyncio.gather(one.client(), one.client(), one.client())
            assert first is second is third

    run_virtual(main())
    assert starts.begun == 1


def test_a_start_beside_other_work_is_waited_for(run_virtual: Run) -> None:
    starts = Starts(ADDRESS)

    async def main() -> None:
        async with engine(starts) as one:
            one.begin()
            one.begin()
            await VirtualClock().sleep(40)
            assert (await one.client()).address == ADDRESS
            assert VirtualClock().now() == 45.0

    run_virtual(main())
    assert starts.begun == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (EngineError("no room"), "no room"),
        (ModelError("no weights"), "no weights"),
        (PermissionError(13, "Permission denied"), "the engine cannot be started: .*Permission denied"),
    ],
)
def test_a_failed_start_is_not_tried_again_for_a_minute(
    run_virtual: Run, error: Exception, line: str
) -> None:
    starts = Starts(error, ADDRESS)

    async def main() -> None:
        async with engine(starts) as one:
            with pytest.raises(EngineError, match=line):
                await one.client()
            await VirtualClock().sleep(RETRY_S - 1)
            with pytest.raises(EngineError, match=line):
                await one.client()
            assert starts.begun == 1
            await VirtualClock().sleep(2)
            assert (await one.client()).address == ADDRESS

    run_virtual(main())
    assert starts.begun == 2


@pytest.mark.parametrize("how", ["beside other work", "the asker gave up"])
def test_a_failure_that_nobody_saw_counts_too(run_virtual: Run, how: str) -> None:
    starts = Starts(EngineError("no room"), ADDRESS)

    async def main() -> None:
        async with engine(starts) as one:
            if how == "beside other work":
                one.begin()
            else:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1):
                        await one.client()
            await VirtualClock().sleep(50)
            with pytest.raises(EngineError, match="no room"):
                await one.client()
            assert starts.begun == 1

    run_virtual(main())


def test_all_who_wait_learn_of_the_failure(run_virtual: Run) -> None:
    starts = Starts(EngineError("no room"))

    async def main() -> None:
        async with engine(starts) as one:
            came = await asyncio.gather(one.client(), one.client(), return_exceptions=True)
            assert [str(error) for error in came] == ["no room", "no room"]

    run_virtual(main())
    assert starts.begun == 1


def test_a_server_that_came_up_meanwhile_is_used_at_once(run_virtual: Run) -> None:
    """Somebody typed `hearsight engine start` after the failure."""
    starts = Starts(EngineError("no room"))

    async def main() -> None:
        async with engine(starts) as one:
            with pytest.raises(EngineError):
                await one.client()
            serve(replace(ADDRESS, url="http://127.0.0.1:77/v1"))
            assert (await one.client()).address.url == "http://127.0.0.1:77/v1"

    run_virtual(main())


def test_who_gives_up_leaves_the_start_going(run_virtual: Run) -> None:
    starts = Starts(ADDRESS)

    async def main() -> None:
        async with engine(starts) as one:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(20):
                    await one.client()
            assert (await one.client()).address == ADDRESS
            assert VirtualClock().now() == 45.0

    run_virtual(main())
    assert starts.begun == 1


def test_who_is_in_a_hurry_does_not_wait_for_an_installation(run_virtual: Run) -> None:
    starts = Starts(ADDRESS)

    async def main() -> None:
        async with Engine(SETTINGS, print, VirtualClock(), patience_s=5.0, start=starts) as one:
            with pytest.raises(EngineError, match="hearsight models pull"):
                await one.client()

    run_virtual(main())
    assert starts.begun == 0


def test_a_small_model_is_not_waited_for_longer_than_wanted(
    run_virtual: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OWN_PYTHON, sys.executable)  # the environment is there
    starts = Starts(ADDRESS)

    async def main() -> None:
        async with Engine(SETTINGS, print, VirtualClock(), patience_s=5.0, start=starts) as one:
            for now_s in (5.0, 10.0):
                with pytest.raises(EngineError, match="still starting"):
                    await one.client()
                assert VirtualClock().now() == now_s
            await VirtualClock().sleep(36)
            serve(ADDRESS)
            assert (await one.client()).address == ADDRESS

    run_virtual(main())
    assert starts.begun == 1


def test_a_capable_one_is(run_virtual: Run) -> None:
    async def main() -> None:
        settings = EngineSettings(model="qwen3-vl-2b")
        capable = replace(ADDRESS, weak=False)
        async with Engine(settings, print, VirtualClock(), patience_s=5.0, start=Starts(capable)) as one:
            assert (await one.client()).address == capable
            assert VirtualClock().now() == 45.0

    run_virtual(main())


def test_the_end_of_a_run_ends_its_start(run_virtual: Run) -> None:
    async def main() -> None:
        async with engine(Starts(ADDRESS)) as one:
            one.begin()
            await VirtualClock().sleep(1)
        assert VirtualClock().now() == 1.0

    run_virtual(main())


def test_a_running_server_is_asked_without_a_start(run_virtual: Run) -> None:
    starts = Starts()

    async def main() -> None:
        serve(ADDRESS)
        async with engine(starts) as one:
            assert (await one.client()).address == ADDRESS
            assert await one.client() is await one.client()

    run_virtual(main())
    assert starts.begun == 0


def test_it_is_found_at_its_new_address_after_a_restart(run_real: Run) -> None:
    """Both of two questions that come together get the client that stays; what the old one waits for is over."""
    question = [{"role": "user", "content": "Where?"}]
    old, new = Script(lambda _: streaming(event("here"), hang=True)), Script(lambda _: saying("there"))

    async def main() -> None:
        async with serving(old) as before, serving(new) as after, Engine(SETTINGS, print) as one:
            serve(replace(ADDRESS, url=before))
            first = await one.client()
            waiting = first.chat(question, max_tokens=5)
            await anext(waiting)
            serve(replace(ADDRESS, url=after, key="another"))
            second, third = await asyncio.gather(one.client(), one.client())
            assert second is third and second is not first
            assert "".join([d.text async for d in second.chat(question, max_tokens=5)]) == "there"
            with pytest.raises(AnswerError, match="broke off"):
                await anext(waiting)

    run_real(main())


def test_a_server_that_is_being_restarted_is_waited_for(run_virtual: Run) -> None:
    starts = Starts(ADDRESS)

    async def main() -> None:
        serve(ADDRESS)
        async with engine(starts) as one:
            await one.client()
            serve(ADDRESS, phase="starting")
            assert (await one.client()).address == ADDRESS
            assert VirtualClock().now() == 45.0

    run_virtual(main())
    assert starts.begun == 1


def test_closing_aborts_what_still_runs(run_real: Run) -> None:
    script = Script(lambda _: streaming(event("On "), hang=True))

    async def main() -> None:
        async with serving(script) as url:
            async with Engine(SETTINGS, print) as one:
                serve(replace(ADDRESS, url=url))
                deltas = (await one.client()).chat([{"role": "user", "content": "?"}], max_tokens=5)
                assert (await anext(deltas)).text == "On "
            async with asyncio.timeout(10):
                await script.left.wait()
            await deltas.aclose()

    run_real(main())


@pytest.mark.parametrize(
    ("settings", "weak"),
    [
        ({"device": "cpu"}, True),
        ({"device": "cpu", "weak": False}, False),
        ({"model": SMALL}, True),
        ({"model": "qwen3-vl-2b"}, False),
        ({"mode": "remote", "url": "http://10.0.0.5/v1", "model": SMALL}, False),
        ({"mode": "remote", "url": "http://10.0.0.5/v1", "model": "x", "weak": True}, True),
    ],
)
def test_how_capable_it_is_is_known_beforehand(
    run_virtual: Run, settings: dict[str, object], weak: bool
) -> None:
    starts = Starts()

    async def main() -> None:
        async with Engine(
            EngineSettings.model_validate(settings), print, VirtualClock(), start=starts
        ) as one:
            assert await one.weak() is weak

    run_virtual(main())
    assert starts.begun == 0


@pytest.mark.parametrize(("says", "weak"), [("echo 14000, 16000", False), ("exit 9", True)])
def test_a_graphics_card_makes_the_difference(
    run_real: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, weak: bool
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{says}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    async def main() -> None:
        async with Engine(EngineSettings(), print) as one:
            assert await one.weak() is weak

    run_real(main())


def test_what_the_server_says_of_itself_holds(run_virtual: Run) -> None:
    """A GPU without room for a capable model gets the small one."""

    async def main() -> None:
        settings = EngineSettings(model="qwen3-vl-2b")
        async with Engine(settings, print, VirtualClock(), start=Starts(ADDRESS)) as one:
            assert not await one.weak()
            await one.client()
            assert await one.weak()

    run_virtual(main())


def test_a_key_that_cannot_be_read_is_an_engine_error(run_virtual: Run, tmp_path: Path) -> None:
    settings = EngineSettings(mode="remote", url="http://h/v1", model="m", api_key_file=tmp_path / "none")

    async def main() -> None:
        async with Engine(settings, print, VirtualClock()) as one:
            with pytest.raises(EngineError, match="api_key_file"):
                await one.client()

    run_virtual(main())

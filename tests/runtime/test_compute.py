from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading

import pytest

from runtime.clock import Stopwatch
from runtime.compute import Compute, ComputeClosed
from runtime.metrics import Metrics
from tests.conftest import Run


def thread_name() -> str:
    return threading.current_thread().name


def test_one_thread_per_name(run_virtual: Run) -> None:
    async def main() -> None:
        compute = Compute()
        ocr = {await compute.run("ocr", thread_name) for _ in range(5)}
        vad = {await compute.run("vad", thread_name) for _ in range(5)}
        assert (ocr, vad) == ({"compute-ocr"}, {"compute-vad"})
        assert await compute.close(5) == ()

    run_virtual(main())


def test_names_do_not_wait_for_each_other(run_virtual: Run) -> None:
    async def main() -> None:
        compute, release = Compute(), threading.Event()
        slow = asyncio.create_task(compute.run("ocr", release.wait, 30))
        assert await compute.run("vad", pow, 2, 5) == 32
        assert not slow.done()
        release.set()
        assert await slow
        await compute.close(5)

    run_virtual(main())


def test_calls_of_one_name_run_in_order_and_never_together(run_virtual: Run) -> None:
    async def main() -> list[int]:
        compute, inside, done = Compute(), threading.Lock(), []

        def work(number: int) -> None:
            assert inside.acquire(blocking=False)
            done.append(number)
            inside.release()

        await asyncio.gather(*(compute.run("ocr", work, number) for number in range(50)))
        await compute.close(5)
        return done

    assert run_virtual(main()) == list(range(50))


def test_counts_calls_seconds_and_errors(run_virtual: Run) -> None:
    async def main() -> None:
        metrics = Metrics()
        compute = Compute(metrics)
        await compute.run("ocr", int)
        await compute.run("ocr", threading.Event().wait, 0.02)
        with pytest.raises(ZeroDivisionError):
            await compute.run("ocr", divmod, 1, 0)
        stats = compute.stats()["ocr"]
        assert (stats.calls, stats.errors) == (3, 1)
        assert stats.wall_s >= 0.015
        record = metrics.stage("ocr")
        assert (record.calls, record.compute_s) == (3, stats.wall_s)
        await compute.close(5)

    run_virtual(main())


def test_a_cancelled_caller_leaves_right_counts(run_virtual: Run) -> None:
    async def main() -> None:
        compute = Compute()
        begun, release = threading.Event(), threading.Event()

        def running() -> None:
            begun.set()
            release.wait(30)

        ran: list[str] = []
        first = asyncio.create_task(compute.run("ocr", running))
        await asyncio.to_thread(begun.wait, 30)
        queued = asyncio.create_task(compute.run("ocr", ran.append, "queued"))
        last = asyncio.create_task(compute.run("ocr", ran.append, "last"))
        await compute.run("other", int)
        first.cancel()
        queued.cancel()
        await asyncio.wait([first, queued])
        assert first.cancelled() and queued.cancelled()
        assert compute.stats()["ocr"].calls == 0  # the first one still runs
        release.set()
        await last
        assert ran == ["last"]
        assert (compute.stats()["ocr"].calls, compute.stats()["ocr"].errors) == (2, 0)
        await compute.close(5)

    run_virtual(main())


def test_no_calls_after_close(run_virtual: Run) -> None:
    async def main() -> None:
        compute = Compute()
        await compute.run("ocr", int)
        assert await compute.close(5) == ()
        assert await compute.close(5) == ()
        with pytest.raises(ComputeClosed, match="ocr"):
            await compute.run("ocr", int)

    run_virtual(main())


def test_close_waits_for_the_running_call_and_fails_the_queued(run_virtual: Run) -> None:
    async def main() -> None:
        compute = Compute()
        begun, release = threading.Event(), threading.Event()

        def running() -> str:
            begun.set()
            release.wait(30)
            return "finished"

        first = asyncio.create_task(compute.run("ocr", running))
        await asyncio.to_thread(begun.wait, 30)
        queued = asyncio.create_task(compute.run("ocr", int))
        threading.Timer(0.05, release.set).start()
        await compute.run("other", int)
        assert await compute.close(5) == ()
        assert await first == "finished"
        with pytest.raises(ComputeClosed):
            await queued

    run_virtual(main())


def test_close_gives_up_on_a_hung_call(run_real: Run) -> None:
    async def main() -> None:
        compute = Compute()
        begun, release = threading.Event(), threading.Event()

        def hang() -> None:
            begun.set()
            release.wait(60)

        hung = asyncio.create_task(compute.run("ocr", hang))
        await asyncio.to_thread(begun.wait, 30)
        with Stopwatch() as watch:
            assert await compute.close(0.05) == ("ocr",)
        assert watch.seconds < 10
        hung.cancel()
        await asyncio.wait([hung])
        release.set()

    run_real(main())


def test_a_hung_call_does_not_keep_the_process() -> None:
    program = """
        import asyncio, threading
        from runtime.compute import Compute

        begun = threading.Event()

        def hang():
            begun.set()
            threading.Event().wait()

        async def main():
            compute = Compute()
            hung = asyncio.create_task(compute.run("ocr", hang))
            await asyncio.to_thread(begun.wait, 30)
            print(await compute.close(0.05))

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "('ocr',)", "")


def test_arguments_and_results_are_not_kept(run_virtual: Run) -> None:
    """A thread that waits for its next call holds no frame of the last one."""
    import gc
    import weakref

    class Frame:
        pass

    async def main() -> None:
        compute, frame = Compute(), Frame()
        ref = weakref.ref(frame)
        assert await compute.run("ocr", lambda given: given, frame) is frame
        del frame
        await compute.run("other", int)
        while ref() is not None:  # the thread drops its last references a moment after it delivers
            gc.collect()
            await asyncio.to_thread(int)
        await compute.close(5)

    run_virtual(main())

"""A recorded session comes out the same when it is replayed; and where it does not, that is said."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from runtime import clock
from runtime.app.cli import _until_signal
from runtime.app.live.recording import read_events
from runtime.app.live.replay import Replay, compared
from runtime.clock import VirtualClock
from runtime.errors import InputError
from runtime.weights import Registry
from tests.app.commandline import hearsight, resume_point, rows_of, started
from tests.app.live.test_server import NEEDED, TALK, Page
from tests.conftest import Run, require


def call(name: str, began: float, at: float, ok: bool = True) -> dict[str, Any]:
    return {"at": at, "did": name, "from": began, "ok": ok}


async def nothing() -> str:
    return "done"


def test_work_takes_as_long_as_it_took(run_virtual: Run) -> None:
    async def main() -> list[float]:
        clock = VirtualClock()
        replay = Replay([call("asr", 1.0, 1.5), call("asr", 4.0, 4.25), call("vad", 4.0, 6.0)], clock)
        ended = []
        for start in (1.0, 4.0, 5.0):
            await clock.sleep(start - clock.now())
            assert await replay.run("asr", nothing) == "done"
            ended.append(clock.now())
        return ended

    assert run_virtual(main()) == [1.5, 4.25, 5.0]


def test_what_was_cancelled_then_does_not_end_now(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        replay = Replay([call("answer", 0.0, 0.5, ok=False)], clock)
        task = asyncio.create_task(replay.run("answer", nothing))
        await clock.sleep(100.0)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])

    run_virtual(main())


def test_a_commit_is_not_there_before_it_was(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        replay = Replay([call("commit", 1.0, 3.0)], clock)
        done: list[float] = []

        async def commit() -> None:
            done.append(clock.now())

        await clock.sleep(1.0)
        await replay.late("commit", commit)
        assert done == [3.0]

    run_virtual(main())


def test_who_waits_for_another_does_not_stop_the_time(run_virtual: Run) -> None:
    """A question wants the memory while a commit has it, and that commit took two seconds."""

    async def main() -> list[tuple[str, float]]:
        clock, still = VirtualClock(), asyncio.Lock()
        replay = Replay(
            [call("turn to commit", 1.0, 1.0), call("commit", 1.0, 3.0), call("snapshot", 1.5, 1.5)], clock
        )
        done: list[tuple[str, float]] = []

        async def commit() -> None:
            await clock.sleep(1.0)
            await replay.acquire("turn to commit", still)
            await replay.late("commit", nothing)
            done.append(("commit", clock.now()))
            still.release()

        async def question() -> None:
            await clock.sleep(1.5)
            await replay.acquire("snapshot", still)
            done.append(("question", clock.now()))

        await asyncio.gather(commit(), question())
        return done

    assert run_virtual(main()) == [("commit", 3.0), ("question", 3.0)]


@pytest.mark.parametrize("ok", [True, False])
def test_a_part_of_other_work_does_not_wait_for_its_own_end(run_virtual: Run, ok: bool) -> None:
    async def main() -> float:
        clock = VirtualClock()
        replay = Replay([call("commit", 1.0, 3.0), call("text encoder", 3.0, 9.0, ok)], clock)
        await clock.sleep(1.0)
        assert await replay.late("commit", lambda: replay.run("text encoder", nothing)) == "done"
        return clock.now()

    assert run_virtual(main(), thread_patience_s=5.0, fail_when_stuck=True) == 3.0


def test_a_signal_ends_it_whatever_it_waits_for() -> None:
    async def stuck() -> int:
        replay = Replay([], VirtualClock())
        never = asyncio.create_task(replay.run("answer", asyncio.Event().wait))
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
        try:
            await never
        finally:
            await asyncio.wait(
                [asyncio.create_task(replay.run("commit", asyncio.Event().wait))], timeout=20.0
            )
        return 0

    with pytest.raises(asyncio.CancelledError):
        clock.run_virtual(_until_signal(stuck()), thread_patience_s=1800.0)


def test_time_stands_still_for_work_that_the_loop_does_not_know(run_virtual: Run) -> None:
    async def main() -> float:
        clock = VirtualClock()
        replay = Replay([call("voice", 0.0, 0.25)], clock)

        async def process() -> bytes:
            process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
            out, _ = await process.communicate(b"spoken")
            return out

        waiting = asyncio.create_task(clock.sleep(60.0))
        assert await replay.run("voice", process) == b"spoken"
        at = clock.now()
        await waiting
        return at

    assert run_virtual(main()) == 0.25


def shown(kind: str, **fields: Any) -> dict[str, Any]:
    return {"at": 1.0, "show": kind, **fields}


def test_differences_are_found() -> None:
    then = [
        shown("utterance", id="a", text="hello", t_start=0.0, t_end=1.0),
        shown(
            "answer", text="Four.", abstained=False, evidence=[{"id": "x", "text": "a"}], latency={"total": 1}
        ),
        shown("state", state="listening"),
    ]
    same = [then[1] | {"at": 9.0, "latency": {}}, then[0]]
    assert [(o.kind, o.then, o.now, o.same) for o in compared(then, same)] == [
        ("utterance", 1, 1, True),
        ("answer", 1, 1, True),
    ]
    other = [then[0], then[1] | {"evidence": [{"id": "y", "text": "a"}]}]
    utterances, answers = compared(then, other)
    assert utterances.same
    assert not answers.same
    assert (len(answers.missing), len(answers.new)) == (1, 1)
    assert not compared(then, then[1:])[0].same


def test_what_touches_a_gap_is_not_compared() -> None:
    def utterance(id_: str, start_s: float) -> dict[str, Any]:
        return shown("utterance", id=id_, text="hello", t_start=start_s, t_end=start_s + 2.0)

    answer = shown("answer", text="Four.", abstained=False, evidence=[]) | {"at": 70.0}
    forgotten = shown("forgotten", to=60.0, **{"from": 50.0}) | {"at": 60.0}
    then = [utterance("before", 40.0), utterance("long after", 95.0), forgotten, answer]
    now = [utterance("before", 40.0), utterance("half", 59.0), utterance("long after", 95.0), forgotten]
    assert [(o.kind, o.then, o.now, o.same) for o in compared(then, now)] == [("utterance", 2, 2, True)]
    assert not compared(then, now[1:])[0].same


def test_what_is_forgotten_again_is_not_compared(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        replay = Replay([], clock)
        for number in range(3):
            replay.shown("read", {"id": str(number), "text": "EXIT", "t": number})
            await clock.sleep(1.0)
        await replay.forget(1.5, 3.0)
        assert [e["id"] for e in replay.events] == ["0", "1"]

    run_virtual(main())


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        '{"at": NaN}',
        '{"at": 1, "sound": 320}',
        '{"at": 1, "did": "asr"}',
        '{"at": 1, "sound": -1, "t": 0}',
    ],
)
def test_a_line_that_is_no_event_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(f'{{"at": 0.0, "page": "detach"}}\n{line}\n{{"at": 2.0, "end": true}}\n')
    with pytest.raises(InputError, match=re.escape(f"{file}, line 2: not an event")):
        read_events(tmp_path)


def test_what_is_no_recording_is_one_line(tmp_path: Path) -> None:
    done = hearsight("replay", tmp_path / "nothing")
    assert done.returncode == 1
    assert done.stderr == f"hearsight: {tmp_path}/nothing: no such folder\n"


@pytest.mark.slow
def test_a_recorded_session_comes_out_the_same(tmp_path: Path) -> None:
    here = {s.spec.name for s in Registry.load().status() if s.present}
    require(here.issuperset(NEEDED), "the default weights are not here: hearsight models pull")

    async def talk(address: str) -> None:
        async with aiohttp.ClientSession() as http:
            page = Page(http, address)
            await page.connect(TALK)
            heard = await page.wait("utterance")
            page.send(type="watch", text="tell me when someone says country")
            await page.wait("clip")
            page.send(type="ask", text=f"What was said about {heard['text'].split()[-1]}?")
            await page.wait("answer")
            # While it sees and hears: what it has perceived is committed, and the recording is whole.
            server.send_signal(signal.SIGTERM)
            assert (await page.wait("bye"))["text"] == "the server stops"
            await page.close()

    options = ["--set", "vision.encoder=imagenet", "live", "--no-engine", "--port", "0"]
    folders = ["--memory", tmp_path / "memory", "--record", tmp_path / "recorded"]
    with started(*options, *folders) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        asyncio.run(talk(re.split(r"\s+", line.strip())[1]))
        _, errors = server.communicate(timeout=180)
    assert "Traceback" not in errors, errors
    (recorded,) = (tmp_path / "recorded").iterdir()
    events = read_events(recorded)
    assert events[-1].get("end")
    shown = {e["id"] for e in events if e.get("show") in ("utterance", "read")}
    assert shown
    assert shown <= {row["id"] for row in rows_of(tmp_path / "memory", "observations")["observations"]}
    assert resume_point(tmp_path / "memory").complete

    done = hearsight("replay", tmp_path / "recorded", "--no-engine")
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = {
        words[1].rstrip(":"): int(words[2])
        for line in done.stdout.splitlines()
        if (words := line.split())[0] == "same"
    }
    assert kinds["utterance"] >= 1
    assert kinds["clip"] >= 1
    assert kinds["answer"] == 1

    # A recording that says something else than what comes out is told apart.
    for event in events:
        if event.get("show") == "answer":
            event["text"] = "Something else."
    (recorded / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    again = hearsight("replay", tmp_path / "recorded", "--no-engine")
    assert again.returncode == 1
    assert "DIFFERENT answer: 1 recorded, 1 replayed" in again.stdout
    assert "Something else." in again.stdout

"""The engine is down, slow or absent: the evidence is the answer, and says so. Deadlines pass on virtual time."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import web

from reasoning import answer as answering_module
from reasoning.engine import Engine
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from runtime.clock import VirtualClock
from runtime.errors import EngineError
from runtime.messages import Answer, AnswerDelta, Query
from tests.conftest import Run
from tests.reasoning.answering import NOTICE, RENT, Told, World, told
from tests.reasoning.scripted_engine import REAL_PAUSE_S, Handler, Script, event, silent, streaming

pytestmark = pytest.mark.slow

STARTED = (event("It costs "), event("55 "))


@pytest.fixture(autouse=True)
def always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small model too is asked for every answer."""
    monkeypatch.setattr(answering_module, "_SURE_SPAN", 2.0)


@pytest.fixture(params=[False, True], ids=["capable", "small"])
def weak(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def overloaded(_: web.Request) -> web.StreamResponse:
    return web.json_response({"error": {"message": "out of\nmemory"}}, status=500)


def is_the_evidence(came: Told, *note: str) -> None:
    answer = came.answer
    assert "55 euros" in answer.text and not answer.abstained
    assert answer.evidence[0].t_start_s == 100.0
    assert answer.engine is None
    assert answer.note.endswith(": the evidence itself is the answer") and "\n" not in answer.note
    for part in note:
        assert part in answer.note


@pytest.mark.parametrize(
    ("handler", "note"),
    [
        (overloaded, "failed (500): out of memory"),
        (streaming(cut=True), "closed the connection"),
        (streaming(b"<html>gateway</html>\n\n"), "broke off"),
        (streaming(b"data: 7\n\n"), "sent what is no answer"),
    ],
    ids=["500", "cut before it began", "not the API", "nonsense"],
)
def test_a_server_that_fails(world: World, run_real: Run, weak: bool, handler: Handler, note: str) -> None:
    came = run_real(world.ask(Script(lambda _: handler), RENT, engine={"weak": weak}))
    is_the_evidence(came, note)
    assert came.streamed == came.answer.text


def test_nobody_is_there(world: World, run_real: Run, weak: bool) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"

        came = run_real(world.ask(Script(lambda _: silent), RENT, engine={"url": url, "weak": weak}))
    is_the_evidence(came, "cannot be reached")
    assert came.streamed == came.answer.text


def test_a_server_that_accepts_and_never_answers(world: World, run_virtual: Run, weak: bool) -> None:
    engine = {"weak": weak, "first_token_timeout_s": 20.0}
    came = run_virtual(world.ask(Script(lambda _: silent), RENT, engine=engine), grace_s=REAL_PAUSE_S)
    is_the_evidence(came, "did not answer in time")
    assert came.answer.latency_s == pytest.approx(20.0, abs=1.0)


def test_a_when_question_too(world: World, run_virtual: Run) -> None:
    came = run_virtual(world.ask(Script(lambda _: silent), NOTICE), grace_s=REAL_PAUSE_S)
    assert "0:50" in came.answer.text and "did not answer in time" in came.answer.note


def test_a_server_that_stops_in_the_middle(world: World, run_virtual: Run, weak: bool) -> None:
    script = Script(lambda _: streaming(*STARTED, hang=True))
    came = run_virtual(world.ask(script, RENT, engine={"weak": weak}), grace_s=REAL_PAUSE_S)
    is_the_evidence(came, "stopped in the middle of the answer")
    assert came.answer.latency_s == pytest.approx(20.0, abs=1.0)


def test_a_server_that_takes_for_ever(world: World, run_virtual: Run, weak: bool) -> None:
    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(event("and "))
            await VirtualClock().sleep(10)

    script = Script(lambda _: dripping)
    engine = {"weak": weak, "answer_timeout_s": 90.0}
    came = run_virtual(world.ask(script, RENT, engine=engine), grace_s=REAL_PAUSE_S)
    is_the_evidence(came, "stopped in the middle of the answer")
    assert came.answer.latency_s == pytest.approx(90.0, abs=1.0)


def test_killed_in_the_middle_of_the_answer(world: World, run_real: Run, weak: bool) -> None:
    came = run_real(world.ask(Script(lambda _: streaming(*STARTED, cut=True)), RENT, engine={"weak": weak}))
    is_the_evidence(came, "broke off in the middle of the answer")
    if weak:
        assert came.streamed == came.answer.text
    else:
        assert came.streamed == "It costs 55" and not came.answer.text.startswith(came.streamed), "taken back"


def test_killed_while_it_looks_again(world: World, run_real: Run) -> None:
    script = Script(
        lambda _: streaming(event("SEARCH: rent", finish_reason="stop")),
        lambda _: streaming(*STARTED, cut=True),
    )
    is_the_evidence(run_real(world.ask(script, RENT)), "broke off in the middle of the answer")


def test_an_engine_that_cannot_start(
    world: World, run_virtual: Run, weak: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first question waits for it, the next ones do not."""
    monkeypatch.setenv("HEARSIGHT_CACHE", str(tmp_path))

    async def start() -> EngineAddress:
        await VirtualClock().sleep(30)
        raise EngineError("the engine cannot be started: no room on the disk")

    async def main() -> None:
        settings = EngineSettings(weak=weak)
        async with (
            Engine(settings, print, VirtualClock(), start=start) as engine,
            world.answerer(engine) as answerer,
        ):
            for waited_s in (30.0, 0.0):
                came = await told(answerer, Query("q", RENT))
                is_the_evidence(came, "no room on the disk")
                assert came.streamed == came.answer.text
                assert came.answer.latency_s == pytest.approx(waited_s, abs=1.0)

    run_virtual(main(), grace_s=REAL_PAUSE_S)


@pytest.mark.parametrize("how", ["close", "cancel"])
def test_who_leaves_early_aborts_the_request(world: World, run_real: Run, how: str) -> None:
    script = Script(lambda _: streaming(*STARTED, hang=True))

    async def main() -> None:
        async with world.scripted(script) as answerer, asyncio.timeout(30):
            begun = asyncio.Event()

            async def ask() -> None:
                async with aclosing(answerer.stream(Query("q", RENT))) as parts:
                    async for part in parts:
                        assert isinstance(part, AnswerDelta)
                        begun.set()
                        if how == "close":
                            return

            asking = asyncio.create_task(ask())
            await begun.wait()
            if how == "cancel":
                asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await script.left.wait()

    run_real(main())


def test_a_small_model_s_request_is_aborted_too(world: World, run_real: Run) -> None:
    asked = asyncio.Event()

    async def waiting(request: web.Request) -> web.StreamResponse:
        asked.set()
        return await silent(request)

    script = Script(lambda _: waiting)

    async def main() -> None:
        async with world.scripted(script, engine={"weak": True}) as answerer, asyncio.timeout(30):
            asking = asyncio.create_task(answerer.answer(Query("q", RENT)))
            await asked.wait()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await script.left.wait()

    run_real(main())


def test_one_question_s_failure_is_not_the_next_one_s(world: World, run_real: Run) -> None:
    script = Script(
        lambda _: streaming(*STARTED, cut=True),
        lambda p: streaming(event(f"It costs 55 euros {p.cite('55 euros')}.", finish_reason="stop")),
    )

    async def main() -> None:
        async with world.scripted(script) as answerer:
            first, second = [await answerer.answer(Query("q", RENT)) for _ in range(2)]
            assert isinstance(first, Answer) and first.engine is None
            assert (second.engine, second.text, second.note) == ("m", "It costs 55 euros.", "")

    run_real(main())

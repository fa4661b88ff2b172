"""The client against a server that misbehaves. Deadlines pass on virtual time."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from reasoning.engine_client import AnswerError, EngineClient, Usage, estimate_tokens
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from runtime.clock import VirtualClock
from runtime.errors import EngineError
from tests.conftest import Run
from tests.reasoning.scripted_engine import (
    REAL_PAUSE_S,
    Handler,
    event,
    loop_clock,
    serving,
    silent,
    streaming,
    usage,
)

KEY = "secret-key-123"
QUESTION = [{"role": "user", "content": "Where is the cup?"}]
SETTINGS = EngineSettings(first_token_timeout_s=60, answer_timeout_s=180)


@asynccontextmanager
async def served(handler: Handler, **address: Any) -> AsyncIterator[EngineClient]:
    """A client of a server that answers every POST with `handler`."""
    usual = {"model": "m", "key": KEY, "vision": True, "weak": False, "context_tokens": 4096}
    async with serving(handler) as url:
        where = EngineAddress(url=url, **{**usual, **address})
        async with EngineClient(where, SETTINGS, loop_clock()) as client:
            yield client


async def text_of(client: EngineClient, **options: Any) -> str:
    return "".join([delta.text async for delta in client.chat(QUESTION, max_tokens=10, **options)])


def failure(run: Run, handler: Handler, **options: Any) -> AnswerError:
    """What the client raises."""

    async def main() -> AnswerError:
        async with served(handler) as client:
            with pytest.raises(AnswerError) as caught:
                await text_of(client)
            assert KEY not in str(caught.value)
            assert "\n" not in str(caught.value)
            return caught.value

    return run(main(), **options)


def test_an_answer_in_pieces(run_real: Run) -> None:
    whole = event("On the ") + event("tâble", finish_reason="stop")
    tokens = usage(9, 3).replace(b"\n", b"\r\n")
    stream = b": a comment\n\n" + whole + tokens + b"data: [DONE]\n\n"

    async def main() -> None:
        # Cut anywhere, in the middle of a character too.
        async with served(streaming(*(stream[i : i + 7] for i in range(0, len(stream), 7)))) as client:
            deltas = [delta async for delta in client.chat(QUESTION, max_tokens=10)]
        assert [delta.text for delta in deltas] == ["On the ", "tâble", ""]
        last = deltas[-1]
        assert last.finish == "stop" and isinstance(last.usage, Usage)
        assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (9, 3)

    run_real(main())


def test_the_likeliest_tokens_of_a_piece(run_real: Run) -> None:
    told = [{"token": "no", "logprob": -0.5}, {"token": "yes", "logprob": -1.0}]
    named = event("no", logprobs={"content": [{"token": "no", "logprob": -0.5, "top_logprobs": told}]})
    alone = event(" one", logprobs={"content": [{"token": " one", "logprob": -0.1, "top_logprobs": []}]})
    end = event("", finish_reason="stop")

    async def main() -> None:
        async with served(streaming(named, alone, event("!"), end)) as client:
            deltas = [delta async for delta in client.chat(QUESTION, max_tokens=10, likeliest=2)]
        tokens = [delta.tokens for delta in deltas]
        assert tokens == [(("no", -0.5), ("yes", -1.0)), ((" one", -0.1),), (), ()]

    run_real(main())


def test_what_is_sent(run_real: Run) -> None:
    got: list[dict[str, Any]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        got.append(await request.json())
        return await streaming(event("x", finish_reason="stop"))(request)

    async def main() -> None:
        async with served(handler) as client:
            await text_of(client, images=[b"\xff\xd8one", b"RIFF\4\0\0\0WEBP"], stop=["\n"])
            await text_of(client, schema={"type": "object"})

    run_real(main())
    images, schema = got
    first, second, text = images["messages"][-1]["content"]
    assert (
        base64.b64decode(first["image_url"]["url"].removeprefix("data:image/jpeg;base64,")) == b"\xff\xd8one"
    )
    assert second["image_url"]["url"].startswith("data:image/webp;base64,UklGR")
    assert second["type"] == "image_url" and text == {"type": "text", "text": "Where is the cup?"}
    assert (images["stream"], images["max_tokens"], images["temperature"], images["stop"]) == (
        True,
        10,
        0,
        ["\n"],
    )
    assert schema["messages"] == QUESTION
    assert schema["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_a_text_model_is_sent_no_images(run_real: Run) -> None:
    async def main() -> None:
        async with served(streaming(), vision=False) as client:
            with pytest.raises(EngineError, match="m takes no images"):
                await text_of(client, images=[b"jpeg"])

    run_real(main())


def test_a_server_that_never_answers(run_virtual: Run) -> None:
    error = failure(run_virtual, silent, grace_s=REAL_PAUSE_S)
    assert "did not answer in time" in str(error) and error.partial == ""


def test_a_stall_in_the_middle(run_virtual: Run) -> None:
    error = failure(run_virtual, streaming(event("On the "), hang=True), grace_s=REAL_PAUSE_S)
    assert "stopped in the middle" in str(error) and error.partial == "On the "


def test_an_answer_that_takes_too_long(run_virtual: Run) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(event("and "))
            await VirtualClock().sleep(50)

    async def main() -> None:
        async with served(handler) as client:
            before_s = VirtualClock().now()
            with pytest.raises(AnswerError, match="stopped in the middle") as caught:
                await text_of(client)
            assert VirtualClock().now() - before_s == pytest.approx(180, abs=1)
            assert caught.value.partial == "and and and and "

    run_virtual(main(), grace_s=REAL_PAUSE_S)


def test_the_connection_breaks(run_real: Run) -> None:
    for handler in (streaming(event("On "), cut=True), streaming(event("On "))):
        error = failure(run_real, handler)
        assert "broke off in the middle" in str(error) and error.partial == "On "


@pytest.mark.parametrize(
    "piece",
    [
        b"data: {\n\n",
        b"data: 7\n\n",
        b'data: {"choices": 5}\n\n',
        b'data: {"choices": [{"delta": {"content": 5}}]}\n\n',
        b"data: \xff\xfe\n\n",
        b"<html>gateway</html>\n\n",
        b"x" * (2 << 20),
    ],
)
def test_a_stream_that_is_no_answer(run_real: Run, piece: bytes) -> None:
    error = failure(run_real, streaming(event("On "), piece))
    assert error.partial == "On "
    assert len(str(error)) < 400


def test_an_error_in_the_middle(run_real: Run) -> None:
    said = b'data: {"error": {"message": "EngineCore died, key ' + KEY.encode() + b'"}}\n\n'
    assert "failed in the middle of the answer: EngineCore died, key ***" in str(
        failure(run_real, streaming(said))
    )


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (401, "refuses the key"),
        (404, "has no model m"),
        (400, "refuses the question (400): too long for secret"),
        (500, "failed (500)"),
        (503, "failed (503)"),
    ],
)
def test_a_refusal_is_one_line(run_real: Run, status: int, line: str) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "too long\nfor secret " * 50 + KEY}}, status=status)

    error = failure(run_real, handler)
    assert line in str(error) and len(str(error)) < 400


def test_nobody_is_there(run_real: Run) -> None:
    async def main() -> None:
        address = EngineAddress("http://127.0.0.1:9/v1", "m", KEY, False, False, 4096)
        async with EngineClient(address, SETTINGS) as client:
            with pytest.raises(AnswerError, match=r"engine at 127\.0\.0\.1:9 cannot be reached"):
                await text_of(client)

    run_real(main())


@pytest.mark.parametrize("how", ["close", "cancel"])
def test_leaving_early_closes_the_connection(run_real: Run, how: str) -> None:
    gone = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            return await streaming(event("On "), hang=True)(request)
        except asyncio.CancelledError:
            gone.set()
            raise

    async def first_delta(client: EngineClient, arrived: asyncio.Event) -> None:
        async with aclosing(client.chat(QUESTION, max_tokens=10)) as deltas:
            async for _ in deltas:
                arrived.set()
                if how == "close":
                    break

    async def main() -> None:
        async with served(handler) as client, asyncio.timeout(10):
            arrived = asyncio.Event()
            asking = asyncio.create_task(first_delta(client, arrived))
            await arrived.wait()
            if how == "cancel":
                asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await gone.wait()

    run_real(main())


def test_the_estimate_is_not_below_a_tokenizer() -> None:
    assert estimate_tokens("The cup stands on the table beside the window.") >= 10
    assert estimate_tokens("杯子在桌子上") >= 6

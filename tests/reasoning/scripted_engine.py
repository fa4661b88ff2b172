"""An OpenAI-compatible server on loopback that says what a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from reasoning.engine_client import EngineClient
from reasoning.engine_models import READER
from runtime.clock import Clock, SystemClock, VirtualClock
from runtime.errors import EngineError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REAL_PAUSE_S = 0.3
"""grace_s of run_virtual where a server is asked: it answers in real time."""


class Model:
    """A Reasoner whose model is there (client), or cannot be started."""

    def __init__(self, client: EngineClient | None, weak: bool = False) -> None:
        self._client, self._weak = client, weak

    async def weak(self) -> bool:
        return self._weak

    async def reads(self) -> bool:
        return self._client is not None and self._client.address.model == READER

    async def client(self) -> EngineClient:
        if self._client is None:
            raise EngineError("the engine cannot be started")
        return self._client


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Answers every POST with `handler`. Yields the address, which ends in /v1."""

    async def post(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_post("/{path:.*}", post)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def loop_clock() -> Clock:
    """The clock of the loop that runs: virtual under run_virtual."""
    virtual = type(asyncio.get_running_loop()).__name__ == "_VirtualLoop"
    return VirtualClock() if virtual else SystemClock()


def event(text: str, **more: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}, **more}]}).encode() + b"\n\n"


def usage(prompt: int, completion: int) -> bytes:
    tokens = {"prompt_tokens": prompt, "completion_tokens": completion}
    return b"data: " + json.dumps({"choices": [], "usage": tokens}).encode() + b"\n\n"


def streaming(*pieces: bytes, hang: bool = False, cut: bool = False) -> Handler:
    """Sends the pieces, then ends, hangs, or cuts the connection."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if hang:
            await asyncio.Event().wait()
        if cut:
            assert request.transport is not None
            request.transport.abort()
        return response

    return handler


def saying(text: str, prompt: int = 100, completion: int = 10) -> Handler:
    """A whole answer, a few characters at a time."""
    pieces = [event(text[i : i + 3]) for i in range(0, len(text), 3)]
    end = event("", finish_reason="stop")
    return streaming(*pieces, end, usage(prompt, completion), b"data: [DONE]\n\n")


def reading(words: str, none: float) -> Handler:
    """What a model that reads answers: its words, and how likely "none" was as their first token."""
    told = [{"token": "none", "logprob": math.log(none)}, {"token": words[:3], "logprob": math.log(1 - none)}]
    first = event(words[:3], logprobs={"content": [{"token": words[:3], "top_logprobs": told}]})
    return streaming(
        first, event(words[3:]), event("", finish_reason="stop"), usage(60, 4), b"data: [DONE]\n\n"
    )


async def silent(_: web.Request) -> web.StreamResponse:
    """Accepts and never answers."""
    await asyncio.Event().wait()
    raise AssertionError("never reached")


class Prompt:
    """What one request asked. lines: the memories as the model sees them."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        content = body["messages"][-1]["content"]
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        self.text: str = parts[-1]["text"]
        self.images: list[str] = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        self.system: str = body["messages"][0]["content"]
        self.lines: list[str] = [line for line in self.text.splitlines() if re.match(r"\[\d+\] \(", line)]

    def cite(self, words: str) -> str:
        """The citation of the memory that holds some words."""
        (citation,) = [line.partition(" ")[0] for line in self.lines if words in line]
        return citation


class Script:
    """A handler that plays one reply after another, the last one again and again: `Script(lambda prompt: silent)`.

    prompts: what was asked so far.  left: set when somebody stops listening.
    """

    def __init__(self, *replies: Callable[[Prompt], Handler]) -> None:
        self._replies = replies
        self.prompts: list[Prompt] = []
        self.left = asyncio.Event()
        self._asked = asyncio.Condition()

    async def asked(self, times: int) -> None:
        """Returns when it was asked so often."""
        async with self._asked:
            await self._asked.wait_for(lambda: len(self.prompts) >= times)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        prompt = Prompt(await request.json())
        reply = self._replies[min(len(self.prompts), len(self._replies) - 1)]
        self.prompts.append(prompt)
        async with self._asked:
            self._asked.notify_all()
        try:
            return await reply(prompt)(request)
        except asyncio.CancelledError:
            self.left.set()
            raise

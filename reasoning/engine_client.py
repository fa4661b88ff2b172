"""Asks a language model over the OpenAI-compatible API: streamed, abortable, and never without a deadline."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from runtime.clock import Clock, SystemClock
from runtime.errors import EngineError
from runtime.pictures import mime_of

MAX_LINE_BYTES = 1 << 20
MAX_ERROR_BYTES = 8192
LINE_SHOWN = 200

Message = Mapping[str, Any]
"""{"role": "system" | "user" | "assistant", "content": text}."""


class AnswerError(EngineError):
    """The answer did not come, or not to its end. partial: the text that had arrived."""

    def __init__(self, line: str, partial: str = "") -> None:
        super().__init__(line)
        self.partial = partial


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a whole request."""

    prompt_tokens: int
    completion_tokens: int

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens
        )


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """The next piece of an answer. The last one has no text, but the usage, and why the answer ended.

    finish: "stop" (the model ended it), "length" (max_tokens), or "".  tokens: where they were asked for, the likeliest
    tokens at the first token of this piece, with their log probabilities.
    """

    text: str
    finish: str = ""
    usage: Usage | None = None
    tokens: tuple[tuple[str, float], ...] = ()


class EngineClient:
    """Use as `async with EngineClient(address, settings) as engine`. Requests may run side by side."""

    def __init__(self, address: EngineAddress, settings: EngineSettings, clock: Clock | None = None) -> None:
        self.address = address
        self._settings = settings
        self._clock: Clock = clock or SystemClock()
        self._session: aiohttp.ClientSession | None = None
        parts = urlsplit(address.url)
        self._where = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes all connections; running requests are aborted."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def chat(
        self,
        messages: Sequence[Message],
        *,
        images: Sequence[bytes] = (),
        max_tokens: int,
        stop: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        likeliest: int = 0,
    ) -> AsyncGenerator[ChatDelta, None]:
        """Streams the answer to a conversation: `async for delta in engine.chat(...)`.

        images: JPEG files; they go before the text of the last message.  schema: a JSON schema that the answer keeps
        to.  likeliest: how many tokens to name with each piece (ChatDelta.tokens).  Closing the generator, or cancelling
        who waits for it, aborts the request on the server: use `contextlib.aclosing` where the loop may be left early.
        EngineError: the model takes no images; while streaming, AnswerError: no answer, or a broken one.
        """
        if images and not self.address.vision:
            raise EngineError(f"the model {self.address.model} takes no images")
        body: dict[str, Any] = {
            "model": self.address.model,
            "messages": _with_images(messages, images),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": max_tokens,
            "temperature": 0.0,
        }
        if stop:
            body["stop"] = list(stop)
        if likeliest:
            body |= {"logprobs": True, "top_logprobs": likeliest}
        if schema is not None:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": schema},
            }
        return self._stream(body)

    async def _stream(self, body: Mapping[str, Any]) -> AsyncGenerator[ChatDelta, None]:
        start_s = self._clock.now()
        answer = _Answer()
        async with self._errors(answer):
            first_s = self._settings.first_token_timeout_s
            async with asyncio.timeout(first_s):
                response = await self._open().post(f"{self.address.url}/chat/completions", json=body)
        try:
            async with self._errors(answer):
                if response.status != 200:
                    async with asyncio.timeout(self._settings.connect_timeout_s):
                        raise AnswerError(await self._refusal(response))
            lines = _Lines(response.content)
            while True:
                left_s = start_s + self._settings.answer_timeout_s - self._clock.now()
                wait_s = min(left_s, self._settings.first_token_timeout_s)
                async with self._errors(answer):
                    async with asyncio.timeout(wait_s):
                        line = await lines.next()
                    delta = answer.read(line)
                if delta is not None:
                    yield delta
                if answer.complete:
                    break
        finally:
            response.close()
        yield answer.last()

    @asynccontextmanager
    async def _errors(self, answer: _Answer) -> AsyncIterator[None]:
        """Turns what can go wrong on the way into one line, without the key."""
        try:
            yield
        except TimeoutError as error:
            raise self._error(self._late(answer), answer) from error
        except aiohttp.ClientConnectorError as error:
            reason = error.os_error.strerror or "no connection"
            raise self._error(f"the engine at {self._where} cannot be reached: {reason}", answer) from None
        # RuntimeError: aiohttp's, for a connection or session that is just being closed.
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            what = "broke off in the middle of the answer" if answer.text else "closed the connection"
            raise self._error(f"the engine at {self._where} {what}", answer) from error
        except _Malformed as error:
            raise self._error(f"the engine at {self._where} {error}", answer) from error
        except AnswerError as error:
            raise self._error(str(error), answer) from None

    def _late(self, answer: _Answer) -> str:
        what = "stopped in the middle of the answer" if answer.text else "did not answer in time"
        return f"the engine at {self._where} {what}"

    def _error(self, line: str, answer: _Answer) -> AnswerError:
        key = self.address.key
        return AnswerError(line.replace(key, "***") if key else line, answer.text)

    async def _refusal(self, response: aiohttp.ClientResponse) -> str:
        said = _error_text(await response.content.read(MAX_ERROR_BYTES))
        said = f": {said}" if said else ""
        status = response.status
        if status in (401, 403):
            return f"the engine at {self._where} refuses the key ({status})"
        if status == 404:
            return f"the engine at {self._where} has no model {self.address.model} or no such API (404){said}"
        if status >= 500:
            return f"the engine at {self._where} failed ({status}){said}"
        return f"the engine at {self._where} refuses the question ({status}){said}"

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # A kept connection may be closed by the server at the moment it is used again.
                connector=aiohttp.TCPConnector(force_close=True),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._settings.connect_timeout_s),
                headers={"Authorization": f"Bearer {self.address.key}"} if self.address.key else {},
            )
        return self._session


def estimate_tokens(text: str) -> int:
    """An upper guess: three letters of English a token, one character of anything else."""
    plain = sum(character < "\x80" for character in text)
    return -(-plain // 3) + len(text) - plain


class _Malformed(Exception):
    """The server sent something that is no answer."""


class _Answer:
    """An answer as it comes in."""

    def __init__(self) -> None:
        self.text = ""
        self.complete = False
        self._finish = ""
        self._usage: Mapping[str, Any] = {}

    def read(self, line: bytes | None) -> ChatDelta | None:
        """Takes in one line of the event stream, None for its end. _Malformed: it is no such line."""
        if line is None:
            if not self._finish:
                raise _Malformed("broke off in the middle of the answer")
            self.complete = True
            return None
        if not line.startswith(b"data:"):
            return None
        data = line[5:].strip()
        if data == b"[DONE]":
            self.complete = True
            return None
        try:
            event = json.loads(data)
            if event.get("error"):
                raise _Malformed(f"failed in the middle of the answer: {_error_text(data)}")
            self._usage = event.get("usage") or self._usage
            return self._choice(event["choices"])
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise _Malformed(f"sent what is no answer: {_shown(data)}") from error

    def _choice(self, choices: Sequence[Mapping[str, Any]]) -> ChatDelta | None:
        if not choices:
            return None
        choice = choices[0]
        self._finish = choice.get("finish_reason") or self._finish
        text = choice.get("text") or (choice.get("delta") or {}).get("content") or ""
        if not isinstance(text, str):
            raise TypeError("text")
        if not text:
            return None
        self.text += text
        pieces = (choice.get("logprobs") or {}).get("content") or ()
        return ChatDelta(text, tokens=_tokens(pieces[0]) if pieces else ())

    def last(self) -> ChatDelta:
        prompt, completion = self._usage.get("prompt_tokens"), self._usage.get("completion_tokens")
        return ChatDelta("", self._finish, Usage(int(prompt or 0), int(completion or 0)))


def _tokens(piece: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    return tuple((str(one["token"]), float(one["logprob"])) for one in piece.get("top_logprobs") or (piece,))


class _Lines:
    """Splits a stream into lines of any length up to a bound."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content
        self._lines: list[bytes] = []
        self._rest = b""

    async def next(self) -> bytes | None:
        """The next line without its end, or None at the end of the stream."""
        while not self._lines:
            chunk = await self._content.readany()
            if not chunk:
                return None
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            self._lines = lines[::-1]
            if len(self._rest) > MAX_LINE_BYTES:
                raise _Malformed("sent a line without end")
        return self._lines.pop().rstrip(b"\r")


def _with_images(messages: Sequence[Message], images: Sequence[bytes]) -> list[Message]:
    if not images:
        return list(messages)
    *before, last = messages
    pictures = [
        {
            "type": "image_url",
            "image_url": {"url": f"data:{mime_of(image)};base64," + base64.b64encode(image).decode("ascii")},
        }
        for image in images
    ]
    return [*before, {**last, "content": [*pictures, {"type": "text", "text": last["content"]}]}]


def _error_text(data: bytes) -> str:
    """What an error's body says, in one line."""
    try:
        body = json.loads(data)
        error = body.get("error", body)
        said = error if isinstance(error, str) else error.get("message") or error.get("detail") or ""
        return _shown(str(said).encode())
    except (ValueError, AttributeError):
        return _shown(data)


def _shown(data: bytes) -> str:
    text = " ".join(data.decode("utf-8", "replace").split())
    return text if len(text) <= LINE_SHOWN else text[: LINE_SHOWN - 3] + "..."

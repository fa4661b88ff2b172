"""How `hearsight screen pause` and the status page talk to the recorder that runs: HTTP on loopback, with a token that
only the user's own files tell.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from runtime.errors import HearsightError, InputError
from runtime.pictures import mime_of

PAGE = Path(__file__).resolve().parents[3] / "demo" / "web"
NAME = "screen.json"
_CSP = "default-src 'self'; img-src 'self' blob:; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
_PATIENCE = aiohttp.ClientTimeout(total=120)
_LONGEST_CLIP = 2_000_000

Command = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
Picture = Callable[[str, float, float | None, str], Awaitable[bytes | None]]
Hear = Callable[[bytes], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Address:
    """Of a recorder. url ends with a slash."""

    url: str
    token: str


class Control:
    """Serves commands by name, and the page."""

    def __init__(self, commands: dict[str, Command], picture: Picture, hear: Hear, port: int) -> None:
        """hear: what was said in a recorded clip."""
        self._commands = commands
        self._picture_of = picture
        self._hear_in = hear
        self._port = port
        self._token = secrets.token_urlsafe(24)

    @asynccontextmanager
    async def serving(self, folder: Path) -> AsyncIterator[Address]:
        """The address is written into the memory's folder, for this user only. Raises InputError: the port is taken."""
        app = web.Application(middlewares=[self._guard], client_max_size=_LONGEST_CLIP)
        app.router.add_get("/", self._page)
        app.router.add_post("/api/{command}", self._command)
        app.router.add_post("/hear", self._hear)
        app.router.add_get("/picture/{source}/{t_s}", self._picture)
        app.router.add_static("/static", PAGE, follow_symlinks=False)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, "127.0.0.1", self._port).start()
            except OSError as error:
                raise InputError(f"screen.port {self._port}: {error.strerror or error}") from None
            address = Address(f"http://127.0.0.1:{runner.addresses[0][1]}/", self._token)
            write(folder, address)
            yield address
        finally:
            with suppress(OSError):
                (folder / NAME).unlink()
            await runner.cleanup()

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Only under a name of loopback (DNS rebinding), only from the page itself, and what tells anything with the
        token.
        """
        response: web.StreamResponse
        origin = request.headers.get("Origin")
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        known = secrets.compare_digest(given.encode(), self._token.encode())
        if request.host.rpartition(":")[0] not in {"127.0.0.1", "localhost"} or (
            origin is not None and origin.rpartition("/")[2] != request.host
        ):
            response = web.json_response({"error": "from this machine's own page only"}, status=403)
        elif request.path.startswith(("/api/", "/picture/", "/hear")) and not known:
            response = web.json_response({"error": "the token is missing or wrong"}, status=401)
        else:
            response = await handler(request)
        response.headers["Content-Security-Policy"] = _CSP
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "screen.html")

    async def _command(self, request: web.Request) -> web.Response:
        command = self._commands.get(request.match_info["command"])
        if command is None:
            return web.json_response({"error": "there is no such command"}, status=404)
        try:
            arguments = json.loads(await request.read() or b"{}")
            return web.json_response(await command(arguments))
        except InputError as error:
            return web.json_response({"error": str(error)}, status=400)
        except (ValueError, TypeError, KeyError, AttributeError):
            return web.json_response({"error": "that cannot be understood"}, status=400)

    async def _hear(self, request: web.Request) -> web.Response:
        try:
            return web.json_response({"text": await self._hear_in(await request.read())})
        except HearsightError as error:
            return web.json_response({"error": str(error)}, status=400)

    async def _picture(self, request: web.Request) -> web.Response:
        try:
            until_s = float(request.query["until"]) if "until" in request.query else None
            source, t_s = request.match_info["source"], float(request.match_info["t_s"])
            picture = await self._picture_of(source, t_s, until_s, request.query.get("record", ""))
        except ValueError:
            picture = None
        if picture is None:
            return web.json_response({"error": "no such picture"}, status=404)
        return web.Response(body=picture, content_type=mime_of(picture))


def write(folder: Path, address: Address) -> None:
    """Raises InputError when it cannot be written."""
    path = folder / NAME
    try:
        with suppress(FileNotFoundError):
            path.unlink()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump({"url": address.url, "token": address.token}, file)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def read(folder: Path) -> Address | None:
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return Address(str(found["url"]), str(found["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def call(folder: Path, command: str, **arguments: Any) -> dict[str, Any] | None:
    """What the recorder of a memory says; None: none runs. Raises InputError with what it refuses."""
    address = read(folder)
    if address is None:
        return None
    headers = {"Authorization": f"Bearer {address.token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE, headers=headers, trust_env=False) as session,
            session.post(f"{address.url}api/{command}", json=arguments) as response,
        ):
            answer: dict[str, Any] = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None  # it was killed, and left its address behind
    if response.status != 200:
        raise InputError(str(answer.get("error", "the recorder refused")))
    return answer

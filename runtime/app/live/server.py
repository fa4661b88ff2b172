"""The live mode's server: the page, signalling, pictures, health. Bound to loopback unless told otherwise."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from reasoning.proactive import Watches
from runtime.app.live.guard import Guard, RateLimit, bearer, error_response, same, tls_context
from runtime.app.live.meters import ServerMeter
from runtime.app.live.parts import Parts
from runtime.app.live.place import Place
from runtime.app.live.recorder import start_recording
from runtime.app.live.session import LiveSession
from runtime.errors import HearsightError, InputError
from runtime.metrics import CONTENT_TYPE
from runtime.pictures import mime_of
from runtime.session import cancel_and_wait

log = logging.getLogger(__name__)

PAGE = Path(__file__).resolve().parents[3] / "demo" / "web"
MAX_OFFER_BYTES = 64 * 1024
_TICK_S = 0.25
_HEALTH_TICKS = 4
_SDP_SECTIONS = 8
"""A page sends sound, pictures and events."""


class _Offer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    sdp: str = Field(max_length=MAX_OFFER_BYTES, pattern=r"(?s)^v=0\r?\n(?:.*\n)?m=application ")
    type: str = Field(pattern="^offer$")
    session: str | None = Field(default=None, max_length=64)
    secret: str | None = Field(default=None, max_length=128)

    @field_validator("sdp")
    @classmethod
    def _few_sections(cls, sdp: str) -> str:
        if sdp.count("\nm=") > _SDP_SECTIONS:
            raise ValueError("more media than a page has")
        return sdp


class _Hold(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    session: str = Field(max_length=64)
    secret: str = Field(max_length=128)


class LiveServer:
    """Use as `async with LiveServer(parts, new_watches).serving() as address`."""

    def __init__(self, parts: Parts, new_watches: Callable[[bool], Watches]) -> None:
        """new_watches: with those that are kept, or with none. Raises ConfigError: a certificate cannot be used."""
        self._parts = parts
        self._new_watches = new_watches
        self._settings = parts.live
        self._sessions: dict[str, Place] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._offers = RateLimit(self._settings.offers_per_minute, parts.clock)
        self._guard = Guard(self._settings, parts.clock)
        self._meter = ServerMeter(parts.metrics)
        self._tls = tls_context(self._settings)

    @property
    def token(self) -> str:
        """What a page must know; "" where it need not know any."""
        return self._guard.token

    def is_idle(self) -> bool:
        """Whether nobody has spoken or asked for a while (memory.consolidation.idle_s), in any session."""
        quiet_s = self._parts.memory.settings.consolidation.idle_s
        return not self._endings and all(p.session.quiet_s() >= quiet_s for p in self._sessions.values())

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Gives the address of the page; at the end all sessions are closed and committed."""
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, self._settings.host, self._settings.port, ssl_context=self._tls)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            where = f"{self._settings.host}:{self._settings.port}"
            raise InputError(f"{where} cannot be listened on: {error.strerror or error}") from None
        ticking = asyncio.create_task(self._tick(), name="live tick")
        try:
            port = runner.addresses[0][1]
            host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
            yield f"{'https' if self._tls else 'http'}://{host}:{port}/"
        finally:
            await cancel_and_wait(ticking, 1.0)
            self._stopping = True
            for place in [*self._sessions.values()]:
                self._end(place, "the server stops")
            await asyncio.gather(*self._endings)
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard.middleware], client_max_size=MAX_OFFER_BYTES)
        app.router.add_get("/", self._page)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/api/config", self._config)
        app.router.add_post("/api/offer", self._offer)
        app.router.add_post("/api/hold", self._hold)
        app.router.add_get("/api/picture/{session}/{clip:.+}", self._picture)
        app.router.add_static("/static", PAGE, follow_symlinks=False)
        return app

    # --- requests

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    async def _healthz(self, _: web.Request) -> web.Response:
        room = self._settings.sessions - len(self._sessions)
        return web.json_response({"ok": True, "sessions": len(self._sessions), "room": room})

    async def _metrics(self, _: web.Request) -> web.Response:
        text = self._parts.metrics.render_prometheus()
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _config(self, request: web.Request) -> web.Response:
        """The servers' credentials are for those who know the token."""
        known = self._guard.knows_token(request)
        ice = [s.model_dump(exclude_none=True) for s in self._settings.ice_servers if known]
        return web.json_response(
            {
                "ice_servers": ice,
                "token_needed": bool(self.token),
                "recording": self._settings.record is not None,
                "version": version("hearsight"),
            }
        )

    async def _offer(self, request: web.Request) -> web.Response:
        if self._stopping:
            return self._refused("stopping", 503, "the server stops")
        if not self._offers.take():
            return self._refused("rate", 429, "too many attempts; wait a moment")
        try:
            offer = _Offer.model_validate_json(await request.read())
        except ValidationError:
            return self._refused("offer", 400, "that is no offer")
        place = self._sessions.get(offer.session or "")
        resumed = place is not None and same(offer.secret or "", place.session.secret)
        if not resumed:
            if len(self._sessions) >= self._settings.sessions:
                return self._refused("full", 503, "full")
            try:
                place = self._begin()
            except InputError as error:  # a recording that cannot be begun
                return self._refused("recording", 503, str(error))
        assert place is not None
        try:
            answer = await place.connect(offer.sdp, resumed)
        except Exception as error:  # aiortc raises anything on a malformed SDP
            log.info("an offer was refused: %r", error)
            if not resumed:
                self._end(place, "")
            return self._refused("offer", 400, "that is no offer")
        return web.json_response(
            {
                "sdp": answer.sdp,
                "type": answer.type,
                "session": place.session.id,
                "secret": place.session.secret,
            }
        )

    async def _hold(self, request: web.Request) -> web.Response:
        """A page that has closed its connection will come back: it is loaded again, say."""
        try:
            held = _Hold.model_validate_json(await request.read())
        except ValidationError:
            return error_response(400, "that names no session")
        place = self._sessions.get(held.session)
        if place is None or not same(held.secret, place.session.secret):
            return error_response(404, "no such session")
        place.hold()
        return web.Response(status=204)

    async def _picture(self, request: web.Request) -> web.Response:
        place = self._sessions.get(request.match_info["session"])
        if place is None or not same(bearer(request), place.session.secret):
            return error_response(404, "no such picture")
        keyframe = await self._parts.memory.keyframe(request.match_info["clip"])
        if keyframe is None or keyframe.source != place.session.id:
            return error_response(404, "no such picture")
        return web.Response(body=keyframe.jpeg, content_type=mime_of(keyframe.jpeg))

    # --- sessions

    def _refused(self, why: str, status: int, text: str) -> web.Response:
        self._meter.refused(why)
        return error_response(status, text)

    def _begin(self) -> Place:
        # Watches outlive a session; one at a time has those that are kept, another page beside it has its own.
        first = not self._sessions
        session_id = f"live-{secrets.token_hex(8)}"
        watches = self._new_watches(first)
        recorder = start_recording(session_id, self._parts, watches) if self._settings.record else None
        session = LiveSession(session_id, self._parts, watches, recorder)
        if recorder is not None:
            recorder.failed = lambda text: session.show("error", text=text)
        place = Place(session, self._parts)
        self._sessions[session.id] = place
        self._meter.began(len(self._sessions))
        place.begin()
        return place

    async def _tick(self) -> None:
        """Health to every page; ends what nobody comes back to."""
        for tick in itertools.count(1):
            await self._parts.clock.sleep(_TICK_S)
            for session_id in [*self._sessions]:
                await self._look_after(session_id, health=tick % _HEALTH_TICKS == 0)

    async def _look_after(self, session_id: str, health: bool) -> None:
        place = self._sessions.get(session_id)
        if place is None:
            return
        why = place.why_over()
        if why is not None:
            self._end(place, why)
        elif health:
            try:
                await place.session.remind()
            except HearsightError as error:
                place.session.show("error", text=str(error))
            fields = {"latency": place.session.latency} if place.session.latency else {}
            place.session.show("health", stages=place.session.health(), fps=place.fps(), **fields)

    def _end(self, place: Place, why: str) -> None:
        """Beside all the others: what was perceived is still to be committed."""
        if self._sessions.pop(place.session.id, None) is None:
            return
        self._meter.ended(len(self._sessions))
        if why:
            place.session.show("bye", text=why)
        task = asyncio.create_task(place.close(), name=f"end of {place.session.id}")
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

"""Who may talk to the server: hosts, origins, tokens, rates, and the headers that keep a page to itself."""

from __future__ import annotations

import hmac
import ipaddress
import json
import secrets
import ssl
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from runtime.app.live.settings import LiveSettings
from runtime.clock import Clock
from runtime.errors import ConfigError

_CSP = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob: mediastream:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
}
_WITH_TOKEN = {"/api/offer", "/metrics"}
_WRONG_TOKENS = 10
_MINUTE_S = 60.0
_CLIENTS = 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RateLimit:
    """At most so many in a minute for each key. Remembers the keys that came last."""

    def __init__(self, most: int, clock: Clock) -> None:
        self._most = most
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def full(self, key: str = "") -> bool:
        """Whether one more would be too many."""
        times = self._times.get(key)
        return times is not None and len(self._recent(times)) >= self._most

    def take(self, key: str = "") -> bool:
        """False, and not counted: too many."""
        if self.full(key):
            return False
        self._times.setdefault(key, deque()).append(self._clock.now())
        self._times.move_to_end(key)
        if len(self._times) > _CLIENTS:
            self._times.popitem(last=False)
        return True

    def _recent(self, times: deque[float]) -> deque[float]:
        while times and self._clock.now() - times[0] > _MINUTE_S:
            times.popleft()
        return times


class Guard:
    """Use `middleware`. token: what a page must know, "" on loopback."""

    def __init__(self, settings: LiveSettings, clock: Clock) -> None:
        self._loopback = is_loopback(settings.host)
        self.token = settings.token or ("" if self._loopback else secrets.token_urlsafe(18))
        self._wrong = RateLimit(_WRONG_TOKENS, clock)

    def knows_token(self, request: web.Request) -> bool:
        return not self.token or same(bearer(request), self.token)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = self._refusal(request) or await handler(request)
        except web.HTTPException as error:
            if error.status < 400:  # a redirection
                error.headers.update(_HEADERS)
                raise
            response = error_response(error.status, error.reason)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    def _refusal(self, request: web.Request) -> web.Response | None:
        # A page of another name that resolves to this machine (DNS rebinding) must not get in.
        name = urlsplit(f"//{request.host}").hostname or ""
        if self._loopback and not is_loopback(name):
            return error_response(403, "this address is served under localhost only")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return error_response(403, "requests come from this page only")
        # A picture asks for its session's secret instead.
        if not self.token or request.path not in _WITH_TOKEN:
            return None
        client = request.remote or ""
        if self._wrong.full(client):
            return error_response(429, "too many wrong tokens; wait a minute")
        if not self.knows_token(request):
            self._wrong.take(client)
            return error_response(401, "the token is missing or wrong")
        return None


def error_response(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=json.dumps({"error": text}), content_type="application/json")


def bearer(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tls_context(settings: LiveSettings) -> ssl.SSLContext | None:
    """Raises ConfigError: the certificate or its key cannot be used."""
    if settings.certificate is None or settings.key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error.strerror or error
        raise ConfigError(f"live.certificate {settings.certificate}: {reason}") from None
    return context

"""Asks the configured STUN and TURN servers whether they would help a browser to get through."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from aioice import stun, turn

from runtime.app.live.settings import IceServer

PATIENCE_S = 5.0
_TRIES = 3
_URL = re.compile(r"(stun|turn)(s?):(\[[0-9a-fA-F:]+\]|[^\[\]:?/]+)(?::(\d+))?(?:\?transport=(udp|tcp))?")


@dataclass(frozen=True, slots=True)
class IceReport:
    """ok: it answers, and lets us in. text: what it says, or what is wrong, in one line without credentials."""

    url: str
    ok: bool
    text: str


async def check_ice(servers: Sequence[IceServer], patience_s: float = PATIENCE_S) -> list[IceReport]:
    """One report for each address, all asked at the same time."""
    pairs = [
        (url, server)
        for server in servers
        for url in ([server.urls] if isinstance(server.urls, str) else server.urls)
    ]
    return list(await asyncio.gather(*(_check(url, server, patience_s) for url, server in pairs)))


async def _check(url: str, server: IceServer, patience_s: float) -> IceReport:
    match = _URL.fullmatch(url)
    if match is None:
        return IceReport(url, False, "is no address like stun:host:3478 or turn:host:3478?transport=tcp")
    kind, secure, host, port, transport = match.groups()
    address = (host.strip("[]"), int(port or (5349 if secure else 3478)))
    try:
        async with asyncio.timeout(patience_s):
            if kind == "stun":
                if secure or transport == "tcp":
                    return IceReport(url, False, "is not checked: only STUN over UDP is")
                return IceReport(url, True, f"sees this machine as {await _mapped(address)}")
            relayed = await _relayed(address, server, bool(secure), transport or ("tcp" if secure else "udp"))
            return IceReport(url, True, f"relays from {relayed}")
    except TimeoutError:
        return IceReport(url, False, "does not answer")
    except stun.TransactionTimeout:
        return IceReport(url, False, "does not answer")
    except stun.TransactionFailed as error:
        code = error.response.error_code
        why = "refuses the user name or the credential" if code in (401, 403) else "refuses"
        return IceReport(url, False, f"{why} ({code})")
    except ssl.SSLError as error:
        return IceReport(url, False, f"has a certificate that is not trusted ({error.reason})")
    except OSError as error:
        return IceReport(url, False, f"cannot be reached: {error.strerror or error}")


class _Binding(asyncio.DatagramProtocol):
    def __init__(self, request: stun.Message) -> None:
        self._request = request
        self.mapped: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        try:
            reply = stun.parse_message(data)
        except ValueError:
            return
        mapped = reply.attributes.get("XOR-MAPPED-ADDRESS") or reply.attributes.get("MAPPED-ADDRESS")
        if reply.transaction_id == self._request.transaction_id and mapped and not self.mapped.done():
            self.mapped.set_result(mapped)

    def error_received(self, exc: Exception) -> None:
        if not self.mapped.done():
            self.mapped.set_exception(exc)


class _Allocation(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.over = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()


async def _mapped(address: tuple[str, int]) -> str:
    """The address that a STUN server sees (RFC 8489, Binding)."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _Binding(request), remote_addr=address)
    try:
        for _ in range(_TRIES):
            transport.sendto(bytes(request))
            await asyncio.wait([protocol.mapped], timeout=PATIENCE_S / _TRIES)
            if protocol.mapped.done():
                break
        host, port = await protocol.mapped
        return f"{host}:{port}"
    finally:
        transport.close()
        protocol.mapped.cancel()


async def _relayed(address: tuple[str, int], server: IceServer, secure: bool, transport: str) -> str:
    """The address that a TURN server relays from (RFC 8656, Allocate); given back at once."""
    relay, allocation = await turn.create_turn_endpoint(
        _Allocation,
        address,
        server.username,
        server.credential,
        ssl=secure,
        transport=transport,
    )
    try:
        host, port = relay.get_extra_info("sockname")
        return f"{host}:{port}"
    finally:
        relay.close()
        await allocation.over.wait()

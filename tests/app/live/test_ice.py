"""STUN and TURN servers that answer, refuse, and are not there. They are made of aioice's own messages, on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aioice import stun

from runtime.app.live.ice import check_ice
from runtime.app.live.settings import IceServer
from tests.app.commandline import hearsight
from tests.conftest import Run

USER, PASSWORD, REALM, NONCE = "anna", "battery staple", "here", b"once"


class Relay(asyncio.DatagramProtocol):
    """Binding (RFC 8489); Allocate and Refresh with long-term credentials (RFC 8656). It relays nothing."""

    def __init__(self) -> None:
        self.given_back = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        request = stun.parse_message(data)
        reply = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
        reply.attributes["XOR-MAPPED-ADDRESS"] = addr
        if request.message_method != stun.Method.BINDING:
            key = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode()).digest()
            if not request.check_message_integrity(key):
                reply.message_class = stun.Class.ERROR
                reply.attributes = {"ERROR-CODE": (401, "Unauthorized"), "NONCE": NONCE, "REALM": REALM}
            else:
                if request.message_method == stun.Method.ALLOCATE:
                    reply.attributes |= {"XOR-RELAYED-ADDRESS": ("127.0.0.9", 50_000), "LIFETIME": 600}
                elif request.attributes.get("LIFETIME") == 0:
                    self.given_back.set()
                reply.add_message_integrity(key)
        self._transport.sendto(bytes(reply), addr)


@asynccontextmanager
async def relay() -> AsyncIterator[tuple[Relay, int]]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Relay, local_addr=("127.0.0.1", 0))
    try:
        yield protocol, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def server(url: str, credential: str = PASSWORD) -> IceServer:
    return IceServer(urls=url, username=USER, credential=credential)


def test_servers_that_answer(run_real: Run) -> None:
    async def main() -> None:
        async with relay() as (protocol, port):
            urls = (f"stun:127.0.0.1:{port}", f"turn:127.0.0.1:{port}?transport=udp")
            seen, relayed = await check_ice([IceServer(urls=urls, username=USER, credential=PASSWORD)])
            assert seen.ok and seen.text.startswith("sees this machine as 127.0.0.1:")
            assert relayed.ok and relayed.text == "relays from 127.0.0.9:50000"
            async with asyncio.timeout(90.0):
                await protocol.given_back.wait()

    run_real(main())


def test_a_wrong_credential_is_refused_and_not_told(run_real: Run) -> None:
    async def main() -> None:
        async with relay() as (_, port):
            (report,) = await check_ice([server(f"turn:127.0.0.1:{port}", "guess")])
            assert not report.ok
            assert report.text == "refuses the user name or the credential (401)"

    run_real(main())


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("turn:127.0.0.1:1?transport=tcp", "cannot be reached"),
        ("turn:", "is no address"),
        ("http://127.0.0.1", "is no address"),
        ("turn:127.0.0.1?transport=pigeon", "is no address"),
        ("stuns:127.0.0.1", "is not checked"),
    ],
)
def test_what_cannot_help(run_real: Run, url: str, text: str) -> None:
    async def main() -> None:
        (report,) = await check_ice([server(url)])
        assert not report.ok
        assert text in report.text

    run_real(main())


@pytest.mark.parametrize("kind", ["stun", "turn"])
def test_a_server_that_says_nothing(run_real: Run, kind: str) -> None:
    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            (report,) = await check_ice(
                [server(f"{kind}:127.0.0.1:{silent.getsockname()[1]}")], patience_s=0.2
            )
        assert (report.ok, report.text) == (False, "does not answer")

    run_real(main())


def test_doctor_tells_of_a_server_that_is_not_there() -> None:
    setting = 'live.ice_servers=[{urls="turn:127.0.0.1:1?transport=tcp", username="anna", credential="battery staple"}]'
    done = hearsight("--set", setting, "doctor")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if "turn:" in line]
    assert line.startswith("missing  turn:127.0.0.1:1?transport=tcp cannot be reached")
    assert "staple" not in done.stdout + done.stderr

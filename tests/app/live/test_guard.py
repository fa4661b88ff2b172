"""What the server lets in over real HTTP, before any session is begun."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from runtime.app.live.guard import RateLimit, is_loopback
from runtime.app.live.parts import Parts
from runtime.app.live.server import LiveServer
from runtime.app.live.settings import LiveSettings
from runtime.clock import SystemClock, VirtualClock
from runtime.errors import ConfigError, InputError
from runtime.metrics import Metrics
from tests.conftest import Run, require

TOKEN = "correct horse"
KNOWN = {"Authorization": f"Bearer {TOKEN}"}
TURN = {"urls": "turn:turn.example:3478", "username": "anna", "credential": "battery staple"}
# Port 0 takes a free one. Listening everywhere, and reached over loopback.
BEYOND = {"host": "0.0.0.0", "port": 0, "token": TOKEN}
NO_OFFER = '{"sdp": "hello", "type": "offer"}'


def server_of(**settings: Any) -> LiveServer:
    """Without the parts of which sessions are made."""
    live = LiveSettings(**({"port": 0} | settings))
    parts = SimpleNamespace(live=live, clock=SystemClock(), metrics=Metrics())

    def no_watches(_: bool) -> Any:
        raise AssertionError("no session is begun here")

    return LiveServer(cast(Parts, parts), no_watches)


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    async with server_of(**settings).serving() as address, aiohttp.ClientSession() as http:
        yield http, address.replace("0.0.0.0", "127.0.0.1")


@pytest.mark.parametrize("path", ["", "static/main.js", "healthz", "nothing"])
def test_every_answer_keeps_the_page_to_itself(run_real: Run, path: str) -> None:
    async def main() -> None:
        async with served() as (http, address), http.get(f"{address}{path}") as response:
            assert response.status == (404 if path == "nothing" else 200)
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-store"

    run_real(main())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
    ],
)
def test_on_loopback_only_its_own_page_gets_in(run_real: Run, headers: dict[str, str], status: int) -> None:
    async def main() -> None:
        async with served() as (http, address), http.get(f"{address}api/config", headers=headers) as response:
            assert response.status == status

    run_real(main())


@pytest.mark.parametrize(("method", "path"), [("POST", "api/offer"), ("GET", "metrics")])
def test_beyond_loopback_a_token_is_demanded(run_real: Run, method: str, path: str) -> None:
    async def main() -> None:
        async with served(**BEYOND) as (http, address):
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                async with http.request(
                    method, f"{address}{path}", headers=headers, data=NO_OFFER
                ) as refused:
                    assert refused.status == 401
            async with http.request(method, f"{address}{path}", headers=KNOWN, data=NO_OFFER) as response:
                assert response.status == (200 if method == "GET" else 400)

    run_real(main())


def test_a_token_is_made_where_none_is_set() -> None:
    made = {server_of(host="0.0.0.0").token for _ in range(3)}
    assert len(made) == 3
    assert min(map(len, made)) >= 20
    assert server_of(host="127.0.0.1").token == ""
    assert server_of(host="127.0.0.1", token=TOKEN).token == TOKEN


def test_tokens_cannot_be_tried_out(run_real: Run) -> None:
    async def main() -> None:
        async with served(**BEYOND) as (http, address):
            statuses = []
            for number in range(12):
                wrong = {"Authorization": f"Bearer {number}"}
                async with http.post(f"{address}api/offer", headers=wrong, data=NO_OFFER) as response:
                    statuses.append(response.status)
            assert statuses == [401] * 10 + [429] * 2
            # Not even the right one, for now: or the answer would tell which it is.
            async with http.post(f"{address}api/offer", headers=KNOWN, data=NO_OFFER) as response:
                assert response.status == 429

    run_real(main())


def test_credentials_of_turn_servers_are_for_those_who_know_the_token(run_real: Run) -> None:
    async def main() -> None:
        async with served(**BEYOND, ice_servers=(TURN,)) as (http, address):
            async with http.get(f"{address}api/config") as response:
                config = await response.json()
                assert config["ice_servers"] == []
                assert config["token_needed"]
            async with http.get(f"{address}api/config", headers=KNOWN) as response:
                assert (await response.json())["ice_servers"] == [TURN]
        async with (
            served(ice_servers=(TURN,)) as (http, address),
            http.get(f"{address}api/config") as response,
        ):
            assert (await response.json())["ice_servers"] == [TURN]

    run_real(main())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{}", 400),
        ("[1, 2]", 400),
        (NO_OFFER, 400),
        ('{"sdp": "v=0\\r\\nm=application x\\r\\n", "type": "answer"}', 400),
        ('{"sdp": "v=0\\r\\n' + "m=audio 9\\r\\n" * 40 + 'm=application 9\\r\\n", "type": "offer"}', 400),
        ("x" * 70_000, 413),
    ],
)
def test_what_is_no_offer_begins_no_session(run_real: Run, body: str, status: int) -> None:
    async def main() -> None:
        async with served() as (http, address):
            async with http.post(f"{address}api/offer", data=body) as response:
                assert response.status == status
                assert "Content-Security-Policy" in response.headers
                assert (await response.json())["error"]
            async with http.get(f"{address}healthz") as response:
                assert await response.json() == {"ok": True, "sessions": 0, "room": 4}

    run_real(main())


def test_offers_are_limited_and_the_refused_are_counted(run_real: Run) -> None:
    async def main() -> None:
        async with served(offers_per_minute=2) as (http, address):
            statuses = []
            for _ in range(4):
                async with http.post(f"{address}api/offer", data=NO_OFFER) as response:
                    statuses.append(response.status)
            assert statuses == [400, 400, 429, 429]
            async with http.get(f"{address}metrics") as response:
                assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                lines = (await response.text()).splitlines()
            assert 'hearsight_live_refused_total{why="offer"} 2' in lines
            assert 'hearsight_live_refused_total{why="rate"} 2' in lines
            assert "hearsight_live_sessions 0" in lines

    run_real(main())


def test_a_rate_limit_forgets_after_a_minute_and_knows_only_so_many(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        limit = RateLimit(2, clock)
        assert [limit.take("a") for _ in range(3)] == [True, True, False]
        assert limit.take("b")
        assert limit.full("a") and not limit.full("c")
        await clock.sleep(61.0)
        assert limit.take("a")
        for number in range(5000):
            limit.take(str(number))
        assert len(limit._times) == 1024

    run_virtual(main())


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    require(openssl, "openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    command = [str(openssl), *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split()]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def test_with_a_certificate_of_ones_own_it_is_https(run_real: Run, certificate: tuple[Path, Path]) -> None:
    async def main() -> None:
        async with server_of(certificate=certificate[0], key=certificate[1]).serving() as address:
            assert address.startswith("https://")
            trust = ssl.create_default_context(cafile=str(certificate[0]))
            async with aiohttp.ClientSession() as http:
                async with http.get(f"{address}healthz", ssl=trust) as response:
                    assert response.status == 200
                with pytest.raises(aiohttp.ClientConnectorCertificateError):
                    await http.get(f"{address}healthz")

    run_real(main())


def test_a_certificate_that_cannot_be_used_is_one_line(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    wrong = tmp_path / "wrong.pem"
    for text in ("", "not a key"):
        wrong.write_text(text)
        with pytest.raises(ConfigError, match=r"live\.certificate") as refused:
            server_of(certificate=certificate[0], key=wrong)
        assert "\n" not in str(refused.value)
    with pytest.raises(ConfigError, match="No such file"):
        server_of(certificate=tmp_path / "nothing.pem", key=certificate[1])
    with pytest.raises(ValueError, match="go together"):
        LiveSettings(certificate=certificate[0])


def test_a_port_that_is_taken_is_one_line(run_real: Run) -> None:
    async def main() -> None:
        async with server_of().serving() as address:
            port = int(address.rstrip("/").rpartition(":")[2])
            with pytest.raises(InputError, match="cannot be listened on"):
                async with server_of(port=port).serving():
                    pass

    run_real(main())

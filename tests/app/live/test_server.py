"""The real server over real WebRTC, with a page made of aiortc: it hears, remembers, answers, and ends cleanly."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from runtime.weights import Registry
from tests.app.live.peer import DEADLINE_S, Page, page_of
from tests.app.live.world import NEEDED
from tests.conftest import require

TALK = Path(__file__).parents[2] / "fixtures" / "talk.mp4"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.flaky(reruns=2)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    here = {s.spec.name for s in Registry.load().status() if s.present}
    require(here.issuperset(NEEDED), "the default weights are not here: hearsight models pull")
    folder = tmp_path_factory.mktemp("live")
    options = ["--set", "vision.encoder=imagenet", "--set", "live.sessions=2", "--set", "live.reconnect_s=60"]
    command = [sys.executable, "-m", "runtime.app.cli", *options, "live", "--no-engine"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--memory", str(folder / "memory")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield re.split(r"\s+", line.strip())[1]
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in errors, errors
    assert errors.splitlines()[-1] == "hearsight: stopped; what was perceived is kept"


def test_it_hears_a_clip_and_answers_a_typed_question_with_evidence(server: str) -> None:
    async def main() -> None:
        async with page_of(server) as page, aiohttp.ClientSession() as http:
            await page.connect(TALK)
            hello = await page.wait("hello")
            assert hello["session"] == page.session
            assert not hello["resumed"]
            heard = await page.wait("utterance")
            clip = await page.wait("clip")
            word = max(heard["text"].split(), key=len).strip(".,!?")
            assert (await page.search(heard["text"]))[0]["text"] == heard["text"]
            page.send(type="ask", text=f"What was said about {word}?")
            turn = await page.wait("turn")
            assert turn["typed"]
            answer = await page.wait("answer")
            assert answer["turn"] == turn["turn"]
            assert answer["evidence"]
            picture = f"{server.rstrip('/')}{clip['picture']}"
            async with http.get(picture) as refused:
                assert refused.status == 404
            headers = {"Authorization": f"Bearer {page.secret}"}
            async with http.get(picture, headers=headers) as shown:
                assert shown.status == 200
                assert (await shown.read()).startswith(b"\xff\xd8")
            page.send(type="forget", all=True)
            await page.wait("forgotten")
            page.send(type="search", request=0, text=heard["text"])
            again = await page.wait("search", sum(m["type"] == "search" for m in page.messages) + 1)
            assert heard["id"] not in {hit["id"] for hit in again["hits"]}

    asyncio.run(main())


def test_sessions_see_nothing_of_each_other_and_one_too_many_is_told(server: str) -> None:
    async def main() -> None:
        async with page_of(server) as one, page_of(server) as two, aiohttp.ClientSession() as http:
            await _room(one, server)
            await one.connect(TALK)
            await two.connect()
            heard = await one.wait("utterance")
            await two.wait("hello")
            assert await one.search(heard["text"])
            two.send(type="search", request=1, text=heard["text"])
            assert (await two.wait("search"))["hits"] == []
            assert not [m for m in two.messages if m["type"] in {"utterance", "partial", "clip", "seen"}]
            offer = {"sdp": "v=0\r\nm=application 9\r\n", "type": "offer"}
            async with http.post(f"{server}api/offer", json=offer) as full:
                assert full.status == 503
                assert await full.json() == {"error": "full"}

    asyncio.run(main())


def test_only_its_own_page_can_hold_a_session(server: str) -> None:
    async def main() -> None:
        async with page_of(server) as page, aiohttp.ClientSession() as http:
            await _room(page, server)
            await page.connect()
            await page.wait("hello")

            async def hold(body: dict[str, str]) -> int:
                async with http.post(f"{server}api/hold", json=body) as response:
                    return response.status

            assert await hold({"session": page.session}) == 400
            assert await hold({"session": page.session, "secret": "x"}) == 404
            assert await hold({"session": "x", "secret": page.secret}) == 404
            assert await hold({"session": page.session, "secret": page.secret}) == 204

    asyncio.run(main())


def test_who_comes_back_finds_the_session(server: str) -> None:
    async def main() -> None:
        async with page_of(server) as page:
            await _room(page, server)
            await page.connect(TALK)
            heard = await page.wait("utterance")
            session = page.session
            await page.hold()
            await page.close()
            page.messages.clear()
            await page.connect()
            hello = await page.wait("hello")
            assert hello["resumed"]
            assert page.session == session
            assert (await page.search(heard["text"]))[0]["id"] == heard["id"]

    asyncio.run(main())


def test_a_watch_is_understood_listed_and_ended(server: str) -> None:
    async def main() -> None:
        async with page_of(server) as page:
            await _room(page, server)
            await page.connect()
            await page.wait("watches")
            page.send(type="watch", text="tell me when someone says budget")
            items = (await page.wait("watches", 2))["items"]
            assert len(items) == 1
            page.send(type="unwatch", id=items[0]["id"])
            count = 1
            while (await page.wait("watches", count))["items"] or count < 3:
                count += 1

    asyncio.run(main())


@pytest.mark.parametrize(
    "message",
    ["not json", "[]", '{"type": "dance"}', '{"v": 2, "type": "ping"}', '{"type": "ask", "text": " "}'],
)
def test_a_bad_message_is_one_error(server: str, message: str) -> None:
    async def main() -> None:
        async with page_of(server) as page:
            await _room(page, server)
            await page.connect()
            await page.wait("hello")
            page._channel.send(message)
            assert (await page.wait("error"))["text"]
            page.send(type="ping", at=3.0)
            assert (await page.wait("pong"))["at"] == 3.0

    asyncio.run(main())


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Host": "evil.example"}, "{}", 403),
        ({"Origin": "http://evil.example"}, "{}", 403),
        ({}, "{}", 400),
        ({}, '{"sdp": "hello", "type": "offer"}', 400),
        ({}, '{"sdp": "v=0\\r\\nm=application x\\r\\n", "type": "offer"}', 400),
        ({}, "x" * 200_000, 413),
    ],
)
def test_what_is_no_offer_is_refused(server: str, headers: dict[str, str], body: str, status: int) -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as http:
            await _room(Page(http, server), server)
            async with http.post(f"{server}api/offer", data=body, headers=headers) as response:
                assert response.status == status
            async with http.get(f"{server}healthz") as response:
                assert (await response.json())["ok"]

    asyncio.run(main())


async def _room(page: Page, server: str) -> None:
    """Waits until the sessions of the tests before have ended."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            async with page._http.get(f"{server}healthz") as response:
                if (await response.json())["sessions"] == 0:
                    return

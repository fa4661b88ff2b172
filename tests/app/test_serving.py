"""Other programs and the memory: a real MCP client over stdio and over HTTP, and plain JSON, against the real commands."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from runtime.app.cli import main
from runtime.clock import SystemClock
from tests.app.commandline import COMMAND
from tests.memory.test_forgetting import holding
from tests.memory.test_store import other_process

pytestmark = pytest.mark.slow

TOOLS = {"search", "ask", "add", "history", "forget"}
TOKEN = "let-me-in"
Call = dict[str, Any]


def without_engine() -> dict[str, str]:
    return {**os.environ, "HEARSIGHT__ENGINE__MODE": "off"}


@contextmanager
def serve(memory: Path, *more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """hearsight serve on a free port: its address; ended by SIGTERM, within its time."""
    command = [*COMMAND, *more, "serve", "--memory", str(memory), "--port", "0", "--no-engine"]
    with subprocess.Popen(command, env=without_engine(), text=True, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("mcp      http://127.0.0.1:")
            yield line.split()[1].removesuffix("mcp"), process
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 130
        finally:
            process.kill()


async def call(client: Client, name: str, **arguments: Any) -> Call:
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refused(client: Client, name: str, **arguments: Any) -> str:
    result = await client.call_tool(name, arguments)
    assert result.is_error
    return str(getattr(result.content[0], "text", ""))


async def a_day_with_the_memory(client: Client, memory: Path) -> None:
    """What an assistant would do, tool by tool."""
    listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(listed) == TOOLS
    assert listed["forget"].annotations is not None
    assert listed["forget"].annotations.destructive_hint
    told = [
        ("2026-03-02T09:00", "Ana", "The project is led by Martin Okafor."),
        ("2026-03-09T09:00", "Ana", "The project is led by Helena Lindqvist now."),
        ("2026-03-10T10:00", "Ben", "My locker code is quetzalcoatlus."),
    ]
    for time, speaker, text in told:
        assert (await call(client, "add", text=text, speaker=speaker, time=time, source="chat"))["added"]
    assert (await call(client, "add", text=told[0][2]))["added"] is False
    assert (await call(client, "add", text=f"Ana: {told[0][2]}"))["added"] is False
    found = (await call(client, "search", query="who leads the project"))["results"]
    assert {r["text"] for r in found[:2]} == {told[0][2], told[1][2]}
    assert found[0]["when"].startswith("2026-03-")
    answer = await call(client, "ask", question="Who leads the project?")
    assert "Helena Lindqvist" in answer["answer"]
    assert not answer["abstained"]
    versions = (await call(client, "history", what="who leads the project"))["versions"]
    assert [v["text"] for v in versions] == [told[0][2], told[1][2]]
    assert versions[0]["superseded_by"] == versions[1]["id"]
    planned = await call(client, "forget", words="quetzalcoatlus")
    assert (planned["forgotten"], planned["records"], planned["shown"][0]["speaker"]) == (False, 1, "Ben")
    assert holding(memory, b"quetzalcoatlus")
    assert (await call(client, "forget", words="quetzalcoatlus", confirm=True))["forgotten"]
    assert holding(memory, b"quetzalcoatlus") == []
    assert not any(
        "locker" in r["text"] for r in (await call(client, "search", query="locker code"))["results"]
    )
    assert "say what to forget" in await refused(client, "forget")
    assert "not in memory" in await refused(client, "search", query="x", source="nowhere")
    assert "no time" in await refused(client, "add", text="x", time="soon")
    early = await call(client, "ask", question="Who leads the project?", as_of="2026-03-05")
    assert "Martin Okafor" in early["answer"]
    assert "is not a time" in await refused(client, "search", query="x", as_of="soon")
    for says, wrong in (
        ("query: string should have at least 1 character", {"query": ""}),
        ("sources: unexpected keyword argument", {"query": "x", "sources": "notes"}),
    ):
        assert await refused(client, "search", **wrong) == says
    assert "nobody in memory is called Zork" in await refused(client, "forget", person="Zork", confirm=True)
    assert not (await call(client, "forget", words="quetzalcoatlus", confirm=True))["forgotten"]


def test_an_assistant_over_stdio(weights: None, tmp_path: Path) -> None:
    command = [*COMMAND[1:], "mcp", "--memory", str(tmp_path / "m"), "--no-engine"]

    async def talk() -> None:
        parameters = StdioServerParameters(
            command=COMMAND[0], args=command, env=without_engine(), cwd=os.getcwd()
        )
        async with Client(parameters) as client:
            assert "no time" in await refused(client, "add", text="x", time="soon")
            assert not (tmp_path / "m").exists()
            await a_day_with_the_memory(client, tmp_path / "m")

    asyncio.run(talk())


def test_an_assistant_over_http_and_a_script_beside_it(weights: None, tmp_path: Path) -> None:
    async def talk(address: str) -> None:
        async with Client(f"{address}mcp") as client:
            await a_day_with_the_memory(client, tmp_path / "m")
        async with aiohttp.ClientSession(address) as session:
            async with session.post("/api/search", json={"query": "project", "k": 1}) as response:
                assert response.status == 200
                assert len((await response.json())["results"]) == 1
            before = datetime.fromtimestamp(SystemClock().wall() - 26 * 3600.0, UTC).isoformat()
            for planted, when in (("beans", before), ("peas", None)):
                note = {"text": f"Ana planted {planted}.", "time": when}
                async with session.post("/api/add", json=note) as response:
                    assert response.status == 200
            asked = {"query": "What did Ana plant 26 hours ago?"}
            async with session.post("/api/search", json=asked) as response:
                assert (await response.json())["results"][0]["text"] == "Ana planted beans."
            for path, body, status, says in (
                ("search", {"query": "x", "k": 0}, 400, "k: "),
                ("search", {"query": "x", "limit": 3}, 400, "limit: unexpected"),
                ("forget", {}, 400, "say what to forget"),
                ("search", [], 400, "no object"),
            ):
                async with session.post(f"/api/{path}", json=body) as response:
                    assert response.status == status
                    assert says in (await response.json())["error"]

    async def while_another_writes(address: str) -> None:
        async with aiohttp.ClientSession(address) as session:
            async with session.post("/api/add", json={"text": "too late"}) as response:
                assert "is being written by process" in (await response.json())["error"]
            async with session.post("/api/search", json={"query": "project"}) as response:
                assert response.status == 200

    with serve(tmp_path / "m") as (address, _):
        asyncio.run(talk(address))
        with other_process_writing(tmp_path / "m"):
            asyncio.run(while_another_writes(address))


@contextmanager
def other_process_writing(memory: Path) -> Iterator[None]:
    """Another process holds the writer's lock of this memory."""
    beside = memory.with_name("beside")
    with other_process(beside):
        os.replace(memory / ".writer.lock", memory / ".writer.lock.mine")
        os.link(beside / ".writer.lock", memory / ".writer.lock")
        yield
        os.replace(memory / ".writer.lock.mine", memory / ".writer.lock")


def test_where_a_token_is_wanted_nothing_is_told_without_it(tmp_path: Path) -> None:
    async def talk(address: str) -> None:
        known = httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"})
        async with known, Client(streamable_http_client(f"{address}mcp", http_client=known)) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
        async with aiohttp.ClientSession(address) as session:
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                for path in ("/api/search", "/mcp"):
                    async with session.post(path, json={"query": "x"}, headers=headers) as response:
                        assert response.status == 401
            statuses = []
            for _ in range(8):
                wrong = {"Authorization": "Bearer guess"}
                async with session.post("/api/search", json={}, headers=wrong) as response:
                    statuses.append(response.status)
            assert statuses == [401] * 6 + [429] * 2
            async with session.get("/healthz") as response:
                assert response.status == 200

    with serve(tmp_path / "m", "--set", f"serve.token={TOKEN}") as (address, _):
        asyncio.run(talk(address))


def test_other_pages_and_other_names_get_nothing(tmp_path: Path) -> None:
    async def talk(address: str) -> None:
        async with aiohttp.ClientSession(address) as session:
            for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
                for path in ("/api/search", "/mcp"):
                    async with session.post(path, json={"query": "x"}, headers=headers) as response:
                        assert response.status == 403
            async with session.post("/api/search", data={"query": "x"}) as response:
                assert response.status == 415
            async with session.post("/api/search", json={"query": "x" * 1_100_000}) as response:
                assert response.status == 413

    with serve(tmp_path / "m") as (address, _):
        asyncio.run(talk(address))


def test_a_port_that_is_taken_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        assert main(["serve", "--memory", str(tmp_path / "m"), "--port", str(number)]) == 1
    assert capsys.readouterr().err == (
        f"hearsight: 127.0.0.1:{number} cannot be listened on: Address already in use\n"
    )

"""The arguments of hearsight mcp and hearsight serve."""

from __future__ import annotations

from typing import Any

from runtime.app.arguments import add_command, engine_option, memory_option, port

_TOOLS = """The tools are search, ask, add, history and forget (which shows what it would forget, until it is confirmed).
Reading goes on while another Hearsight writes; adding and forgetting wait for nobody and say who is writing."""
_TOKEN = "Beyond this machine (--host 0.0.0.0) a token is demanded and shown: Authorization: Bearer TOKEN"


def serving_parsers(commands: Any) -> None:
    mcp = add_command(
        commands,
        "mcp",
        "the memory as tools for any assistant (Model Context Protocol)",
        "runtime.app.serving.command:run_mcp",
        description=f"""Speaks MCP on stdin and stdout, for an assistant that starts it; with --http it listens instead.

{_TOOLS}

{_TOKEN}""",
    )
    mcp.add_argument("--http", action="store_true", help="streamable HTTP, as hearsight serve")
    serve = add_command(
        commands,
        "serve",
        "the same tools over HTTP: MCP at /mcp, plain JSON at /api/NAME",
        "runtime.app.serving.command:run_serve",
        description=f"""Listens for other programs: MCP (streamable HTTP) at /mcp, and plain JSON, one POST for each tool:

curl -H 'Content-Type: application/json' -d '{{"query": "ferry"}}' http://127.0.0.1:8090/api/search

{_TOOLS}

{_TOKEN}""",
    )
    for parser in (mcp, serve):
        memory_option(parser)
        parser.add_argument("--host", metavar="ADDRESS", help="where to listen (default: 127.0.0.1)")
        parser.add_argument(
            "--port", type=port, metavar="N", help="on which port, 0 for a free one (default: 8090)"
        )
        engine_option(parser)

"""hearsight mcp and hearsight serve: the memory for other programs, until a signal or the client's end."""

from __future__ import annotations

import argparse
import asyncio

from runtime.app import console
from runtime.app.context import open_app
from runtime.app.serving.server import mcp_server, serving
from runtime.app.serving.tools import MemoryTools
from runtime.app.settings import default_memory
from runtime.collector import start_up_frozen


async def run_mcp(args: argparse.Namespace) -> int:
    if args.http:
        return await run_serve(args)
    async with open_app(args) as app, MemoryTools(app, args.memory or default_memory(), args.engine) as tools:
        await mcp_server(tools).run_stdio_async()
    return 0


async def run_serve(args: argparse.Namespace) -> int:
    async with open_app(args) as app:
        changes = {k: v for k, v in (("host", args.host), ("port", args.port)) if v is not None}
        settings = app.settings.serve.model_copy(update=changes)
        async with (
            MemoryTools(app, args.memory or default_memory(), args.engine) as tools,
            serving(tools, settings, app.clock) as (address, token),
        ):
            console.stdout.print(f"mcp      {address}mcp", markup=False)
            console.stdout.print(
                f"http     {address}api/  (POST search, ask, add, history, forget)", markup=False
            )
            if token and token != settings.token:
                console.stdout.print(f"token    {token}", markup=False)
            console.stdout.file.flush()
            with start_up_frozen():
                await asyncio.Event().wait()
    return 0

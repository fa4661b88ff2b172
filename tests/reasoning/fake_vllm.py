"""Stands in for vLLM's server where only its life matters: health, metrics, one streamed answer.

    python fake_vllm.py --behave die|deaf|child --port N

die: ends with an error at once.  deaf: never healthy.  child: has a child of its own that ignores SIGTERM.
Nothing: serves. GET /die makes it exit like a crash.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

from aiohttp import web

STUBBORN = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); signal.pause()"
)

parser = argparse.ArgumentParser()
parser.add_argument("--behave", default="")
parser.add_argument("--port", type=int, required=True)
options = parser.parse_args()
requests = 0


async def health(_: web.Request) -> web.Response:
    return web.Response(status=503 if options.behave == "deaf" else 200)


async def metrics(_: web.Request) -> web.Response:
    return web.Response(
        text=f'vllm:num_requests_running{{engine="0"}} 0.0\nvllm:request_success_total{{}} {requests}\n'
    )


async def die(_: web.Request) -> web.Response:
    os._exit(3)


async def chat(request: web.Request) -> web.StreamResponse:
    global requests
    if request.headers.get("Authorization") != f"Bearer {os.environ['VLLM_API_KEY']}":
        return web.json_response({"error": "Unauthorized"}, status=401)
    requests += 1
    response = web.StreamResponse()
    await response.prepare(request)
    for event in (
        {"choices": [{"delta": {"content": "Yes."}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
    ):
        await response.write(f"data: {json.dumps(event)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    return response


async def main() -> None:
    if options.behave == "die":
        raise ValueError("the weights are damaged")
    if options.behave == "child":
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", STUBBORN, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        await child.stdout.readline()
    app = web.Application()
    app.add_routes(
        [
            web.get("/health", health),
            web.get("/metrics", metrics),
            web.get("/die", die),
            web.post("/v1/chat/completions", chat),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    await asyncio.Event().wait()


asyncio.run(main())

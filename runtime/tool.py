"""Runs another program to its end, and never leaves it behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress


async def run_tool(arguments: Sequence[str], env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """(exit status, what it printed on stdout and stderr). Cancelled, it kills the program and waits for it.

    OSError: the program cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=env,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode("utf-8", "replace")

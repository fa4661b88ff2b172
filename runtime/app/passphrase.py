"""A passphrase that a person gives."""

from __future__ import annotations

import asyncio
import os
import sys
from getpass import getpass

from runtime.errors import InputError


async def passphrase(of: str, variable: str, twice: bool = False) -> str:
    """From the environment, else typed. Raises InputError: no terminal to type at, or two that differ."""
    known = os.environ.get(variable)
    if known:
        return known
    if not sys.stdin.isatty():
        raise InputError(f"the passphrase of {of} is asked for at a terminal, or taken from {variable}")
    first = await asyncio.to_thread(getpass, f"Passphrase of {of}: ")
    if twice and first != await asyncio.to_thread(getpass, "Once more: "):
        raise InputError("the two passphrases differ")
    return first

"""hearsight memory encrypt, unlock, lock. Every function returns the exit status."""

from __future__ import annotations

import argparse
import asyncio
import secrets
from pathlib import Path

from memory import encryption, system_keyring
from memory.place import encrypted_folder, local_folder
from runtime.app import console
from runtime.app.passphrase import passphrase
from runtime.app.settings import default_memory
from runtime.errors import InputError, MemoryStoreError

PASSPHRASE = "HEARSIGHT_MEMORY_PASSPHRASE"
_SERVICE = "hearsight memory"


async def run_encrypt(args: argparse.Namespace) -> int:
    folder = _folder(args)
    if args.keyring:
        given = secrets.token_urlsafe(32)
        system_keyring.keep(_SERVICE, str(folder), given, "give the memory a passphrase")
    else:
        given = await passphrase("the memory", PASSPHRASE, twice=True)
    moved = await asyncio.to_thread(encryption.encrypt, folder, given)
    console.stdout.print(
        f"encrypted  {moved / 1e6:.1f} MB, in {encrypted_folder(folder)}; it is unlocked now", markup=False
    )
    console.stdout.print("to lock it: hearsight memory lock", markup=False)
    return 0


async def run_unlock(args: argparse.Namespace) -> int:
    folder = _folder(args)
    given = await asyncio.to_thread(_kept, folder)
    given = given or await passphrase("the memory", PASSPHRASE)
    await asyncio.to_thread(encryption.unlock, folder, given)
    console.stdout.print(f"unlocked   {folder}", markup=False)
    return 0


async def run_lock(args: argparse.Namespace) -> int:
    folder = _folder(args)
    await asyncio.to_thread(encryption.lock, folder)
    console.stdout.print(f"locked     {folder}", markup=False)
    return 0


def _kept(folder: Path) -> str | None:
    """None: it is not in the keyring, or there is none."""
    try:
        return system_keyring.kept(_SERVICE, str(folder))
    except MemoryStoreError:
        return None


def _folder(args: argparse.Namespace) -> Path:
    folder = local_folder(args.memory or default_memory())
    if folder is None:
        raise InputError("only a memory in a local folder can be encrypted")
    return folder.resolve()

"""hearsight vault: the secrets that were perceived. Every function returns the exit status."""

from __future__ import annotations

import argparse

from memory import Store
from memory.vault import entries, make_vault, needs_passphrase, reveal
from reasoning.times import clock_text
from runtime.app import console
from runtime.app.console import say
from runtime.app.context import open_app
from runtime.app.passphrase import passphrase
from runtime.app.settings import default_memory

PASSPHRASE = "HEARSIGHT_VAULT_PASSPHRASE"


async def run_vault_init(args: argparse.Namespace) -> int:
    async with open_app(args) as app:
        uri = args.memory or default_memory()
        async with await Store.open(uri, await app.models.text_encoder()) as store:
            given = await passphrase("the vault", PASSPHRASE, twice=True) if args.passphrase else None
            kept = await make_vault(store, given)
        where = "in the keyring of this system" if kept else "in the memory, behind the passphrase"
        console.stdout.print(f"made     the key lies {where}", markup=False)
        if app.settings.memory.secrets != "vault":
            console.stdout.print(
                'to use it: --set memory.secrets=vault, or secrets = "vault" under [memory]', markup=False
            )
    return 0


async def run_vault_list(args: argparse.Namespace) -> int:
    async with await Store.open(args.memory or default_memory(), read_only=True) as store:
        found = await entries(store)
    for entry in found:
        when = clock_text(entry.t_start_s)
        console.stdout.print(f"{entry.id}  {when:>8}  {entry.kind:8}  {entry.caption}", markup=False)
    if not found:
        say("nothing is in the vault")
    return 0


async def run_vault_show(args: argparse.Namespace) -> int:
    async with await Store.open(args.memory or default_memory(), read_only=True) as store:
        given = await passphrase("the vault", PASSPHRASE) if needs_passphrase(store) else None
        # Not through the console, which might wrap or style it.
        print(await reveal(store, args.entry, given))
    return 0

"""The arguments of hearsight vault."""

from __future__ import annotations

import argparse
from typing import Any

from runtime.app.arguments import add_command, memory_option


def vault_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "vault",
        "secrets that were heard or read, encrypted",
        None,
        description="""With memory.secrets = "vault", card numbers, IBANs, keys, tokens and labelled passwords go into the vault
and are redacted everywhere else; only what stood around them can be searched. HEARSIGHT_VAULT_PASSPHRASE saves typing it.""",
    )
    sub = parser.add_subparsers(title="commands", metavar="COMMAND")

    async def init(args: argparse.Namespace) -> int:
        from runtime.app.vault_commands import run_vault_init

        return await run_vault_init(args)

    async def show_all(args: argparse.Namespace) -> int:
        from runtime.app.vault_commands import run_vault_list

        return await run_vault_list(args)

    async def show(args: argparse.Namespace) -> int:
        from runtime.app.vault_commands import run_vault_show

        return await run_vault_show(args)

    make = add_command(sub, "init", "make its key, in the system's keyring or behind a passphrase", init)
    make.add_argument(
        "--passphrase", action="store_true", help="ask for a passphrase instead of using the keyring"
    )
    one = add_command(sub, "show", "decrypt one entry", show)
    one.add_argument("entry", metavar="ID")
    for command in (make, add_command(sub, "list", "what is in it, without the secrets", show_all), one):
        memory_option(command)

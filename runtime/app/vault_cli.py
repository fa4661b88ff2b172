"""The arguments of hearsight vault."""

from __future__ import annotations

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

    make = add_command(
        sub,
        "init",
        "make its key, in the system's keyring or behind a passphrase",
        "runtime.app.vault_commands:run_vault_init",
    )
    make.add_argument(
        "--passphrase", action="store_true", help="ask for a passphrase instead of using the keyring"
    )
    one = add_command(sub, "show", "decrypt one entry", "runtime.app.vault_commands:run_vault_show")
    one.add_argument("entry", metavar="ID")
    for command in (
        make,
        add_command(
            sub, "list", "what is in it, without the secrets", "runtime.app.vault_commands:run_vault_list"
        ),
        one,
    ):
        memory_option(command)

"""The arguments of hearsight memory encrypt, unlock and lock."""

from __future__ import annotations

from typing import Any

from runtime.app.arguments import add_command, memory_option

_DESCRIPTION = """Encrypts a memory on the disk with gocryptfs (AES-256-GCM): what lies in the folder is moved into
NAME.encrypted beside it, and the folder shows it while the memory is unlocked. Locked, it tells nothing but how many
files there are and how large.
Best done before anything is remembered: a disk may keep what was deleted until it is overwritten.
HEARSIGHT_MEMORY_PASSPHRASE saves typing the passphrase."""


def encryption_parser(commands: Any) -> None:
    make = add_command(
        commands,
        "encrypt",
        "encrypt it on the disk",
        "runtime.app.encryption_commands:run_encrypt",
        description=_DESCRIPTION,
    )
    make.add_argument(
        "--keyring", action="store_true", help="a key of its own in the system's keyring, and no passphrase"
    )
    for parser in (
        make,
        add_command(
            commands, "unlock", "an encrypted one, to use it", "runtime.app.encryption_commands:run_unlock"
        ),
        add_command(
            commands,
            "lock",
            "an encrypted one, until it is unlocked",
            "runtime.app.encryption_commands:run_lock",
        ),
    ):
        memory_option(parser)

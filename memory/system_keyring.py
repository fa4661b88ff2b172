"""Secrets in the keyring of the operating system."""

from __future__ import annotations

from runtime.errors import MemoryStoreError


def keep(service: str, name: str, secret: str, otherwise: str) -> None:
    """otherwise: what to do where there is no keyring. Raises MemoryStoreError."""
    import keyring

    try:
        if keyring.get_keyring().priority < 1:
            raise MemoryStoreError(f"this system has no keyring: {otherwise}")
        keyring.set_password(service, name, secret)
    except MemoryStoreError:
        raise
    except Exception as error:  # each backend has errors of its own
        raise MemoryStoreError(f"the keyring does not take the key: {error}") from None


def kept(service: str, name: str) -> str | None:
    """None: it is not there. Raises MemoryStoreError: the keyring does not open."""
    import keyring

    try:
        found: str | None = keyring.get_password(service, name)
    except Exception as error:  # each backend has errors of its own
        raise MemoryStoreError(f"the keyring does not open: {error}") from None
    return found

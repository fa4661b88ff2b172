"""Secrets that were perceived, encrypted: who watches can put them in and not take them out again.

HPKE (RFC 9180) with X25519: the memory holds the public key, so that nothing has to be asked for while it perceives. The
private key lies in the keyring of the operating system, or in the memory itself, encrypted with a passphrase (scrypt, RFC
7914, then AES-256-GCM). Only captions are plain text: what stood around the secret.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from memory import schema, system_keyring
from memory.store import Store, quoted
from runtime.errors import InputError, MemoryStoreError

PUBLIC, PRIVATE, NUMBER = "vault_public", "vault_private", "vault_id"
"""Keys of the meta table. PRIVATE is there only where a passphrase guards it."""

_SERVICE = "hearsight vault"
_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_SALT, _NONCE = 16, 12
_LEAST_PASSPHRASE = 8


@dataclass(frozen=True, slots=True)
class Sealed:
    """One secret. record: where it was perceived. caption: its line there, with [kind] in its place."""

    id: str
    record: str
    modality: str
    source: str
    t_start_s: float
    t_end_s: float
    known_at_s: float
    kind: str
    caption: str
    sealed: bytes


async def make_vault(store: Store, passphrase: str | None) -> bool:
    """Gives a memory its keys. passphrase: None puts the private one into the keyring. Returns whether it lies there.

    Raises InputError: there is a vault already, the passphrase is too short; MemoryStoreError: there is no keyring.
    """
    if PUBLIC in store.meta:
        raise InputError(f"memory {store.uri} has a vault already")
    private = X25519PrivateKey.generate()
    number = secrets.token_hex(8)
    values = {NUMBER: number, PUBLIC: _text(private.public_key().public_bytes_raw())}
    if passphrase is None:
        system_keyring.keep(
            _SERVICE,
            number,
            _text(private.private_bytes_raw()),
            "give the vault a passphrase (hearsight vault init --passphrase)",
        )
    else:
        if len(passphrase) < _LEAST_PASSPHRASE:
            raise InputError(f"the passphrase is too short: at least {_LEAST_PASSPHRASE} characters")
        values[PRIVATE] = _text(_locked(private.private_bytes_raw(), passphrase))
    await store.set_meta(values)
    return passphrase is None


def public_key(store: Store) -> bytes | None:
    """What `seal` needs; None where there is no vault yet."""
    known = store.meta.get(PUBLIC)
    return None if known is None else base64.b64decode(known)


def needs_passphrase(store: Store) -> bool:
    return PRIVATE in store.meta


def seal(text: str, key: bytes, about: str) -> bytes:
    """about: the id of the entry; it opens only under the same one."""
    return bytes(_SUITE.encrypt(text.encode(), X25519PublicKey.from_public_bytes(key), about.encode()))


async def entries(store: Store) -> list[Sealed]:
    """In order of time, still sealed."""
    rows = await store.rows(schema.VAULT)
    found = [Sealed(**row) for row in rows.to_pylist()] if rows is not None else []
    return sorted(found, key=lambda e: (e.source, e.known_at_s, e.id))


async def reveal(store: Store, entry: str, passphrase: str | None) -> str:
    """Raises InputError: no such entry, a wrong passphrase; MemoryStoreError: the private key cannot be had."""
    rows = await store.rows(schema.VAULT, f"id = {quoted(entry)}")
    if rows is None or not rows.num_rows:
        raise InputError(f"there is no entry {entry} in the vault: hearsight vault list")
    key = X25519PrivateKey.from_private_bytes(_private_key(store, passphrase))
    try:
        return bytes(_SUITE.decrypt(rows["sealed"][0].as_py(), key, entry.encode())).decode()
    except (InvalidTag, ValueError):
        raise MemoryStoreError(f"entry {entry} is damaged, or was sealed for another vault") from None


def vault_table(sealed: Sequence[Sealed]) -> pa.Table:
    shape = schema.fixed_schema(schema.VAULT)
    return pa.Table.from_pylist(
        [{f.name: getattr(one, f.name) for f in shape} for one in sealed], schema=shape
    )


def _private_key(store: Store, passphrase: str | None) -> bytes:
    meta = store.meta
    if PUBLIC not in meta:
        raise InputError(f"memory {store.uri} has no vault: hearsight vault init")
    if PRIVATE in meta:
        if passphrase is None:
            raise InputError("the vault opens with a passphrase")
        return _unlocked(base64.b64decode(meta[PRIVATE]), passphrase)
    found = system_keyring.kept(_SERVICE, meta[NUMBER])
    if found is None:
        raise MemoryStoreError("the key of this vault is not in the keyring of this machine and user")
    return base64.b64decode(found)


def _locked(key: bytes, passphrase: str) -> bytes:
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    return salt + nonce + AESGCM(_derived(passphrase, salt)).encrypt(nonce, key, None)


def _unlocked(locked: bytes, passphrase: str) -> bytes:
    salt, nonce, rest = locked[:_SALT], locked[_SALT : _SALT + _NONCE], locked[_SALT + _NONCE :]
    try:
        return AESGCM(_derived(passphrase, salt)).decrypt(nonce, rest, None)
    except InvalidTag:
        raise InputError("the passphrase is wrong") from None


def _derived(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()

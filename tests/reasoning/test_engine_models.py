"""Which model is served, and how."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from reasoning import engine_models
from reasoning.engine import Engine
from reasoning.engine_env import OWN_PYTHON, Gpu
from reasoning.engine_models import (
    READER,
    READER_FREE_BYTES,
    SMALL,
    make_plan,
    read_facts,
    vision_models,
    wanted,
)
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import LaunchPlan
from runtime.clock import SystemClock
from runtime.errors import EngineError, ModelError
from runtime.weights import Registry

SPARSE_BYTES = 4_000_000_000


def model(folder: Path, *, big: bool = False, **config: Any) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 8192, **config}))
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(SPARSE_BYTES if big else 1000)
    return folder


def plan_for(
    settings: EngineSettings,
    monkeypatch: pytest.MonkeyPatch,
    gpu: tuple[int, int] | None = None,
    index: int = 0,
) -> LaunchPlan:
    async def freest() -> Gpu | None:
        return Gpu(index, *gpu) if gpu is not None else None

    monkeypatch.setattr(engine_models, "freest_gpu", freest)
    monkeypatch.setenv(OWN_PYTHON, sys.executable)
    return asyncio.run(make_plan(settings, print, SystemClock()))


def option(plan: LaunchPlan, name: str) -> str:
    return plan.command[plan.command.index(name) + 1]


def test_the_best_model_that_fits() -> None:
    assert vision_models(80_000) == ("qwen3-vl-8b", "qwen3-vl-4b", "qwen3-vl-2b")
    assert vision_models(16_000) == ("qwen3-vl-4b", "qwen3-vl-2b")
    assert vision_models(12_000) == ("qwen3-vl-2b",)
    assert vision_models(8_000) == ()
    catalogue = Registry.load()
    assert all(catalogue.spec(name).kind == "reasoner" for name in vision_models(80_000))


@pytest.mark.parametrize(
    ("name", "token_kib"), [("qwen3-vl-2b", 112), ("qwen3-vl-4b", 144), ("qwen3-vl-8b", 144)]
)
def test_what_fits_has_room_for_a_whole_prompt(name: str, token_kib: int) -> None:
    """token_kib: layers x 8 key and value heads x 128 numbers of two bytes, of keys and of values."""
    need_mb = next(need for need, model in engine_models.VISION_MODELS if model == name)
    weights_mb = Registry.load().spec(name).download_mb * 1e6 / 2**20
    cache_mb = engine_models.GPU_CONTEXT * token_kib / 1024
    assert 0 <= need_mb - engine_models.GPU_SPARE_MB - weights_mb - cache_mb - 1_230 < 250


def test_a_small_text_model_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model(tmp_path / "little", max_position_embeddings=2048)
    plan = plan_for(EngineSettings(model=str(folder), threads=2), monkeypatch)
    assert (plan.model, plan.vision, plan.weak, plan.context_tokens) == ("little", False, True, 2048)
    assert option(plan, "--host") == "127.0.0.1"
    assert plan.env["OMP_NUM_THREADS"] == "2" and plan.env["OMP_WAIT_POLICY"] == "passive"
    assert plan.env["HF_HUB_OFFLINE"] == "1" and plan.env["VLLM_NO_USAGE_STATS"] == "1"
    assert "--limit-mm-per-prompt" not in plan.command


def test_a_vision_model_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = {"max_position_embeddings": 262_144}
    folder = model(tmp_path / "vl", big=True, model_type="qwen3_vl", vision_config={}, text_config=text)
    settings = EngineSettings(model=str(folder), images=6, extra_args=("--seed", "1"))
    plan = plan_for(settings, monkeypatch, (40_000, 80_000), index=1)
    assert plan.env["CUDA_VISIBLE_DEVICES"] == "1"
    assert plan.env["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert (plan.vision, plan.weak, plan.context_tokens) == (True, False, 16_384)
    assert json.loads(option(plan, "--limit-mm-per-prompt")) == {"image": 6, "video": 0}
    assert option(plan, "--gpu-memory-utilization") == "0.46"
    assert plan.command[-2:] == ("--seed", "1")
    assert "OMP_NUM_THREADS" not in plan.env


def test_the_user_knows_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model(tmp_path / "little", vision_config={})
    settings = EngineSettings(model=str(folder), weak=False, vision=False, context_tokens=1024)
    plan = plan_for(settings, monkeypatch)
    assert (plan.vision, plan.weak, plan.context_tokens) == (False, False, 1024)


def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="no NVIDIA GPU"):
        plan_for(EngineSettings(device="gpu"), monkeypatch)


@pytest.mark.parametrize("config", [None, "", "[]", '{"max_position_embeddings": "many"}'])
def test_a_folder_that_is_no_model(tmp_path: Path, config: str | None) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(ModelError, match="not the folder of a language model"):
        read_facts(tmp_path)


def test_a_deadline_does_not_ask_for_another_server() -> None:
    settings = EngineSettings()
    assert wanted(settings) == wanted(EngineSettings(answer_timeout_s=5, first_token_timeout_s=2))
    assert wanted(settings) != wanted(EngineSettings(context_tokens=1024))


def test_remote_settings_are_whole() -> None:
    with pytest.raises(ValidationError, match=r"engine\.url is empty"):
        EngineSettings(mode="remote", model="m")
    with pytest.raises(ValidationError, match=r"engine\.model must name"):
        EngineSettings(mode="remote", url="http://10.0.0.5/v1")


@pytest.mark.parametrize("url", ["http://h:abc", "h:8000/v1", "ftp://h/v1", "http://:80", "http://h:99999"])
def test_an_address_that_is_none_is_refused_with_the_settings(url: str) -> None:
    with pytest.raises(ValueError, match=r"engine\.url"):
        EngineSettings(mode="remote", model="m", url=url)


@pytest.fixture
def reader_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders in the place of both packaged models, one of them of a model that reads."""
    folders = {name: model(tmp_path / name, big=name == READER) for name in (READER, SMALL)}
    catalogue = "".join(
        f'["{name}"]\nkind = "reasoner"\ndefault = true\nlicence = "-"\ndownload_mb = 1\npurpose = "-"\n'
        f'without = "-"\n[["{name}".sources]]\npath = "{folder}"\n'
        for name, folder in folders.items()
    )
    (tmp_path / "models.toml").write_text(catalogue)
    monkeypatch.setenv("HEARSIGHT_MODELS", str(tmp_path / "models.toml"))


def free_memory(monkeypatch: pytest.MonkeyPatch, available: int) -> None:
    monkeypatch.setattr(engine_models.psutil, "virtual_memory", lambda: SimpleNamespace(available=available))


@pytest.mark.usefixtures("reader_is_here")
def test_a_model_that_reads_is_taken_where_it_is_here_and_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    free_memory(monkeypatch, READER_FREE_BYTES)
    plan = plan_for(EngineSettings(), monkeypatch)
    assert (plan.model, plan.weak) == (READER, True)
    assert plan_for(EngineSettings(reader=False), monkeypatch).model == SMALL
    assert not plan_for(EngineSettings(model=READER), monkeypatch, (40_000, 80_000)).weak
    free_memory(monkeypatch, READER_FREE_BYTES - 1)
    assert plan_for(EngineSettings(), monkeypatch).model == SMALL


@pytest.mark.usefixtures("reader_is_here")
@pytest.mark.parametrize(
    ("settings", "reads"),
    [
        ({"device": "cpu"}, True),
        ({"device": "cpu", "reader": False}, False),
        ({"device": "cpu", "model": READER}, True),
        ({"device": "cpu", "model": SMALL}, False),
        ({"mode": "remote", "url": "http://10.0.0.5/v1", "model": READER, "weak": True}, True),
        ({"mode": "remote", "url": "http://10.0.0.5/v1", "model": READER}, False),
    ],
)
def test_that_it_reads_is_known_beforehand(settings: dict[str, Any], reads: bool) -> None:
    async def main() -> bool:
        async with Engine(EngineSettings.model_validate(settings), print) as engine:
            return await engine.reads()

    assert asyncio.run(main()) is reads

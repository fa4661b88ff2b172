"""Which model the managed engine serves, and the command line and environment that serve it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from reasoning.engine_env import OWN_PYTHON, REQUIREMENTS, VISIBLE, Gpu, Report, ensure_env, freest_gpu
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import LaunchPlan
from runtime.clock import Clock
from runtime.config import config_text
from runtime.errors import EngineError, ModelError
from runtime.weights import Registry

SMALL = "smollm2-135m"
READER = "qwen2.5-coder-1.5b"
"""Without a GPU it says whether a passage answers a question, in a second or two; a long prompt takes it too long."""
READER_FREE_BYTES = 8_000_000_000
"""Free memory that it wants while it runs."""
VISION_MODELS = ((23_500, "qwen3-vl-8b"), (15_200, "qwen3-vl-4b"), (10_300, "qwen3-vl-2b"))
"""Free GPU memory in MiB that a model wants, best first: its weights (models.toml), the cache of one prompt of GPU_CONTEXT
tokens (112 KiB a token for 2B, 144 for the others), 1.2 GiB of vLLM's own, and GPU_SPARE_MB."""

CPU_CONTEXT, GPU_CONTEXT = 4096, 16_384
CPU_KV_CACHE_GIB = 1
CPU_SEQUENCES, GPU_SEQUENCES = 8, 32
GPU_SPARE_MB = 3072
"""Left for CLIP (1.4 GB on an H100, CUDA included), the two Whispers, and CUDA in vLLM's process (0.5). They load while vLLM
starts, and it does not start where less memory is free than it was told to take."""
STRUCTURED = {"backend": "guidance", "disable_any_whitespace": True}
"""The default backend needs 22 s for the first constrained answer here, this one needs one."""
WEAK_BYTES = 2_000_000_000
"""A billion parameters of two bytes."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a folder of weights says of itself. context_tokens: the longest it was made for."""

    vision: bool
    weak: bool
    context_tokens: int
    family: str


def wanted(settings: EngineSettings) -> str:
    """The same for settings that the same server satisfies, whatever else runs on the machine."""
    keys = {
        "model",
        "reader",
        "device",
        "context_tokens",
        "threads",
        "images",
        "extra_args",
        "vision",
        "weak",
        "idle_minutes",
    }
    text = settings.model_dump_json(include=keys) + config_text(REQUIREMENTS) + os.environ.get(OWN_PYTHON, "")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def make_plan(settings: EngineSettings, report: Report, clock: Clock) -> LaunchPlan:
    """Has the environment and the weights fetched where they are missing, then says how to start the server.

    EngineError, ModelError: one of them cannot be had.
    """
    gpu = None if settings.device == "cpu" else await freest_gpu()
    memory_mb = (gpu.free_mb, gpu.total_mb) if gpu is not None else None
    if settings.device == "gpu" and memory_mb is None:
        raise EngineError("engine.device is gpu, but nvidia-smi finds no NVIDIA GPU")
    python = await ensure_env(report, gpu=memory_mb is not None, clock=clock)
    registry = await asyncio.to_thread(Registry.load, engine_python=python, clock=clock)
    name, folder = await _choose(settings, registry, memory_mb, report)
    facts = await asyncio.to_thread(read_facts, folder)
    vision = facts.vision if settings.vision is None else settings.vision
    default = CPU_CONTEXT if memory_mb is None else GPU_CONTEXT
    context_tokens = min(settings.context_tokens or default, facts.context_tokens)
    command = [
        *(str(python), "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(folder), "--served-model-name", name, "--host", "127.0.0.1"),
        *("--max-model-len", str(context_tokens), "--uvicorn-log-level", "warning"),
        *("--structured-outputs-config", json.dumps(STRUCTURED)),
    ]
    if vision:
        limits = {"image": settings.images} | ({"video": 0} if facts.family.startswith("qwen") else {})
        command += ["--limit-mm-per-prompt", json.dumps(limits)]
        # It measures what images leave for the cache, whose size is fixed on the CPU.
        command += ["--skip-mm-profiling"] if memory_mb is None else []
    command += _gpu_options(memory_mb) if memory_mb is not None else _cpu_options()
    return LaunchPlan(
        command=(*command, *settings.extra_args),
        env=_environment()
        | (_gpu_environment(settings, gpu) if gpu is not None else _cpu_environment(settings.threads)),
        wanted=wanted(settings),
        model=name,
        vision=vision,
        weak=_is_weak(settings, name, facts, memory_mb),
        context_tokens=context_tokens,
        idle_s=settings.idle_minutes * 60,
        start_timeout_s=settings.start_timeout_s,
        max_restarts=settings.max_restarts,
    )


def vision_models(free_mb: int) -> tuple[str, ...]:
    """Vision-language models that fit into so much free GPU memory, the most capable first."""
    return tuple(name for need_mb, name in VISION_MODELS if free_mb >= need_mb)


def read_facts(folder: Path) -> ModelFacts:
    """From config.json and the size of the weights. ModelError: it is no folder of a model."""
    try:
        config = json.loads((folder / "config.json").read_text())
        text = config.get("text_config", config)
        context_tokens = int(
            text.get("max_position_embeddings") or config.get("max_position_embeddings") or 2048
        )
        weights_bytes = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        return ModelFacts(
            vision="vision_config" in config,
            weak=0 < weights_bytes < WEAK_BYTES,
            context_tokens=context_tokens,
            family=str(config.get("model_type", "")),
        )
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{folder} is not the folder of a language model: {error}") from error


async def _choose(
    settings: EngineSettings, registry: Registry, memory_mb: tuple[int, int] | None, report: Report
) -> tuple[str, Path]:
    """Name and folder. With auto, the best that fits and can be had; the packaged model always can."""
    model = settings.model
    if model != "auto":
        folder = await registry.ensure(model, report)
        return (folder.name if os.sep in model else model), folder
    for name in vision_models(memory_mb[0]) if memory_mb is not None else ():
        try:
            return name, await registry.ensure(name, report)
        except ModelError as error:
            report(f"engine: without {name}: {error}")
    if memory_mb is None and settings.reader and reader_here(registry):
        free = psutil.virtual_memory().available
        if free >= READER_FREE_BYTES:
            return READER, registry.locate(READER)
        report(
            f"engine: without {READER}: {free / 1e9:.1f} GB of memory are free, it wants {READER_FREE_BYTES / 1e9:.0f}"
        )
    return SMALL, await registry.ensure(SMALL, report)


def reader_here(registry: Registry) -> bool:
    """It is never fetched unasked: `hearsight models pull` gets it."""
    try:
        registry.locate(READER)
    except ModelError:
        return False
    return True


def _is_weak(
    settings: EngineSettings, name: str, facts: ModelFacts, memory_mb: tuple[int, int] | None
) -> bool:
    if settings.weak is not None:
        return settings.weak
    return facts.weak or (name == READER and memory_mb is None)


def _gpu_options(memory_mb: tuple[int, int]) -> list[str]:
    free_mb, total_mb = memory_mb
    share = max(0.05, min(0.9, (free_mb - GPU_SPARE_MB) / total_mb))
    return ["--gpu-memory-utilization", f"{share:.2f}", "--max-num-seqs", str(GPU_SEQUENCES)]


def _cpu_options() -> list[str]:
    # Without bfloat16 instructions float32 reads a prompt 2.5 times faster, for twice the memory.
    dtype = "bfloat16" if _has_bfloat16() else "float32"
    return ["--dtype", dtype, "--enforce-eager", "--max-num-seqs", str(CPU_SEQUENCES)]


def _has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return True
    return "avx512_bf16" in flags or "amx_bf16" in flags or "bf16" in flags.split()


def _environment() -> dict[str, str]:
    return {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_LOGGING_COLOR": "0"}


def _gpu_environment(settings: EngineSettings, gpu: Gpu) -> dict[str, str]:
    """The server runs on the GPU whose memory was looked at, unless it is told to use several."""
    several = any(one.startswith(("--tensor-parallel-size", "-tp")) for one in settings.extra_args)
    if gpu.index is None or several:
        return {}
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", VISIBLE: str(gpu.index)}


def _cpu_environment(threads: int | None) -> dict[str, str]:
    """One process less (the model runs in the engine's own), and threads that sleep while they wait.

    By default OpenMP's threads spin, which is ruinous where perception wants the same cores: with the machine
    busy, an answer of 15 tokens took 19 s instead of 1.3 s.
    """
    return {
        "VLLM_CPU_KVCACHE_SPACE": str(CPU_KV_CACHE_GIB),
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "OMP_NUM_THREADS": str(threads or min(os.cpu_count() or 1, 16)),
        "OMP_WAIT_POLICY": "passive",
    }

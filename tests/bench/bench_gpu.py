#!/usr/bin/env python3
"""What a GPU is worth here: pictures, speech and the language model, on the CPU and on the card.

    python -m tests.bench.bench_gpu [vision] [speech] [engine] [--video VIDEO] [--devices cpu,cuda] [--engine.model=FOLDER ...]

vision: OpenClipEncoder on the video's frames; without weights (`hearsight models pull open-clip-vit-b-32`) a ViT-B-32
of random ones, which costs the same. speech: WhisperTranscriber on the video's sound. engine: the server that the
settings start, asked through the client with one to 16 frames, the same again (the prefix is kept), eight questions at
once, a choice, and one that is broken off. Every part says what it ran on, and how much of the card's memory it took.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from difflib import SequenceMatcher
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import aiohttp
import av
import numpy as np
from faster_whisper.audio import decode_audio
from faster_whisper.vad import VadOptions, get_speech_timestamps

from perception.audio.settings import TranscriberSettings
from perception.audio.transcriber import WhisperTranscriber
from perception.vision.clip import ClipWeights, OpenClipEncoder, clip_weights, import_open_clip
from reasoning import engine_server
from reasoning.engine_client import EngineClient, Usage
from reasoning.engine_env import gpu_memory_mb
from reasoning.engine_settings import EngineSettings
from reasoning.engine_supervisor import read_activity
from runtime.clock import SystemClock, perf
from runtime.config import Settings, load_settings
from runtime.errors import HearsightError, ModelError
from runtime.messages import SAMPLE_RATE_HZ, Image
from runtime.weights import Registry

CLIP = Path(__file__).parents[2] / "demo" / "harbour_day.mp4"
BATCH, FRAMES, REPEATS = 8, 64, 5
QUESTION = "Describe in one paragraph what these pictures show, from the first to the last."
ABORT_TIMEOUT_S = 30.0
T = TypeVar("T")


class BenchSettings(Settings):
    engine: EngineSettings = EngineSettings()


def frames_of(video: Path, most: int) -> list[Image]:
    """Evenly over the video, uint8 [h, w, 3]."""
    with av.open(str(video)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return [frames[i] for i in np.linspace(0, len(frames) - 1, min(most, len(frames))).astype(int)]


def jpeg(image: Image) -> bytes:
    from PIL.Image import fromarray

    out = BytesIO()
    fromarray(image).save(out, "jpeg", quality=80)
    return out.getvalue()


def median_s(work: Callable[[], T]) -> tuple[float, T]:
    """Of REPEATS runs after one that is not counted, and what the last one gave."""
    result = work()
    taken = []
    for _ in range(REPEATS):
        start_s = perf()
        result = work()
        taken.append(perf() - start_s)
    return statistics.median(taken), result


async def free_mb() -> int:
    memory = await gpu_memory_mb()
    return memory[0] if memory else 0


def clip_or_random(folder: Path) -> ClipWeights:
    try:
        weights = Registry.load().locate("open-clip-vit-b-32") / "open_clip_model.safetensors"
    except ModelError:
        import torch

        torch.manual_seed(0)
        weights = folder / "random.pt"
        print("vision   random weights: the published ones are not here")
        torch.save(import_open_clip().create_model("ViT-B-32").state_dict(), weights)
    return clip_weights("ViT-B-32", str(weights))


async def vision(video: Path, devices: Sequence[str]) -> None:
    frames = frames_of(video, FRAMES)
    rows: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        weights = clip_or_random(Path(folder))
        for device in devices:
            before_mb = await free_mb()
            # Class names are kept in a folder of its own, so that each device encodes them.
            encoder = OpenClipEncoder(weights, Path(folder, device), device, threads=2)
            start_s = perf()
            encoder.load()
            ready_s = perf() - start_s
            batches = [frames[i : i + BATCH] for i in range(0, len(frames), BATCH)]
            encode = encoder.encode_images
            taken_s, vectors = median_s(lambda: np.concatenate([encode(b).vectors for b in batches]))  # noqa: B023
            rows[device] = vectors
            print(
                f"vision   {device}: loaded in {ready_s:.1f} s, {len(frames) / taken_s:.0f} frames/s "
                f"in batches of {BATCH}, card {before_mb - await free_mb()} MiB"
            )
    if len(rows) == 2:
        one, other = rows.values()
        # Vectors of random weights all lie close together: how they differ from their mean says more.
        spread_one, spread_other = one - one.mean(0), other - one.mean(0)
        relative = np.linalg.norm(spread_one - spread_other) / np.linalg.norm(spread_one)
        print(
            f"vision   lowest cosine {(one * other).sum(1).min():.5f}, difference over the spread of the frames {relative:.4f}"
        )


async def speech(video: Path, devices: Sequence[str], models: Sequence[str]) -> None:
    sound = decode_audio(str(video), sampling_rate=SAMPLE_RATE_HZ)
    stretches = get_speech_timestamps(sound, VadOptions(max_speech_duration_s=28))
    pieces = [sound[stretch["start"] : stretch["end"]] for stretch in stretches]
    seconds = len(sound) / SAMPLE_RATE_HZ
    for model in models:
        folder = await Registry.load().ensure(model, print)
        said: dict[str, list[str]] = {}
        for device in devices:
            before_mb = await free_mb()
            settings = TranscriberSettings.model_validate({"model": model, "device": device, "threads": 2})
            try:
                heard = WhisperTranscriber(folder, settings)
            except HearsightError as error:
                print(f"speech   {model} on {device}: {error}")
                continue
            taken_s, text = median_s(lambda: [u.text for p in pieces for u in heard.transcribe(p, 0.0)])  # noqa: B023
            said[device] = " ".join(text).split()
            print(
                f"speech   {heard.name} on {device}: {seconds:.0f} s in {taken_s:.2f} s "
                f"({seconds / taken_s:.0f} times real time), card {before_mb - await free_mb()} MiB, {' '.join(text)[:60]!r}"
            )
        if len(said) == 2:
            one, other = said.values()
            matcher = SequenceMatcher(None, one, other, autojunk=False)
            print(f"speech   {model}: {100 * matcher.ratio():.1f}% of the words are the same")


class Took(NamedTuple):
    usage: Usage
    first_s: float
    total_s: float


async def ask(
    client: EngineClient,
    images: Sequence[bytes],
    tokens: int,
    schema: Mapping[str, Any] | None = None,
    text: str = QUESTION,
) -> tuple[str, Took]:
    """The answer, its tokens, and the seconds to its first text and its end."""
    answer, usage, first_s = "", None, None
    began_s = perf()
    asked = client.chat([{"role": "user", "content": text}], images=images, max_tokens=tokens, schema=schema)
    async with aclosing(asked) as deltas:
        async for delta in deltas:
            first_s = first_s or (perf() - began_s if delta.text else None)
            answer += delta.text
            usage = delta.usage or usage
    total_s = perf() - began_s
    assert usage is not None
    return answer, Took(usage, total_s if first_s is None else first_s, total_s)


def told(what: str, took: Took) -> None:
    usage = took.usage
    rate = (usage.completion_tokens - 1) / max(took.total_s - took.first_s, 1e-6)
    print(
        f"engine   {what}: {usage.prompt_tokens} tokens read, first text after {1000 * took.first_s:.0f} ms, "
        f"{usage.completion_tokens} tokens in {took.total_s:.2f} s ({rate:.0f}/s)"
    )


async def engine(video: Path, settings: EngineSettings) -> None:
    clock = SystemClock()
    before_mb = await free_mb()
    start_s = perf()
    address = await engine_server.start(settings, print)
    print(
        f"engine   {address.model} ready after {perf() - start_s:.0f} s, vision {address.vision}, "
        f"context {address.context_tokens}, card {before_mb - await free_mb()} MiB"
    )
    pictures = [jpeg(frame) for frame in frames_of(video, settings.images)] if address.vision else []
    counts = [n for n in (0, 1, 4, 8, 16) if n <= len(pictures)]
    root = address.url.removesuffix("/v1")
    headers = {"Authorization": f"Bearer {address.key}"}
    async with EngineClient(address, settings) as client, aiohttp.ClientSession(headers=headers) as session:

        async def metrics() -> str:
            async with session.get(f"{root}/metrics") as response:
                return await response.text()

        await ask(client, [], 8, text="Warm up.")
        for count in counts:
            for time in ("first", "again"):
                hits = counter(await metrics(), "vllm:prefix_cache_hits_total")
                try:
                    _, took = await ask(client, pictures[:count], 64)
                except HearsightError as error:
                    print(f"engine   {count} pictures: {error}")
                    break
                told(f"{count} pictures, {time}", took)
                kept = counter(await metrics(), "vllm:prefix_cache_hits_total") - hits
                print(f"engine     of them {kept:.0f} tokens kept from before")
        start_s = perf()
        eight = await asyncio.gather(
            *(ask(client, pictures[i : i + 1], 64, text=f"{i}: {QUESTION}") for i in range(8))
        )
        tokens = sum(took.usage.completion_tokens for _, took in eight)
        print(f"engine   eight at once: {tokens} tokens in {perf() - start_s:.2f} s")
        schema = {"type": "object", "properties": {"seen": {"type": "boolean"}}, "required": ["seen"]}
        answer, took = await ask(client, pictures[:1], 64, schema, "Is it day? Answer in JSON.")
        told(f"JSON, {answer!r}", took)
        deltas = client.chat([{"role": "user", "content": "Count to a thousand."}], max_tokens=2000)
        async with aclosing(deltas):
            await anext(deltas)
            running, _ = read_activity(await metrics())
        start_s = perf()
        while (left := read_activity(await metrics())[0]) and perf() - start_s < ABORT_TIMEOUT_S:
            await clock.sleep(0.01)
        print(
            f"engine   broken off after its first text: {running:.0f} running, "
            f"{left:.0f} {1000 * (perf() - start_s):.0f} ms later"
        )


def counter(metrics: str, name: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines() if line.startswith(name + "{"))


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", default=[], help="vision, speech, engine; all by default")
    parser.add_argument("--video", type=Path, default=CLIP)
    parser.add_argument("--devices", default="cpu,cuda", help="of vision and speech")
    parser.add_argument("--models", default="whisper-base,whisper-tiny.en", help="of speech")
    parser.add_argument("--keep", action="store_true", help="leave the engine running")
    args, rest = parser.parse_known_args()
    settings = load_settings(BenchSettings, [], {}, [option.removeprefix("--") for option in rest])
    parts = args.parts or ["vision", "speech", "engine"]
    devices = args.devices.split(",")
    memory = await gpu_memory_mb()
    print(f"card     {f'{memory[0]} of {memory[1]} MiB free' if memory else 'none'}")
    if "vision" in parts:
        await vision(args.video, devices)
    if "speech" in parts:
        await speech(args.video, devices, args.models.split(","))
    if "engine" in parts:
        try:
            await engine(args.video, settings.engine)
        finally:
            if not args.keep:
                await engine_server.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except HearsightError as error:
        sys.exit(str(error))

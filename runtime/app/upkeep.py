"""The commands beside the main job: models, engine, doctor, memory stats. They return the exit status."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator

import psutil

from memory import Store
from perception.audio.cublas import cublas_obstacle, gpu_count
from perception.settings import FaceSettings
from reasoning.engine_settings import EngineSettings
from reasoning.times import clock_text
from runtime.app import console
from runtime.app.console import say
from runtime.app.live.settings import LiveSettings
from runtime.app.models import face_obstacle
from runtime.app.screen.outlook import screen_outlook
from runtime.app.screen.settings import ScreenSettings
from runtime.app.settings import app_settings, default_memory
from runtime.app.vision import vision_outlook
from runtime.errors import HearsightError
from runtime.weights import Registry


async def run_models_list(args: argparse.Namespace) -> int:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for head in ("model", "here", "download", "licence", "for", "without it"):
        table.add_column(head)
    for status in Registry.load().status():
        spec = status.spec
        size = "-" if status.origin.startswith("with ") else f"{spec.download_mb} MB"
        table.add_row(spec.name, status.origin or "no", size, spec.licence, spec.purpose, spec.without)
    console.stdout.print(table)
    return 0


async def run_models_pull(args: argparse.Namespace) -> int:
    from reasoning.engine_env import ensure_env

    registry = Registry.load()
    specs = [registry.spec(n) for n in args.names or registry.names(default=True)]
    here = {s.spec.name for s in registry.status() if s.present}
    todo = [s for s in specs if s.name not in here]
    if todo:
        say(f"getting {len(todo)} models, {sum(s.download_mb for s in todo)} MB in all")
    # Those that the engine's libraries convert come last: without it, the others are there all the same.
    for spec in sorted(specs, key=lambda s: s.kind == "reasoner"):
        if spec.kind == "reasoner":
            registry = Registry.load(engine_python=await ensure_env(say))
        folder = await registry.ensure(spec.name, say, verify=True)
        if spec in todo:
            say(f"{spec.name}: {folder}")
    say("all there" if not todo else "done")
    return 0


async def run_engine(args: argparse.Namespace) -> int:
    from reasoning import engine_server

    settings = app_settings(args.config, args.overrides).engine
    if args.action == "start":
        address = await engine_server.start(settings, say)
        console.stdout.print(f"ready    {address.model} at {address.url}", markup=False)
    elif args.action == "stop":
        stopped = await engine_server.stop()
        console.stdout.print("stopped" if stopped else "was not running", markup=False)
    else:
        state = await engine_server.status()
        console.stdout.print(
            " ".join(str(v) for v in (state.phase, state.model, state.url, state.line) if v), markup=False
        )
        return 0 if state.phase == "ready" else 1
    return 0


async def run_doctor(args: argparse.Namespace) -> int:
    from reasoning.engine_env import env_python, gpu_memory_mb

    missing = 0
    memory_mb = await gpu_memory_mb()
    if env_python(gpu=memory_mb is not None) is None:
        missing += 1
        console.stdout.print(
            "missing  engine: the evidence itself is the answer, unless a remote engine is set "
            "(hearsight models pull)",
            markup=False,
        )
    for status in Registry.load().status():
        if status.present or not status.spec.default:
            continue
        missing += 1
        name = status.spec.name
        console.stdout.print(
            f"missing  model {name}: {status.spec.without} (hearsight models pull {name})", markup=False
        )
    settings = app_settings(args.config, args.overrides)
    for line in gpu_outlook(memory_mb, gpu_count(), cublas_obstacle):
        console.stdout.print(line, markup=False)
    console.stdout.print(vision_outlook(settings.vision, Registry.load()), markup=False)
    console.stdout.print(_face_outlook(settings.vision.faces), markup=False)
    if memory_mb is None:
        console.stdout.print(_reader_outlook(Registry.load(), settings.engine), markup=False)
    missing += await _doctor_screen(settings.screen)
    missing += await _doctor_ice(settings.live)
    uri = args.memory or default_memory()
    try:
        async with await Store.open(uri, read_only=True) as store:
            console.stdout.print(f"ok       memory {uri}: {len(await store.sources())} sources", markup=False)
    except HearsightError as error:
        console.stdout.print(f"note     {error}", markup=False)
    if not missing:
        console.stdout.print("ok       every default model and the engine are here", markup=False)
    return 1 if missing else 0


def gpu_outlook(
    memory_mb: tuple[int, int] | None, cuda_devices: int, obstacle: Callable[[], str | None]
) -> Iterator[str]:
    """Lines about a GPU, none where there is none. memory_mb: free and total; obstacle: why Whisper cannot use it."""
    from reasoning.engine_models import vision_models

    if memory_mb is not None:
        free_mb, total_mb = memory_mb
        models = vision_models(free_mb)
        answers = (
            f"{models[0]} answers, where its weights can be had"
            if models
            else "too few for a vision-language model"
        )
        yield f"{'ok' if models else 'note':8} GPU: {free_mb} of {total_mb} MiB are free: {answers}"
    if cuda_devices:
        why = obstacle()
        yield f"note     hearing: on the CPU: {why}" if why else "ok       hearing: on the GPU"


def _reader_outlook(registry: Registry, settings: EngineSettings) -> str:
    from reasoning.engine_models import READER, READER_FREE_BYTES, reader_here

    if settings.mode != "managed" or settings.model not in ("auto", READER) or not settings.reader:
        return f"ok       {READER}: not asked, by the settings of the engine"
    if not reader_here(registry):
        return f"note     {READER}: {registry.spec(READER).without} (hearsight models pull {READER})"
    free = psutil.virtual_memory().available
    if free < READER_FREE_BYTES:
        return f"note     {READER}: {free / 1e9:.1f} GB of memory are free, and it wants {READER_FREE_BYTES / 1e9:.0f}"
    return f"ok       {READER}: reads what was found, and judges whether it answers"


def _face_outlook(settings: FaceSettings) -> str:
    if settings.known == "off":
        return "ok       faces: not looked at, by vision.faces.known"
    obstacle = face_obstacle(Registry.load())
    if obstacle is not None:
        return f"note     faces: not looked at, people are known by voice only: {obstacle}"
    return "ok       faces: people are known by face too"


async def _doctor_screen(screen: ScreenSettings) -> int:
    lines, missing = await screen_outlook(screen)
    for line in lines:
        console.stdout.print(line, markup=False)
    return missing


async def _doctor_ice(live: LiveSettings) -> int:
    """How many of the STUN and TURN servers are no help."""
    from runtime.app.live.ice import check_ice

    if not live.ice_servers:
        console.stdout.print(
            "note     live: no STUN or TURN server (live.ice_servers): the page works on this machine and its network",
            markup=False,
        )
    reports = await check_ice(live.ice_servers)
    for report in reports:
        console.stdout.print(f"{'ok' if report.ok else 'missing':8} {report.url} {report.text}", markup=False)
    return sum(not report.ok for report in reports)


async def run_memory_stats(args: argparse.Namespace) -> int:
    from rich.table import Table

    uri = args.memory or default_memory()
    async with await Store.open(uri, read_only=True) as store:
        memory_sources = await store.sources()
        from memory.stats import memory_stats

        stats = await memory_stats(store)
    if args.json:
        record = {
            "sources": [
                {"id": s.id, "path": s.path, "duration_s": s.duration_s, "dates": stats.dates.get(s.id)}
                for s in memory_sources
            ],
            "tables": {
                n: {"rows": t.rows, "versions": t.versions, "fragments": t.fragments, "bytes": t.disk_bytes}
                for n, t in stats.tables.items()
            },
            "levels": stats.levels,
            "records": stats.records,
            "kinds": stats.kinds,
            "snapshots": stats.snapshots,
            "snapshot_bytes": stats.snapshot_bytes,
            "media_hours": stats.media_hours,
            "mb_per_hour": stats.mb_per_hour,
        }
        console.stdout.print(json.dumps(record), markup=False)
        return 0
    for s in memory_sources:
        length = f"{s.duration_s or 0.0:8.0f} s"
        if s.id in stats.dates:
            first, last = (clock_text(t_s)[:10] for t_s in stats.dates[s.id])
            length = first if first == last else f"{first} to {last}"
        console.stdout.print(f"{s.id}  {length}  {s.path}", markup=False)
    table = Table(box=None, pad_edge=False)
    for head in ("table", "rows", "versions", "fragments", "bytes on disk"):
        table.add_column(head, justify="left" if head == "table" else "right")
    for name, t in stats.tables.items():
        table.add_row(name, f"{t.rows:,}", f"{t.versions:,}", f"{t.fragments:,}", f"{t.disk_bytes:,}")
    console.stdout.print(table)
    levels = Table(box=None, pad_edge=False)
    for head in ("level", "bytes"):
        levels.add_column(head, justify="left" if head == "level" else "right")
    for name, size in stats.levels.items():
        levels.add_row(name, f"{size:,}")
    console.stdout.print(levels)
    records = ", ".join(f"{count:,} {name}" for name, count in stats.records.items())
    console.stdout.print(
        f"records: {records or 'none'}; hours of media covered: {stats.media_hours:.1f}", markup=False
    )
    kinds = ", ".join(f"{count:,} {name}" for name, count in stats.kinds.items())
    console.stdout.print(f"kinds: {kinds}", markup=False)
    if stats.snapshots:
        console.stdout.print(
            f"snapshots: {stats.snapshots}, {stats.snapshot_bytes:,} bytes that only they hold", markup=False
        )
    console.stdout.print(f"{stats.mb_per_hour:.1f} MB per hour of media, key frames aside", markup=False)
    return 0

"""What each command does. Every function returns the exit status, and raises HearsightError for a user's mistakes."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from memory import Memory, SourceInfo, Store
from reasoning.answer import Answerer
from reasoning.visual import Scenes
from runtime.app import console
from runtime.app.console import Bars, say
from runtime.app.formats import AnswerFile, Job, answer_line, read_manifest, read_questions
from runtime.app.ingest import IngestReport, ingest
from runtime.app.models import Models
from runtime.app.settings import AppSettings, app_settings, default_memory
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.errors import HearsightError, InputError
from runtime.messages import Query
from runtime.metrics import Metrics
from runtime.weights import Registry


@dataclass(frozen=True, slots=True)
class _App:
    settings: AppSettings
    registry: Registry
    compute: Compute
    metrics: Metrics
    models: Models
    clock: SystemClock


@asynccontextmanager
async def _app(args: argparse.Namespace) -> AsyncIterator[_App]:
    settings = app_settings(args.config, args.overrides)
    registry, metrics, clock = Registry.load(), Metrics(), SystemClock()
    compute = Compute(metrics)
    try:
        yield _App(settings, registry, compute, metrics, Models(settings, registry, compute, say), clock)
    finally:
        await compute.close(settings.pipeline.stop_deadline_s)


async def run_ingest(args: argparse.Namespace) -> int:
    async with _app(args) as app:
        missing = [str(v) for v in args.videos if not v.is_file()]
        if missing:
            raise InputError(f"{missing[0]}: no such file")
        uri = args.memory or default_memory()
        began = app.clock.now()
        async with await Store.open(uri, await app.models.text_encoder()) as store:
            reports = await _ingest_all(app, store, args.videos, args.jobs, args.quiet)
        _close(app, args, app.clock.now() - began)
        return 1 if any(isinstance(r, HearsightError) for r in reports) else 0


async def _ingest_all(
    app: _App, store: Store, videos: Sequence[Path], jobs: int, quiet: bool
) -> list[IngestReport | HearsightError]:
    """One bad file does not stop the others: its one line is shown, and the exit status says so."""
    places = asyncio.Semaphore(jobs)
    bars = Bars(app.clock, quiet)

    async def one(path: Path) -> IngestReport | HearsightError:
        async with places:
            try:
                report = await ingest(
                    path, store, app.models, app.settings, app.compute, app.metrics, app.clock, bars.bar(path)
                )
            except HearsightError as error:
                if len(videos) == 1:
                    raise
                say(f"hearsight: {error}")
                return error
            if not quiet:
                _tell(report)
            return report

    with bars.shown():
        return list(await asyncio.gather(*(one(path) for path in videos)))


def _tell(report: IngestReport) -> None:
    for warning in report.warnings:
        say(f"{report.path.name}: {warning}")
    if report.already:
        say(f"{report.path.name}: already in memory")
        return
    resumed = f" (taken up at {report.resumed_s:.0f} s)" if report.resumed_s else ""
    say(
        f"{report.path.name}: {report.duration_s:.0f} s remembered in {report.seconds:.1f} s, "
        f"real-time factor {report.real_time_factor:.3f}{resumed}"
    )


def _close(app: _App, args: argparse.Namespace, wall_s: float) -> None:
    if not args.quiet:
        console.stderr.print(app.metrics.render_table(wall_s))
    if args.metrics is not None:
        try:
            args.metrics.write_text(app.metrics.render_prometheus(), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{args.metrics}: {error.strerror or error}") from None


@asynccontextmanager
async def _answerer(app: _App, store: Store) -> AsyncIterator[tuple[Answerer, Memory]]:
    memory = await Memory.open(
        store, await app.models.text_encoder(), compute=app.compute, settings=app.settings.memory
    )
    try:
        encoder = await app.models.vision() if "vision_model" in store.meta else None
        scenes = Scenes(memory, encoder, app.compute, getattr(encoder, "class_vectors", None))
        yield (
            Answerer(
                memory, await app.models.verifier(), scenes, app.compute, app.settings.answer, app.clock
            ),
            memory,
        )
    finally:
        await memory.close()


def _source(sources: Sequence[SourceInfo], named: str) -> SourceInfo:
    found = [s for s in sources if s.id == named or Path(s.path).name == named or s.path == named]
    if not found:
        found = [s for s in sources if s.path == str(Path(named).resolve())]
    if len(found) != 1:
        raise InputError(
            f"--source {named}: {'several videos are called so, use the id' if found else 'not in memory'}"
        )
    return found[0]


async def run_ask(args: argparse.Namespace) -> int:
    async with _app(args) as app:
        if not args.question.strip():
            raise InputError("the question is empty")
        uri = args.memory or default_memory()
        async with (
            await Store.open(uri, await app.models.text_encoder(), read_only=True) as store,
            _answerer(app, store) as (answerer, memory),
        ):
            sources = None
            if args.source is not None:
                sources = (_source(await memory.sources(), args.source).id,)
            query = Query("ask", args.question, args.as_of, tuple(args.option), sources)
            answer = await answerer.answer(query)
        if args.json:
            console.stdout.print(json.dumps(answer_line("ask", answer), ensure_ascii=False), markup=False)
        else:
            console.show_answer(answer)
        return 0


async def run_qa(args: argparse.Namespace) -> int:
    jobs = _jobs(args)
    for job in jobs:
        if not job.video.is_file():
            raise InputError(f"{job.video}: no such file")
    files = {job.out: AnswerFile(job.out) for job in jobs}
    async with _app(args) as app:
        uri = args.memory or default_memory()
        began = app.clock.now()
        async with await Store.open(uri, await app.models.text_encoder()) as store:
            reports = await _ingest_all(app, store, [job.video for job in jobs], args.jobs, args.quiet)
            async with _answerer(app, store) as (answerer, _):
                for job, report in zip(jobs, reports, strict=True):
                    if isinstance(report, IngestReport):
                        await _answer_all(app, answerer, job, report.source, files[job.out], args.quiet)
        _close(app, args, app.clock.now() - began)
        return 1 if any(isinstance(r, HearsightError) for r in reports) else 0


def _jobs(args: argparse.Namespace) -> tuple[Job, ...]:
    single = (args.video, args.questions, args.out)
    if args.manifest is not None:
        if any(part is not None for part in single):
            raise InputError("--manifest goes without VIDEO, --questions and --out")
        return read_manifest(args.manifest)
    if any(part is None for part in single):
        raise InputError("qa needs VIDEO, --questions and --out, or --manifest")
    return (Job(args.video, read_questions(args.questions), args.out),)


async def _answer_all(
    app: _App, answerer: Answerer, job: Job, source: str, out: AnswerFile, quiet: bool
) -> None:
    todo = [q for q in job.questions if q.id not in out.done]
    if len(todo) < len(job.questions) and not quiet:
        say(f"{job.out}: {len(job.questions) - len(todo)} answers are there already and stay")
    for item in todo:
        query = Query(item.id, item.question, item.ask_at, tuple(item.options or ()), (source,))
        out.append(answer_line(item.id, await answerer.answer(query)))
    if not quiet:
        say(f"{job.out}: {len(todo)} questions answered")


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
    registry = Registry.load()
    names = args.names or [n for n in registry.names(default=True) if registry.spec(n).kind != "reasoner"]
    specs = [registry.spec(n) for n in names]
    here = {s.spec.name for s in registry.status() if s.present}
    todo = [s for s in specs if s.name not in here]
    if todo:
        say(f"getting {len(todo)} models, {sum(s.download_mb for s in todo)} MB in all")
    for spec in specs:
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
    missing = 0
    for status in Registry.load().status():
        if status.present or not status.spec.default or status.spec.kind == "reasoner":
            continue
        missing += 1
        name = status.spec.name
        console.stdout.print(
            f"missing  model {name}: {status.spec.without} (hearsight models pull {name})", markup=False
        )
    uri = args.memory or default_memory()
    try:
        async with await Store.open(uri, read_only=True) as store:
            console.stdout.print(f"ok       memory {uri}: {len(await store.sources())} sources", markup=False)
    except HearsightError as error:
        console.stdout.print(f"note     {error}", markup=False)
    if not missing:
        console.stdout.print("ok       every default model is here", markup=False)
    return 1 if missing else 0


async def run_memory_stats(args: argparse.Namespace) -> int:
    from rich.table import Table

    uri = args.memory or default_memory()
    async with await Store.open(uri, read_only=True) as store:
        memory_sources = await store.sources()
        from memory.stats import memory_stats

        stats = await memory_stats(store)
    if args.json:
        record = {
            "sources": [{"id": s.id, "path": s.path, "duration_s": s.duration_s} for s in memory_sources],
            "tables": {
                n: {"rows": t.rows, "versions": t.versions, "fragments": t.fragments, "bytes": t.disk_bytes}
                for n, t in stats.tables.items()
            },
            "levels": stats.levels,
            "media_hours": stats.media_hours,
            "mb_per_hour": stats.mb_per_hour,
        }
        console.stdout.print(json.dumps(record), markup=False)
        return 0
    for s in memory_sources:
        console.stdout.print(f"{s.id}  {s.duration_s or 0.0:8.0f} s  {s.path}", markup=False)
    table = Table(box=None, pad_edge=False)
    for head in ("table", "rows", "versions", "fragments", "bytes on disk"):
        table.add_column(head, justify="left" if head == "table" else "right")
    for name, t in stats.tables.items():
        table.add_row(name, f"{t.rows:,}", f"{t.versions:,}", f"{t.fragments:,}", f"{t.disk_bytes:,}")
    console.stdout.print(table)
    for name, size in stats.levels.items():
        console.stdout.print(f"{name}: {size:,} bytes", markup=False)
    console.stdout.print(f"{stats.mb_per_hour:.1f} MB per hour of media, key frames aside", markup=False)
    return 0

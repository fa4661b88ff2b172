"""ingest, ask and qa. Every function returns the exit status, and raises HearsightError for a user's mistakes."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from memory import Memory, People, SourceInfo, Store
from memory.place import is_to_be_made, local_folder, told
from memory.snapshots import snapshot_folder
from perception.sources.file import FileSource
from reasoning.answer import Answerer
from runtime.app import console
from runtime.app.console import Bars, say
from runtime.app.context import App, note_cited, open_answerer, open_app, open_engine
from runtime.app.formats import AnswerFile, Job, answer_line, read_manifest, read_questions
from runtime.app.ingest import IngestReport, ingest
from runtime.app.screen.asking import Times, choose_answerer
from runtime.app.settings import default_memory
from runtime.app.strips import file_name, write_strip
from runtime.errors import HearsightError, InputError, MediaError
from runtime.messages import Query

_TELL_EVERY_S = 5.0
_ASK_PATIENCE_S = 5.0

Then = Callable[[int, IngestReport], Awaitable[None]]


async def run_ingest(args: argparse.Namespace) -> int:
    async with open_app(args) as app:
        _check_files(args.videos)
        uri = args.memory or default_memory()
        await _check_media(app, uri, args.videos)
        began = app.clock.now()
        async with await Store.open(uri, await app.models.text_encoder()) as store:
            reports = await _ingest_all(app, store, args.videos, args.jobs, args.quiet)
        _close(app, args, app.clock.now() - began)
        return 1 if any(isinstance(r, HearsightError) for r in reports) else 0


def _check_files(videos: Sequence[Path]) -> None:
    for video in videos:
        if not video.is_file():
            raise InputError(f"{video}: {'is not a file' if video.exists() else 'no such file'}")


async def _check_media(app: App, uri: str, videos: Sequence[Path]) -> None:
    """No memory is made for videos of which none can be opened. Raises MediaError, of the last."""
    folder = local_folder(uri)
    with told(uri):
        if folder is None or not is_to_be_made(folder, read_only=False):
            return
    wrong: list[MediaError] = []
    for video in dict.fromkeys(videos):
        try:
            await app.compute.run("decode", FileSource(video, app.settings.source).probe)
            return
        except MediaError as error:
            wrong.append(error)
    for one in wrong[:-1]:
        say(f"hearsight: {one}")
    raise wrong[-1]


async def _ingest_all(
    app: App, store: Store, videos: Sequence[Path], jobs: int, quiet: bool, then: Then | None = None
) -> list[IngestReport | HearsightError]:
    """One bad file does not stop the others: its one line is shown, and the exit status says so. then: what to
    do with each video, by its place in the list, as soon as it is remembered.

    What is wrong with the memory or a model is wrong for all of them, and ends the run.
    """
    places = asyncio.Semaphore(jobs)
    bars = Bars(app.clock, quiet)
    people = await People.open(store, app.compute, app.settings.memory.voices, app.settings.memory.faces)

    async def one(place: int, path: Path) -> IngestReport | HearsightError:
        async with places:
            try:
                report = await ingest(
                    path,
                    store,
                    app.models,
                    app.settings,
                    app.compute,
                    app.metrics,
                    app.clock,
                    bars.bar(path),
                    people,
                )
            except MediaError as error:
                if len(videos) == 1:
                    raise
                say(f"hearsight: {error}")
                return error
            for warning in report.warnings:
                say(f"hearsight: {warning}")
            if not quiet:
                _tell(report)
            if then is not None:
                await then(place, report)
            return report

    with bars.shown():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(place, path)) for place, path in enumerate(videos)]
    return [task.result() for task in tasks]


def _tell(report: IngestReport) -> None:
    if report.already:
        say(f"{report.path.name}: already in memory")
        return
    resumed = f" (taken up at {report.resumed_s:.0f} s)" if report.resumed_s else ""
    say(
        f"{report.path.name}: {report.duration_s:.0f} s remembered in {report.seconds:.1f} s, "
        f"real-time factor {report.real_time_factor:.3f}{resumed}"
    )


def _close(app: App, args: argparse.Namespace, wall_s: float) -> None:
    if not args.quiet:
        console.stderr.print(app.metrics.render_table(wall_s))
    if args.metrics is not None:
        try:
            args.metrics.write_text(app.metrics.render_prometheus(), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{args.metrics}: {error.strerror or error}") from None


def source_named(sources: Sequence[SourceInfo], named: str) -> SourceInfo:
    """By id, path or file name. Raises InputError."""
    found = [s for s in sources if s.id == named or Path(s.path).name == named or s.path == named]
    if not found:
        found = [s for s in sources if s.path == str(Path(named).resolve())]
    if len(found) != 1:
        raise InputError(
            f"source {named}: {'several are called so, use the id' if found else 'not in memory'}"
        )
    return found[0]


async def run_ask(args: argparse.Namespace) -> int:
    async with open_app(args) as app:
        if not args.question.strip():
            raise InputError("the question is empty")
        uri = str(args.memory or default_memory())
        if args.snapshot is not None:
            uri = str(snapshot_folder(uri, args.snapshot))
        with console.busy("looking into the memory") as found:
            return await _ask(args, app, uri, found)


async def _ask(args: argparse.Namespace, app: App, uri: str, found: Callable[[], None]) -> int:
    async with (
        await Store.open(uri, await app.models.text_encoder(), read_only=True) as store,
        open_engine(app, args.engine, _ASK_PATIENCE_S) as engine,
        open_answerer(app, store, engine) as (answerer, memory),
    ):
        sources = None
        if args.source is not None:
            sources = (source_named(await memory.sources(), args.source).id,)
        now_s = app.clock.wall() if args.as_of is None else None
        query = Query("ask", args.question, args.as_of, tuple(args.option), sources, now_s)
        times = Times(await memory.sources(), app.clock)
        chosen = choose_answerer(
            app, memory, answerer, await app.models.verifier(), sources or tuple(times.sources), engine
        )
        if args.json:
            answer = await chosen.answer(query)
            line = times.on(answer_line("ask", answer), answer)
            console.stdout.print(json.dumps(line, ensure_ascii=False), markup=False)
        else:
            answer = await console.show_stream(chosen.stream(query), found, times.span)
        if args.snapshot is None:
            note_cited(memory, answer, app.clock)
        if args.strip is not None and not await write_strip(
            args.strip, memory, answer.evidence, args.as_of, times.start
        ):
            say("no picture was kept of these moments")
    return 0


async def run_qa(args: argparse.Namespace) -> int:
    jobs = _jobs(args)
    _check_files([job.video for job in jobs])
    files = {job.out: AnswerFile(job.out) for job in jobs}
    async with open_app(args) as app:
        uri = args.memory or default_memory()
        await _check_media(app, uri, [job.video for job in jobs])
        began = app.clock.now()
        async with (
            await Store.open(uri, await app.models.text_encoder()) as store,
            open_engine(app, args.engine) as engine,
            AsyncExitStack() as opened,
        ):
            if engine is not None and any(files[j.out].missing(j.questions) for j in jobs):
                engine.begin()
            opening = asyncio.Lock()
            ready: list[tuple[Answerer, Memory]] = []

            async def answer(place: int, report: IngestReport) -> None:
                async with opening:  # the first video makes the memory that there is to open
                    if not ready:
                        ready.append(await opened.enter_async_context(open_answerer(app, store, engine)))
                job = jobs[place]
                await _answer_all(app, *ready[0], job, report.source, files[job.out], args)

            videos = [job.video for job in jobs]
            reports = await _ingest_all(app, store, videos, args.jobs, args.quiet, answer)
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
    app: App,
    answerer: Answerer,
    memory: Memory,
    job: Job,
    source: str,
    out: AnswerFile,
    args: argparse.Namespace,
) -> None:
    todo = out.missing(job.questions)
    if len(todo) < len(job.questions) and not args.quiet:
        say(f"{job.out}: {len(job.questions) - len(todo)} answers are there already and stay")
    told = app.clock.now()
    for number, item in enumerate(todo, 1):
        query = Query(item.id, item.question, item.ask_at, tuple(item.options or ()), (source,))
        answer = await answerer.answer(query)
        if args.strips is not None and not answer.abstained:
            await write_strip(args.strips / f"{file_name(item.id)}.jpg", memory, answer.evidence, item.ask_at)
        out.append(answer_line(item.id, answer))
        if not args.quiet and app.clock.now() - told >= _TELL_EVERY_S:
            told = app.clock.now()
            say(f"{job.out}: {number} of {len(todo)} questions answered")
    if not args.quiet:
        say(f"{job.out}: {len(todo)} questions answered")

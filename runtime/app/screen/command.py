"""hearsight screen and its commands. Each returns the exit status, and raises HearsightError for a user's mistakes."""

from __future__ import annotations

import argparse
import json
from datetime import date, datetime, timedelta
from pathlib import Path

from memory import SourceInfo, Store
from memory.cast import Casts
from memory.place import local_folder
from memory.screen import Activity, ScreenMemory, ScreenWriter
from perception.sources.screenshots import ScreenshotFolder
from reasoning.screen.calls import call_line, calls
from reasoning.screen.tasks import Tasks, open_lines
from reasoning.screen.timeline import entries, resources, synopsis
from runtime.app import console
from runtime.app.console import say
from runtime.app.context import open_app
from runtime.app.screen import control
from runtime.app.screen.folder import remember_folder
from runtime.app.screen.held_back import HeldBack
from runtime.app.screen.reading import open_reader
from runtime.app.screen.recording import record
from runtime.app.settings import default_memory
from runtime.clock import SystemClock
from runtime.errors import InputError

NOT_RUNNING = "hearsight screen does not run on this memory"


async def run_record(args: argparse.Namespace) -> int:
    return await record(args) if args.folder is None else await _folder(args)


async def _folder(args: argparse.Namespace) -> int:
    folder = ScreenshotFolder.open(args.folder)
    async with open_app(args) as app:
        encoder = await app.models.text_encoder()
        settings = app.settings.screen.read
        async with await Store.open(args.memory or default_memory(), encoder) as store:
            reader = await open_reader(app, settings)

            def tell(done: int, of: int) -> None:
                if not args.quiet and done % 25 == 0:
                    say(f"{done} of {of} screenshots")

            report = await remember_folder(
                folder, store, encoder, reader, settings, app.compute, app.clock, tell
            )
    if not args.quiet:
        known = len(folder.shots) - report.new - report.damaged
        parts = (
            (report.damaged, "could not be read"),
            (folder.skipped, "not named by a time"),
            (known, "known already"),
        )
        also = "".join(f", {count} {what}" for count, what in parts if count)
        say(f"{folder.path.name}: {report.new} screenshots remembered in {report.seconds:.1f} s{also}")
    return 0


async def run_status(args: argparse.Namespace) -> int:
    answer = await control.call(_place(args), "status")
    if answer is None:
        console.stdout.print("not running: nothing is being recorded", markup=False)
        return 1
    console.stdout.print(answer["line"], markup=False)
    for line in (answer["behind"], answer["hearing"]):
        if line:
            console.stdout.print(line, markup=False)
    console.stdout.print(answer["detail"], markup=False)
    console.stdout.print(answer["cleared"], markup=False)
    address = control.read(_place(args))
    if address is not None:
        console.stdout.print(f"{address.url}#token={address.token}", markup=False)
    return 0


async def run_pause(args: argparse.Namespace) -> int:
    return await _told(args, "pause", seconds=args.span)


async def run_resume(args: argparse.Namespace) -> int:
    return await _told(args, "resume")


async def run_toggle(args: argparse.Namespace) -> int:
    return await _told(args, "toggle")


async def run_watch(args: argparse.Namespace) -> int:
    return await _told(args, "watch", text=args.text)


async def run_dismiss(args: argparse.Namespace) -> int:
    answer = await control.call(_place(args), "dismiss", id=args.id)
    if answer is None and Tasks(_place(args) / "tasks.json", report=say).dismiss(args.id) is None:
        raise InputError(f"there is no open task {args.id}")
    console.stdout.print("dismissed", markup=False)
    return 0


async def run_tasks(args: argparse.Namespace) -> int:
    answer = await control.call(_place(args), "tasks")
    if answer is None:
        tasks = Tasks(_place(args) / "tasks.json", report=say)
        lines = open_lines(tasks.all(), SystemClock().wall())
    else:
        lines = answer["tasks"]
    console.stdout.print("\n".join(lines) if lines else "no open tasks", markup=False)
    return 0


async def run_forget(args: argparse.Namespace) -> int:
    """Of the recorder that runs, or of the memory itself where none does."""
    folder = _place(args)
    answer = await control.call(folder, "forget", seconds=args.span)
    count = answer["records"] if answer is not None else await _forget(args, folder)
    console.stdout.print(f"forgotten: {count} records", markup=False)
    return 0


async def _forget(args: argparse.Namespace, folder: Path) -> int:
    async with open_app(args) as app:
        encoder = await app.models.text_encoder()
        from_wall = app.clock.wall() - args.span
        async with await Store.open(folder, encoder) as store:
            writer = ScreenWriter(store, encoder, app.compute, app.settings.memory)
            count = 0
            for source in await ScreenMemory(store).sources():
                count += await writer.forget(source.id, from_wall - (source.wall_zero_s or 0.0))
    if count:
        HeldBack(folder).note()
    Tasks(folder / "tasks.json", report=say).forget(from_wall)
    return count


async def run_timeline(args: argparse.Namespace) -> int:
    async with await Store.open(args.memory or default_memory(), read_only=True) as store:
        done, day, sources = await _of_day(store, args.day)
        said, cast = await ScreenMemory(store).heard(sources), await Casts(store).now()
    zeros = {s.id: s.wall_zero_s or 0.0 for s in sources}
    if args.json:
        for a in done:
            found = {
                "from": _iso(a.wall_s),
                "to": _iso(a.end_wall_s),
                "program": a.program,
                "document": a.document,
                "site": a.site,
            }
            console.stdout.print(json.dumps(found, ensure_ascii=False), markup=False)
        return 0
    console.stdout.print(f"{day:%A} {day.day} {day:%B %Y}, {synopsis(done)}", markup=False)
    for line in entries(done):
        console.stdout.print(f"  {line}", markup=False)
    for call in calls(said, zeros, cast):
        if datetime.fromtimestamp(call.start_wall).date() == day:
            console.stdout.print(f"  {call_line(call)}", markup=False)
    return 0


async def run_resources(args: argparse.Namespace) -> int:
    async with await Store.open(args.memory or default_memory(), read_only=True) as store:
        done, day, sources = await _of_day(store, args.day)
        texts = await ScreenMemory(store).texts(sources)
    zeros = {s.id: s.wall_zero_s or 0.0 for s in sources}
    texts = [t for t in texts if datetime.fromtimestamp(zeros[t.source] + t.t_start_s).date() == day]
    for r in resources(done, texts, zeros):
        first, last = (f"{datetime.fromtimestamp(t):%H:%M}" for t in (r.first_s, r.last_s))
        span = first if first == last else f"{first}-{last}"
        console.stdout.print(f"{r.kind:8} {span:12} {r.name}", markup=False)
    return 0


async def _of_day(store: Store, named: str | None) -> tuple[list[Activity], date, list[SourceInfo]]:
    """Raises InputError: nothing was recorded on that day."""
    screen = ScreenMemory(store)
    sources = await screen.sources()
    done = await screen.activities(sources)
    if not done:
        raise InputError("this memory holds no screen")
    day = _day(named) if named else datetime.fromtimestamp(done[-1].wall_s).date()
    mine = [a for a in done if datetime.fromtimestamp(a.wall_s).date() == day]
    if not mine:
        days = sorted({datetime.fromtimestamp(a.wall_s).date() for a in done})
        raise InputError(f"nothing was recorded on {day}; the days are {', '.join(map(str, days[-5:]))}")
    return mine, day, [s for s in sources if any(a.source == s.id for a in mine)]


def _day(text: str) -> date:
    """Raises InputError."""
    today = datetime.fromtimestamp(SystemClock().wall()).date()
    if text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--day {text}: not a day: 2024-05-17, today, yesterday") from None


async def _told(args: argparse.Namespace, command: str, **arguments: object) -> int:
    answer = await control.call(_place(args), command, **arguments)
    if answer is None:
        raise InputError(NOT_RUNNING)
    console.stdout.print(str(answer["line"]), markup=False)
    return 0


def _place(args: argparse.Namespace) -> Path:
    folder = local_folder(args.memory or default_memory())
    if folder is None:
        raise InputError("a screen is remembered in a local folder only")
    return folder


def _iso(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s).isoformat(timespec="seconds")

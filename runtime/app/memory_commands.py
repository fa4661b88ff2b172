"""hearsight memory ...: what can be done with a memory as a whole. Every function returns the exit status."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from math import inf

from memory import Memory, Store
from memory.citations import FEATURES, read_citations, reset_citations
from memory.forgetting import Forgetting, Selection, forget, nobody_called, plan
from memory.history import history
from memory.integrity import check
from memory.place import local_folder
from memory.portable import export_memory, import_memory
from memory.retention import knows, pin, thin
from memory.snapshots import drop_snapshot, list_snapshots, snapshot_folders, take_snapshot
from reasoning.times import clock_text, span_text
from runtime.app import console
from runtime.app.commands import source_named
from runtime.app.console import say
from runtime.app.context import open_app
from runtime.app.live.cutting import cut_of, cut_recording, made_with
from runtime.app.settings import app_settings, default_memory
from runtime.clock import SystemClock
from runtime.errors import InputError
from runtime.messages import Observation

_SHOWN = 20


async def run_forget(args: argparse.Namespace) -> int:
    settings = app_settings(args.config, args.overrides).memory
    uri = args.memory or default_memory()
    async with await Store.open(uri, read_only=True) as store:
        selection = await _selection(store, args)
        found = await plan(store, selection)
        nobody = args.person and not found and await nobody_called(store, args.person)
    then = []
    for folder in snapshot_folders(uri):
        async with await Store.open(folder, read_only=True) as snapshot:
            if await plan(snapshot, selection):
                then.append(folder.name)
    if not found and not then:
        if nobody:
            raise InputError(nobody)
        console.stdout.print("nothing in memory is like that", markup=False)
        return 1
    _show(found.records)
    also = f"; and out of the snapshots {', '.join(then)}" if then else ""
    place = local_folder(uri)
    recordings = made_with(place, found.touched) if place is not None else []
    also += f"; and out of the recordings {', '.join(p.name for p in recordings)}" if recordings else ""
    console.stdout.print(_summary(found) + also, markup=False)
    if args.dry_run:
        return 0
    if not args.yes and not _agreed():
        return 1
    uncut = False
    async with await Store.open(uri) as store:
        for recording in recordings:
            whole = recording.name in found.sources
            cut = None if whole else cut_of(found, selection, recording.name)
            try:
                await asyncio.to_thread(cut_recording, recording, cut)
            except InputError as error:
                say(str(error))
                uncut = uncut or recording.exists()
        await forget(store, selection, settings)
    console.stdout.print("forgotten, but not in every recording" if uncut else "forgotten", markup=False)
    return 1 if uncut else 0


async def run_check(args: argparse.Namespace) -> int:
    report = await check(args.memory or default_memory())
    if args.json:
        console.stdout.print(json.dumps(asdict(report)), markup=False)
        return 1 if report.findings else 0
    for finding in report.findings:
        console.stdout.print(f"damaged  {finding.where}: {finding.what}", markup=False)
    if not report.findings:
        new = f"; {report.new} files are new since it was last closed, and can be read" if report.new else ""
        whole = f"whole    {report.rows:,} rows read, {report.files} files are what was written{new}"
        console.stdout.print(whole, markup=False)
    return 1 if report.findings else 0


async def run_snapshot(args: argparse.Namespace) -> int:
    uri = args.memory or default_memory()
    if args.drop:
        async with await Store.open(uri) as store:
            drop_snapshot(store, args.drop)
        console.stdout.print(f"dropped  {args.drop}", markup=False)
    elif args.name:
        async with await Store.open(uri) as store:
            taken = await take_snapshot(store, args.name, SystemClock().wall())
        console.stdout.print(f"taken    {taken.name}: {_count(taken.records, 'record')}", markup=False)
    else:
        async with await Store.open(uri, read_only=True):
            pass
        taken_before = list_snapshots(uri)
        if not taken_before:
            console.stdout.print("there is no snapshot yet", markup=False)
        for one in taken_before:
            when = datetime.fromtimestamp(one.taken_at_s).strftime("%Y-%m-%d %H:%M")
            console.stdout.print(f"{when}  {one.name}  {_count(one.records, 'record')}", markup=False)
    return 0


async def run_export(args: argparse.Namespace) -> int:
    async with await Store.open(args.memory or default_memory(), read_only=True) as store:
        manifest = await export_memory(store, args.file, SystemClock().wall())
    rows = sum(table.rows for table in manifest.tables.values())
    size = args.file.stat().st_size
    console.stdout.print(
        f"exported {_count(len(manifest.sources), 'source')}, {rows:,} rows, {size:,} bytes to {args.file}",
        markup=False,
    )
    return 0


async def run_import(args: argparse.Namespace) -> int:
    uri = args.memory or default_memory()
    done = await import_memory(args.file, uri)
    known = f"; {_count(len(done.known), 'source')} were there already" if done.known else ""
    sealed = (
        f"; {done.sealed} entries of its vault were left out: this memory has a vault of its own"
        if done.sealed
        else ""
    )
    console.stdout.print(
        f"imported {_count(len(done.sources), 'source')}, {done.rows:,} rows into {uri}{known}{sealed}",
        markup=False,
    )
    return 0


async def run_pin(args: argparse.Namespace) -> int:
    uri = args.memory or default_memory()
    async with await Store.open(uri, read_only=True) as store:
        if store.folder is None:
            raise InputError(f"pins are kept beside a memory in a local folder, and {uri} is none")
        for name in args.ids:
            if not await knows(store, name):
                raise InputError(
                    f"there is no {name} in memory {uri}: a record, a clip, an event, an episode or a source"
                )
        pin(store.folder, args.ids, not args.remove)
    console.stdout.print(f"{'unpinned' if args.remove else 'pinned'} {len(args.ids)}", markup=False)
    return 0


async def run_thin(args: argparse.Namespace) -> int:
    settings = app_settings(args.config, args.overrides).memory
    if not settings.total_bytes:
        raise InputError(
            "there is no budget: --set memory.total_bytes=5_000_000_000, or total_bytes under [memory]"
        )
    async with await Store.open(args.memory or default_memory()) as store:
        done = await thin(store, settings, SystemClock().wall())
    parts = f"{_count(done.keyframes, 'picture')} and the patch tokens of {_count(done.short_terms, 'clip')} have faded"
    over = (
        f"; {done.over_bytes:,} bytes over the budget are words and pins, which do not fade"
        if done.over_bytes
        else ""
    )
    console.stdout.print(parts + over, markup=False)
    return 0


async def run_history(args: argparse.Namespace) -> int:
    async with open_app(args) as app:
        encoder = await app.models.text_encoder()
        uri = args.memory or default_memory()
        async with await Memory.open(
            uri, encoder, compute=app.compute, settings=app.settings.memory
        ) as memory:
            sources = await memory.sources()
            source = None if args.source is None else source_named(sources, args.source).id
            versions = await history(memory, args.what, source, args.as_of)
            cast = await memory.cast()
    if args.json:
        console.stdout.print(json.dumps([asdict(v) for v in versions], ensure_ascii=False), markup=False)
        return 0 if versions else 1
    for version in versions:
        end = "now" if version.valid_to_s is None else clock_text(version.valid_to_s)
        speaker = cast.speaker(version.id, version.speaker)
        who = f"{speaker.label}: " if speaker is not None else ""
        text = " / ".join(line.strip() for line in version.text.splitlines() if line.strip())
        again = f"  (and {len(version.also)} times more)" if version.also else ""
        console.stdout.print(
            f"  {clock_text(version.valid_from_s)} - {end:8}  {who}{text}{again}", markup=False
        )
    if not versions:
        console.stdout.print("nothing in memory says that", markup=False)
    return 0 if versions else 1


async def _selection(store: Store, args: argparse.Namespace) -> Selection:
    known = await store.sources()
    source = None if args.source is None else source_named(known, args.source).id
    spans = args.t_from is not None or args.t_to is not None
    if spans and source is None:
        if len(known) != 1:
            raise InputError("--from and --to are times of one video: name it with --source")
        source = known[0].id
    selection = Selection(
        ids=tuple(args.ids),
        sources=None if source is None else (source,),
        t_min_s=-inf if args.t_from is None else args.t_from,
        t_max_s=inf if args.t_to is None else args.t_to,
        speaker=args.person,
        app=args.app,
        words=args.query,
    )
    selection.check()
    return selection


def _show(records: Sequence[Observation]) -> None:
    for record in records[:_SHOWN]:
        text = " / ".join(line.strip() for line in record.text.splitlines() if line.strip())
        span = span_text(record.t_start_s, record.t_end_s)
        console.stdout.print(f"  {span:>15}  {record.modality:4}  {text}", markup=False)
    if len(records) > _SHOWN:
        console.stdout.print(f"  ... and {len(records) - _SHOWN} more", markup=False)


def _summary(found: Forgetting) -> str:
    parts = [_count(len(found.records), "record")]
    if found.clips:
        parts.append(f"{_count(len(found.clips), 'clip')} with their pictures")
    if found.sources:
        parts.append(f"the whole of {_count(len(found.sources), 'source')}")
    return ", ".join(parts)


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise InputError("this cannot be undone: add --yes to do it, --dry-run to only look")
    console.stderr.print("Forget this, for good? [y/N] ", end="", markup=False)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


async def run_learned(args: argparse.Namespace) -> int:
    async with await Store.open(args.memory or default_memory(), read_only=True) as store:
        folder = store.folder
    if folder is None:
        raise InputError("only a memory in a folder learns from citations")
    if args.reset:
        say("what was learned is taken back" if reset_citations(folder) else "nothing was learned yet")
        return 0
    found = read_citations(folder)
    console.stdout.print(f"learned from {found.answers} answers", markup=False)
    for name, weight in zip(FEATURES, found.weights, strict=True):
        console.stdout.print(f"{name:<8} {weight:+.4f}", markup=False)
    return 0

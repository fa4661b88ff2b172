"""hearsight memory consolidate, facts, profile, notes, day. Every function returns the exit status."""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime

from memory import Memory
from memory.consolidation.consolidate import drop
from memory.consolidation.facts import Fact
from memory.consolidation.view import people
from reasoning.consolidation import extractors
from runtime.app import console
from runtime.app.commands import source_named
from runtime.app.context import App, open_app, open_engine
from runtime.app.settings import default_memory


async def run_consolidate(args: argparse.Namespace) -> int:
    async with open_app(args) as app, _opened(app, args, read_only=False) as memory:
        settings = app.settings.memory
        async with open_engine(app, args.engine) as engine:
            readers = await extractors(app.compute, settings, memory.store.zone(settings.timezone), engine)
            if args.rebuild:
                await drop(memory.store)
            runs = [(reader.name, await memory.consolidate(reader)) for reader in readers]
        ledger = await memory.ledger()
    for name, done in runs:
        asked = f", {done.calls} calls, {done.tokens:,} tokens" if done.calls else ""
        later = "" if done.done else "; the rest waits for the next hour"
        line = f"{name:9} {done.records:,} records read, {done.assertions:,} assertions found{asked}{later}"
        console.stdout.print(line, markup=False)
    held = len(ledger.current())
    console.stdout.print(f"{held:,} facts hold, {len(ledger.facts) - held:,} no longer do", markup=False)
    return 0


async def run_facts(args: argparse.Namespace) -> int:
    async with open_app(args) as app, _opened(app, args) as memory:
        sources = None
        if args.source is not None:
            sources = (source_named(await memory.sources(), args.source).id,)
        found = await memory.facts(
            " ".join(args.words) or None,
            about=args.about,
            kind=args.kind,
            history=args.all,
            valid_at_s=args.at,
            as_of_s=args.as_of,
            sources=sources,
        )
    return _show(found, args.json)


async def run_profile(args: argparse.Namespace) -> int:
    async with open_app(args) as app, _opened(app, args) as memory:
        person = args.person or memory.settings.user
        if not person:
            known = people(await memory.ledger(args.as_of))
            if args.json:
                console.stdout.print(json.dumps(dict(known), ensure_ascii=False), markup=False)
            for name, count in () if args.json else known:
                console.stdout.print(f"{count:5}  {name}", markup=False)
            return 0 if known else _nothing()
        found = await memory.profile(person, args.as_of)
    return _show(found, args.json)


async def run_notes(args: argparse.Namespace) -> int:
    async with open_app(args) as app, _opened(app, args) as memory:
        found = await memory.notes(" ".join(args.words) or None, as_of_s=args.as_of)
    if args.json:
        console.stdout.print(json.dumps([asdict(n) for n in found], ensure_ascii=False), markup=False)
        return 0 if found else 1
    for note in found:
        console.stdout.print(f"{', '.join(note.keywords)}  [{', '.join(note.tags)}]", markup=False)
        console.stdout.print(f"    {note.text}", markup=False)
        linked = f"version {note.version}; linked to {', '.join(note.links) or 'none'}"
        console.stdout.print(f"    {note.id}: {linked}", markup=False, style="dim")
    return 0 if found else _nothing("note")


async def run_day(args: argparse.Namespace) -> int:
    async with open_app(args) as app, _opened(app, args) as memory:
        found = await memory.days(args.date)
        facts = [f for f in await memory.facts(history=True) if _day(f.valid_from_s) == args.date]
    if args.json:
        record = {"days": [asdict(d) for d in found], "facts": [asdict(f) for f in facts]}
        console.stdout.print(json.dumps(record, ensure_ascii=False), markup=False)
        return 0 if found else 1
    for day in found:
        console.stdout.print(f"{day.date}  {day.source}: {day.synopsis}", markup=False)
    for fact in facts:
        console.stdout.print(f"            {fact.text}", markup=False)
    if not found:
        console.stderr.print("nothing is remembered of that day", markup=False)
    return 0 if found else 1


@asynccontextmanager
async def _opened(app: App, args: argparse.Namespace, read_only: bool = True) -> AsyncIterator[Memory]:
    encoder = await app.models.text_encoder()
    uri = args.memory or default_memory()
    settings = app.settings.memory
    async with await Memory.open(
        uri, encoder, compute=app.compute, settings=settings, read_only=read_only
    ) as memory:
        yield memory


def _show(found: Sequence[Fact], as_json: bool) -> int:
    if as_json:
        console.stdout.print(json.dumps([asdict(f) for f in found], ensure_ascii=False), markup=False)
        return 0 if found else 1
    for fact in found:
        end = "" if fact.valid_to_s is None else _day(fact.valid_to_s)
        sure = f"{fact.confidence:.2f}"
        console.stdout.print(f"{_day(fact.valid_from_s)} - {end:10}  {sure}  {fact.text}", markup=False)
        console.stdout.print(f"    {fact.id}", markup=False, style="dim")
    return 0 if found else _nothing()


def _nothing(what: str = "fact") -> int:
    console.stderr.print(f"no {what} is like that (hearsight memory consolidate makes them)", markup=False)
    return 1


def _day(unix_s: float) -> str:
    return f"{datetime.fromtimestamp(unix_s):%Y-%m-%d}"

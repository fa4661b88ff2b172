"""hearsight memory ...: what can be done with a memory as a whole. Every function returns the exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from math import inf

from memory import Store
from memory.forgetting import Forgetting, Selection, forget, plan
from reasoning.times import clock_text
from runtime.app import console
from runtime.app.commands import source_named
from runtime.app.settings import app_settings, default_memory
from runtime.errors import InputError
from runtime.messages import Observation

_SHOWN = 20


async def run_forget(args: argparse.Namespace) -> int:
    settings = app_settings(args.config, args.overrides).memory
    uri = args.memory or default_memory()
    async with await Store.open(uri, read_only=True) as store:
        selection = await _selection(store, args)
        found = await plan(store, selection)
    if not found:
        console.stdout.print("nothing in memory is like that", markup=False)
        return 1
    _show(found.records)
    console.stdout.print(_summary(found), markup=False)
    if args.dry_run:
        return 0
    if not args.yes and not _agreed():
        return 1
    async with await Store.open(uri) as store:
        await forget(store, selection, settings)
    console.stdout.print("forgotten", markup=False)
    return 0


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
        span = f"{clock_text(record.t_start_s)}-{clock_text(record.t_end_s)}"
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

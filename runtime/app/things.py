"""hearsight memory things: what is called what. Every function returns the exit status."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from memory import Memory, People, Store
from memory.things import merge_things, split_thing
from runtime.app import console
from runtime.app.context import open_app
from runtime.app.settings import default_memory


async def run_things(args: argparse.Namespace) -> int:
    """The list."""
    async with (
        open_app(args) as app,
        await Memory.open(
            args.memory or default_memory(), await app.models.text_encoder(), compute=app.compute
        ) as memory,
    ):
        found = await memory.things()
    for thing in found:
        if args.json:
            console.stdout.print(json.dumps(asdict(thing), ensure_ascii=False), markup=False)
            continue
        names = ", ".join(f"{name} {count:+d}" for name, count in thing.names.items())
        label = thing.label if thing.named else "-"
        console.stdout.print(f"{label}: {', '.join(thing.descriptions)}  ({names})", markup=False)
        console.stdout.print(f"    {', '.join((thing.id, *thing.merged))}", markup=False, style="dim")
    if not found:
        console.stderr.print("nothing is known by name (hearsight memory consolidate reads it)", markup=False)
    return 0 if found else 1


async def run_things_change(args: argparse.Namespace) -> int:
    """merge, split and undo. Raises InputError: nothing is called that, nothing to undo."""
    async with open_app(args) as app:
        encoder = await app.models.text_encoder()
        async with (
            await Store.open(args.memory or default_memory()) as store,  # makes none
            await Memory.open(store, encoder, compute=app.compute, settings=app.settings.memory) as memory,
        ):
            people = await People.open(
                store, app.compute, app.settings.memory.voices, app.settings.memory.faces
            )
            things, now_s = await memory.things(), app.clock.wall()
            match args.action:
                case "merge":
                    await merge_things(people, things, args.thing, args.other, now_s)
                    told = f"{args.other} is {args.thing}"
                case "split":
                    await split_thing(people, things, args.thing, args.name, now_s)
                    told = f"{args.name} is another thing"
                case _:
                    claim = await people.undo(None, now_s, things=True)
                    told = f"undone: {claim.kind} of {claim.person}"
    console.stdout.print(told, markup=False)
    return 0

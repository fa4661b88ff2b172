"""hearsight memory people: who is known by voice and by face, and what the user knows better. Returns the exit status."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from memory import Claim, People, Store
from memory.cast import Casts
from memory.entities import list_people
from memory.face_recognition import is_sighting
from reasoning.times import clock_text
from runtime.app import console
from runtime.app.settings import app_settings, default_memory
from runtime.clock import SystemClock
from runtime.compute import Compute

_DEADLINE_S = 5.0


async def run_people(args: argparse.Namespace) -> int:
    """The list."""
    async with await Store.open(args.memory or default_memory(), read_only=True) as store:
        people = await list_people(store, await Casts(store).now())
        names = {s.id: s.path.rsplit("/", 1)[-1] for s in await store.sources()}
    if args.json:
        for person in people:
            line = asdict(person) | {
                "speech_s": round(person.speech_s, 2),
                "seen_s": round(person.seen_s, 2),
            }
            console.stdout.print(json.dumps(line, ensure_ascii=False), markup=False)
        return 0
    if not people:
        console.stdout.print("nobody is known by voice or face yet", markup=False)
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for head in ("id", "name", "utterances", "heard", "seen", "evidence for the name", "same as", "in"):
        table.add_column(head, justify="right" if head in ("utterances", "heard", "seen") else "left")
    for person in people:
        evidence = ", ".join(f"{name} {weight:+g}" for name, weight in person.names.items())
        where = ", ".join(names.get(source, source) for source in person.sources)
        table.add_row(
            person.id,
            person.label if person.named else "-",
            str(person.utterances),
            clock_text(person.speech_s) if person.utterances else "-",
            clock_text(person.seen_s) if person.clips else "-",
            evidence,
            ", ".join(person.merged),
            where,
        )
    console.stdout.print(table)
    return 0


async def run_people_history(args: argparse.Namespace) -> int:
    """Everything that was said about people and holds, numbered for undo."""
    async with await Store.open(args.memory or default_memory(), read_only=True) as store:
        claims = (await Casts(store).now()).claims
    for claim in claims:
        if claim.kind != "call" and not claim.of_thing:
            console.stdout.print(f"{claim.seq:6}  {_told(claim)}", markup=False)
    return 0


async def run_people_change(args: argparse.Namespace) -> int:
    """name, merge, split and undo. Raises InputError: nobody is called that, nothing to undo."""
    clock, compute = SystemClock(), Compute()
    try:
        async with await Store.open(args.memory or default_memory()) as store:
            settings = app_settings(args.config, args.overrides).memory
            people = await People.open(store, compute, settings.voices, settings.faces)
            match args.action:
                case "name":
                    claim = await people.name(args.person, args.name, clock.wall())
                case "merge":
                    claim = await people.merge(args.person, args.other, clock.wall())
                case "split":
                    claim = await people.split(args.person, clock.wall())
                case _:
                    claim = await people.undo(args.number, clock.wall())
    finally:
        await compute.close(_DEADLINE_S)
    verb = "undone: " if args.action == "undo" else ""
    console.stdout.print(f"{verb}{_told(claim)}", markup=False)
    return 0


def _told(claim: Claim) -> str:
    by = {"user": "by you", "voice": "by the voice", "face": "by the face", "words": "by what was said"}[
        claim.made_by
    ]
    where = f" at {clock_text(claim.t_start_s)} in {claim.source}" if claim.source else ""
    shown = bool(claim.records) and all(map(is_sighting, claim.records))
    count = (
        f"{len(claim.records)} {'sighting' if shown else 'utterance'}{'s' if len(claim.records) != 1 else ''}"
    )
    match claim.kind:
        case "name" if claim.made_by == "user":
            what = (
                f"{claim.person} is called {claim.name}"
                if claim.name
                else f"{claim.person} has no given name"
            )
        case "name":
            what = f"{claim.person} is called {claim.name} ({claim.weight:+g})"
        case "merge":
            what = f"{claim.other} is {claim.person}"
        case "split" if claim.name:
            what = f"{claim.name} is not {claim.other}"
        case "split":
            what = f"{count} of {claim.other} are {claim.person}'s"
        case _:
            what = f"{count} of an unknown {'face' if shown else 'voice'} are {claim.person}'s"
    return f"{what}, {by}{where}"

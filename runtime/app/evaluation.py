"""hearsight eval: how well memory finds the evidence, on the formats that others measure with."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from memory import Memory, Message, SearchRequest, Store, add_messages, text_source
from reasoning.choosing import likeliest_option
from runtime.app import console
from runtime.app.console import say
from runtime.app.context import App, open_answerer, open_app
from runtime.app.locomo import CATEGORIES, LocomoSample, read_locomo, recall
from runtime.app.longmemeval import LongMemQuestion, read_longmemeval, says
from runtime.app.personamem import PersonaQuestion, read_personamem
from runtime.clock import perf
from runtime.errors import InputError
from runtime.messages import Query

RANKS = (1, 5, 10, 20)
LONGMEM_RANKS = (5, 10)


@asynccontextmanager
async def _opened(args: argparse.Namespace) -> AsyncIterator[App]:
    """The sets' times name no zone and are read as UTC: so are their questions asked."""
    async with open_app(args) as app:
        memory = app.settings.memory.model_copy(update={"timezone": "UTC"})
        yield replace(app, settings=app.settings.model_copy(update={"memory": memory}))


async def run_locomo(args: argparse.Namespace) -> int:
    samples = read_locomo(args.file)
    if not any(sample.questions for sample in samples):
        raise InputError(
            f"{args.file}: no question of categories 1 to 4 whose evidence is in its conversation"
        )
    shares: dict[int, list[list[float]]] = {category: [] for category in CATEGORIES}
    searches: list[float] = []
    turns, written_s = 0, 0.0
    async with _opened(args) as app:
        for sample in samples:
            with tempfile.TemporaryDirectory(prefix="hearsight-locomo-") as folder:
                began = perf()
                await remember(app, Path(folder) / "memory", {sample.name: sample.messages})
                written_s += perf() - began
                turns += len(sample.messages)
                await _ask_sample(app, Path(folder) / "memory", sample, shares, searches)
            if not args.quiet:
                say(f"{sample.name}: {len(sample.messages)} turns, {len(sample.questions)} questions")
    report = {
        "questions": sum(map(len, shares.values())),
        "recall": _means([one for category in shares.values() for one in category]),
        "by_category": {
            str(category): {"name": CATEGORIES[category], "questions": len(found)} | _means(found)
            for category, found in shares.items()
            if found
        },
        "turns": turns,
        "ms_per_turn_written": round(1e3 * written_s / max(turns, 1), 2),
        "search_p50_ms": round(1e3 * float(np.percentile(searches, 50)), 2),
        "search_p95_ms": round(1e3 * float(np.percentile(searches, 95)), 2),
    }
    _show(report, args.json)
    return 0


async def remember(app: App, uri: Path, conversations: Mapping[str, Sequence[Message]]) -> None:
    """Writes conversations into a new memory, each as a source of its name."""
    encoder = await app.models.text_encoder()
    async with await Store.open(uri, encoder) as store:
        for name, messages in conversations.items():
            await add_messages(
                store,
                encoder,
                app.compute,
                app.settings.memory,
                text_source(name),
                messages,
                wall=app.clock.wall,
            )


async def _ask_sample(
    app: App, uri: Path, sample: LocomoSample, shares: dict[int, list[list[float]]], searches: list[float]
) -> None:
    encoder = await app.models.text_encoder()
    now_s = max(m.time_s for m in sample.messages)
    async with await Memory.open(uri, encoder, compute=app.compute, settings=app.settings.memory) as memory:
        for question in sample.questions:
            began = perf()
            hits = await memory.search(SearchRequest(question.text, k=max(RANKS), now_s=now_s))
            searches.append(perf() - began)
            found = [str(hit.record.details.get("ref")) for hit in hits]
            shares[question.category].append([recall(found, question.evidence, k) for k in RANKS])


async def run_longmemeval(args: argparse.Namespace) -> int:
    questions = read_longmemeval(args.file)
    told: dict[str, list[dict[str, float]]] = {}
    async with _opened(args) as app:
        for number, question in enumerate(questions, 1):
            with tempfile.TemporaryDirectory(prefix="hearsight-longmemeval-") as folder:
                uri = Path(folder) / "memory"
                await remember(app, uri, {"chat": question.messages})
                marks = await _ask_longmem(app, uri, question)
            told.setdefault("abstention" if question.absent else question.kind, []).append(marks)
            if not args.quiet and number % 25 == 0:
                say(f"{number} of {len(questions)} questions")
    report: dict[str, Any] = {
        "questions": len(questions),
        "by_type": {kind: _shares(told[kind]) for kind in sorted(told)},
    }
    answerable = [marks for kind, found in told.items() if kind != "abstention" for marks in found]
    report["all"] = _shares(answerable)
    _show_shares(report, "all answerable", args.json)
    return 0


async def _ask_longmem(app: App, uri: Path, question: LongMemQuestion) -> dict[str, float]:
    async with (
        await Store.open(uri, await app.models.text_encoder(), read_only=True) as store,
        open_answerer(app, store, None) as (answerer, memory),
    ):
        request = SearchRequest(question.text, as_of_s=question.asked_s, k=max(LONGMEM_RANKS))
        hits = await memory.search(request)
        answer = await answerer.answer(Query(question.id, question.text, question.asked_s))
    if question.absent:
        return {"abstained": float(answer.abstained)}
    sessions = [str(hit.record.details["session"]) for hit in hits]
    turns = [str(hit.record.details["ref"]) for hit in hits]
    marks = {f"sessions@{k}": float(question.sessions <= set(sessions[:k])) for k in LONGMEM_RANKS}
    if question.turns:
        marks |= {f"turns@{k}": float(question.turns <= set(turns[:k])) for k in LONGMEM_RANKS}
    return marks | {"answered": float(not answer.abstained and says(answer.text, question.answer))}


async def run_personamem(args: argparse.Namespace) -> int:
    file = read_personamem(args.file, args.contexts)
    told: dict[str, list[dict[str, float]]] = {}
    async with _opened(args) as app:
        with tempfile.TemporaryDirectory(prefix="hearsight-personamem-") as folder:
            for number, context in enumerate(dict.fromkeys(q.context for q in file.questions)):
                uri = Path(folder) / str(number)
                await remember(app, uri, {"chat": file.contexts[context]})
                asked = [q for q in file.questions if q.context == context]
                for question, marks in zip(asked, await _ask_persona(app, uri, asked), strict=True):
                    told.setdefault(question.kind, []).append(marks)
                if not args.quiet:
                    say(f"{context}: {len(file.contexts[context])} messages, {len(asked)} questions")
    report = {
        "questions": len(file.questions),
        "by_type": {kind: _shares(told[kind]) for kind in sorted(told)},
        "all": _shares([marks for found in told.values() for marks in found]),
    }
    _show_shares(report, "all", args.json)
    return 0


async def _ask_persona(app: App, uri: Path, questions: Sequence[PersonaQuestion]) -> list[dict[str, float]]:
    out = []
    async with (
        await Store.open(uri, await app.models.text_encoder(), read_only=True) as store,
        open_answerer(app, store, None) as (answerer, memory),
    ):
        verifier = await app.models.verifier()
        for one in questions:
            query = Query(one.id, one.text, one.asked_s, one.options)
            answer = await answerer.answer(query)
            choice = answer.choice
            if choice is None:
                choice = await likeliest_option(memory, verifier, app.compute, query)
            marks = {"right": choice == one.correct, "answered": answer.choice is not None}
            if answer.choice is not None:
                marks["right where answered"] = marks["right"]
            out.append({name: float(mark) for name, mark in marks.items()})
    return out


def _show_shares(report: Mapping[str, Any], everything: str, as_json: bool) -> None:
    if as_json:
        console.stdout.print(json.dumps(report), markup=False)
        return
    for kind, shares in [*report["by_type"].items(), (everything, report["all"])]:
        text = ", ".join(f"{name} {value:g}" for name, value in shares.items() if name != "questions")
        console.stdout.print(f"{kind} ({shares.get('questions', 0)}): {text}", markup=False)


def _shares(marks: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for one in marks for name in one)
    means = {name: round(fmean(one[name] for one in marks if name in one), 4) for name in names}
    return {"questions": len(marks)} | means


def _means(shares: Sequence[Sequence[float]]) -> dict[str, float]:
    return {f"R@{k}": round(fmean(one[i] for one in shares), 4) for i, k in enumerate(RANKS)}


def _show(report: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        console.stdout.print(json.dumps(report), markup=False)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for head in ("evidence found", "questions", *(f"R@{k}" for k in RANKS)):
        table.add_column(head, justify="left" if head == "evidence found" else "right")
    rows = [("all", report["questions"], report["recall"])]
    rows += [(f"{n} {c['name']}", c["questions"], c) for n, c in report["by_category"].items()]
    for name, count, means in rows:
        table.add_row(name, str(count), *(f"{means[f'R@{k}']:.3f}" for k in RANKS))
    console.stdout.print(table)
    console.stdout.print(
        f"{report['turns']} turns, {report['ms_per_turn_written']} ms to write one; a search takes "
        f"{report['search_p50_ms']} ms (p50), {report['search_p95_ms']} ms (p95)",
        markup=False,
    )

#!/usr/bin/env python3
"""Who spoke when: the diarisation error rate on a recording with a reference (RTTM).

`python tests/bench/bench_speakers.py two_speakers.wav two_speakers.rttm`. The recording is read into a fresh memory, and
what memory says of its utterances is compared with the reference.

DER (NIST RT-09): (missed + false alarm + confusion) / speech, all in speaker seconds of the reference, overlapped speech
included, under the one-to-one mapping of speakers that makes it least. collar: seconds on both sides of every boundary of
the reference that are not scored, 0.25 by custom. An utterance of unknown speaker is scored as it stands (missed), and
a second time as if each such voice were one more speaker.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from memory import Store, schema
from memory.cast import Cast, claims_of
from runtime.app.ingest import ingest
from runtime.app.models import Models
from runtime.app.settings import app_settings
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.metrics import Metrics
from runtime.weights import Registry

STEP_S = 0.01


@dataclass(frozen=True)
class Turn:
    start_s: float
    end_s: float
    speaker: str


@dataclass(frozen=True)
class Rates:
    """Shares of the reference's speech."""

    missed: float
    false_alarm: float
    confusion: float

    @property
    def der(self) -> float:
        return self.missed + self.false_alarm + self.confusion


def read_rttm(path: Path) -> list[Turn]:
    rows = [line.split() for line in path.read_text().splitlines() if line.startswith("SPEAKER")]
    return [Turn(float(r[3]), float(r[3]) + float(r[4]), r[7]) for r in rows]


def error_rates(reference: Sequence[Turn], found: Sequence[Turn], collar_s: float) -> Rates:
    """On a grid of 10 ms."""
    count = round(max(t.end_s for t in [*reference, *found]) / STEP_S) + 1
    scored = np.ones(count, bool)
    for edge_s in (s for t in reference for s in (t.start_s, t.end_s)):
        scored[max(0, round((edge_s - collar_s) / STEP_S)) : round((edge_s + collar_s) / STEP_S)] = False
    theirs, ours = _active(reference, count), _active(found, count)
    pairs = {(a, b): int((theirs[a] & ours[b] & scored).sum()) for a in theirs for b in ours}
    names = [*theirs, *("" for _ in range(max(0, len(ours) - len(theirs))))]
    correct = max(
        sum(pairs.get(pair, 0) for pair in zip(order, ours, strict=False))
        for order in itertools.permutations(names, len(ours))
    )
    spoken = sum((a & scored).astype(int) for a in theirs.values())
    said = sum(((a & scored).astype(int) for a in ours.values()), np.zeros(count, int))
    total = int(np.sum(spoken))
    missed = int(np.maximum(0, spoken - said).sum())
    false_alarm = int(np.maximum(0, said - spoken).sum())
    confusion = int(np.minimum(spoken, said).sum()) - correct
    return Rates(missed / total, false_alarm / total, confusion / total)


def _active(turns: Sequence[Turn], count: int) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    out = {speaker: np.zeros(count, bool) for speaker in sorted({t.speaker for t in turns})}
    for turn in turns:
        out[turn.speaker][round(turn.start_s / STEP_S) : round(turn.end_s / STEP_S)] = True
    return out


async def heard(
    recording: Path, folder: Path, overrides: Sequence[str]
) -> tuple[list[Turn], list[Turn], dict[str, str]]:
    """Utterances of known speakers; those of unknown ones, each voice under a name of its own; the names learned."""
    settings, metrics = app_settings(None, overrides), Metrics()
    compute = Compute(metrics)
    try:
        models = Models(settings, Registry.load(), compute, lambda line: print(line, file=sys.stderr))
        async with await Store.open(folder, await models.text_encoder()) as store:
            await ingest(
                recording, store, models, settings, compute, metrics, SystemClock(), lambda done, whole: None
            )
            cast = Cast(await claims_of(store))
            rows = await store.rows(schema.VOICES)
    finally:
        await compute.close(5.0)
    known: list[Turn] = []
    unknown: list[Turn] = []
    for row in rows.to_pylist() if rows is not None else []:
        person = cast.person(row["id"], row["person"] or None)
        name = person or f"unknown {row['stretch']} {row['voice']}"
        (known if person else unknown).append(Turn(row["t_start_s"], row["t_end_s"], name))
    return known, unknown, cast.names()


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recording", type=Path)
    parser.add_argument("rttm", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="SECTION.KEY=VALUE")
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hearsight-bench-"))
    try:
        known, unknown, names = await heard(args.recording, folder / "memory", args.overrides)
    finally:
        shutil.rmtree(folder)
    reference = read_rttm(args.rttm)
    speakers = {t.speaker for t in known}
    print(
        f"{len({t.speaker for t in reference})} speakers in the reference, {len(speakers)} found, {len(unknown)} of "
        f"{len(known) + len(unknown)} utterances of unknown speaker; names learned: {names or 'none'}"
    )
    numbers: dict[str, dict[str, float]] = {}
    for title, turns in (("unknown is missed", known), ("unknown is one more", [*known, *unknown])):
        for collar_s in (0.0, 0.25):
            rates = error_rates(reference, turns, collar_s)
            numbers[f"{title}, collar {collar_s}"] = asdict(rates) | {"der": rates.der}
            print(
                f"{title:20} collar {collar_s:.2f} s  DER {rates.der:.3f}  missed {rates.missed:.3f}  "
                f"false alarm {rates.false_alarm:.3f}  confusion {rates.confusion:.3f}"
            )
    if args.json is not None:
        args.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())

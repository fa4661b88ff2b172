#!/usr/bin/env python3
"""Does the gate let the right utterances through? Precision and recall of "wants an answer".

    python -m tests.bench.bench_gate [--show] [--items FILE]

gate_items.jsonl: utterances written for this, as a speech recogniser would write them, each with its circumstances and
whether a considerate assistant in the room would speak up. Those whose id begins with d are for development. Those with
an h are held out: they were written when the rules were done, and their mistakes were not looked at since. --show prints
the mistakes among the former.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reasoning.gate import GateContext, GateDecision, wants_answer
from runtime.clock import Stopwatch

ITEMS = Path(__file__).with_name("gate_items.jsonl")


def load(path: Path = ITEMS) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def held_out(item: dict[str, Any]) -> bool:
    return bool(item["id"].startswith("h"))


def decide(item: dict[str, Any]) -> GateDecision:
    spoke = item["spoke_s_ago"]
    context = GateContext(math.inf if spoke is None else spoke, item["asked"], item["several_voices"])
    return wants_answer(item["text"], context)


def scores(items: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    """Precision, recall, accuracy."""
    counts = Counter((decide(item).wants, item["answer"]) for item in items)
    said = counts[True, True] + counts[True, False]
    wanted = counts[True, True] + counts[False, True]
    right = counts[True, True] + counts[False, False]
    return counts[True, True] / said, counts[True, True] / wanted, right / len(items)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=Path, default=ITEMS)
    parser.add_argument("--show", action="store_true", help="the mistakes among the development items")
    args = parser.parse_args()
    items = load(args.items)
    for name, part in (
        ("development", [i for i in items if not held_out(i)]),
        ("held out", [i for i in items if held_out(i)]),
    ):
        precision, recall, accuracy = scores(part)
        print(
            f"{name}: {len(part)} items, precision {precision:.3f}, recall {recall:.3f}, accuracy {accuracy:.3f}"
        )
        kinds = sorted({i["kind"] for i in part})
        right = Counter(i["kind"] for i in part if decide(i).wants == i["answer"])
        total = Counter(i["kind"] for i in part)
        print("  " + ", ".join(f"{kind} {right[kind]}/{total[kind]}" for kind in kinds))
    with Stopwatch() as watch:
        for item in items:
            decide(item)
    print(f"{watch.seconds / len(items) * 1e6:.0f} microseconds an utterance")
    if args.show:
        for item in items:
            decision = decide(item)
            if not held_out(item) and decision.wants != item["answer"]:
                print(f"{item['id']} wants {item['answer']}, {decision.reason}: {item['text']}")


if __name__ == "__main__":
    main()

"""How many of the facts that the rules make of sentences are right, and how many of those that are there they find.

    python -m tests.bench.bench_facts [--show]

tests/bench/facts_items.jsonl: sentences that somebody called Ana says, and what they assert; over half assert nothing:
questions, suppositions, quotes, jokes, fiction, hearsay. The rules were mended on those marked "fit" and not on the others.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from memory.consolidation.assertion import object_key
from memory.consolidation.rules import assertions

ITEMS = Path(__file__).with_name("facts_items.jsonl")
NOW_S = 1_715_000_000.0
Fact = tuple[str, str, str, bool]


def told(text: str) -> set[Fact]:
    return {
        (a.subject or "Ana", a.relation, object_key(a.object) if a.object else "", a.ended)
        for a in assertions(text, NOW_S)
    }


def wanted(item: dict[str, object]) -> set[Fact]:
    return {(s, r, object_key(o) if o else "", e) for s, r, o, e in item["facts"]}  # type: ignore[attr-defined]


def measure(part: str, show: bool = False) -> dict[str, float]:
    items = [json.loads(line) for line in ITEMS.read_text("utf-8").splitlines()]
    right = made = there = silent = empty = 0
    mine = [item for item in items if item["part"] == part]
    for item in mine:
        found, expected = told(item["text"]), wanted(item)
        right, made, there = right + len(found & expected), made + len(found), there + len(expected)
        empty += not expected
        silent += not expected and not found
        if show and found != expected:
            print(f"{item['text']}\n  missed {sorted(expected - found)}\n  wrong {sorted(found - expected)}")
    return {
        "sentences": len(mine),
        "with_nothing_to_say": empty,
        "silent_there": silent,
        "precision": round(right / made, 3),
        "recall": round(right / there, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--show", action="store_true", help="the sentences it gets wrong")
    show = parser.parse_args().show
    print(json.dumps({part: measure(part, show) for part in ("fit", "held out")}))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How well the wish to be told of something is understood, and how well it is seen to come true.

    python tests/bench/bench_watch.py [--part PART] [--show]

watch_items.jsonl (our own): what somebody says, and the wish with its fields. The rules were written with "dev". Of each of
the other parts, written before the rules had met it, it says how many were right at the first try; after that the rules
were mended for it too. A wish counts as right only with all its fields right.
watch_pairs.jsonl (our own): what is waited for, and a sentence; the thresholds of reasoning/watches/matching.py were chosen on
them. --show prints the mistakes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.text_encoder import MiniLMEncoder
from reasoning.language import Language
from reasoning.proactive import Cancel, Listing, Unclear, Watch, Wish, parse_watch
from reasoning.watches.matching import Matcher
from runtime.weights import Registry

FIRST_TRY = {"dev": None, "held_out": 59, "fresh": 50, "last": 47}
PARTS = tuple(FIRST_TRY)
PAIRS = Path(__file__).parent / "watch_pairs.jsonl"
ITEMS = Path(__file__).parent / "watch_items.jsonl"
NOW = datetime(2026, 11, 18, 14, 0, tzinfo=UTC)  # a Wednesday


def read_items() -> list[dict[str, Any]]:
    return [json.loads(line) for line in ITEMS.read_text(encoding="utf-8").splitlines()]


def kind_of(wish: Wish | None) -> str:
    if isinstance(wish, Watch):
        return "reminder" if wish.kind == "time" else "watch"
    names = {Cancel: "cancel", Listing: "list", Unclear: "unclear", type(None): "none"}
    return names[type(wish)]


def mistakes(item: dict[str, Any], wish: Wish | None) -> list[str]:
    """What of the wish is not as expected; empty when all is right."""
    if kind_of(wish) != item["expect"]:
        return [f"{kind_of(wish)} instead of {item['expect']}"]
    fields = [
        f
        for f in ("kind", "what", "say", "speaker", "once", "every_s", "every")
        if f in item and hasattr(wish, f)
    ]
    wrong = [
        f"{f} {getattr(wish, f)!r} instead of {item[f]!r}" for f in fields if getattr(wish, f) != item[f]
    ]
    if item.get("due") and isinstance(wish, Watch):
        due = datetime.fromtimestamp(wish.due or 0, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        wrong += [f"due {due} instead of {item['due']}"] if due != item["due"] else []
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--show", action="store_true", help="print the mistakes")
    args = parser.parse_args()
    language = Language(Registry.load().locate("en-core-web-sm"))
    language("warm up")
    for part in PARTS if args.part is None else (args.part,):
        items = [item for item in read_items() if item["part"] == part]
        expected, given, right, times = Counter[str](), Counter[str](), Counter[str](), []
        for item in items:
            begin = time.perf_counter()
            wish = parse_watch(item["text"], language, NOW.timestamp(), UTC)
            times.append(time.perf_counter() - begin)
            wrong = mistakes(item, wish)
            expected[item["expect"]] += 1
            given[kind_of(wish)] += 1
            right[item["expect"]] += not wrong
            if wrong and args.show:
                print(f"  {item['id']} {item['text']!r}: {'; '.join(wrong)}")
        tried = FIRST_TRY[part]
        first = f" ({tried} at the first try)" if tried is not None else ""
        print(f"{part}: {len(items)} lines, {sum(right.values())} right in all their fields{first}")
        for kind in ("watch", "reminder", "cancel", "list", "unclear", "none"):
            if expected[kind]:
                precision = right[kind] / given[kind] if given[kind] else 0.0
                print(
                    f"  {kind:9} precision {precision:.2f}  recall {right[kind] / expected[kind]:.2f}  of {expected[kind]}"
                )
        times.sort()
        print(
            f"  an utterance: p50 {1e3 * times[len(times) // 2]:.1f} ms, p95 {1e3 * times[int(len(times) * 0.95)]:.1f} ms"
        )
    asyncio.run(match_pairs(args.show))


async def match_pairs(show: bool) -> None:
    pairs = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    encoder = MiniLMEncoder(Registry.load().locate("minilm"))

    async def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return encoder.encode(texts)

    for name, matcher in (("words", Matcher()), ("words and meaning", Matcher(encode))):
        true, given, right, begin = 0, 0, 0, time.perf_counter()
        for pair in pairs:
            watch = Watch(pair["kind"], pair["what"], "", 0.0)
            found = await matcher.in_text(watch, pair["text"]) is not None
            true, given, right = true + pair["match"], given + found, right + (found and pair["match"])
            if show and found != pair["match"]:
                print(f"  {name}: {pair['what']!r} {'found' if found else 'missed'} in {pair['text']!r}")
        cost_ms = 1e3 * (time.perf_counter() - begin) / len(pairs)
        print(
            f"pairs, by {name}: precision {right / given:.2f}  recall {right / true:.2f}  of {true}; {cost_ms:.1f} ms each"
        )


if __name__ == "__main__":
    main()

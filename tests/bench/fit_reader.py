#!/usr/bin/env python3
"""How well a language model that reads tells an answer from a near miss, and the weights of reasoning/reader.py.

    python tests/bench/fit_reader.py [--set engine.model=NAME] [--out FILE]

Every statement of support_items.jsonl is judged by the rules and read by the engine's model. Prints accuracy and AUC of
both and of both together under group-wise 5-fold cross-validation, whose words the answer is in, the seconds a
statement takes (one after another, and four at a time), and the weights.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
from fit_support import HERE, auc, logistic  # type: ignore[import-not-found]

from memory.text import tokens
from memory.text_encoder import MiniLMEncoder
from reasoning import engine_server
from reasoning.engine_client import EngineClient
from reasoning.judge import Candidate
from reasoning.language import Language
from reasoning.question import parse_question
from reasoning.reader import Reading, logit, passage_of, read
from reasoning.support import Verifier
from runtime.app.settings import app_settings
from runtime.clock import perf
from runtime.messages import Evidence
from runtime.weights import Registry


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=Path, default=HERE / "support_items.jsonl")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    items = [json.loads(line) for line in args.items.read_text().splitlines()]
    settings = app_settings(None, args.overrides)
    address = await engine_server.start(settings.engine, print)
    print(f"{len(items)} items, read by {address.model}")
    registry = Registry.load()
    verifier = Verifier(Language(registry.locate("en-core-web-sm")), MiniLMEncoder(registry.locate("minilm")))
    asked = [_candidate(verifier, item) for item in items]
    budget = settings.answer.short_prompt_tokens
    texts = [(question.text, passage_of(candidate, budget)) for question, candidate in asked]
    async with EngineClient(address, settings.engine) as client:
        # The first request also reads the examples, which the server keeps.
        await read(client, *texts[0], settings.answer)
        began = perf()
        for question, passage in texts[:20]:
            await read(client, question, passage, settings.answer)
        print(f"one after another: {(perf() - began) / 20:.2f} s a statement")
        began = perf()
        readings = []
        for i in range(0, len(asked), 4):
            four = (
                read(client, question, passage, settings.answer) for question, passage in texts[i : i + 4]
            )
            readings += await asyncio.gather(*four)
        print(f"four at a time: {(perf() - began) / len(asked):.2f} s a statement")
    _report(items, [c for _, c in asked], [reading for reading, _ in readings])


def _candidate(verifier: Verifier, item: dict[str, Any]) -> tuple[Any, Candidate]:
    question = parse_question(item["question"], verifier.language)
    evidence = Evidence(item["id"], "items", item["modality"], item["statement"], 0.0, 1.0, 1.0)
    support = verifier.judge(question, item["statement"], item["modality"])
    return question, Candidate(evidence, support, 1.0)


def _report(items: list[dict[str, Any]], rules: list[Candidate], readings: list[Reading]) -> None:
    y = np.array([float(item["supported"]) for item in items])
    by_rules = np.array([logit(c.support.probability) for c in rules])
    by_model = np.array([logit(1.0 - r.none) for r in readings])
    ones = np.ones(len(items))
    groups = sorted({item["group"] for item in items})
    np.random.default_rng(0).shuffle(groups)
    fold = np.array([groups.index(item["group"]) % 5 for item in items])
    for name, columns in (
        ("rules", (by_rules, ones)),
        ("model", (by_model, ones)),
        ("both", (by_rules, by_model, ones)),
    ):
        x = np.stack(columns, axis=1)
        held = np.zeros(len(items))
        for k in range(5):
            test = fold == k
            held[test] = x[test] @ logistic(x[~test], y[~test], ones[~test])
        weights = [round(float(w), 2) for w in logistic(x, y, ones)]
        right = ((held > 0) == (y == 1)).mean()
        print(f"{name:6s} held out: accuracy {right:.3f}, AUC {auc(held, y):.3f}; weights and bias {weights}")
    for name, words in (
        ("rules", [c.support.span.text if c.support.span else "" for c in rules]),
        ("model", [r.words or "" for r in readings]),
    ):
        share = [
            bool(set(tokens(item["answer"])) & set(tokens(w)))
            for item, w in zip(items, words, strict=True)
            if item["supported"] and item["answer"]
        ]
        print(f"{name:6s} words share a word with the answer: {sum(share)} of {len(share)}")


if __name__ == "__main__":
    asyncio.run(main())

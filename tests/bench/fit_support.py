#!/usr/bin/env python3
"""Fit the weights of reasoning/support.py on support_items.jsonl, and say how well they hold out of sample.

    python tests/bench/fit_support.py [--items FILE] [--show 15]

Prints accuracy and AUC under group-wise 5-fold cross-validation (all questions of a statement stay together), how
often the extracted span holds the answer, and the weights to put into reasoning/support.py.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from memory.text import tokens
from reasoning.language import Language
from reasoning.question import parse_question
from reasoning.support import FEATURES, Verifier
from runtime.weights import Registry

HERE = Path(__file__).parent


def logistic(x: Any, y: Any, weight: Any, ridge: float = 1.0) -> Any:
    """Newton's method for L2-regularised logistic regression; the last column of x is the constant."""
    w = np.zeros(x.shape[1])
    penalty = np.full(x.shape[1], ridge)
    penalty[-1] = 1e-6
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        gradient = x.T @ (weight * (p - y)) + penalty * w
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        w -= step
        if np.abs(step).max() < 1e-8:
            break
    return w


def auc(score: Any, y: Any) -> float:
    order = np.argsort(score)
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    pos = y.sum()
    return float((ranks[y == 1].sum() - pos * (pos + 1) / 2) / (pos * (len(y) - pos)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=Path, default=HERE / "support_items.jsonl")
    parser.add_argument("--show", type=int, default=0, help="how many of the worst mistakes to print")
    parser.add_argument("--without-lexicon", action="store_true", help="vectors of words alone, as before")
    args = parser.parse_args()
    registry = Registry.load()
    from memory.text_encoder import MiniLMEncoder
    from reasoning.lexicon import Lexicon

    language = Language(registry.locate("en-core-web-sm"))
    lexicon = None if args.without_lexicon else Lexicon(registry.locate("wordnet"))
    verifier = Verifier(language, MiniLMEncoder(registry.locate("minilm")), lexicon)
    items = [json.loads(line) for line in args.items.read_text().splitlines()]
    rng = random.Random(0)
    rows: list[Any] = []
    spans = [0, 0]
    for item in items:
        question = parse_question(item["question"], language)
        result = verifier.judge(question, item["statement"], item["modality"])
        rows.append((result.features, item["supported"], item["group"], 1.0, item, result))
        if item["supported"] and item["answer"]:
            spans[1] += 1
            want = set(tokens(item["answer"]))
            spans[0] += bool(result.span and want & set(tokens(result.span.text)))
        for other in rng.sample(items, 2):
            if other["group"] != item["group"]:
                stray = verifier.judge(question, other["statement"], other["modality"])
                rows.append(
                    (
                        stray.features,
                        False,
                        item["group"],
                        0.5,
                        {**other, "question": item["question"]},
                        stray,
                    )
                )
    x = np.array([[*r[0], 1.0] for r in rows])
    y = np.array([float(r[1]) for r in rows])
    weight = np.array([r[3] for r in rows])
    groups = sorted({r[2] for r in rows})
    rng.shuffle(groups)
    fold = {g: i % 5 for i, g in enumerate(groups)}
    held = np.zeros(len(rows))
    for k in range(5):
        test = np.array([fold[r[2]] == k for r in rows])
        held[test] = x[test] @ logistic(x[~test], y[~test], weight[~test])
    main_rows = weight == 1.0
    right = (held > 0) == (y == 1)
    print(f"{main_rows.sum()} items, {len(rows) - main_rows.sum()} strays")
    print(f"held out: accuracy {right[main_rows].mean():.3f}, AUC {auc(held[main_rows], y[main_rows]):.3f}")
    print(f"          strays refused {right[~main_rows].mean():.3f}")
    for kind in ("said", "read"):
        pick = main_rows & np.array([r[4]["modality"] == kind for r in rows])
        print(f"          {kind}: accuracy {right[pick].mean():.3f}, AUC {auc(held[pick], y[pick]):.3f}")
    print(f"span shares a word with the answer: {spans[0]} of {spans[1]}")
    full = logistic(x, y, weight)
    for name, value in zip((*FEATURES, "BIAS"), full, strict=True):
        print(f"  {name:14s} {value:+.2f}")
    print("WEIGHTS =", tuple(round(float(v), 2) for v in full[:-1]), "BIAS =", round(float(full[-1]), 2))
    worst = sorted((i for i in range(len(rows)) if not right[i]), key=lambda i: -abs(held[i]))[: args.show]
    for i in worst:
        item, result = rows[i][4], rows[i][5]
        print(
            f"\n{held[i]:+.2f} {'should' if y[i] else 'should not'} | {item['question']} | {item['statement']!r}"
        )
        print(
            "   ",
            dict(zip(FEATURES, (round(f, 2) for f in result.features), strict=True)),
            result.missing,
            result.span,
        )


if __name__ == "__main__":
    main()

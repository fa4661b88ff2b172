"""The candidates of a large memory are those that weighing every key would give."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.candidates import best, by_words, lexical, nearest, terms_of
from memory.quantise import hamming, sign_codes
from memory.records import fixed_list
from memory.segment import Segment, segment_of


def segments(rng: np.random.Generator, sizes: list[int], words: int) -> tuple[list[Segment], dict[str, int]]:
    vocabulary: dict[str, int] = {}
    out = []
    for number, size in enumerate(sizes):
        lengths = rng.integers(1, 12, size)
        # Uneven, as words are: the first ones are everywhere.
        norms = [" ".join(f"w{int(words * rng.random() ** 3)}" for _ in range(n)) for n in lengths]
        ids = [f"s{number}/{i}#turn0" for i in range(size)]
        rows = pa.table(
            {
                "id": ids,
                "record": [i.partition("#")[0] for i in ids],
                "kind": ["turn"] * size,
                "modality": ["said"] * size,
                "source": [f"source{i % 2}" for i in range(size)],
                "t_start_s": rng.integers(0, 50, size).astype(np.float64),
                "t_end_s": np.full(size, 60.0),
                "known_at_s": rng.integers(0, 50, size).astype(np.float64),
                "norm": norms,
                "vector": fixed_list(rng.standard_normal((size, 192)).astype(np.float16)),
            }
        )
        out.append(segment_of(rows, vocabulary, {"source0": 0, "source1": 1}))
    return out, vocabulary


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    limit=st.integers(1, 60),
    asked=st.lists(st.integers(0, 45), min_size=1, max_size=8, unique=True),
    masked=st.booleans(),
)
def test_they_are_the_best_of_all(seed: int, limit: int, asked: list[int], masked: bool) -> None:
    rng = np.random.default_rng(seed)
    parts, vocabulary = segments(rng, [int(n) for n in rng.integers(1, 300, 2)], 40)
    masks = [rng.random(len(s)) < rng.choice([0.1, 0.8]) if masked else None for s in parts]
    ids = [vocabulary.get(f"w{word}", -1) for word in asked]
    terms = terms_of(parts, ids, [None] * len(parts), sum(map(len, parts)))
    rows = [np.arange(len(s)) if m is None else np.flatnonzero(m) for s, m in zip(parts, masks, strict=True)]
    scores = [lexical(s, i, r, terms) for i, (s, r) in enumerate(zip(parts, rows, strict=True))]
    some = [r[score > 0] for r, score in zip(rows, scores, strict=True)]
    wanted = best(parts, some, [-score[score > 0] for score in scores], limit)
    found = by_words(parts, terms, masks, limit)
    assert [f.tolist() for f in found] == [w.tolist() for w in wanted]
    code = sign_codes(rng.integers(-127, 127, (1, 192)).astype(np.int8))
    far = [hamming(s.codes[:, r], code).astype(np.float64) for s, r in zip(parts, rows, strict=True)]
    close = nearest(parts, code, masks, limit)
    if sum(map(len, rows)) <= 16 * limit:
        exact = best(parts, rows, far, limit)
        assert [c.tolist() for c in close] == [e.tolist() for e in exact]
    assert sum(map(len, close)) == min(limit, sum(map(len, rows)))
    assert all(set(c.tolist()) <= set(r.tolist()) for c, r in zip(close, rows, strict=True))

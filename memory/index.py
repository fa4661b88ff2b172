"""The search index over the key table, resident in the reader.

LanceDB's own indices cannot be exact in time: an IVF index is trained on, and BM25 weighted by, rows that a
question of the past must not know, and both decide which rows are candidates at all. Here every statistic is
counted over the visible rows, and candidates are chosen by functions of one row alone (its sign code, its
words). Costs about 600 bytes a key of 384 dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, log

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memory.quantise import Quantised, hamming, quantise, query_of, sign_codes
from memory.records import matrix
from memory.settings import SearchSettings

KINDS = ("turn", "pair", "line", "screen", "seen", "heard")
MODALITIES = ("said", "read", "seen")
_USUAL_TOKENS = np.array([10.0, 20.0, 8.0, 24.0, 8.0, 10.0])
"""By kind: BM25's average length, fixed, because a counted one would know the future."""
_K1, _B = 1.2, 0.75
_CHUNK = 8192
"""Rows whose vectors are float32 at a time while they are loaded."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Question:
    """tokens: normalised, no stop words. vector: (d,) unit or None. Spans and as_of in media seconds."""

    tokens: Sequence[str]
    vector: NDArray[np.float32] | None
    as_of_s: float = inf
    sources: frozenset[str] | None = None
    t_min_s: float = -inf
    t_max_s: float = inf
    modalities: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class KeyScore:
    """One key's scores for a question, both in [0, 1]. number: which of the record's keys of that kind."""

    record: str
    kind: str
    number: int
    source: str
    t_start_s: float
    known_at_s: float
    lexical: float
    vector: float


@dataclass(frozen=True, slots=True, eq=False)
class KeyScores:
    """The same of many keys, as arrays; kinds are numbers into KINDS."""

    ids: NDArray[np.object_]
    records: NDArray[np.object_]
    kinds: NDArray[np.int8]
    sources: NDArray[np.object_]
    t_start_s: Floats
    known_at_s: Floats
    lexical: Floats
    vector: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, at: int) -> KeyScore:
        kind = KINDS[self.kinds[at]]
        return KeyScore(
            record=self.records[at],
            kind=kind,
            number=int(self.ids[at].rpartition(kind)[2]),
            source=self.sources[at],
            t_start_s=float(self.t_start_s[at]),
            known_at_s=float(self.known_at_s[at]),
            lexical=float(self.lexical[at]),
            vector=float(self.vector[at]),
        )


@dataclass(eq=False)
class _Segment:
    """Arrays over n keys. tokens/starts: the keys' token ids, flat. terms/bounds/keys/counts: its inverted
    form.
    """

    ids: NDArray[np.object_]
    records: NDArray[np.object_]
    kinds: NDArray[np.int8]
    modalities: NDArray[np.int8]
    sources: NDArray[np.int32]
    t_start_s: Floats
    t_end_s: Floats
    known_at_s: Floats
    vectors: Quantised
    codes: NDArray[np.uint64]
    tokens: NDArray[np.int32]
    starts: Ints
    terms: NDArray[np.int32] = field(init=False)
    bounds: Ints = field(init=False)
    keys: NDArray[np.int32] = field(init=False)
    counts: NDArray[np.uint8] = field(init=False)
    drag: Floats = field(init=False)

    def __post_init__(self) -> None:
        lengths = np.diff(self.starts)
        owner = np.repeat(np.arange(len(self.ids), dtype=np.int64), lengths)
        pairs, counts = np.unique((self.tokens.astype(np.int64) << 32) | owner, return_counts=True)
        self.keys = (pairs & 0xFFFFFFFF).astype(np.int32)
        self.counts = np.minimum(counts, 255).astype(np.uint8)
        self.terms, first = np.unique((pairs >> 32).astype(np.int32), return_index=True)
        self.bounds = np.append(first, len(pairs)).astype(np.int64)
        self.drag = _K1 * (1 - _B + _B * lengths / _USUAL_TOKENS[self.kinds])

    def __len__(self) -> int:
        return len(self.ids)

    def postings(self, term: int) -> slice:
        at = int(np.searchsorted(self.terms, term))
        if at == len(self.terms) or self.terms[at] != term:
            return slice(0, 0)
        return slice(int(self.bounds[at]), int(self.bounds[at + 1]))

    def visible(self, question: Question, sources: NDArray[np.int32] | None) -> Bools:
        mask = self.known_at_s <= question.as_of_s
        return mask if sources is None else mask & np.isin(self.sources, sources)

    def asked_for(self, question: Question) -> Bools:
        mask = (self.t_end_s >= question.t_min_s) & (self.t_start_s <= question.t_max_s)
        if question.modalities is not None:
            wanted = [MODALITIES.index(m) for m in sorted(question.modalities)]
            mask &= np.isin(self.modalities, wanted)
        return np.asarray(mask)


class KeyIndex:
    """Rows are added in batches; a batch becomes a segment, and small segments are merged into larger
    ones.
    """

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings
        self._segments: list[_Segment] = []
        self._vocabulary: dict[str, int] = {}
        self._source_ids: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(len(s) for s in self._segments)

    def add(self, rows: pa.Table) -> None:
        """rows: columns id, record, kind, modality, source, t_start_s, t_end_s, known_at_s, norm, vector."""
        if not rows.num_rows:
            return
        self._segments.append(self._segment(rows))
        while len(self._segments) > 1 and len(self._segments[-2]) < 2 * len(self._segments[-1]):
            last, previous = self._segments.pop(), self._segments.pop()
            self._segments.append(_merged(previous, last))

    def search(self, question: Question) -> KeyScores | None:
        """Scores of the keys that may answer, unordered: a function of the visible rows and the question alone."""
        sources = None
        if question.sources is not None:
            numbers = [self._source_ids[s] for s in sorted(question.sources) if s in self._source_ids]
            sources = np.array(numbers, np.int32)
        visible = [s.visible(question, sources) for s in self._segments]
        count = sum(int(mask.sum()) for mask in visible)
        if not count:
            return None
        eligible = [
            mask & segment.asked_for(question) for segment, mask in zip(self._segments, visible, strict=True)
        ]
        words = self._lexical(question.tokens, visible, count)
        picked = self._pick(question, words, eligible, count)
        parts = list(zip(self._segments, picked, strict=True))
        lexical = np.concatenate([score[rows] for score, rows in zip(words, picked, strict=True)])
        if question.vector is None:
            cosines = np.zeros(len(lexical))
        else:
            query = query_of(question.vector)
            cosines = np.clip(np.concatenate([s.vectors.dot(query, rows) for s, rows in parts]), 0.0, 1.0)
        names = np.array(list(self._source_ids), object)
        return KeyScores(
            ids=np.concatenate([s.ids[rows] for s, rows in parts]),
            records=np.concatenate([s.records[rows] for s, rows in parts]),
            kinds=np.concatenate([s.kinds[rows] for s, rows in parts]),
            sources=names[np.concatenate([s.sources[rows] for s, rows in parts])],
            t_start_s=np.concatenate([s.t_start_s[rows] for s, rows in parts]),
            known_at_s=np.concatenate([s.known_at_s[rows] for s, rows in parts]),
            lexical=lexical,
            vector=cosines,
        )

    def _lexical(self, tokens: Sequence[str], visible: list[Bools], count: int) -> list[Floats]:
        """By segment: share of the question's weight a key's words carry, BM25 with saturation, in [0, 1]."""
        scores = [np.zeros(len(s)) for s in self._segments]
        ideal = 0.0
        for token in sorted(set(tokens)):
            term = self._vocabulary.get(token, -1)
            hits = []
            for segment, mask in zip(self._segments, visible, strict=True):
                found = segment.postings(term)
                keep = mask[segment.keys[found]]
                hits.append((segment.keys[found][keep], segment.counts[found][keep].astype(np.float64)))
            documents = sum(len(keys) for keys, _ in hits)
            weight = log(1.0 + (count - documents + 0.5) / (documents + 0.5))
            ideal += weight
            for segment, score, (keys, counts) in zip(self._segments, scores, hits, strict=True):
                score[keys] += weight * counts * (_K1 + 1) / (counts + segment.drag[keys])
        return [np.minimum(score / (ideal * (_K1 + 1)), 1.0) if ideal else score for score in scores]

    def _pick(self, question: Question, words: list[Floats], eligible: list[Bools], count: int) -> list[Ints]:
        """By segment: the rows worth scoring; all of them in a small memory."""
        if count <= self._settings.exhaustive_keys:
            return [np.flatnonzero(mask) for mask in eligible]
        limit = self._settings.candidates
        rows = [np.flatnonzero(mask & (score > 0)) for mask, score in zip(eligible, words, strict=True)]
        chosen = [self._best(rows, [-s[r] for s, r in zip(words, rows, strict=True)], limit)]
        if question.vector is not None:
            # Of the same small integers as the rows', whose least values have rounded to no sign at all.
            code = sign_codes(quantise(question.vector[None, :]).values)
            rows = [np.flatnonzero(mask) for mask in eligible]
            far = [hamming(s.codes, code)[r] for s, r in zip(self._segments, rows, strict=True)]
            chosen.append(self._best(rows, [f.astype(np.float64) for f in far], limit))
        return [np.unique(np.concatenate(parts)) for parts in zip(*chosen, strict=True)]

    def _best(self, rows: list[Ints], costs: list[Floats], limit: int) -> list[Ints]:
        """By segment: the rows of least cost over all segments; ties by known_at_s, then id."""
        cost = np.concatenate(costs)
        if len(cost) <= limit:
            return rows
        cut = np.partition(cost, limit - 1)[limit - 1]
        keep = cost < cut
        tied = np.flatnonzero(cost == cut)
        known = np.concatenate([s.known_at_s[r] for s, r in zip(self._segments, rows, strict=True)])[tied]
        missing = limit - int(keep.sum())
        edge = np.partition(known, missing - 1)[missing - 1]
        keep[tied[known < edge]] = True
        missing = limit - int(keep.sum())
        last = tied[known == edge]
        if len(last) > missing:
            ids = np.concatenate([s.ids[r] for s, r in zip(self._segments, rows, strict=True)])[last]
            last = last[np.argsort(ids, kind="stable")[:missing]]
        keep[last] = True
        ends = np.cumsum([len(r) for r in rows])[:-1]
        return [r[part] for r, part in zip(rows, np.split(keep, ends), strict=True)]

    def _segment(self, rows: pa.Table) -> _Segment:
        rows = rows.combine_chunks()
        words = pc.split_pattern(rows["norm"], " ").combine_chunks()
        words = words.chunk(0) if isinstance(words, pa.ChunkedArray) else words
        coded = words.flatten().dictionary_encode()
        numbers = [
            self._vocabulary.setdefault(w, len(self._vocabulary)) for w in coded.dictionary.to_pylist()
        ]
        starts = np.asarray(words.offsets, dtype=np.int64)
        sources = rows["source"].to_pylist()
        source_ids = [self._source_ids.setdefault(s, len(self._source_ids)) for s in sources]
        starts_ = range(0, rows.num_rows, _CHUNK)
        small = [quantise(matrix(rows["vector"].slice(at, _CHUNK))) for at in starts_]
        return _Segment(
            ids=np.array(rows["id"].to_pylist(), object),
            records=np.array(rows["record"].to_pylist(), object),
            kinds=np.array([KINDS.index(k) for k in rows["kind"].to_pylist()], np.int8),
            modalities=np.array([MODALITIES.index(m) for m in rows["modality"].to_pylist()], np.int8),
            sources=np.array(source_ids, np.int32),
            t_start_s=np.asarray(rows["t_start_s"], dtype=np.float64),
            t_end_s=np.asarray(rows["t_end_s"], dtype=np.float64),
            known_at_s=np.asarray(rows["known_at_s"], dtype=np.float64),
            vectors=Quantised(
                np.concatenate([q.values for q in small]), np.concatenate([q.scale for q in small])
            ),
            codes=np.concatenate([sign_codes(q.values) for q in small], axis=1),
            tokens=np.array(numbers, np.int32)[np.asarray(coded.indices)],
            starts=starts - starts[0],
        )


def _merged(a: _Segment, b: _Segment) -> _Segment:
    def both(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(a, name), getattr(b, name)])

    plain = (
        "ids",
        "records",
        "kinds",
        "modalities",
        "sources",
        "t_start_s",
        "t_end_s",
        "known_at_s",
        "tokens",
    )
    return _Segment(
        **{name: both(name) for name in plain},  # type: ignore[arg-type]
        vectors=Quantised(
            np.concatenate([a.vectors.values, b.vectors.values]),
            np.concatenate([a.vectors.scale, b.vectors.scale]),
        ),
        codes=np.concatenate([a.codes, b.codes], axis=1),
        starts=np.concatenate([a.starts, b.starts[1:] + a.starts[-1]]),
    )

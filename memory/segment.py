"""A part of the search index: keys as arrays, with their words in inverted lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import inf
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memory.quantise import Quantised, quantise, sign_codes
from memory.records import matrix

KINDS = ("turn", "pair", "line", "screen", "seen", "heard", "message", "passage", "sentence")
MESSAGE_KINDS = ("message", "passage", "sentence")
MODALITIES = ("said", "read", "seen")
MESSAGE, PASSAGE, SENTENCE = (KINDS.index(kind) for kind in MESSAGE_KINDS)
_USUAL_TOKENS = np.array([10.0, 20.0, 8.0, 24.0, 8.0, 10.0, 12.0, 12.0, 12.0])
"""By kind: BM25's average length, fixed, because a counted one would know the future."""
K1, B = 1.2, 0.75
_CHUNK = 8192
"""Rows whose vectors are float32 at a time while they are loaded."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Question:
    """tokens: normalised, no stop words. vector: (d,) unit or None. Spans and as_of in media seconds.

    subject: vector of the question as a statement (memory/cues.py). near_s: the time it names; what lies
    outside is pushed down, not dropped (t_min_s and t_max_s drop). asks_when: for a date or a time. role: speaker meant
    by "I" or "you", where no speaker is named.
    """

    tokens: Sequence[str]
    vector: NDArray[np.float32] | None
    subject: NDArray[np.float32] | None = None
    near_s: tuple[float, float] | None = None
    asks_when: bool = False
    role: str | None = None
    as_of_s: float = inf
    sources: frozenset[str] | None = None
    t_min_s: float = -inf
    t_max_s: float = inf
    modalities: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Arrays over n keys. ids, records: strings, as Arrow holds them. tokens/starts: the keys' token ids, flat.
    terms/bounds/keys/counts: its inverted form; drag: what BM25 takes off for their lengths.
    """

    ids: pa.LargeStringArray
    records: pa.LargeStringArray
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
    terms: NDArray[np.int32]
    bounds: Ints
    keys: NDArray[np.int32]
    counts: NDArray[np.uint8]
    drag: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def postings(self, term: int) -> slice:
        at = int(np.searchsorted(self.terms, term))
        if at == len(self.terms) or self.terms[at] != term:
            return slice(0, 0)
        return slice(int(self.bounds[at]), int(self.bounds[at + 1]))

    def visible(self, question: Question, sources: NDArray[np.int32] | None) -> Bools | None:
        """None where all rows are."""
        mask = None if question.as_of_s == inf else self.known_at_s <= question.as_of_s
        return mask if sources is None else both(mask, self._of(self.sources, sources))

    def asked_for(self, question: Question) -> Bools | None:
        """None where all rows are."""
        mask = None
        if question.t_min_s != -inf:
            mask = self.t_end_s >= question.t_min_s
        if question.t_max_s != inf:
            mask = both(mask, self.t_start_s <= question.t_max_s)
        if question.modalities is not None:
            wanted = [MODALITIES.index(m) for m in sorted(question.modalities)]
            mask = both(mask, self._of(self.modalities, np.array(wanted, np.int32)))
        return mask

    def dots(self, query: NDArray[np.float32], rows: Ints) -> Floats:
        """Cosines of these rows; of messages 0, which are weighed apart (`KeyIndex.messages`)."""
        out = np.zeros(len(rows))
        mine = np.flatnonzero(self.kinds[rows] < MESSAGE)
        out[mine] = self.vectors.dot(query, rows[mine])
        return out

    def texts_in(self, mask: Bools | None) -> int:
        """How many of the rows are texts of their own, as sentences are not."""
        own = self.kinds != SENTENCE
        return int(np.count_nonzero(own if mask is None else own & mask))

    @staticmethod
    def _of(numbers: NDArray[np.integer[Any]], wanted: NDArray[np.int32]) -> Bools:
        if len(wanted) == 1:
            return np.asarray(numbers == wanted[0])
        table = np.zeros(int(max(numbers.max(initial=0), wanted.max(initial=0))) + 1, np.bool_)
        table[wanted] = True
        return np.asarray(table[numbers])


def stands_in(
    segments: Sequence[Segment], term: int, question: Question, sources: NDArray[np.int32] | None
) -> bool:
    """Whether a visible key has the token."""
    for segment in segments:
        keys = segment.keys[segment.postings(term)]
        mask = segment.visible(question, sources) if len(keys) else None
        if len(keys) and (mask is None or bool(mask[keys].any())):
            return True
    return False


def texts_at(texts: pa.LargeStringArray, rows: Ints) -> NDArray[np.object_]:
    """The strings at these places."""
    return np.asarray(texts.take(pa.array(rows)).to_numpy(zero_copy_only=False), object)


def both(a: Bools | None, b: Bools | None) -> Bools | None:
    """What two masks leave; None is all."""
    if a is None or b is None:
        return b if a is None else a
    return a & b


def segment_of(rows: pa.Table, vocabulary: dict[str, int], source_numbers: dict[str, int]) -> Segment:
    """rows: as `KeyIndex.add` gets them. Gives numbers to words and sources that are new."""
    rows = rows.combine_chunks()
    # A sentence's words stand in its message already: it is there for its meaning.
    norm = pc.if_else(pc.equal(rows["kind"], "sentence"), None, rows["norm"])
    words = pc.fill_null(pc.split_pattern(norm, " "), []).combine_chunks()
    words = words.chunk(0) if isinstance(words, pa.ChunkedArray) else words
    coded = words.flatten().dictionary_encode()
    numbers = [vocabulary.setdefault(w, len(vocabulary)) for w in coded.dictionary.to_pylist()]
    starts = np.asarray(words.offsets, dtype=np.int64)
    starts_ = range(0, rows.num_rows, _CHUNK)
    small = [quantise(matrix(rows["vector"].slice(at, _CHUNK))) for at in starts_]
    return _inverted(
        ids=rows["id"].combine_chunks().cast(pa.large_string()),
        records=rows["record"].combine_chunks().cast(pa.large_string()),
        kinds=_numbered(rows["kind"], KINDS.index).astype(np.int8),
        modalities=_numbered(rows["modality"], MODALITIES.index).astype(np.int8),
        sources=_numbered(rows["source"], lambda s: source_numbers.setdefault(s, len(source_numbers))),
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


def merged(segments: Sequence[Segment]) -> Segment:
    """One of all of them, in their order."""
    if len(segments) == 1:
        return segments[0]

    def joined(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(s, name) for s in segments])

    plain = ("kinds", "modalities", "sources", "t_start_s", "t_end_s", "known_at_s", "tokens")
    lengths = np.concatenate([np.diff(s.starts) for s in segments])
    return _inverted(
        **{name: joined(name) for name in plain},
        ids=pa.concat_arrays([s.ids for s in segments]),
        records=pa.concat_arrays([s.records for s in segments]),
        vectors=Quantised(
            np.concatenate([s.vectors.values for s in segments]),
            np.concatenate([s.vectors.scale for s in segments]),
        ),
        codes=np.concatenate([s.codes for s in segments], axis=1),
        starts=np.concatenate([[0], np.cumsum(lengths)]),
    )


def parts_of(segment: Segment) -> dict[str, Any]:
    """Plain arrays that `segment_of_parts` makes the same segment of."""
    plain = {name: getattr(segment, name) for name in _PLAIN}
    return plain | {"vectors": segment.vectors.values, "scale": segment.vectors.scale}


def segment_of_parts(parts: Mapping[str, Any]) -> Segment:
    vectors = Quantised(parts["vectors"], parts["scale"])
    return Segment(**{name: parts[name] for name in _PLAIN}, vectors=vectors)


def _numbered(texts: pa.ChunkedArray, number: Callable[[str], int]) -> NDArray[np.int32]:
    """number(text) of each, asked once for each text, in the order in which they come."""
    coded = texts.combine_chunks().dictionary_encode()
    numbers = np.array([number(text) for text in coded.dictionary.to_pylist()], np.int32)
    return np.asarray(numbers[np.asarray(coded.indices)])


def _inverted(*, tokens: NDArray[Any], starts: Ints, kinds: NDArray[Any], **others: Any) -> Segment:
    """others: the other fields of a segment, but those that its tokens give."""
    lengths = np.diff(starts)
    owner = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    pairs, counts = np.unique((tokens.astype(np.int64) << 32) | owner, return_counts=True)
    terms, first = np.unique((pairs >> 32).astype(np.int32), return_index=True)
    return Segment(
        tokens=tokens,
        starts=starts,
        kinds=kinds,
        terms=terms,
        bounds=np.append(first, len(pairs)).astype(np.int64),
        keys=(pairs & 0xFFFFFFFF).astype(np.int32),
        counts=np.minimum(counts, 255).astype(np.uint8),
        drag=K1 * (1 - B + B * lengths / _USUAL_TOKENS[kinds]),
        **others,
    )


_PLAIN = tuple(f.name for f in fields(Segment) if f.name != "vectors")

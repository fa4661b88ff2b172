"""The search index over the key table, resident in the reader.

LanceDB's own indices cannot be exact in time: an IVF index is trained on, and BM25 weighted by, rows that a
question of the past must not know, and both decide which rows are candidates at all. Here every statistic is
counted over the visible rows, and candidates are chosen by functions of one row alone (its sign code, its
words). Costs about 600 bytes a key of 384 dimensions, in memory or in a mapped file (memory/index_file.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memory.candidates import Term, by_words, lexical, nearest, terms_of
from memory.dialogue import TIME_WORDS, Dialogue, Features, Messages, Posting
from memory.quantise import WHOLE, quantise, query_of, sign_codes
from memory.rarity import Rarity
from memory.segment import (
    KINDS,
    MESSAGE,
    PASSAGE,
    SENTENCE,
    Bools,
    Floats,
    Ints,
    Question,
    Segment,
    both,
    merged,
    parts_of,
    segment_of,
    segment_of_parts,
    stands_in,
    texts_at,
)
from memory.settings import SearchSettings
from memory.text import tokens


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
    """The same of many keys, as arrays; kinds are numbers into KINDS, rows places in the index."""

    rows: Ints
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

    def only(self, mask: Bools) -> KeyScores:
        return KeyScores(*(getattr(self, name)[mask] for name in self.__slots__))

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


@dataclass(frozen=True, slots=True, eq=False)
class MessageScores:
    """Messages that may answer. features and all arrays are in the same order.

    sentence: cosine of the best sentence with the question's subject, and its row; topic: the highest of these in the
    session. around: cosine of the question with the window of five as one (the sum of its vectors). rare:
    memory/rarity.py. session: a number.
    """

    features: Features
    sentence: Floats
    sentence_row: Ints
    topic: Floats
    around: Floats
    rare: Floats
    session: NDArray[np.int32]
    known_at_s: Floats
    rows: Ints


class KeyIndex:
    """Rows are added in batches; a batch becomes a segment, and small segments are merged into larger
    ones.
    """

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings
        self._segments: list[Segment] = []
        self._vocabulary: dict[str, int] = {}
        self._source_ids: dict[str, int] = {}
        self._dialogue = Dialogue()
        self._rarity = Rarity()

    def __len__(self) -> int:
        return sum(len(s) for s in self._segments)

    @property
    def has_messages(self) -> bool:
        return len(self._dialogue) > 0

    def add(self, rows: pa.Table, more: bool = False) -> None:
        """rows: columns id, record, kind, modality, source, t_start_s, t_end_s, known_at_s, norm, vector.
        more: others follow at once, and what is small is merged with them.
        """
        if not rows.num_rows:
            return
        first = len(self)
        segment = segment_of(rows, self._vocabulary, self._source_ids)
        self._segments.append(segment)
        new = self._messages(segment, first)
        self._dialogue.add(new, len(self))
        self._rarity.add(segment, new.row - first, new.first >= 0, len(self._vocabulary))
        if more:
            return
        last, size = len(self._segments) - 1, len(segment)
        while last and len(self._segments[last - 1]) < 2 * size:
            last -= 1
            size += len(self._segments[last])
        self._segments[last:] = [merged(self._segments[last:])]

    def parts(self) -> dict[str, Any]:
        """Arrays and texts of which `of_parts` makes an index that finds the same."""
        whole = merged(self._segments)
        return (
            parts_of(whole)
            | {"vocabulary": pa.array(self._vocabulary, pa.large_string())}
            | {"source_ids": pa.array(self._source_ids, pa.large_string())}
            | {"sessions": pa.array(self._dialogue.sessions, pa.large_string())}
            | {f"messages.{f.name}": getattr(self._dialogue.messages, f.name) for f in fields(Messages)}
            | {"words.counts": self._rarity.counts}
        )

    @classmethod
    def of_parts(cls, parts: Mapping[str, Any], settings: SearchSettings) -> KeyIndex:
        """parts: of `parts`; they are used where they lie (they may be a mapped file). Raises KeyError: not all there."""
        self = cls(settings)
        self._segments = [segment_of_parts(parts)]
        self._vocabulary = {word: number for number, word in enumerate(parts["vocabulary"].to_pylist())}
        self._source_ids = {source: number for number, source in enumerate(parts["source_ids"].to_pylist())}
        for session in parts["sessions"].to_pylist():
            self._dialogue.session_number(session)
        messages = Messages(**{f.name: parts[f"messages.{f.name}"] for f in fields(Messages)})
        self._dialogue.add(messages, len(self))
        self._rarity = Rarity(parts["words.counts"], len(messages))
        return self

    def search(self, question: Question) -> KeyScores | None:
        """Scores of the keys that may answer, unordered: a function of the visible rows and the question alone."""
        sources = self._asked(question)
        visible = [s.visible(question, sources) for s in self._segments]
        count = sum(
            len(s) if m is None else int(np.count_nonzero(m))
            for s, m in zip(self._segments, visible, strict=True)
        )
        if not count:
            return None
        texts = sum(s.texts_in(mask) for s, mask in zip(self._segments, visible, strict=True))
        ids = [self._vocabulary.get(token, -1) for token in sorted(set(question.tokens))]
        terms = terms_of(self._segments, ids, visible, texts)
        eligible = [
            both(mask, s.asked_for(question)) for s, mask in zip(self._segments, visible, strict=True)
        ]
        picked = self._pick(question, terms, eligible, count)
        parts = list(zip(self._segments, picked, strict=True))
        scores = np.concatenate([lexical(s, i, rows, terms) for i, (s, rows) in enumerate(parts)])
        if question.vector is None:
            cosines = np.zeros(len(scores))
        else:
            query = query_of(question.vector)
            cosines = np.clip(np.concatenate([s.dots(query, rows) for s, rows in parts]), 0.0, 1.0)
        names = np.array(list(self._source_ids), object)
        begins = np.cumsum([0, *map(len, self._segments)])[:-1]
        return KeyScores(
            rows=np.concatenate([rows + begin for rows, begin in zip(picked, begins, strict=True)]),
            ids=np.concatenate([texts_at(s.ids, rows) for s, rows in parts]),
            records=np.concatenate([texts_at(s.records, rows) for s, rows in parts]),
            kinds=np.concatenate([s.kinds[rows] for s, rows in parts]),
            sources=names[np.concatenate([s.sources[rows] for s, rows in parts])],
            t_start_s=np.concatenate([s.t_start_s[rows] for s, rows in parts]),
            known_at_s=np.concatenate([s.known_at_s[rows] for s, rows in parts]),
            lexical=scores,
            vector=cosines,
        )

    def messages(self, question: Question, keys: KeyScores) -> MessageScores | None:
        """The messages that these keys belong to, and those that follow them, weighed in their surroundings."""
        talk = self._dialogue
        chosen = talk.of_rows(keys.rows[np.isin(keys.kinds, (MESSAGE, PASSAGE, SENTENCE))])
        if not len(chosen):
            return None
        visible = talk.visible(question.as_of_s, self._asked(question))
        m = talk.messages
        # An answer may share no word with the question that it follows. (Of a small memory all are here already.)
        beside = talk.around(chosen, visible)[3]
        beside = beside[beside >= 0]
        inside = (m.t_start_s[beside] >= question.t_min_s) & (m.t_start_s[beside] <= question.t_max_s)
        chosen = np.union1d(chosen, beside[inside])
        near = talk.around(chosen, visible)
        known = [(self._vocabulary.get(token, -1)) for token in sorted(set(question.tokens))]
        features = talk.features(
            chosen,
            near,
            [self._posting(term, visible) for term in known],
            known,
            visible,
            question.near_s,
            question.asks_when,
            -1 if question.role is None else self._vocabulary.get(question.role, -1),
        )
        begin, end = m.row[chosen], m.end[chosen]
        flat = np.repeat(begin, end - begin) + _counted(end - begin)
        starts = np.cumsum(end - begin) - (end - begin)
        around = np.zeros(len(chosen))
        best, best_row = np.zeros(len(chosen)), begin
        if question.vector is not None:
            subject = question.vector if question.subject is None else question.subject
            cosines = self._dots(flat, query_of(subject))
            best = np.maximum.reduceat(cosines, starts)
            first = np.flatnonzero(cosines == np.repeat(best, end - begin))
            best_row = flat[first[np.searchsorted(first, starts)]]
            around = self._around(near, question.vector)
        seen = None if visible is None else (m.row[visible], m.first[visible] >= 0)
        rare = self._rarity.of(self._segments, begin, m.first[chosen] >= 0, seen)
        session = m.session[chosen]
        topics, place = np.unique(session, return_inverse=True)
        topic = np.zeros(len(topics))
        np.maximum.at(topic, place, best)
        return MessageScores(
            features, best, best_row, topic[place], around, rare, session, m.known_at_s[chosen], begin
        )

    def _around(self, near: Ints, vector: NDArray[np.float32]) -> Floats:
        """near: `Dialogue.around`. What five messages say together is nearer to a question than each of them is."""
        some, back = np.unique(near, return_inverse=True)
        rows = self._dialogue.messages.row[some[some >= 0]]
        cosines, vectors = np.zeros(len(some)), np.zeros((len(some), len(vector)), np.float32)
        cosines[some >= 0] = self._dots(rows, query_of(vector))
        vectors[some >= 0] = self._whole(rows)
        window = back.reshape(near.shape)
        total = np.zeros((near.shape[1], len(vector)), np.float32)
        for place in window:
            total += vectors[place]
        length = np.sqrt(np.einsum("ij,ij->i", total, total, dtype=np.float64)) / WHOLE
        return np.asarray(np.clip(cosines[window].sum(axis=0) / np.maximum(length, 1.0 / WHOLE), 0.0, 1.0))

    def speakers_in(self, question: Question) -> list[str]:
        """Those of the question's tokens that are the name of somebody who wrote a visible message."""
        if not len(self._dialogue):
            return []
        visible = self._dialogue.visible(question.as_of_s, self._asked(question))
        first = self._dialogue.messages.first
        known = {token: self._vocabulary.get(token, -1) for token in sorted(set(question.tokens))}
        return [
            token
            for token, term in known.items()
            if term >= 0 and bool((first[self._posting(term, visible).messages] == term).any())
        ]

    def has(self, word: str, question: Question) -> bool:
        """Whether a word that is one of the tokens stands in a visible key."""
        term = self._vocabulary.get(word, -1)
        return term >= 0 and stands_in(self._segments, term, question, self._asked(question))

    def _asked(self, question: Question) -> NDArray[np.int32] | None:
        """Numbers of the sources asked for, None for all."""
        if question.sources is None:
            return None
        numbers = [self._source_ids[s] for s in sorted(question.sources) if s in self._source_ids]
        return np.array(numbers, np.int32)

    def key(self, row: int) -> tuple[str, str, int]:
        """(record, kind, number of that kind) of a row."""
        segment, at = self._at(row)
        kind = KINDS[segment.kinds[at]]
        return segment.records[at].as_py(), kind, int(segment.ids[at].as_py().rpartition(kind)[2])

    def place(self, row: int) -> tuple[str, float]:
        """(source, t_start_s) of a row."""
        segment, at = self._at(row)
        return list(self._source_ids)[segment.sources[at]], float(segment.t_start_s[at])

    def _at(self, row: int) -> tuple[Segment, int]:
        for segment in self._segments:
            if row < len(segment):
                return segment, row
            row -= len(segment)
        raise IndexError(row)

    def _whole(self, rows: Ints) -> NDArray[np.float32]:
        out = np.zeros((len(rows), self._segments[0].vectors.values.shape[1]), np.float32)
        begin = 0
        for segment in self._segments:
            mine = np.flatnonzero((rows >= begin) & (rows < begin + len(segment)))
            out[mine] = segment.vectors.whole(rows[mine] - begin)
            begin += len(segment)
        return out

    def _dots(self, rows: Ints, query: NDArray[np.float32]) -> Floats:
        out = np.zeros(len(rows))
        begin = 0
        for segment in self._segments:
            mine = np.flatnonzero((rows >= begin) & (rows < begin + len(segment)))
            if len(mine):
                out[mine] = segment.vectors.dot(query, rows[mine] - begin)
            begin += len(segment)
        return np.clip(out, 0.0, 1.0)

    def _posting(self, term: int, visible: Bools | None) -> Posting:
        """In which visible messages a token stands."""
        numbers, counts, begin = [], [], 0
        for segment in self._segments:
            found = segment.postings(term) if term >= 0 else slice(0, 0)
            number = self._dialogue.in_rows(segment.keys[found].astype(np.int64) + begin)
            keep = number >= 0
            if visible is not None:
                keep &= visible[number]
            numbers.append(number[keep])
            counts.append(segment.counts[found][keep].astype(np.float64))
            begin += len(segment)
        return Posting(np.concatenate(numbers), np.concatenate(counts))

    def _messages(self, segment: Segment, first_row: int) -> Messages:
        """What is to be known of a new segment's messages. A message's key and its sentences' follow each other."""
        rows = np.flatnonzero(np.isin(segment.kinds, (MESSAGE, PASSAGE)))
        others = np.append(np.flatnonzero(segment.kinds != SENTENCE), len(segment))
        lengths = np.diff(segment.starts)
        timed = np.array([self._vocabulary.get(word, -1) for word in tokens(TIME_WORDS)], np.int32)
        hits = np.concatenate([[0], np.cumsum(np.isin(segment.tokens, timed))])
        named = (segment.kinds[rows] == MESSAGE) & (lengths[rows] > 0)
        first = segment.tokens[segment.starts[:-1][rows] % max(1, len(segment.tokens))] if len(rows) else rows
        talk = self._dialogue
        names = (record.rpartition("/")[0] for record in texts_at(segment.records, rows))
        return Messages(
            row=rows + first_row,
            end=others[np.searchsorted(others, rows, side="right")] + first_row,
            session=np.array([talk.session_number(name) for name in names], np.int32),
            source=segment.sources[rows],
            t_start_s=segment.t_start_s[rows],
            known_at_s=segment.known_at_s[rows],
            length=lengths[rows].astype(np.int32),
            first=np.where(named, first, -1).astype(np.int32),
            timed=np.asarray(hits[segment.starts[1:][rows]] > hits[segment.starts[:-1][rows]]),
        )

    def _pick(
        self, question: Question, terms: Sequence[Term], eligible: Sequence[Bools | None], count: int
    ) -> list[Ints]:
        """By segment: the rows worth scoring; all of them in a small memory."""
        if count <= self._settings.exhaustive_keys:
            return [
                np.arange(len(s)) if mask is None else np.flatnonzero(mask)
                for s, mask in zip(self._segments, eligible, strict=True)
            ]
        limit = self._settings.candidates
        chosen = [by_words(self._segments, terms, eligible, limit)]
        if question.vector is not None:
            # Of the same small integers as the rows', whose least values have rounded to no sign at all.
            code = sign_codes(quantise(question.vector[None, :]).values)
            chosen.append(nearest(self._segments, code, eligible, limit))
        return [np.unique(np.concatenate(parts)) for parts in zip(*chosen, strict=True)]


def _counted(lengths: Ints) -> Ints:
    """0, 1, ... within each of the runs of these lengths."""
    total = int(lengths.sum())
    return np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)

"""What is asked of a memory, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from memory.cast import Cast, Speaker
from memory.consolidation.guards import is_machine
from memory.keys import keys_of
from memory.naming import same_name
from memory.ranking import Ranked
from memory.records import StoredClip
from memory.supersede import Statement, superseded
from memory.text import fold
from runtime.messages import Modality, Observation, Vector


@dataclass(frozen=True, slots=True, eq=False)
class SearchRequest:
    """vector: the question in the text encoder's space, made from text when None. Times in media seconds.

    as_of_s: only what was known by then exists; it is a time of one source, so with several in the memory
    `sources` must name one, unless all of them count in Unix time (conversations and notes do).
    t_min_s, t_max_s: only records that overlap this span. now_s: Unix time at which it is asked (as_of_s if that is
    given), for "yesterday". k: how many hits. speaker: a name; what that person said comes first.
    """

    text: str
    vector: Vector | None = None
    as_of_s: float | None = None
    sources: tuple[str, ...] | None = None
    t_min_s: float | None = None
    t_max_s: float | None = None
    modalities: tuple[Modality, ...] | None = None
    now_s: float | None = None
    k: int = 10
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Of the best key: lexical and vector in [0, 1]; prior: factor of its event and episode, at least 1."""

    lexical: float
    vector: float
    prior: float
    total: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A found record, best first.

    t_start_s, t_end_s, text: the record's, clamped to as_of; partial says that something was cut off.
    scores: of the key that matched best. key, key_text: kind and text of the one that says where in the record
    (a screen's best line, with its heading).
    superseded_by: id of a later hit of the same search that says the same thing with another value.
    speaker: who said it, as it was known at as_of.
    """

    record: Observation
    t_start_s: float
    t_end_s: float
    text: str
    partial: bool
    scores: Scores
    key: str
    key_text: str
    superseded_by: str | None = None
    speaker: Speaker | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ClipHit:
    """A clip and its cosine with the nearest of the question's vectors."""

    clip: StoredClip
    score: float


def hit_of(record: Observation, ranked: Ranked, as_of_s: float, cast: Cast) -> Hit:
    shown = ranked.shown
    texts = {key.id: key.text for key in keys_of(record, None)}
    return Hit(
        record=record,
        t_start_s=min(record.t_start_s, as_of_s),
        t_end_s=min(record.t_end_s, as_of_s),
        text=record.text,
        partial=record.t_end_s > as_of_s,
        scores=Scores(ranked.best.lexical, ranked.best.vector, ranked.prior, ranked.total),
        key=shown.kind,
        key_text=texts.get(f"{record.id}#{shown.kind}{shown.number}", record.text),
        speaker=cast.speaker(record.id, record.speaker) if record.modality == "said" else None,
    )


def said_first(hits: list[Hit], name: str, prior: float) -> list[Hit]:
    """What that person said gains, and is ranked anew; else the order stays."""
    weighed = []
    for hit in hits:
        theirs = hit.speaker is not None and same_name(hit.speaker.label, name)
        factor = 1.0 + prior if theirs else 1.0
        scores = replace(hit.scores, prior=hit.scores.prior * factor, total=hit.scores.total * factor)
        weighed.append(replace(hit, scores=scores))
    return sorted(weighed, key=lambda hit: -hit.scores.total)


def without_echoes(hits: Sequence[Hit]) -> list[Hit]:
    """Without what an assistant said, or what was recalled, that a better hit says word for word."""
    out, told = [], set[str]()
    for hit in hits:
        words = _words(hit.text)
        if words not in told or not is_machine(hit.record.speaker, hit.record.details):
            out.append(hit)
        told.add(words)
    return out


def _words(text: str) -> str:
    return " ".join(fold(text).split()).rstrip(".!")


def marked(hits: Sequence[Hit]) -> list[Hit]:
    """The same hits, each with the later one that says the same thing with another value."""
    later = superseded([statement(hit) for hit in hits if hit.record.modality != "seen"])
    return [replace(hit, superseded_by=later.get(hit.record.id)) for hit in hits]


def statement(hit: Hit) -> Statement:
    """What a record says: an utterance whole, a screen by the line that was found."""
    text = hit.key_text if hit.record.modality == "read" and hit.key == "line" else hit.text
    return Statement(hit.record.id, hit.record.source, hit.record.known_at_s, (text,))

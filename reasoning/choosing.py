"""Which of several options memory speaks for most, where one has to be chosen though memory may not answer the question."""

from __future__ import annotations

from memory import Memory, SearchRequest
from reasoning.support import Verifier
from runtime.compute import Compute
from runtime.messages import Query

_THREAD = "answer"
_FOR_QUESTION, _FOR_OPTION = 8, 4
_OLD = 0.8
"""What the oldest of what was found counts, the newest counting 1: likings change."""


async def likeliest_option(memory: Memory, verifier: Verifier, compute: Compute, query: Query) -> int:
    """The place in query.options of the one that shares most with anything found for the question or for an option.

    What was superseded does not count. The first of equals; 0 where nothing is found.
    """
    reach = {"as_of_s": query.as_of_s, "sources": query.sources, "now_s": query.asked_at_s}
    found = {}
    asked = [(query.text, _FOR_QUESTION), *((option, _FOR_OPTION) for option in query.options)]
    for text, k in asked:
        for hit in await memory.search(SearchRequest(text, k=k, **reach)):  # type: ignore[arg-type]
            if hit.superseded_by is None and hit.record.modality != "seen":
                found[hit.record.id] = hit
    hits = sorted(found.values(), key=lambda hit: (hit.record.known_at_s, hit.record.id))
    best = [0.0] * len(query.options)
    for place, hit in enumerate(hits, 1):
        likeness = await compute.run(_THREAD, verifier.likeness_of, query.options, hit.text)
        weight = _OLD + (1.0 - _OLD) * place / len(hits)
        best = [max(had, weight * new) for had, new in zip(best, likeness, strict=True)]
    return max(range(len(best)), key=lambda i: (best[i], -i))

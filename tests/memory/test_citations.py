"""What answers cite moves up; it can be read, taken back, and never changes a question of the past."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memory import Hit, Memory, Message, Scores, SearchRequest
from memory.citations import (
    FEATURES,
    FILE,
    Citations,
    read_citations,
    reset_citations,
    write_citations,
)
from memory.settings import SearchSettings
from runtime.messages import Observation
from tests.memory.test_conversation import DAY, MONDAY, told
from tests.memory.world import SETTINGS, HashEncoder

LEARNING = SETTINGS.model_copy(update={"search": SearchSettings(learn=True)})


def hit(name: str, total: float, lexical: float, meaning: float, text: str = "a few words") -> Hit:
    record = Observation(name, "s", "said", text, 0.0, 1.0, 1.0)
    return Hit(record, 0.0, 1.0, text, False, Scores(lexical, meaning, 1.0, total), "turn", text)


@given(
    hits=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12),
    at=st.integers(0, 11),
)
def test_a_step_never_takes_what_was_cited_further_from_the_rest(
    hits: list[tuple[float, float, float]], at: int
) -> None:
    found = [hit(str(i), *one) for i, one in enumerate(hits)]
    cited = str(at % len(found))
    learned = Citations().learned(found, {cited})

    def lead(some: list[Hit]) -> float:
        totals = {h.record.id: h.scores.total for h in some}
        others = [t for name, t in totals.items() if name != cited]
        # A pair counts the more, the further it is from right, as in the loss that a step goes down.
        return -sum(float(np.logaddexp(0.0, (t - totals[cited]) / 0.1)) for t in others)

    assert lead(learned.ranked(found)) >= lead(found) - 1e-9


def test_what_is_cited_for_its_words_lifts_words() -> None:
    found = [hit("meaning", 0.6, 0.1, 0.9), hit("words", 0.55, 0.9, 0.1)]
    learned = Citations()
    for _ in range(60):
        learned = learned.learned(found, {"words"})
    weights = dict(zip(FEATURES, learned.weights, strict=True))
    assert weights["words"] > 0 > weights["meaning"]
    assert [h.record.id for h in learned.ranked(found)] == ["words", "meaning"]
    assert learned.answers == 60


def test_nothing_is_learned_where_all_or_nothing_was_cited() -> None:
    found = [hit("a", 0.6, 0.1, 0.9), hit("b", 0.5, 0.9, 0.1)]
    for cited in ((), ("a", "b")):
        assert Citations().learned(found, cited).answers == 0


def test_it_is_read_back_and_taken_back(tmp_path: Path) -> None:
    learned = Citations().learned([hit("a", 0.5, 0.1, 0.9), hit("b", 0.6, 0.9, 0.1)], {"a"})
    write_citations(tmp_path, learned)
    assert np.allclose(read_citations(tmp_path).weights, learned.weights, atol=1e-6)
    assert reset_citations(tmp_path)
    assert not reset_citations(tmp_path)
    assert read_citations(tmp_path).answers == 0
    (tmp_path / FILE).write_text('{"answers": 3}')
    assert read_citations(tmp_path).answers == 0


def test_a_memory_learns_only_where_it_is_told_to_and_the_past_stays(tmp_path: Path) -> None:
    talk = [
        Message("The lamp of the ferry is red and old and stands upon the pier.", MONDAY, "a", "Ana"),
        Message("The ferry has a lamp.", MONDAY + DAY, "b", "Ana"),
        Message("The lamp.", MONDAY + 2 * DAY, "c", "Ana"),
    ]
    past = SearchRequest("ferry lamp", as_of_s=MONDAY + 9 * DAY, k=3)

    async def main(how: Any, rounds: int) -> tuple[list[str], list[Any]]:
        async with await Memory.open(tmp_path / "m", HashEncoder(), settings=how) as memory:
            for _ in range(rounds):
                hits = await memory.search(SearchRequest("ferry lamp", k=3))
                memory.cited([hits[-1].record.id])
            now = await memory.search(SearchRequest("ferry lamp", k=3))
            then = await memory.search(past)
            return [h.record.id for h in now], [(h.record.id, h.scores) for h in then]

    asyncio.run(told(tmp_path / "m", talk))
    before, was = asyncio.run(main(SETTINGS, 3))
    assert not (tmp_path / "m" / FILE).exists()
    _, then = asyncio.run(main(LEARNING, 5))
    assert read_citations(tmp_path / "m").answers == 5
    assert then == was
    assert asyncio.run(main(SETTINGS, 0))[0] == before

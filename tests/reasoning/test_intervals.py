"""How far two events lie apart, and which was first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from reasoning.intervals import Asked, apart, asked_of_times, interval
from reasoning.judge import Candidate
from reasoning.support import Support
from runtime.messages import Answer, Evidence, Query

TOLD = {
    "When was the dentist visit?": ("I was at the dentist today.", "2024-03-02T18:00"),
    "When was my flu shot?": ("I got my flu shot yesterday.", "2024-03-12T09:00"),
    "When was the pottery course?": ("I finished the pottery course last weekend.", "2024-05-14T09:00"),
    "When did I sell the boat?": ("We sold the boat today.", "2024-06-02T09:00"),
    "When was the flood?": ("In spring there was a flood.", "2024-06-02T09:10"),
}


def at_s(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


async def find(text: str) -> Sequence[Candidate]:
    if text not in TOLD:
        return []
    said, when = TOLD[text]
    moment = Evidence(said, "chat", "said", said, at_s(when), at_s(when))
    return [Candidate(moment, Support(0.5, 1.0, said, None, (), ()), 0.5)]


def answered(text: str, now: str = "2024-07-02T10:00") -> Answer | None:
    query = Query("q", text, asked_at_s=at_s(now))
    return asyncio.run(interval(query, find, UTC, 0.28))


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("How many days passed between the dentist visit and my flu shot?", "9 days. "),
        ("How long after the dentist visit was my flu shot?", "9 days. "),
        ("How many days passed from the dentist visit to my flu shot?", "9 days. "),
        ("How long before the dentist visit was my flu shot?", ""),
        ("How many days passed between my flu shot and the dentist visit?", "9 days. "),
        ("How many weeks passed from the dentist visit to the pottery course?", "about 10 weeks. "),
        ("How many months ago did I sell the boat?", "1 month. "),
        ("Which was first, my flu shot or the dentist visit?", "the dentist visit. "),
        ("Which did I do last, the pottery course or my flu shot?", "the pottery course. "),
        ("How many days passed between the dentist visit and the flood?", ""),
        ("How many days passed between the dentist visit and the wedding?", ""),
        ("How many days are there between Monday and Friday?", ""),
        ("How long was the film?", ""),
    ],
)
def test_what_is_reckoned_from_two_moments(question: str, short: str) -> None:
    found = answered(question)
    if not short:
        assert found is None
        return
    assert found is not None and found.text.lower().startswith(short)
    assert all(f"“{one.text}”" in found.text for one in found.evidence)


def test_the_events_are_named_as_the_question_names_them() -> None:
    assert asked_of_times("How long after the move did Ana begin at the museum?") == Asked(
        "between", ("the move", "did Ana begin at the museum"), ordered=True
    )
    assert asked_of_times("How many weeks ago was the storm?") == Asked("since", ("was the storm",), "week")


def test_days_are_those_of_the_calendar() -> None:
    late, early = datetime(2024, 3, 2, 23, 50), datetime(2024, 3, 3, 0, 10)
    assert apart(late, early, "day") == "1 day"
    assert apart(datetime(2023, 1, 31), datetime(2024, 1, 31), "year") == "1 year"

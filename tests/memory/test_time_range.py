"""The time that a question names."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.time_range import Anchor, anchor, time_range

NOW = datetime(2024, 5, 16, 15, 30, tzinfo=UTC).timestamp()  # a Thursday


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("What happened on 3 July 2023?", "2023-07-03", "2023-07-04"),
        ("Where was she on the 3rd of July, 2023?", "2023-07-03", "2023-07-04"),
        ("Who came on July 3, 2023?", "2023-07-03", "2023-07-04"),
        ("What was said on 2023-07-03?", "2023-07-03", "2023-07-04"),
        ("What did Ana do in May 2023?", "2023-05-01", "2023-06-01"),
        ("What did Ana do in December?", "2023-12-01", "2024-01-01"),
        ("What did Ana do in May?", "2024-05-01", "2024-06-01"),
        ("Who won on 2 March?", "2024-03-02", "2024-03-03"),
        ("Where did they go in 2022?", "2022-01-01", "2023-01-01"),
        ("Which book did he read in the summer of 2022?", "2022-06-01", "2022-09-01"),
        ("What did we do last summer?", "2023-06-01", "2023-09-01"),
        ("What did I do yesterday?", "2024-05-15", "2024-05-16"),
        ("What was on the screen yesterday afternoon?", "2024-05-15T12:00", "2024-05-15T18:00"),
        ("Who called the day before yesterday?", "2024-05-14", "2024-05-15"),
        ("Who called this morning?", "2024-05-16T05:00", "2024-05-16T12:00"),
        ("What did we watch last night?", "2024-05-15T18:00", "2024-05-16T06:00"),
        ("What did she say last Tuesday?", "2024-05-14", "2024-05-15"),
        ("What did she say on Thursday?", "2024-05-16", "2024-05-17"),
        ("What did she say last Thursday?", "2024-05-09", "2024-05-10"),
        ("What did she say on Friday morning?", "2024-05-10T05:00", "2024-05-10T12:00"),
        ("What is planned for next Monday?", "2024-05-20", "2024-05-21"),
        ("What did we do last week?", "2024-05-06", "2024-05-13"),
        ("Where were we last weekend?", "2024-05-11", "2024-05-13"),
        ("Where were we last month?", "2024-04-01", "2024-05-01"),
        ("Where were we last year?", "2023-01-01", "2024-01-01"),
        ("Who came three days ago?", "2024-05-13", "2024-05-14"),
        ("Who came a week ago?", "2024-05-06", "2024-05-13"),
        ("Who came two months ago?", "2024-03-01", "2024-04-01"),
        ("What changed in the last two hours?", "2024-05-16T13:30", "2024-05-16T15:30"),
        ("Who came between 3 July and 5 July 2023?", "2023-07-03", "2023-07-06"),
        ("Who came between 3 and 5 July 2023?", "2023-07-03", "2023-07-06"),
        ("What happened from May 2023 to July 2023?", "2023-05-01", "2023-08-01"),
        ("What did we do the week before last?", "2024-04-29", "2024-05-06"),
        ("Who came the Tuesday before last?", "2024-05-07", "2024-05-08"),
        ("What broke two Fridays ago?", "2024-05-03", "2024-05-04"),
        ("What did he say a week ago on Tuesday?", "2024-05-07", "2024-05-08"),
        ("Who called half an hour ago?", "2024-05-16T14:45", "2024-05-16T15:15"),
        ("Who called three nights ago?", "2024-05-13T18:00", "2024-05-14T06:00"),
        ("What changed in the last couple of weeks?", "2024-05-02T15:30", "2024-05-16T15:30"),
        ("Who called late last night?", "2024-05-15T22:00", "2024-05-16T06:00"),
        ("Who came on the 9th?", "2024-05-09", "2024-05-10"),
        ("Who came on the 20th?", "2024-04-20", "2024-04-21"),
        ("Who came between the 28th and the 3rd?", "2024-04-28", "2024-05-04"),
        ("What went wrong on Friday the 13th?", "2023-10-13", "2023-10-14"),
        ("What was said in the second week of April?", "2024-04-08", "2024-04-15"),
        ("What did we sell in Q1?", "2024-01-01", "2024-04-01"),
        ("What did we sell in the third quarter of 2023?", "2023-07-01", "2023-10-01"),
        ("Where were we at Christmas?", "2023-12-24", "2023-12-27"),
        ("Where were we at Easter 2023?", "2023-04-07", "2023-04-11"),
        ("Who cooked on New Year's Eve?", "2023-12-31", "2024-01-01"),
    ],
)
def test_a_time_in_the_question(question: str, start: str, end: str) -> None:
    found = time_range(question, NOW)
    assert found is not None
    assert (found.start_s, found.end_s) == (at(start), at(end))


@pytest.mark.parametrize(
    ("question", "start_s", "end_s"),
    [
        ("Where did he live before May 2023?", -inf, at("2023-05-01")),
        ("What did he say after 3 July 2023?", at("2023-07-04"), inf),
        ("Where has she lived since 2022?", at("2022-01-01"), inf),
        ("Where has she lived since March?", at("2024-03-01"), inf),
        ("Where did she live before March?", -inf, at("2024-03-01")),
        ("Who called until yesterday?", -inf, at("2024-05-16")),
    ],
)
def test_before_and_after(question: str, start_s: float, end_s: float) -> None:
    found = time_range(question, NOW)
    assert found is not None
    assert (found.start_s, found.end_s) == (start_s, end_s)


@pytest.mark.parametrize(
    "question",
    [
        "When did Ana paint the sunrise?",
        "May I see the second picture?",
        "How far did they march in a day?",
        "What is the price of room 2024?",
        "Who came on 31 February 2023?",
        "Which spring broke?",
    ],
)
def test_no_time_in_the_question(question: str) -> None:
    assert time_range(question, NOW) is None


def test_without_a_now_only_whole_dates_are_found() -> None:
    assert time_range("What did I do yesterday?") is None
    assert time_range("What did I do in May?") is None
    assert time_range("What did I do in May 2023?") is not None


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What was said right after the ferry notice?", Anchor("the ferry notice", True, soon=True)),
        ("Who spoke before the alarm, and what about?", Anchor("the alarm", False)),
        ("What did Ana do after May 2023?", None),
        ("What did Ana do after the 3rd of July 2023?", None),
        ("Who looked after Ben?", None),
    ],
)
def test_a_time_told_by_what_happened(question: str, found: Anchor | None) -> None:
    assert anchor(question, NOW) == found


@given(st.text(max_size=60), st.floats(0, 4e9))
def test_any_text_is_survived(text: str, now_s: float) -> None:
    found = time_range(text, now_s)
    assert found is None or found.start_s < found.end_s


@pytest.mark.parametrize(
    ("plan", "end"),
    [
        ("I am moving out in September", "2024-10-01"),
        ("I am moving out in March", "2025-04-01"),
        ("We sail on Friday", "2024-05-18"),
        ("We sail tomorrow", "2024-05-18"),
        ("We sail on the 3rd", "2024-06-04"),
        ("We sail at Christmas", "2024-12-27"),
    ],
)
def test_a_plan_is_told_ahead(plan: str, end: str) -> None:
    found = time_range(plan, NOW, UTC, ahead=True)
    assert found is not None and found.end_s == at(end)


def test_an_edge_of_a_span_is_part_of_it() -> None:
    early, late = time_range("early in May 2023", NOW, UTC), time_range("late May 2023", NOW, UTC)
    assert early is not None and late is not None
    assert at("2023-05-01") == early.start_s < early.end_s < late.start_s < late.end_s == at("2023-06-01")

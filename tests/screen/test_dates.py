"""Days and hours that a screen tells of."""

from __future__ import annotations

import pytest

from reasoning.screen.dates import dated
from tests.screen.test_facts import shown

MAIL = (
    "Berth 17 - Harbour Mail",
    "From: Edda Hansen",
    "Tue 7 May 2024, 08:31",
    "the fee for the berth was mistyped.",
    "Please pay by 21 May to the usual account.",
    "The divers come on Thursday at 10:30.",
)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("When is the fee for the berth due?", "21 May"),
        ("On which day will the divers come?", "Thursday at 10:30"),
        ("When is the rent of the lighthouse due?", None),
    ],
)
def test_the_time_stands_in_the_line_that_is_about_it(question: str, value: str | None) -> None:
    fact = dated(question, [shown(MAIL)])
    assert (fact.value if fact is not None else None) == value


def test_of_two_that_say_the_same_the_latest_counts() -> None:
    first, last = (
        ("Order - Depot", "Delivery of the rope: Monday"),
        ("Order - Depot", "Delivery of the rope: Friday"),
    )
    fact = dated("When is the delivery of the rope?", [shown(last, 60.0), shown(first)])
    assert fact is not None
    assert fact.value == "Friday"

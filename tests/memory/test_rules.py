"""Facts made by rule of what people say of themselves in chats."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memory.consolidation.facts import said_of
from memory.consolidation.rules import assertions

NOW_S = 1_715_000_000.0

ON_REAL_TALK = [
    ("Guess what - we just got a kitten! Her name is Nelly.", ["has a kitten", "'s kitten is Nelly"]),
    ("I rescued a dog last week. It was hot. We named him Rufus.", []),
    ("I adopted a parrot and a sofa. His name is Polly.", ["has a parrot", "'s parrot is Polly"]),
    ("Hey Ben, I joined a rowing club yesterday.", ["joined a rowing club"]),
    ("Lately, I've been taking a welding class on Mondays.", ["does a welding class"]),
    ("I took up fencing after my divorce.", ["took up fencing"]),
    ("I've been climbing for two years.", ["does climbing"]),
    ("I've been volunteering at a food bank once a week.", ["volunteers at a food bank"]),
    ("We visited Lisbon last spring.", ["visited Lisbon"]),
    ("I went to bed early.", []),
    ("I bought a second-hand tandem for the trip.", ["bought a second-hand tandem"]),
    ("Night swimming is one of my favourites.", ["likes Night swimming"]),
    ("It is one of my favourites.", []),
    ("I met my cousin Ola at the harbour.", ["'s cousin is Ola"]),
    ("I guess I joined a cult.", []),
    ("I wish I had joined a gym.", []),
    ("Have you joined a gym?", []),
    ("I love spending time with you all.", []),
    ("I stopped eating sugar, it is honey only now.", ["gave up sugar"]),
    ("I stopped at the market.", []),
    ("We gave up on the idea.", []),
    ("Remember that I can't have peanuts, they make me ill.", ["cannot have peanuts"]),
    ("I can't have it all.", []),
    ("I am leading the bridge project from June, the old head is leaving.", ["leads the bridge project"]),
    ("I am running late.", []),
    ("I'm learning Finnish, two evenings a week.", ["learns Finnish"]),
    ("Ole, my new dog, ate a shoe.", ["'s dog is Ole"]),
    ("We met Ann, Tom, my cousin, and others.", []),
    ("We sold the cottage in May.", ["sold the cottage"]),
    ("I start at the observatory on Monday.", ["works at the observatory"]),
    ("Our boat is called Pelikan, we keep it at pier 7.", ["is called Pelikan"]),
    ("My cat is called Muffin, she is grey.", ["'s cat is Muffin"]),
    ("My sister is called Mia, they say.", []),
]


@pytest.mark.parametrize(("text", "wanted"), ON_REAL_TALK)
def test_what_people_say_of_themselves_in_chats(text: str, wanted: list[str]) -> None:
    assert [said_of(one) for one in assertions(text, NOW_S)] == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "How to reset the pump: 1. Close the valve 2. Hold the switch. 3. Wait.",
            ["Close the valve; Hold the switch; Wait"],
        ),
        ("How to reset the pump: 1. Close valve 3 2. Wait.", ["Close valve 3; Wait"]),
        ("Scores: 1. Ana won 3. Ben lost.", []),
        ("Only: 1. Wait.", []),
    ],
)
def test_numbered_steps_in_one_line(text: str, wanted: list[str]) -> None:
    assert [one.object for one in assertions(text) if one.relation == "procedure"] == wanted


def test_what_was_given_up_may_be_taken_up_again() -> None:
    (one,) = assertions("I am drinking coffee again.", NOW_S)
    assert (one.relation, one.object, one.ended) == ("gave up", "coffee", True)


def test_a_plan_lies_ahead() -> None:
    said_s = datetime(2024, 8, 17, tzinfo=UTC).timestamp()
    (one,) = assertions("Sam is moving out in September.", said_s, zone=UTC)
    assert one.object == "move out in September"
    assert one.until_s == datetime(2024, 10, 1, tzinfo=UTC).timestamp()


def test_what_begins_later_has_not_begun_before_it_was_said() -> None:
    said_s = datetime(2024, 8, 17, tzinfo=UTC).timestamp()
    (one,) = assertions("I start at the museum on Monday.", said_s, zone=UTC)
    assert one.when_s is None

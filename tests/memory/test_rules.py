"""Facts made by rule of what people say of themselves in chats."""

from __future__ import annotations

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
]


@pytest.mark.parametrize(("text", "wanted"), ON_REAL_TALK)
def test_what_people_say_of_themselves_in_chats(text: str, wanted: list[str]) -> None:
    assert [said_of(one) for one in assertions(text, NOW_S)] == wanted

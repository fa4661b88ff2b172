"""Names in what people say."""

from __future__ import annotations

import pytest

from memory.naming import names_said, same_name, spoken_of

OWN = {
    "My name is Ana.": "Ana",
    "Hello, my name's Ana Silva, and I run the shop.": "Ana Silva",
    "Hi, this is Ana.": "Ana",
    "This is Diane in New Jersey.": "Diane",
    "And I'm Sheila and Texas originally from Chicago.": "Sheila",
    "I am Tom, your guide.": "Tom",
    "I’m Ana. Nice to meet you.": "Ana",
    "Ana speaking.": "Ana",
    "Everyone calls me Joe.": "Joe",
}
NOBODY = (
    "I am German.",
    "I'm Sorry about that.",
    "So this is the budget.",
    "I am going to Paris.",
    "I'm in Lisbon now.",
    "Thanks, everyone.",
    "My name is on the list.",
    "I told Ana about it.",
    "I'm happy. Here we go.",
)


@pytest.mark.parametrize("text", OWN)
def test_people_say_who_they_are(text: str) -> None:
    (said,) = [n for n in names_said(text) if n.whose == "own"]
    assert said.name == OWN[text] and said.weight >= 1


@pytest.mark.parametrize("text", NOBODY)
def test_what_is_no_name_of_the_speaker(text: str) -> None:
    assert not [n for n in names_said(text) if n.weight > 0]


def test_who_one_is_not() -> None:
    (said,) = names_said("I'm not Ana.")
    assert (said.name, said.whose) == ("Ana", "own") and said.weight < 0
    assert all(n.weight < 0 for n in names_said("My name isn't Ana."))


def test_thanks_are_weak_evidence_for_who_spoke_before_and_speak_against_oneself() -> None:
    before, own = sorted(names_said("Thank you very much, Ana."), key=lambda n: n.whose)
    assert (before.whose, before.name) == ("before", "Ana") and 0 < before.weight < 1
    assert (own.whose, own.name) == ("own", "Ana") and own.weight < 0


def test_who_is_called_upon_speaks_next() -> None:
    for text in ("Over to you, Ben.", "Ben, what do you think?", "What do you think, Ben?"):
        (said,) = names_said(text)
        assert (said.whose, said.name) == ("next", "Ben") and 0 < said.weight < 1


def test_one_speaks_of_others_by_name() -> None:
    assert spoken_of("I have asked Ana already.", "Ana")
    assert not spoken_of("My name is Ana.", "Ana")
    assert not spoken_of("The banana is ripe.", "Ana")


def test_a_first_name_is_the_same_name() -> None:
    assert same_name("Ana", "ana silva") and same_name("Ana Silva", "Ana")
    assert not same_name("Ana", "Anna") and not same_name("", "Ana")

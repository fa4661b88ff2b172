"""Normalised text, keys, and what supersedes what: pure functions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.keys import keys_of
from memory.supersede import Statement, superseded
from memory.text import normalise, sentences, tokens
from tests.memory.world import read, said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("room three hundred and seventeen", "room 317"),
        ("two hundred and four", "204"),
        ("gate forty-two, gate forty two", "gate 42 gate 42"),
        ("one, two, three", "1 2 3"),
        ("two thousand and twenty six", "2026"),
        ("ten and four", "10 4"),
        ("room 300 and 17", "room 317"),
        ("between 300 and 17, $300 and 17", "between 300 17 300 17"),
        ("the third shelf's printers", "third 3rd shelf printer"),
        ("zlib.h", "zlib.h zlib h"),
        ("copper-lantern-88", "copper-lantern-88 copper lantern 88"),
        ("431.20 at 16:40", "431.20 431 20 16:40 16 40"),
        ("1,200 cafés in Zürich", "1200 cafe zurich"),
        ("It was said; they say", "say say"),
        ("what is the", ""),
        ("天气好", "天气 气好"),
    ],
)
def test_normalised(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize("words", ["meet meets meeting met", "plant planted planting plants", "city cities"])
def test_forms_of_a_word_share_a_stem(words: str) -> None:
    assert len(set(tokens(words))) == 1


@given(st.text())
def test_any_text_normalises_to_single_spaced_tokens(text: str) -> None:
    norm = normalise(text)
    assert norm == " ".join(norm.split())


def test_sentences_end_neither_in_numbers_nor_after_titles() -> None:
    text = "Dr. Okafor paid 431.20 for zlib.h. Good!\nRoom 12"
    assert sentences(text) == ["Dr. Okafor paid 431.20 for zlib.h.", "Good!", "Room 12"]


def test_other_readings_of_a_turn_are_keys_too() -> None:
    turn = replace(
        said("f", 0, 2, "The tent is complained."), details={"alternatives": ["Tenants complained."]}
    )
    assert [(k.kind, k.text) for k in keys_of(turn, None)] == [
        ("turn", "The tent is complained."),
        ("heard", "Tenants complained."),
    ]


def test_keys_of_a_turn_and_of_a_screen() -> None:
    first, second = said("f", 0, 2, "The ticket price."), said("f", 5, 6, "It is fifteen dollars.")
    assert [(k.kind, k.norm) for k in keys_of(second, first)] == [
        ("turn", "15 dollar"),
        ("pair", "ticket pric 15 dollar"),
    ]
    assert [k.kind for k in keys_of(said("f", 500, 501, "Later, dear friends."), second)] == ["turn"]
    screen = read("f", 0, 9, 1, ["Clinic schedule", "Room 12 : Dr. Okafor", "Room 14 : Dr. Lindqvist"])
    assert [k.text for k in keys_of(screen, None)] == [
        "Clinic schedule: Room 12 : Dr. Okafor",
        "Clinic schedule: Room 14 : Dr. Lindqvist",
        "Clinic schedule\nRoom 12 : Dr. Okafor\nRoom 14 : Dr. Lindqvist",
    ]
    assert keys_of(said("f", 0, 1, "It is so."), None) == []


UPDATES = [
    ("The bakery opens at eight.", "Change of plan, the bakery opens at nine."),
    ("The head of the archive is Tomas.", "As of today the head of the archive is Ingrid."),
    ("A sandwich costs six euros.", "A sandwich now costs seven euros."),
    ("The ladder is behind the barn.", "The ladder is now in the cellar."),
    ("Our rehearsal is on Tuesday.", "Our rehearsal is on Thursday."),
    ("Room 12 : Dr. Okafor", "Room 12 : Dr. Lindqvist"),
    ("Tomas leads the harbour project.", "Ingrid now leads the harbour project."),
]
DIFFERENT = [
    ("Parcel 7741 : Oslo", "Parcel 7742 : Turin"),
    ("Room 12 : Dr. Okafor", "Room 14 : Dr. Lindqvist"),
    ("The tram to the harbour leaves every hour.", "The tram to the castle leaves every hour."),
    ("The red ladder is behind the barn.", "The blue ladder is in the cellar."),
    ("The roof needs paint.", "The roof needs tiles and a gutter."),
    ("We counted the chairs.", "The concert was sold out."),
]


@pytest.mark.parametrize(("early", "late"), UPDATES)
def test_a_later_value_supersedes(early: str, late: str) -> None:
    stated = [Statement("late", "f", 90.0, (late,)), Statement("early", "f", 10.0, (early,))]
    assert superseded(stated) == {"early": "late"}


@pytest.mark.parametrize(("early", "late"), DIFFERENT)
def test_other_things_do_not(early: str, late: str) -> None:
    assert superseded([Statement("a", "f", 10.0, (early,)), Statement("b", "f", 90.0, (late,))]) == {}


def test_the_latest_of_several_supersedes_and_other_sources_do_not_count() -> None:
    prices = [Statement(str(n), "f", n, (f"The ticket price is {n} dollars.",)) for n in (10, 20, 30)]
    other = Statement("other", "g", 40, ("The ticket price is 40 dollars.",))
    assert superseded([*prices, other]) == {"10": "30", "20": "30"}

"""Whose voice it is: thresholds, margins, unknown."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.settings import VoiceMatchSettings
from memory.voice_book import Match, Print, VoiceBook
from runtime.messages import Vector

SETTINGS = VoiceMatchSettings()
DIM = 64


def voice(seed: int) -> Vector:
    vector = np.random.default_rng(seed).standard_normal(DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def like(one: Vector, cosine: float, seed: int = 99) -> Vector:
    """A vector of that cosine with another."""
    away = voice(seed)
    away = away - float(away @ one) * one
    away /= np.linalg.norm(away)
    return np.asarray(cosine * one + np.sqrt(1 - cosine**2) * away, np.float32)


def print_of(vector: Vector, number: int, speech_s: float = 5.0, source: str = "film") -> Print:
    return Print((source, str(number), 0), vector, speech_s, 1.0)


def match(book: VoiceBook, one: Print, taken: frozenset[str] = frozenset(), **named: float) -> Match:
    return book.match(one, "p9", taken, {"" if k == "says" else k: v for k, v in named.items()})


def book_of(**people: Vector) -> VoiceBook:
    book = VoiceBook(SETTINGS)
    for number, (person, vector) in enumerate(people.items()):
        book.add(print_of(vector, number), person)
    return book


def test_nobody_is_known_at_first() -> None:
    found = match(VoiceBook(SETTINGS), print_of(voice(1), 1))
    assert (found.person, found.new, found.score) == ("p9", True, -1.0)


def test_a_voice_is_known_again() -> None:
    found = match(book_of(p1=voice(1), p2=voice(2)), print_of(like(voice(1), 0.9), 5))
    assert found.person == "p1" and not found.new
    assert found.score > 0.85 and found.score - found.runner_up > SETTINGS.margin


def test_between_the_thresholds_nobody_is_named() -> None:
    for cosine in (0.75, 0.77):
        found = match(book_of(p1=voice(1)), print_of(like(voice(1), cosine), 5))
        assert found.person == "" and not found.new


def test_as_near_to_two_people_is_unknown() -> None:
    both = voice(1) + like(voice(1), 0.6)
    found = match(book_of(p1=voice(1), p2=like(voice(1), 0.6)), print_of(both / np.linalg.norm(both), 5))
    assert found.score > SETTINGS.same and found.person == ""


def test_little_speech_makes_nobody_new_but_a_second_print_of_it_does() -> None:
    book = book_of(p1=voice(1))
    first = print_of(voice(2), 5, speech_s=2.0)
    assert match(book, first).person == ""
    book.add(first, "")
    found = match(book, print_of(like(voice(2), 0.9), 6, speech_s=2.0))
    assert found.person == "p9" and found.new and found.also == first.key
    other_film = Print(("other", "6", 0), like(voice(2), 0.9), 2.0, 1.0)
    assert match(book, other_film).person == ""


def test_two_voices_of_one_stretch_are_two_people() -> None:
    book = book_of(p1=voice(1))
    one = print_of(like(voice(1), 0.95), 5)
    assert match(book, one).person == "p1"
    assert match(book, one, taken=frozenset({"p1"})).person == "p9"


def test_who_says_their_name_is_believed() -> None:
    doubtful = print_of(like(voice(1), 0.76), 5)
    assert match(book_of(p1=voice(1)), doubtful).person == ""
    assert match(book_of(p1=voice(1)), doubtful, p1=2.0, says=2.0).person == "p1"
    assert match(book_of(p1=voice(1)), doubtful, p1=-2.0, says=2.0).person == "p9"


def test_in_one_recording_a_voice_must_be_as_like_as_it_was_before() -> None:
    book = book_of(p1=voice(1))
    for number in range(3):
        book.add(print_of(like(voice(1), 0.98, seed=200 + number), 10 + number), "p1")
    stranger = like(voice(1), 0.84)
    assert match(book, print_of(stranger, 20)).person == ""
    elsewhere = print_of(stranger, 20, source="other")
    assert match(book, elsewhere).person == "p1", "another microphone may make that much of a difference"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0.5, 12.0)), min_size=1, max_size=40))
def test_no_two_people_become_one_and_the_same_prints_give_the_same_people(
    heard: list[tuple[int, float]],
) -> None:
    """Voices far from each other: nobody is ever taken for somebody else, whatever is unknown."""

    prints = [
        print_of(like(voice(who), 0.93, seed=1000 + number), number, speech_s)
        for number, (who, speech_s) in enumerate(heard)
    ]

    def run() -> list[str]:
        book, out, count = VoiceBook(SETTINGS), [], 0
        for one in prints:
            found = book.match(one, f"p{count + 1}", frozenset(), {})
            count += found.new
            if found.also is not None:
                out[int(found.also[1])] = found.person
                book.add(prints[int(found.also[1])], found.person)
            book.add(one, found.person)
            out.append(found.person)
        return out

    people = run()
    assert people == run()
    for person in set(people) - {""}:
        assert len({heard[i][0] for i, p in enumerate(people) if p == person}) == 1

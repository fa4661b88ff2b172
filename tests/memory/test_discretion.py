"""Secrets on their way into a memory, where speech has more than one reading."""

from __future__ import annotations

from dataclasses import replace

from memory.discretion import clean
from memory.keys import readings_of
from tests.memory.world import said

CARD = "The card is 4111 1111 1111 1111."


def test_beside_a_secret_no_other_reading_of_it_is_kept() -> None:
    heard = replace(said("f", 0, 2, CARD), details={"alternatives": ["The card is 4111 1111 1111 1117."]})
    cleaned = clean(heard, None).record
    assert "4111" not in cleaned.text and readings_of(cleaned) == ()


def test_a_reading_that_is_a_secret_is_not_kept() -> None:
    heard = replace(said("f", 0, 2, "The cart is for Ellen."), details={"alternatives": [CARD, "The cart."]})
    cleaned = clean(heard, None).record
    assert (cleaned.text, readings_of(cleaned)) == ("The cart is for Ellen.", ("The cart.",))

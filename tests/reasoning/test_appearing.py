"""Which questions ask who was to be seen when."""

from __future__ import annotations

import pytest

from reasoning.appearing import AskedFace, asked_face

NAMES = ("Ana Silva", "Ben", "person 3")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("When did Ana appear?", AskedFace("Ana Silva")),
        ("When did Ana Silva first appear?", AskedFace("Ana Silva", "first")),
        ("when was Ben on the screen", AskedFace("Ben")),
        ("When was Ben last seen?", AskedFace("Ben", "last")),
        ("At what time is Ana in the picture?", AskedFace("Ana Silva")),
        ("When did you last see Ana?", AskedFace("Ana Silva", "last")),
        ("When was person 3 there?", AskedFace("person 3")),
        ("Who was there?", AskedFace(None)),
        ("Who appears in the video?", AskedFace(None)),
        ("Who is on the screen at 1:20?", AskedFace(None)),
        ("Who did you see this morning?", AskedFace(None)),
        ("When did Ana say that the ferry is late?", None),
        ("When did Carl appear?", None),
        ("Who said that the ferry is late?", None),
        ("Who was seen with the lamp?", None),
        ("When was the lamp shown?", None),
        ("Where did Ana appear?", None),
        ("When was Benjamin on the screen?", None),
    ],
)
def test_what_asks_for_faces(text: str, wanted: AskedFace | None) -> None:
    assert asked_face(text, NAMES) == wanted

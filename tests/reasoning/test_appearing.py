"""Which questions ask who was to be seen when."""

from __future__ import annotations

from typing import cast

import pytest

from memory import Appearance, Claim, Hit, Memory, SearchRequest, Speaker
from memory.cast import Cast
from memory.hits import Scores
from reasoning.appearing import AskedFace, appearing, asked_face
from reasoning.compose import ABSTAINED
from runtime.messages import Observation, Query
from tests.conftest import Run

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


def seen(who: str, start_s: float, end_s: float) -> Appearance:
    return Appearance(
        f"{who}{start_s}", Speaker(who, who, named=True), f"clip{start_s}", "film", start_s, end_s, start_s
    )


class Remembered:
    """What of a memory such questions use."""

    async def appearances(self, as_of_s: float | None, sources: tuple[str, ...] | None) -> list[Appearance]:
        """Ana goes out for a moment, in which one time nobody and one time Ben is to be seen."""
        return [
            seen("Ana", 0.0, 10.0),
            seen("Ana", 14.0, 20.0),
            seen("Ben", 20.0, 25.0),
            seen("Ana", 25.0, 30.0),
            seen("Ben", 80.0, 90.0),
        ]

    async def cast(self, as_of_s: float | None, sources: tuple[str, ...] | None) -> Cast:
        """Dora was heard, and is not to be seen."""
        return Cast([Claim(1, "name", "user", person="p4", name="Dora", weight=1.0)])

    async def search(self, request: SearchRequest) -> list[Hit]:
        record = Observation("r", "film", "read", "ferry Selma", 3.0, 4.0, 4.0)
        scores = Scores(0.5, 0.5, 1.0, 0.5)
        return [Hit(record, 3.0, 4.0, record.text, False, scores, "line", record.text)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("When did Ana appear?", "Ana is to be seen from 0:00 to 0:20 and from 0:25 to 0:30."),
        ("When was Ana last seen?", "Ana is to be seen from 0:25 to 0:30."),
        ("When did Ana appear after 0:22?", "Ana is to be seen from 0:25 to 0:30."),
        (
            "Who was there?",
            "Ana (from 0:00 to 0:20 and from 0:25 to 0:30), Ben (from 0:20 to 0:25 and from 1:20 to 1:30).",
        ),
        ("Who was there at 0:22?", "Ben (from 0:20 to 0:25)."),
        (
            "Who was there before 1:00?",
            "Ana (from 0:00 to 0:20 and from 0:25 to 0:30), Ben (from 0:20 to 0:25).",
        ),
        ("Who was there at 2:00?", None),
        ("When was the lamp there?", None),
        ("When was Selma there?", None),
        ("When was Carl on the screen?", ABSTAINED),
        ("When did you last see Dora?", ABSTAINED),
    ],
)
def test_answers_have_times_and_the_pictures(run_virtual: Run, text: str, wanted: str | None) -> None:
    answer = run_virtual(appearing(cast(Memory, Remembered()), Query("t", text), 3))
    assert (None if answer is None else answer.text) == wanted
    if answer is not None:
        assert answer.abstained == (wanted == ABSTAINED)
        assert all(e.id.startswith("clip") and e.modality == "seen" for e in answer.evidence)


def test_a_choice_between_options_is_not_answered_so(run_virtual: Run) -> None:
    query = Query("t", "Who was there?", options=("Ana", "Ben"))
    assert run_virtual(appearing(cast(Memory, Remembered()), query, 3)) is None

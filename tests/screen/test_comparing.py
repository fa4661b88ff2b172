"""Questions that compare, count, or name a day that belongs to what stood there; and plans in loose words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from reasoning.screen.agenda import Day, day_asked, days_in
from reasoning.screen.answer import ScreenAnswerer
from reasoning.screen.compare import compared
from reasoning.screen.measures import number_in
from reasoning.screen.plans import planned, speaker_of
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from runtime.clock import SystemClock
from runtime.messages import Answer, Query
from tests.reasoning.conftest import verifier
from tests.screen.days import Scene, remembered

__all__ = ["verifier"]

WEDNESDAY = datetime(2024, 5, 15, 9, 0).timestamp()
MORNING: tuple[Scene, ...] = (
    (
        0.0,
        "ropes.ods - Calc",
        (
            "Rope  Length  Price",
            "Hemp, 12 mm  40 m  EUR 31.50",
            "Nylon, 8 mm  60 m  EUR 22.00",
            "Cotton, 6 mm  25 m  EUR 9.80",
        ),
    ),
    (
        60.0,
        "ferry crew - Editor",
        (
            "mate@buoy:~/crew$ cat rota.txt",
            "Mon  Tue  Wed  Thu  Fri",
            "Mate Olsen  Bridge  Bridge  Deck  Free  Engine",
            "Runa Vik  Deck  Free  Engine  Bridge  Bridge",
        ),
    ),
    (
        120.0,
        "harbour chat - Chat",
        (
            "Runa Vik 08:40",
            "Mechanic Torsten will bring a spare pump for the bilge",
            "Captain Dahl 08:51",
            "I will sign the crew list by Friday noon",
            "Mate Olsen 08:55",
            "I am going to scrub the lower deck",
        ),
    ),
    (
        180.0,
        "harbour.example - Browser",
        (
            "Moorings to renew",
            "Berth 4, Albatross: 20 June",
            "Berth 9, Kittiwake: 3 July",
            "Harbour server running on http://127.0.0.1:4810",
            "Started pump process [7713]",
        ),
    ),
    (
        210.0,
        "Splicing a rope - Browser",
        (
            "Splicing a rope",
            "1. Unlay the three strands for a hand's breadth.",
            "2. Tape the end of every strand.",
            "3. Tuck the first strand under the lay.",
            "4. Roll the splice under a foot.",
        ),
    ),
    (
        225.0,
        "Tar for a rope - Browser",
        (
            "Tar for a rope",
            "600 g pine tar, 2 spoons of oil",
            "Warm the tar, leave the rope in it for 3 hours.",
        ),
    ),
    (240.0, "ropes.ods - Calc", ("checked again",)),
)


def answers(folder: Path, verifier: Verifier, questions: Sequence[str]) -> list[Answer]:
    async def main() -> list[Answer]:
        async with remembered(folder, (WEDNESDAY, MORNING)) as (memory, compute):
            answerer = ScreenAnswerer(
                memory, verifier, compute, AnswerSettings(), SystemClock(), lambda: WEDNESDAY + 3600
            )
            return [await answerer.answer(Query(str(i), q)) for i, q in enumerate(questions)]

    return asyncio.run(main())


SAYS = {
    "Which is cheaper, hemp or nylon?": "Nylon. “Hemp, 12 mm  40 m  EUR 31.50”, “Nylon",
    "Hemp or cotton: which of the two has the greater length?": "Hemp. ",
    "Is the nylon dearer than the cotton?": "Yes. ",
    "How much more does the hemp cost than the nylon?": "9.5 EUR. ",
    "Which rope is the cheapest?": "Cotton, 6 mm. ",
    "Which rope has the greatest length?": "Nylon, 8 mm. ",
    "Where does Runa Vik work on Friday?": "Bridge. “Runa Vik  Deck",
    "Where am I on Friday?": "Engine. “Mate Olsen",
    "Which berth is due on the 20th?": "“Berth 4, Albatross: 20 June”",
    "Which man is meant to bring another pump for the bilge?": "Mechanic Torsten. ",
    "Has the captain said by when the crew list will be signed?": "Friday",
    "What had I told them I would still do today?": "scrub the lower deck",
    "How many times did I open ropes.ods?": "2 times: ",
    "How many lines mention a berth?": "2. ",
    "Which port was the harbour server on?": "4810. ",
    "What number did the pump process get?": "7713. ",
    "What is the third step of splicing a rope?": "Tuck the first strand",
    "What do I have to do last when splicing a rope?": "Roll the splice",
    "How many steps are there to splice a rope?": "4. ",
    "How much pine tar does the rope need?": "600 g",
    "A rope came apart. After the tape on every strand, what comes next?": "Tuck the first strand",
}
REFUSED = (
    "Which is cheaper, hemp or silk?",
    "Which weighs more, the hemp or the nylon?",
    "Which sail is the cheapest?",
    "Where does Ingrid work on Friday?",
    "Which berth is due on the 21st?",
    "Who is supposed to bring a new anchor?",
    "How many times did I open sails.ods?",
    "What number did the winch process get?",
    "What port does the mail server use?",
    "When is Runa's birthday?",
    "Which library did I read about that draws sails?",
    "What is the third step of caulking a deck?",
    "How much salt goes into the tar for a rope?",
)


def test_what_stood_there_is_compared_counted_and_taken_by_its_day(
    tmp_path: Path, verifier: Verifier
) -> None:
    told = answers(tmp_path, verifier, list(SAYS))
    wrong = {q: a.text for (q, says), a in zip(SAYS.items(), told, strict=True) if says not in a.text}
    assert wrong == {}


def test_what_was_never_there_is_refused(tmp_path: Path, verifier: Verifier) -> None:
    told = answers(tmp_path, verifier, REFUSED)
    assert {q: a.text for q, a in zip(REFUSED, told, strict=True) if not a.abstained} == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("48,60 €", (48.6, "EUR")),
        ("2 863 000+ Artikel", (2863000.0, "")),
        ("$2.75", (2.75, "USD")),
        ("-20.9 °C", (-20.9, "°")),
        ("1,250 m", (1250.0, "")),
        ("none", None),
    ],
)
def test_a_number_has_its_unit(text: str, value: tuple[float, str] | None) -> None:
    assert number_in(text) == value


def test_days_in_their_forms() -> None:
    assert list(days_in("pay on 3 July")) == [Day(None, 3, 7)]
    assert list(days_in("2024-07-03 and Fri")) == [Day(weekday=4), Day(None, 3, 7, 2024)]
    asked = day_asked("what is due on the 20th?")
    assert asked is not None and asked[0].is_in("20 June") and not asked[0].is_in("2 June")
    assert day_asked("between Monday and Friday") is None


@pytest.mark.parametrize(
    ("question", "x", "y", "down", "of"),
    [
        ("Which is cheaper, the barge or the ferry?", "barge", "ferry", True, "which"),
        ("The red boat or the blue one: which is longer?", "red", "blue", False, "which"),
        ("Does the barge hold fewer cars than the ferry?", "barge", "ferry", True, "whether"),
        ("How much more does the barge cost than the ferry?", "barge", "ferry", False, "difference"),
    ],
)
def test_what_is_compared(question: str, x: str, y: str, down: bool, of: str) -> None:
    asked = compared(question)
    assert asked is not None
    assert (asked.x, asked.y, asked.down, asked.of) == (x, y, down, of)


@pytest.mark.parametrize(
    ("lines", "who"),
    [
        (("Runa Vik 08:40: I will oil the winch",), "Runa Vik"),
        (("Runa: I will oil the winch",), "Runa"),
        (("Runa Vik 08:40", "thanks", "I will oil the winch"), "Runa Vik"),
        (("From: Runa Vik <runa@harbour.example>", "Hello", "I will oil the winch"), "Runa Vik"),
        (("To: runa@harbour.example", "Hello", "I will oil the winch"), "me"),
        (("the crew list", "I will oil the winch"), ""),
    ],
)
def test_who_wrote_a_line(lines: tuple[str, ...], who: str) -> None:
    assert speaker_of(lines, len(lines) - 1) == who


@pytest.mark.parametrize(
    "question", ["What did the barge carry?", "When did I open the barge list?", "Who wrote the rota?"]
)
def test_nothing_is_compared_or_planned(question: str) -> None:
    assert compared(question) is None
    assert planned(question) is None

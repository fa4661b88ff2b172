"""Labels with their values, rows of tables, numbers behind names."""

from __future__ import annotations

import pytest

from reasoning.kinds import Kind
from reasoning.question import Question
from reasoning.screen.facts import labelled
from reasoning.screen.find import Moment
from runtime.messages import Evidence

PIP = (
    "pip - Terminal",
    "$ pip show anchor",
    "Name: anchor",
    "Version: 2.4.1",
    "Author: None",
    "Requires: rope, chain",
    "Home-page: None",
)
TABLE = (
    "boats.ods - LibreOffice Calc",
    "1  Boat Name  Harbour  Price  Berths",
    "2  Boat 1  Lisbon  48  4",
    "3  Boat 2  Gdansk  61  6",
    "4  Boat 2  Lisbon  59  8",
)
RESULTS = (
    "herring - Search",
    "About 61,200 results",
    "Ferry lines of the north",
    "running on Python 3.11.7 64-bit",
)

LIST = (
    "Ports - The Harbour Encyclopaedia",
    "Norsk",
    "12 300+ artikler",
    "Français",
    "2 576 000+ articles",
    "Old lighthouses of the north",
    "12 KB (1,204 words) - 23 May",
    "Young lighthouses",
    "of the north, by an author",
    "who wrote more",
    "and more",
    "7 KB (823 words) - 24 May",
)
ROWS = ("Ports", "Boat 4  Lisbon  82  91.7", "Boat 4  Gdansk  58  80.9", "Boat 5  Oslo  70  80.3")
FORM = (
    "Berth 17 - Harbour office",
    "Owner  Edda Hansen",
    "Boat  Blue sloop Albatross",
    "Looked after by  Piet Vos",
    "State  let",
    "Fee  EUR 64",
)
DEPOT = (
    "Order 90 - Rope depot",
    "Item  Quantity  Price  Sum",
    "Mooring line 5 m, black  2  EUR 11.90  EUR 23.80",
    "Anchor chain  4  EUR 14.15  EUR 56.60",
)
INBOX = (
    "Inbox - Harbour Mail",
    "Piet Vos  Berth 17 is let  07:58",
    "Edda Hansen  Regatta day: 22 boats  08:31",
    "Rope depot  Spare parts",
)
SHEET = ("boats.ods - LibreOffice Calc", "Average: 59.5; Sum: 119")


def shown(lines: tuple[str, ...], wall_s: float = 0.0) -> Moment:
    evidence = Evidence("r1", "screen-a", "read", "\n".join(lines), wall_s, wall_s, 1.0)
    return Moment(
        evidence, wall_s, wall_s, lines[0].split(" - ")[-1], lines[0].split(" - ")[0], "", lines[0], 1.0
    )


def asks(text: str, asked: str | None, kind: Kind = Kind.WHAT) -> Question:
    return Question(text, kind, (), asked)


@pytest.mark.parametrize(
    ("question", "lines", "value"),
    [
        (asks("Which version of anchor was shown?", "version"), PIP, "2.4.1"),
        (asks("Which packages does anchor require?", "package"), PIP, "rope, chain"),
        (asks("What price was Boat 2 in Lisbon?", "price"), TABLE, "59"),
        (asks("How many results did the herring search find?", "result", Kind.COUNT), RESULTS, "61,200"),
        (asks("Which Python version was running?", "version"), RESULTS, "3.11.7"),
        (asks("How many hits were there for herring?", "hit", Kind.COUNT), RESULTS, "61,200"),
        (asks("How many articles are French?", "article", Kind.COUNT), LIST, "2 576 000"),
        (asks("How many articles are Norwegian?", "article", Kind.COUNT), LIST, "12 300"),
        (asks("How many words on old lighthouses?", "word", Kind.COUNT), LIST, "1,204"),
        (asks("How many words on young lighthouses?", "word", Kind.COUNT), LIST, "823"),
        (asks("What is the fare of Boat 4 to Gdansk?", "fare"), ROWS, "Gdansk  58  80.9"),
        (asks("What was the fee for the blue sloop at first?", "fee"), FORM, "EUR 64"),
        (asks("Who is the owner of the sloop?", None, Kind.WHO), FORM, "Edda Hansen"),
        (asks("What was the price of the anchor chain?", "price"), DEPOT, "EUR 14.15"),
        (asks("How much is the mooring line?", None, Kind.AMOUNT), DEPOT, "EUR 11.90"),
        (asks("Who has the regatta day?", None, Kind.WHO), INBOX, "Edda Hansen"),
        (asks("How many mooring lines are there?", "line", Kind.COUNT), DEPOT, "2"),
        (asks("What average did the sheet show for my selection?", "average"), SHEET, "59.5"),
    ],
)
def test_a_value_is_found_beside_what_is_asked_for(
    question: Question, lines: tuple[str, ...], value: str
) -> None:
    fact = labelled(question, [shown(lines)])
    assert fact is not None
    assert fact.value == value


@pytest.mark.parametrize(
    ("question", "lines"),
    [
        (asks("Who is the author of anchor?", None), PIP),
        (asks("Which version of rudder was shown?", "version"), PIP),
        (asks("What price was Boat 3 in Lisbon?", "price"), TABLE),
        (asks("What is the fee for the red ketch?", "fee"), FORM),
        (asks("What was the price of the lantern?", "price"), DEPOT),
        (asks("Who has the lantern day?", None, Kind.WHO), INBOX),
        (asks("How many lanterns did Edda Hansen have at the regatta day?", "lantern", Kind.COUNT), INBOX),
        (asks("What discount does Rope depot have for spare parts?", "discount"), INBOX),
    ],
)
def test_what_is_not_there_has_no_value(question: Question, lines: tuple[str, ...]) -> None:
    assert labelled(question, [shown(lines)]) is None


def test_of_two_states_the_latest_counts() -> None:
    first, last = ("sheet - Calc", "Sum: 0"), ("sheet - Calc", "Sum: 24652")
    fact = labelled(asks("What was the sum in the sheet?", "sum"), [shown(last, 60.0), shown(first)])
    assert fact is not None
    assert fact.value == "24652"

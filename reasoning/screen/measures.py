"""Numbers that stand beside a name: in the row of a table, under a heading, or in the line after it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from memory.text import tokens
from reasoning.screen.find import Moment, around
from reasoning.screen.words import content, kind_words, spaced, with_english

_NUMBER = re.compile(
    r"(?P<before>[$€£¥]|EUR|USD|GBP|CHF)?\s*(?P<sign>(?<![\w.,])[-−])?"
    r"(?P<digits>(?<![\w.,])(?:\d{1,3}(?:[ \u00a0\u202f']\d{3})+|\d+(?:[.,]\d{3})*(?:[.,]\d+)?))(?![\w:/]*\d)\+?"
    r"\s*(?P<unit>[$€£¥%]|°\s?℃|[°º]\s?[CF]|[℃℉]|EUR|USD|GBP|CHF|[^\W\d_]*)"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_DEGREES = re.compile(r"[°º]\s?[CF℃]|[℃℉]")
MONEY = {"USD", "EUR", "GBP", "JPY", "CHF"}
_PRICED = set(tokens("price cost amount fee rate charge fare prix preis"))
_TABLE = 2
_NEXT = re.compile(r"^\W{0,3}\d")


@dataclass(frozen=True, slots=True)
class Measure:
    """value in unit ("" for a bare number), with what stands for it: names are the other cells of its row, or its label.

    column: what stands above it.
    """

    value: float
    unit: str
    names: tuple[str, ...]
    column: str
    line: str
    moment: Moment

    @property
    def words(self) -> set[str]:
        return with_english({t for name in self.names for t in tokens(spaced(name))})


def number_in(text: str) -> tuple[float, str] | None:
    """The first number of a text, and its unit: (48.6, "EUR") of "48,60 €", (2863000, "") of "2 863 000+"."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    digits = re.sub(r"[ \u00a0\u202f']", "", found["digits"])
    digits = re.sub(r"[.,]", "", digits) if _THOUSANDS.fullmatch(digits) else digits.replace(",", ".")
    try:
        value = float(digits)
    except ValueError:
        return None
    unit = found["before"] or found["unit"]
    unit = "°" if _DEGREES.match(unit) else _CURRENCIES.get(unit, unit)
    return (-value if found["sign"] else value), unit if unit in MONEY | {"°", "%"} else ""


def cells_of(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def measures(moment: Moment) -> Iterator[Measure]:
    """Every number of a record that has a name: in a table with a heading, beside its label, or on the line after it."""
    lines = moment.evidence.text.splitlines()
    rows = [cells_of(line) for line in lines]
    header: list[str] = []
    for i, row in enumerate(rows):
        here = around(moment, i)
        numbers = [number_in(cell) if _is_number(cell) else None for cell in row]
        if len(row) >= _TABLE and not any(numbers[1:]):
            header = row
            continue
        if len(row) == len(header) and (len(row) > _TABLE or all(numbers)):
            names = tuple(cell for cell, number in zip(row, numbers, strict=True) if number is None)
            for cell, number in zip(header, numbers, strict=True):
                if number is not None and not _is_number(cell):
                    yield Measure(*number, names or (cell,), cell, lines[i], here)
            continue
        if len(row) == _TABLE and numbers[0] is None and numbers[1] is not None:
            yield Measure(*numbers[1], (row[0],), "", lines[i], here)
        elif len(row) == 1 and (found := _label(lines[i])):
            yield Measure(*found[1], (found[0],), "", lines[i], here)
        elif len(row) == 1 and i and _NEXT.match(lines[i]) and not re.search(r"\d", lines[i - 1]):
            number = number_in(lines[i])
            if number is not None:
                yield Measure(*number, (lines[i - 1],), lines[i], lines[i], here)


def _label(line: str) -> tuple[str, tuple[float, str]] | None:
    found = re.match(r"^\W{0,3}([^\W\d][^:=]{0,50}?)\s*[:=]\s*(\S.*)$", line)
    number = number_in(found[2]) if found is not None and _NEXT.match(found[2]) else None
    return (found[1], number) if found is not None and number is not None else None


def _is_number(cell: str) -> bool:
    """Whether a cell is a number, with its unit and a word at most: "52 boxes", "EUR 64", "-20.9 °C"; not "Student 2"."""
    return (
        re.match(
            r"^(?:[$€£¥]|EUR|USD|GBP|CHF)?\s*[-−]?\d[\d.,' \u00a0\u202f]*\+?\s*[^\d\s]{0,12}(?:\s[^\W\d]\w*)?$",
            cell,
        )
        is not None
    )


def is_of(measure: Measure, attribute: Sequence[str], money: bool, degrees: bool) -> bool:
    """Whether a number is of what is compared: its column, its label or its unit says so."""
    if money:
        return measure.unit in MONEY or bool(_PRICED & set(tokens(measure.column)))
    if degrees:
        return measure.unit == "°"
    if not attribute:
        return True
    said = set(tokens(spaced(f"{measure.column} {' '.join(measure.names)}")))
    return any(_alike(word, said) for word in attribute)


def _alike(word: str, there: set[str]) -> bool:
    """The same word, or its cousin in another language: "Artikel" for articles."""
    return word in there or (len(word) > 4 and any(w[:4] == word[:4] for w in there))


def about(moment: Moment) -> set[str]:
    """All words of a record, and those of where it stood."""
    text = f"{moment.evidence.text} {moment.document} {moment.site}"
    return with_english(set(tokens(spaced(text)))) | kind_words(moment.program, moment.site)


def named(measure: Measure, phrase: str) -> bool:
    """Whether a number stands for what a phrase names: each of its words is in a name, and its numbers in the same one."""
    wanted = content(phrase)
    if not wanted or not set(wanted) <= measure.words:
        return False
    digits = {w for w in wanted if w.isdigit()}
    return not digits or any(
        digits <= set(tokens(name)) and set(tokens(name)) <= set(tokens(phrase)) for name in measure.names
    )

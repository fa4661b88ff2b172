"""Titles as programs write them, and as they are read off a screenshot."""

from __future__ import annotations

import pytest

from perception.screen.titles import is_chrome, place_of, read_title, same_place, site_of
from runtime.models import TextLine


@pytest.mark.parametrize(
    ("title", "program", "expected"),
    [
        ("● main.py - project - Visual Studio Code", "", ("Visual Studio Code", "main.py - project", "")),
        ("report.odt - LibreOffice Writer", "soffice", ("LibreOffice Writer", "report.odt", "")),
        (
            "(3) Inbox - ana@example.org - Mozilla Thunderbird",
            "",
            ("Mozilla Thunderbird", "Inbox - ana@example.org", ""),
        ),
        ("Mozilla Firefox", "firefox", ("Mozilla Firefox", "", "")),
        ("build log", "XTerm", ("XTerm", "build log", "")),
        ("Mzilla Firefox", "", ("Mozilla Firefox", "", "")),
        ("", "", ("", "", "")),
    ],
)
def test_a_title_says_program_and_document(title: str, program: str, expected: tuple[str, str, str]) -> None:
    place = place_of(title, program)
    assert (place.program, place.document, place.site) == expected


def test_a_browser_has_the_site_of_its_address_bar() -> None:
    place = place_of("Herring - Wikipedia — Mozilla Firefox", address="https://en.wikipedia.org/wiki/Herring")
    assert (place.program, place.document, place.site) == (
        "Mozilla Firefox",
        "Herring - Wikipedia",
        "en.wikipedia.org",
    )
    assert str(place) == "Herring - Wikipedia (en.wikipedia.org) in Mozilla Firefox"


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("https://www.harbour.example/a?b=c", "harbour.example"),
        ("127.0.0.1:8000/docs", "127.0.0.1:8000"),
        ("see main.py and notes.txt", ""),
        ("localhost", "localhost"),
        ("harbour.org", "harbour.org"),
    ],
)
def test_addresses_are_told_from_file_names(text: str, site: str) -> None:
    assert site_of(text) == site


def test_the_title_of_a_screenshot_is_its_topmost_line_and_not_the_menu_or_a_clock() -> None:
    lines = [
        TextLine("12:04", 0.99, (0.9, 0.005, 0.95, 0.025)),
        TextLine("boats.ods - LibreOffice Calc", 0.98, (0.4, 0.005, 0.6, 0.025)),
        TextLine("File Edit View Insert Format", 0.99, (0.0, 0.03, 0.4, 0.05)),
        TextLine("https://harbour.example/boats", 0.99, (0.1, 0.07, 0.5, 0.09)),
    ]
    assert read_title(lines) == ("boats.ods - LibreOffice Calc", "https://harbour.example/boats")
    assert read_title(lines[2:3]) == ("", "")


def test_two_readings_of_a_title_are_one_place_but_another_number_is_not() -> None:
    assert (
        same_place(place_of("boats.ods - LibreOffice Calc"), place_of("boats.0ds - LibreOffice Calc"))
        is False
    )
    assert same_place(
        place_of("harbour boats.ods - LibreOffice Calc"), place_of("harbour boats.od - LibreOffice Calc")
    )
    assert not same_place(place_of("Chapter 1 - Reader"), place_of("Chapter 2 - Reader"))


def test_a_clock_is_chrome_only_at_the_edge() -> None:
    assert is_chrome(TextLine("11:37 AM", 0.99, (0.9, 0.97, 0.95, 0.99)))
    assert is_chrome(TextLine("12/20/2023", 0.99, (0.9, 0.97, 0.95, 0.99)))
    assert not is_chrome(TextLine("11:37 AM", 0.99, (0.4, 0.5, 0.5, 0.52)))
    assert not is_chrome(TextLine("meeting at 11:37", 0.99, (0.4, 0.97, 0.5, 0.99)))

"""What questions about a screen ask for, and the times that they name."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from reasoning.screen.question import Ask, ask_of
from reasoning.screen.when import at_text, parse_when, span_text

NOW = datetime(2024, 5, 17, 15, 0, tzinfo=UTC)
DAYS = [date(2024, 5, 15), date(2024, 5, 16), date(2024, 5, 17)]


@pytest.mark.parametrize(
    ("text", "ask"),
    [
        ("What was I doing?", Ask.DOING),
        ("What was I working on?", Ask.DOING),
        ("How long did I spend in the spreadsheet?", Ask.LONG),
        ("Did I open the mail before the browser?", Ask.BEFORE),
        ("Which came first, the invoice or the reminder?", Ask.BEFORE),
        ("What did I open after the terminal?", Ask.NEXT),
        ("What was the first website I visited?", Ask.END),
        ("Which programs did I use?", Ask.PLACES),
        ("Which website was I on?", Ask.PLACES),
        ("Which website was I?", Ask.PLACES),
        ("Where did I see the invoice from Hansen?", Ask.WHERE),
        ("When I started the engine, which number did the gauge show?", Ask.FACT),
        ("Which window showed the stack trace?", Ask.WHERE),
        ("When did the build fail?", Ask.WHEN),
        ("What time was it when I read about the gale?", Ask.WHEN),
        ("When is the invoice due?", Ask.FACT),
        ("What day will the divers come?", Ask.FACT),
        ("What was the rent before it was raised?", Ask.FACT),
        ("Who said they would bring the rope?", Ask.PROMISE),
        ("What did I do after writing import berth?", Ask.NEXT),
        ("At what time was the ferry shown?", Ask.WHEN),
        ("Did I ever visit the harbour page?", Ask.SEEN),
        ("How did I export the chart last time?", Ask.STEPS),
        ("Which steps did I take to publish the page?", Ask.STEPS),
        ("What did I promise Ana?", Ask.PROMISE),
        ("What do I still have to do?", Ask.PROMISE),
        ("What did Ana promise me?", Ask.PROMISE),
        ("What did the letter promise?", Ask.FACT),
        ("Summarise what I did", Ask.DOING),
        ("Give me a short summary of my day", Ask.DOING),
        ("What happened?", Ask.DOING),
        ("Where is the harbour package installed?", Ask.FACT),
        ("What did the error say?", Ask.FACT),
        ("Which version of numpy was installed?", Ask.FACT),
        ("How did I spend the?", Ask.DOING),
        ("What had I open?", Ask.DOING),
        ("What did I have open?", Ask.DOING),
        ("Which files did I have open?", Ask.PLACES),
        ("How many minutes did I stay on the harbour page?", Ask.LONG),
        ("Had I already asked for the list when I wrote to Ana?", Ask.BEFORE),
        ("Did the storm warning come before or after the ferry notice?", Ask.BEFORE),
    ],
)
def test_what_is_asked(text: str, ask: Ask) -> None:
    assert ask_of(text).ask is ask


def test_the_things_of_an_order_question() -> None:
    asked = ask_of("Did I open the harbour map before reading the mail from Ana?")
    assert (asked.phrase, asked.other, asked.later) == ("harbour map", "mail from Ana", False)


def test_of_what_kind_the_thing_is_that_is_asked_for() -> None:
    assert ask_of("In which browser was the timetable shown?").noun == "browser"
    assert ask_of("What was the next dialog page after Data Series?").kind == "part"
    assert ask_of("What did I open after the terminal?").kind == ""
    assert ask_of("When did I come across the harbour for the last time?").phrase == "harbour"


def test_how_something_was_done_is_asked_of_the_thing_itself() -> None:
    assert ask_of("How did I export the chart last time?").phrase == "export the chart"
    assert ask_of("What did I promise Ana?").phrase == "Ana"
    assert ask_of("What do I still have to do?").phrase == ""


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("What was I doing at 11:37?", (17, 11, 37), (17, 11, 38)),
        ("What was I doing at 3pm yesterday?", (16, 15, 0), (16, 15, 1)),
        ("What did I do before lunch?", (17, 0, 0), (17, 12, 0)),
        ("Which sites did I visit yesterday afternoon?", (16, 12, 0), (16, 18, 0)),
        ("What did I read between 9:30 and 10:15 on 15 May?", (15, 9, 30), (15, 10, 16)),
        ("What did I read after 14:00 on Wednesday?", (15, 14, 0), (16, 0, 0)),
        ("What did I do in the last two hours?".replace("two", "2"), (17, 13, 0), (17, 15, 0)),
        ("What happened on May 16th?", (16, 0, 0), (17, 0, 0)),
        ("How did I spend the evening of the 16th?", (16, 17, 0), (17, 0, 0)),
        ("What had I open at ten past two?", (17, 14, 10), (17, 14, 11)),
        ("What had I open at a quarter to nine in the morning?", (17, 8, 45), (17, 8, 46)),
        ("What was I at around a quarter to nine that morning?", (17, 8, 39), (17, 8, 51)),
        ("What was I reading at four in the afternoon on the 16th?", (16, 16, 0), (16, 16, 1)),
        ("What was open at 9?", (17, 9, 0), (17, 9, 1)),
        ("What had I open at four minutes to one?", (17, 12, 56), (17, 12, 57)),
        ("What had I open at twenty-three minutes past two?", (17, 14, 23), (17, 14, 24)),
        ("What had I open at half past eleven in the evening of the 15th?", (15, 23, 30), (15, 23, 31)),
        ("What was I doing at 3:45 on 16 May?", (16, 15, 45), (16, 15, 46)),
        ("What was I doing at 3:45 at night on 16 May?", (16, 3, 45), (16, 3, 46)),
        ("What did I read last night?", (16, 18, 0), (17, 6, 0)),
        ("What was I doing at 03:45 on 16 May?", (16, 3, 45), (16, 3, 46)),
        ("What did I read shortly after 2?", (17, 14, 0), (17, 14, 30)),
        ("A bit before half past eleven I looked up the tide. Where was that?", (17, 11, 0), (17, 11, 30)),
        ("Just after two I saw a seal, where was it?", (17, 14, 0), (17, 14, 30)),
        ("What did I open just before lunch?", (17, 11, 30), (17, 12, 0)),
        ("What did I do after 9?", (17, 9, 0), (18, 0, 0)),
        ("What was I doing at 22:00?", (16, 22, 0), (16, 22, 1)),
    ],
)
def test_times_by_the_wall_clock(text: str, start: tuple[int, int, int], end: tuple[int, int, int]) -> None:
    when = parse_when(text, NOW.timestamp(), DAYS, UTC)
    assert when.from_wall is not None
    assert when.to_wall is not None
    first, last = (datetime(2024, 5, *t, tzinfo=UTC).timestamp() for t in (start, end))
    assert abs(when.from_wall - first) < 1
    assert abs(when.to_wall - last) < 1


def test_a_number_is_no_time() -> None:
    for text in (
        "What was at row 12 of the table after the 3 errors?",
        "What does the mooring cost a night?",
        "What stood in the 3rd row of the table?",
        "Which of the two is the 16th harbour?",
        "Which buoy lay at two on the map?",
        "Which line came after 4?",
        "What came after 4 attempts?",
    ):
        when = parse_when(text, NOW.timestamp(), DAYS, UTC)
        assert (when.from_wall, when.to_wall, when.rest) == (None, None, text)


def test_a_time_without_a_day_means_the_last_day_that_was_recorded() -> None:
    when = parse_when("What was I doing at 9:00?", NOW.timestamp(), DAYS[:2], UTC)
    assert when.from_wall == datetime(2024, 5, 16, 9, 0, tzinfo=UTC).timestamp()


def test_a_time_without_a_day_means_the_last_day_on_which_something_was_then() -> None:
    spans = [
        (
            datetime(2024, 5, d, h, 0, tzinfo=UTC).timestamp(),
            datetime(2024, 5, d, h + 2, tzinfo=UTC).timestamp(),
        )
        for d, h in ((15, 14), (16, 8))
    ]
    for text, day in (
        ("What was I doing at 15:30?", 15),
        ("What was I doing at 9:30?", 16),
        ("And at 22:00?", 16),
    ):
        when = parse_when(text, NOW.timestamp(), DAYS[:2], UTC, spans)
        assert when.from_wall is not None
        assert datetime.fromtimestamp(when.from_wall, UTC).day == day


def test_the_words_that_say_when_go_and_no_others() -> None:
    for text, rest in (
        (
            "Around ten to nine I read the rules. Who hands the form in?",
            "I read the rules. Who hands the form in?",
        ),
        ("What did I open first thing in the morning?", "What did I open?"),
        ("How did I spend the evening of the 16th?", "How did I spend the?"),
        ("What had I up in the evening on the 16th, in Mousepad?", "What had I up, in Mousepad?"),
    ):
        assert parse_when(text, NOW.timestamp(), DAYS, UTC).rest == rest


def test_the_same_time_on_earlier_days_is_looked_at_next() -> None:
    spans = [
        (datetime(2024, 5, d, 8, 0, tzinfo=UTC).timestamp(), datetime(2024, 5, d, 10, tzinfo=UTC).timestamp())
        for d in (14, 15, 16)
    ]
    days = [date(2024, 5, d) for d in (13, 14, 15, 16)]
    when = parse_when("Who wrote at 9:30?", NOW.timestamp(), days, UTC, spans)
    meant = [datetime.fromtimestamp(w.from_wall, UTC).day for w in (when, *when.earlier) if w.from_wall]
    assert meant == [16, 15, 14]
    assert not parse_when("Who wrote at 9:30 on the 15th?", NOW.timestamp(), days, UTC, spans).earlier


def test_times_are_told_with_their_day_unless_it_is_today() -> None:
    assert at_text(datetime(2024, 5, 17, 11, 37, tzinfo=UTC).timestamp(), NOW.timestamp(), UTC) == "11:37"
    assert (
        at_text(datetime(2024, 5, 16, 9, 5, tzinfo=UTC).timestamp(), NOW.timestamp(), UTC)
        == "09:05 on 16 May"
    )
    assert (
        at_text(datetime(2023, 12, 20, 9, 5, tzinfo=UTC).timestamp(), NOW.timestamp(), UTC)
        == "09:05 on 20 December 2023"
    )
    assert [span_text(s) for s in (20, 600, 3900)] == ["20 seconds", "10 minutes", "1 hour 5 minutes"]


def test_today_in_a_name_is_no_day() -> None:
    at = datetime(2024, 5, 17, 15, 0).timestamp()
    question = "When did Harbour Today show up in the results?"
    assert parse_when(question, at, [date(2024, 5, 17)]).rest == question
    assert parse_when("Today, what did I read?", at, [date(2024, 5, 17)]).named
    assert parse_when("What did I read today?", at, [date(2024, 5, 17)]).named


def test_that_it_showed_up_is_not_a_part_of_the_thing() -> None:
    assert ask_of("When did Harbour Today show up in the results?").phrase == "Harbour Today"
    assert ask_of("When did the error appear on my screen?").phrase == "error"
    assert ask_of("When did the storm warning come?").phrase == "storm warning"
    assert ask_of("When did I last have the timetable in front of me?").phrase == "timetable"
    assert ask_of("Since when was read_mail in my code?").phrase == "read_mail"
    assert ask_of("When did I open the home page of the Harbour Gazette?").phrase == "Harbour Gazette"


def test_what_is_quoted_is_the_thing() -> None:
    assert (
        ask_of('When did I write "from harbour import Boat" in the editor?').phrase
        == "from harbour import Boat"
    )

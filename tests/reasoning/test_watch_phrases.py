"""What is a wish to be told of something, and what is an ordinary question or remark."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reasoning.language import Language
from reasoning.proactive import Cancel, Listing, Unclear, Watch, parse_watch
from reasoning.support import Verifier
from reasoning.watches.clauses import about
from reasoning.watches.phrases import LONGEST
from reasoning.watches.wording import bare
from tests.bench.bench_watch import NOW, mistakes, read_items


@pytest.fixture(scope="module")
def language(verifier: Verifier) -> Language:
    return verifier.language


def parse(text: str, language: Language) -> Any:
    return parse_watch(text, language, NOW.timestamp(), UTC)


@pytest.mark.parametrize("part", ["dev", "held_out", "fresh", "last"])
def test_the_labelled_lines(language: Language, part: str) -> None:
    """More than 250 of them: see tests/bench/bench_watch.py."""
    items = [item for item in read_items() if item["part"] == part]
    assert len(items) >= 50
    wrong = {i["text"]: m for i in items if (m := mistakes(i, parse(i["text"], language)))}
    assert wrong == {}


def test_a_watch_says_what_was_said_and_when(language: Language) -> None:
    watch = parse("  Hey, tell me   when a bottle appears, please!", language)
    assert watch == Watch("seen", "bottle", "Hey, tell me when a bottle appears, please!", NOW.timestamp())


def test_the_wish_may_stand_among_other_sentences(language: Language) -> None:
    watch = parse("Okay, cool. Remind me at 5 p.m. to call Ana. What time is it?", language)
    assert (watch.kind, watch.what) == ("time", "call Ana")
    assert datetime.fromtimestamp(watch.due, UTC).hour == 17


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("Tell me when someone says budget.", True),
        ("Tell me when someone says the word budget.", True),
        ("Tell me when someone says “we are over budget”.", True),
        ("Tell me when it says build succeeded on the screen.", True),
        ("Tell me when someone mentions the budget.", False),
        ("Tell me when someone says something about the budget.", False),
        ("Tell me when someone says that the meeting is moved to Friday.", False),
        ("Tell me when the budget comes up.", False),
    ],
)
def test_words_are_meant_as_words_or_as_a_topic(language: Language, text: str, exact: bool) -> None:
    assert parse(text, language).exact is exact


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("Tell me when Ana mentions the budget.", "Ana"),
        ("Tell me when Dr. Smith says hello.", "Dr. Smith"),
        ("Tell me when somebody mentions the budget.", None),
        ("Tell me when the speaker mentions the budget.", None),
    ],
)
def test_whose_words(language: Language, text: str, speaker: str | None) -> None:
    watch = parse(text, language)
    assert watch.kind == "said"
    assert watch.speaker == speaker


@pytest.mark.parametrize(
    ("text", "say", "kind", "what"),
    [
        ("Remind me to ask for a raise when someone mentions salaries.", "ask for a raise", "said", "salaries"),
        ("When you see Tom's bike, remind me to give him the key.", "give him the key", "seen", "Tom's bike"),
        ("Remind me when the kettle boils to make tea.", "make tea", "any", "kettle boils"),
    ],
)  # fmt: skip
def test_a_reminder_may_wait_for_an_event(
    language: Language, text: str, say: str, kind: str, what: str
) -> None:
    watch = parse(text, language)
    assert (watch.say, watch.kind, watch.what, watch.due, watch.once) == (say, kind, what, None, True)


def test_a_reminder_may_wait_for_the_clock_in_other_words(language: Language) -> None:
    watch = parse("Remind me to check the oven when it's five o'clock.", language)
    assert (watch.kind, watch.what, watch.due) == ("time", "check the oven", NOW.timestamp() + 3 * 3600)


def test_a_day_and_an_hour_may_stand_apart(language: Language) -> None:
    watch = parse("Remind me tomorrow to call Ana at five.", language)
    assert watch.what == "call Ana"
    assert datetime.fromtimestamp(watch.due, UTC).strftime("%d %H:%M") == "19 17:00"


def test_a_time_inside_the_message_is_not_the_reminders(language: Language) -> None:
    watch = parse("In ten minutes remind me to book the table for eight on Friday", language)
    assert watch.what == "book the table for eight on Friday"
    assert watch.due == NOW.timestamp() + 600


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cancel all reminders.", Cancel("", True, True)),
        ("Cancel the last alert.", Cancel("", False, False)),
        ("Stop reminding me.", Cancel("", True, True)),
        ("Stop telling me when someone says budget.", Cancel("budget", None, False)),
        ("Forget the reminder to call Ana.", Cancel("call Ana", True, False)),
    ],
)
def test_what_a_cancel_means(language: Language, text: str, expected: Cancel) -> None:
    assert parse(text, language) == expected


def test_what_lacks_something_is_asked_back(language: Language) -> None:
    assert parse("Remind me to call Ana.", language) == Unclear("When should I remind you?")
    assert parse("Alert me when you hear it.", language) == Unclear("What should I watch for?")
    assert isinstance(parse("What are you watching for?", language), Listing)


@pytest.mark.parametrize(
    "text", ["", "?", "...", "tell me", "remind me", "if", "cancel", "tell me when", "timer"]
)
def test_a_scrap_is_no_wish(language: Language, text: str) -> None:
    assert parse(text, language) is None


def test_a_speech_is_no_wish(language: Language) -> None:
    assert parse("Tell me when " + "the cat " * (LONGEST // 8) + "appears", language) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hey Hearsight, could you please tell me, thanks!", "tell me"),
        ("So um okay can you just stop", "stop"),
        ("I'd like you to watch, if possible", "watch"),
        ("please", ""),
    ],
)
def test_politeness_is_taken_off(text: str, expected: str) -> None:
    assert bare(text) == expected


@pytest.mark.parametrize(
    ("clause", "kind", "what"),
    [
        ("you see a red car", "seen", "red car"),
        ("there's an umbrella on the table", "seen", "umbrella"),
        ("someone comes in", "seen", "person"),
        ("somebody holds up a sign", "seen", "sign"),
        ("an error message pops up", "read", "error"),
        ("the slide shows revenue", "read", "revenue"),
        ("my name is mentioned", "said", "my name"),
        ("the conversation turns to hiring", "said", "hiring"),
        ("someone speaks", "said", ""),
        ("the build finishes", "any", "build finishes"),
    ],
)
def test_what_a_clause_is_about(clause: str, kind: str, what: str) -> None:
    found = about(clause)
    assert found is not None
    assert (found.kind, found.what) == (kind, what)


_WORDS = st.sampled_from(
    """tell me when if remind in at ten minutes and a half hour to the , please every day someone says budget on the screen you
    see let know tomorrow past six quarter about stop watching for cancel my reminder keep an eye out then 5 pm error pops up
    appears timer set wake “ ” ? . never mind""".split()
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(st.lists(_WORDS, max_size=25).map(" ".join))
def test_nothing_that_is_said_breaks_it(language: Language, text: str) -> None:
    wish = parse(text, language)
    if isinstance(wish, Watch):
        assert (wish.due is not None) == (wish.kind == "time")
        assert wish.what or wish.kind in ("time", "said")

"""What is said of watches: confirmed, listed, cancelled, told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from reasoning.proactive import Watch
from reasoning.watches import replies
from tests.reasoning.wishes import BOTTLE, BUDGET, NOW, TEA


@pytest.mark.parametrize(
    ("watch", "said"),
    [
        (BOTTLE, "I will tell you when I see a bottle."),
        (replace(BOTTLE, what="umbrella"), "I will tell you when I see an umbrella."),
        (replace(BOTTLE, what="two cups"), "I will tell you when I see two cups."),
        (replace(BOTTLE, what="Ana"), "I will tell you when I see Ana."),
        (BUDGET, "I will tell you when somebody speaks of budget."),
        (replace(BUDGET, exact=True), "I will tell you when somebody says “budget”."),
        (replace(BUDGET, kind="read"), "I will tell you when the screen shows budget."),
        (replace(BUDGET, what="", speaker="Ana"), "I will tell you when Ana speaks."),
        (
            replace(BUDGET, say="call my boss"),
            "I will remind you: call your boss, when somebody speaks of budget.",
        ),
        (TEA, "I will remind you in 10 minutes: make tea."),
        (
            replace(TEA, due=NOW + 20 * 3600, every_s=86_400.0),
            "I will remind you tomorrow at 10:00 am, and then every day: make tea.",
        ),
    ],
)
def test_a_wish_is_confirmed(watch: Watch, said: str) -> None:
    assert replies.confirmation(watch, NOW, UTC) == said


def test_the_list_is_told() -> None:
    assert replies.listing([], NOW) == "I am not watching for anything."
    assert replies.listing([BOTTLE, TEA], NOW, UTC) == (
        "I am watching for 2 things: when I see a bottle; in 10 minutes: make tea."
    )


def test_what_was_cancelled_is_told() -> None:
    assert replies.cancelled([]) == "I was not watching for that."
    assert replies.cancelled([BOTTLE]) == "I have stopped watching for bottle."
    assert replies.cancelled([TEA]) == "I will not remind you: make tea."
    assert replies.cancelled([BOTTLE, TEA]) == "I have stopped 2 of them."


@pytest.mark.parametrize(
    ("text", "what", "said"),
    [
        ("Set a timer for ten minutes.", "", "Your timer is up."),
        ("Wake me at 7.", "", "It is 2:10 pm."),
        ("Remind me in ten minutes.", "", "This is the reminder that you asked for."),
        (
            "Remind me to call my mum",
            "call my mum, she misses me",
            "Reminder: call your mum, she misses you.",
        ),
    ],
)
def test_how_a_reminder_sounds(text: str, what: str, said: str) -> None:
    assert replies.reminder(replace(TEA, text=text, what=what), NOW + 600, UTC) == said


def test_a_long_line_is_not_read_out() -> None:
    alert = replies.news(BUDGET, "said", "budget and " * 60, "speaker 1")
    assert alert.startswith("Budget: somebody said “budget and")
    assert alert.endswith("…”.")
    assert len(alert) < 220

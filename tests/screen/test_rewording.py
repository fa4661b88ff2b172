"""Other ways to put a question."""

from __future__ import annotations

import pytest

from reasoning.screen.rewording import reworded


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("Give me the version number of anchor.", "What is the version of anchor."),
        ("Remind me which lamp version I have.", "Which lamp version I have."),
        ("Can you tell me when the ferry leaves?", "When the ferry leaves?"),
        ("What's the price of Boat 2?", "What is the price of Boat 2?"),
        ("How high is the price of Boat 2 in Lisbon?", "What is the price of Boat 2 in Lisbon?"),
        ("whats the price of Boat 2?", "What is the price of Boat 2?"),
        ("The rent of the berth, what was it at first?", "What was the rent of the berth at first?"),
        ("I'm about to paint the hull - what came after sanding?", "What came after sanding?"),
        ("Who wrote the notice, I think it was on a blue page?", "Who wrote the notice?"),
        ("How long is the ferry, it was listed in metres", "How long is the ferry"),
        (
            "I checked when the tide turns, what website was that?",
            "On which website I checked when the tide turns?",
        ),
        ("Around ten I saw a seal, which page was that?", "On which page Around ten I saw a seal?"),
        ("Which forum was it where somebody sold oars?", "Where somebody sold oars?"),
        ("I saw a seal at buoy no.3. Where was it again?", "Where I saw a seal at buoy no.3?"),
        ("we looked up the tide - and what time was that", "When we looked up the tide?"),
        ("After the mail, which program did I open?", "Which program did I open after the mail?"),
    ],
)
def test_a_question_is_brought_to_its_plain_form(question: str, plain: str) -> None:
    assert reworded(question) == plain


@pytest.mark.parametrize(
    "question",
    [
        "What did the error say?",
        "Where did I find the invoice?",
        "How long is the lease?",
        "After lunch I read about boats",
        "I met Ana at the harbour. What did she say?",
        "At 15:30, what was I doing?",
        "Which came first, the invoice or the reminder?",
        "whose boat was it",
        "Find",
        "",
    ],
)
def test_what_is_plain_stays(question: str) -> None:
    assert reworded(question) == question

"""The prompt holds the best memories that fit, and citations are read as they are written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning import prompts
from reasoning.engine_client import estimate_tokens
from reasoning.prompts import Memo, cited_numbers, fit_memos, without_citations
from runtime.messages import Evidence

IMAGE_TOKENS = 300


def evidence(
    number: int, text: str = "A lamp stands in the garden.", start_s: float | None = None
) -> Evidence:
    start_s = float(number) if start_s is None else start_s
    return Evidence(f"e{number}", "film", "read", text, start_s, start_s + 2)


@pytest.mark.parametrize(
    ("text", "numbers", "shown"),
    [
        ("It costs 5 euros [2].", [2], "It costs 5 euros."),
        ("It costs 5 euros. [2]", [2], "It costs 5 euros."),
        ("It costs [3, 1] 5 euros [3].", [3, 1], "It costs 5 euros."),
        ("It costs 5 euros [1][2] .", [1, 2], "It costs 5 euros."),
        ("It costs 5 euros [1], [2]; [4].", [1, 2, 4], "It costs 5 euros."),
        ("It costs 5 euros [2-4].", [2, 3, 4], "It costs 5 euros."),
        ("It costs 5 euros [ 2 ; 3 ].", [2, 3], "It costs 5 euros."),
        ("[2] It costs 5 euros", [2], "It costs 5 euros"),
        ("It [sic] costs .5 euros, in [2024].", [], "It [sic] costs .5 euros, in [2024]."),
        ("[4-2] [", [], "["),
        ("", [], ""),
    ],
)
def test_citations(text: str, numbers: list[int], shown: str) -> None:
    assert cited_numbers(text) == numbers
    assert without_citations(text) == shown


memos = st.lists(st.tuples(st.text(max_size=200), st.floats(0, 9000), st.booleans()), max_size=20).map(
    lambda rows: [
        Memo(evidence(i, text, start_s), b"jpeg" if picture else None)
        for i, (text, start_s, picture) in enumerate(rows)
    ]
)


def cost(memo: Memo) -> int:
    return estimate_tokens(prompts.memo_line(99, memo)) + (IMAGE_TOKENS if memo.picture is not None else 0)


@settings(deadline=None)
@given(memos, st.integers(-100, 3000))
def test_the_budget_holds(known: list[Memo], budget: int) -> None:
    fitted = fit_memos(known, budget, IMAGE_TOKENS)
    assert sum(map(cost, fitted)) <= max(0, budget)
    starts = [m.evidence.t_start_s for m in fitted]
    assert starts == sorted(starts)
    if known and cost(Memo(known[0].evidence)) < budget:
        assert known[0].evidence.id in {m.evidence.id for m in fitted}


def test_the_best_come_in_and_a_picture_gives_way_to_its_words() -> None:
    known = [Memo(evidence(i), b"jpeg") for i in (5, 3, 4, 1)]
    line = estimate_tokens(prompts.memo_line(99, known[0])) + 1
    fitted = fit_memos(known, 3 * line + IMAGE_TOKENS, IMAGE_TOKENS)
    assert [m.evidence.id for m in fitted] == ["e3", "e4", "e5"]
    assert [m.picture is not None for m in fitted] == [False, False, True]


@settings(deadline=None)
@given(memos, st.text(max_size=300), st.lists(st.text(max_size=30), max_size=5), st.floats(0, 9000))
def test_the_whole_prompt_stays_within_what_was_reckoned(
    known: list[Memo], question: str, options: list[str], now_s: float
) -> None:
    shown = fit_memos(known, 1000, IMAGE_TOKENS)
    messages = prompts.capable_messages(question, options, shown, now_s, look_again=True)
    text = "".join(m["content"] for m in messages)
    fixed = prompts.fixed_cost(question, options) + 64
    assert estimate_tokens(text) <= fixed + sum(estimate_tokens(prompts.memo_line(99, m)) + 1 for m in shown)


def test_what_a_capable_model_reads() -> None:
    memos = [Memo(evidence(8, "ROOM 4\n Bus 27 at 09:40\n")), Memo(evidence(3700, "a lamp"), b"jpeg")]
    system, user = prompts.capable_messages("Which room?", ["Four", "Five"], memos, 4000.0, look_again=False)
    assert "SEARCH:" not in system["content"] and "NOT IN MEMORY" in system["content"]
    lines = user["content"].splitlines()
    assert "[1] (0:08-0:10, on screen) ROOM 4 / Bus 27 at 09:40" in lines
    assert "[2] (1:01:40-1:01:42, on screen, picture) a lamp" in lines
    assert lines[lines.index("Options:") + 1 :][:2] == ["A. Four", "B. Five"]
    assert "It is now 1:06:40 in the video." in lines
    again = prompts.capable_messages("Which room?", [], [], None, look_again=True)
    assert "SEARCH:" in again[0]["content"] and "(none)" in again[1]["content"]


@settings(deadline=None)
@given(st.text(max_size=2000) | st.integers(0, 2000).map(lambda n: "杯" * n) | st.just("lamp " * 400))
def test_a_small_model_is_given_no_more_than_it_can_read(statement: str) -> None:
    messages = prompts.small_messages("Where is the lamp?", statement, 250)
    assert estimate_tokens("".join(m["content"] for m in messages)) <= 250
    assert re.search(r"Question: Where is the lamp\?\nAnswer:$", messages[1]["content"])

"""A capable model's answer: what is shown of it while it is written, what it cites, when it looks again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.deliberate import Verdict, deliberate, supported
from reasoning.engine_client import ChatDelta, EngineClient, Message, Usage, estimate_tokens
from reasoning.engine_state import EngineAddress
from reasoning.prompts import Memo
from reasoning.settings import AnswerSettings
from runtime.messages import Evidence, Query

OPTIONS = ("08:15", "09:40", "Never")
BUS = Memo(Evidence("bus", "film", "read", "ROOM 4\nBus 27 at 09:40", 6.0, 10.0))
KEY = Memo(Evidence("key", "film", "said", "Helena Okafor has the key to the boat house.", 30.0, 33.0))
RENT = Memo(Evidence("rent", "film", "said", "The rent of the boat house is 40 euros a day.", 72.0, 75.0))
SEEN = Memo(Evidence("lamp", "film", "seen", "looks like: lamp", 80.0, 90.0), b"jpeg")


@dataclass
class Typist:
    """Stands in for an EngineClient: types one text after another, cut as told."""

    texts: Sequence[Sequence[str]]
    context_tokens: int = 4096
    asked: list[Sequence[Message]] = field(default_factory=list)
    images: list[Sequence[bytes]] = field(default_factory=list)

    @property
    def address(self) -> EngineAddress:
        return EngineAddress("http://127.0.0.1:9/v1", "m", "", True, False, self.context_tokens)

    async def chat(
        self, messages: Sequence[Message], *, images: Sequence[bytes], **_: Any
    ) -> AsyncGenerator[ChatDelta, None]:
        pieces = self.texts[len(self.asked)]
        self.asked.append(messages)
        self.images.append(images)
        for piece in pieces:
            yield ChatDelta(piece)
        yield ChatDelta("", "stop", Usage(100, len(pieces)))


@dataclass
class Came:
    told: list[str]
    verdict: Verdict
    typist: Typist
    wanted: list[str]


def came(
    *texts: str | Sequence[str],
    memos: Sequence[Memo] = (BUS, KEY, RENT),
    options: tuple[str, ...] = (),
    found: Sequence[Memo] = (),
    context_tokens: int = 4096,
    **changes: Any,
) -> Came:
    """What deliberate makes of a model that types these texts."""
    typist = Typist([[t] if isinstance(t, str) else t for t in texts], context_tokens)
    wanted: list[str] = []

    async def look_again(words: str) -> Sequence[Memo]:
        wanted.append(words)
        return found

    async def main() -> Came:
        told: list[str] = []
        query = Query("q", "When does the bus leave?", None, options)
        client = cast(EngineClient, typist)
        async for part in deliberate(client, query, memos, look_again, AnswerSettings(**changes)):
            if isinstance(part, Verdict):
                return Came(told, part, typist, wanted)
            told.append(part)
        raise AssertionError("no verdict")

    return asyncio.run(main())


def cuts(text: str) -> st.SearchStrategy[list[str]]:
    """All the ways in which a text may arrive."""

    def cut(places: set[int]) -> list[str]:
        edges = [0, *sorted(places), len(text)]
        return [text[a:b] for a, b in pairwise(edges) if a < b]

    return st.sets(st.integers(1, max(1, len(text) - 1))).map(cut)


WORDS = [
    "The bus",
    "leaves at 09:40",
    "Room 4",
    "[sic]",
    "[",
    "Not",
    "No",
    "S",
    "B",
    ".",
    ",",
    ";",
    "A man",
    "I",
]
MARKS = ["[1]", "[2, 3]", "[1-3]", " [2]", "[ 2 ]", "\n", " "]
COMMANDS = ["NOT IN MEMORY", "SEARCH: the bus", "NOT", "SEARCH", "“NOT IN MEMORY”", "**SEARCH:** bus"]
LETTERS = ["A. ", "B.", "(C) ", "B ", "**A.** ", "B\n", "D. "]
answers = st.lists(
    st.sampled_from([*WORDS, *MARKS, *COMMANDS, *LETTERS]) | st.text(max_size=6), max_size=8
).map(" ".join)


@settings(deadline=None)
@given(answers.flatmap(cuts), st.booleans())
def test_what_is_shown_grows_into_the_answer(pieces: list[str], choosing: bool) -> None:
    """However it arrives: nothing of a citation or a command is shown, and nothing has to be taken back."""
    it = came(pieces, ["again"], options=OPTIONS if choosing else (), rounds=1)
    told = "".join(it.told)
    assert "[1]" not in told and "[2" not in told and "[ 2" not in told
    assert not told.startswith(("NOT IN MEMORY", "SEARCH:"))
    assert it.verdict.text.startswith(told) or it.verdict.text == ""
    shown = "".join(pieces).lstrip(" \n“*")
    if shown.startswith(("NOT IN MEMORY", "SEARCH:")) and not choosing:
        assert (told, it.verdict.text) == ("", "")


@settings(deadline=None)
@given(cuts("The bus leaves at 09:40 [1], [2]. It is in room 4 [1-2]."))
def test_an_answer_arrives_without_its_citations(pieces: list[str]) -> None:
    it = came(pieces)
    assert "".join(it.told) == it.verdict.text == "The bus leaves at 09:40. It is in room 4."
    assert [m.evidence.id for m in it.verdict.cited] == ["bus", "key"]
    assert (it.verdict.prompt_tokens, it.verdict.completion_tokens) == (100, len(pieces))


def test_it_is_shown_as_it_is_written() -> None:
    it = came(["The ", "bus ", "leaves", " at ", "09:40", " [", "1", "]", "."])
    assert len(it.told) >= 4


@pytest.mark.parametrize(
    "text", ["NOT IN MEMORY", " NOT IN MEMORY.\n", "[1] NOT IN MEMORY", "“NOT IN MEMORY”", ""]
)
@pytest.mark.parametrize("options", [(), OPTIONS])
def test_the_model_finds_nothing(text: str, options: tuple[str, ...]) -> None:
    it = came(list(text), options=options)
    assert (it.told, it.verdict.text, it.verdict.cited, it.verdict.choice) == ([], "", (), None)


@pytest.mark.parametrize(
    ("raw", "choice", "text"),
    [
        ("B. The bus leaves at 09:40 [1].", 1, "The bus leaves at 09:40."),
        ("B. [1]", 1, "09:40"),
        ("B [1]", 1, "09:40"),
        ("(B) 09:40 [1]", 1, "09:40"),
        ("**B.** 09:40 [1]", 1, "09:40"),
        ("B: 09:40 [1]", 1, "09:40"),
        ("C", 2, "Never"),
        ("A man says 09:40 [1]", None, "A man says 09:40"),
        ("I. do not know [1]", None, "I. do not know"),
        ("09:40 [1]", None, "09:40"),
        ("27. Bus [1]", None, "27. Bus"),
    ],
)
def test_an_option_is_named_by_its_letter(raw: str, choice: int | None, text: str) -> None:
    it = came(list(raw), options=OPTIONS)
    assert (it.verdict.choice, it.verdict.text) == (choice, text)
    assert text.startswith("".join(it.told))
    assert not any(told.startswith(("B.", "(B", "**B")) for told in it.told)


def test_without_options_a_letter_is_just_text() -> None:
    assert came("B. is the platform [1]").verdict.text == "B. is the platform"


def test_many_options_have_numbers() -> None:
    options = tuple(f"at {n} o'clock" for n in range(30))
    assert came("28. [1]", options=options).verdict.choice == 27


def test_only_memories_that_were_shown_count_as_cited() -> None:
    it = came("At 09:40 [7][0][2].")
    assert [m.evidence.id for m in it.verdict.cited] == ["key"]


def test_it_may_look_again() -> None:
    more = Memo(Evidence("more", "film", "read", "Line 27: 09:40", 50.0, 55.0))
    it = came(list("SEARCH: line 27\nplease"), "At 09:40 [3].", found=[BUS, more])
    assert it.wanted == ["line 27"]
    assert "".join(it.told) == "At 09:40."
    assert [m.evidence.id for m in it.verdict.cited] == ["more"]
    first, second = (asked[-1]["content"] for asked in it.typist.asked)
    assert "Line 27: 09:40" not in first and second.count("ROOM 4") == second.count("Line 27: 09:40") == 1
    systems = [asked[0]["content"] for asked in it.typist.asked]
    assert ["SEARCH:" in system for system in systems] == [True, False]
    assert it.verdict.prompt_tokens == 200


def test_what_it_looks_for_may_be_what_did_not_fit() -> None:
    crowd = [Memo(replace(KEY.evidence, id=f"k{i}", text="The key hangs there. " * 20)) for i in range(20)]
    last = replace(SEEN, evidence=replace(SEEN.evidence, text="a green lamp" + " on" * 150))
    found = [replace(last, picture=None)]
    it = came("SEARCH: lamp", "A lamp.", memos=[*crowd, last], found=found, prompt_tokens=1400)
    first, second = (asked[-1]["content"] for asked in it.typist.asked)
    assert "a green lamp" not in first and second.count("a green lamp") == 1
    assert it.typist.images == [[], [b"jpeg"]]


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_it_looks_again_so_often_and_no_more(rounds: int) -> None:
    it = came(*["SEARCH: bus"] * rounds, rounds=rounds)
    assert len(it.typist.asked) == rounds and len(it.wanted) == rounds - 1
    assert (it.told, it.verdict.text) == ([], "")


@pytest.mark.parametrize("text", ["SEARCH:", "SEARCH: \n", "SEARCH:  [1]"])
def test_a_search_for_nothing_is_no_answer(text: str) -> None:
    it = came(text)
    assert (it.wanted, it.verdict.text) == ([], "")


def test_the_prompt_stays_within_its_budget() -> None:
    known = [
        Memo(replace(KEY.evidence, id=f"k{i}", text="The key hangs behind the door. " * 8)) for i in range(80)
    ]
    found = [Memo(replace(RENT.evidence, id=f"r{i}", text="The rent is due. " * 8)) for i in range(80)]
    for budget, context, most in ((900, 4096, 900), (3000, 1500, 1500 - 256)):
        replies = ("SEARCH: rent", "NOT IN MEMORY")
        it = came(*replies, memos=known, found=found, context_tokens=context, prompt_tokens=budget)
        for asked in it.typist.asked:
            size = estimate_tokens("".join(m["content"] for m in asked))
            assert most - 350 < size <= most
        first, second = (asked[-1]["content"] for asked in it.typist.asked)
        assert "[3]" in first and "rent" not in first.split("Question:")[0]
        assert "The rent is due." in second, "what was asked for goes first"


def test_pictures_come_in_the_order_of_their_memories() -> None:
    early = Memo(replace(BUS.evidence, id="early", t_start_s=1.0), b"early")
    it = came("A lamp [2].", memos=(SEEN, early))
    assert it.typist.images == [[b"early", b"jpeg"]]
    assert it.verdict.cited == (SEEN,)


def holds(text: str, question: str, *cited: Memo, names: Sequence[str] = ()) -> bool:
    return supported(text, question, cited, names)


@pytest.mark.parametrize(
    ("text", "question", "cited"),
    [
        ("Bus 27 leaves at 09:40.", "When does bus 27 leave?", BUS),
        ("At 09:40, shown at 0:06.", "When does bus 27 leave?", BUS),
        ("Helena Okafor.", "Who has the key?", KEY),
        ("It is with Helena Okafor, who said so at 0:30-0:33.", "Where is the key?", KEY),
        ("It costs forty euros.", "What does the boat house cost?", RENT),
        ("First, it costs 40 euros, for one.", "What does the boat house cost?", RENT),
        ("Yes, it is.", "Is the boat house for rent?", RENT),
        ("Yes.", "Is the boat house for rent?", RENT),
    ],
)
def test_what_the_memory_says_is_supported(text: str, question: str, cited: Memo) -> None:
    assert holds(text, question, cited)


@pytest.mark.parametrize(
    ("text", "question", "cited"),
    [
        ("Bus 27 leaves at 09:45.", "When does bus 27 leave?", BUS),
        ("Bus 28 leaves at 09:40.", "When does the bus leave?", BUS),
        ("It costs 75 euros.", "What does the boat house cost?", RENT),  # 1:15 is its time
        ("It costs 12 euros.", "What does the boat house cost?", RENT),
        ("It costs fifty-one euros.", "What does the boat house cost?", RENT),
        ("It is with Helena Lindqvist.", "Where is the key?", KEY),
        ("It lies under a stone.", "Where is the key?", KEY),
        ("At 1:23.", "When does the bus leave?", BUS),
    ],
)
def test_what_it_does_not_say_is_not(text: str, question: str, cited: Memo) -> None:
    assert not holds(text, question, cited)


def test_a_name_at_the_beginning_counts_where_it_is_known_to_be_one() -> None:
    question = "Who has the key to the boat house?"
    assert not holds("Lindqvist has the key, and Helena knows.", question, KEY, names=["Lindqvist", "Helena"])
    assert holds("Helena has the key.", question, KEY, names=["Helena"])


def test_without_a_citation_nothing_is_supported_and_a_picture_is_believed() -> None:
    assert not holds("Bus 27 leaves at 09:40.", "When does bus 27 leave?")
    assert holds("Three red boats.", "What is to be seen?", KEY, SEEN)
    assert not holds("Three red boats.", "What is to be seen?", KEY, replace(SEEN, picture=None))


def test_letters_without_case_are_no_names() -> None:
    memo = Memo(replace(KEY.evidence, text="杯子在桌子上"))
    assert holds("在 桌子 上", "杯子在哪里", memo)

"""Conversations: what is written, once; what is found; and that a question of the past never knows the future."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import (
    Added,
    Memory,
    Message,
    SearchRequest,
    Store,
    add_messages,
    conversation_source,
    text_source,
)
from memory.conversation import observations
from memory.settings import DialogueWeights, MemorySettings, SearchSettings
from runtime.compute import Compute
from tests.memory.world import NAMES, SETTINGS, WORDS, HashEncoder, contents, remembered, said, source, stream

DAY = 86400.0
MONDAY = 1_715_000_000.0
SMALL = SETTINGS.model_copy(update={"search": SearchSettings(exhaustive_keys=10, candidates=8)})
ROUTED = SETTINGS.model_copy(
    update={"search": SearchSettings(exhaustive_keys=10, candidates=8, dialogue=DialogueWeights(router=1.0))}
)

TALK = [
    Message(
        "The ferry notice went up. The last boat is at ten now.",
        MONDAY,
        "monday",
        "Ana",
        ("a sign on a pier",),
    ),
    Message("Where shall we leave the old lamp?", MONDAY + 20, "monday", "Ben"),
    Message("In the shed, on the second shelf.", MONDAY + 40, "monday", "Ana"),
    Message("I sold my bicycle yesterday. I bought a kayak.", MONDAY + 4 * DAY, "friday", "Ben"),
    Message("I have had a kayak for years. Mine is green.", MONDAY + 4 * DAY + 20, "friday", "Ana"),
]


async def told(folder: Path, messages: Sequence[Message], name: str = "chat", how: Any = SETTINGS) -> Added:
    compute = Compute()
    try:
        async with await Store.open(folder, HashEncoder()) as store:
            return await add_messages(store, HashEncoder(), compute, how, text_source(name), messages)
    finally:
        await compute.close(5.0)


async def found(folder: Path, request: SearchRequest, how: Any = SETTINGS) -> list[Any]:
    async with await Memory.open(folder, HashEncoder(), settings=how) as memory:
        return await memory.search(request)


def first_of(tmp_path: Path, question: str, **more: Any) -> str:
    async def main() -> str:
        await told(tmp_path / "m", TALK)
        return (await found(tmp_path / "m", SearchRequest(question, **more)))[0].text

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When does the last boat leave?", "The ferry notice"),
        ("What did Ben buy?", "I sold my bicycle"),
        ("Which kayak does Ana have?", "I have had a kayak"),
        ("What is on the sign at the pier?", "The ferry notice"),
    ],
)
def test_the_message_that_answers_comes_first(tmp_path: Path, question: str, answer: str) -> None:
    assert first_of(tmp_path, question).startswith(answer)


def test_an_answer_is_found_by_the_question_before_it(tmp_path: Path) -> None:
    async def main() -> list[str]:
        await told(tmp_path / "m", TALK)
        return [hit.text for hit in await found(tmp_path / "m", SearchRequest("Where is the old lamp?", k=2))]

    assert "In the shed, on the second shelf." in asyncio.run(main())


def test_i_and_you_are_the_user_and_the_assistant(tmp_path: Path) -> None:
    talk = [
        Message("The lamp is red.", MONDAY, "s", "user"),
        Message("The lamp is red.", MONDAY + 20, "s", "assistant"),
    ]

    async def main(question: str) -> str | None:
        return (await found(tmp_path / "m", SearchRequest(question)))[0].record.speaker

    asyncio.run(told(tmp_path / "m", talk))
    assert asyncio.run(main("What did I say of the lamp?")) == "user"
    assert asyncio.run(main("What did you say of the lamp?")) == "assistant"


def test_a_hit_names_the_sentence(tmp_path: Path) -> None:
    async def main() -> Any:
        await told(tmp_path / "m", TALK)
        return (await found(tmp_path / "m", SearchRequest("Who bought a kayak?")))[0]

    hit = asyncio.run(main())
    assert hit.key == "sentence"
    assert hit.key_text == "Ben: I bought a kayak."


def test_a_time_that_the_question_names_decides_between_equals(tmp_path: Path) -> None:
    late = [Message(m.text, m.time_s + 90 * DAY, "later", m.speaker) for m in TALK[:3]]

    async def main(question: str, now_s: float | None = None) -> float:
        async with await Memory.open(tmp_path / "m", HashEncoder(), settings=SETTINGS) as memory:
            return (await memory.search(SearchRequest(question, now_s=now_s)))[0].t_start_s

    asyncio.run(told(tmp_path / "m", TALK + late))
    assert asyncio.run(main("When was the last boat in May 2024?")) == MONDAY
    assert asyncio.run(main("When was the last boat in August 2024?")) == MONDAY + 90 * DAY
    assert asyncio.run(main("When was the last boat three months ago?", MONDAY + 91 * DAY)) == MONDAY


def test_a_session_whose_best_sentence_answers_lifts_the_others_of_it(tmp_path: Path) -> None:
    """Coarse to fine: of two messages that are the same, the one whose session is about the question comes first."""
    talk = [
        Message("We did it again.", MONDAY, "soup", "Ana"),
        *(Message("Well.", MONDAY + 20 + i, "soup", "Ben") for i in range(4)),
        Message("The garden soup was good.", MONDAY + 90, "soup", "Ana"),
        Message("We did it again.", MONDAY + DAY, "other", "Ana"),
        *(Message("Well.", MONDAY + DAY + 20 + i, "other", "Ben") for i in range(4)),
    ]

    async def main(topic: float) -> dict[str, float]:
        weights = DialogueWeights(session=0.0, topic=topic)
        how = SETTINGS.model_copy(update={"search": SearchSettings(dialogue=weights)})
        hits = await found(tmp_path / "m", SearchRequest("garden soup again", k=12), how)
        return {str(h.record.details["session"]): h.scores.total for h in hits if "again" in h.text}

    asyncio.run(told(tmp_path / "m", talk))
    plain, lifted = asyncio.run(main(0.0)), asyncio.run(main(0.6))
    assert plain["soup"] <= plain["other"]
    assert lifted["soup"] > lifted["other"]


def test_what_is_found_comes_from_several_sessions(tmp_path: Path) -> None:
    well = [Message("Well.", 0.0, "", "Ben")] * 4
    days = [("first", ["The ferry lamp is red.", "The ferry lamp is old."]), ("then", ["A ferry is a boat."])]
    talk, at = [], MONDAY
    for session, texts in days:
        for text in texts:
            for message in (Message(text, 0.0, "", "Ana"), *well):
                at += 20.0
                talk.append(replace(message, time_s=at, session=session))
        at += DAY

    async def sessions(spread: float) -> list[Any]:
        how = SearchSettings(dialogue=DialogueWeights(spread=spread))
        request = SearchRequest("Where is the ferry lamp?", k=2)
        hits = await found(tmp_path / "m", request, SETTINGS.model_copy(update={"search": how}))
        return [hit.record.details["session"] for hit in hits]

    asyncio.run(told(tmp_path / "m", talk))
    assert asyncio.run(sessions(0.0)) == ["first", "first"]
    assert asyncio.run(sessions(2.0)) == ["first", "then"]


def test_adding_again_adds_only_what_is_new(tmp_path: Path) -> None:
    async def main() -> None:
        folder = tmp_path / "m"
        assert await told(folder, TALK[:3]) == Added(3, 0, 0)
        assert await told(folder, TALK) == Added(2, 3, 0)
        grown = await contents(folder)
        assert await told(folder, TALK) == Added(0, 5, 0)
        assert await contents(folder) == grown
        await told(tmp_path / "once", TALK)
        once = await contents(tmp_path / "once")
        for name in ("observations", "keys", "nodes"):
            assert [_bare(row) for row in grown[name]] == [_bare(row) for row in once[name]]

    asyncio.run(main())


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if not key.startswith("ingested")}


def test_what_is_told_late_keeps_its_time_and_is_known_from_then_on(tmp_path: Path) -> None:
    async def main() -> None:
        folder = tmp_path / "m"
        await told(folder, [TALK[0], TALK[4]])
        assert await told(folder, [TALK[3]]) == Added(1, 0, 1)
        (hit, *_) = await found(folder, SearchRequest("Who sold a bicycle?"))
        assert hit.t_start_s == TALK[3].time_s
        assert hit.record.known_at_s > TALK[4].time_s
        before = await found(folder, SearchRequest("Who sold a bicycle?", as_of_s=TALK[4].time_s))
        assert hit.record.id not in {h.record.id for h in before}

    asyncio.run(main())


def test_sessions_are_the_episodes(tmp_path: Path) -> None:
    asyncio.run(told(tmp_path / "m", TALK))
    nodes = asyncio.run(contents(tmp_path / "m"))["nodes"]
    days = [n for n in nodes if n["level"] == "day"]
    assert [n["id"][-10:] for n in days] == ["2024-05-06", "2024-05-10"]
    assert [n["known_at_s"] for n in days] == [TALK[3].time_s, float("inf")]
    nodes = [n for n in nodes if n["level"] == "episode"]
    assert [(n["level"], n["t_start_s"], n["known_at_s"]) for n in nodes] == [
        ("episode", TALK[3].time_s, float("inf")),
        ("episode", MONDAY, TALK[3].time_s),
    ]
    assert "ferry notice" in str(nodes[1]["synopsis"])


def test_the_same_message_twice_is_two_and_equal_times_keep_their_order() -> None:
    again = [
        Message("Yes.", MONDAY, "s", "Ana"),
        Message("Yes.", MONDAY, "s", "Ana"),
        Message("No.", MONDAY, "s", "Ben"),
    ]
    made = observations("chat", again)
    assert len({o.id for o in made}) == 3
    assert [o.text for o in sorted(made, key=lambda o: o.t_start_s)] == ["Yes.", "Yes.", "No."]


def test_a_grown_conversation_is_the_same_source() -> None:
    assert conversation_source("chat", "", TALK).id == conversation_source("chat", "", TALK[:2]).id
    assert conversation_source("chat", "", TALK).id != conversation_source("chat", "", TALK[1:]).id


def test_conversations_and_videos_share_a_memory(tmp_path: Path) -> None:
    async def main() -> None:
        talk = [said("film", 1, 4, "The blue folder is on the third shelf.")]
        await remembered(tmp_path / "m", [*talk, *stream(3, 40.0)[-3:]], source())
        before = await found(tmp_path / "m", SearchRequest("blue folder"))
        await told(tmp_path / "m", TALK)
        after = await found(tmp_path / "m", SearchRequest("blue folder"))
        assert after[0].record.id == before[0].record.id
        assert (await found(tmp_path / "m", SearchRequest("Who sold a bicycle?")))[0].record.source == "chat"
        only = await found(tmp_path / "m", SearchRequest("shelf", sources=("film",)))
        assert {h.record.source for h in only} == {"film"}

    asyncio.run(main())


def test_as_of_holds_over_several_conversations(tmp_path: Path) -> None:
    async def main() -> None:
        await told(tmp_path / "m", TALK)
        await told(tmp_path / "m", [Message("The kayak is red.", MONDAY + 2 * DAY, "x", "Eve")], "other")
        hits = await found(tmp_path / "m", SearchRequest("kayak", as_of_s=MONDAY + 3 * DAY))
        assert hits[0].record.speaker == "Eve"
        assert all(h.record.known_at_s <= MONDAY + 3 * DAY for h in hits)

    asyncio.run(main())


def talk_of(seed: int) -> list[Message]:
    rng = random.Random(seed)
    out, at = [], 1000.0
    for session in range(rng.randint(2, 5)):
        at += rng.uniform(0.5, 20) * DAY
        for _ in range(rng.randint(1, 9)):
            at += rng.uniform(1, 90)
            texts = [" ".join(rng.choices(WORDS, k=rng.randint(1, 6))) for _ in range(rng.randint(1, 3))]
            # Some are told into a session that had ended, and some speakers come late.
            name = str(max(0, session - (rng.random() < 0.1)))
            speaker = rng.choice([*NAMES[: session + 2], None, *(["user"] if session > 1 else [])])
            out.append(Message(". ".join(t.capitalize() for t in texts) + ".", at, name, speaker))
    return out


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 40),
    share=st.floats(0.1, 1.0),
    question=st.sampled_from(
        [
            "What did Martin say about the ferry?",
            "When did Helena see the lamp?",
            "garden soup",
            "Okafor, the price?",
        ]
    ),
    how=st.sampled_from([SETTINGS, SMALL, ROUTED]),
)
def test_as_of_sees_exactly_what_a_memory_of_that_time_holds(
    seed: int, share: float, question: str, how: MemorySettings
) -> None:
    messages = talk_of(seed)
    as_of_s = sorted(m.time_s for m in messages)[int(share * (len(messages) - 1))]
    request = SearchRequest(question, as_of_s=as_of_s, sources=("chat",), k=6)

    async def main(folder: Path) -> None:
        await told(folder / "whole", messages)
        await told(folder / "past", [m for m in messages if m.time_s <= as_of_s])
        whole = await found(folder / "whole", request, how)
        assert [_plain(h) for h in whole] == [_plain(h) for h in await found(folder / "past", request, how)]
        assert whole

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 40), moments=st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_as_of_is_monotone(seed: int, moments: list[float]) -> None:
    """What was there at some time is there at every later one; and at no time is anything there that was not known."""
    messages = talk_of(seed)
    first_s, last_s = min(m.time_s for m in messages), max(m.time_s for m in messages)

    async def main(folder: Path) -> None:
        await told(folder / "m", messages)
        had: set[str] = set()
        async with await Memory.open(folder / "m", HashEncoder(), settings=SETTINGS) as memory:
            for share in sorted(moments):
                as_of_s = first_s + share * (last_s - first_s)
                known = {o.id for o in await memory.observations("chat", as_of_s)}
                past = memory.as_of(as_of_s)
                hits = {h.record.id for word in WORDS for h in await past.search(word, k=len(messages))}
                assert had <= hits <= known
                had = hits

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))


def _plain(hit: Any) -> tuple[Any, ...]:
    return hit.record.id, hit.t_start_s, hit.text, hit.scores, hit.key_text, hit.superseded_by

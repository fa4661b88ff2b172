"""Watches: noticed and told of once, by words, by sight and by meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.text_encoder import MiniLMEncoder
from reasoning.proactive import Watches
from reasoning.watches.matching import SEEN, Matcher
from runtime.messages import Alert, Clip, FrameFeature, Modality, Observation
from runtime.weights import Registry
from tests.conftest import Run, require
from tests.reasoning.wishes import BOTTLE, BUDGET, TEA

Tags = tuple[tuple[str, float], ...]


def observation(
    text: str, t_s: float, modality: Modality = "said", speaker: str | None = None
) -> Observation:
    return Observation(f"o{t_s}", "live", modality, text, t_s, t_s + 2, t_s + 2, speaker=speaker)


def frame(t_s: float, tags: Tags, vector: NDArray[np.float32] | None = None) -> FrameFeature:
    seen = np.eye(4, dtype=np.float32)[0] if vector is None else vector
    return FrameFeature(t_s, 0, seen, seen, None, tags, b"")


def clip(t_s: float, tags: Tags) -> Clip:
    seen = np.eye(4, dtype=np.float32)[0]
    return Clip(f"c{t_s}", "live", t_s, t_s + 8, seen, seen, None, tags, 0.0, 8, b"", t_s)


async def texts(watches: Watches, *perceived: Observation | Clip | FrameFeature) -> list[list[str]]:
    told = []
    for one in perceived:
        t_s = one.t_s if isinstance(one, FrameFeature) else one.t_end_s
        told.append([alert.text for alert in await watches.observe(one, t_s)])
    return told


# What is noticed


def test_what_somebody_says_is_told_with_its_evidence(run_virtual: Run) -> None:
    async def main() -> list[Alert]:
        watches = Watches(None)
        kept = await watches.add(BUDGET, 10.0)
        assert kept.id == "w1"
        return await watches.observe(observation("The budgets are late.", 20.0, speaker="Ana"), 22.0)

    (alert,) = run_virtual(main())
    assert alert.text == "Budget: Ana said “The budgets are late.”."
    assert (alert.watch, alert.t_s) == ("w1", 22.0)
    assert [(e.id, e.modality, e.t_start_s) for e in alert.evidence] == [("o20.0", "said", 20.0)]


def test_the_wish_does_not_fulfil_itself(run_virtual: Run) -> None:
    """Its own words are an observation too, which may come before or after it was understood."""

    async def main() -> list[list[str]]:
        watches = Watches(None)
        await watches.add(BUDGET, 12.0)
        return await texts(watches, observation(BUDGET.text, 9.5), observation("About the budget:", 13.0))

    assert [len(told) for told in run_virtual(main())] == [0, 1]


def test_of_what_was_being_said_already_the_rest_counts(run_virtual: Run) -> None:
    """A stretch of speech may hold the wish and what comes after it, or have begun before the wish was written."""

    def speech(text: str, first_s: float) -> Observation:
        words = [[word, first_s + n, first_s + n + 0.9, 1.0] for n, word in enumerate(text.split())]
        return replace(observation(text, first_s), t_end_s=first_s + len(words), details={"words": words})

    async def main() -> list[list[str]]:
        told = []
        for text in (
            "Good morning. The budget is late.",
            "A budget is late. We have lunch.",
            "Budgets are late.",
        ):
            watches = Watches(None)
            await watches.add(BUDGET, 11.5)
            told += await texts(watches, speech(text, 10.0))
        return told

    assert run_virtual(main()) == [["Budget: somebody said “The budget is late.”."], [], []]


def test_each_sense_for_itself(run_virtual: Run) -> None:
    async def main() -> list[list[str]]:
        watches = Watches(None)
        await watches.add(replace(BUDGET, kind="read"))
        await watches.add(replace(BUDGET, kind="any", what="agenda"))
        return await texts(
            watches,
            observation("The budget is set.", 1.0),
            observation("Budget 2027", 4.0, "read"),
            observation("The agenda, please.", 7.0),
            observation("Agenda", 100.0, "read"),
        )

    assert run_virtual(main()) == [
        [],
        ["Budget: the screen says “Budget 2027”."],
        ["Agenda: somebody said “The agenda, please.”."],
        ["Agenda: the screen says “Agenda”."],
    ]


@pytest.mark.parametrize(
    ("speaker", "told"), [("Ana", 1), ("ana lopez", 1), ("Tom", 0), (None, 1), ("speaker 2", 1)]
)
def test_a_voice_with_another_name_does_not_count(run_virtual: Run, speaker: str | None, told: int) -> None:
    async def main() -> list[list[str]]:
        watches = Watches(None)
        await watches.add(replace(BUDGET, speaker="Ana"))
        return await texts(watches, observation("The budget is set.", 1.0, speaker=speaker))

    assert len(run_virtual(main())[0]) == told


def test_anybody_saying_anything(run_virtual: Run) -> None:
    async def main() -> list[list[str]]:
        watches = Watches(None)
        await watches.add(replace(BUDGET, what=""))
        return await texts(watches, observation("Hello there.", 1.0), observation("Hello", 2.0, "read"))

    assert run_virtual(main()) == [["Somebody said “Hello there.”."], []]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Build succeeded in 3 s", 1),
        ("warnings: 0\nBUILD SUCCEEDED", 1),
        ("The build of the shed has not succeeded", 0),
        ("succeeded: build", 0),
    ],
)
def test_exact_words_stand_together(run_virtual: Run, text: str, told: int) -> None:
    async def main() -> list[list[str]]:
        watches = Watches(None)
        await watches.add(replace(BUDGET, kind="read", what="build succeeded", exact=True))
        return await texts(watches, observation(text, 1.0, "read"))

    assert len(run_virtual(main())[0]) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("The build has finished.", 1),
        ("The build has not finished.", 0),
        ("The build will finish at five.", 0),
        ("When the build finishes we can go.", 0),
        ("The build isn't finished.", 0),
    ],
)
def test_an_event_that_is_denied_or_expected_has_not_come(run_virtual: Run, text: str, told: int) -> None:
    async def main() -> list[list[str]]:
        watches = Watches(None)
        await watches.add(replace(BUDGET, kind="any", what="build finishes"))
        return await texts(watches, observation(text, 1.0))

    assert len(run_virtual(main())[0]) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("build finished without errors", 1),
        ("Build done.", 1),
        ("BUILD SUCCESSFUL in 12s", 1),
        ("Build failed: 2 errors", 1),
        ("build", 0),
        ("building target 3 of 9", 0),
        ("the build is not done yet", 0),
        ("the build will be done at nine", 0),
        ("tests done", 0),
    ],
)
@pytest.mark.parametrize("what", ["build is done", "build is finished"])
def test_what_is_over_has_many_words_for_it(run_virtual: Run, what: str, text: str, told: int) -> None:
    async def main() -> list[list[str]]:
        watches = Watches(None)
        await watches.add(replace(BUDGET, kind="any", what=what))
        return await texts(watches, observation(text, 1.0, "read"))

    assert len(run_virtual(main())[0]) == told


def test_a_success_is_no_failure(run_virtual: Run) -> None:
    async def main() -> list[list[str]]:
        watches = Watches(None)
        await watches.add(replace(BUDGET, kind="any", what="build fails"))
        return await texts(
            watches, observation("BUILD SUCCESSFUL", 1.0), observation("the build failed", 2.0)
        )

    assert [len(told) for told in run_virtual(main())] == [0, 1]


def test_what_goes_on_is_told_once_until_it_was_away(run_virtual: Run) -> None:
    """A bottle that stays in view for minutes is one sight; one that comes back after the cooldown is another."""

    async def main() -> list[float]:
        watches = Watches(None)
        await watches.add(BOTTLE)
        times = [*range(10, 310, 10), 340, 369, 429, 430, 500]
        return [
            t for t in times if await watches.observe(frame(float(t), (("water bottle", 0.6),)), float(t))
        ]

    # Away for 60 s only between 369 and 429, and between 430 and 500.
    assert run_virtual(main()) == [10, 429, 500]


def test_one_that_is_wanted_once_ends_with_its_alert(run_virtual: Run, tmp_path: Path) -> None:
    async def main() -> list[list[str]]:
        watches = Watches(tmp_path / "w.json")
        await watches.add(replace(BUDGET, once=True, say="ask for a raise of my own"))
        told = await texts(watches, observation("The budget.", 1.0), observation("The budget.", 1000.0))
        assert watches.all() == Watches(tmp_path / "w.json").all() == []
        return told

    assert run_virtual(main()) == [["Reminder: ask for a raise of your own."], []]


def test_one_that_is_removed_while_it_is_compared_says_nothing(run_virtual: Run) -> None:
    at_work, go_on = asyncio.Event(), asyncio.Event()

    async def encode(of: Sequence[str]) -> NDArray[np.float32]:
        at_work.set()
        await go_on.wait()
        return np.ones((len(of), 1), np.float32)

    async def main() -> list[Alert]:
        watches = Watches(None, text=encode)
        kept = await watches.add(BUDGET)
        looking = asyncio.create_task(watches.observe(observation("Money is short.", 1.0), 3.0))
        await at_work.wait()
        await watches.remove(kept.id)
        go_on.set()
        return await looking

    assert run_virtual(main()) == []


# What is seen


@pytest.mark.parametrize(
    ("what", "tags", "told"),
    [
        ("bottle", (("water bottle", 0.15), ("beer bottle", 0.1)), True),
        ("bottle", (("water bottle", 0.1),), False),
        ("bottle", (("bottle cap", 0.9),), False),
        ("dog", (("hot dog", 0.9),), False),
        ("hot dog", (("hot dog", 0.9),), True),
        ("sofa", (("couch", 0.5),), True),
        ("red bottle", (("water bottle", 0.5),), True),
        ("wedding dress", (("dress", 0.5),), False),
        ("bottle with a red cap", (("water bottle", 0.5),), True),
        ("cup or bottle", (("water bottle", 0.5),), True),
        ("cats", (("tabby cat", 0.5),), True),
        ("divider", (("shoji screen / room divider", 0.5),), True),
    ],
)
def test_a_thing_is_seen_in_the_classes_that_are_its_kinds(
    run_virtual: Run, what: str, tags: Tags, told: bool
) -> None:
    async def main() -> list[list[str]]:
        watches = Watches(None)
        await watches.add(replace(BOTTLE, what=what))
        return await texts(watches, frame(1.0, tags))

    assert bool(run_virtual(main())[0]) is told


def test_a_clip_is_evidence_and_a_frame_is_early(run_virtual: Run) -> None:
    async def main() -> list[Alert]:
        watches = Watches(None)
        await watches.add(BOTTLE, 5.0)
        tags = (("water bottle", 0.6), ("desk", 0.2))
        assert await watches.observe(clip(-4.0, tags), 4.0) == []
        (early,) = await watches.observe(frame(6.0, tags), 6.0)
        assert early.evidence == ()
        assert await watches.observe(clip(4.0, tags), 12.0) == []
        return await watches.observe(clip(80.0, tags), 88.0)

    (alert,) = run_virtual(main())
    assert alert.text == "I think I see a bottle."
    assert [(e.id, e.text) for e in alert.evidence] == [("c80.0", "looks like: water bottle, desk")]


SPACE = {
    "a photo of a bottle": (0.0, 1.0, 0.0, 0.0),
    "a photo of a desk": (0.0, 0.0, 1.0, 0.0),
    "a photo of a zebra": (0.0, 0.0, 0.0, 1.0),
}


@pytest.mark.parametrize(
    ("towards", "told"), [(("bottle", 1.0), True), (("zebra", 1.0), False), (("bottle", 0.02), False)]
)
def test_an_encoder_that_knows_more_than_classes_is_asked_for_the_thing_itself(
    run_virtual: Run, towards: tuple[str, float], told: bool
) -> None:
    name, strength = towards
    vector = np.asarray(SPACE["a photo of a desk"], np.float32)
    vector = vector + strength * np.asarray(SPACE[f"a photo of a {name}"], np.float32)
    vector /= np.linalg.norm(vector)
    vector += 0.03 * np.asarray(SPACE[f"a photo of a {name}"], np.float32) * (strength == 1.0)

    async def encode(prompts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray([SPACE[prompt] for prompt in prompts], np.float32)

    async def main() -> list[list[str]]:
        watches = Watches(None, vision=encode)
        await watches.add(BOTTLE)
        return await texts(watches, frame(1.0, (("desk", 0.9),), vector))

    assert bool(run_virtual(main())[0]) is told


def test_what_looks_the_same_by_name_is_asked_of_class_vectors(run_virtual: Run) -> None:
    async def encode(of: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray([[1.0, 0.0]] * len(of), np.float32)

    async def main() -> list[list[str]]:
        classes = {
            "notebook computer": np.array([0.9, 0.436], np.float32),
            "desk": np.array([0.0, 1.0], np.float32),
        }
        watches = Watches(None, vision=encode, class_vectors=classes)
        await watches.add(replace(BOTTLE, what="laptop"))
        return await texts(watches, frame(1.0, (("desk", 0.9),)), frame(2.0, (("notebook computer", SEEN),)))

    assert [len(told) for told in run_virtual(main())] == [0, 1]


# By meaning


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "what", "text", "told"),
    [
        ("said", "merger", "The two companies will be combined next year.", True),
        ("said", "merger", "Our company makes bicycles.", False),
        ("any", "meeting starts", "The meeting is about to begin, everyone.", True),
        ("any", "meeting starts", "The meeting was cancelled.", False),
        ("any", "Tom starts talking", "Tom is quiet today.", False),
        ("any", "build is done", "BUILD SUCCESSFUL in 12s", True),
        ("any", "build is finished", "Build done.", True),
        ("any", "build is done", "build", False),
        ("any", "build is done", "building target 3 of 9", False),
    ],
)
def test_what_means_the_same_counts(run_real: Run, kind: str, what: str, text: str, told: bool) -> None:
    here = {s.spec.name: s.where for s in Registry.load().status() if s.present}
    folder = here.get("minilm")
    require(folder, "minilm is not here: hearsight models pull")
    assert folder is not None
    encoder = MiniLMEncoder(folder)

    async def encode(of: Sequence[str]) -> NDArray[np.float32]:
        return encoder.encode(of)

    async def main() -> list[list[str]]:
        watches = Watches(None, text=encode)
        await watches.add(replace(BUDGET, kind=kind, what=what))  # type: ignore[arg-type]
        return await texts(watches, observation(text, 1.0))

    assert bool(run_real(main())[0]) is told


def test_a_text_is_encoded_once_and_nothing_where_words_decide(run_virtual: Run) -> None:
    encoded: list[str] = []

    async def encode(of: Sequence[str]) -> NDArray[np.float32]:
        encoded.extend(of)
        return np.zeros((len(of), 2), np.float32)

    async def main() -> None:
        watches = Watches(None, text=encode)
        await watches.observe(observation("Nobody waits.", 1.0), 3.0)
        await watches.add(replace(BUDGET, exact=True))
        await watches.add(TEA)
        await watches.observe(observation("Words decide.", 1.0), 3.0)
        assert encoded == []
        await watches.add(BUDGET)
        await watches.add(replace(BUDGET, what="agenda"))
        for t_s in (4.0, 8.0):
            await watches.observe(observation("Money is short.", t_s), t_s + 2)

    run_virtual(main())
    assert encoded == ["budget", "Money is short.", "agenda"]


def test_what_is_remembered_of_texts_is_bounded(run_virtual: Run) -> None:
    async def encode(of: Sequence[str]) -> NDArray[np.float32]:
        return np.zeros((len(of), 2), np.float32)

    async def main() -> int:
        matcher = Matcher(encode)
        for number in range(3000):
            assert await matcher.in_text(BUDGET, f"line {number}") is None
        return len(matcher._text_vectors)

    assert run_virtual(main()) < 600

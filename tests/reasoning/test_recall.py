"""Which utterances are read together."""

from __future__ import annotations

import pytest

from memory import Cast
from reasoning.recall import _unbroken
from runtime.messages import Observation


def utterances(*speakers: str | None, pause_s: float = 0.5) -> list[Observation]:
    return [
        Observation(str(i), "v", "said", "Well.", t_s := i * (1 + pause_s), t_s + 1, 100.0, 0.9, speaker)
        for i, speaker in enumerate(speakers)
    ]


@pytest.mark.parametrize(
    ("speakers", "at", "together"),
    [
        (("p1", "p1", "p2"), 0, "01"),
        ((None, None, "p3"), 1, "012"),
        (("p1", None, "p2"), 1, "01"),
        (("p1", None, "p2"), 2, "12"),
        (("p1", "p2", None), 0, "0"),
    ],
)
def test_only_somebody_else_ends_a_run(speakers: tuple[str | None, ...], at: int, together: str) -> None:
    run = _unbroken(utterances(*speakers), str(at), Cast())
    assert "".join(o.id for o in run) == together


def test_a_pause_ends_a_run() -> None:
    assert len(_unbroken(utterances(None, None, pause_s=1.5), "0", Cast())) == 1

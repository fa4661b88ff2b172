"""What makes assertions of records: the rules here, a language model in reasoning/consolidation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

from memory.consolidation import rules
from memory.consolidation.assertion import Assertion
from memory.consolidation.guards import is_machine
from memory.keys import is_message
from memory.zone import zone_said
from runtime.compute import Compute
from runtime.messages import Observation


@dataclass(frozen=True, slots=True)
class Extracted:
    """Each assertion with the records that it was made of, first the one it stands in. calls, tokens: of a language model."""

    made: tuple[tuple[tuple[Observation, ...], Assertion], ...]
    calls: int = 0
    tokens: int = 0


class Extractor(Protocol):
    """name: with its version, "rules/1". prompt_hash: of the prompt, "" without one. batch: records that it takes at once."""

    name: str
    prompt_hash: str
    batch: int

    async def extract(self, records: Sequence[Observation], zero_s: float | None) -> Extracted:
        """records: of one source, in the order in which they became known, none of a machine. zero_s: Unix time of the
        source's second 0, where that is known."""
        ...


class RuleExtractor:
    """Patterns over sentences: the same records always give the same assertions."""

    name = f"{rules.NAME}/{rules.VERSION}"
    prompt_hash = ""

    def __init__(self, compute: Compute, batch: int, zone: tzinfo | None) -> None:
        """zone: in which "yesterday" is meant (`Store.zone`)."""
        self._compute = compute
        self._zone = zone
        self.batch = batch

    async def extract(self, records: Sequence[Observation], zero_s: float | None) -> Extracted:
        return await self._compute.run("consolidation", _extract, records, zero_s, self._zone)


def worth_reading(record: Observation) -> bool:
    """What people said or wrote; not what was seen, nor what a screen showed."""
    return record.modality == "said" and not is_machine(record.speaker, record.details)


def _extract(records: Sequence[Observation], zero_s: float | None, zone: tzinfo | None) -> Extracted:
    made: list[tuple[tuple[Observation, ...], Assertion]] = []
    for record in records:
        now_s = None if zero_s is None else zero_s + record.t_start_s
        # A note that names no writer is its owner's; a voice that nobody knows is somebody's.
        speaks = record.speaker is not None or is_message(record)
        made += (
            ((record,), one) for one in rules.assertions(record.text, now_s, speaks, zone_said(record, zone))
        )
    return Extracted(tuple(made))

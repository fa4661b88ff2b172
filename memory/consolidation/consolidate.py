"""The work done when idle: records that are not consolidated yet become facts, some hundred at a time.

Each batch is committed as its facts, then as a row that says how far its source has been read; who is killed in between
finds the facts there and adds none twice. Nothing is taken from records that are not committed themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memory import schema
from memory.consolidation.assertion import assertion_id
from memory.consolidation.extractor import Extracted, Extractor, worth_reading
from memory.consolidation.facts import fact_table, said_of
from memory.records import SourceInfo, observations_of
from memory.settings import MemorySettings
from memory.store import Store, quoted
from runtime.compute import Compute
from runtime.messages import Observation
from runtime.models import TextEncoder

_HOUR_S = 3600.0
_AT_ONCE = 8
_SPENT = {"id": "spent", "source": "", "done_s": 0.0}
"""Of rows that count calls and tokens, of no source; they stay for an hour, whatever is forgotten or dropped."""
_IS_SPENT = f"id = {quoted(str(_SPENT['id']))}"


@dataclass(frozen=True, slots=True)
class Consolidated:
    """records: how many were read; assertions: how many were new; done: nothing is left to do."""

    records: int
    assertions: int
    calls: int
    tokens: int
    done: bool


class Consolidator:
    """One pass over a memory with one extractor. `run` goes on until all is done, it is told to stop, or a limit is reached."""

    def __init__(
        self,
        store: Store,
        encoder: TextEncoder,
        compute: Compute,
        settings: MemorySettings,
        extractor: Extractor,
        wall: Callable[[], float],
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._compute = compute
        self._settings = settings
        self._extractor = extractor
        self._wall = wall

    async def run(self, stop: Callable[[], bool] = lambda: False) -> Consolidated:
        """stop: asked between batches. Raises MemoryStoreError, and what the extractor raises; what was committed stays."""
        await self._drop_older()
        await self._store.delete(
            schema.CONSOLIDATED, f"{_IS_SPENT} AND at_wall_s <= {self._wall() - _HOUR_S!r}"
        )
        records = assertions = calls = tokens = 0
        for source in await self._store.sources():
            before = await self._done_s(source.id)
            todo = [o for o in await self._waiting(source, before) if worth_reading(o)]
            known = await self._known(source.id, before) if todo else set()
            for batch in _batches(todo, self._extractor.batch):
                if stop() or not await self._within_limits():
                    return Consolidated(records, assertions, calls, tokens, False)
                new, used = await self._take(source, batch, known)
                records, assertions = records + len(batch), assertions + new
                calls, tokens = calls + used.calls, tokens + used.tokens
        return Consolidated(records, assertions, calls, tokens, True)

    async def _take(
        self, source: SourceInfo, batch: Sequence[Observation], known: set[str]
    ) -> tuple[int, Extracted]:
        found = await self._extractor.extract(batch, source.wall_zero_s)
        zero_s = source.added_at_s if source.wall_zero_s is None else source.wall_zero_s
        new = {}
        for records, one in found.made:
            number = assertion_id(records[0].id, one, self._extractor.name)
            if number not in known:
                new[number] = (records, zero_s, one)
        texts = [said_of(one) for *_, one in new.values()]
        vectors = await self._encoded(texts)
        async with self._store.deriving:
            # What was forgotten meanwhile must not come back.
            there = await self._there(batch)
            kept = [n for n, (records, *_) in enumerate(new.values()) if all(r.id in there for r in records)]
            made = [list(new.values())[n] for n in kept]
            name, prompt = self._extractor.name, self._extractor.prompt_hash
            await self._store.add(schema.FACTS, fact_table(made, vectors[kept], name, prompt, self._wall()))
            await self._mark(source.id, batch[-1].known_at_s, found)
        known.update(new)
        return len(made), found

    async def _encoded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A few at a time: a question waits for the same thread."""
        parts = [np.zeros((0, self._store.text_dim), np.float32)]
        for at in range(0, len(texts), _AT_ONCE):
            few = texts[at : at + _AT_ONCE]
            parts.append(await self._compute.run("text encoder", self._encoder.encode, few))
        return np.concatenate(parts)

    async def _waiting(self, source: SourceInfo, after_s: float) -> list[Observation]:
        """Committed, in the order in which they became known."""
        point = await self._store.resume_point(source.id)
        where = f"source = {quoted(source.id)} AND modality = 'said' AND known_at_s > {_number(after_s)}"
        if not point.complete and point.said_done_s != inf:
            where += f" AND known_at_s <= {point.said_done_s!r}"
        rows = await self._store.rows(schema.OBSERVATIONS, where)
        found = observations_of(rows) if rows is not None else []
        return sorted(found, key=lambda o: (o.known_at_s, o.t_start_s, o.id))

    async def _known(self, source: str, after_s: float) -> set[str]:
        where = f"source = {quoted(source)} AND known_at_s > {_number(after_s)}"
        rows = await self._store.rows(schema.FACTS, where, ["id"])
        return set(rows["id"].to_pylist()) if rows is not None else set()

    async def _there(self, batch: Sequence[Observation]) -> set[str]:
        ids = ", ".join(quoted(o.id) for o in batch)
        rows = await self._store.rows(schema.OBSERVATIONS, f"id IN ({ids})", ["id"])
        return set(rows["id"].to_pylist()) if rows is not None else set()

    async def _marks(self, where: str) -> list[dict[str, Any]]:
        rows = await self._store.rows(schema.CONSOLIDATED, where)
        found: list[dict[str, Any]] = rows.to_pylist() if rows is not None else []
        return found

    async def _done_s(self, source: str) -> float:
        mine = f"source = {quoted(source)} AND extractor = {quoted(self._extractor.name)}"
        return max((row["done_s"] for row in await self._marks(mine)), default=-inf)

    async def _mark(self, source: str, done_s: float, used: Extracted) -> None:
        """In one version: how far the source was read, and what that took, which counts even when the source is forgotten."""
        row = {
            "id": mark_id(source, self._extractor.name),
            "source": source,
            "extractor": self._extractor.name,
            "done_s": done_s,
            "calls": 0,
            "tokens": 0,
            "at_wall_s": self._wall(),
        }
        rows = [row]
        if used.calls:
            rows.append(row | _SPENT | {"calls": used.calls, "tokens": used.tokens})
        shape = schema.fixed_schema(schema.CONSOLIDATED)
        await self._store.add(schema.CONSOLIDATED, pa.Table.from_pylist(rows, schema=shape))

    async def _within_limits(self) -> bool:
        """Of the last hour, whichever process it was that asked."""
        if not self._extractor.prompt_hash:
            return True
        limits = self._settings.consolidation
        recent = await self._marks(f"at_wall_s > {self._wall() - _HOUR_S!r}")
        calls, tokens = sum(r["calls"] for r in recent), sum(r["tokens"] for r in recent)
        return bool(calls < limits.calls_per_hour and tokens < limits.tokens_per_hour)

    async def _drop_older(self) -> None:
        """What another version of the same extractor has made."""
        kind = self._extractor.name.partition("/")[0]
        older = f"extractor LIKE {quoted(f'{kind}/%')} AND extractor != {quoted(self._extractor.name)}"
        await drop(self._store, older)


def mark_id(source: str, extractor: str) -> str:
    """Of all rows that say how far an extractor has read a source; the furthest counts."""
    return f"{extractor} {source}"


async def drop(store: Store, where: str = "true") -> int:
    """Drops what was made, to be made again. The marks go first: killed in between, nothing is taken for done that is not."""
    async with store.deriving:
        await store.delete(schema.CONSOLIDATED, f"({where}) AND NOT ({_IS_SPENT})")
        if where == "true":
            await store.delete(schema.NOTES, where)
        return await store.delete(schema.FACTS, where)


def _batches(todo: Sequence[Observation], size: int) -> list[Sequence[Observation]]:
    """Of about that size; what became known at one moment is never in two."""
    out: list[Sequence[Observation]] = []
    begin = 0
    while begin < len(todo):
        end = min(begin + size, len(todo))
        while end < len(todo) and todo[end].known_at_s == todo[end - 1].known_at_s:
            end += 1
        out.append(todo[begin:end])
        begin = end
    return out


def _number(value: float) -> str:
    return "-1e300" if value == -inf else repr(value)

"""Counters, gauges and histograms, and what each stage did: as Prometheus text and as a table.

Not for several threads: numbers change on the event loop's thread (Compute's, in each name's own thread).
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar, cast

from rich.table import Table

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.8, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0)

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")

_Labels = tuple[tuple[str, str], ...]
_Kind = Literal["counter", "gauge", "histogram"]


@dataclass(slots=True)
class Counter:
    """Only grows."""

    value: float = 0

    def inc(self, amount: float = 1) -> None:
        if amount < 0:
            raise ValueError(f"a counter never goes down, so not by {-amount}")
        self.value += amount


@dataclass(slots=True)
class Gauge:
    """Goes up and down."""

    value: float = 0

    def set(self, value: float) -> None:
        self.value = value

    def inc(self, amount: float = 1) -> None:
        self.value += amount


class Histogram:
    """Counts observations by upper bound. bounds: ascending and finite; +Inf is added."""

    def __init__(self, bounds: Sequence[float] = SECONDS_BUCKETS) -> None:
        if not bounds or list(bounds) != sorted(set(bounds)) or not math.isfinite(bounds[-1]):
            raise ValueError(f"histogram bounds must be ascending and finite: {bounds}")
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Inbox(Protocol):
    """What a record reads off a Channel."""

    @property
    def items(self) -> int: ...
    @property
    def drops(self) -> int: ...
    @property
    def depth(self) -> int: ...
    @property
    def max_depth(self) -> int: ...
    @property
    def oldest_age_s(self) -> float: ...
    @property
    def closed(self) -> bool: ...


@dataclass(slots=True)
class StageRecord:
    """What one stage did. Its items: those taken from the inboxes it watches, plus those counted by hand.

    compute_s: real seconds in its executor. degraded: why the stage has given up, or "".
    """

    name: str
    counted: int = 0
    calls: int = 0
    compute_s: float = 0.0
    restarts: int = 0
    degraded: str = ""
    _inboxes: list[Inbox] = field(default_factory=list)
    _past_taken: int = 0
    _past_drops: int = 0
    _past_depth: int = 0

    def count(self, items: int = 1) -> None:
        """For a stage without an inbox (a source)."""
        self.counted += items

    def watch(self, inbox: Inbox) -> None:
        """Takes items, depth and drops from this channel. Finished channels are added up and let go."""
        for done in [inbox for inbox in self._inboxes if inbox.closed and not inbox.depth]:
            self._inboxes.remove(done)
            self._past_taken += done.items - done.drops
            self._past_drops += done.drops
            self._past_depth = max(self._past_depth, done.max_depth)
        self._inboxes.append(inbox)

    @property
    def items(self) -> int:
        taken = sum(inbox.items - inbox.drops - inbox.depth for inbox in self._inboxes)
        return self.counted + self._past_taken + taken

    @property
    def depth(self) -> int:
        return sum(inbox.depth for inbox in self._inboxes)

    @property
    def max_depth(self) -> int:
        return max([self._past_depth, *(inbox.max_depth for inbox in self._inboxes)])

    @property
    def drops(self) -> int:
        return self._past_drops + sum(inbox.drops for inbox in self._inboxes)

    @property
    def oldest_age_s(self) -> float:
        return max((inbox.oldest_age_s for inbox in self._inboxes), default=0.0)


@dataclass(frozen=True, slots=True)
class StageRow:
    """One line of the table at the end of a run. busy: compute seconds per second of wall time."""

    stage: str
    items: int
    compute_s: float
    busy: float
    max_depth: int
    drops: int
    note: str


_M = TypeVar("_M", Counter, Gauge, Histogram)


@dataclass(slots=True)
class _Family:
    kind: _Kind
    help: str
    members: dict[_Labels, Counter | Gauge | Histogram] = field(default_factory=dict)


class Metrics:
    """All numbers of a session. Asking twice for the same name and labels gives the same object."""

    def __init__(self) -> None:
        self._families: dict[str, _Family] = {}
        self._stages: dict[str, StageRecord] = {}

    def counter(self, name: str, help: str = "", /, **labels: str) -> Counter:
        """By convention a name that ends in _total."""
        return self._member("counter", name, help, labels, Counter())

    def gauge(self, name: str, help: str = "", /, **labels: str) -> Gauge:
        return self._member("gauge", name, help, labels, Gauge())

    def histogram(
        self, name: str, help: str = "", /, bounds: Sequence[float] = SECONDS_BUCKETS, **labels: str
    ) -> Histogram:
        return self._member("histogram", name, help, labels, Histogram(bounds))

    def stage(self, name: str) -> StageRecord:
        record = self._stages.get(name)
        if record is None:
            record = self._stages[name] = StageRecord(name)
        return record

    def _member(self, kind: _Kind, name: str, help: str, labels: dict[str, str], new: _M) -> _M:
        family = self._families.get(name)
        if family is None:
            if not _METRIC_NAME.fullmatch(name):
                raise ValueError(f"not a metric name: {name!r}")
            family = self._families[name] = _Family(kind, help)
        elif family.kind != kind:
            raise ValueError(f"{name} is a {family.kind}, not a {kind}")
        family.help = family.help or help
        for label in labels:
            if not _LABEL_NAME.fullmatch(label) or label == "le":
                raise ValueError(f"not a label name: {label!r}")
        return cast(_M, family.members.setdefault(tuple(sorted(labels.items())), new))

    def render_prometheus(self) -> str:
        """Text exposition format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/"""
        lines: list[str] = []
        for name, family in {**self._families, **self._stage_families()}.items():
            if family.help:
                lines.append(f"# HELP {name} {_escape(family.help)}")
            lines.append(f"# TYPE {name} {family.kind}")
            for labels, member in family.members.items():
                lines.extend(_samples(name, labels, member))
        return "".join(f"{line}\n" for line in lines)

    def _stage_families(self) -> dict[str, _Family]:
        columns: tuple[tuple[str, _Kind, str], ...] = (
            ("items_total", "counter", "Items the stage took in."),
            ("drops_total", "counter", "Items dropped before the stage saw them."),
            ("compute_calls_total", "counter", "Calls into the stage's executor."),
            ("compute_seconds_total", "counter", "Seconds inside the stage's executor."),
            ("restarts_total", "counter", "Times the stage crashed and was restarted."),
            ("degraded", "gauge", "1 when the stage has given up."),
            ("queue_depth", "gauge", "Items waiting for the stage."),
            ("queue_oldest_age_seconds", "gauge", "How long the oldest of them has waited."),
        )
        if not self._stages:
            return {}
        families = {f"hearsight_stage_{column}": _Family(kind, help) for column, kind, help in columns}
        for record in self._stages.values():
            values = (
                record.items,
                record.drops,
                record.calls,
                record.compute_s,
                record.restarts,
                bool(record.degraded),
                record.depth,
                record.oldest_age_s,
            )
            for family, value in zip(families.values(), values, strict=True):
                family.members[(("stage", record.name),)] = Gauge(float(value))
        return families

    def table_rows(self, wall_s: float) -> list[StageRow]:
        """One row per stage, in the order the stages were first named."""
        return [
            StageRow(
                stage=record.name,
                items=record.items,
                compute_s=record.compute_s,
                busy=record.compute_s / wall_s if wall_s > 0 else 0.0,
                max_depth=record.max_depth,
                drops=record.drops,
                note=f"degraded: {record.degraded}" if record.degraded else "",
            )
            for record in self._stages.values()
        ]

    def render_table(self, wall_s: float) -> Table:
        """The rows for a rich console."""
        rows = self.table_rows(wall_s)
        table = Table(caption=f"wall time {wall_s:.1f} s", caption_justify="left")
        table.add_column("stage")
        for heading in ("items", "compute s", "busy", "depth (max)", "drops"):
            table.add_column(heading, justify="right")
        noted = any(row.note for row in rows)
        if noted:
            table.add_column("note")
        for row in rows:
            cells = [row.stage, str(row.items), f"{row.compute_s:.2f}", f"{row.busy:.0%}"]
            cells += [str(row.max_depth), str(row.drops)]
            table.add_row(*cells, *([row.note] if noted else []))
        return table


def _samples(name: str, labels: _Labels, member: Counter | Gauge | Histogram) -> Iterator[str]:
    if not isinstance(member, Histogram):
        yield f"{name}{_label_text(labels)} {_number(member.value)}"
        return
    below = 0
    for bound, count in zip((*member.bounds, math.inf), member.counts, strict=True):
        below += count
        yield f"{name}_bucket{_label_text((*labels, ('le', _number(bound))))} {below}"
    yield f"{name}_sum{_label_text(labels)} {_number(member.sum)}"
    yield f"{name}_count{_label_text(labels)} {member.count}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _label_text(labels: _Labels) -> str:
    if not labels:
        return ""
    escaped = ((key, _escape(value).replace('"', '\\"')) for key, value in labels)
    return "{" + ",".join(f'{key}="{value}"' for key, value in escaped) + "}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))

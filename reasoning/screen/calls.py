"""Calls and meetings: times in which both the user and somebody through the loudspeakers spoke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from memory.cast import Cast
from reasoning.screen.find import place_text
from reasoning.screen.when import span_text
from runtime.messages import Observation

BREAK_S = 120.0


@dataclass(frozen=True, slots=True)
class Call:
    """start_wall, end_wall: Unix times of the first and the last word. people: who is known by voice, the user aside.

    place: what was in front most. source, t_start_s: of the first word.
    """

    start_wall: float
    end_wall: float
    people: tuple[str, ...]
    place: str
    source: str
    t_start_s: float

    @property
    def title(self) -> str:
        """ "a call with Ben, Zoom Meeting in zoom"."""
        with_whom = f" with {' and '.join(self.people)}" if self.people else ""
        return f"a call{with_whom}, {self.place}"


def calls(said: Sequence[Observation], zeros: Mapping[str, float], cast: Cast) -> list[Call]:
    """In order of time; two minutes without a word end one. zeros: Unix time of each source's zero."""
    ordered = sorted(said, key=lambda o: zeros[o.source] + o.t_start_s)
    spans: list[list[Observation]] = []
    for record in ordered:
        last = spans[-1][-1] if spans else None
        if last is None or _starts(record, zeros) - _ends(last, zeros) > BREAK_S:
            spans.append([])
        spans[-1].append(record)
    both = (span for span in spans if len({o.details.get("ear") for o in span}) > 1)
    return [_call(span, zeros, cast) for span in both]


def call_line(call: Call, zone: tzinfo | None = None) -> str:
    start, end = (datetime.fromtimestamp(t, zone) for t in (call.start_wall, call.end_wall))
    return f"{start:%H:%M}-{end:%H:%M}  {call.title} ({span_text(call.end_wall - call.start_wall)})"


def _call(span: Sequence[Observation], zeros: Mapping[str, float], cast: Cast) -> Call:
    others = (cast.speaker(o.id, o.speaker) for o in span if o.details.get("ear") == "system")
    places = Counter(
        place_text(o.details.get("app", ""), o.details.get("document", ""), o.details.get("site", ""))
        for o in span
    )
    return Call(
        _starts(span[0], zeros),
        max(_ends(o, zeros) for o in span),
        tuple(dict.fromkeys(who.label for who in others if who is not None)),
        places.most_common(1)[0][0],
        span[0].source,
        span[0].t_start_s,
    )


def _starts(record: Observation, zeros: Mapping[str, float]) -> float:
    return zeros[record.source] + record.t_start_s


def _ends(record: Observation, zeros: Mapping[str, float]) -> float:
    return zeros[record.source] + record.t_end_s

"""A span for each turn, for whoever collects OpenTelemetry's. Nothing is sent unless its own variables say where to.

No span holds what was said, seen or answered.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from runtime.app.live.turns import Outcome, Turn
from runtime.clock import WallClock

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_BEFORE = ("vad", "end_of_turn", "asr")
_AFTER = ("retrieval", "first_token", "first_sound")
_NS = 1_000_000_000


class TurnSpans:
    """A turn's span runs from the end of the question to the last word; its parts are spans inside."""

    def __init__(self, tracer: Tracer, clock: WallClock) -> None:
        self._tracer = tracer
        self._clock = clock

    def turn(self, turn: Turn, outcome: Outcome) -> None:
        """To be told when a turn is over."""
        from opentelemetry.trace import set_span_in_context

        wall_s, now_s = self._clock.wall(), self._clock.now()

        def ns(at_s: float) -> int:
            return round((wall_s - (now_s - at_s)) * _NS)

        at_s = turn.began_s - sum(turn.latency.get(part, 0.0) for part in _BEFORE)
        span = self._tracer.start_span("turn", start_time=ns(at_s), attributes=_attributes(turn, outcome))
        inside = set_span_in_context(span)
        for part in (*_BEFORE, *_AFTER):
            if part in turn.latency:
                piece = self._tracer.start_span(part, context=inside, start_time=ns(at_s))
                at_s += turn.latency[part]
                piece.end(ns(at_s))
        span.end(ns(now_s))


def _attributes(turn: Turn, outcome: Outcome) -> dict[str, str | bool | int]:
    about: dict[str, str | bool | int] = {"hearsight.outcome": outcome, "hearsight.typed": turn.typed}
    if turn.answer is not None:
        about |= {
            "hearsight.abstained": turn.answer.abstained,
            "hearsight.evidence": len(turn.answer.evidence),
            "gen_ai.request.model": turn.answer.engine or "none",
            "gen_ai.usage.input_tokens": turn.answer.prompt_tokens,
            "gen_ai.usage.output_tokens": turn.answer.completion_tokens,
        }
    return about


@asynccontextmanager
async def turn_spans(
    clock: WallClock, report: Callable[[str], None], env: Mapping[str, str] = os.environ
) -> AsyncIterator[TurnSpans | None]:
    """None unless OTEL_EXPORTER_OTLP_ENDPOINT (or its variant for traces) is set and the packages are there."""
    if not any(env.get(name) for name in ENDPOINTS):
        yield None
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        report("note     OpenTelemetry is configured, but not installed: pip install 'hearsight[otel]'")
        yield None
        return
    resource = Resource.create({"service.name": "hearsight", "service.version": version("hearsight")})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield TurnSpans(provider.get_tracer("hearsight.live"), clock)
    finally:
        await asyncio.to_thread(provider.shutdown)

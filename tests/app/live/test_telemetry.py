"""Spans of turns: what is in them, and that they are sent only where the environment says so."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from runtime.app.live.telemetry import TurnSpans, turn_spans
from runtime.app.live.turns import Turn
from runtime.clock import SystemClock, VirtualClock
from runtime.messages import Answer, Evidence, Query
from tests.conftest import Run, require

try:
    from opentelemetry.exporter.otlp.proto.http import trace_exporter
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
except ImportError:
    trace_exporter = None  # type: ignore[assignment]

SECRET = "the safe's code"


def answered(began_s: float) -> Turn:
    evidence = (Evidence("e1", "live-1", "said", SECRET, 0.0, 1.0),)
    turn = Turn(
        "t1", Query("t1", f"What is {SECRET}?"), began_s, latency={"vad": 0.2, "end_of_turn": 0.3, "asr": 0.1}
    )
    turn.answer = Answer("t1", SECRET, evidence, abstained=False, engine="smollm2", prompt_tokens=7)
    turn.took("retrieval", began_s + 0.5)
    turn.took("first_token", began_s + 0.75)
    turn.took("first_sound", began_s + 1.0)
    return turn


def test_a_turn_and_its_parts(run_virtual: Run) -> None:
    require(trace_exporter, "the extra `otel` is not installed")

    async def main() -> list[ReadableSpan]:
        clock = VirtualClock(wall_zero_s=1000.0)
        exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        spans = TurnSpans(provider.get_tracer("test"), clock)
        await clock.sleep(10.0)
        turn = answered(began_s=8.0)
        spans.turn(turn, "answered")
        provider.shutdown()
        return list(exporter.get_finished_spans())

    found = {span.name: span for span in run_virtual(main())}
    whole = found.pop("turn")
    assert list(found) == ["vad", "end_of_turn", "asr", "retrieval", "first_token", "first_sound"]
    assert (whole.start_time, whole.end_time) == (pytest.approx(1007.4e9), 1010.0e9)
    assert whole.context is not None and whole.attributes is not None
    for span in found.values():
        assert span.parent is not None and span.parent.span_id == whole.context.span_id
    assert found["retrieval"].start_time == pytest.approx(1008.0e9)
    assert found["first_sound"].end_time == pytest.approx(1009.0e9)
    assert whole.attributes["hearsight.outcome"] == "answered"
    assert whole.attributes["gen_ai.usage.input_tokens"] == 7
    assert not any(SECRET in str(span.to_json()) for span in (whole, *found.values()))


def test_nothing_is_sent_unless_it_is_configured(run_real: Run) -> None:
    async def main() -> None:
        told: list[str] = []
        async with turn_spans(SystemClock(), told.append, env={}) as spans:
            assert spans is None
        assert told == []

    run_real(main())


def test_spans_go_where_the_environment_says(run_real: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    require(trace_exporter, "the extra `otel` is not installed")

    async def main() -> list[str]:
        received: list[str] = []

        async def collect(request: web.Request) -> web.Response:
            sent = ExportTraceServiceRequest.FromString(await request.read())
            for resource in sent.resource_spans:
                received.extend(span.name for scope in resource.scope_spans for span in scope.spans)
            return web.Response()

        app = web.Application()
        app.router.add_post("/v1/traces", collect)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{runner.addresses[0][1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        clock = SystemClock()
        async with turn_spans(clock, lambda _: None) as spans:
            assert spans is not None
            await asyncio.to_thread(spans.turn, answered(clock.now() - 1.0), "answered")
        await runner.cleanup()
        return received

    assert sorted(run_real(main())) == sorted(
        ["turn", "vad", "end_of_turn", "asr", "retrieval", "first_token", "first_sound"]
    )

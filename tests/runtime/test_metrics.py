from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from runtime.channel import Channel, Policy
from runtime.metrics import Histogram, Metrics
from tests.conftest import Run


def test_text_format_of_counters_and_gauges() -> None:
    metrics = Metrics()
    metrics.counter("turns_total", "Turns, by how they ended.", end="answered").inc()
    metrics.counter("turns_total", end="answered").inc(2)
    metrics.counter("turns_total", end="interrupted").inc()
    metrics.gauge("rss_bytes").set(1.5)
    assert metrics.render_prometheus() == (
        "# HELP turns_total Turns, by how they ended.\n"
        "# TYPE turns_total counter\n"
        'turns_total{end="answered"} 3\n'
        'turns_total{end="interrupted"} 1\n'
        "# TYPE rss_bytes gauge\n"
        "rss_bytes 1.5\n"
    )


def test_text_format_escapes() -> None:
    metrics = Metrics()
    metrics.gauge("g", 'a "quoted" \\ and\nbroken help', path='C:\\x "y"\nz').set(math.inf)
    assert metrics.render_prometheus() == (
        '# HELP g a "quoted" \\\\ and\\nbroken help\n# TYPE g gauge\ng{path="C:\\\\x \\"y\\"\\nz"} +Inf\n'
    )


def test_text_format_of_histograms() -> None:
    metrics = Metrics()
    latency = metrics.histogram("latency_seconds", "", (0.1, 1.0), mode="live")
    for value in (0.05, 0.1, 0.5, 3.0):
        latency.observe(value)
    assert metrics.render_prometheus() == (
        "# TYPE latency_seconds histogram\n"
        'latency_seconds_bucket{mode="live",le="0.1"} 2\n'
        'latency_seconds_bucket{mode="live",le="1"} 3\n'
        'latency_seconds_bucket{mode="live",le="+Inf"} 4\n'
        'latency_seconds_sum{mode="live"} 3.65\n'
        'latency_seconds_count{mode="live"} 4\n'
    )


def test_special_numbers() -> None:
    metrics = Metrics()
    for name, value in (("a", math.nan), ("b", -math.inf), ("c", 1e300), ("d", 123456789.0), ("e", -0.5)):
        metrics.gauge(name).set(value)
    values = [line.split()[1] for line in metrics.render_prometheus().splitlines() if line[0] != "#"]
    assert values == ["NaN", "-Inf", "1e+300", "123456789", "-0.5"]


def test_the_same_name_and_labels_are_the_same_object() -> None:
    metrics = Metrics()
    assert metrics.counter("c_total", a="1", b="2") is metrics.counter("c_total", b="2", a="1")
    with pytest.raises(ValueError, match="c_total is a counter, not a gauge"):
        metrics.gauge("c_total")


def test_bad_names_and_steps_are_refused() -> None:
    metrics = Metrics()
    for name in ("", "1x", "a-b", "a b"):
        with pytest.raises(ValueError, match="not a metric name"):
            metrics.counter(name)
    for label in ("le", "__x", "a-b"):
        with pytest.raises(ValueError, match="not a label name"):
            metrics.counter("ok_total", **{label: "x"})
    with pytest.raises(ValueError, match="never goes down"):
        metrics.counter("ok_total").inc(-1)
    for bounds in ((), (1.0, 1.0), (2.0, 1.0), (1.0, math.inf)):
        with pytest.raises(ValueError, match="histogram bounds"):
            Histogram(bounds)


def test_a_stage_record_reads_its_inboxes(run_virtual: Run) -> None:
    async def main() -> None:
        metrics = Metrics()
        record = metrics.stage("ocr")
        inbox = Channel[int]("frames", 3, Policy.DROP_OLDEST)
        record.watch(inbox)
        for number in range(5):
            await inbox.put(number)
        await inbox.get()
        assert (record.items, record.depth, record.max_depth, record.drops) == (1, 2, 3, 2)

    run_virtual(main())


def test_finished_inboxes_are_added_up_and_let_go(run_virtual: Run) -> None:
    """A manifest of many videos: each brings channels of its own, and the record stays small."""

    async def main() -> None:
        record = Metrics().stage("ocr")
        for _ in range(100):
            inbox = Channel[int]("frames", 2, Policy.DROP_OLDEST)
            record.watch(inbox)
            for number in range(3):
                await inbox.put(number)
            inbox.close()
            assert [item async for item in inbox] == [1, 2]
        assert (record.items, record.max_depth, record.drops) == (200, 2, 100)
        assert len(record._inboxes) == 1

    run_virtual(main())


def test_stages_are_exported() -> None:
    metrics = Metrics()
    assert metrics.render_prometheus() == ""
    record = metrics.stage("ocr")
    record.count(7)
    record.compute_s = 1.25
    record.degraded = "gone"
    text = metrics.render_prometheus()
    assert 'hearsight_stage_items_total{stage="ocr"} 7\n' in text
    assert 'hearsight_stage_compute_seconds_total{stage="ocr"} 1.25\n' in text
    assert 'hearsight_stage_degraded{stage="ocr"} 1\n' in text
    assert text.count("# TYPE ") == text.count("# HELP ") == 8


def test_the_table_at_the_end_of_a_run() -> None:
    metrics = Metrics()
    ocr = metrics.stage("read")
    ocr.count(12)
    ocr.compute_s = 2.5
    metrics.stage("source").count(300)
    read, source = metrics.table_rows(wall_s=10)
    assert (read.stage, read.items, read.compute_s, read.busy) == ("read", 12, 2.5, 0.25)
    assert (source.items, source.busy, source.note) == (300, 0, "")
    shown = rendered(metrics, 10)
    assert "wall time 10.0 s" in shown
    assert [
        word
        for word in ("stage", "items", "compute s", "busy", "depth (max)", "drops", "25%")
        if word not in shown
    ] == []
    assert "note" not in shown
    ocr.degraded = "no weights"
    assert "degraded: no weights" in rendered(metrics, 10)
    assert metrics.table_rows(wall_s=0)[0].busy == 0


def rendered(metrics: Metrics, wall_s: float) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(metrics.render_table(wall_s))
    return out.getvalue()

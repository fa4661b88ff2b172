#!/usr/bin/env python3
"""What reading a video costs, all models on: `python tests/bench/bench_ingest.py [VIDEO] [--minutes 5]`.

Without VIDEO the demo clip is repeated for that many minutes. It is read into a fresh memory, which is deleted
unless --memory names a place to keep it. Prints the real-time factor, the wall time over the compute of the
busiest stage, what each stage did, megabytes an hour, peak memory, and how much of the machine others used
meanwhile: wall times mean little unless that is near nothing, CPU seconds suffer less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import psutil
from rich.console import Console
from rich.table import Table

from memory import Store
from memory.stats import memory_stats
from runtime.app.ingest import IngestReport, ingest
from runtime.app.models import Models
from runtime.app.settings import AppSettings, app_settings
from runtime.clock import SystemClock
from runtime.compute import Compute, ComputeStats
from runtime.metrics import Metrics
from runtime.weights import Registry

CLIP = Path(__file__).parents[2] / "demo" / "harbour_day.mp4"


@dataclass(frozen=True)
class Measured:
    """cpu_s: of this process, all threads. others_cpu_s: of the rest of the machine. busiest_s: compute."""

    report: IngestReport
    startup_s: float
    cpu_s: float
    others_cpu_s: float
    busiest: str
    busiest_s: float
    records: int
    mb_per_hour: float
    peak_rss_mb: float


def looped(clip: Path, minutes: float, out: Path) -> Path:
    """The clip again and again, packets copied as they are, until it is that long."""
    times = 0
    with av.open(str(out), "w") as muxer:
        streams: dict[int, Any] = {}
        shift_s = Fraction(0)
        while shift_s < 60 * minutes:
            start_s = end_s = Fraction(0)
            with av.open(str(clip)) as source:
                for stream in source.streams:
                    if not times and stream.type in ("video", "audio"):
                        streams[stream.index] = muxer.add_stream_from_template(stream)
                for packet in source.demux([source.streams[i] for i in streams]):
                    if packet.dts is None or packet.pts is None:
                        continue
                    base = packet.time_base
                    start_s = min(start_s, packet.dts * base)
                    end_s = max(end_s, (packet.pts + (packet.duration or 0)) * base)
                    packet.pts += round(shift_s / base)
                    packet.dts += round(shift_s / base)
                    packet.stream = streams[packet.stream_index]
                    muxer.mux(packet)
            shift_s += end_s - start_s
            times += 1
    return out


def _machine_cpu_s() -> float:
    """CPU seconds that the whole machine has spent."""
    spent = psutil.cpu_times()
    idle = spent.idle + getattr(spent, "iowait", 0.0)
    return float(sum(spent[: spent._fields.index("guest")] if "guest" in spent._fields else spent) - idle)


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(
    video: Path, memory: Path, settings: AppSettings, compute: Compute, metrics: Metrics
) -> Measured:
    models = Models(settings, Registry.load(), compute, lambda line: print(line, file=sys.stderr))
    async with await Store.open(memory, await models.text_encoder()) as store:
        startup_s = time.time() - psutil.Process().create_time()
        cpu_s, machine_s = _own_cpu_s(), _machine_cpu_s()
        report = await ingest(
            video, store, models, settings, compute, metrics, SystemClock(), lambda done, whole: None
        )
        cpu_s, machine_s = _own_cpu_s() - cpu_s, _machine_cpu_s() - machine_s
        stats = await memory_stats(store)
    stages = {name: spent.wall_s for name, spent in compute.stats().items()}
    busiest = max(stages, key=lambda name: stages[name])
    return Measured(
        report=report,
        startup_s=startup_s,
        cpu_s=cpu_s,
        others_cpu_s=max(0.0, machine_s - cpu_s),
        busiest=busiest,
        busiest_s=stages[busiest],
        records=stats.tables["observations"].rows,
        mb_per_hour=stats.mb_per_hour,
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def stage_table(metrics: Metrics, spent: dict[str, ComputeStats], wall_s: float) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("stage")
    for heading in ("items", "calls", "compute s", "busy", "depth (max)"):
        table.add_column(heading, justify="right")
    for row in metrics.table_rows(wall_s):
        stats = spent.get(row.stage, ComputeStats())
        numbers = (str(row.items), str(stats.calls), f"{row.compute_s:.1f}")
        table.add_row(row.stage, *numbers, f"{row.busy:.0%}", str(row.max_depth))
    return table


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument(
        "--minutes", type=float, default=5.0, help="of the demo clip, where no video is given"
    )
    parser.add_argument("--memory", type=Path, help="a folder that is not there yet; it is kept")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="SECTION.KEY=VALUE")
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    args = parser.parse_args()
    if args.memory is not None and args.memory.exists():
        parser.error(f"{args.memory} is there already")
    folder = Path(tempfile.mkdtemp(prefix="hearsight-bench-"))
    settings, metrics = app_settings(None, args.overrides), Metrics()
    compute = Compute(metrics)
    try:
        video = args.video or looped(CLIP, args.minutes, folder / "looped.mp4")
        load = os.getloadavg()
        got = await measure(video, args.memory or folder / "memory", settings, compute, metrics)
    finally:
        await compute.close(5.0)
        shutil.rmtree(folder)
    wall_s, media_s = got.report.seconds, got.report.duration_s
    Console().print(stage_table(metrics, compute.stats(), wall_s))
    numbers = {
        "video_s": media_s,
        "wall_s": wall_s,
        "real_time_factor": got.report.real_time_factor,
        "cpu_s": got.cpu_s,
        "cpu_per_media_s": got.cpu_s / media_s,
        "others_cpu_s": got.others_cpu_s,
        "busiest": got.busiest,
        "wall_over_busiest": wall_s / got.busiest_s,
        "startup_s": got.startup_s,
        "records": got.records,
        "mb_per_hour": got.mb_per_hour,
        "peak_rss_mb": got.peak_rss_mb,
    }
    print(
        f"\n{media_s:.0f} s of video in {wall_s:.1f} s on {os.cpu_count()} cores: "
        f"real-time factor {got.report.real_time_factor:.4f}\n"
        f"wall time over the busiest stage's ({got.busiest}) compute: {wall_s / got.busiest_s:.3f}\n"
        f"CPU: {got.cpu_s:.1f} s, {got.cpu_s / media_s:.4f} a second of video; others used {got.others_cpu_s:.1f} s "
        f"meanwhile (load average {load[0]:.1f} before)\n"
        f"before that, imports and opening the memory: {got.startup_s:.1f} s\n"
        f"{got.records} records, {got.mb_per_hour:.2f} MB an hour, key frames aside\n"
        f"peak memory {got.peak_rss_mb:.0f} MB"
    )
    if args.json is not None:
        args.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())

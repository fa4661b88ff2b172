"""Questions about sessions of screenshots, scored, and the bytes that a memory of them takes.

python tests/bench/bench_screen.py FOLDER... [--questions FILE] [--memory DIR] [--every-s 3] [--engine]

Each FOLDER holds screenshots named by their time. A question's answer is right when it matches `accept` and its first
evidence lies in `span` (local times); one without `accept` must be refused. Bytes are told against the raw files as
they are, and against one screenshot (of the mean size) every so many seconds of the same time, which is how often such
recorders take one. --engine asks the language model too, once it has started (engine.model and the like by --set).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import tempfile
from collections import Counter
from datetime import datetime
from pathlib import Path

from memory import Store
from memory.stats import memory_stats
from perception.sources.screenshots import ScreenshotFolder
from runtime.app.context import open_answerer, open_app, open_engine
from runtime.app.screen.asking import Times, choose_answerer
from runtime.app.screen.folder import remember_folder
from runtime.app.screen.reading import open_reader
from runtime.messages import Query

HERE = Path(__file__).parent


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--questions", type=Path, default=HERE / "screen_questions.jsonl")
    parser.add_argument("--memory", type=Path, help="kept there; what it holds already is not read again")
    parser.add_argument("--every-s", type=float, default=3.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--engine", action="store_true")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    args.config, args.quiet = None, True
    args.overrides += [f"screen.read.threads={args.threads}"]
    with tempfile.TemporaryDirectory() as temporary:
        await measure(args, args.memory or Path(temporary) / "memory")


async def measure(args: argparse.Namespace, place: Path) -> None:
    folders = [ScreenshotFolder.open(path) for path in args.folders]
    async with open_app(args) as app:
        encoder = await app.models.text_encoder()
        settings = app.settings.screen.read
        async with await Store.open(place, encoder) as store:
            began, new = app.clock.now(), 0
            reader = await open_reader(app, settings)
            for folder in folders:
                report = await remember_folder(
                    folder, store, encoder, reader, settings, app.compute, app.clock
                )
                new += report.new
            if new:
                print(f"read {new} screenshots in {app.clock.now() - began:.1f} s")
            stats = await memory_stats(store)
            sizes(folders, stats.disk_bytes, stats.keyframe_bytes, args.every_s)
            async with (
                open_engine(app, args.engine) as engine,
                open_answerer(app, store, engine) as (answerer, memory),
            ):
                if engine is not None:
                    print(f"read by {(await engine.client()).address.model}")
                times = Times(await memory.sources(), app.clock)
                chosen = choose_answerer(
                    app, memory, answerer, await app.models.verifier(), tuple(times.sources), engine
                )
                right: Counter[str] = Counter()
                total: Counter[str] = Counter()
                took: list[float] = []
                for line in args.questions.read_text(encoding="utf-8").splitlines():
                    item = json.loads(line)
                    answer = await chosen.answer(Query(item["id"], item["question"]))
                    took.append(answer.latency_s)
                    at = (
                        times.wall(answer.evidence[0].source, answer.evidence[0].t_start_s)
                        if answer.evidence
                        else None
                    )
                    good = is_right(item, answer.text, answer.abstained, at)
                    right[item["category"]] += good
                    total[item["category"]] += 1
                    if args.verbose or not good:
                        print(
                            f"{'ok ' if good else 'BAD'} {item['id']}: {item['question']}\n      {answer.text} [{at}]"
                        )
                for category, count in total.items():
                    print(f"{category:8} {right[category]} of {count}")
                print(
                    f"all      {sum(right.values())} of {sum(total.values())};"
                    f" an answer took {sum(took) / len(took):.2f} s, the slowest {max(took):.2f} s"
                )


def is_right(item: dict[str, object], text: str, abstained: bool, at: datetime | None) -> bool:
    accept = item.get("accept")
    if accept is None:
        return abstained
    start, end = (datetime.fromisoformat(str(t)) for t in item["span"])  # type: ignore[attr-defined]
    return (
        not abstained and bool(re.search(str(accept), text, re.S)) and at is not None and start <= at <= end
    )


def sizes(folders: list[ScreenshotFolder], disk: int, pictures: int, every_s: float) -> None:
    files = [shot.path.stat().st_size for folder in folders for shot in folder.shots]
    seconds = sum(folder.shots[-1].wall_s - folder.wall_zero_s for folder in folders)
    often = seconds / every_s
    mean = sum(files) / len(files)
    for name, kept in (("with pictures", disk), ("without", disk - pictures)):
        print(
            f"{name:14} {kept / len(files) * 1000 / 1e6:.2f} MB per 1,000 of these {len(files)} screenshots"
            f" ({100 * kept / sum(files):.2f}% of the raw files);"
            f" {kept / often * 1000 / 1e6:.3f} MB per 1,000 taken every {every_s:g} s ({100 * kept / (often * mean):.3f}%)"
        )


if __name__ == "__main__":
    asyncio.run(main())

"""What is written, and that no cut of the run shows in it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from itertools import pairwise
from math import inf
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import MemorySettings, MemoryWriter, Store
from memory.levels import rebuild
from memory.stats import table_stats
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.errors import MemoryStoreError
from runtime.messages import Observation, Watermark
from tests.memory.world import (
    SETTINGS,
    HashEncoder,
    Message,
    after,
    contents,
    dying,
    frame,
    ingest,
    remembered,
    said,
    source,
    stream,
)


def test_everything_said_and_read_is_kept_word_for_word(tmp_path: Path) -> None:
    messages = stream(1)
    asyncio.run(remembered(tmp_path / "m", messages))
    rows = asyncio.run(contents(tmp_path / "m"))
    told = {m.id: m.text for m in messages if isinstance(m, Observation)}
    kept = {row["id"]: row["text"] for row in rows["observations"] if row["modality"] != "seen"}
    assert kept == told
    assert {row["record"] for row in rows["keys"]} <= {row["id"] for row in rows["observations"]}
    assert len({row["id"] for row in rows["keys"]}) == len(rows["keys"])


def test_clips_keep_to_their_lengths_and_chapters(tmp_path: Path) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(2), source(duration_s=90.0)))
    clips = asyncio.run(contents(tmp_path / "m"))["clips"]
    assert len(clips) >= 90 / 16
    for clip, follower in pairwise(clips):
        assert clip["t_end_s"] <= follower["t_start_s"]
    for clip in clips:
        assert clip["t_end_s"] - clip["t_start_s"] <= SETTINGS.clip_max_s + 2.0
        assert clip["t_start_s"] // 20 == (clip["t_end_s"] - 1e-6) // 20
        assert clip["t_end_s"] <= 90.0


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 50), cuts=st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_a_cut_and_resumed_run_keeps_what_an_undisturbed_one_does(seed: int, cuts: list[float]) -> None:
    messages = stream(seed, 70.0, patches=9)
    info = source(duration_s=70.0)

    async def cut_short(folder: Path) -> None:
        for cut in cuts:
            async with await Store.open(folder, HashEncoder()) as store:
                rest = after(messages, await store.resume_point("film"))
                await ingest(store, info, rest[: int(cut * len(rest))])
        async with await Store.open(folder, HashEncoder()) as store:
            point = await ingest(store, info, after(messages, await store.resume_point("film")))
        assert point.complete

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(remembered(Path(folder, "whole"), messages, info))
        asyncio.run(cut_short(Path(folder, "cut")))
        assert asyncio.run(contents(Path(folder, "cut"))) == asyncio.run(contents(Path(folder, "whole")))


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 50), writes=st.integers(1, 40))
def test_a_run_that_dies_between_any_two_writes_is_taken_up_without_loss_or_doubles(
    seed: int, writes: int
) -> None:
    messages = stream(seed, 70.0, patches=4)
    info = source(duration_s=70.0)

    async def dies(folder: Path) -> None:
        async with await Store.open(folder, HashEncoder()) as store:
            with dying(store, writes):
                await ingest(store, info, messages)
        async with await Store.open(folder, HashEncoder()) as store:
            point = await store.resume_point("film")
            assert (await ingest(store, info, after(messages, point))).complete

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(remembered(Path(folder, "whole"), messages, info))
        asyncio.run(dies(Path(folder, "cut")))
        assert asyncio.run(contents(Path(folder, "cut"))) == asyncio.run(contents(Path(folder, "whole")))


def test_kill_9_then_resume(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from memory import Store\n"
        "from tests.memory.world import *\n"
        "async def main():\n"
        "    async with await Store.open(Path(sys.argv[1]), HashEncoder()) as store:\n"
        "        set_progress = store.set_progress\n"
        "        async def told(*args):\n"
        "            await set_progress(*args)\n"
        "            print('committed', flush=True)\n"
        "        store.set_progress = told\n"
        "        await ingest(store, source(duration_s=300.0), stream(5, 300.0))\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[2]
    env = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-c", script, str(tmp_path / "cut")]
    with subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(5):
            assert process.stdout.readline() == "committed\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    messages = stream(5, 300.0)

    async def resume() -> None:
        async with await Store.open(tmp_path / "cut", HashEncoder()) as store:
            point = await store.resume_point("film")
            assert not point.complete
            assert point.said_done_s > 0
            await ingest(store, source(duration_s=300.0), after(messages, point))

    asyncio.run(resume())
    asyncio.run(remembered(tmp_path / "whole", messages, source(duration_s=300.0)))
    assert asyncio.run(contents(tmp_path / "cut")) == asyncio.run(contents(tmp_path / "whole"))


def test_a_complete_source_is_not_written_again(tmp_path: Path) -> None:
    messages = stream(3)
    asyncio.run(remembered(tmp_path / "m", messages))
    before = asyncio.run(contents(tmp_path / "m"))
    asyncio.run(remembered(tmp_path / "m", messages))
    assert asyncio.run(contents(tmp_path / "m")) == before


@pytest.mark.parametrize("missing", ["video", "audio"])
def test_a_source_without_video_or_without_audio_completes(tmp_path: Path, missing: str) -> None:
    said_only = missing == "video"
    messages = [
        m
        for m in stream(4)
        if (m.stream == "said" if isinstance(m, Watermark) else getattr(m, "modality", "") == "said")
        == said_only
    ]
    info = source(has_video=not said_only, has_audio=said_only)

    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            assert (await ingest(store, info, messages)).complete
            assert await store.count("nodes") > 0

    asyncio.run(main())


def test_a_stream_that_never_ended_leaves_the_source_incomplete(tmp_path: Path) -> None:
    messages = [m for m in stream(4) if not (isinstance(m, Watermark) and m.t_s == inf)]

    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            point = await ingest(store, source(), messages)
            assert not point.complete
            assert point.video_done_s == 80.0

    asyncio.run(main())


class Watched(Channel[Message]):
    """Says when its reader has taken all there was and asks for more."""

    def __init__(self) -> None:
        super().__init__("inbox", 100, Policy.BLOCK)
        self.asked_again = asyncio.Event()

    async def __anext__(self) -> Message:
        if not self.depth:
            self.asked_again.set()
        return await super().__anext__()


def test_cancellation_commits_what_the_watermarks_have_passed(tmp_path: Path) -> None:
    async def main() -> None:
        compute = Compute()
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            inbox = Watched()
            await inbox.put(said("film", 1.0, 2.0, "The spare key is under the flower pot."))
            await inbox.put(Watermark("said", 2.5))
            writer = MemoryWriter(store, HashEncoder(), compute, SETTINGS, source())
            task = asyncio.create_task(writer.run(inbox))
            await inbox.asked_again.wait()
            assert await store.count("observations") == 0
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await store.resume_point("film")).said_done_s == 2.5
            assert await store.count("observations") == 1
        await compute.close(5.0)

    asyncio.run(main())


def test_rebuilding_the_levels_changes_nothing(tmp_path: Path) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(6, 150.0)))
    before = asyncio.run(contents(tmp_path / "m"))

    async def again() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            version = await store.version("nodes")
            await rebuild(store, "film", SETTINGS)
            assert await store.version("nodes") == version
            await store.delete("nodes", "true")
            await rebuild(store, "film", SETTINGS)

    asyncio.run(again())
    assert asyncio.run(contents(tmp_path / "m")) == before
    assert {row["level"] for row in before["nodes"]} == {"event", "episode"}


def test_short_term_memory_is_dropped_past_its_horizon(tmp_path: Path) -> None:
    short = SETTINGS.model_copy(update={"short_term_horizon_s": 40.0})

    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await ingest(store, source(), stream(7, 120.0, patches=16), short)

    asyncio.run(main())
    rows = asyncio.run(contents(tmp_path / "m"))
    assert rows["short_term"]
    assert min(row["t_end_s"] for row in rows["short_term"]) >= 120.0 - 40.0 - 22.0
    assert len(rows["clips"]) > len(rows["short_term"])


def test_other_settings_or_another_encoder_are_refused_half_way(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            begun = source(settings_hash="a", vision_model="one")
            await ingest(store, begun, stream(8)[:100])
            with pytest.raises(MemoryStoreError, match="other settings"):
                await ingest(store, source(settings_hash="b", vision_model="one"), stream(8))
            with pytest.raises(MemoryStoreError, match="vision encoder one, not two"):
                await ingest(store, source("other", vision_model="two"), stream(8, name="other"))

    asyncio.run(main())


def test_two_sources_are_written_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            async with asyncio.TaskGroup() as group:
                for name in ("one", "two"):
                    group.create_task(ingest(store, source(name), stream(9, name=name)))
            assert {s.id for s in await store.sources()} == {"one", "two"}
            assert (await store.resume_point("one")).complete
            assert (await store.resume_point("two")).complete

    asyncio.run(main())


def test_versions_and_fragments_stay_few(tmp_path: Path) -> None:
    often = SETTINGS.model_copy(update={"optimize_every": 4})

    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await ingest(store, source(), stream(10, 200.0), often)
            for table in (await table_stats(store)).values():
                assert table.fragments <= 2
                assert table.versions <= 4

    asyncio.run(main())


def test_a_still_picture_is_one_scene(tmp_path: Path) -> None:
    messages: list[Message] = [frame(float(t), 1) for t in range(20)]
    messages += [Watermark("vision", inf), Watermark("read", inf)]

    async def main() -> list[dict[str, object]]:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await ingest(
                store, source(has_audio=False, duration_s=20.0), messages, MemorySettings(chapter_s=20)
            )
        return (await contents(tmp_path / "m"))["clips"]

    assert [(c["t_start_s"], c["t_end_s"]) for c in asyncio.run(main())] == [(0.0, 16.0), (16.0, 20.0)]


def test_what_is_on_its_way_when_it_is_forgotten_does_not_come(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            writer = MemoryWriter(store, HashEncoder(), Compute(), SETTINGS, source())
            await writer.begin()
            await writer.forget(30.0, 40.0)
            spoken = [("Before.", 27.0), ("Half of it.", 29.0), ("The code.", 35.0), ("After.", 41.0)]
            await writer.write(
                [
                    *(said("film", t_s, t_s + 2.0, text) for text, t_s in spoken),
                    *(frame(t, t // 50) for t in range(60)),
                    Watermark("said", 60.0),
                    Watermark("vision", 60.0),
                    Watermark("read", 60.0),
                ]
            )

    asyncio.run(main())
    rows = asyncio.run(contents(tmp_path / "m"))
    kept = {row["text"] for row in rows["observations"] if row["modality"] == "said"}
    assert kept == {"Before.", "After."}
    assert rows["clips"]
    assert not [c for c in rows["clips"] if 30.0 <= c["keyframe_t_s"] <= 40.0]


def test_what_is_forgotten_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    """From a moment on, while the source still runs: written and waiting records alike; what comes later is kept."""

    async def use() -> None:
        compute = Compute()
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            writer = MemoryWriter(store, HashEncoder(), compute, SETTINGS, source())
            inbox: Channel[Message] = Channel("percepts", 1, Policy.BLOCK)
            running = asyncio.create_task(writer.run(inbox))
            before = [frame(t, 1) for t in range(40)]
            for message in before:
                await inbox.put(message)
            await inbox.put(said("film", 3.0, 5.0, "The ferry leaves at noon."))
            await inbox.put(said("film", 33.0, 35.0, "The code is canaryword."))
            await inbox.put(Watermark("said", 36.0))
            await inbox.put(said("film", 37.0, 38.0, "It waits as canaryword."))
            for stream_name in ("vision", "read"):
                await inbox.put(Watermark(stream_name, 40.0))  # type: ignore[arg-type]
            for _ in range(3):  # taken one by one: what came before has been dealt with
                await inbox.put(Watermark("said", 36.0))
            assert await writer.forget(30.0) >= 1
            await inbox.put(said("film", 41.0, 42.0, "The ferry is late."))
            for stream_name in ("vision", "read", "said"):
                await inbox.put(Watermark(stream_name, inf))  # type: ignore[arg-type]
            inbox.close()
            await running
        await compute.close(1.0)

    asyncio.run(use())
    rows = asyncio.run(contents(tmp_path / "m"))
    kept = {row["text"] for row in rows["observations"] if row["modality"] == "said"}
    assert kept == {"The ferry leaves at noon.", "The ferry is late."}
    assert rows["clips"]
    assert all(row["keyframe_t_s"] < 30.0 for row in rows["clips"])  # type: ignore[operator]
    files = [p for p in (tmp_path / "m").rglob("*") if p.is_file()]
    assert files
    assert not [p for p in files if b"canaryword" in p.read_bytes()]

"""Forget means forget: nothing of it is found by a search, nor by grep on the disk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory import MemoryWriter, SearchRequest, Store, schema
from memory.forgetting import BY_CLIP, BY_RECORD, BY_SOURCE, KEPT, REBUILT, Selection, forget, plan
from memory.levels import rebuild
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.errors import InputError
from runtime.messages import FrameFeature, Observation, Watermark
from tests.memory.world import SETTINGS, HashEncoder, contents, ingest, opened, read, said, source, stream

Message = FrameFeature | Observation | Watermark
CANARY = "quetzalcoatlus"
PICTURE = b"\xff\xd8canary-bytes-\x00\x01\x02-7f3a\xff\xd9"
ROOT = Path(__file__).parents[2]


def holding(folder: Path, pattern: bytes) -> list[str]:
    """Files of the folder with these bytes."""
    files = (Path(base, name) for base, _, names in os.walk(folder) for name in names)
    return sorted(str(file.relative_to(folder)) for file in files if pattern in file.read_bytes())


def world(name: str = "film") -> list[Message]:
    """Two minutes; the canary is said at 41 s and shown from 82 s on, in a picture of its own."""
    messages = stream(5, 120.0, name)
    told = said(name, 41.0, 42.0, f"Nobody may know of the {CANARY}.", 9)
    after = said(name, 42.5, 43.0, "The lamp is green.", 9)
    shown = replace(read(name, 82.0, 88.0, 83.0, ["Notice", f"The {CANARY} : 17"]), details={"app": "Mail"})
    pictures = [
        replace(m, thumbnail=PICTURE + m.thumbnail) if isinstance(m, FrameFeature) and 80 <= m.t_s < 90 else m
        for m in messages
    ]
    return [told, after, shown, *pictures]


async def remember(folder: Path, *names: str) -> None:
    async with await Store.open(folder, HashEncoder()) as store:
        for name in names or ("film",):
            await ingest(store, source(name), world(name))


async def forgotten(folder: Path, selection: Selection) -> int:
    async with await Store.open(folder, HashEncoder()) as store:
        return len((await forget(store, selection, SETTINGS)).records)


async def found(folder: Path, text: str) -> list[str]:
    async with await opened(folder) as memory:
        return [hit.text for hit in await memory.search(SearchRequest(text, k=50))]


SELECTIONS = [
    Selection(words=CANARY),
    Selection(sources=("film",)),
    Selection(sources=("film",), t_min_s=41.5, t_max_s=85.0),
    Selection(ids=("film/said/00041000/9", "film/read/00082000")),
    Selection(speaker="a", words=CANARY),
]


@pytest.mark.parametrize("selection", SELECTIONS, ids=["words", "source", "span", "ids", "speaker"])
def test_no_byte_of_it_is_left_on_the_disk(tmp_path: Path, selection: Selection) -> None:
    asyncio.run(remember(tmp_path / "m"))
    assert holding(tmp_path / "m", CANARY.encode())
    assert holding(tmp_path / "m", PICTURE)
    assert asyncio.run(forgotten(tmp_path / "m", selection)) > 0
    if selection.speaker is not None:  # what was read has no speaker, so that it stays
        assert asyncio.run(forgotten(tmp_path / "m", Selection(app="mail"))) > 0
    assert holding(tmp_path / "m", CANARY.encode()) == []
    assert holding(tmp_path / "m", PICTURE) == []
    assert not any(CANARY in text for text in asyncio.run(found(tmp_path / "m", f"the {CANARY}")))


def test_what_was_not_meant_stays_as_it_was(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", "film", "other"))
    before = asyncio.run(contents(tmp_path / "m"))
    asyncio.run(forgotten(tmp_path / "m", Selection(sources=("film",))))
    after = asyncio.run(contents(tmp_path / "m"))
    assert after["observations"]
    for name, rows in before.items():
        kept = [row for row in rows if "film" not in (row.get("source"), row.get("id"))]
        assert after[name] == kept, name


def test_words_that_only_another_reading_holds_are_found_too(tmp_path: Path) -> None:
    misheard = replace(
        said("film", 61.0, 62.0, "Nobody knows the cats.", 9), details={"alternatives": [f"The {CANARY}."]}
    )

    async def work() -> int:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await ingest(store, source(), [misheard, *stream(5, 120.0)])
        assert holding(tmp_path, CANARY.encode())
        return await forgotten(tmp_path / "m", Selection(words=CANARY))

    assert asyncio.run(work()) == 1
    assert not holding(tmp_path, CANARY.encode())


def test_a_reader_that_had_it_in_its_index_loses_it(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m"))

    async def main() -> None:
        async with await opened(tmp_path / "m") as memory:
            assert any(CANARY in hit.text for hit in await memory.search(SearchRequest(CANARY)))
            await forgotten(tmp_path / "m", Selection(words=CANARY))
            hits = await memory.search(SearchRequest(CANARY, k=50))
            assert not any(CANARY in hit.text + hit.key_text for hit in hits)

    asyncio.run(main())


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m"))
    before = {p: p.read_bytes() for p in (tmp_path / "m").rglob("*") if p.is_file()}

    async def look() -> tuple[Sequence[str], int]:
        async with await Store.open(tmp_path / "m", read_only=True) as store:
            planned = await plan(store, Selection(words=CANARY))
            return [o.text for o in planned.records if o.modality != "seen"], len(planned.clips)

    texts, clips = asyncio.run(look())
    assert [CANARY in text for text in texts] == [True, True]
    assert clips >= 1
    assert {p: p.read_bytes() for p in (tmp_path / "m").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        (Selection(), "say what to forget"),
        (Selection(words="the of"), "only stop words"),
        (Selection(sources=("film",), t_min_s=9.0, t_max_s=1.0), "before it begins"),
    ],
)
def test_what_says_nothing_forgets_nothing(tmp_path: Path, selection: Selection, says: str) -> None:
    asyncio.run(remember(tmp_path / "m"))
    with pytest.raises(InputError, match=says):
        asyncio.run(forgotten(tmp_path / "m", selection))


def test_every_table_says_how_it_forgets(tmp_path: Path) -> None:
    async def names() -> set[str]:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await ingest(store, source(), stream(1, patches=16))
            return await store.names()

    known = {*BY_RECORD, *BY_CLIP, *BY_SOURCE, *REBUILT, *KEPT}
    assert asyncio.run(names()) <= known


def test_killed_in_the_middle_it_is_finished_by_the_next_writer(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from memory import Store, erasing\n"
        "from memory.forgetting import Selection, forget\n"
        "from tests.memory.world import SETTINGS, HashEncoder\n"
        "calls = 0\n"
        "rewrite = erasing._rewrite\n"
        "async def dies(store, name, fragments):\n"
        "    global calls\n"
        "    calls += 1\n"
        "    if calls == int(sys.argv[2]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    await rewrite(store, name, fragments)\n"
        "erasing._rewrite = dies\n"
        "async def main():\n"
        "    async with await Store.open(Path(sys.argv[1]), HashEncoder()) as store:\n"
        f"        await forget(store, Selection(words={CANARY!r}), SETTINGS)\n"
        "asyncio.run(main())\n"
    )
    asyncio.run(remember(tmp_path / "m"))
    asyncio.run(remember(tmp_path / "whole"))
    asyncio.run(forgotten(tmp_path / "whole", Selection(words=CANARY)))
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "m", "2"], cwd=ROOT, env=env, check=False)
    assert done.returncode == -9
    assert holding(tmp_path / "m", CANARY.encode())

    async def reopen() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()):
            pass

    asyncio.run(reopen())
    assert holding(tmp_path / "m", CANARY.encode()) == []
    assert asyncio.run(contents(tmp_path / "m")) == asyncio.run(contents(tmp_path / "whole"))


def test_a_session_that_goes_on_forgets_off_the_disk_too(tmp_path: Path) -> None:
    async def main() -> None:
        compute = Compute()
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            inbox: Channel[Message] = Channel("inbox", 1e6, Policy.BLOCK)
            for message in world():
                if not (isinstance(message, Watermark) and message.t_s == inf):
                    await inbox.put(message)
            inbox.close()
            writer = MemoryWriter(store, HashEncoder(), compute, SETTINGS, source())
            await writer.run(inbox)
            assert holding(tmp_path / "m", CANARY.encode())
            assert await writer.forget(40.0) > 0
            assert holding(tmp_path / "m", CANARY.encode()) == []
        await compute.close(5.0)

    asyncio.run(main())


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1000), data=st.data())
def test_forgetting_is_complete_and_the_rest_can_be_rebuilt_to_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, data: st.DataObject
) -> None:
    """Any record: its text is nowhere but where another record says it, and the levels are those of the rest."""

    async def main() -> None:
        folder = tmp_path_factory.mktemp("m")
        async with await Store.open(folder, HashEncoder()) as store:
            await ingest(store, source(), stream(seed))
            rows = await store.rows(schema.OBSERVATIONS)
            assert rows is not None
            one = data.draw(st.sampled_from(sorted(rows["id"].to_pylist())))
            gone = await forget(store, Selection(ids=(one,)), SETTINGS)
            assert one in {o.id for o in gone.records}
            left = await store.rows(schema.OBSERVATIONS)
            texts = left["text"].to_pylist() if left is not None else []
            before = await contents_of(store)
            await store.delete(schema.NODES, "true")
            await rebuild(store, "film", SETTINGS)
            assert await contents_of(store) == before
        for record in gone.records:
            if len(record.text) > 8 and not any(record.text in text for text in texts):
                assert holding(folder, record.text.encode()) == []

    asyncio.run(main())


async def contents_of(store: Store) -> list[dict[str, object]]:
    rows = await store.rows(schema.NODES)
    return sorted(rows.to_pylist() if rows is not None else [], key=lambda row: str(row["id"]))

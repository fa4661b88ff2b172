"""What `hearsight memory forget` takes out of the recordings of sessions that have ended."""

from __future__ import annotations

import asyncio
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from memory import Store
from runtime.app.cli import main
from runtime.app.live.cutting import note_made
from runtime.app.live.protocol import dump
from runtime.app.live.recording import Sound, read_events
from runtime.clock import VirtualClock, run_virtual
from runtime.compute import Compute
from tests.app.live.test_recorder import CHUNK, record
from tests.memory.test_forgetting import CANARY, holding
from tests.memory.world import HashEncoder, ingest, said, source, stream

SECRET = f"The {CANARY} is in the shed."
SPOKEN = said("live-1", 2.2, 4.1, SECRET)


async def _recorded(folder: Path) -> None:
    clock, compute = VirtualClock(), Compute()
    recorder = await record(folder, clock, compute, 8)
    shown = {"id": SPOKEN.id, "t_start": 2.2, "t_end": 4.1, "text": SECRET}
    recorder.shown("partial", {"text": f"the {CANARY}"})
    recorder.shown("utterance", shown)
    recorder.page("take", data=dump("ask", text=f"Where is the {CANARY}?"))
    recorder.shown("turn", {"turn": "t1", "text": f"Where is the {CANARY}?"})
    recorder.shown("delta", {"turn": "t1", "text": "in the shed"})
    recorder.shown("answer", {"turn": "t1", "text": "In the shed.", "evidence": [{"id": SPOKEN.id}]})
    recorder.shown("turn", {"turn": "t2", "text": "And the lamp?"})
    recorder.shown("answer", {"turn": "t2", "text": "It is green.", "evidence": []})
    await recorder.close()
    await compute.close(5.0)


async def _remembered(folder: Path) -> None:
    async with await Store.open(folder, HashEncoder()) as store:
        await ingest(store, source("live-1"), [SPOKEN, *stream(5, 30.0, "live-1")])
        await ingest(store, source("film"), stream(6, 30.0))


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A memory, and the recording of a session that was made with it."""
    memory, recording = tmp_path / "m", tmp_path / "recordings" / "live-1"
    run_virtual(_recorded(recording))
    asyncio.run(_remembered(memory))
    note_made(memory, recording)
    return memory, recording


def forget(memory: Path, *args: str) -> int:
    return main(["memory", "forget", *args, "--memory", str(memory), "--yes"])


@pytest.mark.parametrize("how", [("--query", CANARY), (SPOKEN.id,)], ids=["words", "id"])
def test_what_is_forgotten_is_cut_out(places: tuple[Path, Path], how: tuple[str, ...]) -> None:
    memory, recording = places
    events, sound = read_events(recording), Sound(recording)
    heard = {e["t"]: sound.next(e["sound"]) for e in events if "sound" in e}
    assert forget(memory, *how) == 0
    assert not holding(memory, CANARY.encode())
    assert not holding(recording, CANARY.encode())
    left, sound = read_events(recording), Sound(recording)
    assert [e["t"] for e in left if "sound" in e] == [0.0, 1.0, 2.0, 5.0, 6.0, 7.0]
    for event in left:
        if "sound" in event:
            assert np.array_equal(sound.next(event["sound"]), heard[event["t"]])
    with wave.open(str(recording / "sound.wav")) as wav:
        assert wav.getnframes() == 6 * CHUNK
    kept = {e["picture"] for e in left if "picture" in e}
    assert kept == {path.name for path in (recording / "pictures").iterdir()}
    assert len(kept) == 6
    assert {e.get("turn") for e in left if "turn" in e} == {"t2"}
    assert left[-1]["end"]


def test_a_span_goes_with_all_that_was_shown_of_it(places: tuple[Path, Path]) -> None:
    memory, recording = places
    assert forget(memory, "--source", "live-1.mp4", "--from", "5") == 0
    assert [e["t"] for e in read_events(recording) if "sound" in e] == [
        0.0,
        1.0,
        2.0,
    ]  # an utterance until 4.9


def test_a_whole_session_goes_with_its_recording(places: tuple[Path, Path]) -> None:
    memory, recording = places
    assert forget(memory, "--source", "film.mp4") == 0
    assert len(read_events(recording)) > 20
    assert forget(memory, "--source", "live-1.mp4") == 0
    assert not recording.exists()


def test_a_recording_that_is_gone_or_damaged_costs_a_line(
    places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    memory, recording = places
    (recording / "sound.wav").unlink()
    assert forget(memory, "--source", "live-1.mp4", "--from", "10") == 1  # what it holds is still there
    assert capsys.readouterr().err.count("\n") == 1
    shutil.rmtree(recording)
    assert forget(memory, "--query", CANARY) == 0
    said_so = capsys.readouterr().err
    assert "is gone" in said_so and said_so.count("\n") == 1
    assert not holding(memory, CANARY.encode())

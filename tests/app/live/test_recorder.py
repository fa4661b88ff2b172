"""What a recording holds, what is cut out of it, and what a failing disk does to it."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from runtime.app.live import recording
from runtime.app.live.recorder import Recorder
from runtime.app.live.recording import About, Sound, decode_picture, read_about, read_events, recordings_in
from runtime.channel import Channel, Policy
from runtime.clock import VirtualClock
from runtime.compute import Compute
from runtime.errors import InputError
from runtime.messages import AudioChunk, VideoFrame
from tests.conftest import Run

T = TypeVar("T")

ABOUT = About(
    hearsight="0.1.0",
    session="live-1",
    zero_wall=1000.0,
    models={"vision": "v"},
    settings=("live.chapter_s=10.0",),
)
CHUNK = 512


async def record(folder: Path, clock: VirtualClock, compute: Compute, seconds: int) -> Recorder:
    """A chunk, a picture and an event each second."""
    recorder = Recorder(folder, ABOUT, compute, clock)
    recorder.begin(clock.now())
    sound, sound_on = (Channel[AudioChunk](n, 100, Policy.BLOCK, clock=clock) for n in ("in", "out"))
    video, video_on = (Channel[VideoFrame](n, 100, Policy.BLOCK, clock=clock) for n in ("in", "out"))
    stages = [
        asyncio.create_task(recorder.sound(sound, sound_on)),
        asyncio.create_task(recorder.pictures(video, video_on)),
    ]
    rng = np.random.default_rng(1)
    for second in range(seconds):
        await sound.put(AudioChunk(float(second), rng.uniform(-1, 1, CHUNK).astype(np.float32)))
        await video.put(VideoFrame(float(second), np.full((48, 64, 3), 10 * second, np.uint8)))
        recorder.shown("utterance", {"id": str(second), "t_start": second, "t_end": second, "text": "hello"})
        await clock.sleep(1.0)
    sound.close()
    video.close()
    await asyncio.gather(*stages)
    sound_on.close()
    recorder.passed_on = [chunk async for chunk in sound_on]  # type: ignore[attr-defined]
    return recorder


def test_what_goes_on_is_what_is_kept(run_virtual: Run, tmp_path: Path) -> None:
    async def main() -> None:
        clock, compute = VirtualClock(), Compute()
        recorder = await record(tmp_path / "r", clock, compute, 3)
        await recorder.close()
        await compute.close(5.0)
        assert recordings_in(tmp_path) == recordings_in(tmp_path / "r") == [tmp_path / "r"]
        assert read_about(tmp_path / "r") == ABOUT
        events = read_events(tmp_path / "r")
        assert [e["at"] for e in events] == sorted(e["at"] for e in events)
        assert events[-1]["end"]
        sound = Sound(tmp_path / "r")
        chunks = recorder.passed_on  # type: ignore[attr-defined]
        for event, chunk in zip([e for e in events if "sound" in e], chunks, strict=True):
            assert event["t"] == chunk.t_s
            assert np.array_equal(sound.next(event["sound"]), chunk.samples)
        with wave.open(str(tmp_path / "r" / "sound.wav")) as wav:
            assert (wav.getframerate(), wav.getnchannels(), wav.getnframes()) == (16_000, 1, 3 * CHUNK)
        pictures = [e["picture"] for e in events if "picture" in e]
        image = decode_picture((tmp_path / "r" / "pictures" / pictures[2]).read_bytes())
        assert image.shape == (48, 64, 3)
        assert abs(int(image[0, 0, 0]) - 20) <= 2
        for path in (tmp_path / "r", *(tmp_path / "r").rglob("*")):
            assert path.stat().st_mode & 0o077 == 0, path

    run_virtual(main())


class Queued(Compute):
    """Calls wait in the queue until the gate opens; one that is cancelled there is dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def run(self, name: str, fn: Callable[..., T], *args: Any) -> T:
        await self.gate.wait()
        return fn(*args)


def test_what_waits_for_the_disk_when_it_ends_is_kept(run_virtual: Run, tmp_path: Path) -> None:
    async def main() -> None:
        clock, compute = VirtualClock(), Queued()
        recorder = Recorder(tmp_path / "r", ABOUT, compute, clock)
        recorder.begin(clock.now())
        recorder.shown("utterance", {"id": "1", "text": "hello"})
        await clock.sleep(1.0)
        closing = asyncio.create_task(recorder.close())
        await clock.sleep(5.0)
        compute.gate.set()
        await closing
        assert [e.get("id") for e in read_events(tmp_path / "r")] == ["1", None]

    run_virtual(main())


@pytest.mark.parametrize("from_s", [0.0, 1.5, 2.0, 9.0])
def test_what_is_forgotten_is_cut_out(run_virtual: Run, tmp_path: Path, from_s: float) -> None:
    async def main() -> None:
        clock, compute = VirtualClock(), Compute()
        recorder = await record(tmp_path / "r", clock, compute, 4)
        await recorder.forget(from_s, 3.5)
        recorder.shown("forgotten", {"from": from_s})
        await recorder.close()
        await compute.close(5.0)
        kept = [second for second in range(4) if second < from_s]
        events = read_events(tmp_path / "r")
        assert [e["t"] for e in events if "sound" in e] == kept
        assert [e["id"] for e in events if e.get("show") == "utterance"] == [str(s) for s in kept]
        assert events[-2]["show"] == "forgotten"
        names = {path.name for path in (tmp_path / "r" / "pictures").iterdir()}
        assert names == {f"{1000 * s:09}.jpg" for s in kept}
        with wave.open(str(tmp_path / "r" / "sound.wav")) as wav:
            assert wav.getnframes() == len(kept) * CHUNK
        for path in (tmp_path / "r").rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path

    run_virtual(main())


def test_what_was_on_its_way_when_it_was_forgotten_is_not_kept(run_virtual: Run, tmp_path: Path) -> None:
    async def main() -> None:
        clock, compute = VirtualClock(), Compute()
        recorder = await record(tmp_path / "r", clock, compute, 2)
        await recorder.forget(0.0, 2.0)
        sound, sound_on = (Channel[AudioChunk](n, 100, Policy.BLOCK, clock=clock) for n in ("in", "out"))
        video, video_on = (Channel[VideoFrame](n, 100, Policy.BLOCK, clock=clock) for n in ("in", "out"))
        for second in (1.9, 2.1):
            sound.put_nowait(AudioChunk(second, np.zeros(CHUNK, np.float32)))
            video.put_nowait(VideoFrame(second, np.zeros((48, 64, 3), np.uint8)))
        sound.close()
        video.close()
        await asyncio.gather(recorder.sound(sound, sound_on), recorder.pictures(video, video_on))
        assert (len(sound_on), len(video_on)) == (2, 2)
        await recorder.close()
        await compute.close(5.0)
        assert [e["t"] for e in read_events(tmp_path / "r") if "t" in e] == [2.1, 2.1]
        assert [path.name for path in (tmp_path / "r" / "pictures").iterdir()] == ["000002100.jpg"]
        assert len(Sound(tmp_path / "r").next(10**9)) == CHUNK

    run_virtual(main())


def test_a_recording_that_was_cut_off_can_be_read(run_virtual: Run, tmp_path: Path) -> None:
    async def main() -> None:
        clock, compute = VirtualClock(), Compute()
        recorder = await record(tmp_path / "r", clock, compute, 3)
        await clock.sleep(1.0)  # it writes four times a second: this is what a killed process leaves
        before = read_events(tmp_path / "r")
        assert len(Sound(tmp_path / "r").next(10**9)) == 3 * CHUNK
        with (tmp_path / "r" / "events.jsonl").open("a") as file:
            file.write('{"at": 4.0, "sh')
        assert read_events(tmp_path / "r") == before
        await recorder.close()
        await compute.close(5.0)

    run_virtual(main())


def test_when_nothing_can_be_written_it_says_so_once_and_passes_on(
    run_virtual: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        clock, compute = VirtualClock(), Compute()
        told: list[str] = []

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Recorder, "_append", full)
        recorder = Recorder(tmp_path / "r", ABOUT, compute, clock)
        recorder.failed = told.append
        inbox, outbox = (Channel[AudioChunk](n, 100, Policy.BLOCK, clock=clock) for n in ("in", "out"))
        stage = asyncio.create_task(recorder.sound(inbox, outbox))
        for second in range(3):
            await inbox.put(AudioChunk(float(second), np.zeros(CHUNK, np.float32)))
            await clock.sleep(1.0)
        inbox.close()
        await stage
        assert len(outbox) == 3
        assert told == ["the recording has stopped: No space left on device"]
        await recorder.close()
        await compute.close(5.0)

    run_virtual(main())


def test_a_folder_that_cannot_be_made(run_virtual: Run, tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match="--record"):
            Recorder(tmp_path / "file" / "r", ABOUT, Compute(), VirtualClock())

    run_virtual(main())


def test_what_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        recordings_in(tmp_path / "nothing")
    with pytest.raises(InputError, match="no recording in it"):
        recordings_in(tmp_path)
    (tmp_path / "session.json").write_text(json.dumps(ABOUT.model_dump() | {"version": 9}))
    with pytest.raises(InputError, match="version 9"):
        read_about(tmp_path)
    (tmp_path / "events.jsonl").write_text('{"at": 1}\nnothing\n{"at": 2}\n')
    with pytest.raises(InputError, match="line 2"):
        read_events(tmp_path)
    with pytest.raises(InputError, match=r"sound\.wav"):
        Sound(tmp_path)


def test_settings_come_back_as_they_were() -> None:
    from runtime.app.settings import AppSettings
    from runtime.config import load_settings

    settings = load_settings(AppSettings, overrides=["audio.mark_every_s=3", 'vision.model="a b"'])
    lines = [*recording.flat(settings.model_dump(mode="json", include={"audio", "vision", "memory"}))]
    assert load_settings(AppSettings, env={}, overrides=lines) == settings

"""The file source: times, rotation, resume, and files that are not what they should be."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perception.settings import SourceSettings
from perception.sources.file import FileSource, fingerprint
from runtime.channel import Channel, Policy
from runtime.clock import VirtualClock, run_virtual
from runtime.compute import Compute
from runtime.errors import MediaError
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, VideoFrame

from .media import shade, tone, write_media

FPS = 2.0


def perceive(
    path: Path,
    *,
    settings: SourceSettings | None = None,
    video: bool = True,
    audio: bool = True,
    resume_s: float = 0.0,
) -> tuple[list[VideoFrame], list[AudioChunk], FileSource, list[VideoFrame | AudioChunk]]:
    """All frames, all chunks, the source, and both in the order in which they came."""
    order: list[VideoFrame | AudioChunk] = []

    async def main() -> FileSource:
        source = FileSource(path, settings or SourceSettings(decode_fps=FPS))
        frames: Channel[VideoFrame] = Channel("video", 4, Policy.BLOCK)
        chunks: Channel[AudioChunk] = Channel("audio", 4, Policy.BLOCK)
        compute = Compute()

        async def decode() -> None:
            await source.run(
                frames if video else None, chunks if audio else None, compute, resume_video_s=resume_s
            )
            frames.close()
            chunks.close()

        async def drain(channel: Channel[Any]) -> None:
            async for item in channel:
                order.append(item)  # noqa: PERF401 - the order across both channels is what counts

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(decode())
                group.create_task(drain(frames))
                group.create_task(drain(chunks))
        except* MediaError as errors:
            raise errors.exceptions[0] from None
        finally:
            await compute.close(1)
        return source

    source = asyncio.run(main())
    return (
        [i for i in order if isinstance(i, VideoFrame)],
        [i for i in order if isinstance(i, AudioChunk)],
        source,
        order,
    )


def steady(seconds: float, fps: float = 10, step: int = 2) -> list[tuple[float, np.ndarray[Any, Any]]]:
    """Each picture's grey level is 20 + step * (its number)."""
    return [(i / fps, shade(20 + step * i)) for i in range(round(seconds * fps))]


def joined(chunks: list[AudioChunk]) -> np.ndarray[Any, Any]:
    return np.concatenate([c.samples for c in chunks])


def level(frame: VideoFrame) -> float:
    return float(frame.image.mean())


def test_probe_tells_what_there_is(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", steady(2), [(0.0, tone(2))])
    info = FileSource(path).probe()
    assert info.has_video
    assert info.has_audio
    assert info.size == (160, 96)
    assert info.rotation == 0
    assert info.duration_s == pytest.approx(2.0, abs=0.15)


def test_the_source_id_survives_a_new_name_but_not_a_new_content(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", steady(1))
    first = FileSource(path).probe().source_id
    moved = path.rename(tmp_path / "b.mkv")
    assert FileSource(moved).probe().source_id == first
    moved.write_bytes(moved.read_bytes() + b"x")
    assert fingerprint(moved)[:16] != first


def test_one_picture_for_each_cell_of_the_grid(tmp_path: Path) -> None:
    frames, chunks, _, _ = perceive(write_media(tmp_path / "a.mkv", steady(4)))
    assert [f.t_s for f in frames] == pytest.approx([i / FPS for i in range(8)], abs=0.002)
    assert [level(f) for f in frames] == pytest.approx([20 + 2 * 5 * i for i in range(8)], abs=3)
    assert chunks == []
    assert frames[0].image.dtype == np.uint8
    assert frames[0].image.shape == (96, 160, 3)


def test_variable_frame_rate_goes_by_the_time_stamps(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.15, 0.7, 3.2, 3.25, 3.9]
    path = write_media(tmp_path / "a.mkv", [(t, shade(30 + 20 * i)) for i, t in enumerate(times)])
    frames, _, _, _ = perceive(path)
    assert [f.t_s for f in frames] == pytest.approx([0.0, 0.7, 3.2, 3.9], abs=0.002)
    assert [level(f) for f in frames] == pytest.approx([30, 90, 110, 150], abs=3)


def test_dense_pictures_that_nothing_refers_to_are_skipped_and_sparse_ones_never(tmp_path: Path) -> None:
    dense = write_media(tmp_path / "dense.mkv", steady(6, fps=30, step=1))
    frames, _, source, _ = perceive(dense)
    assert source.stats.frames_decoded <= 120
    assert [f.t_s for f in frames] == pytest.approx([i / FPS for i in range(12)], abs=0.11)
    sparse = write_media(tmp_path / "sparse.mkv", steady(12, fps=1, step=10))
    frames, _, source, _ = perceive(sparse)
    assert source.stats.frames_decoded == len(frames) == 12


def test_pictures_that_will_not_be_given_out_are_skipped_where_nothing_refers_to_them(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", steady(6, fps=10))
    some, _, source, _ = perceive(path)
    every, _, patient, _ = perceive(path, settings=SourceSettings(decode_fps=10))
    assert source.stats.frames_decoded < 50 < patient.stats.frames_decoded == 60
    assert source.stats.video_end_s == patient.stats.video_end_s
    assert [f.t_s for f in some] == [i / FPS for i in range(12)]
    for a, b in zip(some, every[::5], strict=True):
        np.testing.assert_array_equal(a.image, b.image)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_times_begin_at_zero_wherever_the_file_begins(tmp_path: Path, suffix: str) -> None:
    path = write_media(tmp_path / f"a{suffix}", steady(2), offset_s=7.0)
    frames, _, _, _ = perceive(path)
    assert [f.t_s for f in frames] == pytest.approx([0.0, 0.5, 1.0, 1.5], abs=0.1)


def test_sound_that_begins_later_keeps_its_time(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", steady(3), [(1.0, tone(2))])
    _, chunks, _, _ = perceive(path)
    assert chunks[0].t_s == pytest.approx(1.0, abs=0.002)


def test_chunks_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.wav", sounds=[(0.0, tone(2.7))])
    _, chunks, source, _ = perceive(path)
    assert [c.t_s for c in chunks] == pytest.approx([0.5 * i for i in range(6)])
    assert all(len(c.samples) == SAMPLE_RATE_HZ // 2 for c in chunks[:-1])
    assert joined(chunks).dtype == np.float32
    np.testing.assert_allclose(joined(chunks), tone(2.7), atol=1e-3)
    assert source.stats.samples_delivered == round(2.7 * SAMPLE_RATE_HZ)


def test_a_hole_in_the_sound_becomes_silence(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", sounds=[(0.0, tone(1)), (2.5, tone(1))])
    _, chunks, source, _ = perceive(path)
    sound = joined(chunks)
    assert len(sound) / SAMPLE_RATE_HZ == pytest.approx(3.5, abs=0.01)
    assert np.abs(sound[int(1.1 * SAMPLE_RATE_HZ) : int(2.4 * SAMPLE_RATE_HZ)]).max() == 0
    assert np.abs(sound[int(2.6 * SAMPLE_RATE_HZ) : int(3.4 * SAMPLE_RATE_HZ)]).max() > 0.25
    assert source.stats.silence_filled_s == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
def test_any_rate_becomes_16_khz_of_the_same_length(tmp_path: Path, rate_hz: int) -> None:
    path = write_media(tmp_path / "a.mkv", sounds=[(0.0, tone(3, rate_hz=rate_hz))], rate_hz=rate_hz)
    _, chunks, _, _ = perceive(path)
    sound = joined(chunks)
    assert len(sound) == pytest.approx(3 * SAMPLE_RATE_HZ, abs=32)
    spectrum = np.abs(np.fft.rfft(sound))
    assert spectrum.argmax() * SAMPLE_RATE_HZ / len(sound) == pytest.approx(440, abs=1)


def test_both_streams_come_in_step(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", steady(10, step=1), [(0.0, tone(10))])
    _, _, _, order = perceive(path, settings=SourceSettings(decode_fps=FPS, ahead_s=2.0))
    reached = {VideoFrame: 0.0, AudioChunk: 0.0}
    for item in order:
        reached[type(item)] = item.t_s
        # The consumers' channels add up to four items each to what the source lets run ahead.
        assert abs(reached[VideoFrame] - reached[AudioChunk]) <= 2.0 + 2 * 4 * 0.5


@pytest.mark.parametrize(("ahead_s", "least_s", "most_s"), [(300.0, 60.0, 60.0), (4.0, 4.0, 16.0)])
def test_sound_goes_ahead_of_pictures_that_wait(
    tmp_path: Path, ahead_s: float, least_s: float, most_s: float
) -> None:
    sounds = [(float(i), tone(1)) for i in range(60)]
    path = write_media(tmp_path / "a.mkv", steady(60, fps=5, step=0), sounds, codec="ffv1")
    clock = VirtualClock()

    async def main() -> tuple[float, float, int]:
        frames: Channel[VideoFrame] = Channel("video", 1, Policy.BLOCK)
        chunks: Channel[AudioChunk] = Channel("audio", 200, Policy.BLOCK)
        compute = Compute()
        source = FileSource(path, SourceSettings(decode_fps=FPS, ahead_s=ahead_s))
        decoding = asyncio.create_task(source.run(frames, chunks, compute))
        await clock.sleep(1)  # virtual: until nothing moves any more
        ahead, seen = 0.5 * len(chunks), 0
        decoding.add_done_callback(lambda _: frames.close())
        async for _ in frames:
            seen += 1
        await decoding
        await compute.close(1)
        return ahead, 0.5 * len(chunks), seen

    ahead, heard, seen = run_virtual(main())
    assert least_s <= ahead <= most_s
    assert (heard, seen) == (60.0, 120)


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_pictures_are_upright(tmp_path: Path, turn: int) -> None:
    """FFmpeg's angle says how far the player turns the stored picture counter-clockwise."""
    picture = shade(40)
    picture[:, :40] = 220  # a bright bar at the stored picture's left edge
    path = write_media(tmp_path / "a.mp4", [(i / 10, picture) for i in range(10)], rotation=turn)
    frames, _, _, _ = perceive(path)
    upright = np.rot90(picture, turn // 90)
    assert frames[0].image.shape == upright.shape
    np.testing.assert_allclose(frames[0].image.mean(axis=2), upright.mean(axis=2), atol=25)
    assert FileSource(path).probe().size == upright.shape[1::-1]


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", [(i / 10, shade(90, (640, 360))) for i in range(5)])
    frames, _, _, _ = perceive(path, settings=SourceSettings(max_side=320))
    assert frames[0].image.shape == (180, 320, 3)


def test_odd_sizes(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", [(i / 10, shade(90, (101, 67))) for i in range(5)], codec="ffv1")
    frames, _, _, _ = perceive(path)
    assert frames[0].image.shape == (67, 101, 3)


@pytest.mark.parametrize("resume_s", [3.0, 6.0, 6.5])
def test_a_resumed_run_gives_the_same_pictures(tmp_path: Path, resume_s: float) -> None:
    path = write_media(tmp_path / "a.mp4", steady(10), [(0.0, tone(10))], key_every=25)
    whole, sound, full, _ = perceive(path)
    rest, sound_again, resumed, _ = perceive(path, resume_s=resume_s)
    expected = [f for f in whole if f.t_s >= resume_s]
    assert [f.t_s for f in rest] == [f.t_s for f in expected]
    for a, b in zip(rest, expected, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(joined(sound), joined(sound_again))
    assert resumed.stats.frames_decoded < full.stats.frames_decoded


def test_an_output_that_is_not_wanted_is_not_decoded(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", steady(2), [(0.0, tone(2))])
    frames, chunks, source, _ = perceive(path, video=False)
    assert frames == []
    assert chunks
    assert source.stats.frames_decoded == 0


def test_sound_only_and_pictures_only(tmp_path: Path) -> None:
    sound = write_media(tmp_path / "a.wav", sounds=[(0.0, tone(1))])
    assert not FileSource(sound).probe().has_video
    frames, chunks, _, _ = perceive(sound)
    assert (frames, bool(chunks)) == ([], True)
    silent = write_media(tmp_path / "b.mkv", steady(1))
    assert not FileSource(silent).probe().has_audio
    frames, chunks, _, _ = perceive(silent)
    assert (bool(frames), chunks) == (True, [])


def test_a_truncated_file_gives_what_there_is_and_says_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    noise = [(i / 10, rng.integers(0, 255, (96, 160, 3), dtype=np.uint8)) for i in range(100)]
    path = write_media(tmp_path / "a.mkv", noise, [(0.0, tone(10))])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames, chunks, source, _ = perceive(path)
    assert 4 < len(frames) < 16
    assert chunks
    assert source.stats.truncated
    assert any("a.mkv" in line and "ends after" in line for line in source.stats.warnings)


def test_damage_inside_is_skipped_and_counted(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    noise = [(i / 10, rng.integers(0, 255, (96, 160, 3), dtype=np.uint8)) for i in range(100)]
    path = write_media(tmp_path / "a.ts", noise)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 188 * 188
    for start in range(middle, middle + 40 * 188, 188):
        data[start + 8 : start + 188] = rng.integers(0, 255, 180, dtype=np.uint8).tobytes()
    path.write_bytes(data)
    frames, _, source, _ = perceive(path)
    assert frames[-1].t_s > 8.5
    assert source.stats.bad_packets + source.stats.corrupt_frames > 0
    assert any("damaged" in line for line in source.stats.warnings)


@pytest.mark.parametrize(
    "content",
    [b"", b"this is a text file, not a video\n" * 40, bytes(range(256)) * 40],
    ids=["empty", "text", "noise"],
)
def test_what_is_not_media_is_one_line_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    for attempt in (lambda: FileSource(path).probe(), lambda: perceive(path)):
        with pytest.raises(MediaError, match=r"clip\.mp4") as caught:
            attempt()
        assert "\n" not in str(caught.value)


def test_a_file_of_which_nothing_can_be_decoded_is_refused_by_the_probe(tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mp4", [(i / 10, shade(i)) for i in range(50)], [(0.0, tone(5.0))])
    whole = path.read_bytes()
    start, end = whole.index(b"mdat") + 4, whole.index(b"moov") - 4
    path.write_bytes(whole[:start] + bytes(end - start) + whole[end:])
    with pytest.raises(MediaError, match=r"clip\.mp4: nothing in it can be decoded"):
        FileSource(path).probe()
    # Damage that ends somewhere does not matter.
    half = start + (end - start) // 2
    path.write_bytes(whole[:start] + bytes(half - start) + whole[half:])
    assert FileSource(path).probe().has_video


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.mp4", tmp_path):
        with pytest.raises(MediaError, match=str(path)):
            FileSource(path).probe()

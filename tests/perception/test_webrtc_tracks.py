"""The readers of a browser's tracks: times, formats, holes, bursts, slow consumers, and a real connection."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest
from aiortc import RTCPeerConnection
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import RtpPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from perception.sources.webrtc import AsItComes, AudioTrackReader, VideoTrackReader, without_jitter_buffer
from runtime.app.live.speaker import RATE_HZ, SpeakerTrack
from runtime.channel import Channel, Policy
from runtime.clock import SystemClock, VirtualClock, run_virtual
from runtime.compute import Compute
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, Samples, VideoFrame
from runtime.session import cancel_and_wait
from tests.conftest import Run, without_leaks

from .media import shade, tone, write_media

FRAME_S = 0.02
HZ = 440.0


class Script(MediaStreamTrack):
    """Gives out its frames when they are due, then ends. frames: (arrival in seconds, frame), in order."""

    def __init__(self, kind: str, clock: VirtualClock, frames: Iterable[tuple[float, Any]]) -> None:
        super().__init__()
        self.kind = kind
        self._clock = clock
        self._frames = iter(frames)

    async def recv(self) -> Any:
        try:
            due_s, frame = next(self._frames)
        except StopIteration:
            self.stop()
            raise MediaStreamError from None
        if due_s > self._clock.now():
            await self._clock.sleep(due_s - self._clock.now())
        return frame


def sound(
    samples: Samples, stamp: int | None, *, rate_hz: int = 48_000, form: str = "s16", layout: str = "stereo"
) -> av.AudioFrame:
    """A mono signal as a decoder would give it, in any format. stamp: in samples."""
    channels = 2 if layout == "stereo" else 1
    pcm = samples if form.startswith("flt") else np.round(samples * 32767).astype(np.int16)
    rows = np.tile(pcm, (channels, 1))
    data = rows if form.endswith("p") else np.ascontiguousarray(rows.T.reshape(1, -1))
    frame = av.AudioFrame.from_ndarray(data, format=form, layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, stamp, Fraction(1, rate_hz)
    return frame


def microphone(
    length_s: float, *, lost: Sequence[int] = (), delays: Sequence[float] = (), rate: float = 1.0
) -> list[tuple[float, av.AudioFrame]]:
    """A tone as it comes over a network. lost: numbers of packets. delays: of each packet, in order.
    rate: samples that the sender makes in the time of one.
    """
    signal = tone(length_s, HZ, RATE_HZ)
    frames = []
    for i in range(round(length_s / FRAME_S)):
        if i in lost:
            continue
        arrival_s = (i + 1) * FRAME_S / rate + (delays[i] if i < len(delays) else 0.0)
        frames.append((arrival_s, sound(signal[i * 960 : (i + 1) * 960], i * 960)))
    latest = 0.0  # the jitter buffer keeps the order
    for i, (arrival_s, frame) in enumerate(frames):
        latest = max(latest, arrival_s)
        frames[i] = (latest, frame)
    return frames


def audio_channel(clock: Any = None, bound_ms: float = 1e9) -> Channel[AudioChunk]:
    return Channel("audio", bound_ms, Policy.DROP_OLDEST, weigh=lambda c: c.duration_s * 1000, clock=clock)


def listen(frames: Iterable[tuple[float, Any]]) -> tuple[list[AudioChunk], AudioTrackReader, list[float]]:
    """All chunks, the reader, and when each chunk came."""
    chunks: list[AudioChunk] = []
    came: list[float] = []

    async def main() -> AudioTrackReader:
        clock = VirtualClock()
        reader = AudioTrackReader(Script("audio", clock, frames), clock)
        out = audio_channel(clock)

        async def read() -> None:
            async for chunk in out:
                chunks.append(chunk)
                came.append(clock.now())

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            await reader.run(out)
            out.close()
        return reader

    return chunks, run_virtual(without_leaks(main())), came


def joined(chunks: Sequence[AudioChunk]) -> Samples:
    return np.concatenate([chunk.samples for chunk in chunks])


def steps(chunks: Sequence[AudioChunk]) -> list[float]:
    """Seconds between the end of a chunk and the begin of the next one."""
    return [after.t_s - before.t_s - before.duration_s for before, after in pairwise(chunks)]


def pitch_hz(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    return float(np.argmax(spectrum)) * SAMPLE_RATE_HZ / (1 << 18)


def likeness(samples: Samples, hz: float = HZ) -> float:
    """1 for a pure tone without a break in its phase."""
    t = np.arange(len(samples)) / SAMPLE_RATE_HZ
    power = np.abs(samples @ np.exp(2j * np.pi * hz * t)) ** 2
    return float(power * 2 / len(samples) / np.sum(samples**2))


# Sound


def test_a_tone_arrives_whole_and_on_time() -> None:
    chunks, reader, came = listen(microphone(2.0))
    assert {len(chunk.samples) for chunk in chunks[:-1]} == {512}
    assert all(chunk.samples.dtype == np.float32 for chunk in chunks)
    assert chunks[0].t_s == pytest.approx(0.0, abs=1e-9)
    assert max(map(abs, steps(chunks))) < 1e-9
    assert len(joined(chunks)) == 32_000
    assert likeness(joined(chunks)) > 0.999
    assert max(at - chunk.t_s - chunk.duration_s for at, chunk in zip(came, chunks, strict=True)) < 0.0201
    assert (reader.stats.received, reader.stats.filled_s, reader.stats.cut_s) == (100, 0, 0)


def test_the_format_may_change_at_any_frame() -> None:
    formats = [
        (48_000, "s16", "stereo"),
        (8_000, "s16", "mono"),
        (44_100, "s16p", "stereo"),
        (16_000, "flt", "mono"),
        (48_000, "fltp", "stereo"),
        (48_000, "s16", "mono"),
    ]
    frames: list[tuple[float, Any]] = []
    for i in range(120):
        rate_hz, form, layout = formats[i // 20]
        n = rate_hz // 50
        part = tone(3.0, HZ, rate_hz)[i * n : (i + 1) * n]
        frames.append((i * FRAME_S, sound(part, i * n, rate_hz=rate_hz, form=form, layout=layout)))
    chunks, reader, _ = listen(frames)
    heard = joined(chunks)
    assert max(map(abs, steps(chunks))) < 1e-9
    assert len(heard) == pytest.approx(2.4 * SAMPLE_RATE_HZ, abs=16)
    for part in range(6):
        middle = heard[round((part * 0.4 + 0.05) * 16_000) : round((part * 0.4 + 0.35) * 16_000)]
        assert likeness(middle) > 0.999
        assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)
    assert reader.stats.jumps == 0


def test_lost_packets_become_silence_of_their_length() -> None:
    chunks, reader, _ = listen(microphone(1.0, lost=[10, 11, 12, 30]))
    heard = joined(chunks)
    assert len(heard) == 16_000
    assert max(map(abs, steps(chunks))) < 1e-9
    assert np.abs(heard[3300:4060]).max() < 0.02 and np.abs(heard[9650:9870]).max() < 0.02
    assert likeness(heard[4300:9500]) > 0.999 and likeness(heard[10_000:]) > 0.999
    assert reader.stats.filled_s == pytest.approx(0.08)


def test_minutes_of_nothing_are_jumped_over() -> None:
    frames = microphone(1.0)
    frames += [
        (at_s + 300, sound(np.zeros(960, np.float32), 300 * 48_000 + i * 960))
        for i, (at_s, _) in enumerate(microphone(1.0), start=50)
    ]
    chunks, reader, _ = listen(frames)
    jumps = [
        (chunk.t_s + chunk.duration_s, step)
        for chunk, step in zip(chunks, steps(chunks), strict=False)
        if abs(step) > 1e-9
    ]
    assert len(jumps) == 1 and reader.stats.jumps == 1
    assert jumps[0][0] == pytest.approx(1.0, abs=0.002) and jumps[0][1] == pytest.approx(299.0, abs=0.002)
    assert sum(chunk.duration_s for chunk in chunks) == pytest.approx(2.0, abs=0.001)


@pytest.mark.parametrize("leap", [1 << 32, -(1 << 32), -480, 40_000])
def test_a_sender_that_sets_its_clock_moves_nothing(leap: int) -> None:
    frames = microphone(2.0)
    for _, frame in frames[50:]:
        frame.pts += leap
    chunks, reader, _ = listen(frames)
    assert max(map(abs, steps(chunks))) < 1e-9
    assert likeness(joined(chunks)) > 0.999
    assert reader.stats.filled_s == 0


def test_frames_without_time_stamps_are_counted() -> None:
    frames = microphone(1.0)
    for _, frame in frames:
        frame.pts = None
    chunks, _, _ = listen(frames)
    assert len(joined(chunks)) == 16_000 and likeness(joined(chunks)) > 0.999


def test_what_had_piled_up_before_the_first_read_does_not_put_the_times_ahead() -> None:
    frames = [(max(at_s, 1.0), frame) for at_s, frame in microphone(4.0)]  # a second's worth at once
    chunks, reader, came = listen(frames)
    assert reader.stats.cut_s == pytest.approx(1.0, abs=0.05)
    assert max(map(abs, steps(chunks))) < 1e-9
    late = [chunk.t_s + chunk.duration_s - at for chunk, at in zip(chunks, came, strict=True)]
    assert max(late) < 0.2 and max(late[-20:]) < 0.025


@settings(max_examples=40, deadline=None)
@given(delays=st.lists(st.floats(0, 0.19), min_size=100, max_size=100), seed=st.integers(0, 1000))
def test_jitter_and_loss_leave_no_trace_in_the_times(delays: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    lost = sorted(rng.choice(np.arange(1, 99), 20, replace=False).tolist())
    chunks, reader, came = listen(microphone(2.0, lost=lost, delays=delays))
    assert max(map(abs, steps(chunks))) < 1e-9
    assert len(joined(chunks)) == 32_000
    assert reader.stats.filled_s == pytest.approx(0.4) and reader.stats.cut_s == 0
    # The times are off by the delay of the first packet, and by nothing else.
    assert chunks[0].t_s == pytest.approx(delays[0], abs=1e-9)
    assert all(
        -0.2 < at - chunk.t_s - chunk.duration_s < 0.42 for at, chunk in zip(came, chunks, strict=True)
    )


@pytest.mark.parametrize("rate", [0.99, 1.01])
def test_a_sender_whose_clock_drifts_is_kept_up_with(rate: float) -> None:
    chunks, reader, came = listen(microphone(120.0, rate=rate))
    off = [at - chunk.t_s - chunk.duration_s for at, chunk in zip(came, chunks, strict=True)]
    assert min(off) > -0.22 and max(off) < 0.7
    assert max(map(abs, steps(chunks))) < 1e-9
    corrected_s = reader.stats.filled_s if rate < 1 else reader.stats.cut_s
    assert corrected_s == pytest.approx(1.2, abs=0.7)


def test_a_sender_that_stood_still_is_moved_to_its_place() -> None:
    """Its time stamps go on as if nothing had happened, two seconds late."""
    frames = microphone(20.0)
    frames = [(at_s + (2.0 if i >= 100 else 0.0), frame) for i, (at_s, frame) in enumerate(frames)]
    chunks, reader, came = listen(frames)
    assert reader.stats.jumps == 1
    assert min(steps(chunks)) > -1e-9
    assert came[-1] - chunks[-1].t_s == pytest.approx(FRAME_S, abs=0.05)


def test_a_consumer_that_stands_still_costs_its_bound_and_no_more(run_virtual: Run) -> None:
    async def main() -> tuple[AudioTrackReader, Channel[AudioChunk]]:
        clock = VirtualClock()
        frame = sound(np.zeros(960, np.float32), None)
        reader = AudioTrackReader(
            Script("audio", clock, ((i * FRAME_S, frame) for i in range(10_000))), clock
        )
        out = audio_channel(clock, bound_ms=2000)
        await reader.run(out)
        return reader, out

    reader, out = run_virtual(main())
    assert reader.stats.received == 10_000
    assert 1900 < out.load <= 2000
    assert out.drops == out.items - out.depth > 6000


def test_the_end_gives_the_rest_and_leaves_the_channel_open(run_virtual: Run) -> None:
    async def main() -> tuple[list[AudioChunk], bool]:
        clock = VirtualClock()
        out = audio_channel(clock)
        await AudioTrackReader(Script("audio", clock, microphone(0.1)), clock, zero_s=-5.0).run(out)
        closed = out.closed
        out.close()
        return [chunk async for chunk in out], closed

    chunks, closed = run_virtual(main())
    assert [len(chunk.samples) for chunk in chunks] == [512, 512, 512, 64]
    assert chunks[0].t_s == pytest.approx(5.0)
    assert not closed


def test_a_reader_never_waits_for_its_consumer(run_virtual: Run) -> None:
    async def main() -> None:
        clock, compute = VirtualClock(), Compute()
        sounds: Channel[AudioChunk] = Channel("audio", 5, Policy.BLOCK)
        pictures: Channel[VideoFrame] = Channel("video", 5, Policy.BLOCK)
        with pytest.raises(ValueError, match="must not block"):
            await AudioTrackReader(Script("audio", clock, []), clock).run(sounds)
        with pytest.raises(ValueError, match="must not block"):
            await VideoTrackReader(Script("video", clock, []), clock, compute).run(pictures)

    run_virtual(main())


@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(["audio", "video"]), at_s=st.floats(0, 1.2))
def test_both_can_be_cancelled_at_any_time(kind: str, at_s: float) -> None:
    async def main() -> bool:
        clock, compute = VirtualClock(), Compute()
        if kind == "audio":
            run = AudioTrackReader(Script(kind, clock, microphone(1.0)), clock).run(audio_channel(clock))
        else:
            reader = VideoTrackReader(Script(kind, clock, camera(1.0)), clock, compute, max_fps=10)
            run = reader.run(Channel("video", 1, Policy.LATEST))
        task = asyncio.create_task(run)
        await clock.sleep(at_s)
        ended = await cancel_and_wait(task, 0.1)
        await compute.close(1)
        return ended

    assert run_virtual(without_leaks(main()))


# Pictures


def picture(number: int, size: tuple[int, int] = (160, 96)) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(shade(number % 250, size), format="rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = number * 3000, Fraction(1, 90_000)
    return frame


def camera(length_s: float, fps: float = 30) -> list[tuple[float, av.VideoFrame]]:
    return [(i / fps, picture(i)) for i in range(round(length_s * fps))]


def watch(
    frames: Iterable[tuple[float, Any]], **options: Any
) -> tuple[list[VideoFrame], VideoTrackReader, list[float]]:
    """All frames, the reader, and when each frame came."""
    seen: list[VideoFrame] = []
    came: list[float] = []

    async def main() -> VideoTrackReader:
        clock, compute = VirtualClock(), Compute()
        reader = VideoTrackReader(Script("video", clock, frames), clock, compute, **options)
        out: Channel[VideoFrame] = Channel("video", 1, Policy.LATEST, clock=clock)

        async def look() -> None:
            async for frame in out:
                seen.append(frame)
                came.append(clock.now())

        async with asyncio.TaskGroup() as group:
            group.create_task(look())
            await reader.run(out)
            out.close()
        await compute.close(1)
        return reader

    return seen, run_virtual(without_leaks(main())), came


def test_only_the_newest_is_converted_and_not_too_often() -> None:
    seen, reader, came = watch(camera(5.0), max_fps=2.0)
    assert len(seen) in (10, 11)
    assert all(after - before > 0.499 for before, after in pairwise(came))
    assert all(0 <= at - frame.t_s <= 1 / 30 + 1e-6 for frame, at in zip(seen, came, strict=True))
    for frame in seen:
        assert frame.image.mean() == pytest.approx(round(frame.t_s * 30), abs=2)
    stats = reader.stats
    assert (stats.received, stats.converted) == (150, len(seen))
    assert stats.dropped == 150 - len(seen)


def test_a_slow_camera_loses_nothing() -> None:
    seen, reader, _ = watch(camera(5.0, fps=1), max_fps=5.0)
    assert [frame.t_s for frame in seen] == pytest.approx([0, 1, 2, 3, 4])
    assert reader.stats.dropped == 0


@pytest.mark.parametrize(
    ("size", "shape"),
    [((639, 479), (479, 639)), ((1, 1), (1, 1)), ((1281, 7), (3, 640)), ((1080, 1920), (640, 360))],
)
def test_any_size(size: tuple[int, int], shape: tuple[int, int]) -> None:
    seen, _, _ = watch([(0.0, picture(100, size))], max_side=640)
    assert seen[0].image.shape == (*shape, 3)
    assert seen[0].image.dtype == np.uint8
    assert seen[0].image.mean() == pytest.approx(100, abs=2)


def test_the_size_may_change_at_any_frame() -> None:
    sizes = [(320, 240), (640, 360), (241, 135), (320, 240)]
    seen, _, _ = watch([(i * 1.0, picture(50 + i, size)) for i, size in enumerate(sizes)], max_fps=10)
    assert [(f.image.shape[1], f.image.shape[0]) for f in seen] == sizes


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_frames_are_turned_upright(tmp_path: Path, rotation: int) -> None:
    image = shade(40)
    image[:48, :80] = 220  # bright where it is top and left
    film = write_media(tmp_path / "f.mp4", [(0.0, image), (0.04, image)], rotation=rotation)
    with av.open(str(film)) as container:
        frame = next(container.decode(video=0))
    seen, _, _ = watch([(0.0, frame)])
    upright = np.rot90(image, round(frame.rotation / 90) % 4)
    assert seen[0].image.shape == upright.shape
    assert np.abs(seen[0].image.astype(int) - upright).mean() < 6


def test_a_viewer_that_stands_still_costs_one_frame(run_virtual: Run) -> None:
    """10,000 pictures of a quarter of a megabyte."""

    async def main() -> tuple[VideoTrackReader, Channel[VideoFrame]]:
        clock, compute = VirtualClock(), Compute()
        frames = ((i / 30, av.VideoFrame(512, 340, "yuv420p")) for i in range(10_000))
        reader = VideoTrackReader(Script("video", clock, frames), clock, compute)
        out: Channel[VideoFrame] = Channel("video", 1, Policy.LATEST, clock=clock)
        await reader.run(out)
        await compute.close(1)
        return reader, out

    process = psutil.Process(os.getpid())
    before = process.memory_info().rss
    reader, out = run_virtual(main())
    assert reader.stats.received == 10_000
    assert reader.stats.dropped == 10_000 - reader.stats.converted
    assert out.depth == 1
    assert process.memory_info().rss - before < 100 << 20


# A real connection


async def connect(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    await one.setLocalDescription(await one.createOffer())
    await other.setRemoteDescription(one.localDescription)
    await other.setLocalDescription(await other.createAnswer())
    await one.setRemoteDescription(other.localDescription)


class Pictures(MediaStreamTrack):
    """25 grey pictures a second, paced."""

    kind = "video"

    def __init__(self, clock: SystemClock) -> None:
        super().__init__()
        self._clock, self._number = clock, 0

    async def recv(self) -> Any:
        await self._clock.sleep(0.04)
        self._number += 1
        return picture(self._number + 60, (321, 241))


def lose(connection: RTCPeerConnection, every: int) -> None:
    """One of so many audio packets does not arrive."""
    transport = connection.getSenders()[0].transport
    send = transport._send_rtp
    numbers = itertools.count(1)

    async def send_some(data: bytes) -> None:
        if data[1] & 0x7F != 96 or next(numbers) % every:
            await send(data)

    transport._send_rtp = send_some  # type: ignore[method-assign]


@pytest.mark.timeout(90)
@pytest.mark.parametrize("lost", [0, 5])
def test_a_tone_and_pictures_through_a_real_connection(run_real: Run, lost: int) -> None:
    async def main() -> tuple[list[AudioChunk], list[VideoFrame], AudioTrackReader, float]:
        clock, compute = SystemClock(), Compute()
        sender, receiver = RTCPeerConnection(), RTCPeerConnection()
        zero_s = clock.now()
        speaker = SpeakerTrack(clock)
        sender.addTrack(speaker)
        sender.addTrack(Pictures(clock))
        tracks: dict[str, MediaStreamTrack] = {}

        def take(track: MediaStreamTrack) -> None:
            tracks[track.kind] = track
            for transceiver in receiver.getTransceivers():
                if transceiver.kind == "audio":
                    without_jitter_buffer(transceiver.receiver)

        receiver.on("track", take)
        chunks: list[AudioChunk] = []
        frames: list[VideoFrame] = []
        readers: list[asyncio.Task[None]] = []
        try:
            await connect(sender, receiver)
            if lost:
                lose(sender, lost)
            sounds = audio_channel(clock, bound_ms=10_000)
            pictures: Channel[VideoFrame] = Channel("video", 1, Policy.LATEST, clock=clock)
            ear = AudioTrackReader(tracks["audio"], clock, zero_s=zero_s)
            eye = VideoTrackReader(tracks["video"], clock, compute, zero_s=zero_s, max_fps=10)
            readers = [asyncio.create_task(ear.run(sounds)), asyncio.create_task(eye.run(pictures))]
            await speaker.say("turn", (tone(3.0, HZ, RATE_HZ) * 32767).astype(np.int16))
            async with asyncio.timeout(40):
                while sum(chunk.duration_s for chunk in chunks) < 4.0:
                    chunks.append(await sounds.get())
                while len(frames) < 2:
                    frames.append(await pictures.get())
            now_s = clock.now() - zero_s
        finally:
            await sender.close()
            await receiver.close()
        async with asyncio.timeout(10):
            await asyncio.gather(
                *readers
            )  # closing the connection ends the tracks, and with them the readers
        await compute.close(1)
        return chunks, frames, ear, now_s

    chunks, frames, ear, now_s = run_real(main())
    heard = joined(chunks)
    loud = np.flatnonzero(np.abs(heard) > 0.1)
    spoken = heard[loud[0] : loud[-1]]
    assert len(spoken) == pytest.approx(3.0 * SAMPLE_RATE_HZ, rel=0.1)
    assert pitch_hz(spoken) == pytest.approx(HZ, abs=0.5)
    assert max(map(abs, steps(chunks))) < 1e-9 and ear.stats.jumps == 0
    assert 0 <= chunks[0].t_s < chunks[-1].t_s <= now_s
    if lost:
        assert ear.stats.filled_s == pytest.approx(4.0 / lost, rel=0.3)
    else:
        assert max(likeness(spoken[i : i + 8000], HZ) for i in range(0, len(spoken) - 8000, 1600)) > 0.99
    assert frames[0].image.shape == (241, 321, 3)
    assert 0 <= frames[0].t_s < frames[1].t_s <= now_s


def test_packets_are_decoded_as_they_come() -> None:
    def add(number: int, data: bytes = b"opus") -> JitterFrame | None:
        packet = RtpPacket(sequence_number=number, timestamp=number * 960)
        packet._data = data  # type: ignore[attr-defined]
        needs_key_frame, frame = buffer.add(packet)
        assert not needs_key_frame
        return frame

    buffer = AsItComes()
    order = [65_534, 65_535, 65_533, 0, 2, 2, 1, 3, 40_000, 41_000, 39_000]
    taken = [number for number in order if add(number) is not None]
    assert taken == [
        65_534,
        65_535,
        0,
        2,
        3,
        40_000,
        41_000,
        39_000,
    ]  # the last one: a sender that began anew
    assert add(39_001, b"") is None
    frame = add(39_002)
    assert frame is not None and (frame.data, frame.timestamp) == (b"opus", 39_002 * 960)


def test_an_aiortc_without_that_buffer_is_left_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    class Other:
        pass

    other = Other()
    without_jitter_buffer(other)  # type: ignore[arg-type]
    assert vars(other) == {}
    assert "jitter buffer" in caplog.text

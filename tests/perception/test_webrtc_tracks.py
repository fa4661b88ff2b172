"""Both readers of a browser's tracks: their consumers, cancellation, and a real connection."""

from __future__ import annotations

import asyncio
import itertools
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from aiortc import RTCPeerConnection
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamTrack
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
from tests.perception.media import tone
from tests.perception.tracks import (
    FRAME_S,
    HZ,
    Script,
    audio_channel,
    camera,
    joined,
    likeness,
    microphone,
    picture,
    steps,
)


def pitch_hz(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    return float(np.argmax(spectrum)) * SAMPLE_RATE_HZ / (1 << 18)


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


class Speaker(SpeakerTrack):
    """Notes which frames were sent, since what a busy machine was too late for is left out of the time stamps."""

    def __init__(self, clock: SystemClock) -> None:
        super().__init__(clock)
        self.sent: list[tuple[float, bool]] = []  # its second, and whether it was speech

    async def recv(self) -> Any:
        frame = await super().recv()
        self.sent.append((frame.pts / RATE_HZ, self._spoke is not None))
        return frame

    @property
    def spoken_s(self) -> float:
        """From the first to the last frame of speech, holes and all."""
        spoke = [at_s for at_s, speech in self.sent if speech]
        return spoke[-1] - spoke[0] + FRAME_S

    @property
    def holes_s(self) -> list[float]:
        return [b - a - FRAME_S for (a, _), (b, _) in pairwise(self.sent) if b - a - FRAME_S > 0.001]


def loud_s(sound: Samples) -> float:
    """In pieces of 5 ms, two periods of the tone."""
    piece = SAMPLE_RATE_HZ // 200
    pieces = np.abs(sound[: len(sound) // piece * piece]).reshape(-1, piece)
    return np.count_nonzero(pieces.max(axis=1) > 0.1) * 0.005


def longest_piece(sound: Samples) -> Samples:
    """Of sound without a hole longer than a packet and a half."""
    loud = np.flatnonzero(np.abs(sound) > 0.1)
    cuts = np.flatnonzero(np.diff(loud) > 1.5 * FRAME_S * SAMPLE_RATE_HZ)
    pieces = np.split(loud, cuts + 1)
    longest = max(pieces, key=len)
    return sound[longest[0] : longest[-1]]


@pytest.mark.timeout(900)
@pytest.mark.flaky(reruns=2)
@pytest.mark.parametrize("lost", [0, 5])
def test_a_tone_and_pictures_through_a_real_connection(run_real: Run, lost: int) -> None:
    async def main() -> tuple[Speaker, list[AudioChunk], list[VideoFrame], AudioTrackReader, float]:
        clock, compute = SystemClock(), Compute()
        sender, receiver = RTCPeerConnection(), RTCPeerConnection()
        zero_s = clock.now()
        speaker = Speaker(clock)
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
            async with asyncio.timeout(120):
                while speaker.playing is not None:
                    chunks.append(await sounds.get())
                quiet = len(chunks) + round(1.0 / chunks[0].duration_s)
                while len(chunks) < quiet:
                    chunks.append(await sounds.get())
                while len(frames) < 2:
                    frames.append(await pictures.get())
            now_s = clock.now() - zero_s
        finally:
            await sender.close()
            await receiver.close()
        async with asyncio.timeout(60):
            await asyncio.gather(
                *readers
            )  # closing the connection ends the tracks, and with them the readers
        await compute.close(1)
        return speaker, chunks, frames, ear, now_s

    speaker, chunks, frames, ear, now_s = run_real(main())
    heard = joined(chunks)
    loud = np.flatnonzero(np.abs(heard) > 0.1)
    jumped_s, holes_s = sum(steps(chunks)), sum(speaker.holes_s)
    odd_s = 0.3 + holes_s + ear.stats.cut_s  # a busy machine sends and takes some of it late
    heard_s = (loud[-1] - loud[0]) / SAMPLE_RATE_HZ + jumped_s
    assert heard_s == pytest.approx(speaker.spoken_s, abs=odd_s)
    assert loud_s(heard) == pytest.approx(3.0 * (1 - 1 / lost if lost else 1.0), abs=0.3 + ear.stats.cut_s)
    piece = longest_piece(heard)
    assert pitch_hz(piece) == pytest.approx(HZ, abs=0.5)
    assert sum(step > 1e-9 for step in steps(chunks)) == ear.stats.jumps <= len(speaker.holes_s)
    assert min(steps(chunks)) > -1e-9
    assert 0 <= chunks[0].t_s < chunks[-1].t_s <= now_s
    if lost:
        filled_s = len(heard) / SAMPLE_RATE_HZ / lost
        assert ear.stats.filled_s == pytest.approx(filled_s, abs=0.3 * filled_s + holes_s)
    else:
        window = min(8000, len(piece))
        assert (
            max(likeness(piece[i : i + window], HZ) for i in range(0, len(piece) - window + 1, 1600)) > 0.99
        )
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

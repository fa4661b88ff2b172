"""The reader of a browser's sound: times, formats, holes, bursts and slow consumers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception.sources.webrtc import AudioTrackReader
from runtime.channel import Channel
from runtime.clock import VirtualClock, run_virtual
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk
from tests.conftest import Run, without_leaks
from tests.perception.media import tone
from tests.perception.tracks import (
    FRAME_S,
    HZ,
    Script,
    audio_channel,
    joined,
    likeness,
    microphone,
    received,
    sound,
    steps,
)


def listen(frames: Iterable[tuple[float, Any]]) -> tuple[list[AudioChunk], AudioTrackReader, list[float]]:
    """All chunks, the reader, and when each chunk came."""

    async def main() -> tuple[list[AudioChunk], AudioTrackReader, list[float]]:
        clock = VirtualClock()
        reader = AudioTrackReader(Script("audio", clock, frames), clock)
        chunks, came = await received(reader.run, audio_channel(clock), clock)
        return chunks, reader, came

    return run_virtual(without_leaks(main()))


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

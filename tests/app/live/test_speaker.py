"""The outgoing track: pace, order, flush, positions, bounds; on virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import av
import numpy as np
import pytest
from aiortc import RTCPeerConnection
from aiortc.codecs.opus import OpusEncoder
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.app.live.speaker import FRAME, RATE_HZ, Pcm, SpeakerTrack, SpeechDropped
from runtime.clock import SystemClock, VirtualClock, run_virtual
from runtime.messages import SAMPLE_RATE_HZ
from runtime.session import cancel_and_wait
from tests.conftest import Run, without_leaks

LOUD = 10_000


def steady(seconds: float, value: int = LOUD) -> Pcm:
    return np.full(round(seconds * RATE_HZ), value, np.int16)


def sine(seconds: float, hz: float) -> Pcm:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.round(LOUD * np.sin(2 * np.pi * hz * t)).astype(np.int16)


def pcm_of(frame: av.AudioFrame) -> Pcm:
    pcm: Pcm = frame.to_ndarray()[0]
    return pcm


async def hear(track: SpeakerTrack, frames: int) -> Pcm:
    return np.concatenate([np.zeros(0, np.int16), *[pcm_of(await track.recv()) for _ in range(frames)]])


def test_silence_in_frames_of_20_ms_paced_by_the_clock(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        track = SpeakerTrack(clock)
        await clock.sleep(7.3)
        times, frames = [], []
        for _ in range(200):
            frames.append(await track.recv())
            times.append(clock.now())
        assert times == pytest.approx([7.3 + i * 0.02 for i in range(200)])
        assert [frame.pts for frame in frames] == [i * FRAME for i in range(200)]
        for frame in frames[:2]:
            assert (frame.format.name, frame.layout.name, frame.sample_rate) == ("s16", "mono", RATE_HZ)
            assert (frame.samples, float(frame.time_base)) == (960, 1 / RATE_HZ)
        assert not any(pcm_of(frame).any() for frame in frames)
        assert track.playing is None and track.level() == 0

    run_virtual(main())


def test_speech_is_sent_whole_in_order_and_counted_by_turn(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        track = SpeakerTrack(clock)
        assert track.playing is None
        await track.say("a", steady(0.05, 1000))
        await track.say("b", steady(0.03, 2000))
        assert (track.playing, track.queued_s) == ("a", pytest.approx(0.08))
        heard = []
        seen = []
        for _ in range(5):
            heard.append(await hear(track, 1))
            seen.append((track.playing, track.position_s("a"), track.position_s("b")))
        sent = np.concatenate(heard)
        assert (sent[240:2400] == 1000).all() and (sent[2400:3840] == 2000).all() and not sent[3840:].any()
        assert [playing for playing, _, _ in seen] == ["a", "a", "b", "b", None]
        assert [a for _, a, _ in seen] == pytest.approx([0.02, 0.04, 0.05, 0.05, 0.05])
        assert [b for _, _, b in seen] == pytest.approx([0, 0, 0.01, 0.03, 0.03])
        assert track.position_s("c") == 0

    run_virtual(main())


def test_flush_silences_the_next_frame_without_a_click(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        track = SpeakerTrack(clock)
        await track.say("a", steady(5.0))
        await hear(track, 50)
        waiting = asyncio.create_task(track.recv())
        await clock.sleep(0.013)  # in the middle of a frame
        flushed_s = clock.now()
        assert track.flush() == pytest.approx(4.0)
        assert track.queued_s == 0
        frame = pcm_of(await waiting)
        assert clock.now() - flushed_s <= 0.02
        assert not frame[240:].any()
        assert frame[0] == LOUD and np.abs(np.diff(frame.astype(int))).max() < LOUD / 100
        assert not (await hear(track, 50)).any()
        assert track.playing is None
        assert track.position_s("a") == pytest.approx(1.0)  # the fade is not counted

    run_virtual(main())


def test_a_flush_of_what_was_not_yet_heard_is_silent(run_virtual: Run) -> None:
    async def main() -> None:
        track = SpeakerTrack(VirtualClock())
        await hear(track, 3)
        await track.say("a", steady(1.0))
        assert track.flush() == pytest.approx(1.0)
        assert track.flush() == 0
        assert not (await hear(track, 10)).any()

    run_virtual(main())


def test_what_is_said_after_a_flush_follows_the_fade_at_once(run_virtual: Run) -> None:
    async def main() -> None:
        track = SpeakerTrack(VirtualClock())
        await track.say("a", steady(1.0))
        await hear(track, 10)
        track.flush()
        await track.say("b", steady(1.0, -LOUD))
        track.flush()
        await track.say("a", steady(0.5, 2 * LOUD))
        heard = await hear(track, 40)
        assert (heard >= 0).all()  # nothing of b
        assert heard[0] == LOUD and heard[240] == 0 and (heard[480 : 240 + 24_000] == 2 * LOUD).all()
        assert np.abs(np.diff(heard[: 240 + 24_000].astype(int))).max() < LOUD / 50
        assert track.position_s("a") == pytest.approx(0.7) and track.position_s("b") == 0

    run_virtual(main())


def test_say_waits_for_room(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        track = SpeakerTrack(clock, bound_s=1.0)
        long = sine(3.0, 300)
        saying = asyncio.create_task(track.say("a", long))
        await clock.sleep(0)
        heard, queued = [], []
        for _ in range(160):
            heard.append(await hear(track, 1))
            queued.append(track.queued_s)
            if not saying.done():
                assert track.position_s("a") < 2.04
        await saying
        assert max(queued) <= 1.0
        assert (np.concatenate(heard)[240 : len(long)] == long[240:]).all()

    run_virtual(main())


def test_two_who_speak_at_once_do_not_mix(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        track = SpeakerTrack(clock, bound_s=0.1)
        async with asyncio.TaskGroup() as group:
            group.create_task(track.say("a", steady(1.0, 1000)))
            group.create_task(track.say("b", steady(1.0, 2000)))
            await clock.sleep(0)
            heard = await hear(track, 101)
        spoken = heard[240 : 2 * RATE_HZ]
        assert [int(v) for v in spoken[np.flatnonzero(np.diff(spoken, prepend=0))]] == [1000, 2000]

    run_virtual(main())


def test_a_flush_drops_those_who_wait_and_the_track_goes_on(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        track = SpeakerTrack(clock, bound_s=0.5)
        stale = [asyncio.create_task(track.say(turn, steady(1.0))) for turn in "abc"]
        await hear(track, 5)
        track.flush()
        ends = await asyncio.gather(*stale, return_exceptions=True)
        assert all(isinstance(end, SpeechDropped) for end in ends)
        await hear(track, 1)
        assert not (await hear(track, 50)).any()
        await track.say("d", steady(0.1))
        assert (await hear(track, 5))[240:].all()

    run_virtual(main())


def test_a_cancelled_say_lets_the_next_one_speak(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        track = SpeakerTrack(clock, bound_s=0.1)
        stuck = asyncio.create_task(track.say("a", steady(1.0)))
        follows = asyncio.create_task(track.say("b", steady(0.1, 2000)))
        await clock.sleep(1)
        assert await cancel_and_wait(stuck, 1)
        heard = await hear(track, 12)
        await follows
        assert (heard[240:4800] == LOUD).all() and (heard[4800:9600] == 2000).all()

    run_virtual(main())


def test_finished_waits_for_the_last_frame(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        track = SpeakerTrack(clock)
        await track.finished()
        await track.say("a", steady(0.5))
        sender = asyncio.create_task(hear(track, 1000))
        await track.finished()
        assert clock.now() == pytest.approx(0.48)
        await track.say("a", steady(0.5))
        flushed = asyncio.create_task(track.finished())
        await clock.sleep(0.1)
        assert not flushed.done()
        track.flush()
        await flushed
        await cancel_and_wait(sender, 1)

    run_virtual(main())


def test_a_stopped_track_refuses_everything(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        track = SpeakerTrack(clock, bound_s=0.1)
        saying = asyncio.create_task(track.say("a", steady(1.0)))
        await hear(track, 2)
        waiting = asyncio.create_task(track.recv())
        await clock.sleep(0.001)
        track.stop()
        track.stop()
        assert track.readyState == "ended" and track.playing is None
        with pytest.raises(MediaStreamError):
            await waiting
        with pytest.raises(SpeechDropped, match="ended"):
            await saying
        with pytest.raises(SpeechDropped, match="ended"):
            await track.say("b", steady(0.01))
        with pytest.raises(MediaStreamError):
            await track.recv()
        await track.finished()

    run_virtual(main())


@pytest.mark.timeout(900)
@pytest.mark.flaky(reruns=2)
def test_speech_goes_on_in_the_next_connection(run_real: Run) -> None:
    """What aiortc ends with the first one is its line."""

    async def main() -> None:
        track = SpeakerTrack(SystemClock())
        await track.say("a", sine(8.0, 440))
        for _ in range(2):
            here, there = RTCPeerConnection(), RTCPeerConnection()
            line = track.line()
            here.addTrack(line)
            heard: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()
            there.on("track", heard.set_result)
            try:
                await here.setLocalDescription(await here.createOffer())
                await there.setRemoteDescription(here.localDescription)
                await there.setLocalDescription(await there.createAnswer())
                await here.setRemoteDescription(there.localDescription)
                async with asyncio.timeout(120):
                    while not pcm_of(await (await heard).recv()).any():
                        pass
            finally:
                await here.close()
                await there.close()
            assert (line.readyState, track.readyState) == ("ended", "live")
            with pytest.raises(MediaStreamError):
                await line.recv()
        assert 0 < track.position_s("a") < 8

    run_real(main())


def test_after_a_stall_nothing_is_sent_in_a_burst(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        track = SpeakerTrack(clock)
        await track.say("a", sine(2.0, 300))
        first = [await track.recv() for _ in range(10)]
        await clock.sleep(0.06)  # less than it catches up on
        caught_up = [await track.recv() for _ in range(4)]
        assert clock.now() == pytest.approx(0.26)
        assert [f.pts // FRAME for f in first + caught_up] == list(range(14))
        await clock.sleep(1.0)
        at = clock.now()
        late = [await track.recv() for _ in range(20)]
        assert clock.now() - at == pytest.approx(19 * 0.02, abs=0.021)
        assert late[0].pts / RATE_HZ == pytest.approx(at, abs=0.021)
        assert all(b.pts - a.pts == FRAME for a, b in pairwise(late))
        assert track.position_s("a") == pytest.approx(34 * 0.02)  # no word is lost
        # What aiortc makes of the hole: time stamps that leap, forward.
        encoder = OpusEncoder()
        stamps = [encoder.encode(frame)[1] for frame in first + caught_up + late]
        assert all(b > a for a, b in pairwise(stamps)) and stamps[-1] - stamps[0] > RATE_HZ

    run_virtual(main())


def test_level_and_reference_are_of_what_was_sent(run_virtual: Run) -> None:
    async def main() -> None:
        track = SpeakerTrack(VirtualClock(), reference_s=2.0)
        assert not track.reference(2.0).any() and len(track.reference(2.0)) == 32_000
        assert len(track.reference(0)) == 0
        await track.say("a", sine(1.0, 440))
        await hear(track, 25)
        assert track.level() == pytest.approx(LOUD / 32768 / np.sqrt(2), rel=0.03)
        young = track.reference(1.0)
        assert len(young) == 16_000 and not young[:7980].any() and young[8200:].any()
        await hear(track, 50)  # 0.5 s of speech, then 0.5 s of silence
        kept = track.reference(1.0)
        assert kept.dtype == np.float32
        t = np.arange(8000) / SAMPLE_RATE_HZ
        tone = LOUD / 32768 * np.sin(2 * np.pi * 440 * (t + 0.5))
        late = 16  # what the resampler holds back
        assert np.abs(kept[100:7900] - tone[100 - late : 7900 - late]).max() < 0.01
        assert np.abs(kept[8200:]).max() < 0.001
        assert track.level() == 0
        with pytest.raises(ValueError, match="are kept"):
            track.reference(2.1)

    run_virtual(main())


def test_only_so_many_turns_are_remembered(run_virtual: Run) -> None:
    async def main() -> None:
        track = SpeakerTrack(VirtualClock())
        for i in range(100):
            await track.say(str(i), steady(0.02))
            await track.recv()
        assert track.position_s("99") == pytest.approx(0.02)
        assert track.position_s("0") == 0

    run_virtual(main())


@pytest.mark.parametrize("pcm", [np.zeros((1, 960), np.int16), np.zeros(960, np.float32)])
def test_only_mono_int16_is_taken(run_virtual: Run, pcm: Pcm) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="mono int16"):
            await SpeakerTrack(VirtualClock()).say("a", pcm)

    run_virtual(main())


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["say", "hear", "flush"]), st.integers(1, 5000)), min_size=1, max_size=30
)


@settings(max_examples=80, deadline=None)
@given(steps=STEPS)
def test_every_sample_said_is_sent_or_dropped_and_the_queue_keeps_its_bound(steps: list[Step]) -> None:
    async def main() -> None:
        track = SpeakerTrack(VirtualClock(), bound_s=0.25)
        calls: list[tuple[str, int, asyncio.Task[None]]] = []
        sent = dropped = 0
        for number, (kind, n) in enumerate(steps):
            if kind == "say":
                turn = f"t{number}"
                calls.append((turn, n, asyncio.create_task(track.say(turn, np.full(n, LOUD, np.int16)))))
                await asyncio.wait([calls[-1][2]], timeout=0)
            elif kind == "flush":
                dropped += round(track.flush() * RATE_HZ)
                await asyncio.wait([call for _, _, call in calls], timeout=0) if calls else None
                assert track.queued_s == 0
            else:
                await hear(track, n % 10)
            assert track.queued_s <= 0.25
        while track.queued_s or not all(call.done() for _, _, call in calls):
            await hear(track, 1)
        for turn, n, call in calls:
            part = round(track.position_s(turn) * RATE_HZ)
            sent += part
            if isinstance(call.exception(), SpeechDropped):
                assert part < n
            else:
                assert part <= n
        whole = sum(n for _, n, call in calls if call.exception() is None)
        assert sent + dropped >= whole
        if not any(kind == "flush" for kind, _ in steps):
            assert (sent, dropped) == (whole, 0)
            assert [track.position_s(turn) * RATE_HZ for turn, _, _ in calls] == pytest.approx(
                [n for _, n, _ in calls]
            )

    run_virtual(without_leaks(main()))

"""One person's live session: what comes in is perceived and remembered, all the time, while turns go on."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from memory import SourceInfo
from memory.writer import MemoryWriter
from perception.audio.live import HearingEvent, LiveHearing
from perception.audio.second_hearing import SecondHearing
from perception.audio.vad import SileroVad
from reasoning.proactive import Watches
from runtime.app.context import note_cited
from runtime.app.live import protocol
from runtime.app.live.answering import Answering
from runtime.app.live.listening import Listening
from runtime.app.live.lookout import Lookout
from runtime.app.live.media import picture_channel, sound_channel
from runtime.app.live.meters import SessionMeter
from runtime.app.live.microphone import Microphone
from runtime.app.live.noticing import Noticing
from runtime.app.live.parts import Parts
from runtime.app.live.seeing import see
from runtime.app.live.speaker import SpeakerTrack
from runtime.app.live.tape import Tape, TapedCompute
from runtime.app.live.turns import Conversation, Outcome, Turn
from runtime.app.live.views import Views
from runtime.app.live.voices import LiveVoices, Part, hear_again
from runtime.channel import Channel, Policy
from runtime.errors import HearsightError
from runtime.messages import (
    AudioChunk,
    Clip,
    Query,
    VideoFrame,
    Watermark,
)
from runtime.session import Session, cancel_and_wait
from runtime.stage import Stage

log = logging.getLogger(__name__)

_STOP_S = 10.0

Send = Callable[[str], None]


class LiveSession:
    """Lives from the first connection until `close`; connections come and go. run() in a task of its own."""

    def __init__(self, session_id: str, parts: Parts, watches: Watches, tape: Tape | None = None) -> None:
        self.id = session_id
        self.secret = secrets.token_urlsafe(24)
        self._tape = tape or Tape()
        if tape is not None:
            parts = replace(parts, compute=TapedCompute(parts.compute, tape))
        self._parts = parts
        self._views = Views(parts.memory, session_id)
        self._zero_s = parts.clock.now()
        self._tape.begin(self._zero_s)
        self.zero_wall = parts.clock.wall()
        self.last_active_s = self._zero_s
        clock = parts.clock
        self.audio = sound_channel("live audio", clock)
        self.video = picture_channel("live video", clock)
        self.speaker = SpeakerTrack(clock)
        self._microphone = Microphone()
        self._send: Send | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._forgetting: set[asyncio.Task[None]] = set()
        self.latency: dict[str, float] | None = None  # of the last turn
        self._answering = Answering(
            parts, self._tape, self.show, lambda turn_id: self.conversation.found(turn_id), self.zero_wall
        )
        self.conversation = Conversation(
            self._answering.answers,
            self._answering.speak if parts.voice is not None else None,
            self.speaker,
            self.show,
            self._answered,
            clock,
            self._turn_ended,
        )
        self._meter = SessionMeter(parts.metrics)
        self.lookout = Lookout(
            watches,
            self.conversation,
            self.show,
            self._views.pictures,
            self._meter,
            parts.compute,
            parts.language,
            clock,
            self._zero_s,
        )
        self._listening = Listening(
            self.conversation,
            self.lookout,
            self._microphone,
            self.speaker,
            self.show,
            self._alive,
            self._query,
            clock,
            self._is_forgotten,
        )
        self._noticing = Noticing(
            parts,
            self._tape,
            self.conversation,
            self.lookout,
            self.show,
            self._alive,
            session_id,
            self._zero_s,
            self._is_forgotten,
        )
        self._session = Session(clock, parts.metrics)
        self._voices = LiveVoices(
            parts.voices,
            parts.people,
            parts.compute,
            clock,
            parts.app.audio.voices,
            session_id,
            self.show,
            self._is_forgotten,
        )
        self._writer = self._remembering()
        self._build()

    def _remembering(self) -> MemoryWriter:
        """Of this session as a source of its own."""
        parts = self._parts
        about = SourceInfo(
            id=self.id,
            path=f"live session {self.id}",
            fingerprint=self.id,
            wall_zero_s=self.zero_wall,
            vision_model=parts.vision.name if parts.vision is not None else None,
            has_video=parts.vision is not None,
            added_at_s=self.zero_wall,
        )
        return MemoryWriter(
            parts.store,
            parts.text_encoder,
            parts.compute,
            parts.memory_settings(),
            about,
            people=parts.people,
            remembered=self._remembered,
            spoken=self._voices.committed,
            commit=self._answering.commit,
            upkeep=partial(self._tape.late, "upkeep"),
            erase=partial(self._tape.late, "forget"),
        )

    @property
    def zero_s(self) -> float:
        """What the clock showed when the session began."""
        return self._zero_s

    def now_s(self) -> float:
        """Media time: seconds since the session began."""
        return self._parts.clock.now() - self._zero_s

    def quiet_s(self) -> float:
        """For how long nobody has spoken, asked or been answered; 0 while it is recorded, so that a replay finds the same."""
        if self.conversation.busy or self._tape.records:
            return 0.0
        return self._parts.clock.now() - self.last_active_s

    def _alive(self) -> None:
        self.last_active_s = self._parts.clock.now()

    # --- the page

    def attach(self, send: Send, resumed: bool) -> None:
        """A page's data channel is open."""
        self._tape.page("attach", resumed=resumed)
        self._send = send
        self._alive()
        self.show(
            "hello",
            session=self.id,
            resumed=resumed,
            voice="track" if self._parts.voice is not None else "browser",
            models=self._parts.models(),
            recording=self._tape.records,
            zero_wall=self.zero_wall,
        )
        self.show("state", state=self.conversation.state)
        self.lookout.show()

    def detach(self) -> None:
        """The page has gone; what is being said is not for the next one."""
        if self._send is None:
            return
        self._tape.page("detach")
        self._send = None
        self.conversation.interrupt()

    def show(self, kind: str, **fields: Any) -> None:
        self._tape.shown(kind, fields)
        if self._send is not None:
            self._send(protocol.dump(kind, **fields))

    async def take(self, data: str | bytes) -> None:
        """A message of the page. Bad ones are answered with an error."""
        if len(data) <= protocol.MAX_MESSAGE_BYTES:
            self._tape.page("take", data=data if isinstance(data, str) else data.decode("utf-8", "replace"))
        try:
            message = protocol.parse(data)
            if not isinstance(message, protocol.Ping):  # the page sends those by itself
                self._alive()
            await self._obey(message)
        except (protocol.ProtocolError, HearsightError) as error:
            self.show("error", text=str(error))

    async def _obey(self, message: Any) -> None:
        match message:
            case protocol.Ask(text=text):
                if not await self.lookout.command(text):
                    self.conversation.ask(self._query(text, self.now_s()), typed=True)
            case protocol.InterruptTurn():
                self.conversation.interrupt()
            case protocol.Forget(minutes=minutes, all=everything):
                from_s = 0.0 if everything or minutes is None else self.now_s() - minutes * 60
                # To its end, though the page that asked for it goes away.
                await asyncio.shield(self._beside(self._forget(from_s), "forget", self._forgetting))
            case protocol.AddWatch(text=text):
                if not await self.lookout.command(text):
                    raise protocol.ProtocolError('say it like "tell me when a bottle appears"')
            case protocol.RemoveWatch(id=watch_id):
                await self.lookout.remove(watch_id)
            case protocol.Search(request=request, text=text):
                self.show("search", request=request, hits=await self._views.search(text))
            case protocol.Timeline(request=request, from_s=from_s, to_s=to_s):
                self.show("timeline", request=request, **await self._views.timeline(from_s, to_s))
            case protocol.Name(id=record_id, name=name):
                await self._voices.name(record_id, name, self.now_s())
            case protocol.Quiet(on=on):
                self.conversation.quiet = on
            case protocol.Ping(at=at):
                self.show("pong", at=at)

    # --- life

    async def run(self) -> None:
        """Until close, or until an essential stage has failed."""
        await self._session.run()

    async def close(self) -> None:
        """What was perceived is committed, every task ends."""
        self._listening.closing = True
        if self._forgetting:
            await asyncio.wait(self._forgetting, timeout=_STOP_S)
        await self.conversation.close()
        self.speaker.stop()
        self.audio.close()
        self.video.close()
        await self._session.drain(_STOP_S)
        for task in [*self._tasks, *self._forgetting]:
            await cancel_and_wait(task, 1.0)
        await self._tape.close()

    def health(self) -> list[dict[str, Any]]:
        """Of each queue how full it is; of each stage that has given up, why."""
        channels: Sequence[Channel[Any]] = (self.audio, self.video, *self._channels)
        queues = [
            {"name": c.name, "depth": len(c), "drops": c.drops, "age_s": round(c.oldest_age_s, 3)}
            for c in channels
        ]
        return queues + [{"name": name, "down": why} for name, why in self._session.degraded.items()]

    def _build(self) -> None:
        parts, clock = self._parts, self._parts.clock
        hearing: Channel[HearingEvent] = Channel("hearing", 64, Policy.BLOCK, clock=clock)
        percepts: Channel[Any] = Channel("percepts", 64, Policy.BLOCK, clock=clock)
        to_write: Channel[Any] = Channel("to remember", 64, Policy.BLOCK, clock=clock)
        self._channels: list[Channel[Any]] = [hearing, percepts, to_write]
        sound = sound_channel("sound", clock)
        self._channels.append(sound)
        audio, video = self._taped() if self._tape.records else (self.audio, self.video)
        self._stage("microphone", lambda: self._microphone.run(audio, sound), (audio,), (sound,))
        ears = LiveHearing(
            parts.compute, SileroVad(), parts.transcriber, parts.turn_detector, parts.app.audio, clock
        )
        self._stage("hear", lambda: ears.run(sound, hearing), (sound,), (hearing,))
        said: Channel[Part | Watermark] = Channel("parts of turns", 64, Policy.BLOCK, clock=clock)
        said_again: Channel[Part | Watermark] = Channel("heard again", 64, Policy.BLOCK, clock=clock)
        self._channels += [said, said_again]
        again = SecondHearing(parts.compute, parts.transcriber, parts.app.audio.group)
        self._stage("converse", lambda: self._listening.run(hearing, said), (hearing,), (said,))
        self._stage(
            "hear again",
            lambda: hear_again(again, said, said_again, self._answering.unhurried),
            (said,),
            (said_again,),
        )
        self._stage("speakers", lambda: self._voices.run(said_again, percepts), (said_again,), (percepts,))
        if parts.vision is not None:
            self._channels += see(parts, self.id, video, percepts, self._stage)
        self._stage("notice", lambda: self._noticing.run(percepts, to_write), (percepts,), (to_write,))
        self._stage("memory", lambda: self._remember(to_write), (to_write,), essential=True)

    def _taped(self) -> tuple[Channel[AudioChunk], Channel[VideoFrame]]:
        """Sound and pictures once they are on the tape."""
        clock, tape = self._parts.clock, self._tape
        audio, video = sound_channel("taped audio", clock), picture_channel("taped video", clock)
        self._stage("record sound", lambda: tape.sound(self.audio, audio), (self.audio,), (audio,))
        self._stage("record pictures", lambda: tape.pictures(self.video, video), (self.video,), (video,))
        return audio, video

    def _stage(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        inboxes: Sequence[Channel[Any]],
        outboxes: Sequence[Channel[Any]] = (),
        essential: bool = False,
    ) -> None:
        def degraded() -> None:
            self.show("error", text=f"{name} has stopped; the rest goes on")

        self._session.add(
            Stage(name, run, inboxes=inboxes, outboxes=outboxes, essential=essential, on_degraded=degraded)
        )

    async def _remember(self, inbox: Channel[Any]) -> None:
        await self._writer.run(inbox)

    def _query(self, text: str, as_of_s: float) -> Query:
        return Query("", text, as_of_s, (), (self.id,))

    def _answered(self, turn: Turn) -> None:
        self.latency = turn.latency
        self._beside(self._show_answer(turn), f"show {turn.id}")

    def _beside(
        self, work: Coroutine[Any, Any, None], name: str, tasks: set[asyncio.Task[None]] | None = None
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        tasks = self._tasks if tasks is None else tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    def _turn_ended(self, turn: Turn, outcome: Outcome) -> None:
        self.lookout.ended(turn)
        if not turn.query.text:  # said unasked
            return
        self._meter.turn(turn, outcome)
        if self._parts.spans is not None:
            self._parts.spans.turn(turn, outcome)

    async def _show_answer(self, turn: Turn) -> None:
        answer = turn.answer
        assert answer is not None
        note_cited(self._parts.memory, answer, self._parts.clock)
        pictures = await self._tape.run(
            "pictures", lambda: self._views.pictures(answer.evidence, turn.query.as_of_s)
        )
        self.show("answer", **protocol.answer_fields(answer, pictures, turn.latency))

    def _remembered(self, clips: Sequence[Clip]) -> None:
        for clip in clips:
            self.show("clip", **self._views.tile(clip))
        self._beside(self.lookout.remembered(clips), "prove alerts")

    async def remind(self) -> None:
        """Says what has become due; called once a second."""
        if self._send is not None and self.lookout.due:
            self._tape.page("remind")
            await self.lookout.remind()

    async def _forget(self, from_s: float) -> None:
        from_s, to_s = max(0.0, from_s), self.now_s()
        self.conversation.interrupt()  # its answer may rest on it
        await self._writer.forget(from_s, to_s)
        await self._tape.forget(from_s, to_s)
        self.show("forgotten", **{"from": round(from_s, 2), "to": round(to_s, 2)})

    def _is_forgotten(self, start_s: float, end_s: float) -> bool:
        return self._writer.is_forgotten(start_s, end_s)

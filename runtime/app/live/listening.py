"""Who speaks, and what the conversation does about it."""

from __future__ import annotations

from collections.abc import Callable

from perception.audio.live import Heard, HearingEvent, Partial, TurnEnd
from reasoning.gate import GateContext, backchannel, wants_answer
from runtime.app.live.lookout import Lookout
from runtime.app.live.microphone import Microphone
from runtime.app.live.speaker import SpeakerTrack
from runtime.app.live.turns import Conversation, Show
from runtime.app.live.voices import Part
from runtime.channel import Channel
from runtime.clock import Clock
from runtime.messages import Query, SpeechStart, Watermark


class Listening:
    """Of one session: an onset stops the agent, unless it hears itself; a turn that is over is answered, obeyed or let be."""

    def __init__(
        self,
        conversation: Conversation,
        lookout: Lookout,
        microphone: Microphone,
        speaker: SpeakerTrack,
        show: Show,
        alive: Callable[[], None],
        question: Callable[[str, float], Query],
        clock: Clock,
        is_forgotten: Callable[[float, float], bool],
    ) -> None:
        """alive: told whenever somebody is heard. question: of a text, as of a media time. is_forgotten: whether that
        media time was to be forgotten; a turn that had begun then is neither shown nor answered.
        """
        self._conversation = conversation
        self._lookout = lookout
        self._microphone = microphone
        self._speaker = speaker
        self._show = show
        self._alive = alive
        self._question = question
        self._clock = clock
        self._echo = self._doubtful = False
        self._is_forgotten = is_forgotten
        self._onset_s: float | None = None
        self._began_s: float | None = None  # the first onset of the turn
        self.closing = False
        """Then what is said is remembered, and not answered any more."""

    async def run(self, inbox: Channel[HearingEvent], outbox: Channel[Part | Watermark]) -> None:
        """What was said goes to the outbox, on its way to memory."""
        async for event in inbox:
            if not isinstance(event, Watermark):
                self._alive()
            match event:
                case SpeechStart(t_s=t_s):
                    self._onset_s = t_s
                    self._began_s = t_s if self._began_s is None else self._began_s
                    echo = self._microphone.hears(self._speaker)
                    self._echo, self._doubtful = bool(echo), echo is None
                    if not self._echo:
                        self._conversation.hear_onset()
                case Partial(text=text):
                    if (self._echo or self._doubtful) and self._microphone.hears(self._speaker):
                        if self._doubtful:  # it was stopped by its own voice
                            self._echo, self._doubtful = True, False
                            self._conversation.hear_nothing()
                        continue
                    if self._echo:  # somebody speaks over it
                        self._echo = False
                        self._conversation.hear_onset()
                    if self._unwanted():
                        continue
                    self._show("partial", text=text)
                    if not backchannel(text, 0.0):
                        self._conversation.hear_words()
                case Heard(utterance=utterance, samples=samples, t_start_s=t_start_s):
                    if not self._echo:
                        await outbox.put(Part(utterance, samples, t_start_s))
                case TurnEnd():
                    await self._ended(event, outbox)
                case Watermark():
                    await outbox.put(event)

    async def _ended(self, turn: TurnEnd, outbox: Channel[Part | Watermark]) -> None:
        onset_s = self._onset_s if self._onset_s is not None else turn.t_start_s
        unwanted = self._unwanted()
        self._onset_s = self._began_s = None
        if self._echo:
            self._echo = False
            return
        try:
            if unwanted:
                self._conversation.hear_nothing()
            else:
                await self._take_up(turn, onset_s)
        finally:
            # It is remembered, whether or not it wants an answer; after that, which somebody waits for.
            if turn.utterance.text.strip():
                await outbox.put(Part(turn.utterance, turn.samples, turn.t_start_s))

    async def _take_up(self, turn: TurnEnd, onset_s: float) -> None:
        """Answers, obeys, or lets it be."""
        if self.closing:
            return
        if not turn.text or (self._conversation.busy and backchannel(turn.text, turn.speech_s)):
            self._conversation.hear_nothing()
            return
        self._conversation.hear_words()
        if await self._lookout.command(turn.text):
            return
        context = GateContext(since_agent_spoke_s=self._clock.now() - self._conversation.last_spoke_s)
        if wants_answer(turn.text, context).wants:
            latency = {"vad": turn.vad_s, "end_of_turn": turn.end_of_turn_s, "asr": turn.asr_s}
            self._conversation.ask(self._question(turn.text, onset_s), latency=latency)
        else:
            self._conversation.hear_nothing()

    def _unwanted(self) -> bool:
        """Whether the turn had begun before it was to be forgotten."""
        return self._began_s is not None and self._is_forgotten(self._began_s, self._began_s)

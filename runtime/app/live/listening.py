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
    ) -> None:
        """alive: told whenever somebody is heard. question: of a text, as of a media time."""
        self._conversation = conversation
        self._lookout = lookout
        self._microphone = microphone
        self._speaker = speaker
        self._show = show
        self._alive = alive
        self._question = question
        self._clock = clock
        self._echo = self._doubtful = False
        self._onset_s: float | None = None
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
        self._onset_s = None
        if self._echo:
            self._echo = False
            return
        if turn.utterance.text.strip():
            # It is remembered, whether or not it wants an answer.
            await outbox.put(Part(turn.utterance, turn.samples, turn.t_start_s))
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

"""Who speaks when: questions become turns, a person's voice stops the agent, a false alarm lets it go on."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from reasoning.speech import sentences
from reasoning.streaming import Streamed
from runtime.clock import Clock
from runtime.errors import HearsightError
from runtime.messages import Answer, Query
from runtime.session import cancel_and_wait

State = Literal["listening", "hearing", "thinking", "speaking"]
Outcome = Literal["answered", "interrupted", "failed"]
Pcm = NDArray[np.int16]
RATE_HZ = 48_000
_CANCEL_S = 1.0


class Loudspeaker(Protocol):
    """Where speech goes: 48 kHz mono."""

    async def say(self, turn_id: str, pcm: Pcm) -> None: ...
    def flush(self) -> float: ...
    def position_s(self, turn_id: str) -> float: ...
    async def finished(self) -> None: ...


class Show(Protocol):
    """Tells the page something (see protocol.py)."""

    def __call__(self, kind: str, **fields: object) -> None: ...


Speak = Callable[[str], AsyncIterator[Pcm]]
"""A sentence as speech, piece by piece."""


@dataclass(slots=True)
class Turn:
    """A question and what has become of it. began_s: on the clock, when the person had ended.

    told: what was shown. voiced: how many characters of it are whole sentences made into speech.
    latency: seconds from the person's last word to the first sound, by part, and their total.
    """

    id: str
    query: Query
    began_s: float
    typed: bool = False
    told: str = ""
    voiced: int = 0
    speech: list[Pcm] = field(default_factory=list)
    answer: Answer | None = None
    latency: dict[str, float] = field(default_factory=dict)
    marked_s: float = 0.0

    def took(self, part: str, now_s: float) -> None:
        """A part of the latency, in seconds since the one before it; only the first time counts."""
        if part not in self.latency:
            self.latency[part] = now_s - max(self.began_s, self.marked_s)
            self.marked_s = now_s
            self.latency["total"] = sum(v for name, v in self.latency.items() if name != "total")


class Conversation:
    """One at a time per session. Every method is called on the event loop; none of them blocks.

    A turn that was interrupted is stale: nothing of it is shown or heard any more.
    """

    def __init__(
        self,
        ask: Callable[[Query], Streamed],
        speak: Speak | None,
        loudspeaker: Loudspeaker,
        show: Show,
        finished: Callable[[Turn], None],
        clock: Clock,
        ended: Callable[[Turn, Outcome], None] = lambda _turn, _outcome: None,
    ) -> None:
        """speak: None leaves the words to the page. finished: told of each turn that has its answer. ended: of each
        that is over.
        """
        self._ask = ask
        self._speak = speak
        self._loudspeaker = loudspeaker
        self._show = show
        self._finished = finished
        self._ended = ended
        self._clock = clock
        self._numbers = itertools.count(1)
        self._turn: Turn | None = None
        self._task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # also those that were stopped, until they have ended
        self._held: tuple[Turn, float] | None = None
        self._state: State = "listening"
        self.quiet = False
        self.last_spoke_s = -1e9

    @property
    def state(self) -> State:
        return self._state

    @property
    def busy(self) -> bool:
        """Thinking or speaking, or held because somebody began to speak."""
        return self._turn is not None or self._held is not None

    def hear_onset(self) -> None:
        """Somebody began to speak: the sound stops at once, and the model with it."""
        turn = self._turn
        if turn is not None:
            position_s = self._loudspeaker.position_s(turn.id)
            self._loudspeaker.flush()
            self._stop()
            self._held = (turn, position_s)
        self._enter("hearing")

    def hear_words(self) -> None:
        """It was speech, and not just a sound: the turn that was held is over."""
        if self._held is not None:
            turn, _ = self._held
            self._held = None
            self._show("interrupted", turn=turn.id)
            self._ended(turn, "interrupted")

    def hear_nothing(self) -> None:
        """A false alarm: go on where it stopped."""
        if self._held is None:
            self._enter("listening")
            return
        turn, position_s = self._held
        self._held = None
        self._show("resumed", turn=turn.id)
        said = np.concatenate(turn.speech) if turn.speech else np.zeros(0, np.int16)
        self._run(turn, said[round(position_s * RATE_HZ) :])

    def ask(self, query: Query, *, typed: bool = False, latency: dict[str, float] | None = None) -> Turn:
        """A new turn; one that is under way is over. The query's turn_id is set here."""
        self._drop()
        turn_id = f"t{next(self._numbers)}"
        query = Query(turn_id, query.text, query.as_of_s, query.options, query.sources)
        turn = Turn(turn_id, query, self._clock.now(), typed, latency=dict(latency or {}))
        self._show("turn", turn=turn.id, text=query.text, typed=typed)
        self._run(turn)
        return turn

    def announce(self, text: str, since_s: float | None = None) -> Turn:
        """Says something without being asked; a turn that is under way is over. since_s: on the clock, when it
        happened.
        """
        self._drop()
        turn_id = f"t{next(self._numbers)}"
        turn = Turn(turn_id, Query(turn_id, ""), self._clock.now() if since_s is None else since_s)
        turn.told, turn.answer = text, Answer(turn_id, text, (), abstained=False)
        self._run(turn)
        return turn

    def found(self, turn_id: str) -> None:
        """The memory has been searched for a turn's question."""
        if self._turn is not None and self._turn.id == turn_id:
            self._turn.took("retrieval", self._clock.now())

    def interrupt(self) -> None:
        """Stops whatever is under way, for good."""
        self._drop()
        self._enter("listening")

    async def close(self) -> None:
        self._loudspeaker.flush()
        self._turn = self._task = None
        for task in [*self._tasks]:
            await cancel_and_wait(task, _CANCEL_S)

    def _drop(self) -> None:
        turn = self._turn
        if turn is not None:
            self._loudspeaker.flush()
            self._stop()
            self._show("interrupted", turn=turn.id)
            self._ended(turn, "interrupted")
        self.hear_words()

    def _run(self, turn: Turn, rest: Pcm | None = None) -> None:
        self._turn = turn
        self._task = task = asyncio.create_task(self._live(turn, rest), name=f"turn {turn.id}")
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _stop(self) -> None:
        self._turn = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._show("error", text=str(error) if isinstance(error, HearsightError) else "the answer failed")
            if task is self._task and self._turn is not None:
                self._ended(self._turn, "failed")
        if task is self._task:
            self._turn = self._task = None
            self._enter("listening")

    async def _live(self, turn: Turn, rest: Pcm | None) -> None:
        if rest is not None and len(rest):
            self._enter("speaking")
            await self._loudspeaker.say(turn.id, rest)
        if turn.answer is None:
            self._enter("thinking")
        async for sentence in sentences(self._text(turn)):
            await self._say(turn, sentence)
            at = turn.told.find(sentence, turn.voiced)
            turn.voiced = at + len(sentence) if at >= 0 else turn.voiced
        await self._replace(turn)
        await self._loudspeaker.finished()
        self.last_spoke_s = self._clock.now()
        self._ended(turn, "answered")

    async def _text(self, turn: Turn) -> AsyncIterator[str]:
        """What is still to be said. A turn that goes on after a false alarm asks again: the model is greedy and
        the memory is that of the moment it was asked, so the same text comes, and what was told is left out.
        """
        if turn.voiced < len(turn.told):
            yield turn.told[turn.voiced :]
        if turn.answer is not None:
            return
        known = len(turn.told)
        got = 0
        async with aclosing(self._ask(turn.query)) as parts:
            async for part in parts:
                if isinstance(part, Answer):
                    turn.answer = part
                    self._finished(turn)
                    continue
                turn.took("first_token", self._clock.now())
                new = part.text[max(0, known - got) :]
                got += len(part.text)
                if new:
                    turn.told += new
                    self._show("delta", turn=turn.id, text=new)
                    yield new

    async def _replace(self, turn: Turn) -> None:
        """An answer that took its own words back is said anew."""
        answer = turn.answer
        if answer is not None and not answer.text.startswith(turn.told.strip()):
            self._loudspeaker.flush()
            turn.told, turn.voiced, turn.speech = answer.text, len(answer.text), []
            await self._say(turn, answer.text)

    async def _say(self, turn: Turn, sentence: str) -> None:
        if self._speak is None or self.quiet:
            return
        whole: list[Pcm] = []
        async for pcm in self._speak(sentence):
            turn.took("first_sound", self._clock.now())
            self._enter("speaking")
            whole.append(pcm)
            await self._loudspeaker.say(turn.id, pcm)
        turn.speech += whole

    def _enter(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self._show("state", state=state)

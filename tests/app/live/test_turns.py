"""Who speaks when, on virtual time: nothing stale is heard or shown, and a false alarm costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from reasoning.streaming import Streamed
from runtime.app.live.turns import RATE_HZ, Conversation, Pcm, Turn
from runtime.clock import Clock, VirtualClock
from runtime.errors import EngineError
from runtime.messages import Answer, AnswerDelta, Query
from tests.conftest import Run

WORD_S = 0.5
TOKEN_S = 0.2
TEXT = "The ferry leaves at noon. It goes from the second pier. Bring a coat."


class Loudspeaker:
    """Plays in the clock's time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_s = 0.0
        self._parts: list[tuple[str, float, float]] = []
        self.flushes: list[float] = []

    async def say(self, turn_id: str, pcm: Pcm) -> None:
        start_s = max(self._clock.now(), self._ends_s)
        self._ends_s = start_s + len(pcm) / RATE_HZ
        self._parts.append((turn_id, start_s, self._ends_s))

    def flush(self) -> float:
        now_s = self._clock.now()
        self.flushes.append(now_s)
        dropped_s = max(0.0, self._ends_s - now_s)
        self._parts = [(t, a, min(b, now_s)) for t, a, b in self._parts if a < now_s]
        self._ends_s = min(self._ends_s, now_s)
        return dropped_s

    def position_s(self, turn_id: str) -> float:
        now_s = self._clock.now()
        return sum(max(0.0, min(b, now_s) - a) for t, a, b in self._parts if t == turn_id)

    async def finished(self) -> None:
        await self._clock.sleep(max(0.0, self._ends_s - self._clock.now()))

    def heard_s(self) -> float:
        return sum(b - a for _, a, b in self._parts)


class World:
    def __init__(self, text: str = TEXT, final: str | None = None, fails: bool = False) -> None:
        self.clock = VirtualClock()
        self.loudspeaker = Loudspeaker(self.clock)
        self.shown: list[tuple[float, str, dict[str, Any]]] = []
        self.asked: list[Query] = []
        self.ended: list[float] = []
        self.answered: list[Turn] = []
        self._text, self._final, self._fails = text, final or text, fails
        self.talk = Conversation(
            self.stream, self.speak, self.loudspeaker, self.show, self.answered.append, self.clock
        )

    def show(self, kind: str, **fields: Any) -> None:
        self.shown.append((self.clock.now(), kind, fields))

    async def stream(self, query: Query) -> Streamed:
        self.asked.append(query)
        try:
            for word in self._text.split(" "):
                await self.clock.sleep(TOKEN_S)
                yield AnswerDelta(query.turn_id, word + " ")
            if self._fails:
                raise EngineError("the memory is gone")
            yield Answer(query.turn_id, self._final, (), abstained=False)
        finally:
            self.ended.append(self.clock.now())

    async def speak(self, sentence: str) -> AsyncIterator[Pcm]:
        for _ in sentence.split():
            yield np.zeros(int(WORD_S * RATE_HZ), np.int16)

    def told(self) -> str:
        return "".join(f["text"] for _, kind, f in self.shown if kind == "delta").strip()

    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.shown]

    def states(self) -> list[str]:
        return [f["state"] for _, kind, f in self.shown if kind == "state"]


def question() -> Query:
    return Query("", "When does the ferry leave?", 12.0, (), ("s",))


def test_an_answer_is_shown_as_it_comes_and_spoken_from_its_first_sentence(run_virtual: Run) -> None:
    async def main() -> None:
        world = World()
        turn = world.talk.ask(question(), latency={"asr": 0.3})
        await world.clock.sleep(60.0)
        assert world.told() == TEXT
        assert world.states() == ["thinking", "speaking", "listening"]
        assert world.loudspeaker.heard_s() == pytest.approx(len(TEXT.split()) * WORD_S)
        assert turn.latency["first_token"] == pytest.approx(TOKEN_S)
        # The second sentence's first word shows that the first has ended.
        assert turn.latency["first_token"] + turn.latency["first_sound"] <= 6 * TOKEN_S + 1e-6
        assert turn.latency["total"] == pytest.approx(0.3 + 6 * TOKEN_S)
        assert [t.id for t in world.answered] == [turn.id]
        assert world.asked[0].as_of_s == 12.0
        await world.talk.close()

    run_virtual(main())


def test_a_voice_stops_the_sound_and_the_model_at_once(run_virtual: Run) -> None:
    async def main() -> None:
        world = World()
        turn = world.talk.ask(question())
        await world.clock.sleep(2.0)
        onset_s = world.clock.now()
        world.talk.hear_onset()
        await world.clock.sleep(0.0)
        assert world.loudspeaker.flushes[-1] == onset_s
        assert world.ended == [onset_s]
        count = world.kinds().count("delta")
        world.talk.hear_words()
        await world.clock.sleep(30.0)
        assert world.kinds().count("delta") == count
        assert world.loudspeaker.heard_s() == pytest.approx(onset_s - 6 * TOKEN_S, abs=TOKEN_S)
        assert ("interrupted", {"turn": turn.id}) in [(k, f) for _, k, f in world.shown]
        assert world.answered == []
        await world.talk.close()

    run_virtual(main())


@pytest.mark.parametrize("after_s", [0.1, 1.0, 1.5, 2.2, 2.9, 3.5, 5.0, 7.0])
def test_after_a_false_alarm_it_goes_on_where_it_stopped(run_virtual: Run, after_s: float) -> None:
    async def main() -> None:
        world = World()
        world.talk.ask(question())
        await world.clock.sleep(after_s)
        for _ in range(2):
            world.talk.hear_onset()
            await world.clock.sleep(0.4)
            world.talk.hear_nothing()
            await world.clock.sleep(0.3)
        await world.clock.sleep(60.0)
        assert world.told() == TEXT
        assert world.kinds().count("resumed") == 2
        assert "interrupted" not in world.kinds()
        assert len(world.answered) == 1
        whole_s = len(TEXT.split()) * WORD_S
        # A sentence that was cut in the making is begun again.
        assert whole_s - 1e-6 <= world.loudspeaker.heard_s() <= whole_s + 2 * 5 * WORD_S
        assert world.talk.state == "listening"
        await world.talk.close()

    run_virtual(main())


def test_words_that_were_taken_back_are_not_said_to_the_end(run_virtual: Run) -> None:
    async def main() -> None:
        world = World(final="I have not seen or heard that.")
        world.talk.ask(question())
        await world.clock.sleep(60.0)
        assert world.loudspeaker.flushes
        assert world.loudspeaker.heard_s() < (len(TEXT.split()) + 7) * WORD_S
        assert world.answered[0].answer is not None
        await world.talk.close()

    run_virtual(main())


def test_a_new_question_ends_the_turn_before_it(run_virtual: Run) -> None:
    async def main() -> None:
        world = World()
        first = world.talk.ask(question())
        await world.clock.sleep(1.0)
        second = world.talk.ask(question(), typed=True)
        await world.clock.sleep(60.0)
        turns = [f.get("turn") for _, kind, f in world.shown if kind == "delta"]
        assert turns.index(second.id) == len([t for t in turns if t == first.id])
        assert [t.id for t in world.answered] == [second.id]
        await world.talk.close()

    run_virtual(main())


def test_a_reply_to_a_command_ends_the_turn_before_it(run_virtual: Run) -> None:
    async def main() -> None:
        world = World()
        world.talk.ask(question())
        await world.clock.sleep(2.0)
        world.talk.announce("I will tell you.")
        before_s = world.loudspeaker.heard_s()
        deltas = world.kinds().count("delta")
        await world.clock.sleep(60.0)
        assert world.kinds().count("delta") == deltas
        assert world.answered == []
        assert world.loudspeaker.heard_s() - before_s == pytest.approx(4 * WORD_S, abs=0.1)
        await world.talk.close()

    run_virtual(main())


def test_an_answer_that_fails_is_one_error_and_it_listens_again(run_virtual: Run) -> None:
    async def main() -> None:
        world = World(fails=True)
        world.talk.ask(question())
        await world.clock.sleep(60.0)
        assert [f["text"] for _, kind, f in world.shown if kind == "error"] == ["the memory is gone"]
        assert world.talk.state == "listening"
        await world.talk.close()

    run_virtual(main())


def test_quiet_shows_and_does_not_speak(run_virtual: Run) -> None:
    async def main() -> None:
        world = World()
        world.talk.quiet = True
        world.talk.ask(question())
        await world.clock.sleep(60.0)
        assert world.told() == TEXT
        assert world.loudspeaker.heard_s() == 0.0
        await world.talk.close()

    run_virtual(main())


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.3, 1.3, 2.5, 4.0, 9.0])
def test_it_can_be_closed_at_any_moment(run_virtual: Run, after_s: float) -> None:
    async def main() -> None:
        world = World()
        world.talk.ask(question())
        await world.clock.sleep(after_s)
        await world.talk.close()
        shown = len(world.shown)
        await asyncio.wait_for(world.clock.sleep(30.0), 60.0)
        assert len(world.shown) <= shown + 1  # at most "listening"
        assert world.asked == [] or len(world.ended) == len(world.asked)

    run_virtual(main())

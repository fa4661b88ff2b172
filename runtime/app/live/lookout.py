"""A session's watches: understood, listed, ended, and spoken of when they come true."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from reasoning.language import Language
from reasoning.proactive import Cancel, Listing, Unclear, Watch, Watches, parse_watch
from reasoning.watches import replies
from runtime.app.live import protocol
from runtime.app.live.meters import SessionMeter
from runtime.app.live.turns import Conversation, Show, Turn
from runtime.clock import WallClock
from runtime.compute import Compute
from runtime.messages import Alert, Evidence, FrameFeature, Observation

_WAITING = 8
"""Alerts that wait for the agent or the person to end. More, and the oldest are only shown."""

Pictures = Callable[[Sequence[Evidence], float | None], Awaitable[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class _News:
    """since_s: on the clock, when it happened."""

    text: str
    since_s: float


class Lookout:
    """Of one session. What there is to say is said when nobody speaks."""

    def __init__(
        self,
        watches: Watches,
        conversation: Conversation,
        show: Show,
        pictures: Pictures,
        meter: SessionMeter,
        compute: Compute,
        language: Language,
        clock: WallClock,
        zero_s: float,
    ) -> None:
        """zero_s: what the clock showed at the session's zero."""
        self._watches = watches
        self._conversation = conversation
        self._show = show
        self._pictures = pictures
        self._meter = meter
        self._compute = compute
        self._language = language
        self._clock = clock
        self._zero_s = zero_s
        self._waiting: deque[_News] = deque(maxlen=_WAITING)
        self._alerts: set[str] = set()  # turns

    def show(self) -> None:
        items = [{"id": w.id, "text": w.text, "kind": w.kind} for w in self._watches.all()]
        self._show("watches", items=items)

    async def command(self, text: str) -> bool:
        """Whether it asked for a watch or a reminder, to end one, or which there are: then that is done."""
        wall = self._clock.wall()
        wish = await self._compute.run("answer", parse_watch, text, self._language, wall)
        match wish:
            case Watch():
                watch = await self._watches.add(wish, self._now_s())
                reply = replies.confirmation(watch, wall)
            case Cancel():
                reply = replies.cancelled(await self._watches.cancel(wish))
            case Listing():
                reply = replies.listing(self._watches.all(), wall)
            case Unclear(question=question):
                reply = question
            case _:
                return False
        self._conversation.announce(reply)
        self.show()
        return True

    async def remove(self, watch_id: str) -> None:
        await self._watches.remove(watch_id)
        self.show()

    async def perceived(self, percept: Observation | FrameFeature) -> None:
        happened_s = percept.t_s if isinstance(percept, FrameFeature) else percept.known_at_s
        for alert in await self._watches.observe(percept, self._now_s()):
            await self._tell(alert, self._zero_s + happened_s)

    @property
    def due(self) -> bool:
        """Whether `remind` has something to do."""
        due = self._watches.next_due()
        come = due is not None and due <= self._clock.wall()
        return come or (bool(self._waiting) and self._conversation.state == "listening")

    async def remind(self) -> None:
        """Says what has become due, and what had to wait. To be called once a second or so."""
        wall = self._clock.wall()
        for alert in await self._watches.due(wall, self._now_s()):
            await self._tell(alert, self._clock.now())
        self._say()

    def ended(self, turn: Turn) -> None:
        """A turn is over: was it one of these?"""
        if turn.id in self._alerts and "first_sound" in turn.latency:
            self._meter.alert(turn.latency["first_sound"])
        self._alerts.discard(turn.id)

    def _now_s(self) -> float:
        return self._clock.now() - self._zero_s

    async def _tell(self, alert: Alert, since_s: float) -> None:
        # Said first: finding a picture takes longer than beginning to speak.
        self._waiting.append(_News(alert.text, since_s))
        self._say()
        pictures = await self._pictures(alert.evidence, None)
        evidence = protocol.evidence_of(alert.evidence, pictures)
        self._show("alert", id=f"{alert.watch}-{alert.t_s:.0f}", text=alert.text, evidence=evidence)
        self.show()

    def _say(self) -> None:
        if self._waiting and self._conversation.state == "listening" and not self._conversation.busy:
            news = self._waiting.popleft()
            self._alerts.add(self._conversation.announce(news.text, news.since_s).id)

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
from runtime.messages import Alert, Clip, Evidence, FrameFeature, Observation

_WAITING = 8
"""Alerts that wait for the agent or the person to end. More, and the oldest are only shown."""

_TAGS_SHOWN = 4

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
        self._unproven: deque[tuple[Alert, float]] = deque(maxlen=_WAITING)

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
        seen_s = percept.t_s if isinstance(percept, FrameFeature) else None
        happened_s = percept.known_at_s if isinstance(percept, Observation) else percept.t_s
        for alert in await self._watches.observe(percept, self._now_s()):
            await self._tell(alert, self._zero_s + happened_s, seen_s)

    async def remembered(self, clips: Sequence[Clip]) -> None:
        """Clips that were just committed: they prove what their frames told of."""
        waiting, self._unproven = self._unproven, deque(maxlen=_WAITING)
        for alert, seen_s in waiting:
            clip = next((c for c in clips if c.t_start_s <= seen_s <= c.t_end_s), None)
            if clip is None:
                self._unproven.append((alert, seen_s))
                continue
            looks = "looks like: " + ", ".join(name for name, _ in clip.tags[:_TAGS_SHOWN])
            proof = Evidence(clip.id, clip.source, "seen", looks, clip.t_start_s, clip.t_end_s, 1.0)
            await self._show_alert(alert, (proof,))

    @property
    def due(self) -> bool:
        """Whether `remind` has something to do."""
        due = self._watches.next_due()
        come = due is not None and due <= self._clock.wall()
        return come or (bool(self._waiting) and self._free)

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

    @property
    def _free(self) -> bool:
        return self._conversation.state == "listening" and not self._conversation.busy

    def _now_s(self) -> float:
        return self._clock.now() - self._zero_s

    async def _tell(self, alert: Alert, since_s: float, seen_s: float | None = None) -> None:
        """seen_s: media time of the frame that tells of it; its clip, the evidence, comes later."""
        # Said first: finding a picture takes longer than beginning to speak.
        self._waiting.append(_News(alert.text, since_s))
        self._say()
        if not alert.evidence and seen_s is not None:
            self._unproven.append((alert, seen_s))
        await self._show_alert(alert, alert.evidence)
        self.show()

    async def _show_alert(self, alert: Alert, evidence: Sequence[Evidence]) -> None:
        """Once, and again when there is a picture to prove it."""
        pictures = await self._pictures(evidence, None)
        id_ = f"{alert.watch}-{alert.t_s:.0f}"
        self._show("alert", id=id_, text=alert.text, evidence=protocol.evidence_of(evidence, pictures))

    def _say(self) -> None:
        if self._waiting and self._free:
            news = self._waiting.popleft()
            self._alerts.add(self._conversation.announce(news.text, news.since_s).id)

"""What is perceived, on its way to memory: shown, watched for, put into words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from reasoning.captions import Captioner
from runtime.app.live.captions import Captions
from runtime.app.live.lookout import Lookout
from runtime.app.live.parts import Parts
from runtime.app.live.tape import Tape
from runtime.app.live.turns import Conversation, Show
from runtime.app.live.views import shown_tags
from runtime.channel import Channel
from runtime.messages import FrameFeature, Observation, Vector, Watermark

_TAGS_EVERY_S = 1.0
_SAME_SCENE = 0.85


class Noticing:
    """Of one session."""

    def __init__(
        self,
        parts: Parts,
        tape: Tape,
        conversation: Conversation,
        lookout: Lookout,
        show: Show,
        alive: Callable[[], None],
        source: str,
        zero_s: float,
        is_forgotten: Callable[[float, float], bool],
    ) -> None:
        """alive: told when the picture has changed. zero_s: what the clock showed at the session's zero. is_forgotten:
        whether that media time was to be forgotten; nothing of it is shown or passed on.
        """
        self._parts = parts
        self._tape = tape
        self._conversation = conversation
        self._lookout = lookout
        self._show = show
        self._alive = alive
        self._source = source
        self._zero_s = zero_s
        self._is_forgotten = is_forgotten
        self._tags_s = -math.inf
        self._looked: Vector | None = None

    async def run(self, percepts: Channel[Any], to_write: Channel[Any]) -> None:
        captions = Captions(
            self._parts.captioner or Captioner(None),
            self._parts.live.caption_every_s,
            lambda: self._conversation.state == "listening",
            lambda text, t_s: self._show("caption", t=round(t_s, 2), text=text),
            to_write.put,
            self._source,
            self._parts.clock,
            self._zero_s,
            self._tape,
        )
        try:
            await self._pass_on(captions, percepts, to_write)
        finally:
            await captions.close()

    async def _pass_on(self, captions: Captions, percepts: Channel[Any], to_write: Channel[Any]) -> None:
        async for percept in percepts:
            if not isinstance(percept, Watermark) and self._is_forgotten(*_span(percept)):
                continue
            if isinstance(percept, FrameFeature) and percept.t_s - self._tags_s >= _TAGS_EVERY_S:
                self._tags_s = percept.t_s
                self._moved(percept)
                tags = [[name, round(p, 3)] for name, p in shown_tags(percept.tags)]
                self._show("seen", t=round(percept.t_s, 2), tags=tags, text=captions.look(percept))
                await self._lookout.perceived(percept)
            if isinstance(percept, Observation):
                if percept.modality == "read":
                    self._show("read", id=percept.id, t=round(percept.t_start_s, 2), text=percept.text)
                await self._lookout.perceived(percept)
            await to_write.put(percept)

    def _moved(self, feature: FrameFeature) -> None:
        """A picture that has changed is a sign of life."""
        if self._looked is None or float(feature.appearance @ self._looked) < _SAME_SCENE:
            self._looked = feature.appearance
            self._alive()


def _span(percept: FrameFeature | Observation) -> tuple[float, float]:
    if isinstance(percept, FrameFeature):
        return percept.t_s, percept.t_s
    return percept.t_start_s, percept.t_end_s

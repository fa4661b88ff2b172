"""A sentence about the newest picture, now and then, while nobody asks anything."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from reasoning.captions import Captioner, looks_like
from runtime.app.live.tape import Tape
from runtime.clock import Clock
from runtime.messages import FrameFeature, Observation, Vector

_SAME_SCENE = 0.95
_SECONDS_TO_END = 1.0

Keep = Callable[[Observation], Awaitable[None]]


class Captions:
    """Of one session. A scene that still looks the same is not described again."""

    def __init__(
        self,
        captioner: Captioner,
        every_s: float,
        idle: Callable[[], bool],
        show: Callable[[str, float], None],
        keep: Keep,
        source: str,
        clock: Clock,
        zero_s: float,
        tape: Tape,
    ) -> None:
        """idle: whether the model may be asked now. show: gets a sentence and the media time of its picture. keep:
        remembers an observation. zero_s: what the clock showed at the session's zero.
        """
        self._captioner = captioner
        self._every_s = every_s
        self._idle = idle
        self._show = show
        self._keep = keep
        self._source = source
        self._clock = clock
        self._zero_s = zero_s
        self._tape = tape
        self._task: asyncio.Task[None] | None = None
        self._asked_s = float("-inf")
        self._described: Vector | None = None
        self.text = ""
        """What the model said last, as long as the scene is the same."""

    def look(self, feature: FrameFeature) -> str:
        """What to show beside a frame: the model's sentence, else what it looks like. May ask the model, which does
        not take long to be told; its answer comes by itself.
        """
        same = self._described is not None and float(feature.appearance @ self._described) >= _SAME_SCENE
        if not same:
            self.text = ""
        if not same and self._due(feature.t_s):
            self._asked_s = feature.t_s
            self._task = asyncio.create_task(self._describe(feature), name="caption")
        return self.text or looks_like(feature.tags)

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=_SECONDS_TO_END)

    def _due(self, t_s: float) -> bool:
        free = self._task is None or self._task.done()
        return free and t_s - self._asked_s >= self._every_s and self._idle()

    async def _describe(self, feature: FrameFeature) -> None:
        found = await self._tape.run("caption", lambda: self._captioner.caption(feature.thumbnail))
        if found is None:
            return
        text, model = found
        self._described, self.text = feature.appearance, text
        self._show(text, feature.t_s)
        await self._keep(self._observation(text, model, feature.t_s))

    def _observation(self, text: str, model: str, t_s: float) -> Observation:
        """Known only once it was written: no question asked before then may use it."""
        key = f"{self._source}\0caption\0{round(t_s * 1000)}\0{text}"
        return Observation(
            id=hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:16],
            source=self._source,
            modality="seen",
            text=text,
            t_start_s=t_s,
            t_end_s=t_s,
            known_at_s=self._clock.now() - self._zero_s,
            details={"by": model},
        )

"""Watches and reminders: kept, listed, ended, and told of when they come true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory.text import tokens
from reasoning.watches import replies
from reasoning.watches.matching import Encode, Matcher
from reasoning.watches.phrases import parse_watch
from reasoning.watches.store import read_watches, write_watches
from reasoning.watches.times import next_time
from reasoning.watches.wishes import Cancel, Listing, Unclear, Watch, WatchKind, Wish
from runtime.errors import InputError
from runtime.messages import Alert, Clip, Evidence, FrameFeature, Observation

__all__ = ["Cancel", "Listing", "Unclear", "Watch", "WatchKind", "Watches", "Wish", "parse_watch"]

MOST = 100

_FILLER = {"o", "clock", "pm", "am", "minut", "minute", "hour"}
_TAGS_SHOWN = 4


class Watches:
    """What one user waits for. Of one event loop.

    Times of day are the user's wall clock (Unix time); t_s are media seconds of the session.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        text: Encode | None = None,
        vision: Encode | None = None,
        class_vectors: Mapping[str, NDArray[np.float32]] | None = None,
        zone: tzinfo | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """path: where they are kept; None keeps them nowhere.

        text, vision: how meanings are compared (each called in its encoder's own thread by the caller's wrapper);
        without them words decide, and things are seen only by class names. class_vectors: text vector of every class
        name, for a vision encoder that only names classes. zone: the user's; None is the machine's. report: gets a
        line when the file is damaged or cannot be written.
        """
        self._path = path
        self._zone = zone
        self._report = report
        self._matcher = Matcher(text, vision, class_vectors)
        kept = read_watches(path, report) if path is not None else None
        self._watches: dict[str, Watch] = {w.id: w for w in kept.watches} if kept is not None else {}
        self._next = kept.next if kept is not None else 1
        self._since_s: dict[str, float] = {}
        self._matched_s: dict[str, float] = {}
        self._writing = asyncio.Lock()

    def all(self) -> list[Watch]:
        """In the order in which they were asked for."""
        return list(self._watches.values())

    def next_due(self) -> float | None:
        """Unix time at which `due` next has something to say."""
        return min((w.due for w in self._watches.values() if w.due is not None), default=None)

    async def add(self, watch: Watch, t_s: float = 0.0) -> Watch:
        """Keeps it and gives it its id. t_s: now; only what comes later counts, so that the wish does not fulfil itself.

        The same wish again takes the place of the first. Raises InputError when there are MOST already.
        """
        same = [w.id for w in self._watches.values() if _wish_of(w) == _wish_of(watch)]
        if not same and len(self._watches) >= MOST:
            raise InputError(f"there are {MOST} watches already: cancel some first")
        for id_ in same:
            self._drop(id_)
        watch = replace(watch, id=f"w{self._next}")
        self._next += 1
        self._watches[watch.id] = watch
        self._since_s[watch.id] = t_s
        await self._save()
        return watch

    async def remove(self, id_: str) -> Watch | None:
        """None: there is none with this id."""
        watch = self._watches.get(id_)
        if watch is not None:
            self._drop(id_)
            await self._save()
        return watch

    async def cancel(self, cancel: Cancel) -> list[Watch]:
        """Ends those that it means, and gives them back."""
        meant = _meant(cancel, self.all())
        for watch in meant:
            self._drop(watch.id)
        if meant:
            await self._save()
        return meant

    async def observe(self, perceived: Observation | Clip | FrameFeature, t_s: float) -> list[Alert]:
        """What is to be told of something that was just perceived at t_s.

        A frame tells of a thing seconds before its clip is there, but has no evidence yet: give both. What is noticed
        again within the cooldown of the last time counts as still going on. Words cost microseconds; meaning costs
        the encoder's time for the new sentence, where a watch wants it.
        """
        alerts = []
        for watch in self.all():
            alert = await self._matched(watch, perceived, t_s)
            # Others may have ended it meanwhile.
            if alert is None or watch.id not in self._watches:
                continue
            last_s = self._matched_s.get(watch.id)
            self._matched_s[watch.id] = t_s
            if last_s is None or t_s - last_s >= watch.cooldown_s:
                alerts.append(alert)
                if watch.once:
                    self._drop(watch.id)
        if any(alert.watch not in self._watches for alert in alerts):
            await self._save()
        return alerts

    async def due(self, now_wall: float, t_s: float = 0.0) -> list[Alert]:
        """Reminders whose time has come, each once; one that was missed while nobody ran says so.

        They leave the file after this has returned them: a crash in between repeats one rather than losing it.
        """
        come = sorted(
            (w for w in self._watches.values() if w.due is not None and w.due <= now_wall),
            key=lambda w: (w.due or 0.0, w.id),
        )
        alerts = []
        for watch in come:
            alerts.append(Alert(replies.reminder(watch, now_wall, self._zone), t_s, watch=watch.id))
            if watch.every_s and watch.due is not None:
                due = next_time(watch.due, watch.every_s, now_wall, self._zone)
                self._watches[watch.id] = replace(watch, due=due)
            else:
                self._drop(watch.id)
        if come:
            await self._save()
        return alerts

    async def _matched(
        self, watch: Watch, perceived: Observation | Clip | FrameFeature, t_s: float
    ) -> Alert | None:
        since_s = self._since_s.get(watch.id, float("-inf"))
        if isinstance(perceived, Observation):
            if watch.kind not in ("any", perceived.modality) or perceived.modality == "seen":
                return None
            text = _since(perceived, since_s)
            if not text or not _may_be(watch.speaker, perceived.speaker):
                return None
            found = await self._matcher.in_text(watch, text)
            if found is None:
                return None
            o = perceived
            proof = (Evidence(o.id, o.source, o.modality, o.text, o.t_start_s, o.t_end_s, 1.0),)
            return Alert(replies.news(watch, o.modality, found, o.speaker), t_s, proof, watch.id)
        if watch.kind not in ("any", "seen"):
            return None
        clip = perceived if isinstance(perceived, Clip) else None
        end_s = clip.t_end_s if clip is not None else perceived.t_s  # type: ignore[union-attr]
        if end_s <= since_s:
            return None
        found = await self._matcher.in_picture(watch, perceived.tags, perceived.vector)
        if found is None:
            return None
        looks = "looks like: " + ", ".join(name for name, _ in perceived.tags[:_TAGS_SHOWN])
        shown = (
            (Evidence(clip.id, clip.source, "seen", looks, clip.t_start_s, clip.t_end_s, 1.0),)
            if clip
            else ()
        )
        return Alert(replies.news(watch, "seen", found, None), t_s, shown, watch.id)

    def _drop(self, id_: str) -> None:
        del self._watches[id_]
        self._since_s.pop(id_, None)
        self._matched_s.pop(id_, None)

    async def _save(self) -> None:
        if self._path is None:
            return
        async with self._writing:
            try:
                await asyncio.to_thread(write_watches, self._path, self._next, self.all())
            except OSError as error:
                self._report(f"watches: {self._path} cannot be written: {error.strerror or error}")


def _since(perceived: Observation, since_s: float) -> str:
    """What of it came later, "" for nothing: somebody may have been speaking already, whose words have times."""
    if perceived.t_start_s >= since_s:
        return perceived.text
    at = 0
    for word, start_s, *_ in perceived.details.get("words", ()):
        at = max(at, perceived.text.find(word, at))
        if start_s >= since_s:
            return perceived.text[at:]
    return ""


def _wish_of(watch: Watch) -> tuple[object, ...]:
    return (watch.kind, tokens(watch.what), watch.due, watch.every_s, watch.speaker, watch.say)


def _meant(cancel: Cancel, watches: list[Watch]) -> list[Watch]:
    if cancel.reminders is not None:
        watches = [w for w in watches if (w.kind == "time" or bool(w.say)) == cancel.reminders]
    if cancel.every or not watches:
        return watches
    wanted = set(tokens(cancel.what)) - _FILLER
    if not wanted:
        return [max(watches, key=lambda w: (w.created, int(w.id[1:])))]
    return [w for w in watches if wanted <= set(tokens(f"{w.text} {w.what} {w.say}"))]


def _may_be(wanted: str | None, speaker: str | None) -> bool:
    """False only for one who is known by another name: a voice without a name may be anybody's."""
    if wanted is None or speaker is None or any(ch.isdigit() for ch in speaker):
        return True
    return bool(set(tokens(wanted)) & set(tokens(speaker)))

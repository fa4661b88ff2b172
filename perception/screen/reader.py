"""The screen as it is looked at: what is new is read, remembered once, and followed until it is gone."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from perception.screen.change import Box, Changes, Gray, Tiles, aligned, merged, overlap
from perception.screen.covers import marked
from perception.screen.lines import Gone, Lines, Track, inside, keep, last_gone, take_back
from perception.screen.pictures import Pictures
from perception.screen.pieces import PieceReader, RegionReader
from perception.screen.places import Places, place_at, place_in, where_of
from perception.screen.redaction import blackened, redacted
from perception.screen.remembered import Remembered
from perception.screen.rows import per_mille, rows_of
from perception.screen.settings import ScreenReadSettings
from perception.screen.titles import Place, is_chrome, place_of
from runtime.messages import (
    Observation,
    ScreenFrame,
    ScreenPicture,
    ScreenReading,
    Standing,
)
from runtime.models import TextLine

_MARGIN = 6
_NOWHERE = (0, 0, 0, 0)


@dataclass(slots=True)
class _Monitor:
    changes: Changes
    lines: Lines
    pictures: Pictures
    place: Place = field(default_factory=Place)
    last: ScreenFrame | None = None
    picture_s: float = -math.inf
    wants_picture: bool = False
    secret: set[Track] = field(default_factory=set)
    forgotten: Tiles | None = None
    """Tiles that are as they were when what they show was forgotten."""


@dataclass(slots=True)
class _Activity:
    place: Place
    since_s: float
    record: str | None = None


class ScreenReader:
    """Looks at frames in order of time, all monitors. Blocking: for one thread. Times in media seconds."""

    def __init__(self, reader: PieceReader, source: str, settings: ScreenReadSettings) -> None:
        """source: id of the memory's source that the records belong to; it may be changed between looks."""
        self.source = source
        self._regions = RegionReader(reader)
        self._settings = settings
        self._monitors: dict[int, _Monitor] = {}
        self._away: dict[int, _Monitor] = {}
        self._gone: Gone = OrderedDict()
        self._remembered = Remembered()
        self._where = Places()
        self._activity: _Activity | None = None
        self._next: _Activity | None = None
        self._looked_s = -math.inf
        self._told: list[Observation] = []

    @property
    def place(self) -> Place:
        """What is in front now."""
        return self._activity.place if self._activity is not None else Place()

    def look(self, frame: ScreenFrame, known: bool = False) -> ScreenReading:
        """What is new in a frame. known: what memory does not hold of it was taken back from there, and is not taken up again
        as long as it stands there.
        """
        if frame.t_s - self._looked_s > self._settings.gap_s:
            self._forget_screen(self._looked_s)
        gray = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), np.uint8)
        monitor = self._monitor(frame, gray)
        pictures = self._left(monitor, frame)
        boxes = monitor.changes.look(gray, frame.t_s, frame.settled, self._settings.patience_s)
        if boxes:
            self._read(monitor, frame, gray, boxes)
        if monitor.forgotten is not None:
            monitor.forgotten &= monitor.changes.moved_s < frame.t_s
        if known:
            self._hold_back(monitor, frame)
        due = monitor.lines.due(frame.t_s, frame.settled)
        self._remembered.stand([t for t in due if t.written])
        self._remember(monitor, frame, [t for t in due if not t.written and monitor.changes.at_rest(t.box)])
        self._do(monitor, frame)
        pictures += self._pictures(monitor, frame)
        self._looked_s, monitor.last = frame.t_s, frame
        return self._reading(pictures)

    @property
    def restless(self) -> bool:
        """Whether another look at the same screen has something to do: text that must rest before it is remembered."""
        return self._next is not None or any(
            m.wants_picture or m.changes.unread.any() or any(not t.written for t in m.lines.here)
            for m in self._monitors.values()
        )

    def still(self, t_s: float) -> None:
        """Looked at at t_s, and it was all as before."""
        self._looked_s = max(self._looked_s, t_s)

    def look_away(self) -> ScreenReading:
        """Nobody looks for a while (paused, asleep, no display): what stands there has ended at the last look. What is
        there again afterwards, in the same window, is not new.
        """
        self._forget_screen(self._looked_s)
        self._away |= self._monitors
        self._monitors.clear()
        return self._reading(())

    def take_up(
        self, texts: Sequence[tuple[Observation, Mapping[int, float]]], until_s: float, t_s: float
    ) -> None:
        """Before the first look, at t_s: records that an earlier run made of this source, the last to go at the end, and by
        line until when it stood there. until_s: when that run looked last; the time since does not make a line old.
        """
        for record, ends in texts:
            place = place_in(record)
            rows = record.text.splitlines()
            tracks: dict[int, list[Track]] = {}
            for line, end_s in ends.items():
                seen_s = t_s if end_s >= until_s else end_s
                tracks[line] = [
                    Track(text, record.confidence, _NOWHERE, place, end_s, end_s, seen_s, 0.0)
                    for text in rows[line].split("  ")
                ]
            self._remembered.add(record.id, record.source, tracks, there=False)
            for track in itertools.chain.from_iterable(tracks.values()):
                keep(self._gone, track)

    def close(self) -> ScreenReading:
        """The source is over: what stands there has ended at the last look, and nothing is known of it any more but that
        some of it was forgotten.
        """
        reading = self.look_away()
        self.forget_pictures()
        forgotten = list(self._forgotten_gone())
        self._away = {number: m for number, m in self._away.items() if m.forgotten is not None}
        self._gone.clear()
        for track in forgotten:
            keep(self._gone, track)
        self._remembered.clear()
        return reading

    def forget(self) -> None:
        """What is on the screen now counts as never read: it was taken back from memory."""
        self._monitors.clear()
        self._away.clear()
        self._gone.clear()
        self._remembered.clear()
        self._regions.forget()
        self._activity = self._next = None
        self._told.clear()
        self._remembered.told.clear()

    @property
    def holds_back(self) -> bool:
        """Whether a line that was forgotten stands there, or may come back as the same."""
        monitors = (*self._monitors.values(), *self._away.values())
        here = itertools.chain.from_iterable(m.lines.here for m in monitors)
        return any(t.forgotten for t in here) or any(True for _ in self._forgotten_gone())

    def _forgotten_gone(self) -> Iterator[Track]:
        since_s = self._looked_s - self._settings.recall_s
        gone = itertools.chain.from_iterable(self._gone.values())
        return (t for t in gone if t.forgotten and t.seen_s >= since_s)

    def _hold_back(self, monitor: _Monitor, frame: ScreenFrame) -> None:
        texts = self._redacted(monitor, (), frame.image.shape[1])
        for track in monitor.lines.here:
            known = track.written or (
                texts[track] != track.text and self._taken_up(track, texts[track], frame.t_s)
            )
            if not known:
                track.known = track.forgotten = True
        monitor.forgotten = np.ones_like(monitor.changes.known)

    def forget_pictures(self) -> None:
        """Pictures were taken off the disk, perhaps the last ones: the next one of each monitor stands alone."""
        for monitor in (*self._monitors.values(), *self._away.values()):
            monitor.pictures.forget()

    def _reading(self, pictures: Sequence[ScreenPicture]) -> ScreenReading:
        stood = self._remembered.told
        reading = ScreenReading(tuple(self._told), tuple(stood), tuple(pictures), self._looked_s)
        self._told, self._remembered.told = [], []
        return reading

    def _monitor(self, frame: ScreenFrame, gray: Gray) -> _Monitor:
        if (away := self._away.pop(frame.monitor, None)) is not None:
            away.lines.returned(frame.t_s)
            self._monitors[frame.monitor] = away
        monitor = self._monitors.get(frame.monitor)
        if monitor is None or monitor.changes.last.shape != gray.shape:
            lines = monitor.lines if monitor is not None else Lines(self._settings, self._gone)
            self._remembered.end(lines.clear(frame.t_s), frame.t_s)
            pictures = Pictures(self._settings)
            monitor = self._monitors[frame.monitor] = _Monitor(Changes.of(gray), lines, pictures)
        return monitor

    def _forget_screen(self, t_s: float) -> None:
        for monitor in self._monitors.values():
            for track in monitor.lines.here:
                track.seen_s = t_s
            self._remembered.end(monitor.lines.clear(t_s), t_s)
            monitor.changes, monitor.last = Changes.of(monitor.changes.last), None
        self._stop(t_s)
        self._next = None

    def _read(self, monitor: _Monitor, frame: ScreenFrame, gray: Gray, boxes: list[Box]) -> None:
        shape = gray.shape[:2]
        height, width = shape
        # A line of which a part has changed is read whole.
        grown = []
        for x0, y0, x1, y1 in boxes:
            box = (x0 - _MARGIN, y0 - _MARGIN, x1 + _MARGIN, y1 + _MARGIN)
            for track in monitor.lines.here:
                if overlap(track.box, box):
                    a, b = track.box, box
                    box = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
            grown.append(aligned(box, (height, width)))
        boxes = merged(grown)
        found = [(box, self._regions.of(frame.image, box, frame.windows)) for box in boxes]
        outside = [t for t in monitor.lines.here if not any(inside(t.box, box) for box in boxes)]
        everything = [TextLine(t.text, t.confidence, _share(t.box, shape)) for t in outside]
        everything += [TextLine(p.text, p.confidence, _share(p.box, shape)) for _, ps in found for p in ps]
        places = self._places(monitor, frame, everything)
        since_s = monitor.changes.waiting_since_s
        at_s = frame.t_s if since_s is None else min(since_s, frame.t_s)
        for box, pieces in found:
            pieces = [
                p for p in pieces if not is_chrome(TextLine(p.text, p.confidence, _share(p.box, shape)))
            ]
            pieces = marked(pieces, frame.windows, shape)
            where = [place_at(p.box, frame.windows, places) for p in pieces]
            gone = monitor.lines.take(pieces, where, box, frame.t_s, frame.settled, at_s)
            # What vanished before it had settled was there all the same, unless it was being written.
            before_s = frame.t_s - (0.0 if monitor.lines.turned else 1.0)
            self._remember(monitor, frame, [t for t in gone if not t.written and t.since_s < before_s])
            self._remembered.end(gone, at_s)
            monitor.changes.read(gray, box)
        self._remembered.stand([t for t in monitor.lines.here if t.shown_s == at_s])

    def _places(self, monitor: _Monitor, frame: ScreenFrame, lines: Sequence[TextLine]) -> list[Place]:
        places = self._where.of(frame, lines, monitor.place)
        if frame.windows is None:
            monitor.place = places[0]
        return places

    def _remember(self, monitor: _Monitor, frame: ScreenFrame, tracks: Sequence[Track]) -> None:
        """New lines become records, one for each window that they stand in."""
        if not tracks:
            return
        texts = self._redacted(monitor, tracks, frame.image.shape[1])
        tracks = [t for t in tracks if texts[t] == t.text or not self._taken_up(t, texts[t], frame.t_s)]
        by_place: dict[str, list[Track]] = {}
        for track in tracks:
            by_place.setdefault(track.place.key, []).append(track)
        for group in by_place.values():
            self._record(monitor, frame, group, texts)

    def _taken_up(self, track: Track, text: str, t_s: float) -> bool:
        """Whether an earlier run remembered it; what that is known of has its secrets taken out."""
        before = last_gone(self._gone, track.place, text)
        if before is None or before.record is None or t_s - before.seen_s > self._settings.recall_s:
            return False
        take_back(self._gone, before)
        track.record, track.line = before.record, before.line
        self._remembered.stand([track])
        return True

    def _record(
        self, monitor: _Monitor, frame: ScreenFrame, tracks: list[Track], texts: dict[Track, str]
    ) -> None:
        place = tracks[0].place
        height, width = frame.image.shape[:2]
        rows = [row for row in rows_of(tracks, width) if any(t.text != place.title for t in row)]
        if not rows:
            for track in tracks:
                track.known = True
            return
        heading = [place.title] if place.title else []
        text = "\n".join([*heading, *("  ".join(texts[t] for t in row) for row in rows)])
        start_s = min(t.shown_s for t in tracks)
        record = _id(self.source, f"{frame.monitor}", start_s, f"{place.key}\0{text}")
        details: dict[str, Any] = where_of(place) | {
            "monitor": frame.monitor,
            "heading": len(heading),
            "boxes": [per_mille(row, width, height) for row in rows],
        }
        self._told.append(
            Observation(
                id=record,
                source=self.source,
                modality="read",
                text=text,
                t_start_s=start_s,
                t_end_s=frame.t_s,
                known_at_s=frame.t_s,
                confidence=min(t.confidence for t in tracks),
                details=details,
            )
        )
        self._remembered.add(
            record, self.source, {number: row for number, row in enumerate(rows, len(heading))}
        )
        for track in tracks:
            track.known = track.record is None
        monitor.wants_picture = self._settings.pictures

    def _redacted(self, monitor: _Monitor, tracks: Sequence[Track], width: int) -> dict[Track, str]:
        """Their texts, and those of all that is on the screen, without secrets."""
        here = list(dict.fromkeys([*monitor.lines.here, *tracks]))
        texts, monitor.secret = redacted(here, width)
        return texts

    def _do(self, monitor: _Monitor, frame: ScreenFrame) -> None:
        """What is in front becomes an activity when it stays there."""
        if frame.windows is None:
            place: Place | None = monitor.place
        else:
            shape = frame.image.shape[:2]
            here = [TextLine(t.text, t.confidence, _share(t.box, shape)) for t in monitor.lines.here]
            places = [(w, p) for w, p in zip(frame.windows, self._places(monitor, frame, here), strict=False)]
            place = next((p for w, p in places if w.active), None)
        if place is None:
            return
        now = self._activity
        if now is not None and now.place.key == place.key:
            self._next = None
            return
        if self._next is None or self._next.place.key != place.key:
            self._next = _Activity(place, frame.t_s)
        if frame.settled or now is None or frame.t_s - self._next.since_s >= self._settings.activity_s:
            self._stop(self._next.since_s)
            self._begin(self._next, frame)
            self._next = None
            monitor.wants_picture = self._settings.pictures
            monitor.picture_s = -math.inf

    def _begin(self, activity: _Activity, frame: ScreenFrame) -> None:
        text = str(activity.place) or "desktop"
        activity.record = _id(self.source, "activity", activity.since_s, text)
        self._activity = activity
        self._told.append(
            Observation(
                id=activity.record,
                source=self.source,
                modality="seen",
                text=text,
                t_start_s=activity.since_s,
                t_end_s=frame.t_s,
                known_at_s=frame.t_s,
                details=where_of(activity.place) | {"activity": True, "monitor": frame.monitor},
            )
        )

    def _stop(self, t_s: float) -> None:
        now, self._activity = self._activity, None
        if now is not None and now.record is not None:
            self._remembered.told.append(
                Standing(now.record, self.source, now.since_s, max(now.since_s, t_s))
            )

    def _left(self, monitor: _Monitor, frame: ScreenFrame) -> tuple[ScreenPicture, ...]:
        """The picture that was still to come of the window that was in front, as it was at the look before."""
        last = monitor.last
        if last is None or not monitor.wants_picture or _front(last) == _front(frame):
            return ()
        return (self._picture(monitor, last),)

    def _pictures(self, monitor: _Monitor, frame: ScreenFrame) -> tuple[ScreenPicture, ...]:
        due = frame.settled or frame.t_s - monitor.picture_s >= self._settings.picture_every_s
        return (self._picture(monitor, frame),) if monitor.wants_picture and due else ()

    def _picture(self, monitor: _Monitor, frame: ScreenFrame) -> ScreenPicture:
        monitor.wants_picture, monitor.picture_s = False, frame.t_s
        self._redacted(monitor, (), frame.image.shape[1])
        # A picture shows nothing that was not read, since it might be a secret, nor what was forgotten.
        dark = monitor.changes.unread
        if monitor.forgotten is not None:
            dark = dark | monitor.forgotten
        lines = (*monitor.secret, *(t for t in monitor.lines.here if t.forgotten))
        picture = blackened(frame.image, dark, lines)
        data, under_s = monitor.pictures.encode(picture, frame.t_s)
        return ScreenPicture(self.source, frame.t_s, frame.monitor, data, under_s)


def _front(frame: ScreenFrame) -> str | None:
    """The window in front; None: the platform does not tell, or it is on another monitor."""
    return next((place_of(w.title, w.program).key for w in frame.windows or () if w.active), None)


def _id(source: str, kind: str, t_s: float, text: str) -> str:
    key = f"{source}\0screen\0{kind}\0{round(t_s * 1000)}\0{text}"
    return hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:16]


def _share(box: Box, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    height, width = shape[:2]
    return (box[0] / width, box[1] / height, box[2] / width, box[3] / height)

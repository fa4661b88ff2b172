"""Lines of text followed over time: the same line scrolled, covered and uncovered, or typed on stays one line."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from perception.screen.change import Box
from perception.screen.settings import ScreenReadSettings
from perception.screen.titles import Place

_CONFUSED = str.maketrans("o1isb", "0ll58")
_SAME = 0.86
_GROWN = 0.6
_TURNED = 4
_TICKS = 3
_TICK_WINDOW_S = 1800.0
_POOL = 4000
_ALIKE = 16
CUT = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """One run of text as it was read. box: pixels of the monitor's picture. cut: a part of it may be hidden."""

    text: str
    confidence: float
    box: Box
    cut: bool = False


@dataclass(slots=True, eq=False)
class Track:
    """One line, from when it appeared. record, line: where it was remembered; None as long as it was not.

    since_s: when its text last changed. shown_s: when it appeared this time. text stays in this process: what is
    remembered has its secrets taken out.
    """

    text: str
    confidence: float
    box: Box
    place: Place
    shown_s: float
    since_s: float
    seen_s: float
    settle_s: float
    record: str | None = None
    line: int = 0
    known: bool = field(default=False)
    """It is not remembered, or not again."""
    forgotten: bool = field(default=False)
    """It was taken back from memory while it stood there: no picture shows it, either."""

    @property
    def written(self) -> bool:
        return self.known or self.record is not None


Gone = OrderedDict[tuple[str, str], list[Track]]
"""Lines that were there, by window and text, those that went last at the end. Of all monitors: windows are moved. The same
text may have stood there several times.
"""


def keep(gone: Gone, track: Track) -> None:
    """As the one that went last; of too many the oldest are given up."""
    key = (track.place.key, loose(track.text))
    same = gone.setdefault(key, [])
    same.append(track)
    del same[:-_ALIKE]
    gone.move_to_end(key)
    while len(gone) > _POOL:
        gone.popitem(last=False)


def last_gone(gone: Gone, place: Place, text: str) -> Track | None:
    """The line of that text that went last from a window."""
    same = gone.get((place.key, loose(text)))
    return same[-1] if same else None


def take_back(gone: Gone, track: Track) -> None:
    """It is not gone any more."""
    key = (track.place.key, loose(track.text))
    gone[key].remove(track)
    if not gone[key]:
        del gone[key]


class Lines:
    """The lines of one monitor. Times in media seconds."""

    def __init__(self, settings: ScreenReadSettings, gone: Gone) -> None:
        """gone: shared by all monitors."""
        self._settings = settings
        self.here: list[Track] = []
        self.turned = False
        """Whether what was read last shows another page than what was read there before."""
        self._gone = gone
        self._left: list[Track] = []
        self._ticks: dict[tuple[int, int], deque[tuple[float, str, str]]] = {}

    def take(
        self,
        pieces: Sequence[Piece],
        places: Sequence[Place],
        box: Box,
        t_s: float,
        settled: bool,
        changed_s: float,
    ) -> list[Track]:
        """A region was read. places: of each piece. changed_s: when it was first seen to have changed; it was read when
        it had come to rest. Returns the lines that are gone from it.
        """
        old = [track for track in self.here if inside(track.box, box)]
        left = list(range(len(pieces)))
        for match in (self._same_text, self._same_place):
            for i in tuple(left):
                track = match(pieces[i], old)
                if track is not None:
                    old.remove(track)
                    left.remove(i)
                    self._stays(track, pieces[i], places[i], t_s, exact=match == self._same_text)
        # Where many lines are others, the page was turned; nobody writes in so many.
        turned = self.turned = min(len(left), len(old)) >= _TURNED
        for i in left:
            if (covered := self._covered(pieces[i], old)) is not None:
                covered.seen_s = t_s
                continue
            track = (
                self._back(pieces[i], places[i], t_s)
                or self._whole(pieces[i], places[i], old, t_s)
                or self._typed_on(pieces[i], old, t_s, turned)
            )
            if track is None:
                track = self._new(pieces[i], places[i], t_s, settled)
                track.shown_s = changed_s
            elif track.shown_s == t_s:
                track.shown_s = changed_s
            if track not in self.here:
                self.here.append(track)
        gone = [track for track in old if track.seen_s < t_s]
        for track in gone:
            self.here.remove(track)
            self._lost(track, changed_s)
        return gone

    def clear(self, t_s: float) -> list[Track]:
        """Nothing is known of what stands there now. Returns all lines."""
        gone, self.here = self.here, []
        for track in gone:
            self._lost(track, t_s)
        self._left = list(gone)
        return gone

    def returned(self, t_s: float) -> None:
        """It is looked at again: the time in which nobody looked does not make a line one that was long gone."""
        for track in self._left:
            track.seen_s = t_s
        self._left = []

    def due(self, t_s: float, settled: bool) -> list[Track]:
        """Those that have stood long enough to be remembered, and were not yet; one that has left another monitor since
        it appeared here was.
        """
        due = [
            track
            for track in self.here
            if not track.written and (settled or t_s - track.since_s >= track.settle_s)
        ]
        for track in due:
            before = last_gone(self._gone, track.place, track.text)
            if before is not None and before.written and 0 <= t_s - before.seen_s <= self._settings.recall_s:
                take_back(self._gone, before)
                track.record, track.line, track.known = before.record, before.line, before.known
                track.forgotten = before.forgotten
        return due

    def _lost(self, track: Track, t_s: float) -> None:
        track.seen_s = t_s
        keep(self._gone, track)

    def _same_text(self, piece: Piece, old: list[Track]) -> Track | None:
        same = loose(piece.text)
        return min(
            (t for t in old if loose(t.text) == same), key=lambda t: _distance(t.box, piece.box), default=None
        )

    def _same_place(self, piece: Piece, old: list[Track]) -> Track | None:
        """The same line read a little otherwise."""
        new = loose(piece.text)
        for track in old:
            known = loose(track.text)
            written_on = len(new) != len(known) and (new.startswith(known) or known.startswith(new))
            if not written_on and _same_row(track.box, piece.box) and alike(track.text, piece.text):
                return track
        return None

    @staticmethod
    def _covered(piece: Piece, old: list[Track]) -> Track | None:
        """The line that this is a part of, in its place: a pointer or a window covers the rest."""
        part = loose(piece.text)
        if len(part) >= CUT:
            part = part[2:-2]  # a letter that is cut in two is read as another
        for track in old:
            across = track.box[0] - 8 <= piece.box[0] and piece.box[2] <= track.box[2] + 8
            if track.written and across and level(track.box, piece.box) and part in loose(track.text):
                return track
        return None

    def _stays(self, track: Track, piece: Piece, place: Place, t_s: float, exact: bool) -> None:
        track.box, track.seen_s = piece.box, t_s
        if not track.written:
            track.place = place
            if not exact and piece.confidence > track.confidence:
                track.text, track.confidence = piece.text, piece.confidence

    def _back(self, piece: Piece, place: Place, t_s: float) -> Track | None:
        """A line that was here before, in the same window: scrolled away and back, covered and uncovered."""
        track = last_gone(self._gone, place, piece.text)
        if track is None or t_s - track.seen_s > self._settings.recall_s:
            return None
        return self._again(track, piece, t_s)

    def _again(self, track: Track, piece: Piece, t_s: float) -> Track:
        take_back(self._gone, track)
        track.box, track.shown_s, track.seen_s, track.since_s = piece.box, t_s, t_s, t_s
        return track

    def _whole(self, piece: Piece, place: Place, old: list[Track], t_s: float) -> Track | None:
        """The line of the same window that this is what one can see of: the window was moved, or made smaller."""
        part = loose(piece.text)
        if not piece.cut or len(part) < CUT:
            return None
        part = part[1:-1]  # letters that are cut in two are read as others
        for track in old:
            if track.place.key == place.key and part in loose(track.text):
                old.remove(track)
                track.box, track.seen_s = piece.box, t_s
                return track
        for (key, text), (*_, track) in reversed(self._gone.items()):
            if key == place.key and part in text and t_s - track.seen_s <= self._settings.recall_s:
                return self._again(track, piece, t_s)
        return None

    def _typed_on(self, piece: Piece, old: list[Track], t_s: float, turned: bool) -> Track | None:
        """A line that is still being written, or whose numbers count: it is remembered when it rests."""
        for track in old:
            if track.written or not _same_row(track.box, piece.box):
                continue
            if not _grown(track.text, piece.text, turned):
                continue
            old.remove(track)
            if track.text != piece.text:
                track.since_s = t_s
            track.text, track.confidence, track.box, track.seen_s = (
                piece.text,
                piece.confidence,
                piece.box,
                t_s,
            )
            return track
        return None

    def _new(self, piece: Piece, place: Place, t_s: float, settled: bool) -> Track:
        settle_s = self._settings.ticker_s if self._ticking(piece, t_s) else self._settings.settle_s
        if settled and settle_s == self._settings.settle_s:
            settle_s = 0.0
        return Track(piece.text, piece.confidence, piece.box, place, t_s, t_s, t_s, settle_s)

    def _ticking(self, piece: Piece, t_s: float) -> bool:
        """Only the numbers change, again and again, in one place."""
        skeleton = re.sub(r"\d+", "#", piece.text)
        if "#" not in skeleton:
            return False
        key = (piece.box[0] // 24, (piece.box[1] + piece.box[3]) // 24)
        ticks = self._ticks.setdefault(key, deque(maxlen=16))
        ticks.append((t_s, skeleton, piece.text))
        texts = {text for at, s, text in ticks if s == skeleton and t_s - at <= _TICK_WINDOW_S}
        if len(self._ticks) > _POOL:
            self._ticks.clear()
        return len(texts) > _TICKS


def loose(text: str) -> str:
    """Letters and digits only, those that are often read for each other made one (0 and o, 1 and l, 5 and s)."""
    return re.sub(r"[\W_]+", "", text.casefold()).translate(_CONFUSED) or text.strip()


def alike(a: str, b: str) -> bool:
    """Two readings of one line: other numbers are another line."""
    x, y = loose(a), loose(b)
    if x == y:
        return True
    if re.findall(r"\d+", a) != re.findall(r"\d+", b) or abs(len(x) - len(y)) > 0.2 * max(len(x), len(y)):
        return False
    return len(x) >= 6 and SequenceMatcher(None, x, y, autojunk=False).ratio() >= _SAME


def inside(box: Box, region: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return region[0] <= x < region[2] and region[1] <= y < region[3]


def _grown(before: str, after: str, strictly: bool) -> bool:
    """Written on, or with other numbers; unless strictly, also changed in a few places."""
    x, y = loose(before), loose(after)
    if x.startswith(y) or y.startswith(x):
        return True
    if re.sub(r"\d+", "", x) == re.sub(r"\d+", "", y) and x != y:
        return True
    return not strictly and SequenceMatcher(None, x, y, autojunk=False).ratio() >= _GROWN


def _same_row(a: Box, b: Box) -> bool:
    height = min(a[3] - a[1], b[3] - b[1])
    return abs((a[1] + a[3]) - (b[1] + b[3])) < height and abs(a[0] - b[0]) < 3 * height


def level(a: Box, b: Box) -> bool:
    """Whether two boxes stand in one line."""
    return min(a[3], b[3]) - max(a[1], b[1]) >= 0.5 * min(a[3] - a[1], b[3] - b[1])


def _distance(a: Box, b: Box) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])

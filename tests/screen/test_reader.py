"""What is on the screen is remembered once, with from when to when, where and in which window."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

import numpy as np
import pytest

from perception.screen.reader import ScreenReader
from perception.screen.settings import ScreenReadSettings
from runtime.messages import Observation, ScreenFrame, ScreenPicture, ScreenReading, Standing
from runtime.pictures import laid_over
from tests.screen.painted import PaintedReader, column, frame, paint, window


class Watched:
    """A reader and all that it said."""

    def __init__(self, **settings: object) -> None:
        self.ocr = PaintedReader()
        self.reader = ScreenReader(self.ocr, "screen-test", ScreenReadSettings(**settings))
        self.records: list[Observation] = []
        self.standings: list[Standing] = []
        self.pictures: list[ScreenPicture] = []

    def look(self, frames: Iterable[ScreenFrame]) -> None:
        for one in frames:
            self.take(self.reader.look(one))

    def take(self, reading: ScreenReading) -> None:
        self.records += reading.observations
        self.standings += reading.standings
        self.pictures += reading.pictures

    @property
    def read(self) -> list[str]:
        return [o.text for o in self.records if o.modality == "read"]

    @property
    def done(self) -> list[str]:
        return [o.text for o in self.records if o.modality == "seen"]

    def lines(self) -> list[str]:
        """All remembered lines, without the titles."""
        return [line for o in self.records if o.modality == "read" for line in o.text.splitlines()[1:]]


def seconds(
    lines: dict[tuple[int, int], str], start: float, end: float, **window_of: str
) -> list[ScreenFrame]:
    """The same screen, looked at every second."""
    return [frame(float(t), lines, **window_of) for t in np.arange(start, end)]


def test_a_line_is_remembered_when_it_has_settled_with_its_window_and_place() -> None:
    watched = Watched()
    watched.look(seconds(column("the invoice of Hansen is 4712"), 0, 6))
    assert watched.read == ["notes.txt - Mousepad\nthe invoice of Hansen is 4712"]
    (record,) = [o for o in watched.records if o.modality == "read"]
    assert record.t_start_s == 0.0
    assert record.known_at_s == 2.0
    assert record.details["app"] == "Mousepad"
    assert record.details["document"] == "notes.txt"
    assert record.details["boxes"] == [[25, 91, 388, 136]]


def test_an_unchanged_screen_is_read_once() -> None:
    watched = Watched()
    watched.look(seconds(column("alpha beta gamma"), 0, 100))
    assert len(watched.ocr.reads) == 1
    assert not watched.reader.restless


def test_one_new_line_is_read_in_its_own_region_only() -> None:
    watched = Watched()
    first = column(*(f"chat line number {i} is old" for i in range(10)))
    watched.look(seconds(first, 0, 5))
    watched.look(seconds(first | {(2, 14): "a new message from Ana"}, 5, 10))
    assert watched.lines()[-1] == "a new message from Ana"
    assert watched.ocr.reads[1] < 0.2 * watched.ocr.reads[0]


def test_a_scrolled_page_adds_only_its_new_lines() -> None:
    watched = Watched()
    page = [f"paragraph {chr(97 + i) * 6} of the story" for i in range(20)]
    for top in range(6):
        watched.look(seconds(column(*page[top : top + 8]), 5 * top, 5 * top + 5))
    assert watched.lines() == page[:13]


def test_a_page_that_is_turned_before_it_has_settled_is_remembered_all_the_same() -> None:
    """Its lines begin alike, and those of the next page stand where they stood."""
    watched = Watched()
    words = "harbour lantern copper violin market tide anchor bridge".split()
    pages = [
        [f"paragraph {8 * n + i}: the {words[i]} of {word}" for i in range(8)] for n, word in enumerate(words)
    ]
    for n, page in enumerate(pages):
        watched.look(frame(n * 2.0 + t, column(*page)) for t in (0.0, 0.5, 1.0, 1.5))
    watched.look(seconds(column(*pages[-1]), 16, 20))
    assert watched.lines() == [line for page in pages for line in page]


def test_a_growing_chat_adds_only_its_new_lines() -> None:
    watched = Watched()
    said = [
        f"{name}: {what}" for name, what in zip("abcdefgh", ("one", "two", "three", "four") * 2, strict=True)
    ]
    for n in range(1, 9):
        watched.look(seconds(column(*said[:n]), 5 * n, 5 * n + 5))
    assert watched.lines() == said


def test_typing_is_remembered_when_it_rests_and_not_letter_by_letter() -> None:
    watched = Watched()
    text = "the meeting moves to Thursday"
    watched.look(frame(i * 0.5, column(text[: i + 1])) for i in range(len(text)))
    end = len(text) * 0.5
    watched.look(seconds(column(text), end, end + 5))
    assert watched.lines() == [text]


def test_a_line_is_read_when_it_rests_and_not_at_every_letter() -> None:
    """Once in patience_s, while it goes on."""
    watched = Watched(patience_s=10.0)
    watched.look([frame(0.0, {})])
    before = len(watched.ocr.reads)
    text = "the meeting moves to Thursday, and the ferry to Friday"
    watched.look(frame(0.5 + i * 0.5, column(text[: 3 * i + 3])) for i in range(18))
    assert len(watched.ocr.reads) - before <= 1
    watched.look(seconds(column(text), 9.5, 15))
    assert watched.lines() == [text]


def test_a_line_knows_from_when_to_when_it_stood_there_also_when_it_comes_back() -> None:
    watched = Watched()
    both = column("first line stays", "second line goes")
    watched.look(seconds(both, 0, 10))
    watched.look(seconds(column("first line stays"), 10, 20))
    watched.look(seconds(both, 20, 30))
    watched.take(watched.reader.close())
    (record,) = [o for o in watched.records if o.modality == "read"]
    spans = sorted((s.line, s.t_start_s, s.t_end_s) for s in watched.standings if s.record == record.id)
    assert spans == [(1, 0.0, 29.0), (2, 0.0, 10.0), (2, 20.0, 29.0), (2, 20.0, inf)]


def test_a_window_that_is_covered_and_uncovered_adds_nothing() -> None:
    watched = Watched()
    watched.look(seconds(column("in the editor"), 0, 5))
    watched.look(seconds(column("in the mail"), 5, 10, title="Inbox - Thunderbird", program="thunderbird"))
    watched.look(seconds(column("in the editor"), 10, 15))
    assert watched.read == ["notes.txt - Mousepad\nin the editor", "Inbox - Thunderbird\nin the mail"]


LONG = ("Ana: I will send you the drawings tomorrow", "Bo: the ferry leaves at nine")


def behind(t_s: float, cover_x: int, *chat: str, x: int = 0) -> ScreenFrame:
    """A chat at x, another window over it from cover_x on. In pixels."""
    lines = {}
    for (column_, row), text in column(*chat).items():
        shown = text[: max(0, (cover_x - x) // 8 - column_)]
        lines |= {(column_ + x // 8, row): shown} if shown.strip() else {}
    cover = window("letter - Mousepad", "Mousepad", True, (cover_x, 0, 640, 352))
    under = window("harbour chat", "xterm", False, (x, 0, x + 480, 352))
    return ScreenFrame(t_s, paint(lines), 0, (cover, under))


def test_a_window_that_is_moved_under_another_one_adds_no_cut_lines() -> None:
    watched = Watched()
    watched.look(behind(float(t), 560, *LONG) for t in range(5))
    watched.look(behind(5.0 + t, 304, *LONG, x=160) for t in range(5))
    watched.look(behind(10.0 + t, 304, *LONG, "Cem: somebody took the yellow paint", x=160) for t in range(5))
    watched.look(behind(15.0 + t, 560, *LONG, "Cem: somebody took the yellow paint") for t in range(5))
    assert watched.lines() == [*LONG, "Cem: somebody to", "Cem: somebody took the yellow paint"]


def test_what_was_read_across_two_windows_is_of_each_its_own() -> None:
    watched = Watched()
    left = window("build - xterm", "xterm", True, (0, 0, 320, 352))
    right = window("letter - Mousepad", "Mousepad", False, (320, 0, 640, 352))
    lines = {(23, 5): "the build is over", (40, 5): "dear Ana"}
    watched.look(ScreenFrame(float(t), paint(lines), 0, (left, right)) for t in range(5))
    assert sorted(watched.read) == ["build - xterm\nthe build is over", "letter - Mousepad\ndear Ana"]


def test_the_buttons_of_a_title_bar_are_no_text() -> None:
    watched = Watched()
    watched.look(seconds({(40, 0): "notes.txt", (74, 0): "00X", (2, 8): "OK"}, 0, 5))
    assert watched.lines() == ["notes.txt", "OK"]


def test_what_a_window_leaves_of_a_word_is_nothing() -> None:
    watched = Watched()
    watched.look(behind(float(t), 56, *LONG) for t in range(5))
    assert watched.lines() == []


def test_a_window_that_is_made_smaller_adds_nothing() -> None:
    watched = Watched()
    for start, width in ((0, 480), (5, 240)):
        cut = [line[: (width - 16) // 8] for line in LONG]
        windows = (window("harbour chat", "xterm", True, (0, 0, width, 352)),)
        watched.look(ScreenFrame(float(start + t), paint(column(*cut)), 0, windows) for t in range(5))
    assert watched.lines() == list(LONG)


def test_clocks_and_counters_do_not_flood() -> None:
    watched = Watched()
    for i in range(200):
        lines = column("the text that stays", f"{i} of 200 done") | {(70, 21): f"12:{i % 60:02}"}
        watched.look([frame(2.0 * i, lines), frame(2.0 * i + 1, lines)])
    assert "the text that stays" in watched.lines()
    assert len(watched.lines()) < 8


def test_a_secret_is_neither_in_the_text_nor_in_the_picture() -> None:
    watched = Watched()
    lines = (
        column("card 4111 1111 1111 1111 end", "nothing secret in here")
        | {(2, 8): "password:"}
        | {(14, 8): "hunter2zebra"}
    )
    watched.look(seconds(lines, 0, 5))
    told = "\n".join(watched.read)
    assert "4111" not in told
    assert "hunter2zebra" not in told
    assert "[card]" in told
    assert "nothing secret in here" in told
    picture = decoded(watched.pictures[-1])
    assert picture[32:48, 16:200].max() < 8
    assert picture[128:144, 112:200].max() < 8
    assert picture[48:64, 16:100].max() > 128


def test_a_picture_shows_nothing_that_was_not_read_yet() -> None:
    """The line at the bottom still moves while the picture is taken."""
    watched = Watched(picture_every_s=0.0, patience_s=1000.0)
    watched.look(
        frame(float(t), column("old news up here") | {(2, 18): f"moving {'x' * t}"}) for t in range(1, 8)
    )
    assert watched.pictures
    for picture in watched.pictures:
        shown = decoded(picture)[288:304, 80:]  # grey: what an earlier picture shows
        assert shown[shown != 128].max(initial=0) < 40


def test_activities_follow_the_active_window_and_glances_do_not_count() -> None:
    watched = Watched()
    watched.look(seconds(column("a"), 0, 10))
    watched.look(seconds(column("b"), 10, 11, title="Clock", program="clock"))
    watched.look(seconds(column("a"), 11, 20))
    watched.look(seconds(column("c"), 20, 30, title="report.odt - LibreOffice Writer", program="soffice"))
    watched.take(watched.reader.close())
    assert watched.done == ["notes.txt in Mousepad", "report.odt in LibreOffice Writer"]
    ids = [o.id for o in watched.records if o.modality == "seen"]
    spans = {s.record: (s.t_start_s, s.t_end_s) for s in watched.standings}
    assert [spans[i] for i in ids] == [(0.0, 20.0), (20.0, 29.0)]


def test_what_stood_before_a_gap_has_ended_before_it() -> None:
    """The machine was suspended."""
    watched = Watched()
    watched.look(seconds(column("before the break"), 0, 5))
    watched.look(seconds(column("before the break"), 900, 905))
    assert (0.0, 4.0) in {(s.t_start_s, s.t_end_s) for s in watched.standings}
    assert len(watched.read) == 1


def test_two_monitors_are_read_apart() -> None:
    watched = Watched()
    for t in range(5):
        watched.look(
            [frame(t, column("on the left"), monitor=0), frame(t, column("on the right"), monitor=1)]
        )
    assert sorted(watched.lines()) == ["on the left", "on the right"]
    assert {o.details["monitor"] for o in watched.records if o.modality == "read"} == {0, 1}


@pytest.mark.parametrize("homes", [(0, 1, 0), (1, 0, 1)])
def test_a_window_that_is_moved_to_another_monitor_adds_nothing(homes: tuple[int, ...]) -> None:
    watched = Watched()
    line, title = column("the pelican sits here"), "letter - Mousepad"
    for at, home in enumerate(homes):
        for t in range(5):
            watched.look(
                frame(10.0 * at + t, line if monitor == home else {}, title, monitor=monitor)
                for monitor in (0, 1)
            )
    watched.take(watched.reader.close())
    assert watched.lines() == ["the pelican sits here"]
    spans = sorted((s.t_start_s, s.t_end_s) for s in watched.standings if s.record == watched.records[-1].id)
    assert {(0.0, 10.0), (10.0, 20.0), (20.0, 24.0)} <= set(spans)


def test_what_was_forgotten_is_not_taken_up_again_while_it_stands_there() -> None:
    watched = Watched()
    lines = column("a thing to forget")
    watched.look(seconds(lines, 0, 5))
    watched.reader.forget()
    watched.records.clear()
    watched.take(watched.reader.look(frame(5.0, lines), known=True))
    watched.look(seconds(lines, 6, 12))
    assert watched.read == []
    watched.look(seconds(lines | {(2, 10): "something new"}, 12, 18))
    assert watched.lines() == ["something new"]


def test_a_password_below_its_label_goes_from_text_and_picture_whatever_stands_beside() -> None:
    watched = Watched()
    lines = {
        (2, 2): "Benutzername", (30, 2): "Passwort", (2, 3): "ana", (30, 3): "geheim-99", (2, 4): "bob", (30, 4): "x9kk!q",
        (2, 8): "Kennwort:", (30, 8): "blau7beere", (2, 12): "Passwort vergessen?", (2, 13): "Anmelden",
    }  # fmt: skip
    watched.look(seconds(lines, 0, 6))
    (text,) = watched.read
    for secret in ("geheim-99", "x9kk!q", "blau7beere"):
        assert secret not in text
    for plain in ("Benutzername", "ana", "bob", "Anmelden", "Passwort vergessen?"):
        assert plain in text
    shown = decoded(watched.pictures[0])
    for row in (3, 4, 8):
        assert shown[row * 16 : row * 16 + 16, 30 * 8 : 36 * 8].max() < 40
    assert shown[3 * 16 : 4 * 16, 2 * 8 : 5 * 8].max() > 200


def test_a_window_that_is_left_soon_has_its_picture_all_the_same() -> None:
    watched = Watched()
    watched.look(seconds(column("the first line"), 0, 6))
    watched.look(seconds(column("the first line", "the second line"), 6, 9))
    watched.look(seconds(column("a page of another window"), 9, 30, title="Pages", program="Reader"))
    (text,) = [o for o in watched.records if "second line" in o.text]
    gone_s = min(s.t_end_s for s in watched.standings if s.record == text.id and s.t_end_s < 1e9)
    shown = [p for p in watched.pictures if text.t_start_s <= p.t_s <= gone_s]
    under = [p for p in watched.pictures if p.t_s == shown[0].under_s]
    assert decoded(*under, shown[0])[3 * 16 : 4 * 16].max() > 200


def test_no_picture_shows_what_was_forgotten_and_still_stands_there() -> None:
    watched = Watched()
    lines = column("a thing to forget")
    watched.look(seconds(lines, 0, 5))
    watched.take(watched.reader.close())
    watched.reader.forget()
    watched.pictures.clear()
    watched.take(watched.reader.look(frame(5.0, lines), known=True))
    scrolled = column("a thing to forget", row=8) | {(2, 16): "something new"}
    watched.look(seconds(lines | {(2, 16): "something new"}, 6, 12))
    watched.take(watched.reader.close())  # midnight
    watched.look(seconds(lines | {(2, 16): "something new"}, 12, 30))
    watched.look(seconds(scrolled, 30, 50))
    assert len(watched.pictures) >= 3
    for at, picture in enumerate(watched.pictures):
        under = [p for p in watched.pictures[:at] if p.t_s == picture.under_s]
        shown = decoded(*under, picture)
        assert shown[2 * 16 : 3 * 16].max() < 40
        assert shown[8 * 16 : 9 * 16].max() < 40
    assert shown[16 * 16 : 17 * 16].max() > 200


@pytest.mark.parametrize("size", [(640, 352), (1280, 800)])
def test_a_monitor_may_change_its_size(size: tuple[int, int]) -> None:
    watched = Watched()
    watched.look(seconds(column("small screen"), 0, 5))
    big = paint(column("larger screen"), (960, 512))
    windows = (window("notes.txt - Mousepad", "Mousepad", box=(0, 0, 960, 512)),)
    watched.look(ScreenFrame(5.0 + t, big, 0, windows) for t in range(5))
    watched.look(ScreenFrame(10.0 + t, paint(column("the last one"), size), 0, windows) for t in range(5))
    assert watched.lines() == ["small screen", "larger screen", "the last one"]


def decoded(*layers: ScreenPicture) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    whole = laid_over([picture.data for picture in layers])
    assert whole is not None
    return np.asarray(whole.max(axis=2), np.uint8)

"""What is excluded is black before anything reads the pixels."""

from __future__ import annotations

import numpy as np

from perception.screen.privacy import Exclusions, blacked_out
from runtime.messages import ScreenWindow

KEEP = Exclusions(("keepass*",), ("*private browsing*",))
WHITE = np.full((100, 100, 3), 255, np.uint8)


def at(title: str, program: str, *box: int, active: bool = False, pid: int = 0) -> ScreenWindow:
    return ScreenWindow(title, program, (box[0], box[1], box[2], box[3]), active, pid)


def test_a_private_window_is_black_also_when_it_is_not_in_front() -> None:
    windows = [
        at("notes", "editor", 60, 60, 90, 90, active=True),
        at("Bank (Private Browsing)", "firefox", 10, 10, 50, 50),
    ]
    image, _ = blacked_out(WHITE, windows, windows, KEEP)
    assert image[10:50, 10:50].max() == 0
    assert image[60:90, 60:90].min() == 255
    assert image[:10].min() == 255
    assert WHITE.min() == 255


def test_what_lies_over_a_private_window_stays_and_what_lies_under_it_does_not_show() -> None:
    windows = [
        at("notes", "editor", 30, 30, 70, 70, active=True),
        at("Passwords", "KeePassXC", 10, 10, 50, 50),
        at("mail", "mail", 0, 0, 100, 100),
    ]
    image, told = blacked_out(WHITE, windows, windows, KEEP)
    assert image[30:70, 30:70].min() == 255
    assert image[10:30, 10:50].max() == 0
    assert image[70:, 70:].min() == 255
    assert [w.title for w in told] == ["notes", "", "mail"]
    assert told[1].program == "private"


def test_its_menus_and_tooltips_are_black_too() -> None:
    windows = [
        at("", "", 60, 60, 90, 90, pid=7),
        at("vault", "keepassxc", 0, 0, 20, 20, pid=7),
        at("", "", 30, 30, 40, 40, pid=8),
    ]
    image, _ = blacked_out(WHITE, windows, windows, KEEP)
    assert image[60:90, 60:90].max() == 0
    assert image[30:40, 30:40].min() == 255


def test_what_moved_while_the_picture_was_taken_is_black_at_both_places() -> None:
    over = at("notes", "editor", 0, 0, 100, 100)
    before = [over, at("vault", "keepassxc", 0, 0, 20, 20)]
    after = [over, at("vault", "keepassxc", 50, 50, 70, 70)]
    image, _ = blacked_out(WHITE, before, after, KEEP)
    assert image[0:20, 0:20].max() == 0
    assert image[50:70, 50:70].max() == 0


def test_a_window_beyond_the_edge_of_its_monitor_is_cut() -> None:
    windows = [at("vault", "keepassxc", -50, -50, 10, 10)]
    image, _ = blacked_out(WHITE, windows, windows, KEEP)
    assert image[:10, :10].max() == 0
    assert image[10:, 10:].min() == 255


def test_a_monitor_without_anything_private_is_the_picture_itself() -> None:
    windows = [at("notes", "editor", 0, 0, 100, 100)]
    image, told = blacked_out(WHITE, windows, windows, KEEP)
    assert image is WHITE
    assert told == tuple(windows)

"""Lines in reading order: tables by rows, columns of text one after the other."""

from __future__ import annotations

from perception.screen.lines import Track
from perception.screen.rows import rows_of
from perception.screen.titles import Place

WIDTH = 1280


def track(text: str, x: int, y: int) -> Track:
    box = (x, y, x + 8 * len(text), y + 16)
    return Track(text, 0.99, box, Place(), 0.0, 0.0, 0.0, 0.0)


def read(*cells: tuple[str, int, int]) -> list[str]:
    return ["  ".join(t.text for t in row) for row in rows_of([track(*c) for c in cells], WIDTH)]


def test_a_label_and_its_value_are_one_line_however_far_apart() -> None:
    form = (("Customer", "Edda Hansen"), ("Boat", "Albatross, blue"), ("Berth", "17"), ("Fee", "EUR 64"))
    cells = [(text, x, 40 * i) for i, row in enumerate(form) for text, x in zip(row, (20, 700), strict=True)]
    assert read(*cells) == [
        "Customer  Edda Hansen", "Boat  Albatross, blue", "Berth  17", "Fee  EUR 64",
    ]  # fmt: skip


def test_columns_of_prose_stay_columns() -> None:
    left = [f"the left column goes on and on in its line {i}" for i in range(4)]
    right = [f"while the right one tells another story, {i}" for i in range(4)]
    cells = [(text, x, 24 * i) for x, side in ((20, left), (720, right)) for i, text in enumerate(side)]
    assert read(*cells) == left + right


def test_a_list_beside_a_text_with_other_line_heights_is_no_table() -> None:
    files = [(f"harbour_{i}.py", 20, 30 * i) for i in range(9)]
    code = [(f"berth = find({i})", 700, 20 * i) for i in range(13)]
    assert read(*files, *code) == [text for text, _, _ in files] + [text for text, _, _ in code]

"""What lives as long as the process is not looked at again and again."""

from __future__ import annotations

import gc
import weakref

from runtime.collector import start_up_frozen


class Ring:
    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_is_left_alone_and_what_comes_is_collected() -> None:
    old = Ring()
    of_old = weakref.ref(old)
    with start_up_frozen():
        new = Ring()
        of_new = weakref.ref(new)
        del old, new
        gc.collect()
        assert of_new() is None
        assert of_old() is not None
    gc.collect()
    assert of_old() is None

"""Evidence pictures that show only what differs from an earlier one, and what becomes of them when that is forgotten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from memory import SourceInfo, Store
from memory.forgetting import Selection, forget
from memory.screen import ScreenMemory, ScreenWriter
from memory.screen_pictures import picture_of, stand_alone
from memory.settings import MemorySettings
from perception.screen.pictures import Pictures
from perception.screen.settings import ScreenReadSettings
from runtime.compute import Compute
from runtime.messages import Image, Observation, ScreenPicture, ScreenReading
from runtime.pictures import laid_over, mime_of
from tests.conftest import Run
from tests.memory.world import HashEncoder

SOURCE = "screen-day"
GREY = 128


def screen(*dark: tuple[int, int]) -> Image:
    """A light screen with dark squares, 32 pixels wide, at (x, y)."""
    image = np.full((192, 320, 3), 230, np.uint8)
    for x, y in dark:
        image[y : y + 32, x : x + 32] = 20
    return image


def taken(*screens: Image) -> list[ScreenPicture]:
    """One each second."""
    pictures = Pictures(ScreenReadSettings())
    return [
        ScreenPicture(SOURCE, float(t), 0, *pictures.encode(image, float(t)))
        for t, image in enumerate(screens)
    ]


def is_dark(picture: Image, x: int, y: int) -> bool:
    value = int(picture[y + 16, x + 16].max())
    assert not 90 < value < 166, value
    return value < 90


def test_a_picture_shows_what_differs_and_a_window_that_comes_back_finds_its_own() -> None:
    other = 255 - screen((0, 0))
    first, second, away, back, same = taken(
        screen((0, 0)), screen((0, 0), (64, 64)), other, screen((0, 0), (64, 64)), screen((0, 0), (64, 64))
    )
    assert [p.under_s for p in (first, second, away, back, same)] == [None, 0.0, None, 1.0, 1.0]
    assert (back.data, same.data) == (b"", b"")
    whole = laid_over([first.data, second.data])
    alone = laid_over([second.data])
    assert whole is not None and alone is not None
    assert is_dark(whole, 0, 0) and is_dark(whole, 64, 64) and not is_dark(whole, 128, 64)
    assert alone[16, 16].tolist() == [GREY] * 3


def test_a_picture_rests_on_few_others() -> None:
    row = [screen(*[(32 * i, 0) for i in range(n % 10)]) for n in range(40)]
    under = {p.t_s: p.under_s for p in taken(*row)}
    for t_s in under:
        depth, at = 0, under[t_s]
        while at is not None:
            depth, at = depth + 1, under[at]
        assert depth <= 8


def test_a_picture_stands_alone_once_even_if_forgetting_was_cut_short(run_real: Run, tmp_path: Path) -> None:
    async def main() -> None:
        compute = Compute()
        async with await Store.open(tmp_path / "memory", HashEncoder()) as store:
            writer = ScreenWriter(store, HashEncoder(), compute)
            await writer.begin(SourceInfo(id=SOURCE, path="", fingerprint=SOURCE, wall_zero_s=1e9))
            pictures = taken(screen((0, 0)), screen((0, 0), (64, 64)))
            await writer.write(SOURCE, ScreenReading((), (), tuple(pictures), 2.0))
            doomed = [f"{SOURCE}/screen/0/0000000000"]
            resting = [f"{SOURCE}/screen/0/0000001000/0000000000"]
            assert await stand_alone(store, doomed) == resting
            assert await stand_alone(store, doomed) == resting
            assert await store.count("keyframes") == 3
        await compute.close(5.0)

    run_real(main())


@pytest.mark.parametrize("kept", [0, 1])
def test_what_rests_on_a_forgotten_picture_stands_alone_then(
    run_real: Run, tmp_path: Path, kept: int
) -> None:
    """kept: how many of the first pictures stay."""

    async def main() -> None:
        compute = Compute()
        async with await Store.open(tmp_path / "memory", HashEncoder()) as store:
            writer = ScreenWriter(store, HashEncoder(), compute)
            await writer.begin(SourceInfo(id=SOURCE, path="", fingerprint=SOURCE, wall_zero_s=1e9))
            pictures = taken(screen((0, 0)), screen((0, 0), (64, 64)), screen((64, 64), (128, 0)))
            assert [p.under_s for p in pictures] == [None, 0.0, 1.0]
            await writer.write(SOURCE, ScreenReading((), (), tuple(pictures), 3.0))
            memory = ScreenMemory(store)
            before = await memory.picture(SOURCE, 2.0)
            span = Selection(sources=(SOURCE,), t_min_s=float(kept), t_max_s=1.0)
            await forget(store, span, MemorySettings())
            after = await memory.picture(SOURCE, 2.0)
            assert before is not None and after is not None
            assert mime_of(after) == "image/webp"
            for data in (before, after):
                whole = laid_over([data])
                assert whole is not None
                assert is_dark(whole, 64, 64) and is_dark(whole, 128, 0) and not is_dark(whole, 0, 0)
            assert await picture_of(store, f"{SOURCE}/screen/0/0000001000/0000000000") is None
        await compute.close(5.0)

    run_real(main())


def test_the_picture_of_a_record_is_of_the_monitor_that_it_stood_on(run_real: Run, tmp_path: Path) -> None:
    async def main() -> None:
        compute = Compute()
        async with await Store.open(tmp_path / "memory", HashEncoder()) as store:
            writer = ScreenWriter(store, HashEncoder(), compute)
            await writer.begin(SourceInfo(id=SOURCE, path="", fingerprint=SOURCE, wall_zero_s=1e9))
            (left,), (right,) = taken(screen((0, 0))), taken(screen((128, 0)))
            pictures = (left, replace(right, monitor=1, t_s=0.9))
            records = tuple(
                Observation(
                    f"on-{monitor}", SOURCE, "read", "text", 0.0, 1.0, 1.0, details={"monitor": monitor}
                )
                for monitor in (0, 1)
            )
            await writer.write(SOURCE, ScreenReading(records, (), pictures, 5.0))
            memory = ScreenMemory(store)
            for record, dark in (("on-0", (0, 0)), ("on-1", (128, 0)), ("", (0, 0))):
                data = await memory.picture(SOURCE, 0.0, 1.0, record)
                assert data is not None
                whole = laid_over([data])
                assert whole is not None
                assert is_dark(whole, *dark)
            assert await memory.picture(SOURCE, 0.0, 0.5, "on-1") is None, "it shows what came afterwards"
        await compute.close(5.0)

    run_real(main())

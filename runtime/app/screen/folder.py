"""hearsight screen --folder: screenshots that were taken before, remembered as if they had been looked at then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from memory import SourceInfo, Store
from memory.screen import ScreenWriter
from perception.screen.pieces import PieceReader
from perception.screen.reader import ScreenReader
from perception.screen.settings import ScreenReadSettings
from perception.sources.screenshots import ScreenshotFolder, load
from runtime.clock import WallClock
from runtime.compute import Compute
from runtime.messages import ScreenFrame
from runtime.models import TextEncoder

_GAP_S = 900.0
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FolderReport:
    """new: screenshots that were read in this run. damaged: that could not be."""

    source: str
    new: int
    damaged: int
    seconds: float


async def remember_folder(
    folder: ScreenshotFolder,
    store: Store,
    encoder: TextEncoder,
    reader: PieceReader,
    settings: ScreenReadSettings,
    compute: Compute,
    clock: WallClock,
    progress: Progress = lambda done, of: None,
) -> FolderReport:
    """Every screenshot is one look, as fast as they can be read; media time is the time in their names.

    A run that was stopped is taken up where it was; so is a folder that has grown. Raises MemoryStoreError.
    """
    began = clock.now()
    writer = ScreenWriter(store, encoder, compute)
    zero = folder.wall_zero_s
    point = await writer.begin(
        SourceInfo(
            id=folder.id,
            path=str(folder.path.resolve()),
            fingerprint=folder.id,
            duration_s=folder.shots[-1].wall_s - zero,
            has_audio=False,
            wall_zero_s=zero,
            added_at_s=clock.wall(),
        )
    )
    # The last one that an earlier run has read is the ground on which the first new one is something new.
    known = [s for s in folder.shots if point.video_done_s and s.wall_s - zero <= point.video_done_s]
    fresh = folder.shots[len(known) :]
    screen = ScreenReader(reader, folder.id, settings.model_copy(update={"gap_s": _GAP_S}))
    damaged = 0
    for number, shot in enumerate([*known[-1:], *fresh] if fresh else []):
        image = await asyncio.to_thread(load, shot.path)
        if image is None:
            damaged += 1
            continue
        frame = ScreenFrame(shot.wall_s - zero, image, settled=True)
        old = bool(known) and number == 0
        reading = await compute.run("ocr", screen.look, frame, old)
        if not old:
            await writer.write(folder.id, reading)
            progress(number + 1, len(fresh))
    if fresh:
        await writer.write(folder.id, await compute.run("ocr", screen.close), complete=False)
        await store.optimize()
    return FolderReport(folder.id, len(fresh) - damaged, damaged, clock.now() - began)

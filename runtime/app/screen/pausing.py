"""The key that pauses, wherever the person is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from perception.sources.hotkey import Hotkey
from runtime.app.screen.recorder import Recorder
from runtime.clock import WallClock
from runtime.errors import InputError, MediaError

_RETRY_S = 5.0
ELSEWHERE = "bind a key of the system's own to: hearsight screen toggle"


class PauseKey:
    """run() in a task of its own. A display that went away is looked for again, as the recorder does."""

    def __init__(
        self, keys: str, recorder: Recorder, clock: WallClock, report: Callable[[str], None]
    ) -> None:
        self._keys = keys
        self._recorder = recorder
        self._clock = clock
        self._report = report
        self._presses = asyncio.Event()

    async def run(self) -> None:
        if not self._keys:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._toggling())
            told = False
            while True:
                try:
                    key = Hotkey(self._keys, self._presses.set)
                except InputError as error:
                    self._report(str(error))
                    return
                except MediaError as error:
                    if not told:
                        self._report(f"no key pauses: {error}; {ELSEWHERE}")
                    told = True
                    await self._clock.sleep(_RETRY_S)
                    continue
                told = False
                try:
                    await key.lost()
                finally:
                    key.close()

    async def _toggling(self) -> None:
        while True:
            await self._presses.wait()
            self._presses.clear()
            await self._recorder.toggle()

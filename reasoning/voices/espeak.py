"""Speech by espeak-ng (https://github.com/espeak-ng/espeak-ng), a small program that most systems package."""

from __future__ import annotations

import asyncio
import shutil
import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

import numpy as np
from numpy.typing import NDArray

from runtime.errors import VoiceError

PROGRAM = "espeak-ng"
RATE_HZ = 22_050

_PIECE_BYTES = 8192
_HEADER_BYTES = 44
_SPEED = 170


def espeak_is_here() -> bool:
    return shutil.which(PROGRAM) is not None


async def run_espeak(program: str, arguments: Sequence[str], text: str) -> AsyncGenerator[bytes, None]:
    """What the program writes for a text, as it writes it. Left early, the program is killed.

    The text goes in by a pipe: other users of the machine can read what stands on a command line. Raises VoiceError.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            "--stdin",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise VoiceError(f"{program} cannot be started: {error.strerror or error}") from None
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    try:
        process.stdin.write(text.encode())
        process.stdin.close()
        while piece := await process.stdout.read(_PIECE_BYTES):
            yield piece
        complaint = (await process.stderr.read()).decode("utf-8", "replace").split("\n", 1)[0].strip()
        if await process.wait() != 0:
            raise VoiceError(f"{program}: {complaint or f'it ended with status {process.returncode}'}")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class EspeakVoice:
    """A Voice (runtime.models). One process for each text: about 40 ms to the first sound.

    accent: of `espeak-ng --voices`.
    """

    sample_rate_hz = RATE_HZ

    def __init__(self, accent: str = "en-us", words_per_minute: int = _SPEED, program: str = PROGRAM) -> None:
        self._program = program
        self._arguments = ("-v", accent, "-s", str(words_per_minute), "--stdout")
        self._accent = accent

    @property
    def name(self) -> str:
        return f"{PROGRAM} {self._accent}"

    async def speak(self, text: str) -> AsyncGenerator[NDArray[np.int16], None]:
        """VoiceError: the program is missing, knows no such accent, or writes something else than sound."""
        held = b""
        header = True
        async with aclosing(run_espeak(self._program, self._arguments, text)) as pieces:
            async for piece in pieces:
                held += piece
                if header:
                    if len(held) < _HEADER_BYTES:
                        continue
                    self._check(held[:_HEADER_BYTES])
                    held, header = held[_HEADER_BYTES:], False
                whole = len(held) // 2 * 2
                if whole:
                    yield np.frombuffer(held[:whole], "<i2").astype(np.int16)
                    held = held[whole:]
        if header:
            raise VoiceError(f"{self._program} gave no sound")

    def _check(self, header: bytes) -> None:
        """A WAV header with sizes left open: mono, 16 bits."""
        riff, wave = header[:4], header[8:12]
        channels, rate_hz = struct.unpack("<HI", header[22:28])
        (bits,) = struct.unpack("<H", header[34:36])
        if (riff, wave, channels, bits) != (b"RIFF", b"WAVE", 1, 16):
            raise VoiceError(f"{self._program} gave no sound that can be read")
        if rate_hz != RATE_HZ:
            raise VoiceError(f"{self._program}: its voice {self._accent} has {rate_hz} Hz, not {RATE_HZ}")

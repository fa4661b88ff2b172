"""From an answer that is still being written to sound: sentences as early as they are whole, spoken one by one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from reasoning.settings import SpeechSettings
from reasoning.speakable import speakable
from runtime.errors import HearsightError, VoiceError
from runtime.models import Voice

__all__ = ["Sound", "read_aloud", "sentences", "speakable"]

FIRST_CHARACTERS, LATER_CHARACTERS = 80, 240
"""A sentence longer than that is cut at a clause: sooner at the beginning, while all is still silent."""
QUOTE_CHARACTERS = 600

_SHORTEST_CLAUSE = 25
_SENTENCE_END = re.compile(r"[.!?]+[”\"’')\]]*(?=\s)|[。！？]+[”」』]?|\n")
_CLAUSE_END = re.compile(r"[,;:][”\"’')\]]*(?=\s)|\s[—–-](?=\s)")
_BRACKETS = re.compile(r"\s*(?:\([^()\n]*\)|\[[^\[\]\n]*\])[.!?]*")
# What a full stop does not end: titles, initials (not "I"), numbers of a list ...
_ABBREVIATION = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|vs|approx|e\.g|i\.e|cf|[Ff]ig|[Vv]ol|pp)|\b[A-HJ-Z]|(?:^|\n)\s*\d{1,3})\.$"
)
# ... and what it ends only before a capital.
_MAYBE_ABBREVIATION = re.compile(r"\b(?:[ap]\.m|etc|[A-Z]\.[A-Z]|Inc|Ltd|Jr|Sr)\.$")
_NUMBER = re.compile(r"\b[Nn]o\.$")


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A piece of an answer's speech. text: the sentence it belongs to, as it is read.

    samples: (n,) int16 mono. Without any, the sentence was not spoken here: there is no voice, or it has failed, which
    the first such piece says in `error`.
    """

    text: str
    samples: NDArray[np.int16]
    error: str = ""


async def read_aloud(
    deltas: AsyncIterable[str], voice: Voice | None, settings: SpeechSettings, rate_hz: int = 48_000
) -> AsyncGenerator[Sound, None]:
    """Speaks a text that comes in pieces, sentence by sentence, at rate_hz.

    A voice that fails or takes longer than settings.patience_s is not asked again: the sentences go on, without
    samples, so that the browser may speak them. Closing the generator or cancelling its task stops the voice at once.
    """
    nothing = np.empty(0, np.int16)
    async with aclosing(sentences(deltas)) as parts:
        async for part in parts:
            text = speakable(part)
            if not text:
                continue
            if voice is None:
                yield Sound(text, nothing)
                continue
            try:
                async with aclosing(_pieces(voice, text, settings.patience_s, rate_hz)) as pieces:
                    async for samples in pieces:
                        yield Sound(text, samples)
            except HearsightError as error:
                voice = None
                yield Sound(text, nothing, str(error))


async def sentences(deltas: AsyncIterable[str]) -> AsyncGenerator[str, None]:
    """Cuts a stream of text at the ends of sentences and lines, as soon as what follows shows that it is one.

    The first one is also cut at a clause once there are FIRST_CHARACTERS, the others at LATER_CHARACTERS. Not cut are
    abbreviations, initials, numbers and times (3.5, 8:53, "2. ") and quotations in “curly” marks; brackets stay with
    the sentence before them. Nothing but space, and marks that stand alone, is lost.
    """
    held = ""
    limit = FIRST_CHARACTERS
    async with aclosing(_with_end(deltas)) as parts:
        async for part, ended in parts:
            held += part
            while (cut := _cut(held, limit, ended)) is not None:
                piece, held = held[:cut].strip(), held[cut:].lstrip()
                if any(ch.isalnum() for ch in piece):
                    yield piece
                    limit = LATER_CHARACTERS


async def _with_end(deltas: AsyncIterable[str]) -> AsyncGenerator[tuple[str, bool], None]:
    async for delta in deltas:
        yield delta, False
    yield "", True


def _cut(text: str, limit: int, ended: bool) -> int | None:
    """Where the first piece of the text ends; None while that is not known, or nothing is left."""
    for end in _ends(text, _SENTENCE_END):
        following = text[end:].lstrip(" ")
        if text[end - 1] == "\n":
            if text[:end].strip():
                return end
        elif not following and not ended:
            break
        elif following[:1] in ("(", "["):
            brackets = _BRACKETS.match(text, end)
            if brackets is not None:
                return brackets.end()
            if not ended and len(following) < LATER_CHARACTERS:
                break
            return end
        elif not _stands_for_more(text[:end], following):
            return end
    cut = _clause(text, limit)
    return len(text) if cut is None and ended and text.strip() else cut


def _stands_for_more(before: str, following: str) -> bool:
    """The full stop at the end is one of an abbreviation or a number."""
    if _ABBREVIATION.search(before):
        return True
    if _NUMBER.search(before):
        return following[:1].isdigit()
    return _MAYBE_ABBREVIATION.search(before) is not None and not following[:1].isupper()


def _clause(text: str, limit: int) -> int | None:
    """The last clause's end within the limit; a space, where twice the limit has none."""
    if len(text) <= limit:
        return None
    ends = [end for end in _ends(text[: limit + 1], _CLAUSE_END) if end >= _SHORTEST_CLAUSE]
    if ends:
        return ends[-1]
    if len(text) <= 2 * limit or _open_quote(text[: 2 * limit]):
        return None
    space = text.rfind(" ", _SHORTEST_CLAUSE, 2 * limit)
    return space if space > 0 else None


def _ends(text: str, pattern: re.Pattern[str]) -> Iterator[int]:
    for match in pattern.finditer(text):
        if not _open_quote(text[: match.end()]):
            yield match.end()


def _open_quote(text: str) -> bool:
    opened = text.rfind("“")
    return opened > text.rfind("”") and len(text) - opened < QUOTE_CHARACTERS


async def _pieces(
    voice: Voice, text: str, patience_s: float, rate_hz: int
) -> AsyncGenerator[NDArray[np.int16], None]:
    """The voice's sound at rate_hz. Raises VoiceError also for a piece that does not come in time."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate_hz)
    async with aclosing(voice.speak(text)) as spoken:
        while True:
            try:
                async with asyncio.timeout(patience_s):
                    piece = await anext(spoken, None)
            except TimeoutError:
                raise VoiceError(f"the voice {voice.name} gave no sound for {patience_s:g} s") from None
            for frame in resampler.resample(None if piece is None else _frame(piece, voice.sample_rate_hz)):
                if frame.samples:
                    yield frame.to_ndarray()[0]
            if piece is None:
                return


def _frame(samples: NDArray[np.int16], rate_hz: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = rate_hz
    return frame

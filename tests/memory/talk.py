"""Made-up conversations: utterances with voice prints, and the writer that hears them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np

from memory import Memory, ResumePoint, Store
from runtime.messages import Observation, VoicePrint, Watermark
from tests.memory.test_voice_book import like, voice
from tests.memory.world import SETTINGS, HashEncoder, Message, ingest, said, source

Line = tuple[int, str]
"""Which voice says what."""


def talk(lines: Sequence[Line], name: str = "film", together: int = 1) -> list[Message]:
    """4 s for each line. together: so many of them are one stretch of speech, which is known at its end."""
    out: list[Message] = []
    for number, (who, text) in enumerate(lines):
        start, stretch = 5.0 * number, number // together
        voices = list(dict.fromkeys(w for w, _ in lines[stretch * together : (stretch + 1) * together]))
        mark = VoicePrint(
            vector=like(voice(who), 0.95, seed=500 + stretch),
            stretch=str(stretch),
            voice=voices.index(who),
            known_at_s=min(len(lines), (stretch + 1) * together) * 5.0 - 1.0,
            speech_s=4.0,
            quality=0.9,
            model="made-up",
        )
        one = said(name, start, start + 4.0, text, number)
        out.append(replace(one, speaker=None, voice=mark))
        if (number + 1) % together == 0:
            out.append(Watermark("said", start + 4.5))
    return [*out, Watermark("said", inf)]


def chat(seed: int, count: int = 14) -> list[Message]:
    """A talk of three people, two of whom say who they are."""
    rng = random.Random(seed)
    said_ = [
        "the ferry is late",
        "bring the lamp",
        "no soup today",
        "I have asked Ana",
        "Thanks, Ana.",
        "why not?",
    ]
    lines = [(rng.randrange(3), rng.choice(said_)) for _ in range(count)]
    for who, name in ((0, "Ana"), (1, "Ben")):
        at = rng.randrange(count)
        lines[at] = (who, rng.choice((f"My name is {name}.", f"Hello, I'm {name}.", f"This is {name}.")))
    messages = talk(lines, together=rng.choice((1, 2)))
    return [
        replace(m, voice=replace(m.voice, speech_s=rng.choice((1.0, 2.0, 5.0))))
        if isinstance(m, Observation) and m.voice is not None
        else m
        for m in messages
    ]


async def hear(store: Store, messages: Iterable[Message], name: str = "film") -> ResumePoint:
    return await ingest(store, source(name, has_video=False), messages, voices=True)


async def heard(folder: Path, lines: Sequence[Line], name: str = "film", together: int = 1) -> Path:
    async with await Store.open(folder, HashEncoder()) as store:
        await hear(store, talk(lines, name, together), name)
    return folder


async def who(folder: Path, as_of_s: float | None = None, name: str = "film") -> list[str | None]:
    """What to call the speaker of each utterance, in order of time; None for unknown."""
    async with await Memory.open(folder, HashEncoder(), settings=SETTINGS) as memory:
        cast = await memory.cast(as_of_s, (name,))
        records = await memory.observations(name, as_of_s)
        speakers = [cast.speaker(r.id, r.speaker) for r in records]
    return [s.label if s is not None else None for s in speakers]


def vectors_of(messages: Iterable[Message]) -> list[bytes]:
    """As they lie in a table."""
    prints = [m.voice for m in messages if isinstance(m, Observation) and m.voice is not None]
    return [p.vector.astype(np.float16).tobytes() for p in prints]

"""A small made-up world: a stream of what perception would say of a source, and a text encoder without
weights.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import floor, inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory import Memory, MemorySettings, MemoryWriter, People, ResumePoint, SourceInfo, Store
from memory.text import tokens
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.messages import FrameFeature, Observation, Watermark

Message = FrameFeature | Observation | Watermark
DIM = 24
SETTINGS = MemorySettings(chapter_s=20.0, said_commit_s=10.0, episode_s=60.0, optimize_every=1000)
WORDS = [
    "ferry",
    "bridge",
    "lamp",
    "garden",
    "price",
    "room",
    "falcon",
    "lisbon",
    "soup",
    "onion",
    "umbrella",
    "ticket",
]
NAMES = ["Martin", "Helena", "Okafor", "Lindqvist", "Biscuit", "Gdansk"]


class HashEncoder:
    """A TextEncoder: the sum of its words' fixed random vectors. Texts with common words are near each
    other.
    """

    def __init__(self, name: str = "hash", dim: int = DIM) -> None:
        self.name, self.dim = name, dim

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        out = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(out, texts, strict=True):
            for token in tokens(text) or ["(none)"]:
                row += np.random.default_rng(zlib.crc32(token.encode())).standard_normal(self.dim)
        return (out / np.linalg.norm(out, axis=1, keepdims=True)).astype(np.float32)


def source(name: str = "film", duration_s: float | None = None, **more: object) -> SourceInfo:
    return SourceInfo(id=name, path=f"{name}.mp4", fingerprint=name, duration_s=duration_s, **more)


def said(name: str, start: float, end: float, text: str, number: int = 0) -> Observation:
    record = f"{name}/said/{round(start * 1000):08d}/{number}"
    return Observation(record, name, "said", text, start, end, end, speaker="A")


def read(name: str, start: float, end: float, known: float, lines: Sequence[str]) -> Observation:
    details = {"lines": [{"text": line, "confidence": 0.9} for line in lines]}
    record = f"{name}/read/{round(start * 1000):08d}"
    return Observation(record, name, "read", "\n".join(lines), start, end, known, details=details)


def frame(t_s: float, scene: int, chapter_s: float = 20.0, patches: int = 0) -> FrameFeature:
    """A frame of one of many scenes: those of one scene look alike."""
    rng = np.random.default_rng(scene)
    noise = np.random.default_rng(round(t_s * 1000))
    vector = rng.standard_normal(8) + 0.1 * noise.standard_normal(8)
    vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    tokens_ = noise.standard_normal((patches, 8)).astype(np.float16) if patches else None
    tags = ((f"tag{scene % 7}", 0.6), ("lamp", 0.25), (f"tag{scene % 3 + 7}", 0.1))
    return FrameFeature(
        t_s, floor(t_s / chapter_s), vector, vector, tokens_, tags, f"jpeg{round(t_s * 10)}".encode()
    )


def stream(seed: int, duration_s: float = 90.0, name: str = "film", patches: int = 0) -> list[Message]:
    """Frames, screens, speech and watermarks of one source, in an order that perception could deliver them
    in.
    """
    rng = random.Random(seed)
    events: list[tuple[float, int, Message]] = []
    t, scene = 0.0, 0
    while t < duration_s:
        if rng.random() < 0.15:
            scene = rng.randrange(50)
        events.append((t, 1, frame(round(t, 3), scene, patches=patches)))
        events.append((t, 2, Watermark("vision", round(t, 3))))
        t += rng.choice((0.5, 1.0, 1.0, 2.0))
    t, late = rng.random() * 3, 0.0
    while t < duration_s - 6:
        end = t + rng.uniform(1, 5)
        text = " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 5)))
        if rng.random() < 0.4:
            text = f"The {rng.choice(WORDS)} is {rng.choice(NAMES)} {rng.randint(1, 30)}."
        late = max(
            late, end + rng.uniform(0, 4)
        )  # a watermark promises that nothing earlier is still to come
        events.append((late, 0, said(name, round(t, 3), round(end, 3), text)))
        events.append((late, 3, Watermark("said", round(end, 3))))
        t = end + rng.uniform(0.1, 4)
    for chapter in range(floor(duration_s / 20.0) + 1):
        begin, finish = chapter * 20.0, min((chapter + 1) * 20.0, duration_s)
        if finish - begin > 6 and rng.random() < 0.8:
            lines = [
                rng.choice(WORDS).title(),
                f"{rng.choice(NAMES)} : {rng.randint(1, 99)}",
                rng.choice(WORDS),
            ]
            start = begin + rng.uniform(0, 2)
            shown = read(name, round(start, 3), round(finish - 0.5, 3), round(start + 1, 3), lines)
            events.append((finish, 0, shown))
        events.append((finish + rng.uniform(0, 5), 2, Watermark("read", finish)))
    events.sort(key=lambda e: (e[0], e[1]))
    ends: list[Message] = [Watermark(s, inf) for s in ("vision", "read", "said")]
    return [m for _, _, m in events] + ends


def known_by(messages: Iterable[Message], t_s: float) -> list[Message]:
    """What the world had shown by t_s, said to be all of it: later records and frames are not there."""

    def was_known(message: Message) -> bool:
        if isinstance(message, Observation):
            return message.known_at_s <= t_s
        return message.t_s == inf or message.t_s <= t_s

    return [m for m in messages if was_known(m)]


def after(messages: Iterable[Message], point: ResumePoint) -> list[Message]:
    """What a resumed perception delivers: video from video_done_s, speech that ended after said_done_s."""

    def comes_again(message: Message) -> bool:
        if isinstance(message, Watermark):
            return True
        if isinstance(message, FrameFeature):
            return message.t_s >= point.video_done_s
        if message.modality == "said":
            return message.known_at_s > point.said_done_s
        return message.t_start_s >= point.video_done_s

    return [m for m in messages if comes_again(m)]


class Dies(Exception):
    pass


@contextmanager
def dying(store: Store, writes: int) -> Iterator[None]:
    """Whoever writes to the store inside dies after so many writes."""
    add, left = store.add, iter(range(writes))

    async def failing(name: str, rows: object) -> None:
        if next(left, None) is None:
            raise Dies
        await add(name, rows)

    store.add = failing  # type: ignore[method-assign, assignment]
    with suppress(Dies):
        yield


async def ingest(
    store: Store,
    info: SourceInfo,
    messages: Iterable[Message],
    settings: MemorySettings = SETTINGS,
    voices: bool = False,
) -> ResumePoint:
    """voices: those who speak are told apart."""
    compute = Compute()
    try:
        inbox: Channel[Message] = Channel("inbox", 1e6, Policy.BLOCK)
        for message in messages:
            await inbox.put(message)
        inbox.close()
        people = await People.open(store, compute) if voices else None
        return await MemoryWriter(store, HashEncoder(), compute, settings, info, people=people).run(inbox)
    finally:
        await compute.close(5.0)


async def remembered(folder: Path, messages: Iterable[Message], info: SourceInfo | None = None) -> Path:
    """Makes a memory of one source in a folder."""
    async with await Store.open(folder, HashEncoder()) as store:
        await ingest(store, info or source(), messages)
    return folder


async def opened(folder: Path, settings: MemorySettings = SETTINGS) -> Memory:
    return await Memory.open(folder, HashEncoder(), settings=settings)


async def contents(folder: Path) -> dict[str, list[dict[str, object]]]:
    """All rows of all tables that must not depend on how a run was cut: without writing order and
    progress.
    """
    out = {}
    async with await Store.open(folder, read_only=True) as store:
        for name in ("observations", "keys", "clips", "short_term", "keyframes", "nodes", "sources"):
            rows = await store.rows(name)
            found = rows.to_pylist() if rows is not None else []
            for row in found:
                row.pop("seq", None)
                row.pop("ingested_at_s", None)
            out[name] = sorted(found, key=lambda row: str(row.get("id") or row.get("clip")))
    return out

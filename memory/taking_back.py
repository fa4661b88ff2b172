"""What a killed run wrote of a source after its last progress row is taken back, so that a resumed one can write it again."""

from __future__ import annotations

from math import inf

from memory import schema
from memory.records import ResumePoint, SourceInfo
from memory.store import Store, quoted


async def take_back(store: Store, source: SourceInfo, point: ResumePoint) -> None:
    """Deletes the source's rows that point does not cover. Raises MemoryStoreError."""
    if source.has_video:
        await _watched(store, f"source = {quoted(source.id)}", point)
    else:
        await _told(store, f"source = {quoted(source.id)}", point)
    if point.said_done_s < inf:
        # Both carry the span of an utterance, which is known from its end on.
        for name in (schema.VOICES, schema.PEOPLE):
            await store.delete(name, f"source = {quoted(source.id)} AND t_end_s > {point.said_done_s!r}")


async def _watched(store: Store, mine: str, point: ResumePoint) -> None:
    """Pictures are committed by their time, speech by when it is known."""
    video = "" if point.video_done_s == inf else f"t_start_s >= {point.video_done_s!r}"
    said = "" if point.said_done_s == inf else f"known_at_s > {point.said_done_s!r}"
    either = [f"(modality != 'said' AND {video})"] if video else []
    either += [f"(modality = 'said' AND {said})"] if said else []
    if either:
        for name in (schema.OBSERVATIONS, schema.KEYS, schema.VAULT):
            await store.delete(name, f"{mine} AND ({' OR '.join(either)})")
    if video:
        for name in (schema.CLIPS, schema.KEYFRAMES, schema.SHORT_TERM, schema.FACES):
            await store.delete(name, f"{mine} AND {video}")
        by_face = f"{mine} AND made_by = 'face' AND t_end_s > {point.video_done_s!r}"
        await store.delete(schema.PEOPLE, by_face)


async def _told(store: Store, mine: str, point: ResumePoint) -> None:
    """A source without video: what is said and the pictures that come with it become known in one order."""
    if point.said_done_s == inf:
        return
    later = f"{mine} AND known_at_s > {point.said_done_s!r}"
    pictures = await store.rows(schema.CLIPS, later, ["id"])
    if pictures is not None and pictures.num_rows:
        named = ", ".join(map(quoted, pictures["id"].to_pylist()))
        await store.delete(schema.KEYFRAMES, f"clip IN ({named})")
    for name in (schema.OBSERVATIONS, schema.KEYS, schema.VAULT, schema.CLIPS):
        await store.delete(name, later)

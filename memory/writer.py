"""The one task that writes what a source's perception says into the memory."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from math import floor, inf

import pyarrow as pa

from memory import schema
from memory.compressor import clips_of_chapter, seen_in
from memory.entities import People
from memory.forgetting import Selection, forget
from memory.lance import give_back
from memory.levels import rebuild
from memory.records import (
    ResumePoint,
    SourceInfo,
    observations_of,
)
from memory.retention import thin
from memory.row_writing import RowWriter
from memory.settings import MemorySettings
from memory.store import Store, quoted
from memory.taking_back import take_back
from runtime.channel import Channel
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.errors import MemoryStoreError
from runtime.messages import Clip, FrameFeature, Observation, Watermark
from runtime.models import TextEncoder

Message = FrameFeature | Observation | Clip | Watermark
"""A clip: a picture that came with a message, of a source that has no video."""
_Order = tuple[float, float, str]
_CLOCK = SystemClock()


_Run = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]


async def _at_once(work: Callable[[], Awaitable[None]]) -> None:
    await work()


class MemoryWriter:
    """Commits a source in units: a chapter of video when both "vision" and "read" have passed its end, speech
    when "said" has advanced by said_commit_s. Rows first, the progress row last.

    `begin` takes back what a killed run wrote after its last progress row, so that a resumed run writes it
    again and ends with the records of an undisturbed one. What was committed is never touched.
    """

    def __init__(
        self,
        store: Store,
        text_encoder: TextEncoder,
        compute: Compute,
        settings: MemorySettings,
        source: SourceInfo,
        *,
        people: People | None = None,
        remembered: Callable[[Sequence[Clip]], None] = lambda _: None,
        spoken: Callable[[Sequence[Observation]], None] = lambda _: None,
        wall: Callable[[], float] = _CLOCK.wall,
        commit: _Run = _at_once,
        upkeep: _Run = _at_once,
        erase: _Run = _at_once,
    ) -> None:
        """people: of the store, who says by the voice who speaks, and by the face who is to be seen; without it speakers stay
        as they come, and faces are let go.

        remembered, spoken: are told of clips and utterances that have just been committed. wall: Unix time, for when
        records are taken in. commit, upkeep, erase: run everything that run() and forget() do with the store, one after the
        other; a replay waits there.
        """
        self._store = store
        self._compute = compute
        self._settings = settings
        self._source = source
        self._people = people
        self._remembered = remembered
        self._told = spoken
        self._wall = wall
        self._run_commit = commit
        self._run_upkeep = upkeep
        self._run_erase = erase
        self._frames: dict[int, list[FrameFeature]] = {}
        self._screens: dict[int, list[Observation]] = {}
        self._said: list[tuple[_Order, Observation]] = []
        self._pictures: list[Clip] = []
        self._marks = {"vision": 0.0, "read": 0.0, "said": 0.0}
        if not source.has_video:
            self._marks["vision"] = self._marks["read"] = inf
        if not source.has_audio:
            self._marks["said"] = inf
        self._done = ResumePoint()
        self._begun = ResumePoint()
        self._rows = RowWriter(store, text_encoder, compute, settings, wall)
        self._at_mark: set[str] = set()
        self._commits = 0
        self._forgotten: list[tuple[float, float]] = []
        self._forgetting = asyncio.Lock()  # held by a commit, too: nothing is written that is being forgotten

    async def begin(self) -> ResumePoint:
        """Registers the source and makes it ready to be written from the point returned on.

        Raises MemoryStoreError: begun with other settings or another vision encoder, or the store cannot be
        written.
        """
        known = {s.id: s for s in await self._store.sources()}.get(self._source.id)
        point = await self._store.resume_point(self._source.id)
        if self._source.vision_model and not point.complete:
            await self._store.claim_model("vision", self._source.vision_model)
        if known is None:
            rows = pa.Table.from_pylist([asdict(self._source)], schema=schema.fixed_schema(schema.SOURCES))
            await self._store.add(schema.SOURCES, rows)
        elif known.settings_hash != self._source.settings_hash and not point.complete:
            raise MemoryStoreError(
                f"{self._source.path} was begun with other settings or models: finish it with those, "
                "or ingest it into another memory"
            )
        if not point.complete:
            await take_back(self._store, self._source, point)
            if self._people is not None:
                await self._people.reload()
            await self._remember_last_said(point)
        self._done = self._begun = point
        if not point.complete and min(point.video_done_s, point.said_done_s) == inf:
            self._marks = dict.fromkeys(self._marks, inf)
            await self.finish()
        return self._done

    @property
    def done(self) -> ResumePoint:
        """How far the source is committed."""
        return self._done

    async def write(self, messages: Sequence[Message]) -> None:
        """Takes messages and commits them at once, for a caller without a stream. After `begin`; `finish` in the end."""
        for message in messages:
            self._take(message)
        await self._commit_whole(force=True)

    async def run(self, inbox: Channel[Message]) -> ResumePoint:
        """Writes until the inbox is closed and empty, then finishes. Returns how far the source is committed.

        complete is True in it only if every stream the source has sent a watermark of infinity. On
        cancellation what the watermarks have passed is committed before the cancellation goes on.
        """
        await self._run_upkeep(self._begin)
        if self._done.complete:
            async for _ in inbox:
                continue
            return self._done
        try:
            async for message in inbox:
                self._take(message)
                if isinstance(message, Watermark):
                    await self._commit_whole(force=False)
        except asyncio.CancelledError:
            await self._commit_whole(force=True)
            raise
        await self._commit_whole(force=True)
        await self._run_upkeep(self.finish)
        return self._done

    async def _begin(self) -> None:
        await self.begin()

    async def forget(self, from_s: float, now_s: float | None = None) -> int:
        """Takes back what this source perceived from from_s on, with all that was derived from it and the
        bytes on the disk that held it. Returns how many records that were. now_s: what was perceived up to then and
        is still on its way is not taken any more; without it, it comes through.
        """
        if now_s is not None:
            self._forgotten.append((from_s, now_s))
        async with self._forgetting:
            self._frames = {n: [f for f in frames if f.t_s < from_s] for n, frames in self._frames.items()}
            self._screens = {
                n: [o for o in screens if o.t_end_s < from_s] for n, screens in self._screens.items()
            }
            self._said = [entry for entry in self._said if entry[1].t_end_s < from_s]
            if self._rows.previous is not None and self._rows.previous.t_end_s >= from_s:
                self._rows.previous = None
            mine = Selection(sources=(self._source.id,), t_min_s=from_s)
            count = 0

            async def erase() -> None:
                nonlocal count
                count = len((await forget(self._store, mine, self._settings)).records)
                if self._people is not None:
                    await self._people.reload()

            await self._run_erase(erase)
            return count

    def is_forgotten(self, start_s: float, end_s: float) -> bool:
        """Whether something perceived from start_s to end_s touches what was to be forgotten."""
        return any(end_s >= from_s and start_s <= to_s for from_s, to_s in self._forgotten)

    async def finish(self) -> None:
        """Rebuilds the derived levels, drops short-term memories past their horizon, compacts."""
        await rebuild(self._store, self._source.id, self._settings)
        await self._drop_short_term()
        await thin(self._store, self._settings, self._wall())
        if min(self._marks.values()) == inf and not self._done.complete:
            # Last of all: a run killed before this one row finishes again, and finds nothing left to do.
            self._done = replace(self._done, complete=True)
            await self._store.set_progress(self._source.id, self._done)
        await self._store.optimize()

    async def _drop_short_term(self) -> None:
        """Drops what lies further back than the horizon from the newest clip that has any."""
        mine = f"source = {quoted(self._source.id)}"
        rows = await self._store.rows(schema.SHORT_TERM, mine, ["t_end_s"])
        newest = max(rows["t_end_s"].to_pylist(), default=0.0) if rows is not None else 0.0
        oldest = newest - self._settings.short_term_horizon_s
        if oldest > 0:
            await self._store.delete(schema.SHORT_TERM, f"{mine} AND t_end_s < {oldest!r}")

    def _take(self, message: Message) -> None:
        """Files a message; what a resumed perception says twice is left out."""
        if isinstance(message, Watermark):
            self._marks[message.stream] = max(self._marks[message.stream], message.t_s)
        elif isinstance(message, FrameFeature):
            if message.t_s >= self._begun.video_done_s and not self.is_forgotten(message.t_s, message.t_s):
                self._frames.setdefault(message.chapter, []).append(message)
        elif self.is_forgotten(message.t_start_s, message.t_end_s):
            return
        elif isinstance(message, Clip):
            if self._is_news(message.known_s, message.id):
                self._pictures.append(message)
        elif message.modality == "said" or not self._source.has_video:
            # A record that says it was known before it ended would let a question hear words to come.
            said = _known_at_end(message)
            at = (said.known_at_s, said.t_start_s, said.id)
            if self._is_news(said.known_at_s, said.id):
                insort(self._said, (at, said), key=lambda entry: entry[0])
        elif message.t_start_s >= self._begun.video_done_s:
            chapter = floor(message.t_start_s / self._settings.chapter_s)
            self._screens.setdefault(chapter, []).append(message)

    def _is_news(self, known_at_s: float, name: str) -> bool:
        done_s = self._begun.said_done_s
        return known_at_s > done_s or (known_at_s == done_s and name not in self._at_mark)

    async def _commit_whole(self, force: bool) -> None:
        """A commit that a cancellation does not cut in two: it ends, then the cancellation goes on."""
        commit = asyncio.create_task(self._commit_alone(force))
        try:
            await asyncio.shield(commit)
        except asyncio.CancelledError:
            await asyncio.wait({commit})
            commit.result()
            raise

    async def _commit_alone(self, force: bool) -> None:
        async with self._forgetting:
            await self._commit(force)

    async def _commit(self, force: bool) -> None:
        """Commits what the watermarks allow. force: speech too that is less than said_commit_s ahead."""
        video_to = self._video_ready_s()
        said_to = self._marks["said"]
        ahead = said_to >= self._done.said_done_s + self._settings.said_commit_s
        video = video_to > self._done.video_done_s
        said = said_to > self._done.said_done_s and (ahead or force or video)
        if not (video or said):
            return
        records, clips = self._due_video(video_to) if video else ([], [])
        spoken = self._due_said(said_to) if said else []
        clips += self._due_pictures(said_to) if said else []
        point = ResumePoint(
            video_to if video else self._done.video_done_s,
            said_to if said else self._done.said_done_s,
            complete=False,
        )

        async def save() -> None:
            nonlocal spoken
            if self._people is not None:
                spoken = await self._people.hear(spoken)
            await self._rows.write(records, spoken, clips)
            if self._people is not None:
                await self._people.see(clips)
                both_s = min(point.video_done_s, point.said_done_s)
                await self._people.join(self._source.id, both_s, self._settings.chapter_s)
            await self._store.set_progress(self._source.id, point)

        await self._run_commit(save)
        self._done = point
        if clips:
            self._remembered(clips)
        if spoken:
            self._told(spoken)
        self._commits += 1
        if self._commits % self._settings.optimize_every == 0:
            await self._run_upkeep(self._tidy)

    async def _tidy(self) -> None:
        await rebuild(self._store, self._source.id, self._settings)
        await self._drop_short_term()
        await self._store.optimize()
        await self._compute.run("memory upkeep", give_back)

    def _video_ready_s(self) -> float:
        """The end of the last chapter that vision and reading have both left behind."""
        mark = min(self._marks["vision"], self._marks["read"])
        return mark if mark == inf else floor(mark / self._settings.chapter_s) * self._settings.chapter_s

    def _due_video(self, to_s: float) -> tuple[list[Observation], list[Clip]]:
        records: list[Observation] = []
        clips: list[Clip] = []
        step = self._settings.chapter_s
        due = {n for n in (*self._frames, *self._screens) if (n + 1) * step <= to_s}
        for chapter in sorted(due):
            frames = sorted(self._frames.pop(chapter, ()), key=lambda f: f.t_s)
            end_s = (chapter + 1) * step
            if frames and self._source.duration_s is not None:
                end_s = min(end_s, max(self._source.duration_s, frames[-1].t_s))
            made = clips_of_chapter(self._source.id, frames, end_s, self._settings)
            clips += made
            screens = self._screens.pop(chapter, [])
            records += sorted(screens, key=lambda o: (o.known_at_s, o.t_start_s, o.id))
            records += [seen for clip in made if (seen := seen_in(clip, self._settings)) is not None]
        return records, clips

    def _due_said(self, to_s: float) -> list[Observation]:
        count = sum(1 for (known_at_s, _, _), _ in self._said if known_at_s <= to_s)
        due = [said for _, said in self._said[:count]]
        del self._said[:count]
        return due

    def _due_pictures(self, to_s: float) -> list[Clip]:
        due = [clip for clip in self._pictures if clip.known_s <= to_s]
        self._pictures = [clip for clip in self._pictures if clip.known_s > to_s]
        return due

    async def _remember_last_said(self, point: ResumePoint) -> None:
        """The turn before the first one to come, and the ids of those that become known exactly at the mark."""
        mine = f"source = {quoted(self._source.id)}"
        since = min(point.said_done_s, 1e12) - 600.0
        rows = await self._store.rows(schema.OBSERVATIONS, f"{mine} AND known_at_s >= {since!r}")
        found = observations_of(rows) if rows is not None else []
        said = [o for o in found if o.modality == "said"]
        self._rows.previous = max(said, key=lambda o: (o.known_at_s, o.t_start_s, o.id), default=None)
        self._at_mark = {o.id for o in found if o.known_at_s == point.said_done_s}
        if not self._source.has_video and point.said_done_s < inf:
            at_mark = f"{mine} AND known_at_s = {point.said_done_s!r}"
            pictures = await self._store.rows(schema.CLIPS, at_mark, ["id"])
            self._at_mark |= set(pictures["id"].to_pylist()) if pictures is not None else set()


def _known_at_end(said: Observation) -> Observation:
    if said.known_at_s >= said.t_end_s:
        return said
    return replace(said, known_at_s=said.t_end_s)

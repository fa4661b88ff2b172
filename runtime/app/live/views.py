"""What the page may see of a session's memory: found moments, the timeline, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memory import Cast, Memory, SearchRequest, StoredClip
from runtime.messages import Clip, Evidence, Observation

_TAGS_SHOWN = 3
_LEAST_SHOWN = 0.2
_SEARCH_K = 12
_SHARE_OF_BEST = 0.35
# A reply is one message of the data channel, which must not grow without bound.
_READS, _READ_CHARACTERS = 200, 400


def shown_tags(tags: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The first few of what a picture may show, without what it surely does not."""
    return [(name, p) for name, p in tags[:_TAGS_SHOWN] if p >= _LEAST_SHOWN]


class Views:
    """Of one session alone."""

    def __init__(self, memory: Memory, session: str) -> None:
        self._memory = memory
        self._session = session

    def picture_path(self, clip: str) -> str:
        return f"/api/picture/{self._session}/{clip}"

    async def pictures(self, evidence: Sequence[Evidence], as_of_s: float | None) -> dict[str, str]:
        """Path of the picture taken nearest to each moment, by the record's id."""
        found = {}
        for item in evidence:
            keyframe = await self._memory.keyframe_at(self._session, item.t_start_s, as_of_s)
            if keyframe is not None:
                found[item.id] = self.picture_path(keyframe.clip)
        return found

    async def search(self, text: str) -> list[dict[str, Any]]:
        hits = await self._memory.search(SearchRequest(text, sources=(self._session,), k=_SEARCH_K))
        least = _SHARE_OF_BEST * max((hit.scores.total for hit in hits), default=0.0)
        found = []
        for hit in (hit for hit in hits if hit.scores.total >= least):
            keyframe = await self._memory.keyframe_at(self._session, hit.t_start_s)
            found.append(
                {
                    "id": hit.record.id,
                    "t": round(hit.t_start_s, 2),
                    "modality": hit.record.modality,
                    "text": hit.text,
                    "picture": self.picture_path(keyframe.clip) if keyframe is not None else None,
                }
            )
        return found

    async def timeline(self, from_s: float, to_s: float) -> dict[str, list[dict[str, Any]]]:
        """What is remembered between two times: clips, utterances, texts on the screen."""
        span = (from_s, to_s)
        clips = await self._memory.visible_clips(self._session, span=span)
        records = await self._memory.observations(self._session, span=span)
        cast = await self._memory.cast()
        return {
            "items": [self.tile(clip) for clip in clips],
            "words": [self.utterance(o, cast) for o in records if o.modality == "said"],
            "reads": [self.text(o) for o in records if o.modality == "read"][:_READS],
        }

    def utterance(self, said: Observation, cast: Cast) -> dict[str, Any]:
        speaker = cast.speaker(said.id, said.speaker)
        return {
            "id": said.id,
            "text": said.text,
            "t_start": round(said.t_start_s, 2),
            "t_end": round(said.t_end_s, 2),
            "speaker": speaker.label if speaker is not None else None,
        }

    def text(self, read: Observation) -> dict[str, Any]:
        return {"id": read.id, "t": round(read.t_start_s, 2), "text": read.text[:_READ_CHARACTERS]}

    def tile(self, clip: Clip | StoredClip) -> dict[str, Any]:
        return {
            "id": clip.id,
            "t_start": round(clip.t_start_s, 2),
            "t_end": round(clip.t_end_s, 2),
            "tags": [name for name, _ in shown_tags(clip.tags)],
            "picture": self.picture_path(clip.id),
        }

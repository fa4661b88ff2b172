"""Find what was seen: which scenes look like the question, each kind of scene once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory import Memory, StoredClip
from memory.visual_score import score_clips
from reasoning.question import Question
from runtime.compute import Compute
from runtime.messages import Evidence, Query
from runtime.models import VisionEncoder

_SAME_SCENE = 0.85
_TAGS_SHOWN = 4
_MOST = 20
_SAME_CLASS, _LIKE_CLASS = 0.84, 0.6
_GLIMPSE = 0.002


@dataclass(frozen=True, slots=True)
class Sighting:
    """scenes: most like the question first. nowhere: none of them shows it, as far as the encoder can tell."""

    scenes: tuple[Evidence, ...] = ()
    nowhere: bool = False


class Scenes:
    """Searches the clips of a memory with the encoder they were made with."""

    def __init__(
        self,
        memory: Memory,
        encoder: VisionEncoder | None,
        compute: Compute,
        class_vectors: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        """class_vectors: text vector of every class name, for an encoder that only names classes."""
        self._class_vectors = class_vectors
        self._memory = memory
        self._encoder = encoder
        self._compute = compute

    async def find(self, question: Question, query: Query) -> Sighting:
        """Scenes most like the question first; of scenes that look the same only the best moment.

        An encoder that only names classes is scored by how much more a class is there than elsewhere (ConSE on
        log-lift); the others by cosine, the mean of all visible clips taken off: what every clip has in common says
        nothing about which one is meant. Only clips known by query.as_of_s take part.
        """
        if self._encoder is None:
            return Sighting()
        clips: list[StoredClip] = []
        for source in await self._memory.sources():
            if query.sources is None or source.id in query.sources:
                clips += await self._memory.visible_clips(source.id, query.as_of_s)
        if not clips:
            return Sighting()
        texts = [question.subject, *question.phrases]
        vectors = await self._compute.run("vision text", self._encoder.encode_text, texts)
        # All clips are scored, also those outside the asked span: they are what a clip has to stand out from.
        return await self._compute.run("answer", self._ranked, clips, vectors, question)

    def _ranked(
        self, clips: Sequence[StoredClip], vectors: NDArray[np.float32], question: Question
    ) -> Sighting:
        nowhere = False
        if self._class_vectors is not None:
            nowhere = _nowhere(vectors[1:], self._class_vectors, clips)
            scores = score_clips(vectors, self._class_vectors, [c.tags for c in clips])
        else:
            scores = _centred_cosine(clips, vectors)
        order = sorted(
            range(len(clips)), key=lambda i: (-round(float(scores[i]), 6), clips[i].t_start_s, clips[i].id)
        )
        chosen: list[int] = []
        for i in order:
            if (
                scores[i] > 0
                and _within(clips[i], question)
                and all(float(clips[i].appearance @ clips[j].appearance) < _SAME_SCENE for j in chosen)
            ):
                chosen.append(i)
        scenes = tuple(_evidence(clips[i], float(scores[i])) for i in chosen[:_MOST])
        return Sighting(scenes, nowhere)


def _nowhere(
    phrases: NDArray[np.float32], classes: Mapping[str, NDArray[np.float32]], clips: Sequence[StoredClip]
) -> bool:
    """The encoder knows one of the things by name, and sees neither it nor anything like the others in any clip.

    phrases: (n, d) unit rows. Below a probability of _GLIMPSE a class counts as not seen.
    """
    likeness = np.stack(list(classes.values())) @ phrases.T
    if likeness.size == 0 or likeness.max() < _SAME_CLASS:
        return False
    meant = {name for name, row in zip(classes, likeness, strict=True) if row.max() >= _LIKE_CLASS}
    return not any(name in meant and p >= _GLIMPSE for clip in clips for name, p in clip.tags)


def _within(clip: StoredClip, question: Question) -> bool:
    after = question.t_min_s is None or clip.t_end_s >= question.t_min_s
    return after and (question.t_max_s is None or clip.t_start_s <= question.t_max_s)


def _centred_cosine(clips: Sequence[StoredClip], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    seen = np.stack([c.vector for c in clips])
    centred = seen - seen.mean(axis=0) if len(clips) > 1 else seen
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    asked = vectors.mean(axis=0)
    return np.asarray(centred @ (asked / max(float(np.linalg.norm(asked)), 1e-6)), np.float32)


def _evidence(clip: StoredClip, score: float) -> Evidence:
    tags = ", ".join(name for name, _ in clip.tags[:_TAGS_SHOWN])
    return Evidence(clip.id, clip.source, "seen", f"looks like: {tags}", clip.t_start_s, clip.t_end_s, score)

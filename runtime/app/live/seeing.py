"""From the pictures of a live session to what is seen and read in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from perception.vision.ocr import ReadStage
from perception.vision.sampling import SampleStage
from perception.vision.stages import EncodeStage
from runtime.app.live.parts import Parts
from runtime.channel import Channel, Policy
from runtime.messages import SampledFrame, VideoFrame


class AddStage(Protocol):
    def __call__(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        inboxes: Sequence[Channel[Any]],
        outboxes: Sequence[Channel[Any]] = (),
    ) -> None: ...


def see(
    parts: Parts, session_id: str, video: Channel[VideoFrame], percepts: Channel[Any], stage: AddStage
) -> list[Channel[Any]]:
    """Adds the stages that sample, encode and read, and returns the queues between them. parts: with a vision encoder."""
    assert parts.vision is not None and parts.reader is not None
    to_encode: Channel[SampledFrame] = Channel("frames", 4, Policy.DROP_OLDEST, clock=parts.clock)
    to_read: Channel[SampledFrame] = Channel("frames to read", 2, Policy.DROP_OLDEST, clock=parts.clock)
    looks = parts.app.video.model_copy(update={"chapter_s": parts.live.chapter_s})
    sampler = SampleStage(parts.compute, looks)
    encoder = EncodeStage(parts.compute, parts.vision, parts.app.vision, faces=parts.faces)
    reader = ReadStage(parts.compute, parts.reader, session_id, parts.app.read)
    stage("sample", lambda: sampler.run(video, (to_encode, to_read)), (video,), (to_encode, to_read))
    stage("vision", lambda: encoder.run(to_encode, percepts), (to_encode,), (percepts,))
    stage("ocr", lambda: reader.run(to_read, percepts), (to_read,), (percepts,))
    return [to_encode, to_read]

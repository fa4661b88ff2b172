"""Seeing as a stage: sampled frames in, features out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import cv2
import numpy as np

from perception.settings import VisionSettings
from perception.vision.bars import without_bars
from perception.vision.faces import FaceLooks
from runtime.channel import Channel, ChannelClosed, ChannelEmpty
from runtime.compute import Compute
from runtime.messages import Face, FrameFeature, Image, SampledFrame, Watermark
from runtime.models import FaceEncoder, ImageFeatures, VisionEncoder
from runtime.pictures import scaled


class EncodeStage:
    """Channel[SampledFrame] -> FrameFeature and Watermark("vision"), in batches of what is waiting."""

    def __init__(
        self,
        compute: Compute,
        encoder: VisionEncoder,
        settings: VisionSettings,
        *,
        faces: FaceEncoder | None = None,
        ended: Callable[[], bool] = lambda: True,
    ) -> None:
        """faces: without it, they are not looked at.

        ended: asked when the inbox is closed: is this the end of the media? If not, no last mark is given.
        """
        self._faces = FaceLooks(faces, settings.faces) if faces is not None else None
        self._ended = ended
        self._compute = compute
        self._encoder = encoder
        self._settings = settings

    async def run(self, inbox: Channel[SampledFrame], outbox: Channel[FrameFeature | Watermark]) -> None:
        async for first in inbox:
            batch = [first]
            while len(batch) < self._settings.batch:
                try:
                    batch.append(inbox.get_nowait())
                except (ChannelEmpty, ChannelClosed):
                    break
            images = [s.frame.image for s in batch]
            features, thumbnails = await self._compute.run(
                "vision", look, self._encoder, self._settings, images
            )
            faces: list[tuple[Face, ...] | None] = [None] * len(batch)
            if self._faces is not None:
                faces = await self._compute.run("faces", self._faces.look, batch)
            for i, sampled in enumerate(batch):
                await outbox.put(
                    FrameFeature(
                        t_s=sampled.frame.t_s,
                        chapter=sampled.chapter,
                        vector=features.vectors[i],
                        appearance=features.appearance[i],
                        patches=None if features.patches is None else features.patches[i],
                        tags=features.tags[i],
                        thumbnail=thumbnails[i],
                        faces=faces[i],
                    )
                )
            await outbox.put(Watermark("vision", batch[-1].frame.t_s))
        if self._ended():
            await outbox.put(Watermark("vision", inf))


def look(
    encoder: VisionEncoder, settings: VisionSettings, images: Sequence[Image]
) -> tuple[ImageFeatures, list[bytes]]:
    """What an encoder makes of pictures, and a small JPEG of each. Blocking."""
    pictures = [without_bars(image) for image in images]
    return encoder.encode_images(pictures), [_thumbnail(image, settings) for image in images]


def _thumbnail(image: Image, settings: VisionSettings) -> bytes:
    small = scaled(image, settings.thumbnail_side)
    quality = [cv2.IMWRITE_JPEG_QUALITY, settings.thumbnail_quality]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), quality)
    return np.asarray(data, np.uint8).tobytes() if done else b""

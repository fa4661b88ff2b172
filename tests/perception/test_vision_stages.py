"""Seeing as a stage, with an encoder that knows colours only."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from perception.settings import VisionSettings
from perception.vision.stages import EncodeStage
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.messages import FrameFeature, Image, SampledFrame, VideoFrame, Watermark
from runtime.models import FaceEncoder, ImageFeatures
from tests.conftest import Run
from tests.perception.scripted_faces import Scripted
from tests.perception.vision_contract import keeps_the_contract

DEFAULTS = VisionSettings()
COLOURS = ("red", "green", "blue")


class Colours:
    """A VisionEncoder: an image is its mean colour, a text the colours it names. Notes its batches."""

    name, dim = "colours", 3

    def __init__(self, patches: int = 0) -> None:
        self.batches: list[int] = []
        self.patches = patches

    def encode_images(self, images: Sequence[Image]) -> ImageFeatures:
        self.batches.append(len(images))
        means = np.stack([image.reshape(-1, 3).mean(axis=0) + 1.0 for image in images])
        vectors = self._unit(means)
        shares = means / means.sum(axis=1, keepdims=True)
        patches = (
            np.repeat(vectors[:, None], self.patches, axis=1).astype(np.float16) if self.patches else None
        )
        return ImageFeatures(vectors, vectors, patches, tuple(self._tags(row) for row in shares))

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._unit(np.array([[0.1 + text.count(c) for c in COLOURS] for text in texts]))

    @staticmethod
    def _tags(shares: NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
        return tuple(sorted(zip(COLOURS, map(float, shares), strict=True), key=lambda tag: -tag[1]))

    @staticmethod
    def _unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def sampled(number: int, side: int = 64) -> SampledFrame:
    """Frame `number`: one a second, red, green and blue in turn; ten to a chapter."""
    image = np.zeros((side // 2, side, 3), np.uint8)
    image[..., number % 3] = 200
    return SampledFrame(VideoFrame(float(number), image), number // 10, 0.5, False)


async def seen(
    frames: Sequence[SampledFrame],
    encoder: Colours,
    settings: VisionSettings = DEFAULTS,
    ended: bool = True,
    faces: FaceEncoder | None = None,
) -> list[FrameFeature | Watermark]:
    inbox: Channel[SampledFrame] = Channel("in", 100, Policy.BLOCK)
    outbox: Channel[FrameFeature | Watermark] = Channel("out", 1000, Policy.BLOCK)
    compute = Compute()
    for frame in frames:
        await inbox.put(frame)
    inbox.close()
    await EncodeStage(compute, encoder, settings, faces=faces, ended=lambda: ended).run(inbox, outbox)
    outbox.close()
    await compute.close(5)
    return [message async for message in outbox]


def features(messages: Sequence[FrameFeature | Watermark]) -> list[FrameFeature]:
    return [m for m in messages if isinstance(m, FrameFeature)]


def marks(messages: Sequence[FrameFeature | Watermark]) -> list[float]:
    return [m.t_s for m in messages if isinstance(m, Watermark)]


def test_the_made_up_encoder_keeps_the_contract() -> None:
    keeps_the_contract(Colours())


def test_every_frame_becomes_its_feature_in_order(run_virtual: Run) -> None:
    found = features(run_virtual(seen([sampled(i) for i in range(23)], Colours())))
    assert [(f.t_s, f.chapter) for f in found] == [(float(i), i // 10) for i in range(23)]
    assert [f.tags[0][0] for f in found] == [COLOURS[i % 3] for i in range(23)]
    for frame in found:
        assert COLOURS[int(frame.vector.argmax())] == frame.tags[0][0]
        assert frame.patches is None


def test_what_waits_is_encoded_together_up_to_the_batch(run_virtual: Run) -> None:
    encoder = Colours()
    run_virtual(seen([sampled(i) for i in range(10)], encoder, VisionSettings(batch=4)))
    assert encoder.batches == [4, 4, 2]


def test_faces_come_with_the_frames_that_were_looked_at_for_them(run_virtual: Run) -> None:
    """Every picture is another, as after a cut; the one in the next chapter is looked at anew."""
    frames = [sampled(i) for i in (7, 8, 9, 10, 11)]
    found = features(run_virtual(seen(frames, Colours(), VisionSettings(batch=2), faces=Scripted(each=1))))
    assert [None if f.faces is None else len(f.faces) for f in found] == [1, None, 1, 1, None]
    assert all(f.faces is None for f in features(run_virtual(seen(frames, Colours()))))


def test_a_frame_alone_does_not_wait_for_others(run_virtual: Run) -> None:
    async def main() -> None:
        inbox: Channel[SampledFrame] = Channel("in", 10, Policy.BLOCK)
        outbox: Channel[FrameFeature | Watermark] = Channel("out", 10, Policy.BLOCK)
        compute, encoder = Compute(), Colours()
        stage = asyncio.create_task(EncodeStage(compute, encoder, VisionSettings()).run(inbox, outbox))
        for number in range(3):
            await inbox.put(sampled(number))
            feature, mark = await outbox.get(), await outbox.get()
            assert (feature.t_s, mark) == (number, Watermark("vision", float(number)))
        inbox.close()
        await stage
        assert encoder.batches == [1, 1, 1]
        await compute.close(5)

    run_virtual(main())


def test_marks_follow_what_they_vouch_for(run_virtual: Run) -> None:
    messages = run_virtual(seen([sampled(i) for i in range(6)], Colours(), VisionSettings(batch=2)))
    assert marks(messages) == [1.0, 3.0, 5.0, math.inf]
    newest = -1.0
    for message in messages:
        if isinstance(message, FrameFeature):
            newest = message.t_s
        elif message.t_s < math.inf:
            assert message == Watermark("vision", newest)


def test_media_that_broke_off_gets_no_last_mark(run_virtual: Run) -> None:
    messages = run_virtual(seen([sampled(0)], Colours(), ended=False))
    assert marks(messages) == [0.0]
    assert marks(run_virtual(seen([], Colours(), ended=False))) == []
    assert marks(run_virtual(seen([], Colours()))) == [math.inf]


def test_patches_go_with_their_frame(run_virtual: Run) -> None:
    for frame in features(run_virtual(seen([sampled(i) for i in range(5)], Colours(patches=9)))):
        assert frame.patches is not None
        assert frame.patches.shape == (9, 3)
        np.testing.assert_allclose(frame.patches[0], frame.vector, atol=1e-3)


@pytest.mark.parametrize(("side", "shown"), [(64, (64, 32)), (1000, (320, 160))])
def test_a_thumbnail_is_the_frame_made_smaller_never_larger(
    run_virtual: Run, side: int, shown: tuple[int, int]
) -> None:
    (frame,) = features(run_virtual(seen([sampled(2, side)], Colours())))
    picture = cv2.imdecode(np.frombuffer(frame.thumbnail, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape[1::-1] == shown
    blue, green, red = picture.reshape(-1, 3).mean(axis=0)  # OpenCV's order
    assert blue > 150 > 50 > max(green, red)


def test_a_failing_encoder_fails_the_stage(run_virtual: Run) -> None:
    class Broken(Colours):
        def encode_images(self, images: Sequence[Image]) -> ImageFeatures:
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        run_virtual(seen([sampled(0)], Broken()))

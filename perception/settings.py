"""Settings of what is seen: one model per job, unknown keys are errors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runtime.config import Settings


class SourceSettings(Settings):
    """How a file is decoded.

    decode_fps: pictures a second that leave the decoder, at most; the first of each cell of 1/decode_fps
        seconds. decode_fps times the chapter length must be whole: no cell may straddle a chapter.
    max_side: longest side of a picture in pixels; larger ones are scaled down, smaller ones left alone.
    audio_chunk_s: length of an audio chunk; the last one may be shorter.
    ahead_s: how much of one stream may wait, read and not yet decoded, while the other goes on, in media
        seconds; never more than 64 MB.
    threads: of the video decoder. One by default: the models want the cores.
    skip_nonref_fps: where pictures follow each other at this rate (and 8 times decode_fps) or faster, those
        that no other refers to are not decoded.
    """

    decode_fps: float = Field(default=2.0, gt=0, le=30)
    max_side: int = Field(default=1280, ge=64, le=8192)
    audio_chunk_s: float = Field(default=0.5, gt=0, le=10)
    ahead_s: float = Field(default=300.0, gt=0, le=3600)
    threads: int = Field(default=1, ge=1, le=64)
    skip_nonref_fps: float = Field(default=20.0, gt=0)


class VideoSettings(Settings):
    """Which of the decoded pictures are looked at, and when text is worth reading.

    chapter_s: the fixed stretches of media that no video state crosses.
    base_interval_s, busy_interval_s, still_interval_s: between sampled frames; busy when at least busy_change
        of the tiles changed since the last sampled frame, still when fewer than still_change did.
    tile_change: a tile changed when its mean absolute difference, small differences (noise) taken out,
        exceeds this many grey levels of 255.
    stroke_share: share of a tile's pixels that must lie on edges of thin strokes for it to look like text.
    settle_s: how long a tile must have stayed the same before it is read.
    read_interval_s: between two readings, at least.
    patience_s: how long text that keeps moving (scrolling) is waited for before what has settled is read.
    """

    chapter_s: float = Field(default=60.0, gt=0)
    base_interval_s: float = Field(default=1.0, gt=0)
    busy_interval_s: float = Field(default=0.5, gt=0)
    still_interval_s: float = Field(default=4.0, gt=0)
    busy_change: float = Field(default=0.6, ge=0, le=1)
    still_change: float = Field(default=0.01, ge=0, le=1)
    tile_change: float = Field(default=0.5, gt=0)
    stroke_share: float = Field(default=0.08, gt=0, lt=1)
    settle_s: float = Field(default=0.4, gt=0)
    read_interval_s: float = Field(default=1.0, gt=0)
    patience_s: float = Field(default=3.0, gt=0)


class FaceSettings(Settings):
    """Whether people are known by face, and how often one looks for them.

    known: "auto" where the weights are here (hearsight models pull faces) and dlib is, else "off".
    interval_s, cut_interval_s: between two looks at pictures that move, at least, and after a cut; one that stands still is
        not looked at again.
    still_change, cut_change: share of tiles that may have changed in one that stands still, and that do in a cut.
    keep_s: for how long a face that stays at its place and looks the same is known without another look at who it is.
    same_look: correlation of two small pictures of a face that looks the same.
    most: so many new faces of one look are told whose they are, the clearest first; the others at the next. dlib holds Python's
        lock for the 60 ms that each takes.
    side: longest side of the picture that is searched, in pixels; a face is found from 80 of these on.
    least_quality: those that are less clearly a face from the front are left alone.
    """

    known: Literal["auto", "off"] = "auto"
    interval_s: float = Field(default=4.0, gt=0)
    cut_interval_s: float = Field(default=2.0, gt=0)
    still_change: float = Field(default=0.01, ge=0, le=1)
    cut_change: float = Field(default=0.2, ge=0, le=1)
    keep_s: float = Field(default=16.0, ge=0)
    same_look: float = Field(default=0.75, ge=0, le=1)
    most: int = Field(default=3, ge=1)
    side: int = Field(default=640, ge=160, le=4096)
    least_quality: float = Field(default=0.1, ge=0, le=1)


class VisionSettings(Settings):
    """What looks at the sampled frames.

    encoder: "open_clip"; "imagenet" for the packaged model (ConSE); "auto" for open_clip where its weights are
        here or the hub can be reached, else the packaged model. A memory that holds clips keeps to the encoder
        that they were made with.
    model, pretrained: any pair open_clip knows. pretrained may also be a file with weights for the model.
        model may also be "hf-hub:ID" or a folder (open_clip_config.json and the weights in it); pretrained is
        not looked at then.
    device: "cpu", "cuda", or "auto", which takes a GPU when there is one.
    faces: whether people are known by face.
    """

    encoder: Literal["auto", "open_clip", "imagenet"] = "auto"
    model: str = "ViT-B-32"
    pretrained: str = "laion2b_s34b_b79k"
    device: str = "auto"
    threads: int = Field(default=1, ge=1, le=64)
    batch: int = Field(default=8, ge=1, le=256)
    thumbnail_side: int = Field(default=320, ge=32, le=2048)
    thumbnail_quality: int = Field(default=70, ge=1, le=100)
    faces: FaceSettings = Field(default_factory=FaceSettings)


class ReadSettings(Settings):
    """How text on the screen is read.

    min_confidence: lines the recogniser is less sure of are dropped.
    detect_side: smaller pictures are scaled up until the shorter side has this many pixels, to find text.
    same_word: two readings of a word are one when they are this similar (1 - normalised edit distance); words
        with digits must agree.
    same_screen: share of the lines that must still be there for a screen without new lines to be the same.
    kept_lines: how many lines are known again by their pixels, and not recognised anew.
    """

    threads: int = Field(default=1, ge=1, le=64)
    min_confidence: float = Field(default=0.6, ge=0, le=1)
    detect_side: int = Field(default=384, ge=64, le=4096)
    same_word: float = Field(default=0.75, gt=0, le=1)
    same_screen: float = Field(default=0.8, gt=0, le=1)
    kept_lines: int = Field(default=0, ge=0)

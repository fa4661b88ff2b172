"""What can be set about hearing."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from runtime.config import Settings

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class SegmenterSettings(Settings):
    """When speech starts and ends.

    A stretch of speech starts where the speech probability reaches speech_on, and ends where it falls below
    speech_off and does not come back to speech_on for min_silence_ms. Less than min_speech_ms is no speech.
    Each side gets padding_ms. What is longer than max_speech_s is cut where it is least like speech (Whisper
    hears 30 s).
    """

    speech_on: Probability = 0.5
    speech_off: Probability = 0.35
    min_speech_ms: int = Field(default=200, ge=32, le=5_000)
    min_silence_ms: int = Field(default=500, ge=64, le=10_000)
    padding_ms: int = Field(default=200, ge=0, le=2_000)
    max_speech_s: float = Field(default=28.0, ge=2.0, le=28.0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.speech_off > self.speech_on:
            raise ValueError("speech_off must not be above speech_on")
        if self.padding_ms > self.min_silence_ms:
            raise ValueError("padding_ms must not be above min_silence_ms")
        if (self.min_speech_ms + 2 * self.padding_ms) / 1000 > self.max_speech_s:
            raise ValueError("min_speech_ms and padding_ms do not fit into max_speech_s")
        return self


class TranscriberSettings(Settings):
    """Which Whisper, on what, and what it takes to believe it.

    model: a transcriber of configs/models.toml, or the path of a CTranslate2 folder.
    compute_type: "auto" is int8 on the CPU and float16 on a GPU; otherwise any name CTranslate2 knows.
    threads: on the CPU; 0 leaves it to CTranslate2. One by default: the other models want the cores too, and
        threads that wait for each other spin.
    language: ISO 639-1 code, or None to detect it.
    tail_s: silence that the model hears after the speech, at most to 30 s. Less is cheaper; with 3 s the
        small models begin to repeat themselves.
    max_no_speech, min_silent_logprob: text is dropped when silence is more probable than the first and the
        mean log probability of its tokens is below the second.
    min_logprob: text is dropped below this mean log probability, silence or not.
    min_word_probability: text is dropped when its words are less probable than that on average.
    max_compression_ratio: text that compresses better than that repeats itself, and is dropped.
    alternatives: other readings that are kept of what the beam search has found, where a stretch is heard alone.
    """

    model: str = "whisper-base"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compute_type: str = "auto"
    threads: int = Field(default=1, ge=0, le=256)
    beam_size: int = Field(default=5, ge=1, le=20)
    language: str | None = None
    tail_s: float = Field(default=6.0, ge=4.0, le=30.0)
    max_no_speech: Probability = 0.6
    min_silent_logprob: float = Field(default=-0.5, le=0.0)
    min_logprob: float = Field(default=-1.0, le=0.0)
    min_word_probability: Probability = 0.35
    max_compression_ratio: float = Field(default=2.4, ge=1.0)
    alternatives: int = Field(default=4, ge=0, le=19)


class GroupSettings(Settings):
    """Which neighbouring stretches of speech are transcribed in one go.

    Whisper's cost is by the call, whatever its length.

    max_s: sound in one group, the silence in between included.
    span_s: media seconds from the start of the first stretch within which the others start; 0 transcribes
        each stretch by itself, at once (live).
    gap_s: silence between two stretches of a group.
    retry_below: a stretch with words less probable than that on average is transcribed again, alone; the surer
        text counts, the other one and what else the beam search has found are kept as alternatives.
    second_below: a stretch with a word less probable than that is heard by the second transcriber too, where there is one.
    """

    max_s: float = Field(default=28.0, gt=0.0, le=30.0)
    span_s: float = Field(default=180.0, ge=0.0, le=3_600.0)
    gap_s: float = Field(default=0.5, ge=0.0, le=5.0)
    retry_below: Probability = 0.85
    second_below: Probability = 0.7


class VoiceSettings(Settings):
    """Whose voice it is, and where another one begins.

    known: off leaves every speaker unknown.
    model: a voice encoder of configs/models.toml.
    pause_s: a pause at which the speaker may change; the end of a sentence is another place.
    piece_s: what is longer without either is looked at in pieces.
    same: mean cosine of the pieces of two groups above which they are one voice.
    margin: how much nearer a short piece must be to one voice than to the next to belong to it for that alone.
    sure_s: a piece that long shows its voice by itself. least_s: a voice is heard that long in a stretch, or it is none.
    """

    known: bool = True
    model: str = "resemblyzer"
    pause_s: float = Field(default=0.3, gt=0.0, le=5.0)
    piece_s: float = Field(default=4.0, ge=1.0, le=28.0)
    same: float = Field(default=0.75, ge=0.0, le=1.0)
    margin: float = Field(default=0.06, ge=0.0, le=1.0)
    sure_s: float = Field(default=0.8, gt=0.0, le=5.0)
    least_s: float = Field(default=1.2, gt=0.0, le=10.0)


class LiveSettings(Settings):
    """When somebody begins and has finished to speak, while it happens.

    segmenter: a stretch ends at a short pause already; whether the turn ends there is decided above it.
    end_probability: at a pause the turn is over when the end-of-turn model is that sure.
    second_look_ms: a longer pause, at which the model is asked again.
    max_silence_ms: silence that ends a turn whatever the model says. Speech that comes back sooner continues it.
    part_s: a turn longer than that is transcribed in parts, cut at its pauses.
    partial_every_ms: new speech after which what is being said is transcribed, if the transcriber is idle.
    waiting_parts: parts that may wait for a slow transcriber before hearing waits for it too.
    doubtful_speech_ms, doubtful_confidence: words from less speech, or words less probable, are marked as doubtful.
    """

    segmenter: SegmenterSettings = SegmenterSettings(
        min_speech_ms=64, min_silence_ms=192, padding_ms=128, max_speech_s=16.0
    )
    end_probability: Probability = 0.5
    second_look_ms: int = Field(default=600, ge=100, le=10_000)
    max_silence_ms: int = Field(default=1_200, ge=200, le=10_000)
    part_s: float = Field(default=10.0, gt=0.0, le=20.0)
    partial_every_ms: int = Field(default=700, ge=200, le=10_000)
    waiting_parts: int = Field(default=8, ge=1, le=100)
    doubtful_speech_ms: int = Field(default=250, ge=0, le=5_000)
    doubtful_confidence: Probability = 0.5

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.part_s + self.max_silence_ms / 1000 + self.segmenter.max_speech_s > 28.0:
            raise ValueError(
                "part_s, max_silence_ms and segmenter.max_speech_s together must not exceed 28 s"
            )
        if self.segmenter.min_silence_ms > self.max_silence_ms:
            raise ValueError("segmenter.min_silence_ms must not be above max_silence_ms")
        return self


class AudioSettings(Settings):
    """From sound to sentences.

    vad_batch_ms: sound gathered before the voice activity model is run; more is cheaper, less is sooner.
    mark_every_s: media seconds between two marks of how far hearing has come.
    sentence_split_s: a stretch of speech longer than that becomes one observation per sentence.
    second: another transcriber, which adds its readings of what the first one is not sure of (group.second_below), where
        nobody waits for it; None does without.
    voices: who speaks.
    live: hearing as it happens, which has bounds and pauses of its own.
    """

    segmenter: SegmenterSettings = SegmenterSettings()
    transcriber: TranscriberSettings = TranscriberSettings()
    group: GroupSettings = GroupSettings()
    second: TranscriberSettings | None = TranscriberSettings(model="whisper-tiny.en")
    vad_batch_ms: int = Field(default=512, ge=32, le=60_000)
    mark_every_s: float = Field(default=1.0, gt=0.0, le=60.0)
    sentence_split_s: float = Field(default=12.0, gt=0.0)
    voices: VoiceSettings = VoiceSettings()
    live: LiveSettings = LiveSettings()

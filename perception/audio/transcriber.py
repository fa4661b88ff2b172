"""From sound to words: faster-whisper's models, decoded without chance and without text from silence."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations
from numpy.typing import NDArray

from perception.audio.cublas import cublas_obstacle, gpu_count
from perception.audio.settings import TranscriberSettings
from runtime.errors import ConfigError, ModelError
from runtime.messages import SAMPLE_RATE_HZ, Samples, Utterance, Word

MAX_S = 30.0
"""What Whisper hears at a time."""

_OPENING = "\"'“¿([{-"
_CLOSING = "\"'.。,，!！?？:：”)]}、"
# No language takes more byte-pair tokens a second than this; a model that loops does.
_TOKENS_PER_S = 32
_FRAMES_PER_S = 100
_LEAST = 1 / 32768
"""A step of 16-bit sound. What the model makes of no sound at all depends on the processor, and is sometimes sure enough."""
_NEEDED = ("model.bin", "config.json", "tokenizer.json")


class WhisperTranscriber:
    """Whisper (Radford et al., 2022) in CTranslate2, through faster-whisper's parts.

    One pass over at most 30 s: encode once, detect the language from that, decode with beam search at
    temperature 0 and without time tokens, align words by cross-attention. Nothing is carried from one call to
    the next and nothing is sampled, so the same sound always gives the same words. Whisper was trained on
    30 s with silence to the end; it also works with a shorter tail, which costs the encoder that much less.

    Text is dropped as not said when the model takes the sound for silence and is not sure of its words
    either, when it is very unsure of them, or when the text repeats itself (Whisper's own three measures,
    with its thresholds).
    """

    def __init__(
        self,
        folder: Path,
        settings: TranscriberSettings | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """folder: a CTranslate2 Whisper model. Raises ModelError, or ConfigError for what it cannot do.

        report: gets a line where there is a GPU that cannot be used, and the settings leave the choice.
        """
        self.settings = settings or TranscriberSettings()
        missing = [name for name in _NEEDED if not (folder / name).is_file()]
        if missing:
            raise ModelError(f"{folder} is not a Whisper model for CTranslate2: {', '.join(missing)} missing")
        self._model, compute_type = self._loaded(folder, report)
        self._name = f"{folder.name}/{compute_type}"
        language = self.settings.language
        if language is not None and language not in self._model.supported_languages:
            raise ConfigError(f"transcriber: {folder.name} does not know the language {language!r}")
        self._tokenizers: dict[str, Any] = {}

    def _loaded(self, folder: Path, report: Callable[[str], None]) -> tuple[Any, str]:
        """The model, and what it computes in."""
        if self.settings.device != "auto":
            return self._load(folder, self.settings.device)
        if not gpu_count():
            return self._load(folder, "cpu")
        try:
            return self._load(folder, "cuda")
        except (ModelError, ConfigError) as error:
            loaded = self._load(folder, "cpu")
            report(f"hearing: on the CPU, as the GPU cannot be used: {error}")
            return loaded

    def _load(self, folder: Path, device: str) -> tuple[Any, str]:
        compute_type = self.settings.compute_type
        if compute_type == "auto":
            compute_type = "float16" if device == "cuda" else "int8"
        supported = _compute_types(device)
        if compute_type not in supported:
            raise ConfigError(
                f"transcriber: {device} cannot compute in {compute_type}, only in {', '.join(supported)}"
            )
        if device == "cuda" and (obstacle := cublas_obstacle()) is not None:
            raise ModelError(f"cannot load {folder.name} on the GPU: {obstacle}")
        try:
            model: Any = WhisperModel(
                str(folder), device=device, compute_type=compute_type, cpu_threads=self.settings.threads
            )
            if device == "cuda":
                # What a GPU lacks shows at its first computation, not when it is loaded.
                silence = np.zeros(SAMPLE_RATE_HZ, np.float32)
                model.encode(model.feature_extractor(silence)[..., :-1])
        except Exception as e:  # CTranslate2 and tokenizers raise what they like
            raise ModelError(f"cannot load {folder}: {e}") from e
        return model, compute_type

    @property
    def name(self) -> str:
        return self._name

    def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
        """At most one utterance, with word times shifted so that samples[0] is at t_start_s.

        The words' texts keep the space before them: joined they are the text. Raises ValueError past 30 s.
        """
        duration_s = len(samples) / SAMPLE_RATE_HZ
        if duration_s > MAX_S:
            raise ValueError(f"{duration_s:.1f} s of sound; Whisper hears {MAX_S:.0f} s at a time")
        if float(np.abs(samples).max(initial=0.0)) < _LEAST:
            return ()
        features = self._model.feature_extractor(samples)[..., :-1]
        encoded = self._model.encode(self._padded(features))
        language = self._language(encoded)
        decoded = self._decode(encoded, language, duration_s)
        if not decoded.tokens or not self._believable(decoded):
            return ()
        words = self._words(encoded, language, decoded.tokens, features.shape[-1], duration_s, t_start_s)
        if not words:
            return ()
        confidence = mean_probability(words)
        if confidence < self.settings.min_word_probability:
            return ()
        return (
            Utterance(
                text="".join(w.text for w in words).strip(),
                t_start_s=words[0].t_start_s,
                t_end_s=words[-1].t_end_s,
                words=words,
                confidence=confidence,
                language=language,
                alternatives=decoded.alternatives,
            ),
        )

    def _padded(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The features with tail_s of silence after them, to whole seconds, at most 30 s."""
        tail = round(self.settings.tail_s * _FRAMES_PER_S)
        frames = ceil((features.shape[-1] + tail) / _FRAMES_PER_S) * _FRAMES_PER_S
        padded: NDArray[np.float32] = pad_or_trim(features, min(frames, round(MAX_S) * _FRAMES_PER_S))
        return padded

    def _language(self, encoded: Any) -> str:
        if self.settings.language is not None:
            return self.settings.language
        if not self._model.model.is_multilingual:
            return "en"
        best: str = self._model.model.detect_language(encoded)[0][0][0]
        return best.removeprefix("<|").removesuffix("|>")

    def _tokenizer(self, language: str) -> Any:
        if language not in self._tokenizers:
            self._tokenizers[language] = Tokenizer(
                self._model.hf_tokenizer,
                self._model.model.is_multilingual,
                task="transcribe",
                language=language,
            )
        return self._tokenizers[language]

    def _decode(self, encoded: Any, language: str, duration_s: float) -> _Decoded:
        tokenizer = self._tokenizer(language)
        prompt = self._model.get_prompt(tokenizer, [], without_timestamps=True)
        longest = len(prompt) + _TOKENS_PER_S * (1 + int(duration_s))
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=self.settings.beam_size,
            num_hypotheses=min(self.settings.beam_size, 1 + self.settings.alternatives),
            max_length=min(self._model.max_length, longest),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [t for t in result.sequences_ids[0] if t < tokenizer.eot]
        length = len(result.sequences_ids[0])
        texts = [tokenizer.decode([t for t in s if t < tokenizer.eot]).strip() for s in result.sequences_ids]
        return _Decoded(
            tokens=tokens,
            text=texts[0],
            alternatives=other_readings(texts[0], texts[1:]),
            # the score is a mean over the tokens; Whisper's own measure counts the end token too
            logprob=result.scores[0] * length / (length + 1),
            no_speech=result.no_speech_prob,
        )

    def _believable(self, decoded: _Decoded) -> bool:
        settings = self.settings
        if decoded.logprob < settings.min_logprob:
            return False
        if decoded.no_speech > settings.max_no_speech and decoded.logprob < settings.min_silent_logprob:
            return False
        return compression_ratio(decoded.text) <= settings.max_compression_ratio

    def _words(
        self,
        encoded: Any,
        language: str,
        tokens: list[int],
        frames: int,
        duration_s: float,
        t_start_s: float,
    ) -> tuple[Word, ...]:
        alignment = self._model.find_alignment(self._tokenizer(language), [tokens], encoded, [frames])[0]
        merge_punctuations(alignment, _OPENING, _CLOSING)
        words: list[Word] = []
        before_s = 0.0
        for entry in alignment:
            if not entry["word"].strip():
                continue
            start_s = min(max(float(entry["start"]), before_s), duration_s)
            end_s = min(max(float(entry["end"]), start_s), duration_s)
            before_s = end_s
            probability = min(1.0, max(0.0, float(entry["probability"])))
            words.append(Word(entry["word"], t_start_s + start_s, t_start_s + end_s, probability))
        return tuple(words)


@dataclass(frozen=True, slots=True)
class _Decoded:
    tokens: list[int]
    text: str
    alternatives: tuple[str, ...]
    logprob: float
    no_speech: float


def other_readings(text: str, others: Iterable[str]) -> tuple[str, ...]:
    """The others that differ from the text, and from each other, in more than case and punctuation."""
    readings = {plain_words(text): text}
    for other in others:
        if plain := plain_words(other):
            readings.setdefault(plain, other)
    return tuple(readings.values())[1:]


def plain_words(text: str) -> str:
    """Without case and punctuation."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def mean_probability(words: Sequence[Word]) -> float:
    """Mean word probability in [0, 1]; 0 without words."""
    return float(np.mean([w.probability for w in words])) if words else 0.0


def compression_ratio(text: str) -> float:
    """Bytes over zlib-compressed bytes: text that repeats itself compresses well (Whisper's measure)."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def _compute_types(device: str) -> list[str]:
    try:
        return sorted(ctranslate2.get_supported_compute_types(device))
    except (ValueError, RuntimeError) as e:
        raise ConfigError(f"transcriber: the device {device} cannot be used here: {e}") from e

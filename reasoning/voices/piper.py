"""Speech by a voice of piper's (VITS, Kim et al., 2021): its ONNX file in onnxruntime, phonemes from espeak-ng."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reasoning.voices.espeak import PROGRAM, run_espeak
from runtime.compute import Compute
from runtime.errors import ModelError, VoiceError
from runtime.onnx import cpu_session

THREAD = "voice"

_PAD, _BEGIN, _END = "_", "^", "$"
_CLAUSE = re.compile(r"(.+?)([,;:.!?…]+(?=\s|$)|$)", re.S)
_BREAKS = re.compile(r"[^\w\s'’.,%$€£°+&@/-]+|[.,/-]+(?=\s|$)")
_LANGUAGE_SWITCH = re.compile(r"\([a-z-]+\)")
_PAUSE_S = 0.2


class PiperVoice:
    """A Voice (runtime.models). Sentences come one by one: about 0.2 s of compute for a second of sound.

    path: the voice's .onnx file; its description lies beside it as FILE.json. ModelError: one of the two is not there,
    or cannot be read.
    """

    def __init__(self, path: Path, compute: Compute, threads: int = 1, program: str = PROGRAM) -> None:
        try:
            facts = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
            self._rate_hz = int(facts["audio"]["sample_rate"])
            self._accent = str(facts["espeak"]["voice"])
            self._ids: Mapping[str, Sequence[int]] = {k: tuple(v) for k, v in facts["phoneme_id_map"].items()}
            inference = facts.get("inference", {})
            self._scales = [float(inference.get(k, d)) for k, d in _SCALES.items()]
            self._speakers = int(facts.get("num_speakers", 1))
            if (
                facts.get("phoneme_type", "espeak") != "espeak"
                or not {_PAD, _BEGIN, _END} <= self._ids.keys()
            ):
                raise ValueError("its phonemes are not espeak-ng's")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"the voice {path} cannot be used: {error}") from error
        self._path = path
        self._compute = compute
        self._threads = threads
        self._program = program
        self._session: Any = None

    @property
    def name(self) -> str:
        return f"piper {self._path.stem}"

    @property
    def sample_rate_hz(self) -> int:
        return self._rate_hz

    async def load(self) -> None:
        """Seconds; else it is done by the first text. Raises ModelError."""
        await self._compute.run(THREAD, self._loaded)

    async def speak(self, text: str) -> AsyncGenerator[NDArray[np.int16], None]:
        """One piece for a sentence. VoiceError: espeak-ng or the network fails."""
        import onnxruntime as ort

        for phonemes in await self._phonemes(text):
            options = ort.RunOptions()
            try:
                sound = await self._compute.run(THREAD, self._synthesise, phonemes, options)
            finally:
                # Ends a run that goes on in the thread when nobody waits for it any more.
                options.terminate = True
            yield sound

    async def _phonemes(self, text: str) -> list[str]:
        """Of each sentence, with its punctuation: espeak-ng leaves that out, and the voice was trained with it."""
        clauses = list(_clauses(text))
        if not clauses:
            return []
        arguments = ("-q", "--ipa", "-v", self._accent)
        # An empty line ends a clause, whatever stands in it.
        asked = "\n\n".join(words for words, _ in clauses)
        async with aclosing(run_espeak(self._program, arguments, asked)) as pieces:
            written = b"".join([piece async for piece in pieces]).decode("utf-8", "replace")
        lines = [_LANGUAGE_SWITCH.sub("", line).strip() for line in written.splitlines() if line.strip()]
        if not lines:
            raise VoiceError(f"{self._program} gave no phonemes")
        marks = [mark for _, mark in clauses]
        if len(lines) != len(marks):
            # A clause that espeak-ng parted or dropped: which one is not known, so all are parted alike.
            marks = [","] * (len(lines) - 1) + [marks[-1]]
        sentences = [""]
        for line, mark in zip(lines, marks, strict=True):
            sentences[-1] += f"{line}{mark}"
            if mark in ".!?":
                sentences.append("")
            else:
                sentences[-1] += " "
        return [s for s in sentences if s]

    def _synthesise(self, phonemes: str, options: Any) -> NDArray[np.int16]:
        session = self._loaded()
        ids = np.array([self._numbers(phonemes)], np.int64)
        inputs = {
            "input": ids,
            "input_lengths": np.array([ids.shape[1]], np.int64),
            "scales": np.array(self._scales, np.float32),
        }
        if self._speakers > 1:
            inputs["sid"] = np.array([0], np.int64)
        try:
            sound = session.run(None, inputs, options)[0].ravel()
        except Exception as error:  # onnxruntime's own classes have no common base
            raise VoiceError(f"the voice {self._path.name} failed: {_one_line(error)}") from error
        loudest = float(np.abs(sound).max(initial=0.0))
        pcm = np.zeros(len(sound) + round(_PAUSE_S * self._rate_hz), np.int16)
        if loudest > 0:
            pcm[: len(sound)] = sound / loudest * 0.9 * np.iinfo(np.int16).max
        return pcm

    def _numbers(self, phonemes: str) -> list[int]:
        """The network's input: every sign followed by padding; signs it does not know are left out."""
        pad = self._ids[_PAD]
        out = [*self._ids[_BEGIN], *pad]
        for sign in unicodedata.normalize("NFD", phonemes):
            if sign in self._ids:
                out += [*self._ids[sign], *pad]
        return [*out, *self._ids[_END]]

    def _loaded(self) -> Any:
        if self._session is None:
            self._session = cpu_session(self._path, "voice", self._threads)
        return self._session


_SCALES = {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8}
"""In the order of the network's input, with piper's defaults."""


def _clauses(text: str) -> Iterator[tuple[str, str]]:
    """Words, and the one mark of , ; : . ! ? that ends them."""
    for match in _CLAUSE.finditer(" ".join(text.split())):
        words = " ".join(_BREAKS.sub(" ", match[1]).split())
        mark = next((m for m in reversed(match[2]) if m in ",;:.!?"), ".")
        if any(ch.isalnum() for ch in words):
            yield words, mark


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

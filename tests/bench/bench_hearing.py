#!/usr/bin/env python3
"""Onset and end of turn on 40 spoken sentences: how soon is speech noticed, and is its end told from a pause?

    python -m tests.bench.bench_hearing [--sentences N]

Each sentence is spoken by piper-joe, a neural voice, and by espeak-ng, which has little melody. "Whole" is the sentence;
"cut" the same sound ended between two words that cannot end a sentence (or near them: the place is found by length and
loudness). Both have 0.2 s of room noise at the end. A turn ends there when Smart Turn is sure and Whisper's text does
not break off.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
import time
from dataclasses import dataclass, field

import av
import numpy as np
from numpy.typing import NDArray

from perception.audio.segmenter import WINDOW, Segmenter
from perception.audio.settings import LiveSettings, TranscriberSettings
from perception.audio.transcriber import WhisperTranscriber
from perception.audio.turns import SmartTurn, unfinished
from perception.audio.vad import SileroVad
from reasoning.voices.espeak import EspeakVoice
from reasoning.voices.piper import PiperVoice
from runtime.clock import perf
from runtime.compute import Compute
from runtime.messages import SAMPLE_RATE_HZ, Samples, SpeechStart
from runtime.models import Voice
from runtime.weights import Registry

CHUNK = SAMPLE_RATE_HZ // 50
SENTENCES = """
When does the last ferry leave for the | island?
What did the doctor say about | my knee this morning?
I left the blue folder on top of | the printer.
Could you remind me to | water the tomatoes tomorrow evening?
The meeting with the | architects was moved to Thursday at noon.
How many eggs do we need for the | pancakes?
My sister and her | husband are coming to visit us in March.
Tell me when somebody rings the | door bell.
Where did I put the keys of the | garden shed?
I would like to book a | table for four people at seven.
We could take the early train or | just rent a car.
Please read me the last message on the | screen.
Who was the man in the | red jacket that came in first?
If it rains tomorrow we should | stay at home and bake.
The second experiment failed because | the sensor was too warm.
Is there any milk left in the | fridge?
She said the parcel would | arrive before the weekend.
Show me the slide about the | budget from an hour ago.
I think the answer is | forty two degrees.
Can you explain why the | sky turns orange at sunset?
Our neighbour bought a very | old and rusty bicycle.
What is the name of the | street where the bakery is?
Let us meet at the fountain behind | the town hall.
The recipe needs two spoons of sugar and a | pinch of salt.
Which of the two answers is the | right one?
He forgot his umbrella in the | back of the taxi.
Stop the timer when the | kettle starts to whistle.
They have been working on the | bridge since last summer.
Did anybody mention the price of the | new tickets?
The cat is sleeping under the | table in the kitchen.
Please call my mother and | tell her I am late.
How long did it take to | paint the whole fence?
I need to finish the report before | I go on holiday.
What was written on the board next to the | entrance?
The library closes at | six o'clock on Fridays.
You can find the spare batteries in the | top drawer.
When I was a child we used to | swim in that lake.
Has the washing machine finished | already?
The new teacher comes from a | village near the border.
Give me a short summary of | what happened today.
"""


@dataclass
class Counts:
    """Of one voice and kind of sentence."""

    probabilities: list[float] = field(default_factory=list)
    broken_off: list[bool] = field(default_factory=list)

    def line(self, threshold: float) -> str:
        sure = np.array(self.probabilities) >= threshold
        broken = np.array(self.broken_off)
        ends = (sure & ~broken).mean()
        return f"model: finished {sure.mean():.2f}, text breaks off {broken.mean():.2f}, turn ends {ends:.2f}"


async def speak(voice: Voice, text: str) -> Samples:
    """At 16 kHz, without the silence at both ends."""
    pcm = np.concatenate([piece async for piece in voice.speak(text)])
    sound = resampled(pcm, voice.sample_rate_hz)
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return sound[loud[0] : loud[-1] + 1]


def resampled(pcm: NDArray[np.int16], rate_hz: int) -> Samples:
    frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = rate_hz
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    return np.concatenate([out.to_ndarray()[0] for f in (frame, None) for out in resampler.resample(f)])


def cut(whole: Samples, begun: Samples) -> Samples:
    """The whole, ended at its quietest moment near to where the first words should be over."""
    reach, step = SAMPLE_RATE_HZ // 5, SAMPLE_RATE_HZ // 50
    places = range(max(step, len(begun) - reach), min(len(whole) - 2 * step, len(begun) + reach), 80)
    return whole[: min(places, key=lambda at: float(np.square(whole[at - step : at + step]).sum()))]


def in_a_room(before_s: float, sound: Samples, after_s: float, rng: np.random.Generator) -> Samples:
    before, after = (np.zeros(round(s * SAMPLE_RATE_HZ), np.float32) for s in (before_s, after_s))
    padded = np.concatenate([before, sound, after])
    return (padded + rng.normal(0, 0.0005, len(padded))).astype(np.float32)


def onset_ms(vad: SileroVad, sound: Samples, rng: np.random.Generator) -> float:
    """From the first loud sample to the end of the 20 ms chunk with which SpeechStart comes."""
    before_s = 1 + float(rng.uniform(0, WINDOW)) / SAMPLE_RATE_HZ
    samples = in_a_room(before_s, sound, 1.0, rng)
    segmenter = Segmenter(LiveSettings().segmenter)
    vad.reset()
    heard = 0
    for came in range(CHUNK, len(samples), CHUNK):
        while heard + WINDOW <= came:
            window = samples[heard : heard + WINDOW]
            heard += WINDOW
            if any(isinstance(e, SpeechStart) for e in segmenter.push(window, vad.probabilities(window))):
                return (came / SAMPLE_RATE_HZ - before_s) * 1000
    return float("inf")


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sentences", type=int, default=40)
    args = parser.parse_args()
    registry, compute, rng = Registry.load(), Compute(), np.random.default_rng(1)
    model = SmartTurn(registry.locate("smart-turn"))
    whisper = WhisperTranscriber(registry.locate("whisper-base"), TranscriberSettings(language="en"))
    vad = SileroVad()
    (joe,) = registry.locate("piper-joe").glob("*.onnx")
    voices: list[Voice] = [PiperVoice(joe, compute)]
    if shutil.which("espeak-ng"):
        voices.append(EspeakVoice("en-us"))
    walls, cpus = [], []
    threshold = LiveSettings().end_probability
    for voice in voices:
        kinds = {"whole": Counts(), "cut": Counts()}
        onsets = []
        for line in SENTENCES.strip().splitlines()[: args.sentences]:
            first, _, rest = (part.strip() for part in line.partition("|"))
            whole = await speak(voice, f"{first} {rest}")
            onsets.append(onset_ms(vad, whole, rng))
            for kind, sound in (("whole", whole), ("cut", cut(whole, await speak(voice, f"{first},")))):
                heard = in_a_room(0.128, sound, 0.2, rng)
                wall, cpu = perf(), time.thread_time()
                kinds[kind].probabilities.append(model.end_probability(heard))
                walls.append((perf() - wall) * 1000)
                cpus.append((time.thread_time() - cpu) * 1000)
                text = "".join(u.text for u in whisper.transcribe(heard, 0.0))
                kinds[kind].broken_off.append(unfinished(text, "en"))
        print(f"{voice.name}, {len(onsets)} sentences")
        middle, most = statistics.median(onsets), np.quantile(onsets, 0.95)
        print(f"  onset to SpeechStart: median {middle:.0f} ms, 95% {most:.0f} ms, max {max(onsets):.0f} ms")
        for kind, counts in kinds.items():
            print(f"  {kind:5} {counts.line(threshold)}")
    print(
        f"Smart Turn: {statistics.median(walls):.0f} ms a call (95%: {np.quantile(walls, 0.95):.0f} ms), "
        f"CPU {statistics.median(cpus):.0f} ms, {len(walls)} calls"
    )
    await compute.close(1)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

"""Own speech on its way back through a made-up room, against other people's speech."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.app.live.echo import ECHO, echo_score
from runtime.messages import SAMPLE_RATE_HZ, Samples
from tests.perception.conftest import FIXTURES, Speak, decode

SENTENCES = (
    "The red bicycle was parked beside the old library in the morning. Anna said that the budget was forty "
    "thousand euros, and that nobody had asked her. I have seen a bottle on the table two minutes ago."
)
LONGEST_S = 0.4
REFERENCE = round((1.0 + LONGEST_S) * SAMPLE_RATE_HZ)


def level(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def pieces(speech: Samples) -> list[Samples]:
    """1.4 s each, with speech all through."""
    cut = [speech[i : i + REFERENCE] for i in range(0, len(speech) - REFERENCE, SAMPLE_RATE_HZ // 2)]
    quiet = 0.5 * level(speech)
    return [piece for piece in cut if min(level(half) for half in np.array_split(piece, 4)) > quiet]


@pytest.fixture(scope="module")
def speech(speak: Speak) -> list[list[Samples]]:
    """Pieces of two voices: a man's, and the agent's own."""
    voices = [decode(FIXTURES / "jfk.flac"), speak(SENTENCES)]
    cut = [pieces(voice / np.float32(level(voice) * 20)) for voice in voices]
    assert all(len(voice) >= 4 for voice in cut)
    return cut


def room(sent: Samples, delay_s: float, rng: np.random.Generator) -> Samples:
    """The last second as a microphone gets it: late, quiet, bent by a small loudspeaker, with reverberation
    (RT60 0.15 to 0.6 s) as loud as the direct sound, and noise 10 to 30 dB below.
    """
    t = np.arange(8000) / SAMPLE_RATE_HZ
    reverberation = rng.standard_normal(8000) * 10 ** (-3 * t / rng.uniform(0.15, 0.6))
    answer = reverberation / np.sqrt(np.sum(reverberation**2))
    answer[0] += 1
    size = 1 << 16
    bent = np.tanh(sent * 8)
    echo = np.fft.irfft(np.fft.rfft(bent, size) * np.fft.rfft(answer, size), size)
    late = np.pad(echo, (round(delay_s * SAMPLE_RATE_HZ), 0))[len(sent) - SAMPLE_RATE_HZ : len(sent)]
    late *= 10 ** (rng.uniform(-30, -6) / 20)
    return noisy(late, rng.uniform(10, 30), rng)


def noisy(samples: Samples, snr_db: float, rng: np.random.Generator) -> Samples:
    noise = rng.standard_normal(len(samples)) * level(samples) * 10 ** (-snr_db / 20)
    return (samples + noise).astype(np.float32)


@pytest.mark.parametrize("delay_s", [0.0, 0.06, 0.15, 0.25, 0.39])
def test_an_echo_is_known_for_one(speech: list[list[Samples]], delay_s: float) -> None:
    rng = np.random.default_rng(round(delay_s * 1000))
    scores = [echo_score(room(piece, delay_s, rng), piece) for voice in speech for piece in voice]
    assert min(scores) > ECHO + 0.05


def test_other_speech_is_none(speech: list[list[Samples]]) -> None:
    """Of another voice, and of the same one."""
    rng = np.random.default_rng(1)
    sent_and_heard = [(a, b) for a in speech[0] for b in speech[1]] + [
        (b, a) for a in speech[0] for b in speech[1]
    ]
    for voice in speech:
        sent_and_heard += [(voice[i], voice[i - 4]) for i in range(4, len(voice))]
    scores = [echo_score(noisy(heard[-16_000:], 20, rng), sent) for sent, heard in sent_and_heard]
    assert len(scores) > 30
    assert max(scores) < ECHO - 0.05


def test_somebody_who_speaks_over_the_echo_is_heard(speech: list[list[Samples]]) -> None:
    """6 dB louder."""
    rng = np.random.default_rng(2)
    scores = []
    for ours in speech[1]:
        for theirs in speech[0]:
            echo = room(ours, 0.12, rng)
            person = theirs[-16_000:] * (2 * level(echo) / level(theirs[-16_000:]))
            scores.append(echo_score(echo + person, ours))
    assert max(scores) < ECHO


def test_the_echo_of_what_was_sent_too_long_ago_is_not_looked_for(speech: list[list[Samples]]) -> None:
    piece = speech[0][0]
    heard = np.pad(piece, (4800, 0))[len(piece) - 16_000 : len(piece)]
    assert echo_score(heard, piece[-16_000 - 6400 :]) > 0.9
    assert echo_score(heard, piece[-16_000 - 1600 :]) < ECHO


def test_silence_on_either_side_is_no_echo(speech: list[list[Samples]]) -> None:
    piece = speech[0][0]
    assert echo_score(piece[-16_000:], np.zeros(REFERENCE, np.float32)) == 0
    assert echo_score(np.zeros(16_000, np.float32), piece) == 0


def test_speech_into_a_pause_of_ours_is_no_echo(speech: list[list[Samples]]) -> None:
    """Only the first tenth of the reference has sound, and all of what is heard."""
    ours = speech[1][0].copy()
    ours[2240:] = 0
    assert echo_score(speech[0][0][-16_000:], ours) < ECHO


@pytest.mark.parametrize(("heard", "sent"), [(16_000, 15_000), (4000, 16_000)])
def test_lengths_that_cannot_be_compared(heard: int, sent: int) -> None:
    with pytest.raises(ValueError, match="cannot compare"):
        echo_score(np.ones(heard, np.float32), np.ones(sent, np.float32))

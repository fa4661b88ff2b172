"""A short recording in memory, as samples."""

from __future__ import annotations

import io

import av
import numpy as np
from av.audio.resampler import AudioResampler

from runtime.errors import MediaError
from runtime.messages import SAMPLE_RATE_HZ, Samples


def decode_sound(data: bytes, longest_s: float) -> Samples:
    """Mono float32 at 16 kHz of anything that FFmpeg reads, at most the first longest_s. Blocking. Raises MediaError."""
    parts: list[Samples] = []
    left = round(longest_s * SAMPLE_RATE_HZ)
    resampler = AudioResampler("flt", "mono", SAMPLE_RATE_HZ)
    try:
        with av.open(io.BytesIO(data)) as container:
            if not container.streams.audio:
                raise MediaError("the recording has no sound")
            for frame in container.decode(audio=0):
                for out in resampler.resample(frame):
                    parts.append(np.asarray(out.to_ndarray()[0], np.float32))
                    left -= len(parts[-1])
                if left <= 0:
                    break
            parts += [np.asarray(out.to_ndarray()[0], np.float32) for out in resampler.resample(None)]
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(f"the recording cannot be read: {error}") from None
    return np.concatenate(parts)[: round(longest_s * SAMPLE_RATE_HZ)] if parts else np.zeros(0, np.float32)

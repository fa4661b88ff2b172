"""Make the demo clip and the test fixture from freely licensed footage and recordings (see CREDITS.md).

    python make_clip.py --data DIR --out harbour_day.mp4
    python make_clip.py --data DIR --out talk.mp4 --programme talk

DIR holds video/bottle-detection.mp4, video/one-by-one-person-detection.mp4, audio/jfk.flac and
audio/stereo_diarization.wav. Needs av, numpy and pillow, and the program espeak-ng for the narration.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

RATE_HZ = 44100
FPS = 15
BOTTLES = "video/bottle-detection.mp4"
PEOPLE = "video/one-by-one-person-detection.mp4"
JFK = "audio/jfk.flac"
READINGS = "audio/stereo_diarization.wav"


@dataclass(frozen=True)
class Sound:
    """Speech that starts `at_s` seconds into its scene: a cut of a recording, or a sentence for espeak-ng."""

    at_s: float
    path: str = ""
    say: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    channel: int | None = None  # None mixes all channels down


@dataclass(frozen=True)
class Footage:
    """Footage from `start_s` of a file with a caption; `crop` is left, top, right, bottom in fractions."""

    length_s: float
    path: str
    start_s: float
    caption: str = ""
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    sounds: tuple[Sound, ...] = ()


@dataclass(frozen=True)
class Slide:
    """A still card: one heading and a few lines below it."""

    length_s: float
    heading: str
    lines: tuple[str, ...]
    paper: tuple[int, int, int] = (247, 244, 236)
    scale: float = 1.0
    sounds: tuple[Sound, ...] = ()


@dataclass(frozen=True)
class Programme:
    width: int
    height: int
    crf: int
    audio_bps: int
    scenes: tuple[Footage | Slide, ...]


HARBOUR_DAY = Programme(
    640,
    360,
    crf=24,
    audio_bps=80_000,
    scenes=(
        Slide(
            5.5,
            "HARBOUR HALL",
            ("Open Day", "Saturday 14 June"),
            paper=(214, 228, 238),
            sounds=(Sound(0.5, say="Welcome to the open day at Harbour Hall."),),
        ),
        Footage(
            9.5,
            BOTTLES,
            2.0,
            "WATER TABLE   Free refills until 16:30",
            sounds=(Sound(0.6, say="Our first stop is the water table. A visitor takes the first bottle."),),
        ),
        Slide(
            8.0,
            "TIMETABLE",
            ("10:00  Guided tour", "11:30  Reading hour", "14:15  Archive recordings", "16:30  Doors close"),
            sounds=(Sound(0.6, say="Here is the timetable. Please write it down."),),
        ),
        Footage(
            10.0,
            PEOPLE,
            50.5,
            "READING HOUR   Room 4",
            sounds=(Sound(0.8, READINGS, channel=0), Sound(6.4, READINGS, channel=1, end_s=2.9)),
        ),
        Footage(
            12.5,
            PEOPLE,
            26.0,
            "ARCHIVE   Inaugural address, 1961",
            crop=(0.28, 0.0, 0.88, 0.6),
            sounds=(Sound(0.7, JFK),),
        ),
        Slide(
            7.5,
            "SUPPLY ORDER 2087",
            ("Paper cups: 250", "Folding chairs: 36", "Deliver to Gate C by Friday"),
            paper=(252, 240, 200),
            sounds=(Sound(0.6, say="This is the supply order for next week."),),
        ),
        Footage(
            9.0,
            BOTTLES,
            15.0,
            "STOREROOM   Gate C",
            crop=(0.0, 0.12, 0.88, 1.0),
            sounds=(
                Sound(0.6, say="In the storeroom, two bottles leave the shelf. Thank you for watching."),
            ),
        ),
    ),
)

TALK = Programme(
    320,
    180,
    crf=26,
    audio_bps=64_000,
    scenes=(
        Footage(6.0, PEOPLE, 26.0, sounds=(Sound(0.2, JFK, start_s=5.2, end_s=10.9),)),
        Slide(4.0, "ROOM 4", ("Bus 27 at 09:40",), scale=1.5),
        Footage(2.4, BOTTLES, 15.0),
    ),
)

PROGRAMMES = {"harbour_day": HARBOUR_DAY, "talk": TALK}


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the demo clip.")
    parser.add_argument("--data", type=Path, required=True, help="the folder with video/ and audio/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--programme", choices=sorted(PROGRAMMES), default="harbour_day")
    args = parser.parse_args()
    programme = PROGRAMMES[args.programme]
    paths = [s.path for s in programme.scenes if isinstance(s, Footage)]
    paths += [sound.path for scene in programme.scenes for sound in scene.sounds if sound.path]
    missing = sorted({path for path in paths if not (args.data / path).is_file()})
    if missing:
        print(f"not found under {args.data}: {', '.join(missing)}", file=sys.stderr)
        return 1
    write(programme, args.data, args.out)
    return 0


def write(programme: Programme, data: Path, out: Path) -> None:
    """Encode the programme as H.264 and AAC, with a key frame at every cut."""
    sound = soundtrack(programme, data)
    with av.open(str(out), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream(
            "libx264", rate=FPS, options={"crf": str(programme.crf), "preset": "slow"}
        )
        video.width, video.height, video.pix_fmt = programme.width, programme.height, "yuv420p"
        video.time_base = Fraction(1, FPS)
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        audio.bit_rate = programme.audio_bps

        fed = number = 0
        for scene in programme.scenes:
            for first, image in enumerate(pictures(scene, programme, data)):
                frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                if first == 0:
                    frame.pict_type = av.video.frame.PictureType.I
                container.mux(video.encode(frame))
                number += 1
                due = min(len(sound), number * RATE_HZ // FPS)
                container.mux(audio.encode(audio_frame(sound[fed:due], fed)))
                fed = due
        container.mux(video.encode())
        container.mux(audio.encode())


def audio_frame(samples: np.ndarray, pts: int) -> av.AudioFrame:
    """Wrap float32 mono samples, shape [n]."""
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, pts, Fraction(1, RATE_HZ)
    return frame


def pictures(scene: Footage | Slide, programme: Programme, data: Path) -> Iterator[Image.Image]:
    """Yield the scene's frames as RGB images of the programme's size, FPS of them a second."""
    size = (programme.width, programme.height)
    count = round(scene.length_s * FPS)
    if isinstance(scene, Slide):
        card = draw_slide(scene, size)
        for _ in range(count):
            yield card
        return
    shots = footage(data / scene.path, scene.start_s)
    when, image = next(shots)
    coming = next(shots, None)
    for index in range(count):
        while coming is not None and coming[0] <= scene.start_s + index / FPS:
            (when, image), coming = coming, next(shots, None)
        if coming is None:
            raise SystemExit(f"{scene.path} ends at {when:.1f} s, before the scene does")
        shown = fit(image, scene.crop, size)
        if scene.caption:
            draw_caption(shown, scene.caption)
        yield shown


def footage(path: Path, start_s: float) -> Iterator[tuple[float, Image.Image]]:
    """Yield (seconds, image) of a file's frames from the last one at or before `start_s`."""
    with av.open(str(path)) as container:
        held: tuple[float, Image.Image] | None = None
        for frame in container.decode(video=0):
            if frame.time is None:
                continue
            if frame.time > start_s and held is not None:
                yield held
                held = None
            if frame.time > start_s:
                yield frame.time, frame.to_image()
            else:
                held = (frame.time, frame.to_image())
        if held is not None:
            yield held


def fit(image: Image.Image, crop: tuple[float, float, float, float], size: tuple[int, int]) -> Image.Image:
    width, height = image.size
    box = (crop[0] * width, crop[1] * height, crop[2] * width, crop[3] * height)
    return image.resize(size, Image.Resampling.LANCZOS, box=box)


def draw_caption(image: Image.Image, text: str) -> None:
    """Lay a dark lower-third band with white text over the image."""
    draw = ImageDraw.Draw(image)
    width, height = image.size
    draw.rectangle((0, height * 0.83, width, height * 0.95), fill=(18, 32, 56))
    where = (width * 0.04, height * 0.89)
    draw.text(where, text, fill=(255, 255, 255), anchor="lm", font=font(height * 0.07))


def draw_slide(slide: Slide, size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, slide.paper)
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rectangle((0, 0, width * 0.02, height), fill=(24, 60, 108))
    unit = height * slide.scale
    where = (width * 0.08, unit * 0.2)
    draw.text(where, slide.heading, fill=(24, 60, 108), anchor="lm", font=font(unit * 0.13))
    for row, line in enumerate(slide.lines):
        where = (width * 0.08, unit * (0.42 + 0.15 * row))
        draw.text(where, line, fill=(24, 24, 24), anchor="lm", font=font(unit * 0.092))
    return image


def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that the clip does not depend on the fonts of the machine."""
    return ImageFont.load_default(size)


def soundtrack(programme: Programme, data: Path) -> np.ndarray:
    """Mix all speech into one mono track, float32 [samples] at RATE_HZ, each piece at the same loudness."""
    total_s = sum(scene.length_s for scene in programme.scenes)
    track = np.zeros(round(total_s * RATE_HZ), np.float32)
    scene_s = 0.0
    for scene in programme.scenes:
        for sound in scene.sounds:
            samples = speech(sound, data)
            begin = round((scene_s + sound.at_s) * RATE_HZ)
            if begin + len(samples) > round((scene_s + scene.length_s) * RATE_HZ):
                raise SystemExit(f"{sound.say or sound.path} runs past its scene at {scene_s:.1f} s")
            track[begin : begin + len(samples)] += samples
        scene_s += scene.length_s
    return track


def speech(sound: Sound, data: Path) -> np.ndarray:
    if sound.say:
        with tempfile.TemporaryDirectory() as folder:
            spoken = Path(folder) / "say.wav"
            speak = ["espeak-ng", "-v", "en-us", "-s", "148", "-w", str(spoken), sound.say]
            subprocess.run(speak, check=True)
            samples = decode_sound(spoken, None)
    else:
        samples = decode_sound(data / sound.path, sound.channel)
    end = None if sound.end_s is None else round(sound.end_s * RATE_HZ)
    samples = samples[round(sound.start_s * RATE_HZ) : end].copy()
    ramp = np.linspace(0, 1, RATE_HZ // 50, dtype=np.float32)  # 20 ms, so that a cut does not click
    samples[: len(ramp)] *= ramp
    samples[-len(ramp) :] *= ramp[::-1]
    samples *= 0.08 / float(np.sqrt(np.mean(samples**2)))
    return np.clip(samples, -0.95, 0.95)


def decode_sound(path: Path, channel: int | None) -> np.ndarray:
    """Decode to float32 [samples] at RATE_HZ; `channel` picks one, None averages them."""
    resampler = av.AudioResampler(format="fltp", rate=RATE_HZ)
    parts = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            parts += [out.to_ndarray() for out in resampler.resample(frame)]
    parts += [out.to_ndarray() for out in resampler.resample(None)]
    samples = np.concatenate(parts, axis=1)
    return samples.mean(axis=0) if channel is None else samples[channel]


if __name__ == "__main__":
    sys.exit(main())

"""The live page in a tab: a person's hands, a microphone that a test speaks into, ears that hear what comes out."""

from __future__ import annotations

import base64
import io
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np

from runtime.messages import SAMPLE_RATE_HZ, Samples
from tests.app.live.chromium import Chromium, Tab
from tests.perception.media import slide

# In the place of the microphone: silence, and what a test says into it. The camera stays Chromium's.
MICROPHONE = """
window.microphone = {
  async open() {
    if (!this.context) {
      this.context = new AudioContext();
      this.out = this.context.createMediaStreamDestination();
      const quiet = new ConstantSourceNode(this.context, { offset: 1e-6 }); // without any source nothing is sent
      quiet.connect(this.out);
      quiet.start();
    }
    return this.out.stream.getAudioTracks()[0].clone();
  },
  async say(wav) {
    const bytes = Uint8Array.from(atob(wav), (character) => character.charCodeAt(0));
    const source = this.context.createBufferSource();
    source.buffer = await this.context.decodeAudioData(bytes.buffer);
    source.connect(this.out);
    source.start();
    await new Promise((resolve) => (source.onended = resolve));
  },
};
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
  const tracks = video ? (await real({ video })).getTracks() : [];
  return new MediaStream(audio ? [...tracks, await microphone.open()] : tracks);
};
"""

# What comes out of the loudspeaker, at 16 kHz.
EARS = """
window.ears = {
  heard: [],
  async open() {
    const context = new AudioContext({ sampleRate: 16000 });
    const recorder = context.createScriptProcessor(1024, 1, 1);
    recorder.onaudioprocess = ({ inputBuffer }) => this.heard.push(inputBuffer.getChannelData(0).slice());
    context.createMediaStreamSource(document.getElementById('sound').srcObject).connect(recorder);
    recorder.connect(context.destination);
  },
  take() {
    const whole = new Float32Array(this.heard.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of this.heard.splice(0)) {
      whole.set(part, at);
      at += part.length;
    }
    const bytes = new Uint8Array(whole.buffer);
    let text = '';
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
  },
};
"""


_FOCUS = """(() => {
  const { activeElement: e } = document;
  return { element: e === document.body ? 'body' : e.id || e.name, outline: getComputedStyle(e).outlineStyle !== 'none' };
})()"""


class LivePage:
    """One person with the page open."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    @classmethod
    async def open(cls, browser: Chromium, address: str, *, microphone: bool = False) -> LivePage:
        """microphone: the one that `say` speaks into, in the place of Chromium's."""
        return cls(await browser.open(address, EARS + (MICROPHONE if microphone else "")))

    async def start(self, source: str = "camera") -> None:
        """Presses Start, and waits until the session is there."""
        hellos = await self.count("hello")
        await self.tab.evaluate(f"document.querySelector('[name=source][value={source}]').click()")
        await self.tab.evaluate("document.getElementById('start-button').click()")
        await self.tab.until(
            f"{_events('hello')}.length > {hellos} && !document.getElementById('live').hidden"
        )

    async def tab_to(self, element: str) -> None:
        """Presses Tab until an element has the focus, which is to be seen wherever it is."""
        for _ in range(40):
            await self.tab.press("Tab")
            focus = await self.tab.evaluate(_FOCUS)
            assert focus["outline"] or focus["element"] == "body", focus
            if focus["element"] == element:
                return
        raise AssertionError(f"{element} cannot be reached with the keyboard")

    async def focused(self) -> str:
        """The id, else the name, of what has the focus."""
        element: str = (await self.tab.evaluate(_FOCUS))["element"]
        return element

    async def ask(self, text: str) -> None:
        """Types a question."""
        await self.tab.evaluate(
            f"document.getElementById('question').value = {text!r}; document.getElementById('ask').requestSubmit()"
        )

    async def finds(self, text: str) -> None:
        """Searches the memory until something is found: what was just heard is on its way there."""
        search = f"document.getElementById('search-text').value = {text!r}; document.getElementById('search').requestSubmit()"
        found = 0
        while not found:
            replies = await self.count("search")
            await self.tab.evaluate(search)
            found = len((await self.wait("search", replies + 1))["hits"])

    async def say(self, sound: Samples) -> None:
        """Speaks into the microphone, to the end."""
        await self.tab.evaluate(f"microphone.say('{base64.b64encode(wav(sound)).decode()}')")

    async def events(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.tab.evaluate(_events(kind))
        return found

    async def count(self, kind: str) -> int:
        return len(await self.events(kind))

    async def wait(self, kind: str, count: int = 1, where: str = "true") -> dict[str, Any]:
        """The count-th event of a kind for which an expression on `e` is true."""
        found = f"{_events(kind)}.filter((e) => {where})"
        event: dict[str, Any] = await self.tab.until(f"{found}[{count - 1}]")
        return event

    async def listen(self) -> None:
        """From now on what the agent says is kept."""
        await self.tab.evaluate("ears.open()")

    async def heard(self) -> Samples:
        """What came out of the loudspeaker since the last call."""
        return np.frombuffer(base64.b64decode(await self.tab.evaluate("ears.take()")), "<f4")

    async def answers(self) -> list[str]:
        """What stands in the conversation as answers."""
        script = "[...document.querySelectorAll('#log .answer .words')].map((e) => e.innerText)"
        texts: list[str] = await self.tab.evaluate(script)
        return texts


def _events(kind: str) -> str:
    return f"events.filter((e) => e.type === '{kind}')"


def wav(sound: Samples) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def timed(*parts: tuple[float, Samples]) -> Samples:
    """Sounds, each from its second on."""
    end = max(round(at_s * SAMPLE_RATE_HZ) + len(sound) for at_s, sound in parts)
    whole = np.zeros(end, np.float32)
    for at_s, sound in parts:
        start = round(at_s * SAMPLE_RATE_HZ)
        whole[start : start + len(sound)] += sound
    return whole


def write_y4m(path: Path, *slides: tuple[float, tuple[str, ...]], rate: int = 5) -> Path:
    """Slides, each for so many seconds: what Chromium takes as a camera."""
    with av.open(str(path), "w", format="yuv4mpegpipe") as out:
        stream: Any = out.add_stream("wrapped_avframe", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        number = 0
        for length_s, lines in slides:
            for _ in range(round(length_s * rate)):
                frame = av.VideoFrame.from_ndarray(slide(lines), format="rgb24").reformat(format="yuv420p")
                frame.pts = number
                number += 1
                out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path

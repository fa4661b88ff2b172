"""The browser's side of a session, made of aiortc: several of them in one process, over links as bad as a test wants."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import av
import numpy as np
import pytest
from aiortc import RTCIceTransport, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import is_rtcp
from numpy.typing import NDArray

from runtime.clock import SystemClock
from runtime.messages import SAMPLE_RATE_HZ, Samples
from runtime.session import cancel_and_wait

DEADLINE_S = 120.0

_LOST = frozenset({1, 6, 11, 18})
_PERIOD = 20


class Page:
    """One session's page."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        self._http, self._address = http, address
        self.messages: list[dict[str, Any]] = []
        self.session = self.secret = ""
        self._arrived = asyncio.Event()
        self._hearing: asyncio.Task[None] | None = None
        self.heard: list[Samples] = []
        self.peer: RTCPeerConnection | None = None

    async def connect(
        self,
        media: Path | None = None,
        sound: MediaStreamTrack | None = None,
        video: MediaStreamTrack | None = None,
    ) -> None:
        """With a film, with a sound or pictures, or with nothing to see and hear."""
        self.peer = peer = RTCPeerConnection()
        self._channel = channel = peer.createDataChannel("events")

        @channel.on("message")  # type: ignore[untyped-decorator]
        def arrived(data: str) -> None:
            self.messages.append(json.loads(data))
            self._arrived.set()

        @peer.on("track")  # type: ignore[untyped-decorator]
        def heard(track: MediaStreamTrack) -> None:
            self._hearing = asyncio.create_task(self._hear(track), name="page hears")

        if media is None:
            peer.addTransceiver(sound or "audio", "sendrecv")
            peer.addTransceiver(video or "video", "sendonly")
        else:
            self._player = MediaPlayer(str(media))
            peer.addTrack(self._player.audio)
            peer.addTrack(self._player.video)
        await peer.setLocalDescription(await peer.createOffer())
        offer = {"sdp": peer.localDescription.sdp, "type": "offer"}
        if self.session:
            offer |= {"session": self.session, "secret": self.secret}
        async with self._http.post(f"{self._address}api/offer", json=offer) as response:
            assert response.status == 200, await response.text()
            reply = await response.json()
        self.session, self.secret = reply["session"], reply["secret"]
        await peer.setRemoteDescription(RTCSessionDescription(reply["sdp"], reply["type"]))

    async def _hear(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                self.heard.append((await track.recv()).to_ndarray()[0] / np.float32(32768))
        except MediaStreamError:
            return

    def send(self, **message: Any) -> None:
        self._channel.send(json.dumps({"v": 1, **message}))

    async def wait(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The count-th message of a kind, from the beginning."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = [m for m in self.messages if m["type"] == kind]
                if len(found) >= count:
                    return found[count - 1]
                self._arrived.clear()
                await self._arrived.wait()

    async def enters(self, state: str) -> None:
        """Waits until the session is in a state."""
        async with asyncio.timeout(DEADLINE_S):
            while [m["state"] for m in self.messages if m["type"] == "state"][-1:] != [state]:
                self._arrived.clear()
                await self._arrived.wait()

    async def search(self, text: str) -> list[dict[str, Any]]:
        """Until something is found: what was just heard is on its way into the memory."""
        async with asyncio.timeout(DEADLINE_S):
            for number in itertools.count(1):
                self.send(type="search", request=number, text=text)
                while not (reply := [m for m in self.messages if m.get("request") == number]):
                    await self.wait("search", sum(m["type"] == "search" for m in self.messages) + 1)
                hits: list[dict[str, Any]] = reply[0]["hits"]
                if hits:
                    return hits
        raise AssertionError

    async def hold(self) -> None:
        """Asks for the session to be kept, however long it takes to come back."""
        body = {"session": self.session, "secret": self.secret}
        async with self._http.post(f"{self._address}api/hold", json=body) as response:
            assert response.status == 204, await response.text()

    async def close(self) -> None:
        if self.peer is not None:
            await self.peer.close()
            self.peer = None
        if self._hearing is not None:
            await cancel_and_wait(self._hearing, 1.0)


@asynccontextmanager
async def page_of(address: str) -> AsyncIterator[Page]:
    async with aiohttp.ClientSession() as http:
        page = Page(http, address)
        try:
            yield page
        finally:
            await page.close()


class Mouth(MediaStreamTrack):
    """A microphone: silence, and what is said, 16 kHz in frames of 20 ms."""

    kind = "audio"

    def __init__(self, first: Samples | None = None) -> None:
        """first: what is said as soon as somebody listens."""
        super().__init__()
        self._clock = SystemClock()
        self._start_s: float | None = None
        self._count = 0
        self._said = asyncio.Event()
        self._waiting: deque[NDArray[np.int16]] = deque()
        if first is not None:
            self._take(first)

    async def say(self, sound: Samples) -> None:
        """To the end."""
        self._said.clear()
        self._take(sound)
        await self._said.wait()

    async def recv(self) -> av.AudioFrame:
        if self._start_s is None:
            self._start_s = self._clock.now()
        await self._clock.sleep(max(0.0, self._start_s + self._count / 50 - self._clock.now()))
        pcm = np.zeros(320, np.int16)
        if self._waiting:
            part = self._waiting.popleft()
            pcm[: len(part)] = part
        else:
            self._said.set()
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = SAMPLE_RATE_HZ, Fraction(1, SAMPLE_RATE_HZ)
        frame.pts = self._count * 320
        self._count += 1
        return frame

    def _take(self, sound: Samples) -> None:
        pcm = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
        self._waiting.extend(pcm[i : i + 320] for i in range(0, len(pcm), 320))


def lose_packets(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """From now on each end of every connection loses one packet of five that it sends, always the same ones of each
    kind. The handshake of ICE goes through. Returns how many were lost, by kind.
    """
    lost: Counter[str] = Counter()
    begin = RTCIceTransport.__init__

    def lossy(send: Callable[[bytes], Awaitable[None]]) -> Callable[[bytes], Awaitable[None]]:
        sent: Counter[str] = Counter()

        async def send_some(data: bytes) -> None:
            kind = "data" if data[0] < 64 else "reports" if is_rtcp(data) else "sound"
            sent[kind] += 1
            if sent[kind] % _PERIOD in _LOST:
                lost[kind] += 1
            else:
                await send(data)

        return send_some

    def init(self: Any, *args: Any) -> None:
        begin(self, *args)
        self._send = lossy(self._send)

    monkeypatch.setattr(RTCIceTransport, "__init__", init)
    return lost

"""A session and the connection it has at the moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription

from perception.sources.webrtc import AudioTrackReader, VideoTrackReader, without_jitter_buffer
from runtime.app.live.parts import Parts
from runtime.app.live.session import LiveSession
from runtime.session import cancel_and_wait

log = logging.getLogger(__name__)

_CLOSE_S = 5.0
_MOST_MESSAGES = 32


class Place:
    """Connections come and go, one at a time; the session stays."""

    def __init__(self, session: LiveSession, parts: Parts) -> None:
        self.session = session
        self._parts = parts
        self._settings = parts.live
        self._running: asyncio.Task[None] | None = None
        self._gone_since_s: float | None = parts.clock.now()
        self._left = False
        self._held = False
        self._connecting = asyncio.Lock()
        self._closed = False
        self._peer: RTCPeerConnection | None = None
        self._readers: set[asyncio.Task[None]] = set()
        self._takers: set[asyncio.Task[None]] = set()
        self._seen = (parts.clock.now(), 0)

    def begin(self) -> None:
        self._running = asyncio.create_task(self.session.run(), name=f"session {self.session.id}")

    async def connect(self, sdp: str, resumed: bool) -> RTCSessionDescription:
        """Answers an offer; the connection before it is over. Raises what aiortc raises, which is anything."""
        async with self._connecting:
            if self._closed:
                raise ConnectionError("the session has ended")
            self._gone(left=False)
            await self._disconnect()
            servers = [RTCIceServer(**s.model_dump(exclude_none=True)) for s in self._settings.ice_servers]
            peer = self._peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
            self._listen(peer, resumed)
            await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            for transceiver in peer.getTransceivers():
                if transceiver.kind == "audio":
                    transceiver.direction = "sendrecv"
                    transceiver.sender.replaceTrack(self.session.speaker.line())
                    without_jitter_buffer(transceiver.receiver)
                    break
            await peer.setLocalDescription(await peer.createAnswer())
            self._gone(left=False)
            return peer.localDescription

    def hold(self) -> None:
        """The page that has closed its connection will come back."""
        self._held = True

    def why_over(self) -> str | None:
        """Why the session is to be ended now, "" where there is nobody to tell; None while it is not."""
        now_s = self._parts.clock.now()
        if self._gone_since_s is not None and now_s - self._gone_since_s > self._patience_s():
            return ""
        if now_s - self.session.last_active_s > self._settings.idle_minutes * 60:
            return "nothing has happened for a while"
        if self._running is not None and self._running.done():
            return "the session has failed"
        return None

    def fps(self) -> float:
        """Frames looked at, a second, since the last call."""
        then_s, before = self._seen
        self._seen = (self._parts.clock.now(), self.session.video.items)
        passed_s = self._seen[0] - then_s
        return round((self._seen[1] - before) / passed_s, 1) if passed_s > 0 else 0.0

    async def close(self) -> None:
        self._closed = True
        async with self._connecting:
            await self._disconnect()
        await self.session.close()
        if self._running is not None:
            await cancel_and_wait(self._running, _CLOSE_S)

    def _patience_s(self) -> float:
        return self._settings.leave_s if self._left and not self._held else self._settings.reconnect_s

    def _gone(self, left: bool) -> None:
        """left: the page has closed the connection itself. A network that is gone does not say so."""
        self._gone_since_s, self._left, self._held = self._parts.clock.now(), left, self._held and left

    def _listen(self, peer: RTCPeerConnection, resumed: bool) -> None:
        session, clock, settings = self.session, self._parts.clock, self._settings

        @peer.on("track")
        def on_track(track: Any) -> None:
            if track.kind == "audio":
                sound = AudioTrackReader(track, clock, zero_s=session.zero_s)
                self._start(self._readers, sound.run(session.audio), "sound")
            else:
                reader = VideoTrackReader(
                    track,
                    clock,
                    self._parts.compute,
                    zero_s=session.zero_s,
                    max_fps=settings.max_fps,
                    max_side=settings.max_side,
                )
                self._start(self._readers, reader.run(session.video), "pictures")

        @peer.on("datachannel")
        def on_channel(channel: Any) -> None:
            def send(text: str) -> None:
                if channel.readyState == "open":
                    channel.send(text)

            def on_message(data: str | bytes) -> None:
                if len(self._takers) < _MOST_MESSAGES:
                    self._start(self._takers, session.take(data), "message")
                else:
                    session.show("error", text="too many messages at once")

            channel.on("message", on_message)
            if peer is self._peer:
                session.attach(send, resumed)

        @peer.on("connectionstatechange")
        def on_state() -> None:
            if peer is not self._peer:
                return
            if peer.connectionState == "connected":
                self._gone_since_s = None
            elif peer.connectionState in {"failed", "closed", "disconnected"}:
                self._gone(left=peer.connectionState == "closed")
                session.detach()

    def _start(self, tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None], what: str) -> None:
        task = asyncio.create_task(work, name=f"{what} of {self.session.id}")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _disconnect(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            self.session.detach()
            await peer.close()
        for task in [*self._readers, *self._takers]:
            await cancel_and_wait(task, 1.0)

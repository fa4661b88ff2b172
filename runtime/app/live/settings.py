"""Settings of the live mode."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runtime.config import Settings


class IceServer(BaseModel):
    """A STUN or TURN server, as the browser's RTCPeerConnection takes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    urls: str | tuple[str, ...]
    username: str | None = None
    credential: str | None = Field(default=None, repr=False)


class LiveSettings(Settings):
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    """0 takes a free one."""
    token: str = Field(default="", repr=False)
    """What a page must know. Empty: none is asked for on loopback; beyond it one is made and printed."""
    certificate: Path | None = None
    key: Path | None = None
    """PEM files for https, which browsers demand for a camera beyond localhost."""
    ice_servers: tuple[IceServer, ...] = ()
    sessions: int = Field(default=4, ge=1, le=1000)
    """At the same time; one more is told that it is full."""
    reconnect_s: float = Field(default=30.0, gt=0)
    """How long a session waits for a page that has vanished, or has said that it will come back."""
    leave_s: float = Field(default=2.0, gt=0)
    """How long it waits for one that has closed its connection: by then a page that is loaded again has said so."""
    idle_minutes: float = Field(default=30.0, gt=0)
    """A session in which nobody speaks, asks or moves ends after that."""
    max_fps: float = Field(default=2.0, gt=0, le=30)
    max_side: int = Field(default=1280, ge=160, le=4096)
    """Frames that are looked at, a second, and their longer side in pixels."""
    chapter_s: float = Field(default=10.0, ge=2)
    """How much of what was seen is committed to memory at a time."""
    caption_every_s: float = Field(default=15.0, gt=0)
    """How often a vision-language engine is asked what is seen, at most: when nobody asks, and the scene is new."""
    offers_per_minute: int = Field(default=60, ge=1)
    record: Path | None = None
    """A folder in which each session's sound, pictures and events are kept, for `hearsight replay`."""

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("live.certificate and live.key go together")
        return self

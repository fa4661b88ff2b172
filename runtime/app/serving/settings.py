"""Settings of the server for other programs."""

from __future__ import annotations

from pydantic import Field

from runtime.config import Settings


class ServeSettings(Settings):
    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    """0 takes a free one."""
    token: str = Field(default="", repr=False)
    """What a client must send. Empty: none is asked for on loopback; beyond it one is made and printed."""
    max_body_bytes: int = Field(default=1_000_000, ge=1000)
    """Of one request."""

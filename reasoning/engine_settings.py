"""Settings of the language model's server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from runtime.config import Settings


class EngineSettings(Settings):
    mode: Literal["managed", "remote", "off"] = "managed"
    """managed: Hearsight runs vLLM. remote: an OpenAI-compatible server at `url`. off: evidence only."""

    model: str = "auto"
    """Managed: auto, a name of configs/models.toml, or a folder. Remote: the server's name of the model."""
    vision: bool | None = None
    """The model takes images. None: managed finds out, remote takes none."""
    reader: bool = True
    """Managed, auto, no GPU: the model that reads (qwen2.5-coder-1.5b) is taken where its weights are here."""
    weak: bool | None = None
    """Small (below a billion parameters): used to word an answer, not to reason. None: managed finds out."""

    url: str = ""
    """Remote: where the API is, for example http://10.0.0.5:8000/v1."""
    api_key_env: str = "HEARSIGHT_ENGINE_KEY"
    """Remote: the environment variable that holds the key."""
    api_key_file: Path | None = None
    """Remote: a file that holds the key; it wins over the variable."""

    device: Literal["auto", "cpu", "gpu"] = "auto"
    context_tokens: int | None = Field(None, ge=512)
    """Longest prompt and answer together. None: 4096 without a GPU, 16384 with one (and for remote)."""
    threads: int | None = Field(None, ge=1)
    """CPU threads of the model. None: all cores, at most 16."""
    images: int = Field(16, ge=0, le=64)
    """Most images in one question."""
    extra_args: tuple[str, ...] = ()
    """Further options of vLLM, as on its command line."""
    idle_minutes: float = Field(15.0, gt=0)
    """The server stops after that long without a question."""
    start_timeout_s: float = Field(600.0, gt=0)
    max_restarts: int = Field(3, ge=0)
    """How often in a row a server that dies is started again."""

    connect_timeout_s: float = Field(5.0, gt=0)
    first_token_timeout_s: float = Field(30.0, gt=0)
    answer_timeout_s: float = Field(90.0, gt=0)

    @model_validator(mode="after")
    def _remote_is_whole(self) -> Self:
        if self.mode == "remote" and not self.url:
            raise ValueError("engine.mode is remote, but engine.url is empty")
        if self.mode == "remote" and self.model == "auto":
            raise ValueError("engine.mode is remote: engine.model must name the model")
        if self.url and not _is_web_address(self.url):
            raise ValueError(f"engine.url {self.url} is no address like http://10.0.0.5:8000/v1")
        return self


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False

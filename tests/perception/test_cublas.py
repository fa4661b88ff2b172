"""A GPU that Whisper cannot compute on."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from perception.audio import cublas, transcriber
from perception.audio.cublas import cublas_obstacle
from perception.audio.settings import TranscriberSettings
from perception.audio.transcriber import WhisperTranscriber
from runtime.errors import ModelError


class Loaded:
    """Stands for faster-whisper's model, where there is no GPU to load one on."""

    supported_languages = ("en",)

    def __init__(self, _: str, device: str, **__: Any) -> None:
        self.device = device

    def feature_extractor(self, samples: Any) -> Any:
        return samples.reshape(1, -1)

    def encode(self, _: Any) -> None:
        if self.device == "cuda":
            raise RuntimeError("CUDA failed with error out of memory")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model on a machine with one GPU."""
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).touch()
    monkeypatch.setattr(transcriber, "WhisperModel", Loaded)
    monkeypatch.setattr(transcriber, "gpu_count", lambda: 1)
    monkeypatch.setattr(transcriber, "cublas_obstacle", lambda: None)
    monkeypatch.setattr(transcriber, "_compute_types", lambda _: ["float16", "int8"])
    return tmp_path


def test_what_fails_at_the_first_computation_goes_to_the_cpu(folder: Path) -> None:
    said: list[str] = []
    assert WhisperTranscriber(folder, report=said.append).name == f"{folder.name}/int8"
    assert len(said) == 1 and said[0].startswith("hearing: on the CPU") and "out of memory" in said[0]


def test_without_cublas_it_is_the_cpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcriber, "cublas_obstacle", lambda: "cuBLAS 12 is not here")
    said: list[str] = []
    WhisperTranscriber(folder, report=said.append)
    assert "cuBLAS 12 is not here" in said[0]


def test_who_wants_the_gpu_is_told(folder: Path) -> None:
    with pytest.raises(ModelError, match="out of memory"):
        WhisperTranscriber(folder, TranscriberSettings(device="cuda"))


def test_a_gpu_that_works(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loaded, "encode", lambda *_: None)
    assert WhisperTranscriber(folder).name == f"{folder.name}/float16"


def test_cublas_is_taken_from_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Package:
        def locate_file(self, name: str) -> Path:
            return tmp_path / name

    loaded: list[str] = []
    monkeypatch.setattr(cublas, "distribution", lambda _: Package())
    monkeypatch.setattr(cublas.ctypes, "CDLL", lambda name, mode: loaded.append(name))
    assert cublas_obstacle() is None
    lib = tmp_path / "nvidia" / "cublas" / "lib"
    assert loaded == [str(lib / "libcublasLt.so.12"), str(lib / "libcublas.so.12")]


def test_where_it_is_nowhere_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(_: str) -> None:
        raise PackageNotFoundError

    monkeypatch.setattr(cublas, "distribution", not_installed)
    monkeypatch.setattr(cublas, "_LIBRARIES", ("libno-such-cublas.so.12",))
    said = cublas_obstacle()
    assert said is not None and "hearsight[gpu]" in said and "\n" not in said

"""Which encoder a memory gets, keeps, and is asked with: the command itself, on a film that the test makes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import constants

from memory import Store
from perception.settings import VisionSettings
from perception.vision.clip import OpenClipEncoder, clip_weights
from perception.vision.imagenet import ImageNetEncoder
from runtime.app import vision
from runtime.app.cli import main
from runtime.app.vision import CATALOGUED, HUB_PATIENCE_S, VisionModels, vision_outlook
from runtime.compute import Compute
from runtime.errors import ModelError
from runtime.models import VisionEncoder
from runtime.weights import Registry
from tests.conftest import Run, require
from tests.memory.world import HashEncoder
from tests.perception import tiny_clip
from tests.perception.media import slide, write_media

NEEDED = ("minilm", "efficientnet-lite2", "en-core-web-sm", "wordnet")
QUESTION = "When was the red picture shown?"
DEFAULTS = VisionSettings()
DEFAULT_PAIR = "open_clip/ViT-B-32:laion2b_s34b_b79k"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's weights, without what the tests add to them; and no cache of the hub."""
    registry = Registry.load()
    here = {s.spec.name: s.where for s in registry.status() if s.origin == "cache"}
    require(here.keys() >= set(NEEDED), "the default weights are not here: hearsight models pull")
    folder = tmp_path_factory.mktemp("cache")
    (folder / "models").mkdir()
    for name, where in here.items():
        assert where is not None
        (folder / "models" / name).symlink_to(where, target_is_directory=True)
    monkeypatch.setenv("HEARSIGHT_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    tiny_clip.make(folder)
    return folder


def film(path: Path, hue: int) -> Path:
    """Twelve seconds without sound: a slide, then noise of one colour channel."""
    noise = np.random.default_rng(hue).integers(0, 120, (180, 320, 3), dtype=np.uint8)
    noise[..., hue % 3] += 120
    title = slide([f"Part {hue}"], (320, 180))
    return write_media(path, [(i / 4, title if i < 20 else noise) for i in range(48)])


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("films")
    return film(folder / "a.mp4", 0), film(folder / "b.mp4", 1)


class Hearsight:
    """Runs the command in this process: importing torch takes seconds."""

    def __init__(self, memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.memory = memory
        self.capsys = capsys
        self.stdout, self.stderr = "", list[str]()

    def __call__(self, command: str, *args: str | Path, settings: tuple[str, ...] = ()) -> int:
        options = [part for setting in settings for part in ("--set", setting)]
        status = main([*options, command, *map(str, args), "--memory", str(self.memory)])
        out, err = self.capsys.readouterr()
        self.stdout, self.stderr = out, err.strip().splitlines()
        return status

    def ask(self, *settings: str) -> dict[str, Any]:
        assert self("ask", QUESTION, "--no-engine", "--json", settings=settings) == 0
        answer: dict[str, Any] = json.loads(self.stdout)
        return answer

    def looked(self) -> list[str]:
        """What the answer of `ask` shows as seen; empty when the pictures were not searched."""
        return [e["text"] for e in self.ask()["evidence"] if e["modality"] == "seen"]


@pytest.fixture
def hearsight(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Hearsight:
    return Hearsight(tmp_path / "memory", capsys)


async def opened(memory: Path, read: Callable[[Store], Any]) -> Any:
    async with await Store.open(memory, read_only=True) as store:
        return await read(store)


def meta(memory: Path) -> dict[str, str]:
    async def read(store: Store) -> dict[str, str]:
        return store.meta

    found: dict[str, str] = asyncio.run(opened(memory, read))
    return found


def rows(memory: Path, table: str) -> list[dict[str, Any]]:
    async def read(store: Store) -> list[dict[str, Any]]:
        found = await store.rows(table)
        return [] if found is None else found.to_pylist()

    return asyncio.run(opened(memory, read))


def asks_with(memory: Path, settings: VisionSettings = DEFAULTS) -> tuple[VisionEncoder | None, list[str]]:
    """The encoder that a question would be asked with, and what was said about it."""
    said: list[str] = []

    async def read(store: Store) -> VisionEncoder | None:
        compute = Compute()
        try:
            return await VisionModels(settings, Registry.load(), compute, said.append).to_ask(store)
        finally:
            await compute.close(5)

    return asyncio.run(opened(memory, read)), said


@pytest.mark.slow
def test_a_memory_made_with_open_clip_is_asked_and_continued_with_it(
    hearsight: Hearsight, tiny: Path, films: tuple[Path, Path]
) -> None:
    own = clip_weights(str(tiny), "")
    assert hearsight("ingest", films[0], settings=(f"vision.model={tiny}",)) == 0
    assert f"vision: loading {own.name}" in hearsight.stderr
    assert meta(hearsight.memory)["vision_model"] == own.name
    clips = rows(hearsight.memory, "clips")
    assert {len(clip["vector"]) for clip in clips} == {tiny_clip.DIM}
    short = rows(hearsight.memory, "short_term")
    assert [s["clip"] for s in short] == [clip["id"] for clip in clips]
    assert all(s["shape"][1:] == [16, tiny_clip.DIM] and s["shape"][0] >= 2 for s in short)
    assert rows(hearsight.memory, "sources")[0]["vision_model"] == own.name

    # Without a word in the settings: its encoder is asked, and goes on.
    assert hearsight.looked()
    assert hearsight.stderr == []
    encoder, said = asks_with(hearsight.memory)
    assert isinstance(encoder, OpenClipEncoder)
    assert (encoder.name, said) == (own.name, [])
    assert hearsight("ingest", films[1], settings=("vision.encoder=imagenet",)) == 0
    assert f"vision: this memory was made with {own.name} and goes on with it" in hearsight.stderr
    assert {len(clip["vector"]) for clip in rows(hearsight.memory, "clips")} == {tiny_clip.DIM}
    assert len(rows(hearsight.memory, "sources")) == 2


@pytest.mark.slow
def test_when_its_encoder_is_gone_there_is_one_line(
    hearsight: Hearsight, tiny: Path, films: tuple[Path, Path], tmp_path: Path
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    shutil.copytree(tiny, before)
    assert hearsight("ingest", films[0], "--quiet", settings=(f"vision.model={before}",)) == 0
    assert hearsight.stderr == []
    before.rename(after)

    # What was said and read is still asked for.
    assert hearsight.looked() == []
    (line,) = hearsight.stderr
    for part in ("what was seen is not searched", str(before), "vision.model"):
        assert part in line
    # Nothing is added that could not be compared with what is there.
    assert hearsight("ingest", films[1], "--quiet") == 1
    (line,) = hearsight.stderr
    assert "was made with the encoder open_clip/own-" in line
    assert str(before) in line
    assert len(rows(hearsight.memory, "sources")) == 1
    # A film that is known needs no encoder.
    assert hearsight("ingest", films[0], "--quiet") == 0

    # Moved weights are the same weights; others are not.
    encoder, said = asks_with(hearsight.memory, VisionSettings(model=str(after)))
    assert encoder is not None and said == []
    tiny_clip.make(after, seed=8)
    encoder, said = asks_with(hearsight.memory, VisionSettings(model=str(after)))
    assert encoder is None and len(said) == 1
    tiny_clip.make(before, seed=8)
    encoder, said = asks_with(hearsight.memory)
    assert encoder is None and "were changed" in said[0]


@pytest.mark.slow
def test_without_open_clip_the_packaged_model_looks_and_one_line_says_so(
    hearsight: Hearsight, tiny: Path, films: tuple[Path, Path]
) -> None:
    assert hearsight("ingest", films[0]) == 0
    (line,) = [line for line in hearsight.stderr if line.startswith("vision:")]
    for part in ("the packaged ImageNet model", "HF_HUB_OFFLINE", "hearsight models pull open-clip-vit-b-32"):
        assert part in line
    made_with = meta(hearsight.memory)["vision_model"]
    assert made_with.startswith("efficientnet-lite2+conse+")
    assert rows(hearsight.memory, "short_term") == []

    # Once it has begun with this one, better weights change nothing.
    wanted = ("vision.encoder=open_clip", f"vision.model={tiny}")
    assert hearsight("ingest", films[1], settings=wanted) == 0
    assert f"vision: this memory was made with {made_with} and goes on with it" in hearsight.stderr
    assert {len(clip["vector"]) for clip in rows(hearsight.memory, "clips")} == {384}
    encoder, _ = asks_with(hearsight.memory, VisionSettings(model=str(tiny)))
    assert isinstance(encoder, ImageNetEncoder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("vision.model=ViT-B-23", "did you mean ViT-B-32"),
        ("vision.pretrained=laion3b", "it has openai"),
        ("vision.encoder=clip", "'auto', 'open_clip' or 'imagenet'"),
        ("vision.encoder=open_clip", "models pull open-clip-vit-b-32"),
    ],
)
def test_a_setting_that_cannot_be_met_is_one_line(
    hearsight: Hearsight, films: tuple[Path, Path], setting: str, says: str
) -> None:
    assert hearsight("ingest", films[0], "--quiet", settings=(setting,)) == 1
    (line,) = hearsight.stderr
    assert line.startswith("hearsight: ") and says in line


async def chosen(store: Path, settings: VisionSettings, said: list[str]) -> VisionEncoder:
    compute = Compute()
    try:
        async with await Store.open(store, HashEncoder()) as opened:
            return await VisionModels(settings, Registry.load(), compute, said.append).to_perceive(opened)
    finally:
        await compute.close(1)


def test_a_hub_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_virtual: Run
) -> None:
    over = threading.Event()
    asked: list[str] = []

    def silent(repo: str, files: object) -> int:
        asked.append(repo)
        over.wait(60)
        return 1

    monkeypatch.setattr(vision, "_size_mb", silent)
    try:
        with pytest.raises(ModelError, match="the hub does not answer; with network, `hearsight models pull"):
            run_virtual(
                chosen(tmp_path / "m", VisionSettings(encoder="open_clip"), []), thread_patience_s=0.2
            )
    finally:
        over.set()
    assert asked == ["laion/CLIP-ViT-B-32-laion2B-s34B-b79K"]
    assert HUB_PATIENCE_S <= 5


def test_videos_that_begin_together_share_one_encoder(tmp_path: Path) -> None:
    said: list[str] = []

    async def both() -> None:
        compute = Compute()
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            models = VisionModels(VisionSettings(), Registry.load(), compute, said.append)
            first, second = await asyncio.gather(models.to_perceive(store), models.to_perceive(store))
            assert first is second
            assert store.meta["vision_model"] == first.name
        await compute.close(5)

    asyncio.run(both())
    assert len(said) == 1


def test_doctor_says_what_a_new_memory_would_get(cache: Path, tiny: Path) -> None:
    outlook = partial(vision_outlook, registry=Registry.load())
    assert outlook(VisionSettings()).startswith("note     vision: the packaged ImageNet model")
    assert "models pull open-clip-vit-b-32" in outlook(VisionSettings())
    assert outlook(VisionSettings(encoder="imagenet")).startswith("ok ")
    own = outlook(VisionSettings(model=str(tiny)))
    assert own == f"ok       vision: {clip_weights(str(tiny), '').name}"

    snapshot = cache / "hub" / "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text("a" * 40)
    (snapshot / tiny_clip.WEIGHTS).touch()
    assert outlook(VisionSettings()) == f"ok       vision: {DEFAULT_PAIR}"


def test_the_default_pair_is_in_the_catalogue() -> None:
    name = clip_weights(DEFAULTS.model, DEFAULTS.pretrained).name
    assert name == DEFAULT_PAIR
    spec = Registry.load().spec(CATALOGUED[name])
    assert spec.kind == "vision_encoder" and not spec.default


class Hub(ThreadingHTTPServer):
    """As much of the model hub as huggingface_hub needs, with one folder for a repository."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Repository)
        self.folder = folder
        self.asked: list[str] = []


class _Repository(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        self.server.asked.append(f"{self.command} {self.path}")
        file = self.server.folder / self.path.rpartition("/")[2]
        found = "/resolve/" in self.path and file.is_file()
        data = file.read_bytes() if found else b""
        self.send_response(200 if found else 404)
        if not found:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("ETag", f'"{len(data)}"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return data

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(tiny: Path) -> Iterator[Hub]:
    with Hub(tiny) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_weights_come_from_the_hub_once(
    hub: Hub, films: tuple[Path, Path], cache: Path, tmp_path: Path
) -> None:
    """In processes of their own: where the hub is, huggingface_hub reads when it is imported."""
    env = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_address[1]}",
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(cache / "home"),
    }

    def ingest(*args: str | Path) -> list[str]:
        command = [sys.executable, "-m", "runtime.app.cli", *map(str, args), "--memory", str(tmp_path / "m")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True, env=env)
        return [line for line in done.stderr.splitlines() if line.startswith("vision:")]

    said = ingest("--set", "vision.model=hf-hub:someone/tiny", "ingest", films[0])
    assert said[0].endswith("MB from the hub (someone/tiny)")
    assert "vision: loading open_clip/hf-hub:someone/tiny" in said
    assert f"GET /someone/tiny/resolve/main/{tiny_clip.WEIGHTS}" in hub.asked
    assert meta(tmp_path / "m")["vision_model"] == "open_clip/hf-hub:someone/tiny"

    hub.asked.clear()
    assert ingest("ingest", films[1]) == ["vision: loading open_clip/hf-hub:someone/tiny"]
    assert [line for line in hub.asked if "someone" in line] == []

"""Which models are known and where they lie: the catalogue, folders of one's own, the hub, the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.errors import ConfigError, ModelError
from runtime.model_cache import cache_root
from runtime.weights import CATALOGUE, Registry, read_catalogue
from tests.runtime.shop import Shop


def test_a_folder_of_ones_own_comes_first(shop: Shop, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    text = shop.catalogue.read_text()
    shop.catalogue.write_text(text.replace("[[toy", f'[[toy.sources]]\npath = "{mine}"\n\n[[toy', 1))
    with pytest.raises(ModelError, match="toy is not here"):
        Registry.load().locate("toy")

    (mine / "model.bin").touch()
    (mine / "config.json").touch()
    assert Registry.load().locate("toy") == mine
    assert shop.pull() == mine
    assert Registry.load().locate(str(mine)) == mine


def test_offline_the_hub_is_not_asked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    shop.write_source('hf = "nobody/no-such-model"')
    with pytest.raises(ModelError, match="not in the hub's cache, and HF_HUB_OFFLINE is set"):
        shop.pull()
    assert shop.said == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "transcriber"', 'kind = "transcriber"\ncolour = "red"', "colour"),
        ("recipe = 1", 'recipe = 1\nhf = "a/b"', "one of path, hf, wheels, packaged"),
        ("[toy]", "[toy", "models.toml"),
        ('sha256 = "', 'sha256 = "x', "sha256"),
    ],
)
def test_a_wrong_catalogue_is_one_line(shop: Shop, old: str, new: str, said: str) -> None:
    shop.catalogue.write_text(shop.catalogue.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=said) as caught:
        Registry.load()
    assert "\n" not in str(caught.value)


def test_status_says_what_is_there_and_what_absence_costs(shop: Shop) -> None:
    before = {row.spec.name: row for row in Registry.load().status()}
    assert not before["toy"].present
    assert before["toy"].spec.without == "nothing"
    assert before["silero-vad"].origin == "with faster-whisper"
    assert before["pp-ocr"].present
    shop.pull()
    after = {row.spec.name: row for row in Registry.load().status()}["toy"]
    assert (after.where, after.origin) == (shop.model, "cache")
    assert after.disk_mb == pytest.approx(0.002, abs=0.001)


def test_unknown_models_are_named(shop: Shop) -> None:
    with pytest.raises(ModelError, match=r"no model is called 'whisper-huge'; known: .*whisper-base"):
        Registry.load().locate("whisper-huge")


def test_the_shipped_catalogue_covers_every_default_kind() -> None:
    models = read_catalogue(CATALOGUE)
    defaults = {spec.kind for spec in models.values() if spec.default}
    assert defaults >= {"transcriber", "text_encoder", "vision_encoder", "reasoner", "nlp"}
    assert all(spec.licence and spec.purpose and spec.without for spec in models.values())


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HEARSIGHT_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "hearsight"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "hearsight"
    monkeypatch.setenv("HEARSIGHT_CACHE", str(tmp_path / "own"))
    assert cache_root() == tmp_path / "own"

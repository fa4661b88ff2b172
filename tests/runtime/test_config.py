from __future__ import annotations

import math
from enum import Enum
from pathlib import Path

import pytest
from pydantic import Field, field_validator, model_validator

from runtime.config import Settings, config_file, config_text, load_settings
from runtime.errors import ConfigError


class Device(Enum):
    CPU = "cpu"
    GPU = "gpu"


class Audio(Settings):
    threshold: float = Field(default=0.5, ge=0, le=1)
    model: str = "base"
    languages: tuple[str, ...] = ()

    @field_validator("model")
    @classmethod
    def known(cls, model: str) -> str:
        if model == "imaginary":
            raise ValueError("there is\nno such model")
        return model


class Clips(Settings):
    shortest_s: float = 4.0
    longest_s: float = 16.0

    @model_validator(mode="after")
    def ordered(self) -> Clips:
        if self.shortest_s > self.longest_s:
            raise ValueError("shortest_s is over longest_s")
        return self


class App(Settings):
    audio: Audio = Audio()
    clips: Clips = Clips()
    folder: Path = Path("memory")
    jobs: int = 1
    device: Device = Device.CPU
    verbose: bool = False
    cameras: dict[str, Audio] = Field(default_factory=dict)
    note: str | None = None


def toml(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def message(*args: object, model: type[Settings] = App) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(model, *args)  # type: ignore[arg-type]
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_defaults() -> None:
    assert load_settings(App, [], {}, []) == App()


def test_later_sources_win_key_by_key(tmp_path: Path) -> None:
    base = toml(tmp_path / "base.toml", 'jobs = 2\nfolder = "a"\n[audio]\nmodel = "tiny"\nthreshold = 0.1\n')
    mine = toml(tmp_path / "mine.toml", "jobs = 3\n[audio]\nthreshold = 0.2\n")
    env = {"HEARSIGHT__AUDIO__THRESHOLD": "0.3", "HEARSIGHT__JOBS": "4", "PATH": "/bin", "HEARSIGHT_X": "?"}
    settings = load_settings(App, [base, mine], env, ["jobs=5"])
    assert settings == App(folder=Path("a"), jobs=5, audio=Audio(model="tiny", threshold=0.3))


def test_values_of_all_types(tmp_path: Path) -> None:
    settings = load_settings(
        App,
        [toml(tmp_path / "a.toml", 'device = "gpu"\naudio.languages = ["en", "zh"]\n')],
        {"HEARSIGHT__VERBOSE": "true", "HEARSIGHT__FOLDER": "some/where"},
        ["clips.longest_s=20", "clips.shortest_s = 5.5", "cameras.door.model='x=y'"],
    )
    assert settings.device is Device.GPU
    assert settings.audio.languages == ("en", "zh")
    assert (settings.verbose, settings.folder) == (True, Path("some/where"))
    assert settings.clips == Clips(longest_s=20, shortest_s=5.5)
    assert settings.cameras == {"door": Audio(model="x=y")}


@pytest.mark.parametrize(
    "text", ["123", "true", "3.11", "2026-11-23", "org/model", "a = b", '"', "1\nb = 2", ""]
)
def test_text_stays_text_where_a_string_is_wanted(text: str) -> None:
    settings = load_settings(App, [], {"HEARSIGHT__AUDIO__MODEL": text, "HEARSIGHT__NOTE": text})
    assert (settings.audio.model, settings.note) == (text, text)


def test_a_quoted_value_loses_its_quotes() -> None:
    assert load_settings(App, [], {}, ['audio.model="123"']).audio.model == "123"


def test_infinity_is_a_number() -> None:
    assert load_settings(App, [], {}, ["clips.longest_s=inf"]).clips.longest_s == math.inf


def test_unknown_keys_name_their_source_and_the_nearest_key(tmp_path: Path) -> None:
    file = toml(tmp_path / "live.toml", "[audio]\ntreshold = 0.1\n")
    assert message([file], {}) == f"{file}: unknown key audio.treshold; did you mean audio.threshold?"
    variable = {"HEARSIGHT__CLIP__LONGEST_S": "1"}
    assert message([], variable) == (
        "environment variable HEARSIGHT__CLIP__LONGEST_S: unknown key clip; did you mean clips?"
    )
    assert message([], {}, ["zzz=1"]) == "setting 'zzz=1': unknown key zzz"
    assert message([], {}, ["cameras.door.modle=1"]) == (
        "setting 'cameras.door.modle=1': unknown key cameras.door.modle; did you mean cameras.door.model?"
    )


def test_wrong_types_name_their_source_and_key(tmp_path: Path) -> None:
    file = toml(tmp_path / "live.toml", 'jobs = "5"\n')
    assert message([file], {}) == f"{file}: jobs: Input should be a valid integer, not '5'"
    assert message([], {"HEARSIGHT__JOBS": "many"}) == (
        "environment variable HEARSIGHT__JOBS: jobs: Input should be a valid integer, not 'many'"
    )
    assert "jobs: Input should be a valid integer, not True" in message([], {}, ["jobs=true"])
    assert "audio.languages.1: Input should be a valid string, not 2" in message(
        [], {}, ["audio.languages=['a', 2]"]
    )
    assert "'cpu' or 'gpu', not 'tpu'" in message([], {}, ["device=tpu"])
    assert message([], {}, ["audio=3"]).startswith("setting 'audio=3': audio: Input should be an object")


def test_values_out_of_range(tmp_path: Path) -> None:
    text = message([], {}, ["audio.threshold=1.5"])
    assert text.endswith("audio.threshold: Input should be less than or equal to 1, not 1.5")


def test_own_rules_speak_plainly(tmp_path: Path) -> None:
    assert message([], {}, ["audio.model=imaginary"]) == (
        "setting 'audio.model=imaginary': audio.model: there is no such model"
    )
    file = toml(tmp_path / "c.toml", "clips.shortest_s = 99\n")
    assert message([file], {}) == f"{file}: clips: shortest_s is over longest_s"


def test_the_last_source_of_a_key_is_blamed(tmp_path: Path) -> None:
    good = toml(tmp_path / "good.toml", "jobs = 1\n")
    bad = toml(tmp_path / "bad.toml", "jobs = 1.5\n")
    assert message([good, bad], {}).startswith(f"{bad}: jobs")
    assert message([bad, good], {}, ["jobs=x"]).startswith("setting 'jobs=x': jobs")


class Wanting(Settings):
    class Engine(Settings):
        url: str
        key: str = ""

    engine: Engine


def test_missing_keys(tmp_path: Path) -> None:
    file = toml(tmp_path / "e.toml", 'engine.key = "x"\n')
    assert message([file], {}, model=Wanting) == f"{file}: engine.url is missing"
    assert message([], {}, model=Wanting) == "settings: engine is missing"
    misspelt = toml(tmp_path / "m.toml", 'engine.ulr = "x"\n')
    assert "unknown key engine.ulr; did you mean engine.url?" in message([misspelt], {}, model=Wanting)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    assert (
        message([tmp_path / "none.toml"], {})
        == f"{tmp_path}/none.toml: cannot be read: No such file or directory"
    )
    assert message([tmp_path], {}) == f"{tmp_path}: cannot be read: Is a directory"
    assert "not valid TOML" in message([toml(tmp_path / "a.toml", "jobs = = 1")], {})
    (tmp_path / "b.toml").write_bytes(b"note = '\xff'")
    assert "not valid TOML" in message([tmp_path / "b.toml"], {})


def test_overrides_that_are_none() -> None:
    assert message([], {}, ["jobs"]) == "setting 'jobs': expected section.key=value"
    assert message([], {}, ["audio..model=x"]) == "setting 'audio..model=x': a part of the key is empty"
    assert "a part of the key is empty" in message([], {"HEARSIGHT__": "1"})


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        App().jobs = 3  # type: ignore[misc]
    with pytest.raises(ValueError, match="Extra inputs"):
        App(job=3)  # type: ignore[call-arg]


def test_packaged_files() -> None:
    assert config_text("models.toml") == config_file("models.toml").read_text(encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"no packaged configuration is called model\.toml; did you mean models"
    ):
        config_text("model.toml")
    with pytest.raises(ConfigError):
        config_text("../pyproject.toml")

"""What `hearsight doctor` says of the screen mode on a machine that lacks something."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.app.commandline import hearsight


def doctor(tmp_path: Path, *settings: str, **env: str) -> tuple[int, list[str]]:
    """Its exit status, and the lines about screen and sound."""
    chosen = [word for one in settings for word in ("--set", one)]
    done = hearsight(*chosen, "doctor", "--memory", tmp_path / "none", env=env)
    assert "Traceback" not in done.stderr
    return done.returncode, [
        line for line in done.stdout.splitlines() if " screen:" in line or " sound:" in line
    ]


def test_a_missing_sound_program_is_named_with_what_it_costs(tmp_path: Path) -> None:
    _, (_, sound) = doctor(tmp_path, PATH=str(tmp_path))
    assert sound == (
        "note     sound: hearsight screen hears neither the microphone nor the system's sound: "
        "parec and pactl are not there (package pulseaudio-utils)"
    )


def test_it_is_missing_where_the_settings_want_to_hear(tmp_path: Path) -> None:
    (tmp_path / "pactl").write_text("#!/bin/sh\n")
    (tmp_path / "pactl").chmod(0o755)
    status, (_, sound) = doctor(tmp_path, "screen.microphone=true", PATH=str(tmp_path))
    assert status == 1
    assert sound.startswith("missing  sound: ")
    assert "parec is not there" in sound


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"DISPLAY": "", "WAYLAND_DISPLAY": ""}, "$DISPLAY is not set"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "this is a Wayland session"),
    ],
)
def test_why_the_screen_cannot_be_recorded_is_said(tmp_path: Path, env: dict[str, str], why: str) -> None:
    _, (screen, _) = doctor(tmp_path, PATH=os.environ["PATH"], XDG_SESSION_TYPE="", **env)
    assert screen.startswith("note     screen: not recorded from here")
    assert why in screen

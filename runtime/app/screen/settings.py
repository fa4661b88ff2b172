"""Settings of the screen mode."""

from __future__ import annotations

from pydantic import Field

from perception.screen.settings import ScreenReadSettings
from runtime.config import Settings


class ScreenSettings(Settings):
    read: ScreenReadSettings = ScreenReadSettings()
    fast_s: float = Field(default=0.25, gt=0)
    slow_s: float = Field(default=2.0, gt=0)
    """Between two looks at the screen: while it changes, and when it has stood still for a while. X11 tells when it stirs."""
    commit_s: float = Field(default=4.0, ge=0)
    """What is new is written at most so much later."""
    exclude_programs: tuple[str, ...] = (
        "keepass*", "bitwarden*", "1password*", "seahorse*", "gnome-keyring*", "pinentry*", "polkit*", "*askpass*",
        "gcr-prompter*", "enpass*", "lastpass*", "dashlane*", "proton-pass*", "kwalletmanager*",
    )  # fmt: skip
    """Window classes, with * and ?, case does not count: blacked out before anything reads the pixels."""
    exclude_titles: tuple[str, ...] = (
        "*private browsing*", "*inprivate*", "*incognito*", "*privates fenster*", "*navigation privée*",
        "*navegación privada*", "*navigazione anonima*", "*private window*",
    )  # fmt: skip
    """The same for titles."""
    without_windows: bool = False
    """Record also where the platform does not tell which windows there are, so that none can be blacked out."""
    microphone: bool = False
    system_sound: bool = False
    """Whether what is said into the microphone, and what the loudspeakers play, is heard and remembered as text. Sound itself
    is never kept.
    """
    microphone_device: str = ""
    system_sound_device: str = ""
    """PulseAudio's names of sources (pactl list short sources); "" is what the desktop uses."""
    hear_span_s: float = Field(default=6.0, ge=0, le=60)
    """What is said within so many seconds is understood together: sooner costs more."""
    keep_days: float = Field(default=90.0, gt=0)
    keep_picture_days: float = Field(default=30.0, gt=0)
    keep_mb: float = Field(default=5000.0, gt=0)
    """What is older goes once a day; beyond the size (as du counts) the oldest pictures go first, then the oldest text but
    that of the last hour, as soon as the screen stands still.
    """
    min_free_mb: float = Field(default=500.0, ge=0)
    """With less space on the disk nothing is recorded until there is some again."""
    remote_model: bool = False
    """Questions and what was read may go to a language model on another machine (engine.mode remote)."""
    reader: bool = True
    """While recording, questions are judged by the model that reads too, where its weights are here (engine.reader). It is
    started by a question, in a process of its own, and gives its 7.3 GB back engine.idle_minutes after the last one.
    """
    hotkey: str = Field(
        default="ctrl+alt+p", pattern=r"(?i)^$|^(?:(?:ctrl|control|alt|shift|super)\+)+[^+\s]+$"
    )
    """Pauses and goes on, on X11, whatever window is in front; "" takes none."""
    port: int = Field(default=0, ge=0, le=65535)
    """Of the status page, on loopback; 0 takes a free one."""
    quiet_from: str = Field(default="22:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    quiet_to: str = Field(default="08:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """Nobody is nudged or told between; it comes afterwards."""
    nudge_cooldown_minutes: float = Field(default=60.0, ge=0)
    """Before the second nudge about the same open task twice that passes, before the third and last four times."""

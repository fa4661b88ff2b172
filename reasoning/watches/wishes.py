"""What somebody asked to be told of: watches and reminders, and what ends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WatchKind = Literal["seen", "said", "read", "time", "any"]

COOLDOWN_S = 60.0


@dataclass(frozen=True, slots=True)
class Watch:
    """One thing to be told of.

    kind: by which sense it is noticed; "any" of the three, or the time.
    what: a thing, a word or an event ("bottle or cup" means either); of a time watch what to say then, possibly "".
    due: Unix time of a time watch, else None.  every_s: it comes again after so long.
    cooldown_s: how long it must have been away before it is told of again.  once: it ends with its first alert.
    exact: only the words themselves count, not what means the same.  speaker: whose words, None for anybody's.
    say: what to be reminded of when it happens.  created: Unix time.  text: as the user said it.
    """

    kind: WatchKind
    what: str
    text: str
    created: float
    id: str = ""
    due: float | None = None
    every_s: float | None = None
    cooldown_s: float = COOLDOWN_S
    once: bool = False
    exact: bool = False
    speaker: str | None = None
    say: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends watches. what: words that say which, "" for the newest, or for all with `every`.

    reminders: True only reminders, False only other watches, None any.
    """

    what: str = ""
    reminders: bool | None = None
    every: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Asks what is being watched for."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A wish that lacks something. question: what to ask back."""

    question: str


Wish = Watch | Cancel | Listing | Unclear

"""What is said about watches: that one was understood, which there are, that one has come true."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo

from reasoning.watches.wishes import Watch
from runtime.messages import Modality

LATE_S = 60.0

_YOURS = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "i'm": "you're", "i've": "you've",
    "i'll": "you'll", "am": "are",
}  # fmt: skip
_MINE = re.compile(r"\b(?:i'm|i've|i'll|i am|i|me|mine|myself|my)\b", re.I)
_LABEL = re.compile(r"^(?:speaker|voice|person|spk|s)?[\s_-]*\d+$", re.I)
_PLACELESS = re.compile(r"^(?:[A-Z]|my |your |the |two |three |four |some |many |\d)")
_LONGEST = 160


def confirmation(watch: Watch, now_wall: float, zone: tzinfo | None = None) -> str:
    """ "I will tell you when I see a bottle." """
    if watch.kind == "time" and watch.due is not None:
        when = moment(watch.due, now_wall, zone)
        again = f", and then every {length(watch.every_s).removeprefix('1 ')}" if watch.every_s else ""
        what = f": {yours(watch.what)}" if watch.what else ""
        return f"I will remind you {when}{again}{what}."
    told = f"remind you: {yours(watch.say)}," if watch.say else "tell you"
    return f"I will {told} when {_condition(watch)}."


def listing(watches: Sequence[Watch], now_wall: float, zone: tzinfo | None = None) -> str:
    if not watches:
        return "I am not watching for anything."
    lines = []
    for watch in watches:
        if watch.kind == "time" and watch.due is not None:
            lines.append(f"{moment(watch.due, now_wall, zone)}: {yours(watch.what) or 'a reminder'}")
        else:
            lines.append(f"when {_condition(watch)}")
    head = "I am watching for one thing:" if len(lines) == 1 else f"I am watching for {len(lines)} things:"
    return f"{head} {'; '.join(lines)}."


def cancelled(watches: Sequence[Watch]) -> str:
    if not watches:
        return "I was not watching for that."
    if len(watches) > 1:
        return f"I have stopped {len(watches)} of them."
    watch = watches[0]
    if watch.kind == "time":
        return f"I will not remind you: {yours(watch.what)}." if watch.what else "I will not remind you."
    return f"I have stopped watching for {watch.what or 'speech'}."


def reminder(watch: Watch, now_wall: float, zone: tzinfo | None = None) -> str:
    """Of a time watch that is due; one that comes late says when it was due."""
    assert watch.due is not None
    words = watch.text.lower()
    if watch.what:
        text = f"Reminder: {yours(watch.what)}."
    elif "timer" in words or "countdown" in words:
        text = "Your timer is up."
    elif "alarm" in words or "wake" in words:
        text = f"It is {_clock(watch.due, zone)}."
    else:
        text = "This is the reminder that you asked for."
    if now_wall - watch.due > LATE_S:
        text += f" It was due {moment(watch.due, now_wall, zone)}."
    return text


def news(watch: Watch, modality: Modality, found: str, speaker: str | None) -> str:
    """Of a watch that came true. found: the words, or what the thing looked like."""
    if watch.say:
        return f"Reminder: {yours(watch.say)}."
    if modality == "seen":
        return f"I think I see {_with_article(watch.what)}."
    quote = found if len(found) <= _LONGEST else f"{found[:_LONGEST].rsplit(' ', 1)[0]} …"
    named = speaker if speaker and not _LABEL.match(speaker) else "somebody"
    told = f"{named} said" if modality == "said" else "the screen says"
    topic = f"{watch.what}: " if watch.what and not watch.exact else ""
    text = f"{topic}{told} “{quote}”"
    return f"{text[:1].upper()}{text[1:]}."


def yours(text: str) -> str:
    """As it is said back: "call my mum" -> "call your mum"."""

    def swap(match: re.Match[str]) -> str:
        return " ".join(_YOURS[word] for word in match[0].lower().split())

    return _MINE.sub(swap, text)


def moment(wall: float, now_wall: float, zone: tzinfo | None = None) -> str:
    """ "in 10 minutes", "at 5:00 pm", "tomorrow at 9:00 am", "on Friday at 10:00 am", "on 24 December at ..." """
    ahead = wall - now_wall
    if 0 <= ahead < 3600:
        return f"in {length(max(1.0, round(ahead)))}"
    at, now = datetime.fromtimestamp(wall, zone), datetime.fromtimestamp(now_wall, zone)
    clock = f"at {_clock(wall, zone)}"
    days = (at.date() - now.date()).days
    if days == 0:
        return clock
    if abs(days) == 1:
        return f"{'tomorrow' if days == 1 else 'yesterday'} {clock}"
    if 1 < days < 7:
        return f"on {at:%A} {clock}"
    return f"on {at.day} {at:%B} {clock}"


def length(seconds: float) -> str:
    """ "10 minutes", "1 hour", "1 minute 30 seconds"."""
    parts = []
    left = round(seconds)
    for size, unit in ((604_800, "week"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts[:2])


def _clock(wall: float, zone: tzinfo | None) -> str:
    at = datetime.fromtimestamp(wall, zone)
    return f"{at.hour % 12 or 12}:{at:%M} {'am' if at.hour < 12 else 'pm'}"


def _condition(watch: Watch) -> str:
    if watch.kind == "seen":
        return f"I see {_with_article(watch.what)}"
    if watch.kind == "said":
        who = watch.speaker or "somebody"
        if not watch.what:
            return f"{who} speaks"
        return f"{who} says “{watch.what}”" if watch.exact else f"{who} speaks of {watch.what}"
    if watch.kind == "read":
        return f"the screen says “{watch.what}”" if watch.exact else f"the screen shows {watch.what}"
    return f"this happens: {watch.what}"


def _with_article(what: str) -> str:
    """ "a bottle", "an umbrella"; names, several things and what has an article stay as they are."""
    first = what.split(" or ")[0].split(" with ")[0]
    if not what or _PLACELESS.match(what) or (first.endswith("s") and not first.endswith("ss")):
        return what
    return f"{'an' if what[0].lower() in 'aeiou' else 'a'} {what}"

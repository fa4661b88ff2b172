"""What of a written answer is read aloud, and in which words."""

from __future__ import annotations

import re
import unicodedata

from memory.text import TENS, UNITS

LONGEST_QUOTE_WORDS = 18

_CITATION = re.compile(r"\s*\[[^\[\]]{0,40}\]")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)([\w.-]+\w)\S*")
_CODE_ID = re.compile(r"\b(?=\w*\d)[0-9a-f]{16,}\b")
_MARKUP = re.compile(r"^\s*(?:#{1,6}|[-*•])\s+|[*`]+|~~", re.M)
_QUOTE = re.compile(r"[“\"]([^“”\"]+)[”\"]")
_CLOCK = r"(?:\d{1,2}:)?\d{1,3}:\d{2}"
_A_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2})")
# As reasoning.compose puts the moment of a proof; elsewhere a time with a colon may be one of the day.
_PLACE = re.compile(rf"[.,;:]?\s*\((said|on screen|seen)(?: at ({_CLOCK}))?\)")
_MOMENTS = re.compile(
    rf"^At {_CLOCK}(?=:(?:\s|$))|(?:^Most likely at|\bAlso at|\botherwise at) {_CLOCK}(?: and {_CLOCK})*",
    re.M,
)
_WITH_HOURS = re.compile(r"\b(\d{1,2}):(\d{2}):(\d{2})\b")
_TIME_OF_DAY = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)(?!:?\d)")
_BRACKETED = re.compile(r"\s*[(\[{]([^()\[\]{}]*)[)\]}]")
_SPACED_DASH = re.compile(r"\s*(?:[—–]|(?<=\s)--?(?=\s))\s*")
_SYMBOLS = {
    "&": " and ", "→": " to ", "≈": " about ", "~": " about ", "≤": " at most ", "≥": " at least ", "×": " times ",
    "°": " degrees ", "_": " ", "|": ", ", "/": "/", "<": " ", ">": " ", "\\": " ", "^": " ", "…": ".",
}  # fmt: skip
_ABBREVIATIONS = {
    "Dr.": "Doctor", "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miss", "Prof.": "Professor", "e.g.": "for example",
    "i.e.": "that is", "etc.": "et cetera", "vs.": "versus", "approx.": "about", "No.": "number",
}  # fmt: skip
_ABBREVIATION = re.compile(
    r"(?<!\w)(?:" + "|".join(re.escape(a) for a in _ABBREVIATIONS if a != "No.") + r"|No\.(?= ?\d))"
)
_COMMAS = re.compile(r"\s*,(?:\s*,)+")
_MARK_AFTER_COMMA = re.compile(r"\s*,\s*(?=[.;:!?])")
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[.,;:!?](?:\s|$))")
_STOPS = re.compile(r"[.,;:](?=\s*[.!?])|(?<=[.!?])\s*\.(?=\s|$)")


def speakable(text: str) -> str:
    """A sentence or more in words that a voice reads well; "" where nothing of it is to be read.

    Gone are citations, quotation marks, brackets, markup, addresses but for their host, and the rest of a quotation
    of more than LONGEST_QUOTE_WORDS. A moment of the media, "(said at 8:53)", becomes "said at eight minutes fifty-three".
    """
    text = unicodedata.normalize("NFC", text).replace("’", "'")
    text = _LINK.sub(r"\1", text)
    text = _CITATION.sub("", text)
    text = _CODE_ID.sub("", _ADDRESS.sub(r"\1", text))
    text = _MARKUP.sub("", text)
    text = _MOMENTS.sub(lambda m: _A_CLOCK.sub(_media_time, m[0]), text)
    text = _QUOTE.sub(lambda m: _shortened(m[1]), text)
    text = _PLACE.sub(_place, text)
    text = _WITH_HOURS.sub(_media_time, text)
    text = _TIME_OF_DAY.sub(_time_of_day, text)
    text = _ABBREVIATION.sub(lambda m: _ABBREVIATIONS[m[0]], text)
    text = text.replace("°C", " degrees Celsius").replace("°F", " degrees Fahrenheit")
    text = _BRACKETED.sub(r", \1,", text)
    text = text.replace(" / ", ", ")
    text = _SPACED_DASH.sub(", ", text)
    text = "".join(_SYMBOLS.get(ch, ch) for ch in text)
    text = "".join(
        ch
        for ch in text
        if unicodedata.category(ch) not in {"So", "Cs", "Co", "Cf", "Cc", "Sk"} or ch == "\n"
    )
    text = re.sub(r"[“”\"„«»()\[\]{}]", "", text)
    text = ". ".join(part.strip().rstrip(",") for part in text.split("\n") if part.strip())
    text = _COMMAS.sub(",", text)
    text = _MARK_AFTER_COMMA.sub("", text)
    text = _STOPS.sub("", text)
    text = _SPACE_BEFORE_MARK.sub("", text)
    text = " ".join(text.split()).strip(" ,;:")
    return text if any(ch.isalnum() for ch in text) else ""


def in_words(number: int) -> str:
    """0 to 59; larger ones stay digits."""
    if number < 20:
        return UNITS[number]
    if number > 59:
        return str(number)
    tens, ones = divmod(number, 10)
    return TENS[tens - 2] + (f"-{UNITS[ones]}" if ones else "")


def _media_time(match: re.Match[str]) -> str:
    h, m, s = int(match[1] or 0), int(match[2]), int(match[3])
    parts = [_counted(h, "hour")] if h else []
    if m:
        parts.append(_counted(m, "minute"))
    if s or not (h or m):
        parts.append(in_words(s) if m else _counted(s, "second"))
    return " ".join(parts)


def _counted(number: int, unit: str) -> str:
    return f"{in_words(number)} {unit}{'' if number == 1 else 's'}"


def _place(match: re.Match[str]) -> str:
    return f", {match[1]} at {_A_CLOCK.sub(_media_time, match[2])}" if match[2] else f", {match[1]}"


def _time_of_day(match: re.Match[str]) -> str:
    """9:05 -> nine oh five, 10:30 -> ten thirty, 17:00 -> seventeen o'clock."""
    hour, minute = int(match[1]), int(match[2])
    after = match.string[match.end() : match.end() + 6].strip().lower()
    if minute == 0:
        return (
            in_words(hour)
            if after.startswith(("am", "pm", "a.m", "p.m", "o'"))
            else f"{in_words(hour)} o'clock"
        )
    return f"{in_words(hour)} {'oh ' if minute < 10 else ''}{in_words(minute)}"


def _shortened(quote: str) -> str:
    """A long quotation ends at its last pause within the limit, else with the limit's last word."""
    words = quote.split()
    if len(words) <= LONGEST_QUOTE_WORDS:
        return quote
    for count in range(LONGEST_QUOTE_WORDS, LONGEST_QUOTE_WORDS // 2, -1):
        if words[count - 1][-1] in ",;:.!?":
            return " ".join(words[:count]).rstrip(",;:.")
    return " ".join(words[:LONGEST_QUOTE_WORDS])

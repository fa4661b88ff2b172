"""Normalised text: what a key and a question must share to be about the same thing."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise


def _words(text: str) -> list[str]:
    return text.split()


STOP_WORDS = frozenset(
    _words("""a an the and or but if of to in on at by for from with as into onto about than then so that this
    these those there here it its itself i me my mine we us our ours you your yours he him his she her hers
    they them their theirs who whom whose which what when where why how is am are was were be been being do
    does did doing done has have had having will would shall should can could may might must not no nor just
    also very too please s t d ll m re ve don doesn didn isn aren wasn weren""")
)

UNITS = tuple(
    _words("""zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen""")
)
TENS = tuple(_words("twenty thirty forty fifty sixty seventy eighty ninety"))
_UNITS = {word: value for value, word in enumerate(UNITS)}
_TENS = {word: 10 * value for value, word in enumerate(TENS, start=2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINALS = {
    word: value
    for value, word in enumerate(
        _words("""first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
        fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"""),
        start=1,
    )
} | {"thirtieth": 30}

_IRREGULAR = {
    form: base
    for base, forms in {
        "say": "said says",
        "tell": "told",
        "meet": "met",
        "go": "went gone goes",
        "buy": "bought",
        "bring": "brought",
        "think": "thought",
        "see": "saw seen",
        "take": "took taken",
        "give": "gave given",
        "get": "got gotten",
        "make": "made",
        "find": "found",
        "keep": "kept",
        "leave": "leaves",
        "send": "sent",
        "sell": "sold",
        "speak": "spoke spoken",
        "write": "wrote written",
        "read": "reads",
        "run": "ran",
        "rise": "rose risen",
        "fall": "fell fallen",
        "begin": "began begun",
        "break": "broke broken",
        "choose": "chose chosen",
        "drive": "drove driven",
        "eat": "ate eaten",
        "know": "knew known",
        "pay": "paid",
        "teach": "taught",
        "win": "won",
        "child": "children",
        "man": "men",
        "woman": "women",
        "person": "people",
        "foot": "feet",
        "mouse": "mice",
        "knife": "knives",
        "shelf": "shelves",
        "leaf": "leafs",
        "wife": "wives",
        "half": "halves",
        "colour": "color colors colours",
        "litre": "liter liters",
        "metre": "meter meters",
        "centre": "center centers",
        "grey": "gray",
    }.items()
    for form in forms.split()
}

# What the English of one place calls otherwise than that of another, and everyday short forms: one key for both.
_VARIANTS = {
    form: base
    for base, forms in {
        "elevator": "lift",
        "truck": "lorry",
        "glasses": "spectacles eyeglasses",
        "holiday": "vacation",
        "garbage": "rubbish trash",
        "sidewalk": "pavement",
        "gasoline": "petrol",
        "flashlight": "torch",
        "diaper": "nappy",
        "pharmacy": "chemist drugstore",
        "airplane": "aeroplane",
        "sweater": "jumper pullover",
        "subway": "metro",
        "couch": "sofa",
        "bicycle": "bike",
        "telephone": "phone",
        "television": "tv telly",
        "refrigerator": "fridge",
        "photo": "photograph",
        "child": "kid kids",
        "mother": "mum mom",
        "father": "dad",
        "grandmother": "grandma granny",
        "grandfather": "grandpa grandad granddad",
        "soccer": "football",
        "apartment": "flat",
        "closet": "wardrobe",
        "faucet": "tap",
        "movie": "film",
        "rent": "hire",
        "parking": "carpark",
    }.items()
    for form in forms.split()
}

# A word with inner joiners is one identifier (zlib.h, copper-lantern-88, 16:40) and its parts.
_TOKEN = re.compile(r"[^\W_]+(?:[._:/@'&+\-]+[^\W_]+)*", re.UNICODE)
_PART = re.compile(r"[^\W_]+", re.UNICODE)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_HUNDREDS_AND = re.compile(
    r"(?<!between )(?<!from )(?<![\d.,:$€£])\b([1-9]\d?00)(?: and|, and(?= \d+ (?:an?|per|each)\b)) ([1-9]\d?)\b(?![.,:]\d|%)",
    re.IGNORECASE,
)
_ABBREVIATIONS = "".join(
    rf"(?<!\b{word}\.)" for word in ("[Dd]r", "[Mm]r", "[Mm]rs", "[Mm]s", "[Pp]rof", "[Ss]t", "[Nn]o")
)
_SENTENCE_END = re.compile(rf"(?<=[.!?。！？]){_ABBREVIATIONS}\s+|\n+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


def fold(text: str) -> str:
    """Casefolded, without accents, compatibility forms unified: "Café" and "cafe" are one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    return unicodedata.normalize("NFC", plain).replace("’", "'")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Plural and verb endings off. Light on purpose: two words it merges wrongly cost more than two it
    leaves.
    """
    word = _IRREGULAR.get(word, word)
    plural = word[:-1] if word.endswith("s") else word
    word = _VARIANTS.get(word) or _VARIANTS.get(plural, word)
    if len(word) < 4 or not word.isalpha() or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= 3 and re.search("[aeiouy]", root):
            word = root
            if word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    if len(word) > 4 and word.endswith("e"):
        word = word[:-1]
    if len(word) > 4 and word.endswith("y"):
        word = word[:-1] + "i"
    return word


def tokens(text: str) -> list[str]:
    """Normalised tokens in order, stop words left out.

    Spoken numbers become digits ("three hundred and seventeen" -> 317), ordinals stay and get their short
    form beside them (third, 3rd), identifiers come whole and in parts.
    """
    words: list[str] = []
    for match in _TOKEN.finditer(_THOUSANDS.sub("", fold(joined_numbers(text)))):
        words.extend(_pieces(match.group()))
    return [_finish(word) for word in _numbers(words) if word not in STOP_WORDS]


def joined_numbers(text: str) -> str:
    """Numbers that speech recognition wrote down as they were spoken: "room 300 and 17" is room 317."""
    return _HUNDREDS_AND.sub(lambda match: str(int(match[1]) + int(match[2])), text)


def normalise(text: str) -> str:
    """The tokens, joined by single spaces: what the key table stores."""
    return " ".join(tokens(text))


def sentences(text: str) -> list[str]:
    """Cut at . ! ? and line ends (not inside 431.20 or zlib.h, nor after Dr.), stripped, none empty."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def is_number(token: str) -> bool:
    return any(ch.isdigit() for ch in token)


def _pieces(word: str) -> list[str]:
    if _CJK.search(word):
        return _cjk(word)
    if word.endswith("'s"):
        word = word[:-2]
    parts = _PART.findall(word)
    if len(parts) == 1:
        return parts
    if "'" in word:
        return [part for part in parts if part != "won"]  # "won't" says nothing, "won" does
    spoken = all(part in _UNITS or part in _TENS or part in _ORDINALS for part in parts)
    return parts if spoken else [word, *parts]


def _cjk(word: str) -> list[str]:
    """Overlapping pairs of characters: these scripts put no space between words."""
    chars = [ch for ch in word if ch.isalnum()]
    return ["".join(pair) for pair in pairwise(chars)] or chars


def _finish(word: str) -> str:
    return stem(word)


def _numbers(words: list[str]) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(words):
        value, length = _spoken(words, at)
        if length:
            out.append(str(value))
        else:
            length = 1
            out.append(words[at])
            if words[at] in _ORDINALS:
                out.append(ordinal(_ORDINALS[words[at]]))
        at += length
    return out


def _spoken(words: list[str], at: int) -> tuple[int, int]:
    """(value, words used) of the number spoken from words[at] on; (0, 0) if there is none."""
    total = group = 0
    used = 0
    last = 0  # size of the last term: a unit may follow a ten, a ten may follow a hundred
    index = at
    while index < len(words):
        word = words[index]
        if word in _UNITS and (used == 0 or last >= 100 or (last >= 20 and 0 < _UNITS[word] < 10)):
            group += _UNITS[word]
            last = 1
        elif word in _TENS and (used == 0 or last >= 100):
            group += _TENS[word]
            last = 20
        elif word == "hundred" and last < 100:
            group = max(group, 1) * 100
            last = 100
        elif word in _SCALES and word != "hundred" and last < 1000:
            total += max(group, 1) * _SCALES[word]
            group = 0
            last = 1000
        elif word == "and" and last >= 100 and index + 1 < len(words):
            follower = words[index + 1]
            if follower not in _UNITS and follower not in _TENS:
                break
            index += 1
            continue
        else:
            break
        index += 1
        used = index - at
    return (total + group, used) if used else (0, 0)


def ordinal(value: int) -> str:
    """1st, 2nd, 3rd, 4th, ..."""
    if value % 100 in (11, 12, 13):
        return f"{value}th"
    return f"{value}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(value % 10, 'th') }"

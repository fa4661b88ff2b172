"""The words of a phrase that matter, and whether they stand in a text as a screen shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from memory.text import tokens
from reasoning.extract import COLOURS

_READABLE = 0.8
_DIGIT = re.compile(r"\d")
_NAME = re.compile(r"\b[A-Z]\w+")
_NAMES = re.compile(r"\b[A-Z]\w*(?: (?:& )?[A-Z]\w*)+")
_CODE = re.compile(r"\w\(.*\)|[={}\[\];@#$|<>\\]")
# Words of asking, and kinds of things: what they are about has to be there, not they themselves.
STOP = set(
    tokens(
        """screen window page site website web program app application tab file document open see visit look read show
        shown use used first last line appear message text article word result dialog entry button say display mention
        get find something thing choose press click time function command step field value option menu column cell class
        variable report person story post section item heading title screenshot laptop computer folder directory
        advertisement advert banner icon popup tooltip notification panel sidebar toolbar checkbox headline many much
        box form wizard assistant other another now currently still again yet exactly directly according straight"""
    )
)
_KINDS = (
    (re.compile(r"firefox|chrom|edge|brave|opera|vivaldi|safari|browser", re.I), "browser internet"),
    (re.compile(r"term|konsole|shell|console|kitty|tilix", re.I), "terminal console shell"),
    (re.compile(r"calc|excel|gnumeric", re.I), "spreadsheet sheet workbook"),
    (re.compile(r"writer|word|abiword", re.I), "word processor letter"),
    (re.compile(r"impress|powerpoint", re.I), "presentation slides"),
    (re.compile(r"code|codium|pycharm|idea|eclipse|sublime|vim|emacs|kate|gedit|mousepad|notepad", re.I), "editor ide code"),
    (re.compile(r"thunderbird|outlook|evolution|mail", re.I), "mail email"),
    (re.compile(r"slack|discord|telegram|signal|whatsapp|teams|element", re.I), "chat messenger"),
)  # fmt: skip

_LANGUAGES = tuple(
    entry.split()
    for entry in """en english english, de german deutsch, fr french français, es spanish español, it italian italiano,
    pt portuguese português, nl dutch nederlands, pl polish polski, ru russian русский, ja japanese 日本語, zh chinese 中文,
    ko korean 한국어, ar arabic العربية, sv swedish svenska, fa persian فارسی, tr turkish türkçe, cs czech čeština,
    da danish dansk, no norwegian norsk, fi finnish suomi, uk ukrainian українська""".split(",")
)
"""Asked for by their English names; a host begins with the code (en.wikipedia.org), a list has their own names."""
_ENGLISH = {own: english for _, english, own in _LANGUAGES}
_OF_HOST = {code: english for code, english, _ in _LANGUAGES}
_DOES = {
    "cp": "copy", "scp": "copy upload transfer send", "rsync": "copy sync transfer backup", "mv": "move rename",
    "rm": "delete remove", "mkdir": "create folder directory", "tar": "archive pack compress backup",
    "zip": "archive pack compress", "gzip": "compress pack", "unzip": "unpack extract", "ssh": "connect remote",
    "curl": "download request", "wget": "download", "grep": "search find", "chmod": "permission", "kill": "stop",
    "pip": "install package", "apt": "install package", "npm": "install package", "git": "repository version control",
    "sha256sum": "checksum hash", "sha1sum": "checksum hash", "md5sum": "checksum hash", "mount": "attach drive",
    "tgz": "archive", "gz": "archive",
}  # fmt: skip
"""A command is typed by its name and asked for by what it does, an archive by what it is."""
_TITLES = {"dr": "doctor", "prof": "professor", "mr": "man", "mrs": "woman", "ms": "woman"}
_ENGLISH_OF = {
    token: set(tokens(english))
    for own, english in (*_ENGLISH.items(), *_DOES.items(), *_TITLES.items())
    for token in tokens(own)
}
_COLOURS = {t for colour in COLOURS for t in tokens(colour)}
LANGUAGES = set(tokens(" ".join(_ENGLISH.values())))
KIND_WORDS = {w for _, words in _KINDS for w in tokens(words)}
SPEAKER = re.compile(r"\W*([^\W\d][\w.' -]{0,29}?)\s*:\s+")
"""The name before a line of a chat."""


def kind_words(program: str, site: str) -> set[str]:
    """Words for a place: its program's and site's names, and what kind of program it is."""
    kinds = " ".join(words for pattern, words in _KINDS if pattern.search(program))
    kinds += f" {_OF_HOST.get(site.partition('.')[0], '')}" if site.count(".") > 1 else ""
    return set(tokens(spaced(f"{program} {site} {kinds}")))


def content(phrase: str) -> list[str]:
    """The words of a phrase that something on the screen has to account for."""
    words = [w for w in dict.fromkeys(tokens(phrase)) if w not in STOP]
    return [w for w in words if w not in KIND_WORDS] or words


def named_in(phrase: str, wanted: Sequence[str]) -> list[str]:
    """Of the wanted words those of names: nothing else may stand in for them."""
    return [t for name in _NAME.findall(phrase) for t in tokens(name) if t in wanted]


def says_all(question: str, line: str) -> bool:
    """Whether all that matters of a question, and that is more than a word, stands in one line."""
    wanted = content(question)
    return len(wanted) > 1 and covered(wanted, set(tokens(spaced(line)))) == 1.0


def covered(wanted: Sequence[str], there: set[str]) -> float:
    """Share of the wanted words that are there; long ones also when a letter was misread. Numbers must be there."""
    if not wanted:
        return 0.0
    total = found = 0.0
    for word in wanted:
        weight = 1.0 + (0.5 if any(c.isdigit() for c in word) or len(word) > 6 else 0.0)
        total += weight
        if word in there:
            found += weight
        elif len(word) >= 5 and not _DIGIT.search(word):
            near = (
                SequenceMatcher(None, word, w).ratio()
                for w in there
                if abs(len(w) - len(word)) <= 2 and not _DIGIT.search(w)
            )
            found += weight * (max(near, default=0.0) >= _READABLE)
    return found / total


def with_english(words: set[str]) -> set[str]:
    """And the English for what stands among them: names of languages, commands."""
    return words.union(*(_ENGLISH_OF[w] for w in words & _ENGLISH_OF.keys()))


def initials(title: str) -> set[str]:
    """Of each part of a title: "Artificial intelligence - Wikipedia" is asked for as "AI" too."""
    parts = [re.findall(r"\w+", part) for part in re.split(r" [-–—|] |: ", title)]
    return {"".join(w[0] for w in words).casefold() for words in parts if 2 <= len(words) <= 5}


def other_colour(question: str, line: str) -> bool:
    """Whether a line is of a thing in another colour than the one asked for."""
    asked, there = set(tokens(question)) & _COLOURS, set(tokens(line)) & _COLOURS
    return bool(asked and there and not asked & there)


def literals(phrase: str) -> list[str]:
    """What must stand there as it is: names of several words; all of a phrase that is code."""
    return [
        squeezed(text) for text in (_NAMES.findall(phrase) or []) + ([phrase] if _CODE.search(phrase) else [])
    ]


def squeezed(text: str) -> str:
    """Its lines without spaces, whose number nobody can read off a screen."""
    return "\n".join("".join(line.split()) for line in text.splitlines()).casefold()


def spaced(text: str) -> str:
    """File names and addresses in their parts too."""
    return f"{text} {re.sub(r'[_./:-]+', ' ', text)}"


def parts_of(text: str) -> list[str]:
    return [t for t in tokens(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))]

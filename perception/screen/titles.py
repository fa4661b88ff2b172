"""What a window's title says: program, document, site. And a title read off the screen where no platform tells it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches

from runtime.models import TextLine

_TAIL = re.compile(r"\s+[-–—|]\s+")
_BRACKETS = re.compile(r"\s*[\[(][^\[\]()]*[\])]\s*$")
_STATE = re.compile(r"^[\s●•*○◉◌✳⠀-⣿]+|^\(\d+\)\s*|[\s●•*×]+$")
_BROWSERS = re.compile(
    r"\b(firefox|chromium|chrome|edge|brave|opera|vivaldi|safari|librewolf|epiphany|konqueror|falkon|midori|web browser)\b",
    re.I,
)
_PROGRAMS = re.compile(
    r"\b(visual studio code|vs ?code|vscodium|code - oss|libreoffice \w+|openoffice \w+|microsoft \w+|word|excel|"
    r"powerpoint|outlook|onenote|notepad\+*|gimp|inkscape|blender|thunderbird|slack|discord|telegram|whatsapp|signal|teams|zoom|terminal|"
    r"konsole|xterm|powershell|command prompt|gedit|mousepad|kate|emacs|g?vim|sublime text|pycharm|intellij idea|eclipse|"
    r"android studio|xcode|jupyter\w*|rstudio|matlab|obsidian|notion|spotify|vlc media player|thunar|nautilus|files|"
    r"file explorer|finder|dolphin|evince|okular|document viewer|adobe \w+|figma|postman|docker desktop|settings|calculator)\b",
    re.I,
)
_NAMES = {
    name.casefold(): name
    for name in (
        "Mozilla Firefox", "Google Chrome", "Chromium", "Microsoft Edge", "Brave", "Opera", "Vivaldi", "Safari",
        "Visual Studio Code", "VSCodium", "LibreOffice Calc", "LibreOffice Writer", "LibreOffice Impress", "LibreOffice Draw",
        "LibreOffice Base", "Microsoft Word", "Microsoft Excel", "Microsoft PowerPoint", "Microsoft Outlook", "Thunderbird",
        "Mozilla Thunderbird", "Terminal", "Konsole", "Mousepad", "Notepad", "File Explorer", "Slack", "Discord", "Telegram",
        "Microsoft Teams", "Sublime Text", "PyCharm", "IntelliJ IDEA", "Android Studio", "Eclipse", "Obsidian", "Spotify",
    )
}  # fmt: skip
_FOLDERS = re.compile(r"^\W?(?:/|~/|[A-Z]:\\)(?:[^/\\]+[/\\])+(?=[^/\\]+$)")
"""Before a file's name, in the title of an editor that shows all of its path."""
_ADDRESS = re.compile(
    r"(?P<scheme>https?:[/l|]{1,2}|file:/+)?(?P<host>(?:[a-z0-9-]+\.)+[a-z]{2,24}|localhost|\d{1,3}(?:\.\d{1,3}){3})"
    r"(?P<port>:\d{2,5})?(?P<path>[/?#][^\s]*)?",
    re.I,
)
_MENU = {
    "file", "edit", "view", "insert", "format", "tools", "window", "help", "selection", "go", "run", "terminal",
    "history", "bookmarks", "document", "search", "tabs", "table", "data", "sheet", "styles", "form", "image", "layer",
}  # fmt: skip
_CLOCK = re.compile(
    r"^\W*(?:(?:mon|tue|wed|thu|fri|sat|sun)\w*\W*)?(?:\d{1,2}[:.]\d{2}(?:[:.]\d{2})?\s*(?:[ap]\.?m\.?)?"
    r"|\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}|\d{1,3}\s*%|[-\d]+\s*°?\s*[CF℃℉])\W*$",
    re.I,
)

# Of the picture's height: where titles, and a browser's address, can stand on a screen without window data.
_SAME = 0.85
_TITLE_STRIP = 0.055
_TOP_ROW = 0.02
_ADDRESS_STRIP = 0.14
_EDGE = 0.045


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stood on the screen. document: the title without the program. site: host of a web page."""

    program: str = ""
    document: str = ""
    site: str = ""
    title: str = ""

    @property
    def key(self) -> str:
        """The same for titles that differ only by case, spaces and signs."""
        return re.sub(r"[\W_]+", "", f"{self.program}{self.document}{self.site}".casefold())

    def __str__(self) -> str:
        parts = [self.document, f"({self.site})" if self.site else "", self.program]
        return " ".join(p if p != self.program or not self.document else f"in {p}" for p in parts if p)


def place_of(title: str, program: str = "", address: str = "") -> Place:
    """program: the window's class where the platform tells it; else the title's last part is taken for one."""
    clean = _STATE.sub("", title.strip()).strip()
    parts = [p for p in _TAIL.split(_BRACKETS.sub("", clean)) if p.strip()]
    named = _name(parts[-1].strip()) if parts else ""
    browser = bool(_BROWSERS.search(named)) or bool(_BROWSERS.search(program))
    known = browser or bool(_PROGRAMS.search(named))
    host = site_of(address) if address else ""
    parts = [_FOLDERS.sub("", part) for part in parts]
    if program:
        tail = bool(named) and (known or program.casefold() in named.casefold())
        document = " - ".join(parts[:-1]) if tail and len(parts) > 1 else ("" if tail else " - ".join(parts))
        return Place(named if tail else program, document, host if browser else "", clean)
    if known:
        return Place(named, " - ".join(parts[:-1]), host if browser else "", clean)
    if host:
        return Place("web browser", " - ".join(parts), host, clean)
    if len(parts) > 1:
        return Place(named, " - ".join(parts[:-1]), "", clean)
    return Place("", clean, "", clean)


def same_place(a: Place, b: Place) -> bool:
    """Two readings of one title: a letter or two read otherwise, or hidden by the pointer."""
    if re.findall(r"\d+", a.document + a.site) != re.findall(r"\d+", b.document + b.site):
        return False
    return all(
        x == y or (min(len(x), len(y)) > 3 and SequenceMatcher(None, x, y, autojunk=False).ratio() >= _SAME)
        for x, y in zip((a.document, a.site, a.program), (b.document, b.site, b.program), strict=True)
    )


def _name(text: str) -> str:
    """A program's name, as it is written where it was only misread."""
    near = get_close_matches(text.casefold(), _NAMES, n=1, cutoff=_SAME)
    return _NAMES[near[0]] if near else text


def is_browser(program: str) -> bool:
    return bool(_BROWSERS.search(program)) or program == "web browser"


def site_of(text: str) -> str:
    """The host of the first address in a line, without "www."; "" where there is none."""
    for match in _ADDRESS.finditer(text):
        host = match["host"].casefold()
        named = match["scheme"] or host.startswith("www.") or match["path"] or match["port"]
        if (
            named
            or host == "localhost"
            or re.search(r"\.(com|org|net|edu|gov|io|de|uk|fr|cn|eu|info)$", host)
        ):
            return host.removeprefix("www.") + (match["port"] or "")
    return ""


def read_title(lines: Sequence[TextLine]) -> tuple[str, str]:
    """(title, address bar) read off the top of a screen, each "" where none stands there."""
    top = [
        line
        for line in lines
        if (line.box[1] + line.box[3]) / 2 < _TITLE_STRIP and len(line.text) > 2 and not is_menu(line.text)
    ]
    top = [line for line in top if not _CLOCK.match(line.text)]
    first = min((line.box[1] + line.box[3] for line in top), default=0.0) / 2
    row = [line for line in top if (line.box[1] + line.box[3]) / 2 - first < _TOP_ROW]
    title = max(row, key=lambda line: (_title_like(line.text), len(line.text)), default=None)
    address = next(
        (
            line.text
            for line in sorted(lines, key=lambda line: line.box[1])
            if line.box[3] < _ADDRESS_STRIP and line is not title and site_of(line.text)
        ),
        "",
    )
    return (_tab(title.text) if title is not None else "", address)


def _tab(text: str) -> str:
    """Without the icon before and the cross behind a tab's name, which are read as signs."""
    return re.sub(r"^\w\s+(?=\w{3})|\s+[×xX+✕]\s*\+?$", "", text).strip()


def _title_like(text: str) -> int:
    named = _TAIL.split(_BRACKETS.sub("", text))
    return (
        2
        if len(named) > 1 and (_BROWSERS.search(named[-1]) or _PROGRAMS.search(named[-1]))
        else int(len(named) > 1 or bool(_BROWSERS.search(text)))
    )


def is_menu(text: str) -> bool:
    """A row of menu names."""
    words = re.findall(r"[a-z]+", text.casefold())
    return len(words) >= 2 and sum(w in _MENU for w in words) >= 0.75 * len(words)


def is_chrome(line: TextLine) -> bool:
    """A clock, a date, a battery's charge or the weather in a bar at the screen's edge."""
    at_edge = line.box[3] > 1 - _EDGE or line.box[1] < _EDGE
    return at_edge and bool(_CLOCK.match(line.text))

"""Documents from files (PDF, Word, HTML), as messages: a paragraph each, with its heading and where it stands.

Their times: a date in the file's name, else when the document says that it was made, else when the file was last changed.
"""

from __future__ import annotations

import io
import logging
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from memory.conversation import Message
from memory.text import sentences
from memory.text_files import date_in, dated
from memory.zone import unix_of
from runtime.errors import InputError

_LONG_CHARS = 800
"""A paragraph of more is remembered in parts."""
_MOST_BYTES = 100_000_000
"""Of a document, or of a part of it after decompression."""
_BLOCKS = frozenset(
    "address article aside blockquote br caption dd div dl dt fieldset figcaption figure footer form header hr li main nav ol "
    "p pre section table tr ul".split()
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_UNSEEN = frozenset(("script", "style", "template", "noscript", "svg", "head"))
_DATES = frozenset(("article:published_time", "date", "dc.date", "dcterms.created", "datepublished"))
_CHARSET = re.compile(rb"charset=[\"']?([\w-]+)", re.IGNORECASE)
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
"""What older programs show of a text box, which stands beside it once more."""
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    ElementTree.ParseError,
    NotImplementedError,
    RuntimeError,
)
"""What zipfile and ElementTree raise of a file that is damaged, encrypted or no such thing."""
_CREATED = "{http://purl.org/dc/terms/}created"


@dataclass(frozen=True, slots=True)
class _Paragraph:
    text: str
    heading: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class _Document:
    """made: when it says that it was made."""

    paragraphs: list[_Paragraph]
    made: datetime | None


def read_document(path: Path, zone: tzinfo | None = None) -> list[Message]:
    """zone: of dates that name none (memory/zone.py). Raises InputError."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path}: larger than {_MOST_BYTES // 1_000_000} MB")
        found = DOCUMENTS[path.suffix.lower()](path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    made_s = _unix(found.made, zone)
    time_s = dated(path.name, zone) or made_s or path.stat().st_mtime
    out = []
    for one in found.paragraphs:
        place = path.name if one.page is None else f"{path.name}, page {one.page}"
        for part in _parts(one.text):
            text = f"{one.heading}: {part}" if one.heading and one.heading != part else part
            out.append(Message(text, time_s, path.name, ref=place))
    if not out:
        raise InputError(f"{path}: no text in it (of scanned pages the pictures can be added)")
    return out


def _parts(text: str) -> Iterator[str]:
    """A paragraph, or of a long one as many sentences at a time as have room."""
    text = " ".join(text.split())
    if len(text) <= _LONG_CHARS:
        yield from filter(None, (text,))
        return
    part = ""
    for sentence in sentences(text):
        if part and len(part) + len(sentence) >= _LONG_CHARS:
            yield part
            part = ""
        part = f"{part} {sentence}".strip()
    yield from filter(None, (part,))


def _pdf(raw: bytes, name: str) -> _Document:
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        reader = pypdf.PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError(f"{name}: is encrypted")
        paragraphs = [
            _Paragraph(re.sub(r"(?<=\w)-\n(?=[a-z])", "", block), page=number)
            for number, page in enumerate(reader.pages, 1)
            for block in re.split(r"\n\s*\n", page.extract_text())
        ]
        made = reader.metadata.creation_date if reader.metadata is not None else None
    except InputError:
        raise
    except Exception as error:  # what a broken PDF raises is anything
        raise InputError(f"{name}: not a PDF that can be read ({_line(error)})") from None
    return _Document(paragraphs, made)


def _word(raw: bytes, name: str) -> _Document:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            body = _xml(packed, "word/document.xml", name).find(f"{_WORD}body")
            about = (
                _xml(packed, "docProps/core.xml", name) if "docProps/core.xml" in packed.namelist() else None
            )
    except _BROKEN as error:
        raise InputError(f"{name}: not a Word document (.docx) that can be read ({_line(error)})") from None
    paragraphs: list[_Paragraph] = []
    heading = ""
    for block in _blocks(body) if body is not None else ():
        if block.tag == f"{_WORD}tbl":
            for row in _inside(block, "tr"):
                cells = [_written(cell) for cell in _inside(row, "tc")]
                paragraphs.append(_Paragraph(", ".join(filter(None, cells)), heading))
        elif _style(block).startswith(("heading", "title")):
            heading = _written(block)
        else:
            paragraphs.append(_Paragraph(_written(block), heading))
    made = about.findtext(_CREATED) if about is not None else None
    return _Document(paragraphs, _iso(made))


def _blocks(parent: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """What is directly inside, and what content controls (a form's fields, a table of contents) hold in its place."""
    for block in parent:
        if block.tag == f"{_WORD}sdt":
            for content in block.findall(f"{_WORD}sdtContent"):
                yield from _blocks(content)
        else:
            yield block


def _inside(parent: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Rows of a table or cells of a row, not those of a table in a cell."""
    return (block for block in _blocks(parent) if block.tag == f"{_WORD}{name}")


def _xml(packed: zipfile.ZipFile, member: str, name: str) -> ElementTree.Element:
    if packed.getinfo(member).file_size > _MOST_BYTES:
        raise InputError(f"{name}: {member} is larger than {_MOST_BYTES // 1_000_000} MB")
    text = packed.read(member)
    if b"<!DOCTYPE" in text:
        raise InputError(f"{name}: {member} declares entities, which no Word document does")
    root = ElementTree.fromstring(text)
    for parent in list(root.iter()):
        for twice in parent.findall(_FALLBACK):
            parent.remove(twice)
    return root


def _style(paragraph: ElementTree.Element) -> str:
    found = paragraph.find(f"{_WORD}pPr/{_WORD}pStyle")
    return "" if found is None else found.get(f"{_WORD}val", "").casefold()


def _written(element: ElementTree.Element) -> str:
    apart = {f"{_WORD}{name}" for name in ("p", "tab", "br", "cr")}
    runs = (
        one.text or "" if one.tag == f"{_WORD}t" else " " if one.tag in apart else ""
        for one in element.iter()
    )
    return " ".join("".join(runs).split())


def _html(raw: bytes, name: str) -> _Document:
    charset = _CHARSET.search(raw[:4096])
    try:
        text = raw.decode("utf-8-sig" if charset is None else charset[1].decode())
    except (UnicodeError, LookupError):
        raise InputError(f"{name}: not a text in the encoding that it names (or UTF-8)") from None
    page = _Page()
    page.feed(text)
    page.close()
    return _Document(page.paragraphs(), page.made)


class _Page(HTMLParser):
    """What of an HTML page is read by people, in paragraphs under their headings."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.made: datetime | None = None
        self._found: list[_Paragraph] = []
        self._heading = ""
        self._words: list[str] = []
        self._unseen = 0
        self._title: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {key: value or "" for key, value in attrs}
        if tag == "meta" and (about.get("property") or about.get("name", "")).casefold() in _DATES:
            self.made = self.made or _iso(about.get("content"))
        elif tag == "time":
            self.made = self.made or _iso(about.get("datetime"))
        if tag == "title" and not self._heading:
            self._title = []
        if tag == "body":
            self._unseen = 0  # a head that was never closed
        if tag in _UNSEEN:
            self._unseen += 1
        if tag in _BLOCKS or tag in _HEADINGS:
            self._end()
        elif tag in ("td", "th"):
            self._words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title" and self._title is not None:
            self._heading, self._title = " ".join("".join(self._title).split()), None
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if tag in _HEADINGS:
            self._heading = " ".join("".join(self._words).split()) or self._heading
            self._words = []
        elif tag in _BLOCKS:
            self._end()

    def handle_data(self, data: str) -> None:
        if self._title is not None:
            self._title.append(data)
        elif not self._unseen:
            self._words.append(data)

    def paragraphs(self) -> list[_Paragraph]:
        self._end()
        return self._found

    def _end(self) -> None:
        if text := "".join(self._words).strip():
            self._found.append(_Paragraph(text, self._heading))
        self._words = []


def _iso(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat((text or "").strip())
    except ValueError:
        return date_in(text or "")


def _unix(when: datetime | None, zone: tzinfo | None) -> float | None:
    try:
        return None if when is None else unix_of(when, zone)
    except (ValueError, OverflowError):  # the year 1 or 9999
        return None


def _line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:120]


DOCUMENTS: dict[str, Callable[[bytes, str], _Document]] = {
    ".pdf": _pdf,
    ".docx": _word,
    ".html": _html,
    ".htm": _html,
}
"""How each kind is read, by how its name ends."""

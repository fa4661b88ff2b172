"""PDF, Word and HTML: what is read of each, when it was, and what cannot be read."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memory.documents import read_document
from runtime.errors import InputError

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def write_pdf(path: Path, pages: Sequence[Sequence[str]], created: str = "") -> Path:
    """pages: of lines, set in Helvetica."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{4 + 2 * i} 0 R' for i in range(len(pages)))}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, lines in enumerate(pages):
        drawn = f"BT /F1 12 Tf 50 750 Td 14 TL {' '.join(f'({line}) Tj T*' for line in lines)} ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * i} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    objects.append(f"<< /CreationDate ({created}) >>" if created else "<< >>")
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{one}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    path.write_bytes(
        out
        + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\n"
        f"startxref\n{len(out)}\n%%EOF".encode()
    )
    return path


def write_word(path: Path, body: str, core: str = "", head: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(
            "word/document.xml", f'{head}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
        )
        if core:
            packed.writestr(
                "docProps/core.xml",
                f'<c:p xmlns:c="urn:c" xmlns:d="http://purl.org/dc/terms/"><d:created>{core}</d:created></c:p>',
            )
    return path


def paragraph(text: str, style: str = "") -> str:
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{styled}<w:r><w:t>{text}</w:t></w:r></w:p>"


def test_a_pdf_says_on_which_page_and_is_as_old_as_it_says(tmp_path: Path) -> None:
    path = write_pdf(
        tmp_path / "report.pdf",
        [["The treasurer is", "Mirela Quist."], ["The mast was deliv-", "ered by Boreas."]],
        "D:20240310120000Z",
    )
    assert [(m.text, m.ref, m.time_s, m.speaker) for m in read_document(path)] == [
        ("The treasurer is Mirela Quist.", "report.pdf, page 1", at("2024-03-10T12:00"), None),
        ("The mast was delivered by Boreas.", "report.pdf, page 2", at("2024-03-10T12:00"), None),
    ]


def test_the_date_in_a_name_counts_more_and_that_of_the_file_least(tmp_path: Path) -> None:
    named = write_pdf(tmp_path / "2023-01-02 report.pdf", [["Words."]], "D:20240310120000Z")
    silent = write_pdf(tmp_path / "report.pdf", [["Words."]])
    os.utime(silent, (1000.0, 2000.0))
    assert [m.time_s for m in (*read_document(named), *read_document(silent))] == [at("2023-01-02"), 2000.0]


def test_a_word_document_has_headings_and_rows(tmp_path: Path) -> None:
    rows = (
        f"<w:tbl><w:tr><w:tc>{paragraph('Rope')}</w:tc><w:tc>{paragraph('88 crowns')}</w:tc></w:tr></w:tbl>"
    )
    body = paragraph("Budget", "Heading1") + paragraph("Paint costs 320 crowns.") + paragraph("") + rows
    path = write_word(tmp_path / "budget.docx", body, "2024-03-05T09:00:00Z")
    assert [(m.text, m.time_s) for m in read_document(path)] == [
        ("Budget: Paint costs 320 crowns.", at("2024-03-05T09:00")),
        ("Budget: Rope, 88 crowns", at("2024-03-05T09:00")),
    ]


def test_of_a_word_document_everything_is_read_once_and_apart(tmp_path: Path) -> None:
    def table(*cells: str) -> str:
        return f"<w:tbl><w:tr>{''.join(f'<w:tc>{cell}</w:tc>' for cell in cells)}</w:tr></w:tbl>"

    box = "".join(f"<m:{kind}>{paragraph('Shut in May')}</m:{kind}>" for kind in ("Choice", "Fallback"))
    body = (
        f"<w:sdt><w:sdtContent>{paragraph('Harbour', 'Heading1')}{paragraph('It has two piers.')}</w:sdtContent></w:sdt>"
        + table(paragraph("Ana Ruiz") + paragraph("Pier 4"), paragraph("Keys") + table(paragraph("Gate")))
        + f'<w:p xmlns:m="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:r>{box}</w:r></w:p>'
    )
    assert [m.text for m in read_document(write_word(tmp_path / "harbour.docx", body))] == [
        "Harbour: It has two piers.",
        "Harbour: Ana Ruiz Pier 4, Keys Gate",
        "Harbour: Shut in May",
    ]


def test_of_a_page_only_what_people_read(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        """<html><head><title>Tours</title><meta property="article:published_time" content="2024-02-11T08:00:00Z">
        <script>var hidden = "<p>code</p>"</script><style>p {}</style></head><body><p>By boat &amp; <b>foot</b>.
        <h1>Opening times</h1><p>It opens at <i>ten</i>.<p>Tickets cost 12 crowns.
        <table><tr><td>Child</td><td>6</td></tr></table><noscript>none</noscript></body></html>"""
    )
    found = read_document(path)
    assert [m.text for m in found] == [
        "Tours: By boat & foot.",
        "Opening times: It opens at ten.",
        "Opening times: Tickets cost 12 crowns.",
        "Opening times: Child 6",
    ]
    assert {m.time_s for m in found} == {at("2024-02-11T08:00")}


def test_a_page_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "page.htm"
    path.write_bytes('<meta charset="latin-1"><p>Blåbær koster 30 kroner.</p>'.encode("latin-1"))
    assert [m.text for m in read_document(path)] == ["Blåbær koster 30 kroner."]


def test_a_long_paragraph_is_cut_between_sentences(tmp_path: Path) -> None:
    path = tmp_path / "long.html"
    path.write_text("<p>" + " ".join(f"Sentence {n} tells of boat number {n}." for n in range(60)) + "</p>")
    parts = [m.text for m in read_document(path)]
    assert len(parts) > 1
    assert max(map(len, parts)) <= 800
    assert " ".join(parts).count("Sentence") == 60
    assert all(part.startswith("Sentence") and part.endswith(".") for part in parts)


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "torn.pdf").write_bytes(write_pdf(tmp_path / "whole.pdf", [["Words."]]).read_bytes()[:200])
    (tmp_path / "none.pdf").write_text("no PDF")
    (tmp_path / "none.docx").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "other.docx", "w") as packed:
        packed.writestr("a.txt", "not Word")
    write_word(tmp_path / "entities.docx", paragraph("x"), head='<!DOCTYPE d [<!ENTITY a "aa">]>')
    (tmp_path / "none.html").write_bytes(b"<p>\xff\xfe")
    (tmp_path / "empty.html").write_text("<p> </p>")
    why = {
        "torn.pdf": "torn.pdf",
        "none.pdf": "not a PDF",
        "none.docx": "not a Word document",
        "other.docx": "not a Word document",
        "entities.docx": "declares entities",
        "none.html": "encoding",
        "empty.html": "no text in it",
    }
    for name, text in why.items():
        with pytest.raises(InputError, match=text) as raised:
            read_document(tmp_path / name)
        assert name in str(raised.value)
        assert "\n" not in str(raised.value)

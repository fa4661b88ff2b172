"""How an answer quotes what proves it."""

from __future__ import annotations

from reasoning.compose import quote
from runtime.messages import Evidence


def of(text: str, asked: str = "") -> Evidence:
    return Evidence("a", "notes", "said", text, 0.0, 1.0, asked=asked)


def test_what_is_short_is_quoted_whole() -> None:
    assert quote(of("Ana has the key."), "Ana has the key.") == "“Ana has the key.”"
    assert quote(of("Ana: Ben.", asked="Ben: Who has it?")) == "“Ben: Who has it?” “Ana: Ben.”"


def test_of_what_is_long_its_begin_and_what_answers() -> None:
    page = (
        f"Chapter 7: The lighthouse. {'It stands on a rock. ' * 20}Its keeper is Noor. {'Waves come. ' * 9}"
    )
    cut = quote(of(page), "Its keeper is Noor.")
    assert cut.startswith("“Chapter 7: The lighthouse.") and cut.endswith("… Its keeper is Noor.”")
    assert len(cut) < 120
    assert quote(of(page), "Chapter 7: The lighthouse.") == "“Chapter 7: The lighthouse. …”"

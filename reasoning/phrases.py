"""Where phrases begin and end in a parsed sentence (spaCy): a number with its unit, a time, a clause."""

from __future__ import annotations

from typing import Any

UNITS = frozenset(
    """second minute hour day week month year decade century metre meter kilometre kilometer mile foot inch
    litre liter gram kilogram kilo tonne degree percent dollar euro pound cent ml kg km cm mm g l lap
    page spoon cup""".split()
)


def capitals_end(doc: Any, start: int) -> int:
    end = start
    while end < len(doc) and doc[end].text[:1].isupper():
        end += 1
    return end


def number_phrase(doc: Any, i: int) -> tuple[int, int]:
    start, end = i, i + 1
    while (
        start > 0
        and (doc[start - 1].like_num or doc[start - 1].lower_ in {"and", "$", "€", "£"})
        and doc[start - 1].pos_ in {"NUM", "SYM", "CCONJ"}
    ):
        start -= 1
    while end < len(doc) and (
        doc[end].like_num
        or doc[end].lemma_.lower() in UNITS
        or doc[end].lower_ in {"%", "am", "pm", "a.m.", "p.m."}
    ):
        end += 1
    while start < i and doc[start].pos_ == "CCONJ":
        start += 1
    if start > 1 and doc[start - 1].text == "-" and doc[start - 2].like_num:
        start -= 2  # "fifty-eight"
    if end + 1 < len(doc) and doc[end].text == "-" and doc[end + 1].like_num:
        end += 2
    if start > 1 and doc[start - 1].lower_ in {"past", "to"}:
        before = doc[start - 2]
        if before.lower_ in {"half", "quarter"} or (before.like_num and doc[start - 1].lower_ == "past"):
            start -= 2  # "half past six"
    ranges = start and end + 1 < len(doc) and doc[start - 1].lower_ in {"from", "between"}
    if ranges and doc[end].lower_ in {"to", "until", "till", "and"} and doc[end + 1].like_num:
        return start - 1, number_phrase(doc, end + 1)[1]  # "from one to three"
    return start, end


def time_phrase(doc: Any, i: int) -> tuple[int, int]:
    token = doc[i]
    head = token
    while (
        head.head is not head
        and head.dep_ in {"pobj", "compound", "nmod", "amod", "npadvmod", "prep"}
        and head.head.pos_ in {"ADP", "NOUN", "PROPN", "NUM"}
    ):
        head = head.head
    start, end = head.left_edge.i, head.right_edge.i + 1
    return (start, end) if start <= i < end and end - start <= 9 else (i, i + 1)


def phrase_end(doc: Any, token: Any) -> int:
    end = token.right_edge.i + 1
    for other in doc[token.i + 1 : end]:
        if other.dep_ in {"conj", "relcl", "advcl"} and other.pos_ in {"VERB", "AUX"}:
            return int(other.left_edge.i)
    return int(end)


def clause_end(doc: Any, i: int) -> int:
    for token in doc[i + 1 :]:
        if token.is_sent_start or token.text in {".", ";", "!", "?"}:
            return int(token.i)
    return len(doc)

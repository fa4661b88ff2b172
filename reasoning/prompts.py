"""What the language model is asked, under a token budget."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from reasoning.times import clock_text
from runtime.messages import Evidence, Modality

NOT_IN_MEMORY = "NOT IN MEMORY"

_VERB: dict[Modality, str] = {"said": "said", "read": "on screen", "seen": "seen"}

CAPABLE = f"""You answer questions about a video from what was perceived in it. Each memory below has a number in brackets, \
its time, and whether it was said, read on screen or seen. Pictures, if any, follow in the order of the [n] they belong to.
Use only these memories. When memories disagree, the later one holds, unless the question asks how it was before.
Answer in one or two short sentences and cite the memories you used, like [2]. Give times as they stand in the memories.
If the memories do not contain the answer, reply exactly: {NOT_IN_MEMORY}
If, and only if, another search would help, reply exactly: SEARCH: <a few words>"""

SMALL = "Answer the question with a few words copied from the text."


def prompt_hash() -> str:
    """Identifies the prompts in use, for records of how an answer came to be."""
    return hashlib.sha256((CAPABLE + SMALL).encode()).hexdigest()[:12]


def estimate_tokens(text: str) -> int:
    """An upper guess without a tokenizer: English runs at about four characters a token."""
    return len(text) // 3 + 1


def memory_line(number: int, evidence: Evidence) -> str:
    text = " / ".join(line.strip() for line in evidence.text.splitlines() if line.strip())
    span = f"{clock_text(evidence.t_start_s)}-{clock_text(evidence.t_end_s)}"
    return f"[{number}] ({span}, {_VERB[evidence.modality]}) {text}"


def fit_evidence(evidence: Sequence[Evidence], budget_tokens: int) -> list[Evidence]:
    """The longest run of the best evidence whose lines fit; a line that is too long alone is cut, not dropped."""
    out: list[Evidence] = []
    left = budget_tokens
    for number, item in enumerate(evidence, 1):
        cost = estimate_tokens(memory_line(number, item)) + 1
        if cost > left:
            break
        out.append(item)
        left -= cost
    return out


def capable_messages(
    question: str,
    options: Sequence[str],
    evidence: Sequence[Evidence],
    images: Sequence[bytes],
    now_s: float | None,
) -> list[dict[str, Any]]:
    """Messages for a model that can follow instructions. images are JPEG bytes, sent by the client as data URLs."""
    lines = [memory_line(i, e) for i, e in enumerate(evidence, 1)]
    parts = ["Memories:", *(lines or ["(none)"]), ""]
    if now_s is not None:
        parts.append(f"It is now {clock_text(now_s)} in the video.")
    parts.append(f"Question: {question}")
    if options:
        parts += ["Options:", *(f"{chr(65 + i)}. {o}" for i, o in enumerate(options))]
        parts.append("Begin your answer with the letter of the right option.")
    return [{"role": "system", "content": CAPABLE}, {"role": "user", "content": "\n".join(parts)}]


def small_messages(question: str, evidence: Evidence) -> list[dict[str, Any]]:
    """Messages for a small text model: one statement, one question, no instructions it would trip over."""
    text = " ".join(evidence.text.split())
    return [
        {"role": "system", "content": SMALL},
        {"role": "user", "content": f"Text: {text}\nQuestion: {question}\nAnswer:"},
    ]


_CITATION = re.compile(r"\[(\d+(?:\s*[,;]\s*\d+)*)\]")


def cited_numbers(text: str) -> list[int]:
    """Numbers cited as [1] or [1, 3], in order, each once."""
    found = [int(n) for m in _CITATION.finditer(text) for n in re.split(r"[,;]", m[1])]
    return list(dict.fromkeys(found))


def without_citations(text: str) -> str:
    return re.sub(r"\s+([.,;!?])", r"\1", _CITATION.sub("", text)).strip()

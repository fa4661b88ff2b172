"""A day or an hour that the screen tells of: "pay by 26 March", "Delivery: Monday"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from memory.text import tokens
from memory.time_words import MONTH, WEEKDAYS
from reasoning.screen.facts import Fact
from reasoning.screen.find import Moment, around
from reasoning.screen.words import content, covered, kind_words, spaced, with_english

_WEEKDAY = rf"(?-i:(?=[A-Z]))(?:{'|'.join(f'{d}|{d[:3]}' for d in WEEKDAYS)})\b"
_CLOCK = r"\d{1,2}[:.]\d{2}(?:\s*[ap]\.?m\b)?|\d{1,2}\s*[ap]\.?m\b|\d{1,2} o'clock"
DATE = re.compile(
    rf"\b(?:(?:(?:{_WEEKDAY}),? )?(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}(?: \d{{4}})?"
    rf"|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|\d{{4}}-\d\d-\d\d"
    rf"|{_WEEKDAY})\b(?:,? (?:at )?(?:{_CLOCK}))?|(?<![\d:.])(?:{_CLOCK})(?![\d:.])",
    re.I,
)
_LEADS = re.compile(
    r"(?:\b(?:by|until|till|before|due|on|at|from|after|for|ends?|starts?|is|expected)|:)\s+(?:the )?$", re.I
)
_LEAST = 0.6
_NEAR = 2


def dated(question: str, moments: Sequence[Moment]) -> Fact | None:
    """Of the records that are about the question, the time in the line that is nearest to its words; of equal ones the
    latest. A line that is a date and nothing more (when a mail came) says of nothing when it is.
    """
    wanted = content(question)
    facts = []
    for m in moments:
        lines = m.evidence.text.splitlines()
        title = kind_words(m.program, m.site) | set(tokens(spaced(m.document)))
        words = [with_english(set(tokens(spaced(line)))) for line in lines]
        whole = covered(wanted, title.union(*words))
        if whole < _LEAST:
            continue
        for i, line in enumerate(lines):
            near = covered(wanted, title.union(*words[max(0, i - _NEAR) : i + _NEAR + 1]))
            for found in DATE.finditer(line):
                leads = bool(_LEADS.search(line[: found.start()]))
                if leads or covered(wanted, words[i]) > 0.0:
                    score = whole + near + covered(wanted, words[i]) + 0.5 * leads
                    facts.append(Fact(found.group().strip(), line, around(m, i), score))
    return max(facts, key=lambda f: (round(f.score, 2), f.moment.wall_s), default=None)

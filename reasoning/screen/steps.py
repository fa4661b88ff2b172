"""How something was done: the steps of the last time, from what opened, what it asked and what was chosen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from memory.text import tokens
from reasoning.screen.find import Finder, Moment
from reasoning.screen.when import When
from reasoning.screen.words import content, covered

_APART_S = 900.0
_MOST = 8
_LEAST = 0.6
_FEW = 2
_GOES_ON_S, _AT_MOST_S = 480.0, 1200.0
_BEFORE = 2
_TOOLBAR = 4
_TITLE = 40
_LONGEST = 90
_INSTRUCTION = re.compile(
    r"^\W{0,3}(?:choose|select|pick|insert|add|save|export|import|open|create|new|set|enter|type|click|press|apply|confirm|"
    r"print|share|send|upload|download|install|run|rename|move|copy|delete|remove|convert|format|edit|sign|log ?in|search|"
    r"customi[sz]e|configure|enable|disable|attach|publish|merge|commit|push|build|start)\b",
    re.I,
)
COMMAND = re.compile(
    r"^\s*(?:(?:[\w.-]+@)?[\w.:~/\[\]-]*\s?[$#%❯]|>>>|PS [\w:\\.-]+>)\s*(?P<command>(?:\./|~?/)?[a-z][\w./-]*(?:\s.*)?)$"
)
_MENU = {
    "file", "edit", "view", "insert", "format", "styles", "sheet", "data", "tools", "window", "help", "search", "document",
    "history", "bookmarks", "selection", "go", "run", "terminal", "table", "form", "image", "layer", "tabs", "save", "copy",
}  # fmt: skip
_GENERIC = {
    *tokens(
        "make do create set get use write work build change draw produce launch run start execute call open"
    )
}
"""Verbs that say no more than that it was done: no dialog repeats them."""
_PERIOD = re.compile(r"\w[.!?]\s*$")


@dataclass(frozen=True, slots=True)
class Step:
    """what: the line, or the window that came to the front. weight: how sure it is that it was a step."""

    moment: Moment
    what: str
    weight: float


@dataclass(frozen=True, slots=True)
class Procedure:
    """steps: in order of time. before: Unix times at which it was done before, oldest first."""

    steps: tuple[Step, ...]
    before: tuple[float, ...]


async def procedure(finder: Finder, phrase: str, when: When) -> Procedure | None:
    """The last time that it was done. None: it was never seen.

    A run is a stretch of time in which what is asked about stood on the screen, with what opened and was asked for
    right before and in between. Steps that an earlier run had too are surer than those that only this one has.
    """
    wanted = content(phrase)
    if len(wanted) > 1:
        wanted = [w for w in wanted if w not in _GENERIC] or wanted
    moments = sorted(
        [*await finder.texts(when), *await finder.in_front(phrase, when)], key=lambda m: m.wall_s
    )
    if not wanted or not moments:
        return None
    runs = [run for part in _stretches(moments) if (run := _run(part, wanted))]
    if not runs:
        return None
    last, earlier = runs[-1], runs[:-1]
    seen = Counter(key for run in earlier for key in {_key(s.what) for s in run})
    again = [s for s in last if seen[_key(s.what)]]
    if len(again) > 1:
        last = again
    best = sorted(last, key=lambda s: -s.weight)[:_MOST]
    steps = tuple(sorted(best, key=lambda s: s.moment.wall_s))
    same = [run for run in earlier if {_key(s.what) for s in run} & {_key(s.what) for s in steps}]
    return Procedure(steps, tuple(run[0].moment.wall_s for run in same))


def _stretches(moments: Sequence[Moment]) -> list[list[Moment]]:
    """Parted where nothing new came for a while."""
    out: list[list[Moment]] = []
    for m in moments:
        if out and m.wall_s - out[-1][-1].wall_s <= _APART_S:
            out[-1].append(m)
        else:
            out.append([m])
    return out


def _run(part: Sequence[Moment], wanted: Sequence[str]) -> list[Step]:
    """The steps of one stretch; none where it does not have what is asked about."""
    words = [{*tokens(m.evidence.text), *tokens(m.document)} for m in part]
    # What belongs to one thing comes line by line: a command, and what it was said of right before.
    near = [covered(wanted, set().union(*words[max(0, i - _BEFORE) : i + 1])) for i in range(len(part))]
    best = max(near)
    if best < (1.0 if len(wanted) <= _FEW else _LEAST):
        return []
    fit = [i for i, share in enumerate(near) if share >= best - 0.3]
    programs = {part[i].program for i in fit}
    first, last = fit[0], fit[-1]
    until = last
    for i in range(last + 1, len(part)):
        gap, whole = part[i].wall_s - part[until].wall_s, part[i].wall_s - part[last].wall_s
        if part[i].program not in programs or gap > _GOES_ON_S or whole > _AT_MOST_S:
            break
        until = i
    steps: dict[str, Step] = {}
    for m in part[max(0, first - _BEFORE) : until + 1]:
        for what, weight in _told(m, wanted):
            known = steps.get(_key(what))
            if known is None or weight > known.weight:
                steps[_key(what)] = Step(m if known is None else known.moment, what, weight)
    return list(steps.values())


def _told(m: Moment, wanted: Sequence[str]) -> list[tuple[str, float]]:
    """What of a moment is a step, and how surely: a window, a command, an instruction of a dialog."""
    if m.evidence.modality == "seen":
        name = m.document or m.program
        return [(name, 1.0 + covered(wanted, set(tokens(name))))] if name else []
    heading = m.document
    out = []
    for line in m.evidence.text.splitlines():
        text = " ".join(line.split())
        if not 4 <= len(text) <= _LONGEST or (heading and text.startswith(heading)):
            continue
        share = covered(wanted, set(tokens(text)))
        words = re.findall(r"\w+", text)
        toolbar = len(words) > _TOOLBAR and all(word[0].isupper() for word in words)
        if toolbar or all(word.casefold() in _MENU for word in words):
            continue
        if found := COMMAND.match(text):
            out.append((found["command"], 1.5 + share))
        elif _INSTRUCTION.match(text) and not _PERIOD.search(text) and len(text.split()) > 1:
            out.append((text, 0.8 + share))
    return sorted(out, key=lambda told: -told[1])[:2]


def headings(m: Moment) -> list[str]:
    """What a part of a window calls itself: a title that stands there twice (above it, and in a list of parts), and what it
    asks for.
    """
    lines = [" ".join(line.split()) for line in m.evidence.text.splitlines()]
    twice = [line for line, count in Counter(lines).items() if count > 1 and 4 <= len(line) <= _TITLE]
    return [*twice[-1:], *(what for what, _ in _told(m, ())[:1])]


def _key(text: str) -> str:
    return " ".join(tokens(text)) or text


def as_moment(step: Step) -> Moment:
    return replace(step.moment, line=step.what)

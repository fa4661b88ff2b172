"""Questions about what was said while the screen was recorded: by the user, or by others in a call."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from memory.naming import same_name
from memory.text import tokens
from reasoning.screen.calls import BREAK_S
from reasoning.screen.find import Finder, Moment
from reasoning.screen.phrasing import told
from reasoning.screen.when import When
from reasoning.screen.words import content, covered, spaced

Wants = Literal["words", "when", "who", "whether"]

MOST = 4
_LEAST = 0.6
_REPLY_S, _REPLY = 20.0, 0.85
_NEAR_S = 300.0
_CALL = re.compile(
    r",?\s*\b(?:in|during|on|at|over|from)\s+(?:the |a |my |our |that |this |last )?(?:\w+ )?"
    r"(?:call|meeting|phone|conversation|conference|stand-?up|video ?chat)\b(?: with (?P<with>[A-Z][\w'’-]+))?",
    re.I,
)
_SAY = (
    r"(?:say|said|tell|told|mention(?:ed)?|talk(?:ed)?|speak|spoke|promised?|ask(?:ed)?|suggest(?:ed)?|explain(?:ed)?|"
    r"announced?|proposed?|answer(?:ed)?|repl(?:y|ied)|discuss(?:ed)?|agreed?|report(?:ed)?|think|want(?:ed)?)"
)
_NAME = r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?"
_SOMEBODY = (
    r"he|she|they|some(?:one|body)|any(?:one|body)|every(?:one|body)|the others?|the callers?|"
    r"(?:the )?other (?:side|person|end|party)|speaker \d+"
)
_WHO = rf"(?P<who>(?-i:{_NAME})|I|we|{_SOMEBODY})"
_DID = re.compile(
    rf"^(?P<lead>.*?)\b(?:did|has|have|had|was|were|does|do)\s+{_WHO}\s+(?:ever |also |just |already |first |last )?"
    rf"(?P<verb>{_SAY})\b(?:\s+(?:to\s+)?(?:me|us|him|her|them)\b)?\s*(?:about|of|on|that|to|for|with)?\s*(?P<rest>.*)$",
    re.I,
)
_WHO_SAID = re.compile(
    rf"^who (?:was it (?:that|who) )?(?:has |had )?(?:ever |also |first |last )?{_SAY}\b\s*(?:about|of|on|that|to)?\s*"
    r"(?P<rest>.*)$",
    re.I,
)
_WAS_SAID = re.compile(
    r"^(?:what|which \w+)\s+(?:was|were|is|has been|had been|got)\s+(?:said|mentioned|discussed|talked about|agreed|suggested|"
    r"proposed|announced|promised|spoken about)\b\s*(?:about|of|on|that|to)?\s*(?P<rest>.*)$",
    re.I,
)
_HEARD = re.compile(
    r"^(?:what|which \w+|when|where)?\s*(?:did|have|had|do)\s+(?:i|we)\s+(?:ever )?hear[d]?\b\s*"
    r"(?:about|of|on|that|from)?\s*(?P<rest>.*)$",
    re.I,
)
_MINE = {"i", "we"}


@dataclass(frozen=True, slots=True)
class HeardAsk:
    """who: "I", a name, or "" for anybody. other: not the user. call: it speaks of a call. said: it asks for words that were
    said; otherwise it may ask for anything that happened during a call.
    """

    wants: Wants
    who: str
    phrase: str
    call: bool
    other: bool = False
    said: bool = True

    @property
    def only(self) -> bool:
        """Nothing that was read is an answer."""
        return self.call and self.said


def asked_heard(text: str) -> HeardAsk | None:
    """text: the question without the words that say when. None: it does not ask for what was said."""
    text = " ".join(text.split()).strip(" ?.!")
    text, call = without_call(text)
    with_name = call or ""
    if found := _DID.match(text):
        who = found["who"]
        lead = found["lead"].strip().casefold()
        mine = who.casefold() in _MINE and not (who.casefold() == "we" and _both(found["verb"]))
        named = re.fullmatch(_NAME, who) is not None and who.casefold() not in _MINE
        wants: Wants = "when" if re.match(r"when|(?:at )?what time", lead) else "words" if lead else "whether"
        if who.casefold() == "i" and not call and found["verb"].casefold() in {"want", "think"}:
            return None
        phrase = " ".join((_lead(found["lead"]), found["rest"])).strip()
        person = "I" if mine else who if named or who.casefold().startswith("speaker ") else with_name
        other = not mine and not named and who.casefold() not in _MINE and who.casefold()[:3] != "any"
        return HeardAsk(wants, person, phrase, bool(call is not None), other)
    if found := _WHO_SAID.match(text):
        return HeardAsk("who", "", found["rest"].strip(), call is not None)
    if found := _WAS_SAID.match(text):
        return HeardAsk("words", with_name, found["rest"].strip(), call is not None)
    if found := _HEARD.match(text):
        wants = "when" if text.casefold().startswith("when") else "words"
        if re.match(r"(?:did|have|had)", text, re.I):
            wants = "whether"
        return HeardAsk(wants, with_name, found["rest"].strip(), call is not None, other=True)
    if call is not None:
        return HeardAsk("words", with_name, text, True, said=False)
    return None


def without_call(text: str) -> tuple[str, str | None]:
    """The text without "in the call with Ben", and with whom that was; None where it does not speak of one."""
    found = _CALL.search(text)
    if found is None:
        return text, None
    rest = f"{text[: found.start()]} {text[found.end() :]}"
    return " ".join(rest.split()), found["with"] or ""


async def heard_reply(
    finder: Finder, asked: HeardAsk, when: When, at: Callable[[float], str]
) -> tuple[str, Sequence[Moment]]:
    """The words, who said them, by which ear, when, and what was in front; "" and () for nothing."""
    said = await finder.heard(when)
    theirs = _of(said, asked)
    wanted = [w for w in content(asked.phrase) if w not in _EMPTY]
    if not wanted:
        found = _latest_call(theirs)
    else:
        weighed = [replace(m, coverage=_coverage(m, said, wanted)) for m in theirs]
        best = max((m.coverage for m in weighed), default=0.0)
        found = [m for m in weighed if m.coverage >= max(_LEAST, best - 0.1)]
    if not found:
        return "", ()
    shown = found[-MOST:]
    match asked.wants:
        case "when":
            return f"At {at(shown[0].wall_s)}. {told(shown[0], at)}.", shown
        case "whether":
            return f"Yes. {told(shown[0], at)}.", shown
        case _:
            return f"{'; '.join(told(m, at) for m in shown)}.", shown


def people_near(moment: Moment, said: Sequence[Moment]) -> list[str]:
    """Who else spoke within a few minutes, as far as they are known."""
    near = (m for m in said if abs(m.wall_s - moment.wall_s) <= _NEAR_S and m.ear != moment.ear)
    return list(dict.fromkeys(m.evidence.speaker for m in near if m.evidence.speaker))


_EMPTY = set(tokens("what which thing anything something everything else about tell talk speak word"))


def _of(said: Sequence[Moment], asked: HeardAsk) -> list[Moment]:
    if asked.who == "I":
        return [m for m in said if m.ear == "microphone"]
    if asked.who:
        called = [m for m in said if m.evidence.speaker and same_name(m.evidence.speaker, asked.who)]
        # Whose voice it is may not be known, and the call's window may still say with whom it was.
        name = set(tokens(asked.who))
        return called or [m for m in said if m.ear == "system" and name <= set(tokens(spaced(m.place)))]
    return [m for m in said if m.ear == "system"] if asked.other else list(said)


def _coverage(moment: Moment, said: Sequence[Moment], wanted: Sequence[str]) -> float:
    """Share of the wanted words in it; a reply may leave to the words before it what it is about."""
    own = covered(wanted, set(tokens(spaced(moment.line))))
    before = [m for m in said if moment.wall_s - m.wall_s > 0 and moment.wall_s - m.end_wall_s <= _REPLY_S]
    if not before or before[-1].evidence.speaker == moment.evidence.speaker:
        return own
    both = set(tokens(spaced(f"{before[-1].line} {moment.line}")))
    return max(own, _REPLY * covered(wanted, both))


def _latest_call(said: Sequence[Moment]) -> list[Moment]:
    """What was said last, without a long break."""
    out: list[Moment] = []
    for moment in reversed(said):
        if out and out[-1].wall_s - moment.end_wall_s > BREAK_S:
            break
        out.append(moment)
    return out[::-1]


def _both(verb: str) -> bool:
    """What people do together."""
    return re.match(r"talk|discuss|agree|speak|spoke|say|said", verb, re.I) is not None


def _lead(text: str) -> str:
    """What is asked for, where that is more than a question word: "which colour did Ben suggest"."""
    words = re.sub(
        r"^(?:and |so )?(?:what|which|when|why|how|where|whom|who)\b(?: much| many| time)?",
        "",
        text.strip(),
        flags=re.I,
    )
    return words.strip()

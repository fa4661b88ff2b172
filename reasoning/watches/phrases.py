"""Understands, in English, the wish to be told of something: parse_watch."""

from __future__ import annotations

import re
from datetime import tzinfo

from memory.text import sentences
from reasoning.language import Language
from reasoning.watches.clauses import About, about, asks, is_vague
from reasoning.watches.ends import parse_cancel, parse_listing
from reasoning.watches.times import DURATION, at_clock, duration_s, find_times
from reasoning.watches.wishes import Unclear, Watch, Wish
from reasoning.watches.wording import ME, NOT_TO, TELL, WHEN, any_of, bare, phrase, without_article

WHEN_TO_REMIND = "When should I remind you?"
WHAT_TO_WATCH = "What should I watch for?"

LONGEST = 300
"""Characters of a sentence; nobody wishes at greater length."""

# Without one of these nothing is wished, and nothing more is looked at.
_HOT = re.compile(
    r"\b(?:tell|let|notif|alert|warn|inform|ping|messag|signal|wake|shout|beep|holler|say something|speak up|give|know|told|ask|"
    r"hear|call|remind|timer|alarm|watch|look|listen|keep|monitor|forget|never ?mind|cancel|countdown)",
    re.I,
)
_QUESTION = re.compile(r"^(?:what|who|where|why|how|which|did|do|does|was|were|is|are|has|have|had)\b", re.I)
_WH_WORD = re.compile(r"^(?:what|who|whom|whose|where|when|why|how|which|whether|if)\b", re.I)
_DOTTED = re.compile(r"\b([ap])\.\s?m\b\.?", re.I)

_THEN = "[ ,]+(?:then |please |just |you (?:should|can|could) )*"
_TELL_WHEN = phrase(rf"{TELL}[ ,]+{WHEN} (?P<clause>.+)")
_WHEN_TELL = phrase(rf"{WHEN} (?P<clause>.+?){_THEN}{TELL}(?: about (?:it|that)| of it| so)?")
_WATCH_AND_TELL = phrase(
    r"(?:keep )?(?:watch(?:ing)?|monitor(?:ing)?|keep an eye on|listen to|look at) .+?[ ,]*(?:,|\band|\bthen) +",
    rf"(?P<rest>{TELL} {WHEN} .+)",
)
_WATCH_FOR = phrase(
    r"(?:keep )?",
    any_of(
        r"(?P<hear>(?:listen|listening)(?: out)? for|(?:an|your) ears? (?:out |open )?(?:for|on))",
        r"(?P<monitor>monitor(?: for)?)",
        r"(?P<look>look(?:ing)? for)",
        r"(?:watch|watching)(?: out)? for|look(?:ing)? out for|be on the lookout for",
        r"(?:an|your) eyes? (?:out |open )?(?:for|on)",
    ),
    rf" (?P<what>.+?)(?:[ ,]*(?:,|\band|\bthen) *{TELL}(?: (?:when|if|as soon as) you (?:see|hear|spot|find)\b.*)?)?",
)
_WARN_OF = phrase(rf"(?:warn|alert|notify) {ME} (?:about|of|to|on|for) (?P<what>.+)")

_REMIND_ME = rf"remind {ME}"
_WHEN_REMIND = phrase(rf"{WHEN} (?P<clause>.+?){_THEN}{_REMIND_ME} (?:to|about|of|that) (?P<say>.+)")
_REMIND_TO_WHEN = phrase(rf"{_REMIND_ME} (?:to|about|of|that) (?P<say>.+?) {WHEN} (?P<clause>.+)")
_REMIND_WHEN_TO = phrase(rf"{_REMIND_ME} {WHEN} (?P<clause>.+?) to (?P<say>.+)")

_REMIND = phrase(
    "(?P<verb>",
    any_of(
        _REMIND_ME,
        rf"(?:{NOT_TO} let|never let) {ME} forget",
        rf"(?:give {ME}|(?:set|make|add|create|put)(?: me| up)?) a reminder",
    ),
    ")(?:[ ,]+(?P<rest>.+))?",
)
_TIME_THEN = phrase(rf"(?P<head>.+?)[ ,]+(?:please )?(?:{_REMIND_ME}|{TELL})(?:[ ,]+(?P<rest>.+))?")
_TIMER = phrase(
    rf"(?:(?:set|start|give {ME}|make|put on|begin|create|add)(?: me| up)? (?:an?|another|the|my) )?"
    rf"(?:(?P<long>{DURATION})[ -])?(?:timer|alarm clock|alarm|countdown)(?:,? (?P<rest>.+))?"
)
_WAKE = phrase(rf"wake {ME}(?: up)? (?P<rest>.+)")
_TELL_AT = phrase(rf"{TELL}[ ,]+(?P<rest>(?:in|at|after|tomorrow|tonight|every|on)\b.+)")
_IT_IS = phrase(
    rf"it(?:'s| is| gets| turns) (?P<clock>.+)|(?P<long>{DURATION}) (?:is|are|have|has) (?:up|over|passed|gone(?: by)?)"
)
_TO = re.compile(r"^(?:to|that|and|with|called)(?: |$)", re.I)
_OF = re.compile(r"^(?:about|of|for) ", re.I)
_LATER = re.compile(r"(?:(?:to|that) \S|later\b|soon\b|in a (?:bit|while|moment)\b)", re.I)
_BARE_CLOCK = re.compile(
    r"(?<!\bat )(?<!\bby )(?<!\bfor )(?<!\ba )\b((?:a )?(?:half past|quarter (?:past|to)) )", re.I
)
_ONCE = re.compile(r"next time|first time", re.I)


def parse_watch(text: str, language: Language, now_wall: float, zone: tzinfo | None = None) -> Wish | None:
    """The wish that somebody speaks or types, or None: an ordinary question or remark.

    Blocking (at most some ten milliseconds, mostly far below one): call it in the language's thread. now_wall: Unix
    time. zone: of the user; None is the machine's.
    """
    if not _HOT.search(text):
        return None
    said = " ".join(text.split())
    for sentence in sentences(_DOTTED.sub(r"\1m", said)):
        if len(sentence) > LONGEST:
            continue
        wish = _Parser(said, bare(sentence), language, now_wall, zone).wish()
        if wish is not None:
            return wish
    return None


class _Parser:
    """One sentence. said: all of what the user said."""

    def __init__(
        self, said: str, text: str, language: Language, now_wall: float, zone: tzinfo | None
    ) -> None:
        self._said = said
        self._text = text
        self._language = language
        self._now = now_wall
        self._zone = zone

    def wish(self) -> Wish | None:
        ends = parse_listing(self._text) or parse_cancel(self._text)
        if ends is not None:
            return ends
        if _QUESTION.match(self._text):
            return None
        return self._conditional_reminder() or self._watch() or self._timer() or self._reminder()

    # Watches

    def _conditional_reminder(self) -> Wish | None:
        """ "remind me to call Ana when you see her", in any order."""
        for pattern in (_WHEN_REMIND, _REMIND_TO_WHEN, _REMIND_WHEN_TO):
            if match := pattern.match(self._text):
                if timed := self._timed(match["clause"], match["say"]):
                    return timed
                found = about(match["clause"])
                return self._made(found, match["when"], match["say"]) if found else Unclear(WHAT_TO_WATCH)
        return None

    def _watch(self) -> Wish | None:
        aside = _WATCH_AND_TELL.match(self._text)
        text = aside["rest"] if aside else self._text
        if match := _TELL_WHEN.match(text) or _WHEN_TELL.match(text):
            return self._told(match["tell"], match["when"].lower(), match["clause"].strip(" ,"))
        if (match := _WATCH_FOR.match(text)) and not (match["look"] and not match["tell"]):
            if match["monitor"]:
                return self._made(about(match["what"]))
            return self._made(about(f"you {'hear' if match['hear'] else 'see'} {match['what']}"))
        if match := _WARN_OF.match(text):
            return self._made(about(match["what"]))
        return None

    def _told(self, tell: str, when: str, clause: str) -> Wish | None:
        if timed := self._timed(clause):
            return timed
        found = about(clause)
        # The tense is that of the clause's own verb, not of the words that it names.
        own = clause.replace(found.what, "it") if found is not None and found.kind != "any" else clause
        if asks(own, when, tell, self._language) or (own is clause and is_vague(clause)):
            return None
        return self._made(found, when)

    def _made(self, found: About | None, when: str = "when", say: str = "") -> Watch | Unclear:
        if found is None:
            return Unclear(WHAT_TO_WATCH)
        once = bool(say) or _ONCE.search(when) is not None
        return Watch(
            found.kind, found.what, self._said, self._now, once=once, exact=found.exact, speaker=found.speaker, say=say
        )  # fmt: skip

    # Reminders

    def _timed(self, clause: str, say: str = "") -> Watch | None:
        """ "it's five o'clock", "ten minutes are up"."""
        time = _IT_IS.match(clause)
        if time is None:
            return None
        return self._at(f"in {time['long']} to {say}" if time["long"] else f"at {time['clock']} to {say}")

    def _timer(self) -> Watch | None:
        if match := _TIMER.match(self._text):
            rest = match["rest"] or ""
            if match["long"]:
                return self._at(f"in {match['long']} {rest}")
            rest = re.sub(r"^(?:for|of|at|in) ", "", rest, flags=re.I)
            length = re.match(DURATION, rest, re.I)
            if length is not None and duration_s(length[0]) is not None:
                return self._at(f"in {rest}")
            return self._at(f"at {rest}") or self._at(rest)
        if match := _WAKE.match(self._text):
            return self._at(match["rest"])
        if match := _TELL_AT.match(self._text):
            timed = self._at(match["rest"])
            # "tell me in an hour what was said" asks; "ask me in an hour how it went" does not.
            asked = (
                timed is not None
                and _WH_WORD.match(timed.what)
                and not match["tell"].lower().startswith("ask")
            )
            return None if asked else timed
        return None

    def _reminder(self) -> Watch | Unclear | None:
        if match := _REMIND.match(self._text):
            rest = match["rest"] or ""
            if _WH_WORD.match(rest):
                return None
            timed = self._at(rest)
            if timed is not None:
                return timed
            wants = _LATER.match(rest) or not match["verb"].lower().startswith("remind")
            return Unclear(WHEN_TO_REMIND) if wants else None
        if match := _TIME_THEN.match(self._text):
            head = match["head"]
            times = find_times(head, self._now, self._zone)
            if times and times[0].start == 0 and times[0].end == len(head):
                return self._at(f"{head} {match['rest'] or ''}")
        return None

    def _at(self, rest: str) -> Watch | None:
        """A time watch of words with a time at their beginning or end, or None."""
        rest = _BARE_CLOCK.sub(r"at \1", rest.strip(" ,.!?"))
        times = find_times(rest, self._now, self._zone)
        if not times:
            return None
        first, last = times[0], times[-1]
        when = first if first.start == 0 else last
        if when.start > 0 and when.end < len(rest):
            return None
        message = f"{rest[: when.start]} {rest[when.end :]}"
        due = when.due
        if when is first and not first.whole and last.whole and last.end == len(rest):
            # "tomorrow to call Ana at five"
            due = at_clock(last, first, self._zone)
            message = rest[first.end : last.start]
        message = _TO.sub("", message.strip(" ,"))
        if _OF.match(message):
            message = without_article(_OF.sub("", message))
        return Watch(
            "time", message.strip(" ,"), self._said, self._now, due=due, every_s=when.every_s, once=when.every_s is None
        )  # fmt: skip

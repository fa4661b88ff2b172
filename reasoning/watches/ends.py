"""Understands what ends a watch or asks for the list of them."""

from __future__ import annotations

import re

from memory.text import tokens
from reasoning.watches.clauses import about
from reasoning.watches.wishes import Cancel, Listing
from reasoning.watches.wording import ME, NOT_TO, any_of, phrase, without_article

_DOING = any_of(
    "tell(?:ing)?", "alert(?:ing)?", "warn(?:ing)?", "notify(?:ing)?", "inform(?:ing)?", "ping(?:ing)?", "remind(?:ing)?",
    "watch(?:ing)?", "look(?:ing)?", "listen(?:ing)?", "let(?:ting)?", "monitor(?:ing)?", "keep(?:ing)?",
)  # fmt: skip
_ABOUT = any_of("about|of|for|out for|when|whenever|if|to|on|every time|each time|that")
_NOUN = "(?P<noun>reminders?|alarms?|timers?|watch(?:es)?|alerts?|notifications?|warnings?)"
_NOUNS = any_of("reminders?|alarms?|timers?|watches|alerts?|notifications?")

_STOP = phrase(
    any_of(
        "(?:stop|quit|cease)",
        rf"{NOT_TO}(?: bother)?|no need (?:to|for)|never",
        rf"you (?:(?:{NOT_TO}|no longer) (?:need|have)(?: to)?|need(?:n't| not))",
    ),
    rf" {_DOING}\b(?: {ME})?(?: know)?(?: an eye| out)*(?: {_ABOUT} (?P<what>.+))?",
)
_ENOUGH = phrase(
    rf"i (?:{NOT_TO}|no longer) (?:want|need|care) to (?:hear|know|be (?:told|reminded|alerted|warned)) {_ABOUT} (?P<what>.+)"
)
_CANCEL = phrase(
    any_of(
        "(?:cancel|delete|remove|forget|drop|clear|dismiss|scrap|turn off|switch off|end|stop|kill|disable|ignore|no more)",
        "never ?mind",
        rf"i (?:{NOT_TO}|no longer) (?:need|want)",
    ),
    "(?: about)? (?P<all>(?:all|every|any)(?: of)? )?(?:(?:the|my|that|this|our|those|these|your|an?) )*",
    rf"(?P<which>(?:[\w':.-]+ ){{0,4}}?){_NOUN}(?: (?:about|for|to|on|of|at|when|that|with) (?P<what>.+))?",
)
_CANCEL_ALL = phrase(
    r"(?:cancel|stop|delete|clear|remove|forget) (?:everything|all|anything) (?:that )?you(?:'re| are) ",
    r"(?:watching|waiting|looking|listening)(?: out)? for",
)
_FORGET = phrase("(?:forget|never ?mind)(?: about)? (?:the|my|that) (?P<what>.+)")
_OF_MEMORY = re.compile(
    r"\b(?:last|past|minutes?|hours?|seconds?|everything|all|said|saw|heard|recording|conversation|today|yesterday)\b",
    re.I,
)
_ANY_MORE = re.compile(r" (?:any ?more|any longer|from now on|now)$", re.I)
_NEWEST = re.compile(r"^(?:(?:last|latest|newest|other|next|active|current) ?)+$", re.I)

_WATCHING = any_of("watching|looking|listening|waiting|monitoring")
_LISTINGS = tuple(
    phrase(pattern)
    for pattern in (
        rf"what(?:'s|'re| is| are| do| did)?\b.*\byou\b.*\b{_WATCHING}(?: out)?(?: for)?",
        rf"(?:what|which)\b.* are you {_WATCHING}(?: out)? for",
        rf"(?:tell|show) {ME} (?:what|everything) you(?:'re| are) {_WATCHING}(?: out)? for",
        rf"(?:what(?:'s| is)|(?:show|read) {ME}) (?:on |in )?(?:my|the) (?:list of )?"
        r"(?:reminder|watch|alarm|alert|timer)s?(?: list)?",
        rf"are (?:any|there any|some) {_NOUNS} (?:running|set|pending|active|on|left)",
        r"what(?:'re| are) you keeping (?:an? (?:eye|ear)|watch|tabs)\b.*",
        rf"(?:what|which|how many) {_NOUNS}(?: do (?:i|we) have| (?:are|is)\b| have (?:i|you)\b| did (?:i|we)\b).*",
        rf"(?:list|show|read|tell|give|read out|what are|what're)(?: {ME})?(?: out)?(?: a list of)? ?"
        rf"(?:(?:all|of|my|the|your|our|active|current|pending|open) )*{_NOUNS}(?: i have| that are set)?",
        rf"(?:do (?:i|we|you) have |are there |have i(?: got)? |did i set )?(?:any|some)\b.{{0,30}}\b{_NOUNS}"
        r"(?: set| running| pending| active| left| coming up)?",
        r"what did (?:i|we) (?:ask|tell|want) you to (?:watch|look|listen|remind|tell|alert|warn|let|keep)\b.*",
        rf"what (?:will|are|should|do) you (?:going to )?(?:remind|tell|alert|warn|notify) {ME} (?:about|of)",
        r"what am i (?:being )?(?:reminded|told|alerted) (?:about|of)",
        rf"are you (?:still )?{_WATCHING}(?: out)? for (?:anything|something)",
    )
)


def parse_listing(text: str) -> Listing | None:
    """text: as reasoning.watches.wording.bare gives it."""
    return Listing() if any(pattern.match(text) for pattern in _LISTINGS) else None


def parse_cancel(text: str) -> Cancel | None:
    """text: as reasoning.watches.wording.bare gives it. What memory is to forget is another matter."""
    text = _ANY_MORE.sub("", text)
    if match := _STOP.match(text) or _ENOUGH.match(text):
        what = _which(match["what"])
        reminding = True if re.search(r"\bremind", text, re.I) else None
        return Cancel(what, reminding, every=not what)
    if _CANCEL_ALL.match(text):
        return Cancel(every=True)
    if match := _CANCEL.match(text):
        noun = match["noun"].lower()
        what = _NEWEST.sub("", _which(match["what"] or match["which"]))
        many = noun.endswith("s") and not what
        return Cancel(what, noun.startswith(("reminder", "alarm", "timer")), every=bool(match["all"]) or many)
    if (match := _FORGET.match(text)) and not _OF_MEMORY.search(match["what"]):
        return Cancel(_which(match["what"]))
    return None


def _which(words: str | None) -> str:
    """The thing that a clause is about ("when someone says budget" -> "budget"); "" where none is named."""
    what = without_article(words or "")
    found = about(what)
    if found is not None and found.kind != "any":
        what = found.what
    what = re.sub(r"^(?:word|phrase|name) ", "", what, flags=re.I).strip("\"'“” ")
    return what if tokens(what) else ""

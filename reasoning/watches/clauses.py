"""What a condition is about: "someone mentions the budget" is something said, "a red car appears" something seen."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memory.text import tokens
from reasoning.language import Language
from reasoning.watches.wishes import WatchKind
from reasoning.watches.wording import any_of, phrase, without_article

_ANYONE = any_of(
    "some(?:one|body)|any(?:one|body)|(?:a |another |any )?person|people|they|he|she|i|we|you",
    "(?:one|any) of (?:us|them|you)",
)
_WHO = (
    rf"(?P<who>{_ANYONE}|[\w.'-]+(?: [\w.'-]+)?)(?: ever| else| here)?(?: (?:starts?|begins?|keeps?|is|are))?"
)
_SCREEN = any_of(
    "screen|slides?|page|display|terminal|monitor|sign|board|whiteboard|console|logs?|chat|window|dashboard|document"
)
_ON_SCREEN = rf" (?:up )?(?:on|in) (?:the |my |our |a |your |this )?{_SCREEN}"
_SHOWS = any_of(
    "appears?|(?:shows?|turns?|comes?|pops?) up",
    "(?:is|are|gets?) (?:shown|displayed|visible|seen)|is written",
)
_IN_VIEW = (
    "(?: (?:in|into|on) (?:the |my |our )?"
    + any_of("picture|frame|shot|view|sight|camera|room|video|table|desk|street|garden|kitchen|office")
    + "| anywhere| here| again| outside)*"
)
_NOTE = any_of("error|warning|notification|alert|message|e-?mail|mail|pop-?up|dialog(?:ue)?|prompt")
_YOU = "(?:you|we|i)(?: ever)?"
_GOES = any_of("walks?|drives?|flies|runs?|goes|passes|pulls?|rolls?|rides?|moves?|comes?|steps?|gets?")
_WAY = any_of("in|by|past|up|into|to|through|out|in front")

# In order: the first that fits tells the kind. Groups: what, or words (those that are to be heard or read as they are);
# who says it; person: somebody, whoever it is.
_FORMS: tuple[tuple[WatchKind, str], ...] = (
    ("read", rf"(?:{_YOU} )?(?:see|read|spot|find|notice) (?P<words>the (?:words?|text|phrase) .+?)(?:{_ON_SCREEN})?"),
    ("read", rf"(?:{_YOU} )?(?:see|read|spot|find|notice) (?P<what>.+?){_ON_SCREEN}"),
    ("read", rf"(?:it|this) (?:says?|reads?|shows?) (?P<words>.+?){_ON_SCREEN}"),
    ("read", rf"(?:the |my |our |a )?{_SCREEN} (?:says?|reads?) (?P<words>.+)"),
    ("read", rf"(?:the |my |our |a )?{_SCREEN} (?:shows?|displays?|mentions?) (?P<what>.+)"),
    ("read", rf"(?P<what>.+?) (?:{_SHOWS}|is|are|gets? written){_ON_SCREEN}"),
    ("read", rf"(?P<what>(?:[\w'-]+ )*?{_NOTE}(?: (?:message|box|window))?) (?:{_SHOWS}|comes? in|arrives?)"),
    ("any", r"(?P<what>.*(?:slide|page|picture|image|photo|chart)) comes? up"),
    ("said", r"(?:any |a |the )?mentions? of (?P<what>.+)"),
    ("said", rf"{_YOU} (?:hear|overhear|catch) (?P<words>the (?:words?|name|phrase|term) .+)"),
    ("said", rf"{_YOU} (?:hear|overhear|catch) {_WHO} (?:say|saying) (?P<words>.+)"),
    ("said", rf"{_YOU} (?:hear|overhear|catch) {_WHO} "
             r"(?:mention|(?:talk|speak)(?:ing)? (?:about|of)|ask(?:ing)? (?:for|about)|discuss|bring up)(?:ing)? (?P<what>.+)"),
    ("said", rf"{_YOU} (?:hear|overhear)(?: anything| something)?(?: (?:about|of))? (?P<what>.+)"),
    ("said", rf"{_WHO} (?:says?|saying|utters?|shouts?|yells?|uses?|drops?|calls?(?: out)?) (?P<words>.+)"),
    ("said", rf"{_WHO} (?:mention(?:s|ing)?|brings? up|bringing up|discuss(?:es|ing)?|announc(?:es?|ing)|"
             r"(?:talk|speak)(?:s|ing)? (?:about|of)|ask(?:s|ing)?(?: for| about)?) (?P<what>.+)"),
    ("said", rf"{_ANYONE} (?:speaks?|talks?|starts? (?:talking|speaking))(?P<what>)"),
    ("said", r"(?P<what>.+?) (?:is|are|gets?|'s) (?:mentioned|said|brought up|talked about|discussed|announced|called out)"
             r"(?: by (?:some|any)(?:one|body))?"),
    ("said", r"(?P<what>.+?) comes? up(?: in (?:the |a |our )?(?:conversation|discussion|meeting|talk|call))?"),
    ("said", r"(?:the |our )?(?:conversation|discussion|topic|subject|talk) (?:turns|comes|moves|changes) to (?P<what>.+)"),
    ("seen", rf"{_YOU} (?:see|spot|notice|detect|recogni[sz]e|find|catch sight of|get to see) (?P<what>.+)"),
    ("seen", rf"(?P<person>{_ANYONE}) (?:{_GOES}(?: {_WAY}\b.*)?|enters?.*|arrives?|{_SHOWS}.*|"
             r"is (?:here|there|(?:at|in|near|outside) .+))"),
    ("seen", rf"(?P<what>.+?) (?:{_SHOWS}|comes? into (?:view|sight|the (?:picture|frame|shot|room))|"
             r"is (?:in (?:view|sight|the (?:picture|frame|shot))|on (?:camera|the table|the desk)|held up))"),
    ("seen", rf"(?P<what>.+?) (?:walks?|drives?|flies|runs?|rolls?|rides?|passes) {_WAY}\b.*?"),
    ("seen", r"there(?:'s| is| are| appears?)(?: suddenly)? (?P<what>.+)"),
    ("seen", rf"{_ANYONE} (?:shows?(?: up)?|holds?(?: up)?|brings?(?: in)?|picks? up|puts? (?:down|on)|carries|wears?|"
             r"eats?|drinks?|places?|is (?:holding|wearing|carrying)) (?P<what>.+)"),
)  # fmt: skip
_CLAUSES = tuple((kind, phrase(pattern)) for kind, pattern in _FORMS)
_TOPIC = re.compile(
    r"^(?:the )?(?:words?|phrase|term|name|text|topic(?: of)?|subject(?: of)?) (?:of )?|"
    r"^(?:that|something|anything) (?:about|like|on|of) ",
    re.I,
)
_NAMED_WORDS = re.compile(r"^(?:the )?(?:words?|phrase|term|name|text) ", re.I)
_QUOTES = "\"'“”‘’«»"
_NOTE_TAIL = re.compile(rf"(?<=\w)(?<!\bnew)(?<!\bunread)(?<!\bincoming) (?:{_NOTE}|box|window)s?$", re.I)
_PRONOUNS = {
    "it",
    "that",
    "this",
    "them",
    "him",
    "her",
    "something",
    "anything",
    "one",
    "those",
    "these",
    "so",
    "me",
}
_VAGUE = re.compile(
    r"^(?:that|this|these|those|anything|something|everything)\b|^it (?!rains|snows|starts|begins|gets)", re.I
)


@dataclass(frozen=True, slots=True)
class About:
    """As Watch has them. what is "" where any of its kind will do (anybody says anything)."""

    kind: WatchKind
    what: str
    exact: bool = False
    speaker: str | None = None


def about(clause: str) -> About | None:
    """What a clause is about. None: it names nothing ("you see it")."""
    clause = clause.strip(" ,.!?")
    for kind, pattern in _CLAUSES:
        match = pattern.match(clause)
        if match is None:
            continue
        groups = match.groupdict()
        if groups.get("person"):
            return About("seen", "person")
        words = groups.get("words")
        what = _thing(words if words is not None else groups["what"], kind)
        speaker = _speaker(groups.get("who"))
        if kind == "said" and groups.get("what") == "":
            return About("said", "", speaker=speaker)
        if not _names_something(what):
            return None
        exact = words is not None and (kind == "read" or _literal(words, what))
        return About(kind, what, exact, speaker)
    what = _thing(clause, "any")
    return About("any", what) if _names_something(what) else None


def asks(clause: str, conjunction: str, told: str, language: Language) -> bool:
    """The sentence asks for something known already ("tell me when she said it") rather than to be told in time.

    conjunction: what leads the clause, in lower case.  told: the verb, such as "tell me": "alert" and "warn" never ask.
    """
    weak = told.lower().startswith(("tell", "let", "i ", "i'", "inform", "ask"))
    if _OWN_MIND.match(clause):
        return True
    doc = language(clause)
    root = next((t for t in doc if t.dep_ == "ROOT"), None)
    if root is None:
        return False
    helpers = [t for t in root.children if t.dep_ in ("aux", "auxpass")]
    present = any(t.tag_ in ("VBZ", "VBP") for t in helpers)
    if not present and any(t.tag_ == "VBD" for t in (*helpers, root)):
        return True
    if not weak:
        return False
    if any(t.tag_ == "MD" for t in helpers):
        return True
    if conjunction == "if":
        perfect = any(t.lemma_ == "have" for t in helpers)
        return (
            perfect
            or root.lemma_ == "be"
            or clause.lower().startswith(("there's ", "there is ", "there are "))
        )
    return conjunction == "when" and _SCHEDULED.search(clause) is not None


def is_vague(clause: str) -> bool:
    """It speaks of something said before ("if that makes sense"), which nothing here knows."""
    return _VAGUE.match(clause) is not None


_OWN_MIND = re.compile(
    r"^(?:(?:you|i|we)(?:'(?:re|d|ve)| (?:are|would|should|could|think|thought|know|want|need|have|had|like|must)\b)"
    r"|(?:you|i|we) (?:can|could|can't) (?:see|hear|read)\b|to\b)",
    re.I,
)
_EVENT = (
    r"(?:meeting|train|bus|flight|plane|shop|store|bakery|office|museum|library|class|lesson|exam|deadline|concert|film|movie|show|"
    r"game|match|session|talk|event|party|conference|lecture|appointment|call|interview|birthday|holiday|restaurant|pharmacy|bank)"
)
_SCHEDULED = re.compile(
    rf"^(?:(?:the|my|our|your|his|her|their|next)\s+)*(?:[\w'-]+\s+){{0,2}}{_EVENT}s?\s+"
    r"(?:is|are|starts?|begins?|ends?|opens?|closes?|leaves?|departs?|takes? place|is (?:due|scheduled|planned|supposed).*)$"
    r"|\bis (?:due|scheduled|planned|supposed)\b|^(?:it|that|this) (?:is|was|happens|starts|begins|opens)$",
    re.I,
)


def _thing(text: str, kind: WatchKind) -> str:
    text = text.strip(" ,.!?")
    if kind in ("said", "read"):
        text = _TOPIC.sub("", text)
    if kind == "seen":
        text = re.sub(rf"{_IN_VIEW}$", "", text, flags=re.I)
    # Whose it is belongs to a name or a number.
    mine = re.match(r"my (?=(?:\w+ )?(?:name|number|address)\b)", text, re.I)
    text = without_article(text)
    if kind == "read":
        text = _NOTE_TAIL.sub("", text)
    return ("my " if mine else "") + text.strip(_QUOTES + " ,")


def _literal(words: str, what: str) -> bool:
    """Words that are named as words, or a word or two that somebody "says"."""
    if _NAMED_WORDS.match(words) or words.strip()[:1] in _QUOTES:
        return True
    return len(tokens(what)) <= 2 and not re.match(r"(?:that|something|anything) ", words, re.I)


def _speaker(who: str | None) -> str | None:
    if not who or re.fullmatch(_ANYONE, who, re.I) or who.lower().startswith(("the ", "a ", "an ", "my ")):
        return None
    return who


def _names_something(what: str) -> bool:
    return what.lower() not in _PRONOUNS and bool(tokens(what))

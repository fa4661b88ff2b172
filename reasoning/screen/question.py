"""What a question about the screen asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Ask(StrEnum):
    """DOING: what was done at a time. LONG: how long. BEFORE: was X before Y. NEXT: what came after or before X.
    END: the first or last of a time. PLACES: which programs, pages, files. WHERE, WHEN: place and time of X.
    SEEN: was X there at all. STEPS: how X was done. PROMISE: what was promised, or was to be done.
    COMPARE: which is more. COUNT: how often it was done, how many lines say it. FACT: what stood there.
    """

    DOING = "doing"
    LONG = "long"
    BEFORE = "before"
    NEXT = "next"
    END = "end"
    PLACES = "places"
    WHERE = "where"
    WHEN = "when"
    SEEN = "seen"
    STEPS = "steps"
    PROMISE = "promise"
    COMPARE = "compare"
    COUNT = "count"
    FACT = "fact"


@dataclass(frozen=True, slots=True)
class Asked:
    """phrase, other: the things meant; of PROMISE other is who promised, "" for the user. later: after rather than before;
    the last rather than the first. kind: "site", "program", "file", "part" (of a dialog or a text), of BEFORE "which" or
    "side", or "" for anything. noun: what kind of thing is asked for, as it was said. visit: of being there, rather than of
    words that stood there.
    """

    ask: Ask
    phrase: str = ""
    other: str = ""
    later: bool = False
    kind: str = ""
    visit: bool = False
    noun: str = ""


_PARTS = (
    r"steps?|(?:dialog|wizard|assistant)(?: (?:pages?|steps?|tabs?))?|sections?|slides?|headings?|options?|entries|entry|lines?|"
    r"messages?"
)
_THING = (
    r"(?P<thing>web ?sites?|sites?|web ?pages?|pages?|programs?|apps?|applications?|tools?|windows?|tabs?|"
    r"files?|documents?|editors?|browsers?|things?|dialogs?|software|terminals?|chats?|spreadsheets?|search engines?)"
)
_OPENED = (
    r"(?:open(?:ed)?|visit(?:ed)?|use[d]?|see|saw|seen|look(?:ed)? at|go to|went to|work(?:ed)? (?:on|in|with)|"
    r"read|switch(?:ed)? to|start(?:ed)?|view(?:ed)?|browse[d]?|do|did|search(?:ed)?(?: for)?|choose|chose|select(?:ed)?|run|ran|"
    r"c[ao]me across|notice[d]?|encounter(?:ed)?|hear[d]?(?: of| about)?|f[io]u?nd|get to|got to|"
    r"edit(?:ed)?|appear(?:ed)?|show[n]?|come|came|load(?:ed)?|close[d]?|get|got|type[d]?|write|wrote|create[d]?|insert(?:ed)?|"
    r"ha(?:ve|d)(?: (?:open|up))?|ma[dk]e|enter(?:ed)?|fix(?:ed)?|correct(?:ed)?|change[d]?|update[d]?|modif(?:y|ied)|save[d]?|"
    r"add(?:ed)?|look(?:ed)? up|"
    r"(?:open|visit|look|read|view|brows|choos|select|runn?|edit|typ|writ|creat|insert|mak|enter|fix|correct|chang|updat|"
    r"sav|add|start|clos)ing(?: at| for| up)?)"
)
_DOING = re.compile(
    r"^(?:so )?(?:what|on what|which \w+)\s+(?:was|were|have|had|am|did)\s+(?:i|we)\s+(?:been\s+)?(?:mostly\s+|mainly\s+)?"
    r"(?:do(?:ing)?|working(?: on)?|work on|busy with|up to|looking(?: at)?|look at|reading|writing|using|"
    r"browsing|watching|editing)\b"
    r"|^(?:please )?(?:summari[sz]e|sum up|recap|"
    r"(?:give me |write )?(?:a |an )?(?:short |brief )?(?:summary|overview|recap) of)\s+"
    r"(?:everything |all )?(?:that |what )?(?:(?:i|we) (?:did|was doing|were doing|worked on|have done)|happened|my (?:day|work)|"
    r"(?:the|that|this) day)\b"
    r"|^what (?:was|were) (?:i|we)(?: (?:at|on|in the middle of))?(?: (?:that|this) \w+)?\W*$"
    r"|^what (?:happened|was going on)\W*$|^what (?:did|have) (?:i|we) (?:get )?(?:do|done|accomplish\w*|get done)\W*$"
    r"|^how did (?:i|we) spend\b|^what (?:kept (?:me|us) busy|(?:was|were) open)\b"
    r"|^what (?:had|did|have) (?:i|we) (?:have )?(?:open|up|on (?:my|the) screen)\b",
    re.I,
)
_LONG = re.compile(
    r"\bhow (?:long|much time|many (?:minutes|hours))\s+(?:did|was|were|have|had)\s+(?:(?P<who>i|we)\b|the\b)?\s*"
    r"(?:spend|spent|use[d]?|work(?:ed|ing)?|been|have|stay(?:ed)?|remain(?:ed)?)?\s*"
    r"(?:in|on|with|at|using|reading|editing|working (?:in|on|with))?\s*(?P<x>.*?)"
    r"\s*(?:open|for|visible|on (?:the )?screen)?\??$",
    re.I,
)
_BEFORE = re.compile(
    r"^(?:did|was|were|had|have|is)\s+(?:i|we)?\s*(?:already\s+)?(?P<x>.+?)\s+(?P<side>before|after)\s+(?P<y>.+?)\??$",
    re.I,
)
_ALREADY = re.compile(
    r"^(?:did|was|were|had|have)\s+(?:i|we)?\s*already\s+(?P<x>.+?)\s+(?:when|by the time|once)\s+(?P<y>.+?)\??$",
    re.I,
)
_WHICH_SIDE = re.compile(
    r"^(?:did|was|were|had|have|is)\s+(?:i|we)?\s*(?P<x>.+?)\s+before or after\s+(?P<y>.+?)\??$", re.I
)
_WHICH_FIRST = re.compile(
    r"\b(?:which|what)\b.*?\b(?P<side>first|last|earlier|later)\b\s*[,:;]?\s+(?P<x>[^,;:]+?),?\s+or\s+(?P<y>.+?)\??$",
    re.I,
)
_NEXT = re.compile(
    rf"^(?:what|which)\b(?:\s+{_THING})?(?:.*?\b(?P<part>{_PARTS}))?.*?\b(?P<side>before|after|following|followed|"
    rf"next(?! after\b| before\b)|preceded)\b(?!\s*(?:it|they|he|she)\b)\s*(?P<x>.*?)\??$",
    re.I,
)
_VALUE = re.compile(r"\b(?:costs?|prices?|pay|paid|charged?|worth|amount|value|version|weigh\w*)\b", re.I)
"""What had another value before something is no thing that came before it."""
_END = re.compile(
    rf"\b(?:what|which)\b.*?\b(?P<side>first|last|earliest|latest|final)\s+(?:web\s*)?{_THING}\b", re.I
)
_DO_END = re.compile(
    r"^what did (?:i|we) (?:do|open|visit|look at|use|see|start with) (?P<side>first|last)\b", re.I
)
_PLACES = re.compile(
    rf"^(?:(?:what|which|list|name|show)\b(?: me)?(?: the| all| of the| my)*\s+)(?:different |other )?{_THING}\s+(?:that )?"
    rf"(?:(?:did|have|had|were|was) )?(?:(?:i|we)\b\s*)?(?:mostly |ever )?{_OPENED}?(?:\s*\b(?:in|on|at|with))?\s*\??$",
    re.I,
)
_WHERE = re.compile(
    rf"^(?:where\b|(?:in|on|at|from)\s+(?:which|what)\s+{_THING}|(?:which|what)\s+"
    rf"{_THING.replace('<thing>', '<other>')}\s+(?:was|did|showed|shows|had|has|contain\w*|mention\w*|display\w*|list\w*|"
    r"said|is|were|told))",
    re.I,
)
_LOCATED = re.compile(
    r"^where (?:is|are|was|were) .+? "
    r"(?:installed|located|stored|saved|kept|born|held|based|found|running)\b(?! on (?:the|my) screen)",
    re.I,
)
"""A place that the screen tells of, and not one on it."""
_WHEN = re.compile(
    r"^(?!.*[,;:] (?:what|which|who|how|where)\b)"
    r"(?:(?:since )?when\b|(?:at|around|about)?\s*(?:what|which) time\b(?: (?:was|is) it\b)?|"
    r"at what (?:point|moment)\b)(?: when\b)?",
    re.I,
)
_DATED = re.compile(
    r"^(?:at |by |on |from |until )?(?:when|(?:what|which) (?:day|date|time))\s+"
    r"(?:(?:is|are|will|does|do|shall|should|must|can)\b(?! (?:it|i|we)\b)|"
    r"(?:was|were) .+ (?:due|expected|planned|scheduled|to be)\b)",
    re.I,
)
"""A time that the screen tells of, and not one at which it stood there."""
_SEEN = re.compile(rf"^(?:did|have|had) (?:i|we) (?:ever |already )?{_OPENED}\b\s*(?P<x>.+?)\??$", re.I)
_EVER = re.compile(
    r"^(?:was|were|is|has|did) (?:there )?(?P<x>.+?) (?:ever |)(?:shown|visible|open(?:ed)?|"
    r"on (?:the |my )?screen|displayed|appear|visited)\b.*\??$",
    re.I,
)
_STEPS = re.compile(
    r"^(?:how (?:did|do|does|can|could|would|should) (?:i|we|one|you)\b(?! (?:feel|like|know|spell|spend))|"
    r"(?:what|which) (?:steps|commands?)\b.*?\b(?:to|did (?:i|we) (?:take|use|need|run) to)|"
    r"(?:what were |show me |list )?(?:the )?steps (?:to|for|of))\s*(?P<x>.+?)"
    r"(?:,? (?:the )?last time|,? before|,? again)*\s*\??$",
    re.I,
)
_PROMISE = re.compile(
    r"\b(?:(?:what|whom|which things?) (?:did|have|had) (?:i|we) (?:ever )?(?:promis\w+|agree\w* to|commit\w* to)|"
    r"(?:what|which) promises?\b.*?(?:make|made|give|gave|open)|"
    r"what (?:do|did) (?:i|we) (?:still )?(?:have|need|owe|want) to (?:do|send|finish|write|bring)?|"
    r"who (?:said|wrote|promis\w+|offer\w+|agreed)\b(?:(?: that)? (?:he|she|they|it))?(?:(?: would|['’]d| will| to)\b)|"
    r"(?:my|which) (?:open )?(?:tasks|to-?dos)\b|what (?:is|was|are) (?:still )?(?:due|open to do))\s*"
    r"(?:to |for |are |is |open )*(?P<x>.*?)\s*\??$",
    re.I,
)
_THEIRS = re.compile(
    r"\b(?i:what|which things?) (?i:did|has|had) (?P<who>[A-Z][\w'-]*(?: [A-Z][\w'-]*)?) (?i:ever )?"
    r"(?i:promis\w+|agree\w* to|commit\w* to)(?i: me\b| us\b| to\b| do\b| send\b)*\s*(?P<x>.*?)\s*\??$"
)
_TWICE = re.compile(r",? and (?:when|how|where|what|by)\b.*$", re.I)
"""A second question in the same breath."""
_LEAD = re.compile(
    rf"^\s*(?:that |the time |when |once )*(?:did |was |were |had |have )?(?:i |we |it |the |a |an |my |there )*"
    rf"(?:(?:first|last|ever|already)\s+)?(?:{_OPENED}\s+)?(?:that |the |a |an |my |to |into |for |in |at )*",
    re.I,
)
_SHOWED_UP = re.compile(
    r"\s+(?:(?:show|c[ao]me|turn|pop|open|be)?\w* ?up|appear\w*|c[ao]me|happen\w*|occur\w*|open|in front of (?:me|us)|"
    r"on (?:my|the) (?:screen|monitor))"
    r"(?: (?:in|on|among) (?:the |my )?(?:(?:search )?(?:results?|list)|screen))?$",
    re.I,
)
_HOME_PAGE = re.compile(r"\b(?:home|main|front|start) ?page of (?:the )?(?P<site>\S.*)$", re.I)
_QUOTED = re.compile(r"[\"“”]([^\"“”]{3,})[\"“”]|(?<!\w)['‘]([^'’]{3,})['’](?!\w)")
_SITES = re.compile(r"\b(?:web|site|page|tab|search engine)", re.I)
_FILES = re.compile(r"\b(?:file|document)", re.I)
_PROGRAMS = re.compile(r"\b(?:program|app|tool|software|editor|browser)", re.I)


def ask_of(text: str) -> Asked:
    """text: the question without the words that say when."""
    text = " ".join(text.split()).strip()
    text = re.sub(
        r"^(?:please |can you |could you |tell me |remind me |do you know |so |and )+", "", text, flags=re.I
    )
    if found := _PROMISE.search(text):
        return Asked(Ask.PROMISE, _bare(_TWICE.sub("", found["x"])))
    if found := _THEIRS.search(text):
        return Asked(Ask.PROMISE, _bare(found["x"]), found["who"])
    if found := _STEPS.search(text):
        return Asked(Ask.STEPS, _bare(found["x"]))
    if found := _LONG.search(text):
        return Asked(Ask.LONG, found["x"], visit=bool(found["who"]))
    if found := _WHICH_FIRST.search(text):
        later = found["side"].lower() in {"last", "later"}
        return Asked(Ask.BEFORE, _bare(found["x"]), _bare(found["y"]), later, "which", _visits(text))
    if found := _WHICH_SIDE.search(text):
        return Asked(Ask.BEFORE, _bare(found["x"]), _bare(found["y"]), kind="side", visit=_visits(text))
    if found := _ALREADY.search(text):
        return Asked(Ask.BEFORE, _bare(found["x"]), _bare(found["y"]), visit=_visits(text))
    if found := _BEFORE.search(text):
        later = found["side"].lower() == "after"
        return Asked(Ask.BEFORE, _bare(found["x"]), _bare(found["y"]), later, visit=_visits(text))
    if found := _DO_END.search(text):
        return Asked(Ask.END, later=found["side"].lower() == "last")
    if found := _END.search(text):
        later = found["side"].lower() in {"last", "latest", "final"}
        return Asked(Ask.END, later=later, kind=_kind(found["thing"]))
    if (found := _NEXT.search(text)) and _bare(found["x"]) and not _VALUE.search(text[: found.start("side")]):
        side = found["side"].lower()
        later = side in {"after", "next", "following"} or (
            side == "followed" and "followed by" not in text.lower()
        )
        kind = "part" if found["part"] else _kind(found["thing"] or "")
        return Asked(Ask.NEXT, _bare(found["x"]), later=later, kind=kind, visit=_visits(text))
    if _DOING.search(text):
        return Asked(Ask.DOING)
    if found := _PLACES.search(text):
        return Asked(Ask.PLACES, kind=_kind(found["thing"]))
    if _LOCATED.search(text):
        return Asked(Ask.FACT, text)
    if found := _WHERE.search(text):
        thing = found["thing"] or found["other"] or ""
        return Asked(
            Ask.WHERE, _bare(_WHERE.sub("", text)), kind=_kind(thing), visit=_visits(text), noun=thing
        )
    if _DATED.search(text):
        return Asked(Ask.FACT, text)
    if _WHEN.search(text):
        last = bool(re.search(r"\blast\b", text, re.I))
        return Asked(Ask.WHEN, _bare(_WHEN.sub("", text)), later=last, visit=_visits(text))
    if found := _SEEN.search(text) or _EVER.search(text):
        return Asked(Ask.SEEN, _bare(found["x"]), visit=_visits(text))
    return Asked(Ask.FACT, text)


def _kind(thing: str) -> str:
    if _SITES.search(thing):
        return "site"
    if _FILES.search(thing):
        return "file"
    return "program" if _PROGRAMS.search(thing) else ""


def _visits(text: str) -> bool:
    return bool(
        re.search(
            r"\b(?:visit\w*|open\w*|look(?:ed)? at|(?:go|went|get|got) to|land\w* on|use[d]?|switch\w*|start\w*|browse\w*)\b",
            text,
            re.I,
        )
    )


def _bare(text: str) -> str:
    """Without "I opened the" before the thing itself; what is quoted is the thing."""
    text = re.sub(
        r",? (?:for|at|on) (?:the|my) (?:first|last|very first) (?:time|occasion)\b", "", text, flags=re.I
    )
    text = re.sub(
        r"(?<=[\w)])\s+in (?:(?:my|our) \w+|the (?:file|code|editor|script|document))\s*\??$", "", text
    )
    text = re.sub(r"(?<=\w)\s+(?:when|while) (?:i|we) .+$", "", text, flags=re.I)
    if quoted := _QUOTED.search(text):
        return quoted[1] or quoted[2]
    bare = _SHOWED_UP.sub("", _LEAD.sub("", text.strip(" ?.,"), count=1).strip())
    # No page says of itself that it is one; it has the site's name.
    return _HOME_PAGE.sub(lambda found: found["site"], bare)

"""Other ways to put a question, brought to the plain one: "Give me the version of X" is "What is the version of X?"."""

from __future__ import annotations

import re

_NOUN = r"(?=(?:the|a|an|my|our|this|that) |[A-Z\d])"
_ASKS = r"(?:who|whom|whose|what|which|where|when|why|how)"
_FORMS = (
    (re.compile(r"^(?:wat|waht|wht)\b", re.I), "what"),
    (re.compile(r"^(?:wich|whihc|whcih)\b", re.I), "which"),
    (re.compile(r"^(?:wen|whne)\b", re.I), "when"),
    (re.compile(r"^(?:wher|whre|were)(?= (?:did|do|does|is|was)\b)", re.I), "where"),
    (re.compile(rf"\b({_ASKS})(?:['’]?s| s)\b(?<!whose)(?= \w)", re.I), r"\1 is"),
    (re.compile(r"^(?:(?:please|can you|could you|would you|hey|hi|hello|ok|so|and)\b[ ,]*)+", re.I), ""),
    (
        re.compile(
            r"^(?:(?:tell|remind|show|give) me|let me know|i (?:need|want|would like|'d like) to know|"
            r"do you (?:know|remember))(?: again| please| once more|[,:])* "
            r"(?=(?:what|which|who|whom|whose|where|when|how|(?:at|by|in|on|for) (?:what|which|when|whom))\b)",
            re.I,
        ),
        "",
    ),
    (
        re.compile(rf"^(?:(?:give|tell|show|get|find|remind) me(?: of)?|i need|look up|find|name) {_NOUN}", re.I),
        "What is ",
    ),
    (re.compile(r"^how (?:high|low|large|big|small|good|bad|strong|old) (is|was|are|were) (?=the\b)", re.I), r"What \1 "),
    (re.compile(r"\b(version) numbers?\b", re.I), r"\1"),
    (re.compile(r"\bhow soon\b", re.I), "within how long"),
)  # fmt: skip

# Why it is asked, and then what: "I'm about to write the report - which ...?" What is over is told for its own sake.
_REASON = re.compile(
    rf"^(?:i['’ ]?a?m|we['’ ]?a?re|(?:i|we) (?:want|need|have|must|will|would like|can['’]?t|cannot|do(?: not|n['’]?t)))\b"
    rf"[^?]*?(?:[.!;:…]|,? [-–—]|,) +(?:(?:and|so|but|now),? )*(?P<asks>{_ASKS}\b.+\?)$",
    re.I,
)
# "The rent of the flat, what was it at first?"
_THING_FIRST = re.compile(
    rf"^(?:(?:and|about|as (?:for|to)) )?(?P<thing>(?:the|my|our|that|this)\b[^?]+?)[,:;]? (?:[-–—] )?"
    rf"(?P<asks>(?:{_ASKS}|how (?:much|many|long|old)) (?:is|was|are|were)) (?:it|that|this|they|those|he|she)\b(?P<rest>.*)$",
    re.I,
)
# "I checked when the tide turns, what website was that?"
_STATED = re.compile(
    r"^(?P<x>(?=[^?]*\b(?:i|we)\b)(?:[^?.]|\.(?=\w))+?)[.,;:!]? (?:[-–—] )?(?:and )?"
    r"(?:(?:(?:at|on|in) )?(?:(?:what|which) (?P<thing>\w+(?: page)?)|(?P<asks>where|when))) (?:was|is) (?:that|it|this)"
    r"(?: again)?\W*$",
    re.I,
)
# "Which forum was it where somebody sold oars?"
_CLEFT = re.compile(
    r"^(?:(?:on|in|at) )?(?:which|what) (?:forum|(?:web ?)?site|(?:web ?)?page|shop|store|blog|app|program|window|tab|document|"
    r"file|chat|place) was (?:it|that) (?:where|(?:on|in|at) which|that) (?P<x>.+)$",
    re.I,
)
_TIMES = {"time", "day", "date", "hour", "moment"}
# "Who wrote it, I think it was on a blue page?"
_REMARK = re.compile(
    rf"(?<=\w)(?:,| [-–—]|;) (?:(?:and|but) )?(?:i (?:think|believe|guess|mean)\b|"
    rf"(?:it|they|that|this|he|she|the \w+) (?!{_ASKS}\b|or\b)(?:was|were|is|are|had|has|stood|said|showed|listed)\b)"
    r"[^,?]*(?=\??$)",
    re.I,
)
# How short the answer may be: "exact command please", "name or email is fine".
_MANNER = re.compile(
    r"(?:[?.!,;]| -)\s*(?:(?:just |only )?(?:the |an? |in )?(?:exact )?[\w ]{1,24} (?:is|are|will|would) "
    r"(?:fine|enough|ok(?:ay)?|do)|"
    r"(?:just |only )?(?:the |an? )?(?:exact |whole |full )?[\w]{2,14}(?:,? (?:please|pls|only|thanks))|"
    r"please|pls|thanks|thank you)\W*$",
    re.I,
)
# "My bike has a flat tyre. After the inner tube, what comes next?"
_SET_OUT = re.compile(r"^[^?]*?\w[.!;:] +(?=(?:after|before) .+?, ?(?:what|which|where|who)\b)", re.I)
_LED = re.compile(
    r"^(?P<side>after|before) (?P<x>.+?), ?(?P<asks>(?:what|which|where|who)\b.+?)\s*\??$", re.I
)


def reworded(question: str) -> str:
    """The question in the form that the rules for questions read; as it is where none of these forms fits."""
    text = " ".join(question.split())
    text = _SET_OUT.sub("", _MANNER.sub("?", text))
    if found := _REASON.match(text):
        text = found["asks"]
    if re.match(rf"(?:(?:in|on|at|by|from) )?{_ASKS}\b", text, re.I):
        text = _REMARK.sub("", text)
    if found := _CLEFT.match(text):
        text = f"where {found['x']}"
    if found := _STATED.match(text):
        thing = (found["thing"] or "").lower()
        asks = found["asks"] or ("when" if thing in _TIMES else f"on which {thing}")
        text = f"{asks} {found['x']}?"
    if found := _THING_FIRST.match(text):
        thing = found["thing"]
        text = f"{found['asks']} {thing[:1].lower()}{thing[1:]}{found['rest']}"
    for pattern, plain in _FORMS:
        text = pattern.sub(plain, text, count=1)
    if found := _LED.match(text):
        text = f"{found['asks']} {found['side'].lower()} {found['x']}?"
    return f"{text[:1].upper()}{text[1:]}" if text != question else question

"""The pieces that the patterns of memory/consolidation/patterns.py are put together from: a name, a place of work, an amount."""

from __future__ import annotations

import re

from memory.consolidation import vocabulary as words
from memory.time_words import MONTHS, WEEKDAYS

_KIN = "|".join(sorted(words.KIN, key=len, reverse=True))
_UNPLANNED = "|".join(sorted(words.NOT_PLANNED))
_PROPER = (
    r"(?:[Tt]he )?[A-Z][\w.'&-]*\w(?:(?: of| de| la| del| van| von| and the| &)? [A-Z][\w.'&-]*\w){0,3}"
    r"(?:, [A-Z][a-z]\w+)?"
)
_PLACE_OF_WORK = rf"(?:a|an|the|my) (?:[\w-]+ ){{0,2}}(?:{'|'.join(words.PLACES_OF_WORK)})"
_TIME_OF_DAY = r"\d{1,2}[:.]\d\d(?: ?[ap]\.?m\.?)?|\d{1,2} ?(?:[ap]\.?m\.?|o'clock)|noon|midnight"
_DATE = r"(?:<month>)(?: \d{1,2}(?:st|nd|rd|th)?)?|\d{1,2}(?:st|nd|rd|th)? (?:of )?(?:<month>)"
_UNIT = """%|percent|euros?|dollars?|pounds?|kronor|kroner|francs?|degrees|kilos?|kilograms?|grams?|metres|meters|kilometres|
    kilometers|miles|litres|liters|people|seats|pages|hours|minutes|days|weeks|months"""
_MEASURED = """price|cost|budget|fee|rent|salary|total|temperature|weight|height|length|distance|limit|deposit|fare|rate|
    speed|capacity|number|score|population|tax|wage|toll|discount"""
_POST = """lead|leader|head|manager|director|chair|chairwoman|chairman|treasurer|captain|coach|owner|president|secretary|
    editor|host|contact"""
_NOT_LIKED = """it|that|this|these|those|him|her|them|you|your|my|the|a|an|to|how|what|when|where|who|being|having|seeing|
    hearing|knowing|getting|everything|anything|nothing|something|each|such|so|all|both|one|some|their|our|his|its|also|
    really|just|not|there|here|more|most|is|are|was|talking|telling|watching you|making"""


def _joined(text: str) -> str:
    return re.sub(r"\s*\n\s*", "", text)


PIECES = {
    "number": words.NUMBERS,
    "month": "|".join(m.title() for m in MONTHS),
    "weekday": "|".join(d.title() for d in WEEKDAYS),
    "name": r"(?:[A-Z][\w'-]*\w(?: (?:de|la|van|von|der|del))?(?: [A-Z][\w'-]*\w)?)",
    "proper": f"(?:{_PROPER})",
    "org": f"(?:{_PROPER}|{_PLACE_OF_WORK})",
    "role": rf"(?:(?:[a-z-]+ ){{0,2}}(?:{'|'.join(sorted(words.ROLES, key=len, reverse=True))})(?![\w-]))",
    "phrase": r"(?:[\w'&-]+(?: [\w'&-]+){0,5})",
    "liked": rf"(?:(?!(?:{_joined(_NOT_LIKED)})\b)[\w'&-]+(?: [\w'&-]+){{0,6}}<further>$)",
    "further": (
        r"(?:, (?!(?:it|that|this|i|we|you|they|he|she|and|but|so|such|like|a|the|my|our|not|to|in|as)\b)"
        r"[\w&-]+(?: [\w&-]+){0,3}){0,3}"
    ),
    "be": "(?:am|is|are)",
    "have": "(?:(?:have|has) )?(?:(?:just|recently|finally|now|already) )?",
    "been": "(?:(?:has|have|was|were|is|are) (?:now )?(?:been )?)?",
    "kin": f"(?:{_KIN})",
    "adverbs": (
        "(?:(?:now|currently|also|still|just|recently|already|actually|really|finally|always|usually|mostly|absolutely|"
        "totally|definitely|officially|both|truly|generally|simply|only|have been|has been) )*"
    ),
    "planned": rf"(?!(?:{_UNPLANNED})\b)[a-z]+",
    "soon": r"(?:tomorrow|next \w+|on (?:<weekday>)|in (?:<month>))",
    "language": "|".join(words.LANGUAGES),
    "played": "|".join(words.PLAYED),
    "state": "|".join(words.STATES),
    "diet": "|".join(words.DIETS),
    "had": "|".join((*words.KIN, *words.HAD)),
    "pet": f"(?:{'|'.join(words.PETS)})",
    "done": f"(?:{'|'.join(words.DONE)})(?![\\w-])",
    "course": (
        r"(?:(?:an?|some|my|the) )?(?!(?:an?|some|my|the|first|last|next)\b)(?:[\w-]+ ){1,3}"
        rf"(?:{'|'.join(words.COURSES)})(?![\w-])"
    ),
    "consumed": (
        r"(?:(?!(?:it|that|this|them|those|these|you|him|her|me|us|any|anything|everything|so|too|my|your|a|an|the|one|as|"
        r"on|for|because|to|being|trying)\b)[\w'&-]+(?: (?:and|or|of) [\w'&-]+| [\w'&-]+){0,2}?)"
    ),
    "managed": r"(?:(?:the|our) (?:[\w'-]+ ){0,3}(?!(?:way|day|time|risk|thing|whole|show)\b)[\w'-]+)",
    "group": rf"(?:an?|the|our|my) (?:[\w'-]+ ){{0,3}}(?:{'|'.join(words.GROUPS)})(?![\w-])",
    "somewhere": r"(?:(?:an?|the|our|my) (?:[\w'-]+ ){0,3}[\w'-]+)",
    "anything": r"(?:(?:an?|some|two|three|four|another) (?:[\w'-]+ ){0,3}[\w'-]+)",
    "attribute": "|".join(sorted(words.ATTRIBUTES, key=len, reverse=True)),
    "isnow": "(?:is now|is|are now|are|has always been|has changed to|changed to|has become)",
    "thing": (
        r"(?P<thing>(?!(?:only|first|last|best|worst|same|other|main|real|whole|thing|point|problem|question|answer)\b)"
        r"[a-z][\w'-]*(?: [a-z][\w'-]*){0,3}?)"
    ),
    "named": (
        r"(?P<thing>(?!(?:<kin>|<role>|wife|husband|name)\b)(?:new |old )?[a-z][\w-]*(?: [a-z][\w-]*){0,2}?)"
    ),
    "led": r"(?P<thing>[\w'-]+(?: [\w'-]+){0,2})",
    "post": rf"(?P<thing>(?:[a-z-]+ ){{0,2}}(?:{_joined(_POST)})(?: of the [\w-]+)?)",
    "measured": (
        rf"(?P<thing>(?:[a-z-]+ ){{0,2}}(?:{_joined(_MEASURED)})(?: (?:of|for) (?:the |a |an )?[\w'-]+(?: [\w'-]+)?)?)"
    ),
    "when": rf"(?:(?:on |at |in )?(?:(?:next |this )?(?:<weekday>)(?: (?:at|the) [\w:]+)?|{_DATE}|{_TIME_OF_DAY}))",
    "where": (
        r"(?:(?:in |at |on )?(?:room|hall|building|gate|platform|track|lab|office|floor|hangar|studio|aisle|stand|booth) "
        r"(?:[A-Z]?\d+\w*|[A-Z]))"
    ),
    "amount": rf"(?:[$€£]? ?\d[\d.,]*(?: (?:million|thousand|billion))?(?: ?(?:{_joined(_UNIT)}))?)",
}


def filled(pattern: str) -> str:
    """<word> by the piece of that name; {word} by the piece as the object of the clause."""
    while (found := re.search(r"(?<!\?P)<(\w+)>|\{([a-z]+)\}", pattern)) is not None:
        piece = PIECES[found[1]] if found[1] else f"(?P<object>{PIECES[found[2]]})"
        pattern = pattern[: found.start()] + piece + pattern[found.end() :]
    return pattern

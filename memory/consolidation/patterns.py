"""The patterns of memory/consolidation/rules.py, as tables: a relation, how it is to be read, and what the clause must be.

<word> stands for a piece (pieces.py). Every pattern is matched from its clause's subject, or beginning, on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from memory.consolidation.pieces import filled


@dataclass(frozen=True, slots=True)
class Rule:
    """pattern: of what follows the subject. ended: it holds no longer. whole: with the clause's tail ("at", "next week").
    more: the same clause may say another thing too.
    """

    relation: str
    pattern: re.Pattern[str]
    confidence: float
    ended: bool
    whole: bool
    more: bool


def _rules(table: str) -> tuple[Rule, ...]:
    """A line: relation; confidence with marks (- ended, ~ whole, + more); pattern."""
    out = []
    for line in filter(None, map(str.strip, table.splitlines())):
        relation, marks, pattern = (part.strip() for part in line.split(";", 2))
        number = float(marks.strip("-~+"))
        compiled = re.compile(filled(f"<adverbs>(?:{pattern})"))
        out.append(Rule(relation, compiled, number, "-" in marks, "~" in marks, "+" in marks))
    return tuple(out)


OF_PEOPLE = _rules(r"""
    lives in; .9; (?:lives?|<be> (?:now )?living|<be> (?:now )?based|<have>been living|settled(?: down)?) in {proper}
    lives in; .9; <have>(?:moved|relocated|emigrated)(?: back)?(?: from [A-Z][\w ]+?)? to {proper}
    lives in; .9-; (?:no longer lives?|<have>moved (?:out of|away from)|do(?:es)? not live) (?:in )?{proper}
    is from; .9; <be> (?:originally )?from {proper}
    is from; .8; comes? from {proper}
    grew up in; .9; grew up in {proper}
    born in; .9; (?:was|were) born (?:and raised )?in {proper}
    job; .9~+; (?:works?|<be> working|<have>been working|<have>started(?: working)?|<have>got a job) as (?:an?|the) {role}
    job; .9~+; <be> (?:an?|the) {role}(?! (?:of|for) (?:\w+ )?(?:life|heart))
    job; .9~+; <have>(?:became|become|qualified as) (?:an?|the)? ?{role}
    job; .9~+; <have>(?:been|was|got) (?:promoted to|hired as) (?:an?|the)? ?{role}
    works at; .85~; <be> (?:an?|the) <role> (?:at|for|with) {org}
    works at; .9~; (?:works?|<be> working|<have>been working)(?: as (?:an?|the) [\w -]+?)? (?:at|for) {org}
    works at; .85~; <have>(?:joined|(?:start(?:s|ed)?|<be> starting)(?: working| a job| my job| a new job)? (?:at|for|with)) {org}
    works at; .85~; <have>got (?:a|my|his|her) (?:new |dream )?(?:job|position) (?:at|with) {org}
    works at; .85-~; <have>(?:quit|left|resigned from|stopped working (?:at|for))(?: (?:my|his|her) job (?:at|with))? {org}
    works at; .85-~; <have>(?:was|got|been) (?:laid off|fired) (?:from|by) {org}
    works at; .85-~; (?:no longer works?|do(?:es)? not work) (?:at|for) {org}
    works at; .9-~; <have>(?:quit|lost|left|resigned from) (?:my|his|her|their) job
    studies; .9; (?:study|studies|<be> studying|majors? in|<be> majoring in) (?!(?:for|hard|at|in|the|a|my|this|that)\b){phrase}$
    speaks; .9; speaks? (?:fluent |some |a little |a bit of )?{language}\b
    plays; .9; (?:plays?|<be> learning(?: to play)?|<have>(?:been|started) playing) (?:the |acoustic |electric )?{played}\b
    age; .9; <be> (?P<object>\d{1,3})(?: years? old)?$
    age; .9; <have>(?:just )?turned (?P<object>\d{1,3})\b
    status; .9; (?:<be>|got|<have>(?:gotten|got)) (?:happily |newly )?{state}(?! (?:from|out|mom|mother|dad|father|parent)\b)
    status; .9; <have>(?P<object>retired)$
    diet; .9; <be> (?:a |an )?(?:strict |lifelong )?{diet}\b
    diet; .9; <have>(?:became|become|gone|went|turned) (?:a )?{diet}\b
    diet; .9-; (?:<be> no longer|<be> not) (?:a )?{diet}\b(?: any ?more)?
    allergic to; .9; <be> (?:very |severely |highly )?allergic to (?!the way|this|that|it\b|your){phrase}
    gave up; .85; <have>(?:stopped|quit) (?:drinking|eating|smoking|having) {consumed}$
    gave up; .85; <have>(?:given|gave) up (?:(?:drinking|eating) )?{consumed}$
    gave up; .85; <have>(?:stopped|quit|given up|gave up) (?P<object>[a-z]+ing)$
    gave up; .85-~; (?:<be>|<have>started) (?:drinking|eating|smoking|having) {consumed} again\b
    cannot have; .85; (?:cannot|can not) (?:have|eat|drink|tolerate|digest) {consumed}$
    leads; .85; (?:<be> (?:leading|heading|managing|in charge of)|leads?|heads?|manages?) {managed}$
    learns; .85; (?:<be> (?:also )?learning|learns?|<have>started (?:learning|to learn)) {language}\b
    prefers; .9; prefers? (?P<object>(?!(?:not|it|that|this|if|when)\b|to be\b)(?:to )?[\w'-]+(?: <nextchoice>[\w'-]+){0,4})
    likes; .9; (?:loves?|likes?|enjoys?|adores?) {liked}
    likes; .9; <be> (?:really |very |so |a (?:big |huge |great |massive )?)?(?:into|fond of|keen on|fan of) {liked}
    likes; .9; <have>always (?:loved|liked|enjoyed|adored) {liked}
    likes; .85; <be> (?:really |so |totally )?(?:passionate about|obsessed with|hooked on|crazy about) {liked}
    likes; .85; (?:loves?|likes?) (?P<object>to (?!<notdone>)[a-z]+(?: [\w'-]+){0,5})$
    dislikes; .9; (?:hates?|dislikes?|detests?|cannot stand|do(?:es)? not (?:really )?(?:like|enjoy|care for)) {liked}
    dislikes; .9; <be> not (?:really )?(?:into|fond of|keen on|a (?:big )?fan of) {liked}
    likes; .9-; (?:no longer (?:likes?|loves?|enjoys?)|stopped liking) {liked}
    has; .85; (?:have|has|owns?|<have>(?:got|bought|adopted)) {owned}(?![\w'-])(?! (?:called|named|who|of|to))
    does; .85; (?:do(?:es)?|go(?:es)?|practi[cs]es?|(?:<be>|<have>been) (?:doing|practi[cs]ing|into)) {done}
    does; .85; <have>been (?P<object>(?!(?:volunteering|mentoring|coaching|tutoring)\b)<done>)
    does; .85; (?:takes?|<be> taking|<have>been taking) {course}
    volunteers at; .9; (?:volunteers?|<be> volunteering|<have>(?:been|started) volunteering) at (?P<object><somewhere>|<proper>)$
    joined; .85; <have>joined (?P<object><group>|<proper>$)
    took up; .85; <have>(?:started(?: taking)?|taken up|took up|signed up for|enrolled in) (?P<object><course>|<done>)
    visited; .85; <have>(?:visited|(?:went|gone|been|travell?ed|flown|flew)(?: back| over)? to) {proper}$
    visited; .85; <have>(?:(?:took|taken|went on) a (?:[\w-]+ )?trip to|(?:got|came|been|am|are) back from) {proper}$
    sold; .85; <have>sold (?P<object>(?:my|our|the) (?:[\w'-]+ ){0,3}[\w'-]+)$
    bought; .85; <have>(?:bought|purchased) {anything}$
    plans to; .8~; (?:(?:<be> (?:going|planning)|plans?) to|<be> about to) (?P<object><planned>(?: [\w':&-]+){0,9})
    plans to; .8~; will (?P<object><planned>(?: [\w':&-]+){0,6} <soon>)
    plans to; .8~; <be> (?P<object>(?:moving|flying|travell?ing|going|visiting|starting|driving) [\w' -]+? <soon>)
""".replace("{owned}", r"(?P<object>(?:<number>|an?|some|another) (?:(?!lot\b|bunch\b)[\w-]+ ){0,2}(?:<had>))").replace(
    "<notdone>", r"(?:be|see|hear|know|think|do|say|just|take|have|make|go)\b"
).replace(
    "<nextchoice>", r"(?!(?:to|over|rather|instead|than)\b)"
))  # fmt: skip

OF_THINGS = tuple(
    (name, re.compile(filled(pattern)))
    for name, pattern in (
        (
            "when",
            r"^(?:[Tt]he|[Oo]ur) <thing> (?:is|are|starts?|begins?|ends?|opens?|closes?) (?:now )?{when}$",
        ),
        (
            "when",
            r"^(?:[Tt]he|[Oo]ur) <thing> (?:leaves?|takes? place|meets?|will be|happens?) (?:now )?{when}$",
        ),
        (
            "when",
            r"^(?:[Tt]he|[Oo]ur) <thing> <been>(?:moved|changed|postponed|rescheduled|brought forward|pushed back|shifted)"
            r"(?: from [\w ]+?)? to {when}$",
        ),
        (
            "where",
            r"^(?:[Tt]he|[Oo]ur) <thing> (?:is|are|meets?|takes? place|happens?|will be|works?) (?:now |held )?{where}$",
        ),
        (
            "where",
            r"^(?:[Tt]he|[Oo]ur) <thing> <been>(?:moved|changed|relocated)(?: from [\w ]+?)? to {where}$",
        ),
        ("amount", r"^(?:[Tt]he|[Oo]ur) <measured> (?:is|are) (?:now )?{amount}$"),
        (
            "amount",
            r"^(?:[Tt]he|[Oo]ur) <measured> <been>(?:raised|lowered|increased|reduced|changed|risen|rose|fallen|fell|dropped|"
            r"gone up|gone down|went up)(?: from [$€£]?[\w. ]+?)? to {amount}$",
        ),
        (
            "lead",
            r"^{name} (?:now )?(?:leads|is leading|heads|runs|manages|chairs|is (?:now )?in charge of|"
            r"(?:has taken|takes|took) over) (?:the|our) <led>$",
        ),
        (
            "lead",
            r"^(?:[Tt]he|[Oo]ur) <led> is (?:now )?(?:led|headed|run|managed|chaired) by {name}$",
        ),
        ("who", r"^(?:[Tt]he|[Oo]ur) (?:new )?<post> is (?:now )?{name}$"),
    )
)
CALLED = tuple(
    re.compile(filled(pattern))
    for pattern in (
        r"^(?P<whose>[Tt]he|[Oo]ur|[Mm]y) <named> is (?P<not>not |no longer )?(?:now )?(?:called|named|nicknamed) {name}$",
        r"^(?P<whose>[Tt]he|[Oo]ur|[Mm]y) <named>'s name is (?P<not>not |no longer )?(?:now )?{name}$",
        r"^(?:[Ww]e|I|[Tt]hey) (?:have |all )?(?:now )?(?:call|called|named|nicknamed|christened) "
        r"(?P<whose>the|our|my) <named> {name}$",
    )
)
OF_MINE = tuple(
    (name, re.compile(filled(pattern)))
    for name, pattern in (
        (
            "favourite",
            r"(?:new |all-time |absolute )?favou?rite "
            r"(?P<what>(?!(?:thing|part|one|time|day|moment|memory|way|bit)s?\b)[a-z]+(?: [a-z]+)?) <isnow> "
            r"(?P<object>(?!(?:when|that|how|what|probably|to)\b|the (?:one|part|way)\b)<phrase>)$",
        ),
        (
            "attribute",
            r"(?:new |current )?(?P<what><attribute>) <isnow> (?:on |in |at )?"
            r"(?P<object>(?!(?:not|very|so|too|really|coming|just|here|a|an|my|getting)\b)[\w+@'./:-]+(?: [\w+@'./:-]+){0,6})$",
        ),
        ("name", r"name is {name}$"),
        (
            "kin",
            r"(?P<what><kin>)(?: is (?:called|named)|'s name is|'s name was| was (?:called|named)) {name}$",
        ),
    )
)
OF_KIN = tuple(
    re.compile(filled(pattern))
    for pattern in (
        r"^(?:I|[Ww]e)(?: also)? (?:have|<have>(?:got|adopted|bought|rescued)) (?:a|an|one|another) (?:[a-z]+ ){0,2}?"
        r"(?P<what><kin>),? (?:called|named) {name}",
        r"^(?:[Tt]his is|[Mm]eet) my (?P<what><kin>),? {name}$",
    )
)
KIN_NAMED = re.compile(filled(r"(?<![\w'])[Mm]y (?:[a-z]+ ){0,2}?(?P<what><kin>) {name}(?![\w-])"))
"""Wherever it stands: "with my colleague Rob"."""
NAMED_KIN = re.compile(
    filled(r"(?<![\w'])(?<!and )(?<!, ){name}(?: too)?, my (?:[a-z]+ ){0,2}?(?P<what><kin>)(?=[,.!]|$)")
)
""" "Rob, my colleague"; not in a list of several."""
PET_OWNED = re.compile(
    filled(
        r"\b(?:I|[Ww]e)(?: also| both| all)? (?:have|<have>(?:got|adopted|bought|rescued)) (?:a|an|this|the|another|our|my) "
        r"(?:[\w-]+ ){0,3}?(?P<what><pet>)\b"
    )
)
PET_NAMED = re.compile(
    filled(
        r"^(?:(?:[Hh]er|[Hh]is|[Ii]ts) name is|(?:I|[Ww]e) (?:have )?(?:named|called) (?:him|her|it)) {name}\b"
    )
)
"""What follows `PET_OWNED` in the next sentence."""
FAVOURITE = re.compile(
    r"^(?P<object>(?!(?:[Ii]t|[Tt]h\w+|[Hh]e|[Ss]he|[Ww]h\w+|[Oo]ne|[Hh]ere|[Mm]y|[Yy]our|[Oo]ur|[Hh]is|[Hh]er|[Bb]oth|[Aa]ll|"
    r"[Ss]ome|[Tt]hey)\b)[\w'&-]+(?: [\w'&-]+){0,5}) (?:is|are) (?:definitely |probably |still |also |always )?"
    r"(?:one of )?my (?:all-time |absolute )?favou?rites?$"
)
MARRIED = re.compile(filled(r"^I am married to {name}$"))
BASE_FORM = re.compile(
    filled(
        r"<adverbs>(?:live|work|study|speak|play|love|like|enjoy|adore|hate|dislike|detest|prefer|own|have|plan|come|do|am|are|"
        r"major)\b"
    )
)
"""What follows "I", and never a name."""
SUBJECT = re.compile(
    filled(
        r"^(?:(?P<me>I|[Ww]e|[Mm]y (?:family|wife|husband|partner|kids|friends) and I|"
        r"[Mm]e and my (?:family|wife|husband|partner|kids|friends)) |"
        r"(?P<own>[Mm]y (?P<kin><kin>))(?:,? (?P<called>[A-Z][\w'-]+\w),?)? |(?P<third><name>) )(?P<rest>.*)$"
    )
)
MY = re.compile(filled(r"^(?:[Mm]y |(?P<third><name>)'s )(?P<rest>.*)$"))

CONTRACTIONS = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\b([Ii])'m\b", r"\1 am"),
        (r"\b(I|[Ww]e|[Tt]hey)'ve\b", r"\1 have"),
        (r"\b([Ww]e|[Tt]hey)'re\b", r"\1 are"),
        (r"\b(I|[Ww]e|[Hh]e|[Ss]he|[Tt]hey)'ll\b", r"\1 will"),
        (r"\b(do|does|did|is|are|was|have|has)n't\b", r"\1 not"),
        (r"\bcan't\b", "cannot"),
        (r"\b(\w+)'s (called|named)\b", r"\1 is \2"),
        (r"\bname's\b", "name is"),
    )
)
LEADS = (
    re.compile(
        r"^(?:(?:(?:hey|hi|yeah|yes|thanks|wow|oh|well|sure|no) \w+(?=[,!.])|"
        r"well|so|yeah|yes|yep|oh|ok|okay|hey|hi|hello|actually|honestly|anyway|btw|by the way|now|also|and|but|plus|sure|"
        r"guess what|good news|big news|news|you know|i mean|to be honest|these days|nowadays|currently|right now|at the moment|"
        r"as of now|oh yes|correction|note|fun fact|update|personally|of course|as you know|thanks|thank you|great|wow|"
        r"nice to meet you|unfortunately|fortunately|luckily|sadly|lately|recently|finally|as for me|for me|yup|nah|no|aw|"
        r"remember that|note that|cool|awesome)[,:!. -]+\s*)+",
        re.IGNORECASE,
    ),
    re.compile(
        r"^(?:[Nn]ow|[Tt]hese days|[Nn]owadays|[Ss]o|[Aa]nd|[Bb]ut|[Aa]lso|[Yy]es|[Ww]ell)\s+(?=I\b|we\b|my\b|[A-Z])"
    ),
    re.compile(
        r"^(?:in|on|last|this(?! is)|next|since|yesterday|today|two|three|a)\b[^,]{0,30},\s+(?=\w)",
        re.IGNORECASE,
    ),
    re.compile(
        r"^(?:[Ii]n (?:[A-Z][a-z]+ )?\d{4}|[Ll]ast \w+|[Yy]esterday|[Tt]oday|[Tt]his \w+|\w+ \w+ ago) (?=(?:I|we|my)\b)"
    ),
)
CLAUSES = re.compile(
    r"(?:;|,? (?:and|but|so)(?= (?:I|we|my|now I|also|she|he|they) ?\b)|"
    r", (?=(?:I (?:am|have|live|work|love|like|prefer|hate)|(?:it|this|that|they) (?:is|are|was|were|has|have|makes?)|"
    r"(?:the|our|my) (?:[\w-]+ ){1,3}(?:is|are|was|were|has|have|will))\b)| - | – | — )"
)
TAILS = (
    re.compile(
        r"[\s,]+(?:now|too|as well|again|still|currently|nowadays|these days|at the moment|right now|already|anyway|actually|"
        r"though|a lot|so much|very much|the most|together|instead|myself|by the way|of course|lately|recently|today|yesterday|"
        r"any ?more)$",
        re.IGNORECASE,
    ),
    re.compile(
        filled(
            r"[\s,]+(?:for|since|in|on|from|until|during|over|after|before) (?:the |my |our )?"
            r"(?:last |past |next |about |almost |nearly |over )?(?:\d[\w:]*|<number>|a (?:few|couple)|many|several|(?:<month>)|"
            r"(?:<weekday>)|ages|years|summer|winter|spring|autumn|fall|week|month|year|weekend|childhood|college|university|long)"
            r"\b[\w ]*$"
        ),
        re.IGNORECASE,
    ),
    re.compile(
        filled(
            r"[\s,]+(?:last|next|this|every|all|earlier this|later this) (?:week|month|year|weekend|summer|winter|spring|autumn|"
            r"fall|time|day|morning|afternoon|evening|night|(?:<weekday>)|(?:<month>))\b[\w ]*$"
        ),
        re.IGNORECASE,
    ),
    re.compile(
        filled(
            r"[\s,]+(?:<number>|an?|a few|a couple of|several|some) (?:day|week|month|year|hour|minute)s? ago$"
        ),
        re.IGNORECASE,
    ),
    re.compile(r"[\s,]+(?:once|twice|\w+ times) (?:a|an|every|per) \w+$", re.IGNORECASE),
    re.compile(
        r",\s+(?:we|she|he|it|they) (?!(?:sa(?:id|ys?)|thinks?|thought|claim(?:s|ed)?|tells?|told|ask(?:s|ed)?|jok(?:es?|ed)|"
        r"would|could|should|might|may|wish(?:es|ed)?|hopes?|hoped|wrote|swears?|swore|insist(?:s|ed)?)\b)\w.*$",
        re.IGNORECASE,
    ),
    re.compile(
        r"[\s,]+(?:because|since|when|while|so|which|who|but|and|where|with|as|for|after|before|until|if|although|thanks|near|"
        r"especially|mainly|mostly|rather|than|in order|whenever|without)\b.*$",
        re.IGNORECASE,
    ),
)
URL = re.compile(r"\bhttps?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]")
FILE = re.compile(r"(?<![\w/@.-])[\w][\w-]{1,60}\.(?:pdf|docx?|xlsx?|pptx?|csv|odt|ods|ipynb|epub|zip)\b")
PROCEDURE = re.compile(
    r"^(?:[Tt]o|[Hh]ow to|[Tt]he way to|[Ii]n order to) "
    r"(?P<goal>(?!(?:me|be|my|the|this|that|you|some|tell|conclude|sum|say)\b)[a-z]+(?: [\w'-]+){0,9})"
    r"(?:,|:| is to) (?P<steps>(?:first,? )?(?P<verb>[a-z]+)\b.{4,300})$"
)
NO_STEPS = frozenset(
    "i we you he she it they the a an my this that there is was are have had has let if and but so please".split()
)
STEP = re.compile(r"^\s*(?:\d{1,2}[.)]|[Ss]tep \d{1,2}[.:]?)\s+(?P<step>\S.{2,200})$")
STEPS_IN_LINE = re.compile(r"(?P<goal>[^:\n]{3,120}): (?P<steps>1[.)] \S[^\n]+)")
NUMBER = re.compile(r"(?:^| )(\d{1,2})[.)] (?=\S)")

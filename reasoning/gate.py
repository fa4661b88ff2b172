"""Does an utterance want an answer from the agent? Rules over words and circumstances; no model, no chance."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from reasoning import gate_words as w

FOLLOW_UP_S = 12.0
"""After the agent spoke, what is said is taken as meant for it this long, where nothing says otherwise."""


@dataclass(frozen=True, slots=True)
class GateContext:
    """What was going on when the utterance began.

    since_agent_spoke_s: seconds since the agent's last word, inf when it has not spoken. agent_asked: that was a
    question. several_voices: more than one person was heard lately (in the last minute or so).
    """

    since_agent_spoke_s: float = float("inf")
    agent_asked: bool = False
    several_voices: bool = False


@dataclass(frozen=True, slots=True)
class GateDecision:
    """wants: it wants an answer. reason: what decided that, for the log."""

    wants: bool
    reason: str


def wants_answer(text: str, context: GateContext) -> GateDecision:
    """Whether the agent should answer. For English; elsewhere its name and question marks decide.

    The first rule that matches decides. Answering what was meant for somebody else is worse in company than alone, so
    in company the agent must be named, asked for what only it can do, or have just spoken.
    """
    said = _Said(" ".join(text.split()), context)
    for wants, reason, rule in _RULES:
        if rule(said):
            return GateDecision(wants, reason)
    return GateDecision(False, "a statement")


def backchannel(text: str, duration_s: float) -> bool:
    """Not an interruption: no words (a cough), "mm-hm", "right", "okay, thanks".

    duration_s: of the speech, 0 if not known. Much longer sound than such words take is none, whatever was understood.
    """
    low = _plain(text)
    if not re.search(r"\w", low) or _NO_SPEECH.match(low):
        return True
    count = len(low.split())
    return (
        len(low) <= _LONGEST_BACKCHANNEL and duration_s <= 2.5 + 0.5 * count and bool(_BACKCHANNEL.match(low))
    )


class _Said:
    """An utterance as the rules look at it. low: in lower case. first, last: sentences without what leads them in."""

    def __init__(self, text: str, context: GateContext) -> None:
        self.text = text
        self.low = _plain(text)
        sentences: list[str] = [_LEAD.sub("", s) or s for s in re.split(r"(?<=[.!?]) ", self.low)]
        self.first: str = sentences[0]
        self.last: str = sentences[-1]
        self.alone: bool = not context.several_voices
        self.following: bool = context.since_agent_spoke_s <= FOLLOW_UP_S
        self.asked: bool = self.following and context.agent_asked

    @cached_property
    def asks(self) -> bool:
        return self.last.endswith("?") or bool(_QUESTION.match(self.last))

    @cached_property
    def task(self) -> bool:
        return any(_TASK.match(s) for s in (self.first, self.last)) or bool(_TASK_WITHIN.search(self.last))

    @cached_property
    def errand(self) -> bool:
        """Something that takes hands, or a question about the other's own affairs."""
        found = _REQUEST.match(self.last)
        return bool(found and found[1] in w.HANDS) or bool(_AFFAIRS.search(self.last))


def _plain(text: str) -> str:
    """Lower case, one kind of apostrophe, and no letter more than twice: "hmmmm" is "hmm"."""
    return " ".join(re.sub(r"([^\W\d_])\1{2,}", r"\1\1", text.lower().replace("’", "'")).split())


_NAMED = re.compile(
    rf"^(?:(?:{w.LEAD})[,.!]* )*(?:{w.NAME})(?!'s)\b"
    r"(?! (?:is|was|has|had|does|did|got|will|remembers|recorded|records|says|said|thing)\b)|"
    rf"^(?:hey|hay|hi|hello|ok|okay),? (?:{w.MISHEARD_NAME})\b|"
    rf"^(?:{w.MISHEARD_NAME})(?:,| (?:{w.QUESTION_WORDS}|can|could|remind|tell|show)\b)|"
    rf"[.,!?] (?:{w.NAME})(?:[.?!]*$|[,.] | (?:{w.QUESTION_WORDS}|can|could|do|did|is)\b)|"
    rf", (?:{w.MISHEARD_NAME})[.?!]*$"
)
_OTHER_ASSISTANT = re.compile(rf"^(?:(?:hey|hi|ok|okay),? )?(?:{w.OTHER_ASSISTANTS})\b")
_NO_SPEECH = re.compile(
    r"^(?:(?:thanks|thank you) for watching|please subscribe|\[.*\]|\(.*\)|♪.*|you)[.!]*$"
)
_LEAD = re.compile(rf"^(?:(?:{w.LEAD})\b[,.!]* )+")
_BACKCHANNEL = re.compile(rf"^(?:{w.ACKNOWLEDGED})(?:[\s,.!…-]+(?:{w.ACKNOWLEDGED}))*[\s,.!…-]*$")
_LONGEST_BACKCHANNEL = 50  # characters; "uh-huh" can be read in two ways, so many of them in very many
_SOUND = re.compile(rf"^(?:{w.SOUNDS})[.!?…]*$")

_CALLED_BY_WORD = re.compile(
    rf"(?:^|[,.!?] |^(?:{w.LEAD}|bye|good night),? )(?:{w.PEOPLE})(?:[,.!?]|$)|"
    rf"^(?:good morning|good night|morning|hello|hi|hey|bye|thanks|thank you|welcome|okay|ok|"
    rf"alright),? (?:{w.PEOPLE})\b"
)
_CALLED_BY_NAME = re.compile(
    rf"^(?:(?:(?i:{w.LEAD}))[,.]? )*((?:(?i:{w.TITLES})\.? )?[A-Z][a-z]+),? ?(?:, |, ?$)|"
    rf", ([A-Z][a-z]+)[.?!]+(?: |$)|"
    r"^(?:[Hh]ey|[Hh]i|[Hh]ello) ([A-Z][a-z]+)\b"
)
_PHONE = re.compile(
    r"^(?:(?:yes|hi|hello|good (?:morning|afternoon|evening)|okay),? )+(?:this is|it's me|i'm calling|"
    r"my name is|(?:could|can|may) i speak|"
    r"i'll hold|i(?:'d| would) like to (?:order|book|make|speak|return|cancel)|i have an appointment)|"
    r"\b(?:just calling|is this seat|cash or card|what can i get you|who's a good|you have to unmute|"
    r"put me through|my account number)\b|"
    r"^here,? \w+|\bbad (?:dog|cat|boy|girl)\b|\b(?:bye|bye bye)[.!]*$"
)
_READ_ALOUD = re.compile(
    r"^[\"“‘']|[\"”’'] (?:asked|said|replied|cried|whispered|answered|shouted|the \w+ (?:asked|said))\b|"
    r"^(?:chapter|section|step|question|exercise|paragraph|part|page|figure|table|article|appendix|verse|"
    r"act|scene|task|problem|"
    r"rule|lesson|unit|warning|caution|ingredients|example) (?:\d+|[a-z]|\w*one|two|three|four|five|six|"
    r"seven|eight|nine|ten)\b[.:,]|"
    r"^(?:once upon a time|dear (?:sir|madam|mr|mrs|ms|customer|all)|true or false|terms and conditions|"
    r"breaking news)\b|"
    r"^which of the following\b|\b(?:thee|thou|thy)\b|\b(?:press one|after the break|stay tuned)\b|"
    r"\band (?:the|an old|a) (?:\w+ )?(?:said|asked|replied|cried|answered)\b"
)
_MUTTERED = re.compile(
    r"^(?:let me (?:think|see\b|just|check|finish|try)|let's see|what's next|now what|so what|who cares|"
    r"who knows|i wonder|come on\b|damn|"
    r"where was i\b(?! (?:yesterday|when|on|at|last))|(?:what|where|how|who|why) (?:the (?:hell|heck|fuck)|"
    r"on earth)\b|"
    r"what (?:was|am) i (?:going to|doing|about to|saying|thinking|looking for)\b(?!.*\b(?:before|"
    r"yesterday|last|at|when|ago|this \w+)\b)|"
    r"why (?:won't|doesn't|isn't|does|do|is|am|can't|did|was) (?:this|that|it|i|everything|nothing)\b|"
    r"why (?:me|not|always)\b|"
    r"(?:where|how) (?:did|does|do) (?:that|this|it|they) (?:come|go|get|happen|end)\b|who (?:designed|"
    r"invented|thought)\b|"
    r"what (?:a|an) \w+[.!]|how hard can|how difficult can|what time is it even|where is it, |you (?:idiot|"
    r"fool)|"
    r"(?:should|shall|would|could) (?:i|have)\b|am i (?:\w+ )?(?:or what|crazy|stupid)|what have i done|"
    r"what did i (?:just )?do\b|seriously\?|please work|what's that (?:smell|noise)\b(?! (?:just|before)))"
)
_NO_QUESTION = re.compile(
    r"^(?:you know what|guess (?:what|who)|isn't (?:that|it|this) \w+\?|can you believe|are you kidding|"
    r"know what i mean|don't you think|"
    r"how (?:cool|great|crazy|cute|weird|funny|nice|awesome|amazing|sweet|stupid|annoying|ridiculous|"
    r"lovely|odd|strange)\b(?! was\b)|"
    r"which is (?:why|how|what|when|where)|what (?:i|matters|he|she|we|they) (?:\w+ )*is (?:that|to)\b|"
    r"what matters\b|"
    r"(?:how|where|when|what|who|why) (?:i|they|he|she|it|we|people|you) \w+[^?]*[.,]|can't complain|"
    r"whatever\b|however\b|whenever\b)"
)
_TAG = re.compile(
    rf", (?:(?:{w.AUXILIARIES}) (?:it|he|she|they|we|you|i|there|that)|right|eh|huh|no|yeah|will you|"
    rf"don't you think)\?$"
)
_REPORTED = re.compile(
    r"\b(?:asked|wondered|wanted to know|said to|told|know|knows|wants to know|no idea|not sure|(?:was|"
    r"were|goes) like|depends on)\b,? "
    rf"(?:\w+,? ){{0,3}}(?:{w.QUESTION_WORDS}|if|whether|that|are you|no|yes)\b"
)
_QUESTION = re.compile(
    rf"^(?:(?:in|on|at|for|to|from|with|by|about) )?(?:{w.QUESTION_WORDS})\b|"
    rf"^(?:{w.AUXILIARIES}) (?!have\b|be\b|not\b)\w+|^any (?:idea|chance|news|clue|sign)\b"
)
_ASKED_NICELY = r"(?:please|could you|can you|would you|will you|would you mind|i want you to|i'd like you to|you should|help me)"
_TASK = re.compile(
    rf"^(?:{_ASKED_NICELY},? )*(?:{w.AGENT_VERBS})(?:ing|ling|ting)?\b(?!(?: me)? about (?:your|it\b)|"
    rf"[^?]*\byour(?:s|self)?\b)|"
    rf"^(?:{_ASKED_NICELY},? )*(?:{w.AGENT_TASKS})\b"
)
_TASK_WITHIN = re.compile(
    r"\b(?:remind (?:me|us)|tell (?:me|us) (?:when|if|as soon)|let (?:me|us) know (?:when|if))\b|"
    r"^i(?:'d| would) like to know\b|^i(?:'d like| want| need| would like) (?:to (?:know|hear|"
    r"see)\b.*\b(?:was|said|were|did|again|what|who|when|where)|an? (?:\w+ )?(?:summary|list|reminder|"
    r"recap|note|timer|alarm))\b|"
    r"^what i (?:need|want) is (?:the|a|to know)\b|^(?:can|do|could) you (?:know|remember|see|hear|"
    r"tell)\b(?! (?:me )?(?:that|about) your)"
)
# What is asked of the agent even in company: nobody else in the room would be told so.
_TASK_IN_COMPANY = re.compile(
    rf"^(?:{_ASKED_NICELY},? )*(?:remind (?:me|us)\b|tell (?:me|us) (?:when|if|as soon|who|what the|"
    rf"what was|which)|let (?:me|us) know (?:when|if)|"
    r"summari[sz]e\b|(?:show (?:me|us)|find|go back to|repeat|read (?:me|us)) (?:the|what) (?:last |next |"
    r"first |previous )?"
    r"(?:picture|slide|part|moment|screen|photo|page|sentence|clip|was|message)|translate\b|set (?:a|"
    r"an) (?:timer|alarm|reminder))"
)
_ABOUT_RECORDING = re.compile(r"\b(?:slides?|screen|recording|recorded|transcript)\b")
_STOP = re.compile(
    r"^(?:please )?(?:stop|stop it,? you.*|stop talking|be quiet|quiet|shut up|silence|enough|"
    r"that's enough|cancel|pause|hold on, stop|stop there|quiet now|"
    r"not so (?:loud|fast)|(?:(?:a )?(?:bit|little) )?(?:louder|slower|faster|quieter|softer|shorter)|"
    r"(?:wait,? )*stop(?: it)?|in (?:english|german|french|spanish|short)|skip (?:that|it|this)|next|again|"
    r"go on|continue)(?:,? please)?[.!]*$"
)
_REQUEST = re.compile(
    r"^(?:(?:can|could|will|would) (?:you|i|we|the|everybody|everyone|somebody|someone|anybody|"
    r"people) )(\w+)"
)
_AFFAIRS = re.compile(
    r"^(?:do|would|did|will|are|have|were|should|shall|what do|what would|where do|when do|how do|what are|"
    r"when are|where are|why are|why did|why didn't) "
    r"(?:you|we|you two|you guys|you all) (?:\w+ )?(?:want|like|need|think|feel|feeling|reckon|say|doing|"
    r"going|coming|eat|sleep|met|done|been|mind|prefer|hungry|ready|"
    r"laughing|crying|call|go|get|start|waiting|living|kidding)\b|\byour(?:s|self)?\b|\bto you\b|"
    r"\bbothers? you\b|\bbrings you\b|\bdid you sleep\b"
)
_OF_AGENT = re.compile(
    rf"^(?:can|could|would|will) you (?:please |also |maybe |just )?(?:{w.AGENT_VERBS}|{w.AGENT_TASKS}|see|"
    rf"hear|say|be more)\b|"
    r"^(?:do you (?:know|remember|see|hear|recogni[sz]e)|did you (?:see|hear|notice|catch|record)|"
    r"have you (?:seen|heard|noticed)|"
    r"are you (?:there|listening|sure|recording|awake|on|working|still)|what can you|what do you (?:see|"
    r"hear|remember|know)|"
    r"how do you (?:know|spell|say|pronounce)|who are you|what are you|what did you (?:just )?(?:say|see|"
    r"hear|mean)|what have you)\b"
)
_FOLLOW_UP = re.compile(
    r"^(?:(?:what|how) about|(?:the|that|this) (?:\w+ )?(?:one|second|third|first|last|next|other)\b|"
    r"before (?:that|this|\w+, i mean)|after (?:that|this)|"
    r"i meant?\b|not (?:that|the|this)\b|that (?:can't|cannot|isn't)|that's (?:not|the wrong|wrong)|"
    r"wrong\b|more\b|anything else|nothing else|"
    r"i (?:didn't|don't) (?:get|catch|understand|hear|follow)|pardon|come again|show\b|you (?:said|told|"
    r"mean|meant|forgot)\b|you(?:'re| are) (?:wrong|right|mistaken)|say\b|"
    r"i (?:don't think|doubt|thought)\b|same (?:for|question|thing)|it (?:was|is) not\b|it (?:wasn't|"
    r"isn't)\b|"
    r"(?:the|this|that) (?:other|second|third|first|last|next|previous|left|right)\b)|\bi mean[.!]?$"
)
_FOLLOWING_TASK = re.compile(rf"^(?:{w.AGENT_VERBS}|show|say)\b")
_GREETING = re.compile(
    r"^(?:hello|hi|hey|good (?:morning|afternoon|evening))(?: there)?[.!?]*"
    r"(?:,? ?(?:hello|hi|is anybody there|anybody there|are you there|anyone there)[.!?]*)*$"
)


def _person_called(said: _Said) -> bool:
    names = (name for match in _CALLED_BY_NAME.finditer(said.text) for name in match.groups() if name)
    return bool(_CALLED_BY_WORD.search(said.low)) or any(
        n.split()[0].lower() not in w.NO_NAMES for n in names
    )


def _follows_up(said: _Said) -> bool:
    if not said.following or said.errand:
        return False
    if re.match(r"no(?:pe)?,(?: \S+){1,4}$", said.low):
        return True  # a correction
    pattern = any(p.match(s) for p in (_FOLLOW_UP, _FOLLOWING_TASK) for s in (said.first, said.last))
    return pattern or bool(_FOLLOW_UP.search(said.last))


def _asks_agent(said: _Said) -> bool:
    if not said.asks:
        return False
    question = said.last
    if _OF_AGENT.match(question):
        return said.alone or said.following
    if said.errand:
        return False
    if said.following:
        return True
    others = re.search(r"\b(?:you|ya)\b", question)
    return not others and (said.alone or bool(_ABOUT_RECORDING.search(question)))


_RULES: tuple[tuple[bool, str, Callable[[_Said], object]], ...] = (
    (False, "another assistant is called", lambda s: _OTHER_ASSISTANT.match(s.low)),
    (True, "called by name", lambda s: _NAMED.search(s.low)),
    (False, "no words", lambda s: _NO_SPEECH.match(s.low) or not re.search(r"\w", s.low)),
    (True, "reply to the agent's question", lambda s: s.asked and not _SOUND.match(s.low)),
    (False, "back-channel", lambda s: backchannel(s.text, 0.0)),
    (True, "a word about the speech", lambda s: (s.alone or s.following) and _STOP.match(s.low)),
    (False, "somebody else is called", _person_called),
    (False, "talks to somebody else", lambda s: _PHONE.search(s.low)),
    (False, "read aloud", lambda s: _READ_ALOUD.search(s.low)),
    (False, "talks to oneself", lambda s: not s.following and (_MUTTERED.match(s.first) or _MUTTERED.match(s.last))),
    (True, "a task", lambda s: s.task and s.alone),
    (True, "a task that only the agent can do", lambda s: _TASK_IN_COMPANY.match(s.last)),
    (False, "tells what somebody said", lambda s: _REPORTED.search(s.last) and not s.low.endswith("?")),
    (False, "expects no answer", lambda s: _NO_QUESTION.match(s.last) or _TAG.search(s.last)),
    (True, "follows up", _follows_up),
    (True, "a question", _asks_agent),
    (False, "a question for somebody else", lambda s: s.asks),
    (True, "a greeting", lambda s: s.alone and _GREETING.match(s.low)),
)  # fmt: skip

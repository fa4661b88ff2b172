"""What looks like a statement and is none: questions, suppositions, what others said, fiction, jokes. When in doubt, it is
none: a fact that was made up costs more than one that was missed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_CASED = re.compile(r"\b(?:may|might)\b")
_SUPPOSED = re.compile(
    r"""\b(?:if|unless|would|could|should|imagine|suppose|supposed|pretend|pretending|pretended|wish|wishes|wished|hope|hopes|
    hoped|hoping|dream|dreams|dreamed|dreamt|dreaming|maybe|perhaps|probably|possibly|likely|guess(?!\s+what\b)|bet|assume|assumed|wonder|
    seems?|seemed|hypothetically|almost|nearly|apparently|supposedly|allegedly|rumou?rs?|reportedly|tempted|whether|
    as\s+though|as\s+if|not\s+sure|let's\s+say|let\s+us\s+say|in\s+another\s+life|one\s+day|someday|some\s+day|
    thinking\s+(?:of|about)|considering|what\s+if|feels?\s+like|felt\s+like|sounds?\s+like|like\s+(?:I|he|she|they|we)\b|
    think|thinks|thought|believe|believes|believed|suspect|doubt|
    want(?:s|ed)?\s+to|trying\s+to|tried\s+to|about\s+whether)\b|\b(?:I|he|she|we|they)['’]d\b""",
    re.IGNORECASE | re.VERBOSE,
)
_TOLD = re.compile(
    r"""\b(?:said|says|saying|told|tells|asks?|asked|wrote|writes|claims?|claimed|mentions?|mentioned|announced|replied|
    heard|hears|according\s+to|quotes?|quoted|lyrics?|goes\s+like|reads\s+like|lied|lies|lying|used\s+to\s+joke)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FICTION = re.compile(
    r"""\b(?:in|from|for|of)\s+(?:the|a|an|my|his|her|our|this|that|one)\s+(?:\w+\s+)?(?:movie|film|novel|story|book|game|dream|
    nightmare|show|play|song|series|sketch|scene|sims?|comic|musical|script|tale|poem|joke|simulation|campaign|
    experiment|example)\b|\b(?:my|the|his|her)\s+(?:\w+\s+)?(?:character|avatar|protagonist|heroine|hero)\b|
    \bfor\s+(?:example|instance)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_JOKE = re.compile(
    r"""\b(?:kidding|joking|jk|sarcas\w+|pulling\s+your\s+leg|yeah,?\s+right|as\s+a\s+joke|in\s+jest|not\s+really|
    obviously\s+not|just\s+messing|april\s+fools?)\b|(?:^|\s)/s(?:\s|$)""",
    re.IGNORECASE | re.VERBOSE,
)
_LAUGH = re.compile(
    r"\b(?:lol|lmao|rofl|haha\w*|ha\s+ha|hehe)\b|[\U0001F602\U0001F923\U0001F61C]", re.IGNORECASE
)
_QUOTE = re.compile(r"[\"“”«»]|(?<!\w)'[^']{3,}'(?!\w)")


MACHINES = frozenset("assistant ai bot chatbot system hearsight agent model gpt chatgpt".split())


def is_machine(speaker: str | None, details: Mapping[str, object]) -> bool:
    """Whether an assistant said it, or it was recalled from a memory: no fact is made of it, or a memory would come to
    believe itself."""
    return (speaker or "").strip().casefold() in MACHINES or bool(details.get("recalled"))


def is_joke(text: str) -> bool:
    """Whether a record takes back what it says."""
    return bool(_JOKE.search(text))


def is_laughed_at(sentence: str) -> bool:
    return bool(_LAUGH.search(sentence))


def states(sentence: str) -> bool:
    """Whether it is a plain statement of who says it."""
    if sentence.rstrip(" )\"'”’").endswith("?") or sentence.lstrip().startswith((">", "“", '"')):
        return False
    if _QUOTE.search(sentence) or _CASED.search(sentence):
        return False
    return not (_SUPPOSED.search(sentence) or _TOLD.search(sentence) or _FICTION.search(sentence))

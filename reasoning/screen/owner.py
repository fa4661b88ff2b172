"""Who sits before the screen: the name that its shells and home folders have."""

from __future__ import annotations

import re
from collections import Counter

from reasoning.screen.find import Finder
from reasoning.screen.when import When

_PROMPT = re.compile(r"(?<![\w.@])([a-z][a-z0-9_-]{1,30})@[\w.-]+:[~/]")
_HOME = re.compile(r"(?:/home|/Users|\\Users)[/\\]([A-Za-z][\w-]{1,30})[/\\]")
_NOBODY = {"root", "admin", "administrator", "ubuntu", "user", "guest", "runner"}


async def owner_of(finder: Finder) -> set[str]:
    """Names by which the user is called, in lower case: "me" and "you", and what most shells call them."""
    called: Counter[str] = Counter()
    for moment in await finder.texts(When()):
        text = moment.evidence.text
        called.update(name.casefold() for pattern in (_PROMPT, _HOME) for name in pattern.findall(text))
    names = [name for name, _ in called.most_common() if name not in _NOBODY]
    return {"me", "you", "myself", *names[:1]}

"""What is seen, in a sentence: by a vision-language model where there is one, else by what it looks like."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from reasoning.engine import Reasoner
from runtime.errors import EngineError

PROMPT = "Describe what this picture shows in one short sentence. Say only what can be seen."
_TOKENS = 48
_SURE = 0.6


class Captioner:
    """Asks the language model of the answers. A model that takes no pictures is asked nothing."""

    def __init__(self, engine: Reasoner | None) -> None:
        self._engine = engine

    async def caption(self, jpeg: bytes) -> tuple[str, str] | None:
        """The sentence and the model's name. None: there is no such model, or it has not answered in time."""
        if self._engine is None or not jpeg or await self._engine.weak():
            return None
        try:
            client = await self._engine.client()
            if not client.address.vision:
                return None
            messages = [{"role": "user", "content": PROMPT}]
            text = ""
            async with aclosing(client.chat(messages, images=[jpeg], max_tokens=_TOKENS)) as deltas:
                async for delta in deltas:
                    text += delta.text
        except EngineError:
            return None
        sentence = " ".join(text.split())
        return (sentence, client.address.model) if sentence else None


def looks_like(tags: Sequence[tuple[str, float]]) -> str:
    """The class that the encoder is sure of, in a sentence; "" where it is of none: a guess is no caption."""
    if not tags or tags[0][1] < _SURE:
        return ""
    return f"Looks like {_with_article(tags[0][0])}."


def _with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"

"""Who makes facts of a memory's records: the rules, and a capable language model where there is one."""

from __future__ import annotations

from datetime import tzinfo

from memory.consolidation.extractor import Extractor, RuleExtractor
from memory.settings import MemorySettings
from reasoning.consolidation.engine_extractor import EngineExtractor
from reasoning.engine import Reasoner
from runtime.compute import Compute
from runtime.errors import EngineError


async def extractors(
    compute: Compute, settings: MemorySettings, zone: tzinfo | None, reasoner: Reasoner | None
) -> list[Extractor]:
    """The rules first: they cost next to nothing. A small model invents, and is not asked; nor is one that is not there."""
    found: list[Extractor] = [RuleExtractor(compute, settings.consolidation.batch, zone)]
    if reasoner is not None and not await reasoner.weak():
        try:
            client = await reasoner.client()
        except EngineError:
            return found
        if not client.address.weak:
            found.append(EngineExtractor(client, zone))
    return found

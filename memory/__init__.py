"""Short term to long term, on LanceDB."""

from memory.records import Keyframe, ResumePoint, SourceInfo, StoredClip
from memory.retrieval import ClipHit, Hit, Memory, Scores, SearchRequest
from memory.settings import MemorySettings, SearchSettings
from memory.stats import MemoryStats
from memory.store import Store
from memory.writer import MemoryWriter

__all__ = [
    "ClipHit",
    "Hit",
    "Keyframe",
    "Memory",
    "MemorySettings",
    "MemoryStats",
    "MemoryWriter",
    "ResumePoint",
    "Scores",
    "SearchRequest",
    "SearchSettings",
    "SourceInfo",
    "Store",
    "StoredClip",
]

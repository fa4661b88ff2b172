"""Short term to long term, on LanceDB."""

from memory.conversation import Added, Message, add_messages, conversation_source, text_source
from memory.records import Keyframe, ResumePoint, SourceInfo, StoredClip
from memory.retrieval import ClipHit, Hit, Memory, Scores, SearchRequest
from memory.settings import MemorySettings, SearchSettings
from memory.stats import MemoryStats
from memory.store import Store
from memory.writer import MemoryWriter

__all__ = [
    "Added",
    "ClipHit",
    "Hit",
    "Keyframe",
    "Memory",
    "MemorySettings",
    "MemoryStats",
    "MemoryWriter",
    "Message",
    "ResumePoint",
    "Scores",
    "SearchRequest",
    "SearchSettings",
    "SourceInfo",
    "Store",
    "StoredClip",
    "add_messages",
    "conversation_source",
    "text_source",
]

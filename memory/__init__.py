"""Short term to long term, on LanceDB. `Memory` is what other programs use (docs/memory.md)."""

from memory.appearances import Appearance
from memory.blocking import BlockingMemory
from memory.cast import Cast, Claim, Speaker
from memory.conversation import Added, Message, add_messages, conversation_source, text_source
from memory.entities import People, Person
from memory.history import Version
from memory.hits import ClipHit, Hit, Scores, SearchRequest
from memory.packing import Packed
from memory.past import Past
from memory.pictures import Picture
from memory.records import Keyframe, ResumePoint, SourceInfo, StoredClip
from memory.retrieval import Memory
from memory.settings import MemorySettings, SearchSettings
from memory.stats import MemoryStats
from memory.store import Store
from memory.things import Thing
from memory.writer import MemoryWriter

__all__ = [
    "Added",
    "Appearance",
    "BlockingMemory",
    "Cast",
    "Claim",
    "ClipHit",
    "Hit",
    "Keyframe",
    "Memory",
    "MemorySettings",
    "MemoryStats",
    "MemoryWriter",
    "Message",
    "Packed",
    "Past",
    "People",
    "Person",
    "Picture",
    "ResumePoint",
    "Scores",
    "SearchRequest",
    "SearchSettings",
    "SourceInfo",
    "Speaker",
    "Store",
    "StoredClip",
    "Thing",
    "Version",
    "add_messages",
    "conversation_source",
    "text_source",
]

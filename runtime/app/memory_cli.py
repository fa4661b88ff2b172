"""The arguments of hearsight memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runtime.app.arguments import add_command, media_time, memory_option
from runtime.app.consolidation_cli import consolidation_parser
from runtime.app.encryption_cli import encryption_parser
from runtime.app.people_cli import people_parser, things_parser


def memory_parser(commands: Any) -> None:
    parser = add_command(commands, "memory", "look into a memory, keep it, forget", None)
    sub = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add(sub)
    _stats(sub)
    _forget(sub)
    _snapshot(sub)
    _check(sub)
    _pin(sub)
    _thin(sub)
    _history(sub)
    _learned(sub)
    _export(sub)
    _import(sub)
    people_parser(sub)
    things_parser(sub)
    consolidation_parser(sub)
    encryption_parser(sub)


def _add(commands: Any) -> None:
    parser = add_command(
        commands,
        "add",
        "remember conversations, notes, documents and pictures",
        "runtime.app.adding:run_add",
        description="""Remembers files, with the times of what they tell of. Adding one again adds only what is new in it.

A chat:    .jsonl, one message a line:
           {"session": "monday", "time": "2024-05-06T09:30", "speaker": "Ana", "text": "...", "images": ["kayak.jpg"]}
           (session and time may be left out: a day is a session, a message follows the one before; an image is a
           file, from where the chat lies, or a caption, or both: {"path": "kayak.jpg", "caption": "..."})
A note:    .md or .txt; its time is a date in its headings, front matter or name, else when it was last changed
Documents: .pdf, .docx, .html; a date in the name, else when it says that it was made, else when it was last changed
A picture: .png, .jpg, .webp, .bmp; what is seen and written in it; when it was taken, else as above""",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    memory_option(parser)
    parser.add_argument(
        "--source", metavar="NAME", help="add to the source of this name (default: by the file)"
    )


def _stats(commands: Any) -> None:
    parser = add_command(
        commands,
        "stats",
        "what it holds, level by level, in records and bytes",
        "runtime.app.upkeep:run_memory_stats",
    )
    memory_option(parser)
    parser.add_argument("--json", action="store_true")


def _forget(commands: Any) -> None:
    parser = add_command(
        commands,
        "forget",
        "take something out of the memory, and off the disk",
        "runtime.app.memory_commands:run_forget",
        description="""Takes out what all the given options apply to, with everything that was made of it: keys, pictures, clips,
summaries, old versions. It shows what that is and asks first. There is no way back.""",
    )
    parser.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="records, clips, events, episodes (as --json shows them) or sources",
    )
    memory_option(parser)
    parser.add_argument("--source", metavar="VIDEO", help="of this video; alone, all of it")
    parser.add_argument(
        "--from", dest="t_from", type=media_time, metavar="T", help="from this time of the video on"
    )
    parser.add_argument("--to", dest="t_to", type=media_time, metavar="T", help="up to this time")
    parser.add_argument(
        "--person", metavar="NAME", help="what this person said, and the clips that show their face"
    )
    parser.add_argument("--app", metavar="NAME", help="what was seen of this program on the screen")
    parser.add_argument("--query", metavar="WORDS", help="what has all of these words in it")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be forgotten")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _snapshot(commands: Any) -> None:
    parser = add_command(
        commands,
        "snapshot",
        "keep the memory as it is now, under a name",
        "runtime.app.memory_commands:run_snapshot",
        description="""Keeps the memory as it is now; without NAME, lists what was kept. It shares its files with the memory, so
it takes no space until those change. Ask it: hearsight ask QUESTION --snapshot NAME""",
    )
    parser.add_argument("name", nargs="?", metavar="NAME")
    memory_option(parser)
    parser.add_argument("--drop", metavar="NAME", help="remove this one")


def _check(commands: Any) -> None:
    parser = add_command(
        commands,
        "check",
        "read every byte of it, and name what is damaged",
        "runtime.app.memory_commands:run_check",
    )
    memory_option(parser)
    parser.add_argument("--json", action="store_true")


def _history(commands: Any) -> None:
    parser = add_command(
        commands,
        "history",
        "every version of a statement, and what took its place",
        "runtime.app.memory_commands:run_history",
    )
    parser.add_argument("what", metavar="ID|QUESTION", help="a record, or words that find one")
    memory_option(parser)
    parser.add_argument("--source", metavar="VIDEO", help="only in this video")
    parser.add_argument("--as-of", type=media_time, metavar="T", help="use only what was known at T of it")
    parser.add_argument("--json", action="store_true")


def _learned(commands: Any) -> None:
    parser = add_command(
        commands,
        "learned",
        "what the ranking has learned from what answers cited",
        "runtime.app.memory_commands:run_learned",
        description="""Shows what each thing that was learned from citations adds to the score of what is found. It learns where
memory.search.learn is set, and what it has learned counts for questions of now, never for those of the past.""",
    )
    memory_option(parser)
    parser.add_argument("--reset", action="store_true", help="take it back")


def _export(commands: Any) -> None:
    parser = add_command(
        commands, "export", "all of it as one file, with a checksum", "runtime.app.memory_commands:run_export"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file; any zip tool can look into it")
    memory_option(parser)


def _import(commands: Any) -> None:
    parser = add_command(
        commands,
        "import",
        "what was exported, into a new memory or one that is there",
        "runtime.app.memory_commands:run_import",
        description="""Takes over what was exported: all of it into a new memory; into one that is there, the sources that it has
not, and nothing of who the people in them are. A damaged file changes nothing.""",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    memory_option(parser)


def _pin(commands: Any) -> None:
    parser = add_command(
        commands, "pin", "never let the pictures of something fade", "runtime.app.memory_commands:run_pin"
    )
    parser.add_argument("ids", nargs="+", metavar="ID", help="records, clips, events, episodes or sources")
    memory_option(parser)
    parser.add_argument("--remove", action="store_true", help="let them fade again")


def _thin(commands: Any) -> None:
    parser = add_command(
        commands,
        "thin",
        "let pictures fade until the memory keeps to memory.total_bytes",
        "runtime.app.memory_commands:run_thin",
        description="""Lets patch tokens and pictures fade until the memory keeps to memory.total_bytes, as it does by itself
while it is written: first what was longest not recalled by an answer. Words, summaries and what is pinned stay.""",
    )
    memory_option(parser)

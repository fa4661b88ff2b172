"""The arguments of hearsight memory consolidate, facts, profile, notes and day."""

from __future__ import annotations

from typing import Any

from runtime.app.arguments import add_command, day, engine_option, media_time, memory_option


def consolidation_parser(commands: Any) -> None:
    _consolidate(commands)
    _facts(commands)
    _profile(commands)
    _notes(commands)
    _day(commands)


def _consolidate(commands: Any) -> None:
    parser = add_command(
        commands,
        "consolidate",
        "make facts of what was said since the last time",
        "runtime.app.consolidation:run_consolidate",
        description="""Makes facts of what people said and wrote: who lives where and likes what, names, plans, numbers that
change, how things are done and where they lie. What is made says what it was made of, and can be dropped and made again.""",
    )
    memory_option(parser)
    engine_option(parser)
    parser.add_argument("--rebuild", action="store_true", help="drop what was made, and make all of it again")


def _facts(commands: Any) -> None:
    parser = add_command(
        commands,
        "facts",
        "what is known of people and things, and since when",
        "runtime.app.consolidation:run_facts",
        description="""Lists the facts that hold, or those that a few words are about. What a fact took the place of is shown by
hearsight memory history ID.""",
    )
    parser.add_argument("words", nargs="*", metavar="WORDS", help="what they are about")
    memory_option(parser)
    parser.add_argument("--about", metavar="NAME", help="of this person or thing")
    parser.add_argument(
        "--kind",
        choices=("semantic", "procedural", "resource"),
        help="facts; how things are done; links and files",
    )
    parser.add_argument("--source", metavar="VIDEO", help="only from this source")
    parser.add_argument("--as-of", type=media_time, metavar="T", help="as it was known at T")
    parser.add_argument(
        "--at", type=media_time, metavar="T", help="what held at T (a date), as it is known now"
    )
    parser.add_argument("--all", action="store_true", help="what no longer holds, too")
    parser.add_argument("--json", action="store_true")


def _profile(commands: Any) -> None:
    parser = add_command(
        commands, "profile", "what is known of a person", "runtime.app.consolidation:run_profile"
    )
    parser.add_argument(
        "person", nargs="?", metavar="NAME", help="default: memory.user; without it, who is known"
    )
    memory_option(parser)
    parser.add_argument("--as-of", type=media_time, metavar="T", help="as it was known at T")
    parser.add_argument("--json", action="store_true")


def _notes(commands: Any) -> None:
    parser = add_command(
        commands,
        "notes",
        "a note for each episode: keywords, tags, what it is linked to, and since when",
        "runtime.app.consolidation:run_notes",
    )
    parser.add_argument("words", nargs="*", metavar="WORDS", help="what they are about")
    memory_option(parser)
    parser.add_argument("--as-of", type=media_time, metavar="T", help="as they were known at T")
    parser.add_argument("--json", action="store_true", help="with the history of each")


def _day(commands: Any) -> None:
    parser = add_command(
        commands,
        "day",
        "what a day was about, and what was learned on it",
        "runtime.app.consolidation:run_day",
    )
    parser.add_argument(
        "date",
        nargs="?",
        type=day,
        metavar="DATE",
        help="like 2024-05-07; without it, all days in a line each",
    )
    memory_option(parser)
    parser.add_argument("--json", action="store_true")

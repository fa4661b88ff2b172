"""The arguments of hearsight memory people and memory things."""

from __future__ import annotations

import argparse
from typing import Any

from runtime.app.arguments import add_command, memory_option


def people_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "people",
        "who is known by voice and face; name, merge, split, undo",
        "runtime.app.people:run_people",
    )
    memory_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON line for each person")
    sub = parser.add_subparsers(title="commands", metavar="COMMAND")
    name = add_command(sub, "name", "say what somebody is called", "runtime.app.people:run_people_change")
    name.add_argument("person", metavar="ID", help="as the list shows it, or the name known so far")
    name.add_argument("name", metavar="NAME", help='"" takes back what you called them')
    merge = add_command(sub, "merge", "say that two are one", "runtime.app.people:run_people_change")
    merge.add_argument("person", metavar="A")
    merge.add_argument("other", metavar="B", help="who is A, too")
    split = add_command(
        sub,
        "split",
        "say that one is two: their voices (else their faces) are told apart",
        "runtime.app.people:run_people_change",
    )
    split.add_argument("person", metavar="ID")
    undo = add_command(
        sub,
        "undo",
        "take back the last of these, or anything of the history",
        "runtime.app.people:run_people_change",
    )
    undo.add_argument("number", metavar="NUMBER", nargs="?", type=int)
    log = add_command(
        sub, "history", "how it is known who is who, numbered", "runtime.app.people:run_people_history"
    )
    for action, one in (("name", name), ("merge", merge), ("split", split), ("undo", undo)):
        one.set_defaults(action=action)
    for one in (name, merge, split, undo, log):
        # Not given here, it is what was given before the command.
        one.add_argument(
            "--memory", metavar="DIR", default=argparse.SUPPRESS, help="the memory, as for the list"
        )


def things_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "things",
        "what things are called; merge, split, undo",
        "runtime.app.things:run_things",
        description="""Lists things that were said to have a name, as far as `memory consolidate` has read, with how many records
say so. A question that uses one name is also asked with the others.""",
    )
    memory_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON line for each thing")
    sub = parser.add_subparsers(title="commands", metavar="COMMAND")
    change = "runtime.app.things:run_things_change"
    merge = add_command(sub, "merge", "say that two are one", change)
    merge.add_argument("thing", metavar="A", help="a name, a description or an id of the list")
    merge.add_argument("other", metavar="B", help="what is A, too")
    split = add_command(sub, "split", "say that what has this name is another thing", change)
    split.add_argument("thing", metavar="A")
    split.add_argument("name", metavar="NAME")
    undo = add_command(sub, "undo", "take back the last of these, or of those about people", change)
    for action, one in (("merge", merge), ("split", split), ("undo", undo)):
        one.set_defaults(action=action)
        one.add_argument(
            "--memory", metavar="DIR", default=argparse.SUPPRESS, help="the memory, as for the list"
        )

"""The arguments of hearsight eval."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from runtime.app.arguments import add_command


def eval_parser(commands: Any) -> None:
    parser = add_command(commands, "eval", "measure the memory on public formats", None)
    sub = parser.add_subparsers(title="commands", metavar="COMMAND")

    one = add_command(
        sub,
        "locomo",
        "share of the evidence found, on conversations in LoCoMo's format",
        "runtime.app.evaluation:run_locomo",
        description="""Remembers each conversation of FILE in a memory of its own and looks for each question's evidence: the mean
share of its turns among the first 1, 5, 10 and 20, over the categories 1 to 4. No language model is used, and
nothing of the facts and summaries that come with the data.""",
    )
    _options(one)

    two = add_command(
        sub,
        "longmemeval",
        "sessions found, answers and abstentions, on questions in LongMemEval's format",
        "runtime.app.evaluation:run_longmemeval",
        description="""Remembers each question's sessions in a memory of its own, asks it as of its date, and says by type:
in how many all answering sessions, and all marked turns, are among the first 5 and 10 messages found; how many answers
(from the evidence alone, without a language model) have all words of the wanted one; how often it abstained where it had to.""",
    )
    _options(two)
    _personamem(sub)


def _personamem(sub: Any) -> None:
    parser = add_command(
        sub,
        "personamem",
        "which reply fits the user, on questions in PersonaMem's format",
        "runtime.app.evaluation:run_personamem",
        description="""Remembers each context in a memory of its own and asks each question as of its place in it, with its
options. Says by type how often the right one was chosen, and of how many memory had an answer (from the evidence alone,
without a language model); for the others the option is chosen that shares most with what is remembered. FILE is
questions_NAME.csv, with shared_contexts_NAME.jsonl beside it.""",
    )
    _options(parser)
    parser.add_argument(
        "--contexts", type=Path, metavar="FILE", help="the shared contexts, if they lie elsewhere"
    )


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="JSON; PersonaMem: CSV")
    parser.add_argument("--json", action="store_true", help="one JSON line")
    parser.add_argument("--quiet", action="store_true", help="no progress")

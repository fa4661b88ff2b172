"""The command `hearsight`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NoReturn

from runtime.app.arguments import add_command, engine_option, media_time, memory_option, port, positive
from runtime.app.eval_cli import eval_parser
from runtime.app.memory_cli import memory_parser
from runtime.app.screen.arguments import add_screen
from runtime.app.serving_cli import serving_parsers
from runtime.app.vault_cli import vault_parser
from runtime.clock import hurry, run_virtual
from runtime.errors import HearsightError, StuckError

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
_INTERRUPTED = "interrupted; what was committed is kept, run again to go on"

_EXAMPLES = """\
examples:
  hearsight models pull                            get the weights (said with their sizes first)
  hearsight ingest talk.mp4                        watch and hear a video, remember it
  hearsight ask "Who leads the project now?"       answer from memory, with the moments that prove it
  hearsight ask "What was the price?" --as-of 10:00
  hearsight qa talk.mp4 --questions q.jsonl --out a.jsonl
  hearsight doctor                                 what is missing, and what that costs

Settings: --config FILE (TOML), HEARSIGHT__SECTION__KEY=value, --set section.key=value; later ones win.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. One clear line on stderr and a non-zero exit for everything that a user can mend."""
    args = _parser().parse_args(argv)
    if args.handler is None:
        args.parser.print_help()
        return EXIT_USAGE
    try:
        run: Callable[[Coroutine[Any, Any, int]], int] = getattr(args, "loop", asyncio.run)
        return run(_until_signal(_done(args)))
    except StuckError as error:
        print(f"hearsight: {error}", file=sys.stderr)
        _leave(EXIT_ERROR)
    except HearsightError as error:
        print(f"hearsight: {error}", file=sys.stderr)
        return EXIT_ERROR
    except ExceptionGroup as group:
        mine = _first_of(group)
        if mine is None:
            raise
        print(f"hearsight: {mine}", file=sys.stderr)
        return EXIT_ERROR
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(f"hearsight: {getattr(args, 'stopped', _INTERRUPTED)}", file=sys.stderr)
        _leave(EXIT_INTERRUPTED)
    except BrokenPipeError:
        return EXIT_ERROR


def _leave(status: int) -> NoReturn:
    """A model's thread may still be in native code, which does not survive the interpreter's orderly end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


async def _done(args: argparse.Namespace) -> int:
    """What the command does."""
    handler: Callable[[argparse.Namespace], Awaitable[int]] = resolve_name(args.handler)
    return await handler(args)


async def _until_signal(work: Coroutine[Any, Any, int]) -> int:
    """SIGINT and SIGTERM cancel the work: the writer commits what is whole, every task ends."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()

    def stop() -> None:
        hurry(loop)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return await work


def _first_of(group: ExceptionGroup[Exception]) -> HearsightError | None:
    """The error to show when several stages failed at once: the first of ours, if all are ours or follow from it."""
    for error in group.exceptions:
        if isinstance(error, HearsightError):
            return error
        if isinstance(error, ExceptionGroup):
            found = _first_of(error)
            if found is not None:
                return found
    return None


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"hearsight: {' '.join(message.split())} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="hearsight",
        description="Watches and listens to video, remembers it, and answers questions with the moments that prove it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(parser=parser, handler=None)
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with settings")
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="one setting; repeatable",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _ingest(commands)
    _ask(commands)
    _qa(commands)
    _live(commands)
    _replay(commands)
    add_screen(commands)
    _models(commands)
    _engine(commands)
    _doctor(commands)
    memory_parser(commands)
    eval_parser(commands)
    vault_parser(commands)
    serving_parsers(commands)
    return parser


def _ingest(commands: Any) -> None:
    parser = add_command(
        commands,
        "ingest",
        "perceive videos and remember them",
        "runtime.app.commands:run_ingest",
        description="Perceive videos and remember them. A run that was stopped, by whatever, is taken up where it was.",
    )
    parser.add_argument(
        "videos", nargs="+", type=Path, metavar="VIDEO", help="anything FFmpeg reads, with or without sound"
    )
    memory_option(parser)
    parser.add_argument(
        "--jobs", type=positive, default=1, metavar="N", help="videos at a time; they share the models"
    )
    parser.add_argument(
        "--metrics", type=Path, metavar="FILE", help="write the metrics there at the end (Prometheus text)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, no table")


def _ask(commands: Any) -> None:
    parser = add_command(commands, "ask", "ask one question of a memory", "runtime.app.commands:run_ask")
    parser.add_argument("question", help='for example "When was the ferry notice on screen?"')
    memory_option(parser)
    parser.add_argument(
        "--as-of",
        metavar="T",
        type=media_time,
        help="use only what was known at T (seconds, m:ss or h:mm:ss)",
    )
    parser.add_argument(
        "--source", metavar="VIDEO", help="only this video: its file name or the id that memory stats shows"
    )
    parser.add_argument(
        "--snapshot", metavar="NAME", help="the memory as it was then (hearsight memory snapshot)"
    )
    parser.add_argument(
        "--option", action="append", default=[], metavar="TEXT", help="a choice; repeat for multiple choice"
    )
    parser.add_argument("--json", action="store_true", help="one JSON line, as in the batch mode")
    parser.add_argument(
        "--strip",
        type=Path,
        metavar="FILE.jpg",
        help="write the pictures of the evidence there, side by side",
    )
    engine_option(parser)


def _qa(commands: Any) -> None:
    parser = add_command(
        commands,
        "qa",
        "batch: long videos in, answers with evidence out",
        "runtime.app.commands:run_qa",
        description="""Ingest videos (unless the memory already holds them) and answer questions about each.

A question:  {"id": "q1", "question": "...", "ask_at": 754.0, "options": ["...", "..."]}   (the last two optional)
An answer:   {"id", "answer", "choice", "abstained", "evidence": [{"id", "t_start", "t_end", "modality", "text"}],
              "latency_s", "prompt_tokens", "completion_tokens"}       (choice: zero-based index into the options)
A manifest:  {"video": "a.mp4", "questions": "a.jsonl", "out": "a.answers.jsonl"}          (one line per video)
ask_at is causal: nothing perceived after that second is used. A second run answers only what is not answered yet.""",
    )
    parser.add_argument("video", nargs="?", type=Path, metavar="VIDEO")
    parser.add_argument("--questions", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl")
    parser.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE.jsonl",
        help="many videos, instead of VIDEO, --questions and --out",
    )
    memory_option(parser)
    parser.add_argument(
        "--jobs", type=positive, default=1, metavar="N", help="videos at a time; they share the models"
    )
    parser.add_argument(
        "--strips",
        type=Path,
        metavar="DIR",
        help="write the pictures of each answer's evidence to DIR/ID.jpg",
    )
    parser.add_argument(
        "--metrics", type=Path, metavar="FILE", help="write the metrics there at the end (Prometheus text)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, no table")
    engine_option(parser)


def _live(commands: Any) -> None:
    parser = add_command(
        commands,
        "live",
        "a page to talk to: it sees, hears, remembers, and can be interrupted",
        "runtime.app.live.command:run_live",
        description="""Starts a server on this machine and prints the address of its page. Open it in a browser, share a
camera, a tab or the screen, and talk. Ctrl-C ends it; what was perceived is kept in the memory.

Beyond this machine (--host 0.0.0.0) a token is demanded and shown, and a browser wants https for a camera:
--set live.certificate=cert.pem --set live.key=key.pem""",
    )
    memory_option(parser)
    parser.add_argument("--host", metavar="ADDRESS", help="where to listen (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=port, metavar="N", help="on which port, 0 for a free one (default: 8080)"
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="keep each session's sound, pictures and events in a folder there, as they come: secrets are not taken out "
        "(about 1 GB an hour)",
    )
    engine_option(parser)
    parser.set_defaults(stopped="stopped; what was perceived is kept")


def _replay(commands: Any) -> None:
    parser = add_command(
        commands,
        "replay",
        "recorded live sessions again: the same utterances, clips and answers?",
        "runtime.app.live.replay:run_replay",
        description="""Runs what `hearsight live --record DIR` kept through the same stages, on virtual time, with the settings it
was recorded with (unless --set says otherwise), and compares what comes of it. The exit status is 1 where it differs.""",
    )
    parser.add_argument(
        "recording", type=Path, metavar="DIR", help="one recorded session, or a folder of them"
    )
    parser.add_argument(
        "--memory", metavar="DIR", help="keep what is remembered in a new memory (default: thrown away)"
    )
    engine_option(parser)
    # A model, or weights on their way, may be silent this long before they are taken for hung.
    parser.set_defaults(loop=partial(run_virtual, thread_patience_s=900.0, fail_when_stuck=True))


def _models(commands: Any) -> None:
    parser = add_command(commands, "models", "list and get the weights", None)
    sub = parser.add_subparsers(title="commands", metavar="COMMAND")
    add_command(
        sub,
        "list",
        "every model: here or not, where, how big, what its absence costs",
        "runtime.app.upkeep:run_models_list",
    )
    get = add_command(
        sub, "pull", "get the default set, or the named models", "runtime.app.upkeep:run_models_pull"
    )
    get.add_argument("names", nargs="*", metavar="NAME")


def _engine(commands: Any) -> None:
    parser = add_command(commands, "engine", "the language model's server (vLLM)", None)
    sub = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, text in (
        (
            "start",
            "start the server, or find it running; makes its environment in the cache when first needed",
        ),
        ("stop", "stop it"),
        ("status", "is it running, where, with which model"),
    ):
        add_command(sub, name, text, "runtime.app.upkeep:run_engine").set_defaults(action=name)


def _doctor(commands: Any) -> None:
    parser = add_command(
        commands,
        "doctor",
        "what is missing on this machine, and what each missing thing costs",
        "runtime.app.upkeep:run_doctor",
    )
    memory_option(parser)


if __name__ == "__main__":
    sys.exit(main())

"""What the terminal shows: progress, tables, answers. Everything but results goes to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from reasoning.streaming import Streamed
from reasoning.times import clock_text, span_text
from runtime.clock import WallClock
from runtime.messages import Answer, AnswerDelta, Evidence

stderr = Console(stderr=True, highlight=False)
# Not a terminal: tables are for other programs and logs, which have no width.
stdout = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)

_LINE_EVERY_S = 5.0


def say(line: str) -> None:
    stderr.print(line, markup=False, soft_wrap=True)


class Bars:
    """A bar for each video: a real one on a terminal, a line now and then elsewhere."""

    def __init__(self, clock: WallClock, quiet: bool) -> None:
        self._clock = clock
        self._quiet = quiet
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[at]}  real-time factor {task.fields[rtf]}"),
            TimeRemainingColumn(),
            console=stderr,
            disable=quiet or not stderr.is_terminal,
        )

    @contextmanager
    def shown(self) -> Iterator[Bars]:
        with self._progress:
            yield self

    def bar(self, path: Path) -> _Bar:
        return _Bar(self._progress, path, self._clock, self._quiet)


class _Bar:
    def __init__(self, progress: Progress, path: Path, clock: WallClock, quiet: bool) -> None:
        self._progress = progress
        self._path = path
        self._clock = clock
        self._began = self._told = clock.now()
        self._first: float | None = None
        self._task = progress.add_task(path.name, total=None, at="0:00", rtf="-")
        self._lines = not quiet and not stderr.is_terminal

    def __call__(self, position_s: float, duration_s: float | None) -> None:
        now = self._clock.now()
        if self._first is None and position_s > 0:
            self._first = position_s
        done = position_s - (self._first or 0.0)
        rtf = f"{(now - self._began) / done:.3f}" if done > 1 else "-"
        self._progress.update(
            self._task, completed=position_s, total=duration_s, at=clock_text(position_s), rtf=rtf
        )
        if self._lines and now - self._told >= _LINE_EVERY_S:
            self._told = now
            of = f" of {clock_text(duration_s)}" if duration_s else ""
            say(f"{self._path.name}: {clock_text(position_s)}{of}, real-time factor {rtf}")


@contextmanager
def busy(text: str) -> Iterator[Callable[[], None]]:
    """A moving sign on a terminal until the block ends, or what it gives is called."""
    with stderr.status(text) as status:
        yield status.stop


def media_span(e: Evidence) -> str:
    return span_text(e.t_start_s, e.t_end_s)


async def show_stream(
    parts: Streamed,
    begin: Callable[[], None] = lambda: None,
    span: Callable[[Evidence], str] = media_span,
) -> Answer:
    """The answer as it is written, then its note and the moments that prove it. begin: called before the first word.
    span: how the time of a moment is told.
    """
    told = ""
    answer: Answer | None = None
    async with aclosing(parts):
        async for part in parts:
            begin()
            if isinstance(part, AnswerDelta):
                told += part.text
                stdout.print(part.text, end="", markup=False)
                stdout.file.flush()
            else:
                answer = part
    assert answer is not None
    if told:
        stdout.print()
    if told.strip() != answer.text.strip():
        stdout.print(answer.text, markup=False)
    _show_proof(answer, span)
    return answer


def _show_proof(answer: Answer, span: Callable[[Evidence], str]) -> None:
    if answer.note:
        stdout.print(f"({answer.note})", markup=False)
    if answer.evidence:
        stdout.print("Evidence:" if not answer.abstained else "Nearest in memory:", markup=False)
    for e in answer.evidence:
        text = " / ".join(line.strip() for line in e.text.splitlines() if line.strip())
        who = f"{e.speaker}: " if e.speaker is not None else ""
        who = "" if text.startswith(who) else who  # a message has it already
        how = e.modality if e.place is None else f"in {e.place}:"
        stdout.print(f"  {span(e):>15}  {how:4}  {who}{text}", markup=False)

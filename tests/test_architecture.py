"""Holds the house's arrows, the one clock and the bounded queues, by reading the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("runtime", "perception", "memory", "reasoning")

# Which layers a layer may import; itself always.
ARROWS = {
    "runtime": set[str](),
    "perception": {"runtime"},
    "memory": {"runtime"},
    "reasoning": {"runtime", "memory"},
    "runtime.app": {"runtime", "perception", "memory", "reasoning"},
}

CLOCK_READS = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.process_time",
    "time.thread_time",
    "time.sleep",
    "asyncio.sleep",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
}
QUEUES = {
    f"{module}.{name}"
    for module in ("asyncio", "asyncio.queues", "queue", "multiprocessing")
    for name in ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue")
}


def layer(module: str) -> str | None:
    """The layer of a dotted module name; None for what is not ours."""
    if module == "runtime.app" or module.startswith("runtime.app."):
        return "runtime.app"
    top = module.partition(".")[0]
    return top if top in PACKAGES else None


def module_name(path: Path, root: Path = ROOT) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of all that a module imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                above = parts[: len(parts) - node.level + is_package]
                base = ".".join((*above, base) if base else above)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def aliases(tree: ast.AST) -> dict[str, str]:
    """Local names and what they stand for."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    known[alias.asname] = alias.name
                else:
                    top = alias.name.partition(".")[0]
                    known[top] = top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return known


def full_name(node: ast.AST, known: dict[str, str]) -> str | None:
    """The dotted name an expression stands for: `import time as t; t.sleep` -> time.sleep."""
    if isinstance(node, ast.Subscript):  # asyncio.Queue[int]
        return full_name(node.value, known)
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute):
        base = full_name(node.value, known)
        return f"{base}.{node.attr}" if base else None
    return None


def wrong_arrows(source: str, module: str, is_package: bool = False) -> list[str]:
    here = layer(module)
    assert here is not None
    found = []
    for line, name in imports(ast.parse(source), module, is_package):
        there = layer(name)
        if there is not None and there != here and there not in ARROWS[here]:
            found.append(f"{module}:{line} imports {name}")
    return sorted(set(found))


def clock_reads(source: str, module: str) -> list[str]:
    tree = ast.parse(source)
    known = aliases(tree)
    names = ((node.lineno, full_name(node, known)) for node in ast.walk(tree) if isinstance(node, ast.expr))
    return [f"{module}:{line} uses {name}" for line, name in names if name in CLOCK_READS]


def unbounded_queues(source: str, module: str) -> list[str]:
    """Calls that make a queue without a positive literal, or any expression, for its size."""
    tree = ast.parse(source)
    known = aliases(tree)
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or (name := full_name(node.func, known)) not in QUEUES:
            continue
        sizes = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "maxsize")]
        unbounded = not sizes or (isinstance(sizes[0], ast.Constant) and not sizes[0].value)
        if unbounded or name.endswith("SimpleQueue"):
            found.append(f"{module}:{node.lineno} makes an unbounded {name}")
    return found


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources(*PACKAGES), ids=ids)
def test_arrows_point_down(path: Path) -> None:
    assert wrong_arrows(path.read_text("utf-8"), module_name(path), path.name == "__init__.py") == []


@pytest.mark.parametrize("path", sources(*PACKAGES, "tests"), ids=ids)
def test_only_the_clock_knows_the_time(path: Path) -> None:
    if ids(path) == "runtime/clock.py" or path.is_relative_to(ROOT / "tests" / "bench"):
        return
    assert clock_reads(path.read_text("utf-8"), module_name(path)) == []


@pytest.mark.parametrize("path", sources(*PACKAGES, "tests"), ids=ids)
def test_no_queue_is_unbounded(path: Path) -> None:
    if path.is_relative_to(ROOT / "tests" / "bench"):
        return
    assert unbounded_queues(path.read_text("utf-8"), module_name(path)) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("perception.vision.sampler", "from memory.store import Store"),
        ("perception.audio.vad", "import reasoning"),
        ("memory.store", "import perception.vision.tiles as tiles"),
        ("memory.store", "def late():\n    from reasoning import answer"),
        ("reasoning.answer", "from perception import sources"),
        ("runtime.channel", "from runtime.app import cli"),
        ("runtime.channel", "from .app.cli import main"),
        ("runtime.weights", "import memory"),
        ("memory.store", "from runtime.app.ingest import run"),
    ],
)
def test_a_wrong_arrow_is_seen(module: str, source: str) -> None:
    assert len(wrong_arrows(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("perception.vision.sampler", "from runtime.channel import Channel\nfrom .tiles import changed"),
        ("reasoning.answer", "from memory.retrieval import search\nimport numpy"),
        ("runtime.app.cli", "import perception, memory, reasoning\nfrom runtime import clock"),
        ("runtime.channel", "import memoryview_tools\nfrom runtime.clock import Clock"),
    ],
)
def test_a_right_arrow_is_left_alone(module: str, source: str) -> None:
    assert wrong_arrows(source, module) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.sleep(1)",
        "import time as t\nbegin = t.perf_counter",
        "from time import monotonic as now\nnow()",
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.now()",
    ],
)
def test_a_clock_read_is_seen(source: str) -> None:
    assert len(clock_reads(source, "x")) == 1


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import asyncio\nasyncio.Queue()", 1),
        ("import asyncio\nasyncio.Queue[int]()", 1),
        ("from asyncio import Queue\nQueue(maxsize=0)", 1),
        ("import queue\nqueue.Queue(0)", 1),
        ("import queue\nqueue.SimpleQueue()", 1),
        ("import queue\nqueue.Queue(5)", 0),
        ("import asyncio\nasyncio.Queue(maxsize=size)", 0),
        ("from runtime.channel import Queue\nQueue()", 0),
    ],
)
def test_an_unbounded_queue_is_seen(source: str, found: int) -> None:
    assert len(unbounded_queues(source, "x")) == found

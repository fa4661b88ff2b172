"""What it costs to watch a screen: CPU share of one core and memory, while nothing happens and while somebody types.

python tests/bench/bench_screen_cost.py [--still-s 300] [--typing-s 480] [--size 1280x800] [--hearing]

Real programs (two terminals) on an X server of their own, watched by `hearsight screen`. The first minute, in which the
models load and everything is read for the first time, is not counted. Typing is 8 keys a second, a sentence a line.
Memory is what the process holds (RSS), looked at every half minute.

--hearing: with both ears open, on a sound server of their own; standing still is then silence, too, and instead of typing
there is speech through the loudspeakers. What parec and pactl take is counted, what the server takes is not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from runtime.clock import perf
from tests.screen.desktop import Desktop, record, until
from tests.screen.soundserver import SPEAKERS, SoundServer
from tests.screen.test_desktop import in_memory

_LOOK_S = 30.0
SENTENCES = (
    "the lighthouse keeper counts forty seagulls before breakfast",
    "a mooring for the night costs as much as a warm coat",
    "nobody has seen the harbour master since the fog came in",
    "seven boats left for the islands and six of them came back",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--still-s", type=float, default=300.0)
    parser.add_argument("--typing-s", type=float, default=480.0)
    parser.add_argument("--warm-s", type=float, default=60.0)
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--hearing", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        desktop = Desktop(stack, folder, args.size)
        desktop.terminal("letter to Ana", "70x14+4+4", "cat")
        desktop.terminal("build", "70x14+4+300", "sh")
        settings = ["engine.mode=off"]
        if args.hearing:
            sound = SoundServer(stack, folder / "sound")
            desktop.env |= {name: sound.env[name] for name in ("PULSE_SERVER", "XDG_RUNTIME_DIR")}
            settings += ["screen.microphone=true", "screen.system_sound=true"]
        recorder, _ = record(stack, desktop, folder / "memory", *settings)
        desktop.type("build", "cat /harbour/chart.cfg")
        until(lambda: in_memory(folder / "memory", "No such file"), "the first line")
        process = psutil.Process(recorder.pid)
        threading.Event().wait(args.warm_s)
        measure(
            process, f"standing still, {args.still_s:.0f} s", lambda: threading.Event().wait(args.still_s)
        )
        if args.hearing:
            measure(process, f"speech, {args.typing_s:.0f} s", lambda: speaking(sound, args.typing_s))
        else:
            measure(process, f"typing, {args.typing_s:.0f} s", lambda: typing(desktop, args.typing_s))


def typing(desktop: Desktop, seconds: float) -> None:
    began, n = perf(), 0
    while perf() - began < seconds:
        desktop.type("letter to Ana", SENTENCES[n % len(SENTENCES)], delay_ms=125)
        n += 1


def speaking(sound: SoundServer, seconds: float) -> None:
    began, n = perf(), 0
    while perf() - began < seconds:
        sound.say(SPEAKERS, f"{SENTENCES[n % len(SENTENCES)]}.")
        n += 1


def measure(process: psutil.Process, what: str, work: Callable[[], object]) -> None:
    """Prints the share of one core that the recorder took meanwhile, and what it held from beginning to end."""
    before, began, over = cpu_s(process), perf(), threading.Event()
    held: list[float] = []

    def look() -> None:
        while True:
            held.append(process.memory_info().rss / 1e6)
            if over.wait(_LOOK_S):
                return

    looking = threading.Thread(target=look)
    looking.start()
    try:
        work()
    finally:
        over.set()
        looking.join()
    share = (cpu_s(process) - before) / (perf() - began)
    held.append(process.memory_info().rss / 1e6)
    print(
        f"{what}: {100 * share:.2f}% of one core; MB held: {', '.join(f'{mb:.0f}' for mb in held)}",
        flush=True,
    )


def cpu_s(process: psutil.Process) -> float:
    """Of it, and of its children, also those that have ended."""
    own = sum(process.cpu_times()[:4])
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            own += sum(child.cpu_times()[:2])
    return own


if __name__ == "__main__":
    main()

"""A PulseAudio server of its own, without hardware: loudspeakers, and a microphone in a room where one can speak."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

from tests.conftest import require
from tests.screen.desktop import end, until

SPEAKERS, ROOM, MICROPHONE = "speakers", "room", "microphone"


class SoundServer:
    def __init__(self, stack: ExitStack, folder: Path, microphone: bool = True) -> None:
        """folder: must be short, since a socket lies in it. microphone: whether the machine has one."""
        for program in ("pulseaudio", "pactl", "parec", "paplay", "espeak-ng"):
            require(shutil.which(program), f"{program} is not installed")
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._microphone = microphone
        self._socket = folder / "pulse.sock"
        self.env = {
            **os.environ,
            "PULSE_SERVER": f"unix:{self._socket}",
            "XDG_RUNTIME_DIR": str(folder),
            "HOME": str(folder),
        }
        self.env.pop("PULSE_SOURCE", None)
        self.env.pop("PULSE_SINK", None)
        stack.callback(self.stop)
        self.start()

    def start(self) -> None:
        """Not for root, says PulseAudio, and starts all the same."""
        lines = [
            f"load-module module-native-protocol-unix socket={self._socket} auth-anonymous=1",
            f"load-module module-null-sink sink_name={SPEAKERS} rate=48000",
            f"load-module module-null-sink sink_name={ROOM} rate=48000",
            f"set-default-sink {SPEAKERS}",
        ]
        if self._microphone:
            lines += [
                f"load-module module-remap-source source_name={MICROPHONE} master={ROOM}.monitor",
                f"set-default-source {MICROPHONE}",
            ]
        script = self.folder / "server.pa"
        script.write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(
            ["pulseaudio", "-n", f"--file={script}", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"],
            env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(self._answers, "the sound server")

    def stop(self) -> None:
        end(self.process)

    def control(self, *words: str) -> None:
        subprocess.run(["pactl", *words], env=self.env, check=True, timeout=60, stdout=subprocess.DEVNULL)

    def say(self, sink: str, text: str, voice: str = "en-us", program: str = "paplay") -> None:
        """A sentence, said through the loudspeakers or in the room; returns when it is over."""
        sound = self.folder / "said.wav"
        subprocess.run(
            ["espeak-ng", "-v", voice, "-s", "148", "-w", str(sound), text], check=True, timeout=60
        )
        subprocess.run(
            ["paplay", f"--client-name={program}", f"--device={sink}", str(sound)],
            env=self.env, check=True, timeout=120,
        )  # fmt: skip

    def recordings(self) -> list[str]:
        """The names of the sources that somebody records from."""
        outputs, sources = (self._list(what) for what in ("source-outputs", "sources"))
        names = {line.split()[0]: line.split()[1] for line in sources}
        # The microphone itself is made of one: it belongs to no client.
        return sorted(names[line.split()[1]] for line in outputs if line.split()[2] != "-")

    def playing(self) -> bool:
        return bool(self._list("sink-inputs"))

    def _list(self, what: str) -> list[str]:
        asked = subprocess.run(
            ["pactl", "list", "short", what], env=self.env, capture_output=True, text=True, check=True, timeout=60
        )  # fmt: skip
        return asked.stdout.splitlines()

    def _answers(self) -> bool:
        asked = subprocess.run(["pactl", "info"], env=self.env, capture_output=True, timeout=60, check=False)
        return asked.returncode == 0

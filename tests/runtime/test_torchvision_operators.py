"""torchvision imports beside the torch that is installed, whichever that is. In fresh processes: once is enough."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.weights import CONVERTER

pytestmark = pytest.mark.slow


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=cwd)


def test_torchvision_imports_once_its_operators_are_declared() -> None:
    code = """
import sys
from runtime.torchvision_operators import install
finders = len(sys.meta_path)
install()
assert "torch" not in sys.modules
from torchvision.transforms import Compose
import torch
torch.ops.torchvision.nms
assert len(sys.meta_path) == finders
"""
    done = run("-c", code, cwd=CONVERTER.parent.parent)
    assert done.returncode == 0, done.stderr


def test_the_converter_stands_alone(tmp_path: Path) -> None:
    """As a script: the engine's Python runs it too, and has no Hearsight."""
    code = f"""
import runpy, sys
sys.modules["runtime"] = None  # an import of Hearsight would fail
sys.path.insert(0, {str(CONVERTER.parent)!r})
sys.argv = ["convert.py"]
try:
    runpy.run_path({str(CONVERTER)!r}, run_name="__main__")
except SystemExit as ended:
    assert ended.code == 2
import torchvision
"""
    done = run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "usage: convert.py" in done.stderr

"""ONNX Runtime, which would report to its maker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_onnx_runtime_keeps_no_record_of_its_use_to_be_sent(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")
    }
    program = "import perception.vision.ocr, perception.audio.vad as vad; vad.SileroVad(); import onnxruntime"
    subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        check=True,
        timeout=120,
    )
    assert not any("onnxruntime" in path.name for path in tmp_path.rglob("*"))

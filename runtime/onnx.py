"""Small ONNX models on the CPU, in few threads: they run beside everything else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runtime.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime


def cpu_session(path: Path, what: str, threads: int = 1, arena: bool = True) -> onnxruntime.InferenceSession:
    """what: what the model is, for the message. arena: keep memory for the next run.

    Raises ModelError: one line, when it does not load.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = arena
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(
            str(path), providers=["CPUExecutionProvider"], sess_options=options
        )
    except Exception as error:  # onnxruntime's exceptions share no base class
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"the {what} {path} does not load: {reason}") from error

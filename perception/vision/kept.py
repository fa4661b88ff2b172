"""Vectors of class names, which cost seconds to make and never change: kept on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

_SAME = 0.01  # of unit vectors' numbers: half precision on a GPU against single on a CPU


def kept_vectors(
    folder: Path, model: str, encoder: str, texts: Sequence[str], encode: Callable[[Sequence[str]], Matrix]
) -> Matrix:
    """encode(texts), (n, d) float32, from a file in the folder where that was made before.

    model: heads the file's name. encoder: its name; that these still are its vectors is tried on the first text.
    A folder that cannot be read or written costs the encoding, nothing else.
    """
    joined = "\n".join(texts)
    mark = hashlib.sha256(f"{encoder}\0{joined}".encode()).hexdigest()[:12]
    path = folder / f"{model}-names-{mark}.npy"
    try:
        kept = np.load(path)
        first = encode(texts[:1])
        if kept.shape == (len(texts), first.shape[1]) and np.allclose(kept[:1], first, atol=_SAME):
            return np.asarray(kept, np.float32)
    except (OSError, ValueError, EOFError):
        pass
    vectors = encode(texts)
    temporary = path.with_suffix(f".{os.getpid()}.npy")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(temporary, vectors)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
    return vectors

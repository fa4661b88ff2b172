"""Whether CTranslate2 can compute on an NVIDIA GPU: it needs cuBLAS 12, whatever CUDA torch has brought along."""

from __future__ import annotations

import ctypes
from importlib.metadata import PackageNotFoundError, distribution

import ctranslate2

_PACKAGE = "nvidia-cublas-cu12"
_LIBRARIES = ("libcublasLt.so.12", "libcublas.so.12")
"""The second needs the first. CTranslate2 asks for it by this name, at its first matrix product."""


def gpu_count() -> int:
    """NVIDIA GPUs that CTranslate2 sees. Without a driver none."""
    return int(ctranslate2.get_cuda_device_count())


def cublas_obstacle() -> str | None:
    """Loads cuBLAS 12 from the package nvidia-cublas-cu12, or from where the system has it.

    What is loaded once is found again by its name: CTranslate2 looks into no package. None: it is there; else why not.
    """
    try:
        for library in _LIBRARIES:
            ctypes.CDLL(_installed(library), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        return f"cuBLAS 12 is not here (pip install 'hearsight[gpu]'): {error}"
    return None


def _installed(library: str) -> str:
    """Its path in the package, or its bare name, which the system's search path is asked for."""
    try:
        path = distribution(_PACKAGE).locate_file(f"nvidia/cublas/lib/{library}")
    except PackageNotFoundError:
        return library
    return str(path)

"""The C library's heap."""

from __future__ import annotations

import ctypes


def give_back_memory() -> None:
    """Returns freed memory to the system: glibc keeps what was freed below something that lives on, gigabytes after a
    large load. Takes milliseconds; does nothing with another C library.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

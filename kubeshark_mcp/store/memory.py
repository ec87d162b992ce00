"""Memory that is free inside of the process, given back to the system while a long run goes on.

Blocks of packets come and go as arrays and texts of all sizes. The C library keeps what was freed below what is still
in use, and that was a third of all that a run held.
"""

from __future__ import annotations

import ctypes
import gc

_MMAP_THRESHOLD = -3
"""M_MMAP_THRESHOLD of mallopt(3)."""
LARGE = 128 << 10
"""Bytes of an allocation that gets pages of its own, which go back to the system as soon as it is freed."""


def keep_large_apart() -> None:
    """Let large arrays never share pages with what lives longer (with glibc; else nothing).

    By itself the C library raises the size from which on it does so to 32 MB, as soon as it has seen such arrays freed.
    """
    option = getattr(ctypes.CDLL(None), "mallopt", None)
    if option is not None:
        option(_MMAP_THRESHOLD, LARGE)


def give_back() -> None:
    """Free what only waits for the garbage collector, and give whole free pages back (with glibc; else nothing)."""
    gc.collect()
    give_pages_back()


def give_pages_back() -> None:
    """Give whole free pages back (with glibc; else nothing)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))

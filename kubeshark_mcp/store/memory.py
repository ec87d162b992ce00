"""Memory that is free inside of the process, given back to the system while a long run goes on.

Blocks of packets come and go as arrays and texts of all sizes. The C library keeps what was freed below what is still
in use, and that was a third of all that a run held.
"""

from __future__ import annotations

import ctypes
import gc


def give_back() -> None:
    """Free what only waits for the garbage collector, and give whole free pages back (with glibc; else nothing)."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))

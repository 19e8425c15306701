"""Memory that is free in this process but not yet in the machine."""

from __future__ import annotations

import ctypes

import pyarrow as pa


def give_back_memory() -> None:
    """Return freed memory to the system; allocators keep it otherwise, for work that may not come.

    Arrow's pool, and the heap of the C library where that can be trimmed (glibc).
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

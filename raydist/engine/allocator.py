"""The memory that a process frees stays with it, so that the next step finds it again.

The C library maps a large block anew each time, and gives it back when it is freed: then every activation of
every step costs a page fault for each 4 KiB, and the kernel clears them all.
"""

from __future__ import annotations

import ctypes

TOP_PAD = 256 * 1024 * 1024
"""Bytes by which the heap grows at one time."""

_SETTINGS = ((-1, -1), (-2, TOP_PAD), (-4, 0), (-8, 1))
"""Of mallopt(3): no trimming of the heap, its steps, no block mapped by itself, one heap for all threads."""


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, for its next allocations; for processes that train or extract.

    Returns:
        Whether the C library takes such settings: glibc alone does.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, value) for name, value in _SETTINGS)

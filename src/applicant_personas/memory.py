"""Memory that arrays no longer need, for others to have."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def give_back() -> None:
    """Return to the system what allocators keep for the next array, so that a database has it."""
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        # Of the GNU C library; others give back by themselves.
        getattr(ctypes.CDLL(None), "malloc_trim", int)(0)

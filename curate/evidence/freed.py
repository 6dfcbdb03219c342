"""What the allocators do with freed memory: kept while blocks follow each other, given back after each stage."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

LEAST_ROWS = 50_000
"""Rows of a set from which on there is so much of it that the few milliseconds pay."""
LARGEST_BLOCK = 31 << 20
"""Bytes of an array whose memory is kept at hand; glibc goes up to 32 MiB."""


def give_back(rows: int = LEAST_ROWS) -> None:
    """Give back to the system what work on so many rows left behind between what is still in use; for few, nothing.

    That is what Arrow holds, which has an allocator of its own, and what the C library does, where it knows such a call
    (where it is glibc).
    """
    if rows < LEAST_ROWS:
        return
    pa.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def hold_blocks() -> None:
    """Keep the memory of arrays that are made and freed block after block.

    Else each may be given back and taken anew, page by page, which can take as long as all that is computed in them.
    glibc raises what it keeps to the size of the largest array that was freed; this one is never written to.
    """
    np.empty(LARGEST_BLOCK, dtype=np.uint8)


@cache
def _trim() -> Any:
    """`malloc_trim` of the C library, None where it has none."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None

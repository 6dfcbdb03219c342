"""faiss, whose products are made for this processor."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from curate.engines.threads import one_thread

VARIABLE = "OPENBLAS_CORETYPE"
CORES = {
    "Haswell": "Haswell",
    "Zen": "Zen",
    "SkylakeX": "SkylakeX",
    "Cooperlake": "SkylakeX",
    "SapphireRapids": "SkylakeX",
}
"""Processor as NumPy's OpenBLAS names it -> as the older one of faiss does."""
FEWEST_NUMBERS = 5_120
"""Of all queries, from which on faiss asks a BLAS. Its own bound is 128,000, below which it is four times as slow."""


@cache
def faiss() -> Any:
    """The library, imported.

    Its packages bring an OpenBLAS of 2021, which takes processors that it doesn't know for some of 2004 and multiplies
    far below their speed. NumPy's is newer: while faiss is loaded it is told what that one found, unless
    `OPENBLAS_CORETYPE` is set.
    """
    with _told():
        import faiss as library
    settings = library.cvar
    settings.distance_compute_blas_threshold = min(settings.distance_compute_blas_threshold, FEWEST_NUMBERS)
    return library


@contextmanager
def one_thread_search() -> Iterator[None]:
    """faiss does what this thread asks alone: it cuts work by its threads, and the last bits hang on the cuts."""
    library = faiss()
    with one_thread(library.omp_get_max_threads, library.omp_set_num_threads):
        yield


@contextmanager
def _told() -> Iterator[None]:
    core = None if "faiss" in sys.modules or VARIABLE in os.environ else CORES.get(processor() or "")
    if core is not None:
        os.environ[VARIABLE] = core
    try:
        yield
    finally:
        if core is not None:
            del os.environ[VARIABLE]


def processor() -> str | None:
    """What NumPy's OpenBLAS takes the processor for; None where it multiplies by another library."""
    import numpy  # noqa: F401 (it brings the library)
    from threadpoolctl import threadpool_info

    found = [one for one in threadpool_info() if one.get("internal_api") == "openblas" and "numpy" in one["filepath"]]
    return found[0].get("architecture") if found else None

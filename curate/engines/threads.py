"""Threads of the libraries that multiply matrices, in work that has threads or processes of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from typing import Any


@contextmanager
def one_thread_products() -> Iterator[None]:
    """Products of matrices take one thread each within the block, whichever thread or forked process asks for them.

    Threads of ours that multiply at once would otherwise wait for one pool of theirs, which spins meanwhile; and the
    last bits of a product would depend on the number of cores. A fork keeps to what held when it was made; to set it
    there would start that pool anew.
    """
    with _libraries(len(sys.modules)).limit(limits=1, user_api="blas"):
        yield


@contextmanager
def one_thread_loops() -> Iterator[None]:
    """Loops of OpenMP take one thread each within the block, where this thread begins them.

    Which of equally near rows a search finds, and the last bits of a mean, hang on how many threads share the loop.
    The libraries that have such loops must have been imported.
    """
    with _libraries(len(sys.modules)).limit(limits=1, user_api="openmp"):
        yield


@contextmanager
def one_thread_models() -> Iterator[None]:
    """Models of torch take one thread each within the block, in this thread and in those that begin in it."""
    if find_spec("torch") is None:  # what runs the model says so
        yield
        return
    import torch

    with one_thread(torch.get_num_threads, torch.set_num_threads):
        yield


@contextmanager
def one_thread_pictures() -> Iterator[None]:
    """What OpenCV does to a picture takes the thread that asks for it, and no others that spin until the next one.

    OpenCV has one number of threads for the whole process.
    """
    if find_spec("cv2") is None:  # what works on pictures says so
        yield
        return
    import cv2

    with one_thread(cv2.getNumThreads, cv2.setNumThreads):
        yield


@contextmanager
def one_thread(count: Callable[[], int], limit: Callable[[int], object]) -> Iterator[None]:
    """A library that is asked for its number of threads by `count`, and told it by `limit`, has one in the block."""
    before = count()
    limit(1)
    try:
        yield
    finally:
        limit(before)


@lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:
    """The libraries that are there; looked for, which takes milliseconds, once more where something was imported."""
    import numpy  # noqa: F401 (it brings the library)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()

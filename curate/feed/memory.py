"""Memory for batches: used again when nobody holds the last batch that lay in it.

Fresh memory of tens of megabytes per batch would be asked of the system, cleared by it, and given back, each time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from curate.feed.patience import Patience

KEPT_BYTES = 1 << 20
"""Smaller arrays are not kept: the allocator does that."""
KEPT_FREE = 2
"""So many pieces are kept that nobody uses."""
STALE = 16
"""Arrays later a piece that was used for none of them is given up: batches have another shape by now."""
SLACK = 1.5
"""A piece may be so many times larger than what is put into it."""

_current = threading.local()


class Memory(Protocol):
    """Where arrays come from."""

    def array(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array with anything in it."""
        ...

    def ready(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray | None:
        """The same, where nothing else could be had later for less memory; else None."""
        ...


def room(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array for a batch, with anything in it; in the memory that the maker of the batch has for it, if any."""
    memory: Memory | None = getattr(_current, "memory", None)
    return np.empty(shape, dtype) if memory is None else memory.array(shape, dtype)


class Room:
    """The memory that `room` takes from."""

    def array(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """See `room`."""
        return room(shape, dtype)

    def ready(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray | None:
        """The same."""
        return room(shape, dtype)


@contextmanager
def within(memory: Memory) -> Iterator[None]:
    """Have `room` take its arrays from there, in this thread."""
    before = getattr(_current, "memory", None)
    _current.memory = memory
    try:
        yield
    finally:
        _current.memory = before


@contextmanager
def patient(patience: Patience) -> Iterator[None]:
    """Have `Recycled` wait for memory, in this thread, while a batch is made that others than this thread will use."""
    _current.patience = patience
    patience.begin()
    try:
        yield
    finally:
        _current.patience = None


class Recycled:
    """Memory of this process. A piece is free when no array and no tensor refers to it any longer."""

    def __init__(self) -> None:
        self._pieces: list[np.ndarray] = []
        self._used: dict[int, int] = {}
        self._asked = 0
        self._lock = threading.Lock()

    def array(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array in a piece that is free and not much too large, or in a new one."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if size < KEPT_BYTES:
            return np.empty(shape, dtype)
        taken = self._free(size)
        patience: Patience | None = getattr(_current, "patience", None)
        if taken is None and patience is not None and any(size <= p.nbytes <= size * SLACK for p in self._pieces):
            taken = patience.wait(lambda: self._free(size))
        return (self._new(size) if taken is None else taken)[:size].view(dtype).reshape(shape)

    def ready(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray | None:
        """None in a thread that is patient: what it took before its batch is made, another that is done would lack."""
        return self.array(shape, dtype) if getattr(_current, "patience", None) is None else None

    def _free(self, size: int) -> np.ndarray | None:
        """A view of the smallest piece that is free and fits; nobody else finds that one free from then on."""
        with self._lock:
            free = self._unused()
            taken = min((p for p in free if size <= p.nbytes <= size * SLACK), key=lambda p: p.nbytes, default=None)
            if taken is None:
                return None
            self._asked += 1
            self._used[id(taken)] = self._asked
            self._give_up([p for p in free if self._asked - self._used[id(p)] > STALE])
            return taken[:]

    def _new(self, size: int) -> np.ndarray:
        with self._lock:
            free = self._unused()
            self._give_up(free[: max(0, len(free) - KEPT_FREE)])
            taken = np.empty(size, np.uint8)
            self._asked += 1
            self._used[id(taken)] = self._asked
            self._pieces.append(taken)
            return taken[:]

    def _unused(self) -> list[np.ndarray]:
        # References to a free piece: the list, the variable, and the argument; views and tensors add theirs.
        return [piece for piece in self._pieces if sys.getrefcount(piece) <= FREE_REFERENCES]

    def _give_up(self, pieces: list[np.ndarray]) -> None:
        gone = {id(piece) for piece in pieces}
        if gone:
            self._pieces = [piece for piece in self._pieces if id(piece) not in gone]
            self._used = {number: turn for number, turn in self._used.items() if number not in gone}

    def __getstate__(self) -> dict[str, Any]:
        """Nothing of it goes to another process."""
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin with nothing."""
        self.__init__()


def _free_references() -> int:
    pieces = [np.empty(1, np.uint8)]
    return next(sys.getrefcount(piece) for piece in pieces)


FREE_REFERENCES = _free_references()

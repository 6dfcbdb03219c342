"""Tasks for workers: dealt out in turns, and taken over from a worker that is busy by one that has nothing left."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any


class Tasks:
    """A queue per worker. Not one for all: of two batches in a row the second would often be made by the worker whose
    memory the first still occupies, and each worker would need twice the memory.

    Args:
        workers: how many take tasks, each by its number.
    """

    def __init__(self, workers: int) -> None:
        self._own: Sequence[deque[tuple[int, Any]]] = [deque() for _ in range(workers)]
        self._busy = [False] * workers
        self._change = threading.Condition()
        self._put = 0
        self._closed = False

    def put(self, task: Any) -> None:
        """Add a task; it goes to the worker whose turn it is."""
        with self._change:
            self._own[self._put % len(self._own)].append((self._put, task))
            self._put += 1
            self._change.notify_all()

    def get(self, worker: int) -> Any:
        """The next task of a worker, when there is one; None once the tasks are closed and none is left."""
        with self._change:
            self._busy[worker] = False
            while (found := self._next(worker)) is None and not self._closed:
                self._change.wait()
            self._busy[worker] = True
            self._change.notify_all()  # what this worker has waiting may be taken over now
            return None if found is None else found.popleft()[1]

    def close(self) -> None:
        """No more tasks will come."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def _next(self, worker: int) -> deque[tuple[int, Any]] | None:
        """The queue to take from: the worker's own, or of those whose workers are busy the one with the oldest task."""
        if self._own[worker]:
            return self._own[worker]
        # A worker that is not busy is about to take its own.
        others = [own for own, busy in zip(self._own, self._busy) if own and (busy or self._closed)]
        return min(others, key=lambda own: own[0][0], default=None)

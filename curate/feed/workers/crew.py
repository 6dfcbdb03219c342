"""Crew: some workers that make batches ahead, handed out in the order in which they were asked for."""

from __future__ import annotations

import atexit
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from typing import Any, Protocol

from curate.feed.memory import patient
from curate.feed.patience import Patience
from curate.feed.workers.tasks import Tasks


class Hand(Protocol):
    """Makes one batch at a time."""

    def batch(self, draws: Sequence[Any]) -> Any:
        """The batch of some draws."""
        ...

    def interrupt(self) -> None:
        """Stop what is being done, where that can be done."""
        ...

    def end(self) -> None:
        """Give back what it holds."""
        ...


class Here:
    """Makes batches in the thread that asks; several of them share the memory of one dataset."""

    def __init__(self, make: Callable[[Sequence[Any]], Any]) -> None:
        self._make, self._patience = make, Patience()

    def batch(self, draws: Sequence[Any]) -> Any:
        """The batch of some draws."""
        with patient(self._patience):
            return self._make(draws)

    def interrupt(self) -> None:
        """A thread can't be stopped: it ends with its batch."""

    def end(self) -> None:
        """There is nothing to give back."""


class Crew:
    """Threads that make batches, each with a hand of its own: itself, or a process that it watches.

    Args:
        hands: one per worker.
        ahead: batches per worker that are made before they are asked for.
        finish: done to each batch in the worker's thread (memory is pinned).
    """

    def __init__(self, hands: Sequence[Hand], ahead: int, finish: Callable[[Any], Any] | None = None) -> None:
        self._hands, self._finish = hands, finish
        self._ahead = max(1, ahead * len(hands))
        self._tasks = Tasks(len(hands))
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, args=given, daemon=True, name="curate-worker")
            for given in enumerate(hands)
        ]
        for thread in self._threads:
            thread.start()
        # Before processes are ended at the program's end, which would look like rows that end them.
        atexit.register(self.close)

    def batches(self, requests: Iterable[Any]) -> Iterator[Any]:
        """The batch of each request, in order; what was asked ahead is called off when the iteration is left."""
        waiting: deque[Future[Any]] = deque()
        asked = iter(requests)
        try:
            for request in asked:
                waiting.append(self._ask(request))
                if len(waiting) >= self._ahead:
                    break
            while waiting:
                wait([waiting[0]])
                for request in asked:
                    waiting.append(self._ask(request))
                    break
                # Nothing here may keep a batch alive when its user has let it go.
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _ask(self, request: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._tasks.put((future, request))
        return future

    def _work(self, number: int, hand: Hand) -> None:
        """Make what is asked for until there is nothing more."""
        while (task := self._tasks.get(number)) is not None:
            future, request = task
            if self._closed or not future.set_running_or_notify_cancel():
                continue
            try:
                batch = hand.batch(request)
                future.set_result(batch if self._finish is None else self._finish(batch))
            except BaseException as error:  # it is raised where the batch is asked for
                future.set_exception(error)
            # Nothing may keep the batch alive while this thread waits for the next.
            del task, future, request
            batch = None

    def close(self) -> None:
        """End the workers; batches that are being made are given up."""
        if self._closed or sys.is_finalizing():
            return
        self._closed = True
        atexit.unregister(self.close)
        self._tasks.close()
        for hand in self._hands:
            hand.interrupt()
        for thread in self._threads:
            thread.join()
        for hand in self._hands:
            hand.end()

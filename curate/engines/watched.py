"""Running a pass in processes of its own: a row on which a decoder crashes or hangs costs that row alone.

When a process ends, or stays at a row for too long and is ended, what was going on in it is done again row by row in a
new one, and the row that ends that one is the one to blame.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from curate.engines.attention import NOTHING
from curate.engines.local import cores
from curate.engines.threads import one_thread_products
from curate.engines.watched_process import GRACE_SECONDS, Ended, WatchedProcess, next_made
from curate.errors import DataError

Made = TypeVar("Made")
MOST_PROCESSES = 8
"""More workers than this are threads of so many processes, as each takes memory of its own."""
ALL_GUILTY = 8
"""Where so many rows end their process one after the other, and none was ever done, something else does."""


class Rows(Protocol):
    """Some rows to be worked on."""

    @property
    def rows(self) -> np.ndarray:
        """(m,) int64 positions."""
        ...

    def alone(self) -> Sequence[Any]:
        """The same, each row by itself."""
        ...


def can_watch() -> bool:
    """Whether this process can have a watched one: it takes forks, and daemons may have no children."""
    return sys.platform == "linux" and not multiprocessing.current_process().daemon


def watched_map(
    work: Callable[[Any], Made],
    given: Iterable[Rows],
    lost: Callable[[Any, str, bool], Made],
    workers: int = 0,
    row_seconds: float = 300.0,
    processes: int = 0,
) -> Iterator[Made]:
    """`work` of each of `given`, in processes that are replaced when a row ends them; in no particular order.

    Processes take chunks as they get on, so that none ends long before the others.

    Args:
        work: calls `looking_at` with the row that it decodes; what it raises is raised here.
        given: chunks of rows.
        lost: (chunk of one row, why, whether for good) -> what is made of a row that ends its process.
        workers: processes, or threads of them; 0 for one per core.
        row_seconds: time after which a row, or the measuring of some, is taken to hang.
        processes: that the workers are spread over; 0 for a process each, up to `MOST_PROCESSES`.

    Raises:
        DataError: process after process ends, whichever row it is given.
    """
    chunks = list(given)
    if not chunks:
        return
    workers = workers or cores()
    lanes = max(min(processes or MOST_PROCESSES, workers, len(chunks)), 1)
    shares = [workers // lanes + (lane < workers % lanes) for lane in range(lanes)]
    with one_thread_products():
        yield from _watched(work, chunks, shares, _Blame(lost, row_seconds), row_seconds)


def _watched(
    work: Callable[[Any], Made], chunks: Sequence[Any], shares: Sequence[int], blame: _Blame, row_seconds: float
) -> Iterator[Made]:
    """What is made of the chunks, by a process with so many threads for each share."""
    waiting = deque(range(len(chunks)))
    running: list[WatchedProcess] = []
    try:
        for threads in shares:  # forks, all of them before any is listened to
            running.append(WatchedProcess(work, chunks, waiting, threads, row_seconds))
        _deal(running)
        while running:
            try:
                process, made = next_made(running)
            except Ended as ended:
                running.remove(ended.process)
                ended.process.end()
                suspects = [chunks[place] for place in ended.chunks]
                waiting.extendleft(place for place in reversed(ended.process.held) if place not in ended.chunks)
                blame.done += ended.process.finished
                yield from blame.one_by_one(work, suspects, ended)
                if waiting:
                    running.append(WatchedProcess(work, chunks, waiting, ended.process.threads, row_seconds))
                    _deal(running[-1:])
                continue
            if made is not None:
                yield made[0]
                continue
            running.remove(process)
            blame.done += process.finished
            process.end(GRACE_SECONDS)
    finally:
        for process in running:
            process.end()


def _deal(processes: Sequence[WatchedProcess]) -> None:
    """Have the processes take chunks in turns, until all have enough."""
    while sum(process.take() for process in processes):
        pass


class _Blame:
    """Looks for the rows that end their process.

    Attributes:
        done: chunks or rows that could be done.
        guilty: rows that could not.
    """

    def __init__(self, lost: Callable[[Any, str, bool], Any], row_seconds: float) -> None:
        self._lost, self._row_seconds = lost, row_seconds
        self.done = self.guilty = 0

    def one_by_one(self, work: Callable[[Any], Any], suspects: list[Any], ended: Ended) -> Iterator[Any]:
        """What is made of each row of these chunks. Raises DataError where it can hardly be the rows."""
        pieces = [alone for chunk in suspects for alone in chunk.alone()]
        if ended.row != NOTHING:  # it is known which one it was
            yield from (self._lost(alone, ended.why, False) for alone in pieces if alone.rows[0] == ended.row)
            pieces = [alone for alone in pieces if alone.rows[0] != ended.row]
        for made, why in self._alone(work, pieces):
            self.done, self.guilty = self.done + (not why), self.guilty + bool(why)
            if not self.done and self.guilty >= ALL_GUILTY:
                raise DataError(
                    f"{self.guilty} rows one after the other ended the process that decodes them ({why}), and none"
                    " could be done: it is hardly the rows; decode in this process (isolate: false) to see the fault"
                ) from ended
            yield made

    def _alone(self, work: Callable[[Any], Any], left: list[Any]) -> Iterator[tuple[Any, str]]:
        """What is made of each row, and why it could not be done; empty where it could."""
        again = False
        while left:
            process = WatchedProcess(work, left, deque(range(len(left))), 1, self._row_seconds)
            try:
                _deal([process])
                while (made := next_made([process])[1]) is not None:
                    yield made[0], ""
                return
            except Ended as ended:
                left, again = left[process.finished :], again and not process.finished
                if not ended.for_good and ended.row == NOTHING and not again:
                    again = True  # the machine may have been short of memory for a moment
                    continue
                again = False
                yield self._lost(left.pop(0), ended.why, ended.for_good), ended.why
            finally:
                process.end()

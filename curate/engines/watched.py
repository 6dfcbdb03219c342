"""Running a pass in threads of a process of its own: a row on which a decoder crashes or hangs costs that row alone.

The process is a fork, so nothing is sent to it. What it makes comes back through a pipe, and in a piece of shared
memory each of its threads says which row it is at. When it ends, or stays at a row for too long and is ended, what was
going on is done again row by row in a new one, and the row that ends that one is the one to blame.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeVar

import numpy as np

from curate.engines.local import cores, ordered_map
from curate.errors import DataError

Made = TypeVar("Made")
NOTHING = -1
GRACE_SECONDS = 5.0
"""Time that the process has to end by itself once all is done."""
LOOK_SECONDS = 0.25
"""How often it is looked for rows that take too long."""
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


class _Attention:
    """Per thread: how often it has moved on, the place of its chunk, and the row, in memory that both processes see."""

    def __init__(self, threads: int) -> None:
        self.cells = np.frombuffer(mmap.mmap(-1, 24 * threads), np.int64).reshape(threads, 3)
        self.cells[:, 1:] = NOTHING
        self._numbers, self._mine = count(), threading.local()

    def chunk(self, place: int) -> None:
        """The calling thread begins a chunk, or ends it (`NOTHING`)."""
        if not hasattr(self._mine, "cell"):
            self._mine.cell = self.cells[next(self._numbers)]
        self._mine.cell[1:] = place, NOTHING
        self._mine.cell[0] += 1

    def row(self, row: int) -> None:
        """The calling thread begins a row, or does something with several of them (`NOTHING`)."""
        cell = getattr(self._mine, "cell", None)
        if cell is not None:
            cell[2] = row
            cell[0] += 1


_attention: _Attention | None = None


def looking_at(row: int = NOTHING) -> None:
    """Say which row this thread decodes from now on; nothing happens outside of a watched process."""
    if _attention is not None:
        _attention.row(row)


def can_watch() -> bool:
    """Whether this process can have a watched one: it takes forks, and daemons may have no children."""
    return sys.platform == "linux" and not multiprocessing.current_process().daemon


class _Ended(Exception):
    """The process ended, or was ended.

    Attributes:
        why: as a sentence about a row, without a full stop.
        for_good: whether the row's content is to blame, and not the machine.
        chunks: places of the chunks that were going on.
        row: the row that took too long; `NOTHING` where another reason ended it.
    """

    def __init__(self, why: str, for_good: bool, chunks: list[int], row: int = NOTHING) -> None:
        super().__init__(why)
        self.why, self.for_good, self.chunks, self.row = why, for_good, chunks, row


def watched_map(
    work: Callable[[Any], Made],
    given: Iterable[Rows],
    lost: Callable[[Any, str, bool], Made],
    workers: int = 0,
    row_seconds: float = 300.0,
) -> Iterator[Made]:
    """`work` of each of `given`, in threads of a process that is replaced when a row ends it; in no particular order.

    Args:
        work: calls `looking_at` with the row that it decodes; what it raises is raised here.
        given: chunks of rows.
        lost: (chunk of one row, why, whether for good) -> what is made of a row that ends its process.
        workers: threads; 0 for one per core.
        row_seconds: time after which a row, or the measuring of some, is taken to hang.

    Raises:
        DataError: process after process ends, whichever row it is given.
    """
    left, done, guilty = list(given), 0, 0
    workers = workers or cores()
    while left:
        finished = 0
        try:
            for made in _Watched(work, left, workers, row_seconds):
                finished += 1
                yield made
            return
        except _Ended as ended:
            # Where no thread was at work any more, it was one of those that had been handed out.
            going = ended.chunks or range(finished, min(finished + 2 * workers, len(left)))
            suspects = [left[place] for place in going if place >= finished]
            left = [one for place, one in enumerate(left) if place >= finished and place not in going]
            done += finished
            pieces = [alone for chunk in suspects for alone in chunk.alone()]
            if ended.row != NOTHING:  # it is known which one it was
                yield from (lost(alone, ended.why, False) for alone in pieces if alone.rows[0] == ended.row)
                pieces = [alone for alone in pieces if alone.rows[0] != ended.row]
            for made, why in _one_by_one(work, pieces, lost, row_seconds):
                done, guilty = done + (not why), guilty + bool(why)
                if not done and guilty >= ALL_GUILTY:
                    raise DataError(
                        f"{guilty} rows one after the other ended the process that decodes them ({why}), and none could"
                        " be done: it is hardly the rows; decode in this process (isolate: false) to see the fault"
                    ) from ended
                yield made


def _one_by_one(
    work: Callable[[Any], Made], left: list[Any], lost: Callable[[Any, str, bool], Made], row_seconds: float
) -> Iterator[tuple[Made, str]]:
    """What is made of each of these rows, and why it could not be done; empty where it could."""
    again = False
    while left:
        finished = 0
        try:
            for made in _Watched(work, left, 1, row_seconds):
                finished += 1
                yield made, ""
            return
        except _Ended as ended:
            left, again = left[finished:], again and not finished
            if not ended.for_good and ended.row == NOTHING and not again:
                again = True  # the machine may have been short of memory for a moment
                continue
            again = False
            yield lost(left.pop(0), ended.why, ended.for_good), ended.why


class _Watched:
    """A forked process that works on chunks in threads; iterating gives what it makes, in order."""

    def __init__(self, work: Callable[[Any], Any], given: Sequence[Any], workers: int, row_seconds: float) -> None:
        self._work, self._given, self._workers, self._row_seconds = work, given, workers, row_seconds
        self._attention = _Attention(workers)
        self._seen, self._since = self._attention.cells.copy(), np.full(workers, time.monotonic())

    def __iter__(self) -> Iterator[Any]:
        context: Any = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        process = context.Process(target=self._serve, args=(ours, theirs), daemon=True, name="curate-measuring")
        with warnings.catch_warnings():
            # Python 3.12 warns of forks beside threads: this one holds no lock that the child takes.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        theirs.close()
        try:
            while (made := self._received(process, ours)) is not None:
                yield made[0]
            process.join(GRACE_SECONDS)
        finally:
            if process.is_alive():
                process.kill()
            process.join()
            ours.close()

    def _received(self, process: Any, ours: Connection) -> tuple[Any] | None:
        """The next thing made, None at the end. Raises _Ended, and what the work raised."""
        while not ours.poll(LOOK_SECONDS):
            now, cells = time.monotonic(), self._attention.cells.copy()
            self._since[cells[:, 0] != self._seen[:, 0]] = now
            self._seen = cells
            stuck = (now - self._since > self._row_seconds) & (cells[:, 1] != NOTHING)
            if stuck.any():
                process.kill()
                why = f"reading and measuring it took longer than {self._row_seconds:g} s (row_seconds)"
                raise _Ended(why, False, self._going(), int(cells[stuck.argmax(), 2]))
        try:
            good, made = ours.recv()
        except (EOFError, OSError):
            process.join()
            raise self._ended(process.exitcode) from None
        if not good:
            raise made
        return made

    def _going(self) -> list[int]:
        return sorted(set(self._attention.cells[:, 1].tolist()) - {NOTHING})

    def _ended(self, code: int | None) -> _Ended:
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            if name in ("SIGKILL", "SIGTERM"):
                why = f"the process that decoded it was ended from outside ({name}), as it is when memory is short"
                return _Ended(why, False, self._going())
            return _Ended(f"its decoder crashed ({name})", True, self._going())
        return _Ended(f"its decoder ended the process (exit code {code})", True, self._going())

    def _serve(self, parents: Connection, connection: Connection) -> None:
        """What the process does."""
        global _attention
        parents.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
        _attention = self._attention
        _quieten()
        with suppress(BrokenPipeError, ConnectionResetError):  # the parent has gone, or wants no more
            try:
                for made in ordered_map(self._attended, enumerate(self._given), self._workers):
                    connection.send((True, (made,)))
                connection.send((True, None))
            except Exception as error:
                connection.send((False, _sendable(error)))
        os._exit(0)  # not what the parent registered for its own end

    def _attended(self, numbered: tuple[int, Any]) -> Any:
        place, chunk = numbered
        self._attention.chunk(place)
        try:
            return self._work(chunk)
        finally:
            self._attention.chunk(NOTHING)


def _end_with_parent(parent: int) -> None:
    """End this process when its parent has gone without a word."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _sendable(error: Exception) -> Exception:
    """The error, or what it says where it can't be sent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (its own words; some errors are sent and can't be received)
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _quieten() -> None:
    """Leave the cores to the threads of the pass (libraries start some of their own), and no image of a crash."""
    import faulthandler
    import resource

    faulthandler.disable()  # what a crash was about is said by the row
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    os.environ["OPENCV_FOR_THREADS_NUM"] = "1"
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(0)
    with suppress(ImportError):
        from threadpoolctl import threadpool_limits

        threadpool_limits(limits=1, user_api="blas")

"""A forked process that works on chunks and that a row may end: what it makes comes back through a pipe."""

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
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from curate.engines.attention import NOTHING, Attention, attend
from curate.engines.local import ordered_map

GRACE_SECONDS = 5.0
"""Time that the process has to end by itself once all is done."""
BEGIN_SECONDS, MOST_FORKS = 10.0, 5
"""After so long a process that gave no sign is replaced, at most so many times."""
LOOK_SECONDS = 0.25
"""How often it is looked for rows that take too long."""


class Ended(Exception):
    """The process ended, or was ended.

    Attributes:
        process: which one.
        why: as a sentence about a row, without a full stop.
        for_good: whether the row's content is to blame, and not the machine.
        chunks: places of the chunks that were going on; all that it had, where none was.
        row: the row that took too long; `NOTHING` where another reason ended it.
    """

    def __init__(self, process: WatchedProcess, why: str, for_good: bool, row: int = NOTHING) -> None:
        super().__init__(why)
        self.process, self.why, self.for_good, self.row = process, why, for_good, row
        self.chunks = [place for place in process.attention.going() if place in process.held] or list(process.held)


class WatchedProcess:
    """A fork that works on chunks, so only their places are sent to it; in shared memory its threads say which rows
    they are at.

    Args:
        work: calls `looking_at` with the row that it decodes; what it raises, `received` raises.
        given: chunks.
        waiting: places of the chunks that nobody has yet, shared with other processes; one is taken at once, others by
            `take` and whenever something was received.
        threads: of the process.
        row_seconds: time after which a row, or the measuring of some, is taken to hang.

    Attributes:
        held: places of the chunks that it has, in the order in which what is made of them is handed back.
        finished: how many were handed back.
        threads: of the process.
        attention: where its threads are.
        connection: ready once there is something to receive.
    """

    def __init__(
        self, work: Callable[[Any], Any], given: Sequence[Any], waiting: deque[int], threads: int, row_seconds: float
    ) -> None:
        self.finished, self.threads, self.attention = 0, threads, Attention(threads)
        self.held: deque[int] = deque()
        self._work, self._given, self._waiting, self._row_seconds = work, given, waiting, row_seconds
        self._told = False
        self._seen, self._since = self.attention.cells.copy(), np.full(threads, time.monotonic())
        self._forks = 0
        self._fork()
        self.take()

    def _fork(self) -> None:
        """Begin the process."""
        self._forks, self._forked, self._begun = self._forks + 1, time.monotonic(), mmap.mmap(-1, 1)
        context: Any = multiprocessing.get_context("fork")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=self._serve, args=(theirs,), daemon=True, name="curate-measuring")
        with warnings.catch_warnings():
            # Python 3.12 warns of forks beside threads: this one holds no lock that the child takes.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        theirs.close()

    def _begin_again(self) -> None:
        """Replace a process that never began: a fork may wait for ever for a lock of the interpreter, which another
        thread held when it was made."""
        self.end()
        if self._forks > MOST_FORKS:
            raise Ended(self, f"the process that measures it did not begin in {BEGIN_SECONDS:g} s", False)
        self._fork()
        with suppress(OSError):  # it has ended, as is seen when it is listened to
            for place in (*self.held, *([None] if self._told else [])):
                self.connection.send(place)

    def take(self) -> bool:
        """Have it take one more chunk; whether it did.

        It has two for each of its threads, as many as these look ahead: it never waits for the one that watches it.
        """
        if self._told or len(self.held) >= 2 * self.threads:
            return False
        place = self._waiting.popleft() if self._waiting else None
        with suppress(OSError):  # it has ended, as is seen when it is listened to
            self.connection.send(place)
        if place is None:
            self._told = True  # that there is no more
            return False
        self.held.append(place)
        return True

    def received(self) -> tuple[Any] | None:
        """The next thing made, None at the end. Raises Ended, and what the work raised."""
        try:
            good, made = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            raise self._ended(self._process.exitcode) from None
        if not good:
            raise made
        if made is not None:
            self.finished += 1
            self.held.popleft()
            self.take()
        return made

    def refuse_hanging(self) -> None:
        """End the process where a thread has been at one row for too long, and replace one that never began.

        Raises Ended.
        """
        now, cells = time.monotonic(), self.attention.cells.copy()
        if not self._begun[0]:
            if now - self._forked > BEGIN_SECONDS:
                self._begin_again()
            return
        self._since[cells[:, 0] != self._seen[:, 0]] = now
        self._seen = cells
        stuck = (now - self._since > self._row_seconds) & (cells[:, 1] != NOTHING)
        if stuck.any():
            self._process.kill()
            why = f"reading and measuring it took longer than {self._row_seconds:g} s (row_seconds)"
            raise Ended(self, why, False, int(cells[stuck.argmax(), 2]))

    def end(self, grace_seconds: float = 0.0) -> None:
        """Leave no process behind; it may end by itself before, if time is given."""
        if grace_seconds:
            self._process.join(grace_seconds)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self.connection.close()

    def _ended(self, code: int | None) -> Ended:
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            if name in ("SIGKILL", "SIGTERM"):
                why = f"the process that decoded it was ended from outside ({name}), as it is when memory is short"
                return Ended(self, why, False)
            return Ended(self, f"its decoder crashed ({name})", True)
        return Ended(self, f"its decoder ended the process (exit code {code})", True)

    def _serve(self, connection: Connection) -> None:
        """What the process does."""
        self._begun[0] = 1
        self.connection.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
        attend(self.attention)
        _quieten()
        with suppress(BrokenPipeError, ConnectionResetError):  # the parent has gone, or wants no more
            try:
                for made in ordered_map(self._attended, _places(connection), self.threads):
                    connection.send((True, (made,)))
                connection.send((True, None))
            except Exception as error:
                connection.send((False, _sendable(error)))
        os._exit(0)  # not what the parent registered for its own end

    def _attended(self, place: int) -> Any:
        self.attention.chunk(place)
        try:
            return self._work(self._given[place])
        finally:
            self.attention.chunk(NOTHING)


def next_made(processes: Sequence[WatchedProcess]) -> tuple[WatchedProcess, tuple[Any] | None]:
    """A process that has made something, and what; None where it has come to its end.

    Raises:
        Ended: a process ended, or one hung at a row and was ended.
    """
    while True:
        ready = wait([process.connection for process in processes], LOOK_SECONDS)
        for process in processes:
            process.refuse_hanging()
        heard = [one for one in processes if one.connection in ready]
        if heard:  # who was heard least comes first
            process = min(heard, key=lambda one: one.finished)
            return process, process.received()


def _places(connection: Connection) -> Iterator[int]:
    """Places of chunks as they are sent, until there are no more."""
    while (place := connection.recv()) is not None:
        yield place


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

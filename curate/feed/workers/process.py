"""A worker process: what runs in it, and the handle of the process that asks it for batches."""

from __future__ import annotations

import gc
import os
import signal
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from curate.errors import CurateError
from curate.evidence.freed import give_back, hold_blocks
from curate.feed.workers.attention import Attention
from curate.feed.workers.packing import packed, unpacked
from curate.feed.workers.shared import Mapped, Shared, returns

if TYPE_CHECKING:
    from curate.feed.batches import Batches
    from curate.feed.draws import Draw

GRACE_SECONDS = 2.0
"""Time that a worker has to end by itself."""


class WorkerLost(Exception):
    """A worker process ended, or was ended because a row took too long.

    Attributes:
        draw: what it was reading, None where it was at something else.
        reason: what happened, as a sentence about "its worker".
        hung: whether the row took too long.
        killed: whether a signal ended it.
    """

    def __init__(self, draw: tuple[int, int, int] | None, reason: str, hung: bool, killed: bool = False) -> None:
        super().__init__(reason)
        self.draw, self.reason, self.hung, self.killed = draw, reason, hung, killed


class Worker:
    """A process that makes batches, one at a time.

    Args:
        dataset: makes them.
        context: how processes start (`multiprocessing.get_context`).
        row_seconds: longest time that reading one row may take; None for any.
    """

    def __init__(self, dataset: Batches, context: Any, row_seconds: float | None) -> None:
        self._row_seconds = row_seconds
        self.busy = False
        returned = returns(context)
        self._memory = Mapped(returned)
        self._attention = Attention(context)
        self._connection, theirs = context.Pipe()
        given = (dataset, theirs, self._connection, self._attention, returned)
        self.process = context.Process(target=_work, args=given, daemon=True, name="curate-worker")
        self.process.start()
        theirs.close()

    def batch(self, draws: Sequence[Draw], broken: Mapping[Draw, str]) -> Any:
        """The batch of some draws.

        Raises:
            WorkerLost: the process ended, or took too long for a row and was ended.
            Exception: what the dataset raised.
        """
        from torch import multiprocessing  # noqa: F401  (teaches pipes to pass tensors through shared memory)

        self.busy = True
        try:
            self._connection.send((list(draws), dict(broken), self._memory.back()))
            self._await()
            good, result, dropped = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._lost() from error
        finally:
            self.busy = False
        if not good:
            raise result
        batch = unpacked(result, self._memory)
        self._memory.drop(dropped)
        return batch

    def _await(self) -> None:
        """Return when there is an answer. Raises WorkerLost where a row takes too long."""
        if self._row_seconds is None:
            wait([self._connection, self.process.sentinel])
            return
        changes, since = self._attention.changes, time.monotonic()
        while not wait([self._connection, self.process.sentinel], timeout=self._row_seconds / 4):
            now = self._attention.changes
            if now != changes or self._attention.draw is None:
                changes, since = now, time.monotonic()
            elif time.monotonic() - since >= self._row_seconds:
                draw = self._attention.draw
                self.end()
                raise WorkerLost(
                    draw, f"reading it took longer than {self._row_seconds:g} seconds (row_seconds)", hung=True
                )

    def _lost(self) -> WorkerLost:
        self.process.join(GRACE_SECONDS)
        code = self.process.exitcode
        self.end()
        killed = False
        if code is not None and code < 0:
            killed = True
            name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
            how = f"was killed by signal {-code} ({name}{': out of memory?' if name == 'SIGKILL' else ''})"
        else:
            how = f"ended with exit code {code}"
        return WorkerLost(self._attention.draw, f"its worker process {how}", hung=False, killed=killed)

    def end(self) -> None:
        """End the process, whatever it does."""
        with suppress(OSError):  # it may be gone, or closed before
            self._connection.send(None)
        self._connection.close()
        self.process.join(0 if self._attention.draw else GRACE_SECONDS)
        for stop in (self.process.terminate, self.process.kill):
            if self.process.is_alive():
                stop()
                self.process.join(GRACE_SECONDS)


def _work(dataset: Batches, connection: Connection, parents: Connection, attention: Attention, returned: Any) -> None:
    """Answer until the other side closes the connection."""
    import torch
    from torch import multiprocessing  # noqa: F401  (as above)

    from curate.feed.batches import begin_process

    parents.close()  # a fork has it, too, and would keep the connection open when the parent is gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    torch.set_num_threads(1)
    quieten()
    begin_process()
    gc.freeze()  # what a fork brought along stays, and looking through it again and again would copy its pages
    hold_blocks()  # images are decoded one after the other, each into as much memory as the last
    dataset.memory = memory = Shared(returned)
    made = False
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        if task is None:
            return
        draws, broken, back = task
        memory.back(back)
        memory.settle(set())  # what an error left behind
        answer = _answer(partial(dataset.batch, draws, broken, attention), memory)
        attention.off()
        try:
            connection.send((*answer, memory.dropped))
            memory.dropped.clear()
        except (BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:  # what can't be pickled: say so in place of the batch
            refused = TypeError(f"a batch can't be sent from its worker process: {error}")
            connection.send((False, refused, []))
        del answer
        if not made:
            give_back()  # of the first batch's rows, which waited for memory of a size that was not known yet
        made = True


def _answer(make: Callable[[], Any], memory: Shared) -> tuple[bool, Any]:
    """(True, batch), or (False, error)."""
    try:
        return True, packed(make(), memory)
    except CurateError as error:
        return False, error
    except Exception as error:
        error.add_note("in a worker process of the loader:\n" + traceback.format_exc())
        return False, error


def quieten() -> None:
    """Leave threads to the number of workers; libraries that were used before a fork may hang in theirs."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if find_spec("cv2") is not None:
        import cv2

        cv2.setNumThreads(0)

"""Which row each thread of a watched process is at, in memory that the process which watches it sees as well."""

from __future__ import annotations

import mmap
import threading
from itertools import count

import numpy as np

NOTHING = -1


class Attention:
    """Per thread: how often it has moved on, the place of its chunk, and the row.

    Attributes:
        cells: (threads, 3) int64 in shared memory.
    """

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

    def going(self) -> list[int]:
        """Places of the chunks that are being worked on."""
        return sorted(set(self.cells[:, 1].tolist()) - {NOTHING})


_of_process: list[Attention] = []


def attend(attention: Attention) -> None:
    """What `looking_at` tells from now on in this process."""
    _of_process[:] = [attention]


def looking_at(row: int = NOTHING) -> None:
    """Say which row this thread decodes from now on; nothing happens outside of a watched process."""
    if _of_process:
        _of_process[0].row(row)

"""Arrays that a machine of an engine leaves in the cache that all of them share, and work that makes such arrays.

What travels is the name of a file; whoever needs the numbers maps them on its own machine.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from curate.engines.engine import current
from curate.evidence.blas_threads import with_threads_of_here
from curate.evidence.chunks import PARTIAL, LeftArray, is_wide
from curate.evidence.order import fingerprint
from curate.evidence.parts.like_arrays import LyingRows
from curate.evidence.parts.lying import by_rows, lies_in_parts, rows_of_piece
from curate.evidence.vector_rows import finite_rows

Given = TypeVar("Given")
Arrays = dict[str, Any]
MARK = "shared"


@dataclass(frozen=True)
class ArrayWriter:
    """Writes arrays where they are made.

    Attributes:
        folder: absolute; machines that share it see a file in it.
        said: what stands in that file.
        came_back: noted where work was asked for: names of arrays that machines sent back instead.
    """

    folder: Path
    said: str
    came_back: list[str] = field(default_factory=list)

    def __getstate__(self) -> dict[str, Any]:
        """What travels."""
        return {**vars(self), "came_back": []}

    def written(self, array: np.ndarray) -> np.ndarray | LeftArray:
        """The array as it lies in the folder; itself where this machine does not share that, or can't write there."""
        path = self.folder / f"{uuid.uuid4().hex}.npy"
        try:
            if (self.folder / MARK).read_text("utf-8") != self.said:
                return array
            return LeftArray.written(path, array)
        except OSError:
            return array


@contextmanager
def array_writer(folder: Path | None) -> Iterator[ArrayWriter | None]:
    """What work of an engine leaves arrays with while the block lasts; they are gone after it, unless they were moved.

    Args:
        folder: of the cache's estimates; None for no writer, which also stands for a folder that can't be written.
    """
    said = uuid.uuid4().hex
    own = None if folder is None else folder.resolve() / f"left.{said}{PARTIAL}"
    try:
        if own is not None:
            own.mkdir(parents=True)
            (own / MARK).write_text(said, "utf-8")
    except OSError:  # whoever keeps the estimate says so
        own = None
    try:
        yield None if own is None else ArrayWriter(own, said)
    finally:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)


@contextmanager
def shared_writer(evidence: Any) -> Iterator[ArrayWriter | None]:
    """As `array_writer`, of the cache that the evidence has; None where no other machine would read what is left."""
    store = evidence.store if current().remote else None
    with array_writer(None if store is None else store.folder / "estimates") as writer:
        yield writer


@dataclass(frozen=True)
class _Leaving(Generic[Given]):
    """Work whose wide arrays are left where it is done."""

    work: Callable[[Given], Arrays]
    writer: ArrayWriter

    def __call__(self, given: Given) -> Arrays:
        made = self.work(given)
        return {name: self.writer.written(own) if is_wide(name, own) else own for name, own in made.items()}


def made_elsewhere(work: Callable[[Given], Arrays], given: Given, writer: ArrayWriter | None) -> Arrays:
    """The arrays that `work` makes, on a machine of the engine which leaves the wide ones there; here without a writer.

    Raises:
        Lacking: the machine lacks what it should read.
    """
    if writer is None:
        return work(given)
    [made] = current().ordered_map(with_threads_of_here(_Leaving(work, writer)), [given])
    writer.came_back.extend(name for name, own in made.items() if is_wide(name, own) and isinstance(own, np.ndarray))
    return made


def opened(array: np.ndarray | LeftArray) -> np.ndarray:
    """The array itself, or as it lies in its file. Raises `Absent`."""
    return array.opened() if isinstance(array, LeftArray) else array


class PlacedRows(LyingRows):
    """Rows of an array in a file, in another order.

    This process has it mapped from the start, and so also when the file is removed.

    Args:
        left: the array.
        order: (n,) int64, the place here of each of its rows.
        mapped: the array, where it is mapped already.
    """

    def __init__(self, left: LeftArray, order: np.ndarray, mapped: np.ndarray | None = None) -> None:
        self._left = left
        self._mapped = left.mapped() if mapped is None else mapped
        self.shape, self.dtype = left.shape, np.dtype(left.dtype)
        self._place = np.empty(len(order), dtype=np.min_scalar_type(len(order)))
        self._place[order] = np.arange(len(order))

    def __getstate__(self) -> dict[str, Any]:
        """What travels: where the rows lie."""
        return {**vars(self), "_mapped": None, "finite": None}

    def taken(self, rows: np.ndarray) -> np.ndarray:
        """See `LyingRows`."""
        if self._mapped is None:
            self._mapped = self._left.opened()
        return self._mapped[self._place[rows]]

    def look_again(self) -> None:
        """See `LyingRows`; this process has all of it."""


def placed_rows(left: LeftArray, order: np.ndarray, mapped: np.ndarray | None = None) -> PlacedRows:
    """The rows of an array in another order, of which machines say which are finite."""
    rows = PlacedRows(left, order, mapped)
    rows.finite = np.concatenate([np.zeros(0, dtype=bool), *by_rows(_finite, rows, pieces(rows))])
    return rows


def left_rows(array: np.ndarray, writer: ArrayWriter | None) -> Any:
    """The rows of an array that stands here, from a file that machines map; itself where it is small, or no writer."""
    if writer is None or len(array) <= rows_of_piece(array):
        return array
    left = writer.written(array)
    return PlacedRows(left, np.arange(len(array))) if isinstance(left, LeftArray) else left


def rows_key(rows: Any, order: np.ndarray) -> str:
    """Fingerprint of (n, d) rows in an order; of rows that lie somewhere, by machines that read them there."""
    given = [order[piece] for piece in pieces(rows)]
    prints = by_rows(_print, rows, given) if lies_in_parts(rows) else (_print(rows, some) for some in given)
    return fingerprint(rows.shape, *prints)


def _print(rows: Any, some: np.ndarray) -> str:
    return fingerprint(rows[some])


def pieces(rows: Any) -> list[slice]:
    """Rows of many numbers in parts of some MB."""
    count, step = len(rows), rows_of_piece(rows)
    return [slice(begin, min(begin + step, count)) for begin in range(0, count, step)]


def _finite(rows: Any, some: slice) -> np.ndarray:
    return finite_rows(rows[some])

"""Memory for batches: used again when nobody holds the last batch that lay in it, or shared with another process.

Fresh memory of tens of megabytes per batch would be asked of the system, cleared by it, and given back, each time.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np

KEPT_BYTES = 1 << 20
"""Smaller arrays are not kept: the allocator does that."""
KEPT_FREE = 2
"""So many pieces are kept that nobody uses."""
RETURNS = 1024
"""Pieces of a worker that can come back without a word; of those that it makes after so many it is told."""
SLACK = 1.5
"""A piece may be so many times larger than what is put into it."""

_current = threading.local()


class Memory(Protocol):
    """Where arrays come from."""

    def array(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array with anything in it."""
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


@contextmanager
def within(memory: Memory) -> Iterator[None]:
    """Have `room` take its arrays from there, in this thread."""
    before = getattr(_current, "memory", None)
    _current.memory = memory
    try:
        yield
    finally:
        _current.memory = before


class Recycled:
    """Memory of this process. A piece is free when no array and no tensor refers to it any longer."""

    def __init__(self) -> None:
        self._pieces: list[np.ndarray] = []
        self._lock = threading.Lock()

    def array(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array in a piece that is free and not much too large, or in a new one."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if size < KEPT_BYTES:
            return np.empty(shape, dtype)
        with self._lock:
            # References to a free piece: the list, the variable, and the argument; views and tensors add theirs.
            free = [piece for piece in self._pieces if sys.getrefcount(piece) <= FREE_REFERENCES]
            taken = min((p for p in free if size <= p.nbytes <= size * SLACK), key=lambda p: p.nbytes, default=None)
            if taken is None:
                taken = np.empty(size, np.uint8)
                gone = {id(piece) for piece in free[: max(0, len(free) - KEPT_FREE)]}
                self._pieces = [piece for piece in self._pieces if id(piece) not in gone] + [taken]
            return taken[:size].view(dtype).reshape(shape)

    def __getstate__(self) -> dict[str, Any]:
        """Nothing of it goes to another process."""
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin with nothing."""
        self.__init__()


def returns(context: Any) -> Any:
    """A cell for each of the first pieces, in memory that two processes share: 1 once the piece came back."""
    return context.RawArray("b", RETURNS)


class Mapped:
    """The other side: the pieces of a worker in the process that gets its batches.

    Args:
        returned: of `returns`; the worker sees there at once what came back, and needs a piece less than if it were
            told with its next task. None where it is told of all.
    """

    def __init__(self, returned: Any = None) -> None:
        self._pieces: dict[int, np.ndarray] = {}
        self._returned = returned
        self._back: deque[int] = deque()

    def tensor(self, piece: Piece) -> Any:
        """The tensor that was sent; when nobody refers to its memory any longer, the piece goes back."""
        import torch

        if piece.whole is not None:
            self._pieces[piece.number] = piece.whole.numpy()
        size = int(np.prod(piece.shape)) * np.dtype(piece.dtype).itemsize
        array = self._pieces[piece.number][:size].view(piece.dtype).reshape(piece.shape)
        returned = self._returned
        if returned is not None and piece.number < len(returned):
            back = weakref.finalize(array, returned.__setitem__, piece.number, 1)
        else:
            back = weakref.finalize(array, self._back.append, piece.number)
        back.atexit = False
        return torch.from_numpy(array)

    def back(self) -> list[int]:
        """The pieces that came back since the last call, and of which the worker does not know."""
        return [self._back.popleft() for _ in range(len(self._back))]

    def drop(self, numbers: Iterable[int]) -> None:
        """The worker has given these up."""
        for number in numbers:
            self._pieces.pop(number, None)


class Piece(NamedTuple):
    """A tensor in a piece of shared memory, on its way to the process that maps it.

    Attributes:
        number: of the piece.
        whole: (n,) uint8 tensor of the whole piece, the first time that it is sent; None afterwards.
        dtype: NumPy's, of the tensor.
        shape: of the tensor.
    """

    number: int
    whole: Any
    dtype: str
    shape: tuple[int, ...]


class Shared:
    """Memory that another process maps: a worker's side. A piece is free when the other side says so.

    Args:
        returned: as of `Mapped`.
    """

    def __init__(self, returned: Any = None) -> None:
        self._returned = returned
        self._pieces: dict[int, np.ndarray] = {}
        self._lent: set[int] = set()
        self._away: set[int] = set()
        self._new: dict[int, Any] = {}
        self._next = 0
        self.dropped: list[int] = []

    def array(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array in shared memory."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if size < KEPT_BYTES:
            return np.empty(shape, dtype)
        self._look()
        free = [number for number in self._pieces if number not in self._lent]
        fits = [n for n in free if size <= self._pieces[n].nbytes <= size * SLACK and self._unused(n)]
        number = min(fits, key=lambda n: self._pieces[n].nbytes, default=None)
        if number is None:
            self._drop(free[: max(0, len(free) - KEPT_FREE)])
            number = self._made(size)
        self._lent.add(number)
        return self._pieces[number][:size].view(dtype).reshape(shape)

    def _look(self) -> None:
        """Take what came back."""
        if self._returned is not None:
            found = [number for number in self._away if number < len(self._returned) and self._returned[number]]
            for number in found:
                self._returned[number] = 0
            self.back(found)

    def _unused(self, number: int) -> bool:
        return sys.getrefcount(self._pieces[number]) <= FREE_REFERENCES - 1

    def _made(self, size: int) -> int:
        import torch

        storage = torch.UntypedStorage._new_shared(size, device="cpu")
        whole = torch.empty(0, dtype=torch.uint8).set_(storage, 0, (size,))  # type: ignore[call-overload]
        number, self._next = self._next, self._next + 1
        self._new[number], self._pieces[number] = whole, whole.numpy()
        return number

    def _drop(self, numbers: list[int]) -> None:
        for number in numbers:
            del self._pieces[number]
            if self._new.pop(number, None) is None:
                self.dropped.append(number)

    def sent(self, tensor: Any) -> Piece | None:
        """What is sent for a tensor that begins where a piece does and is contiguous; None for others."""
        if tensor.is_contiguous() and not tensor.requires_grad:
            start = tensor.data_ptr()
            for number in self._lent:
                piece = self._pieces[number]
                if piece.ctypes.data == start and tensor.nbytes <= piece.nbytes:
                    return Piece(number, self._new.pop(number, None), str(tensor.numpy().dtype), tuple(tensor.shape))
        return None

    def settle(self, sent: set[int]) -> None:
        """After a batch: what was taken and not sent is free."""
        self._lent &= sent | self._away
        self._away |= sent

    def back(self, numbers: Iterable[int]) -> None:
        """The other side uses these no longer."""
        self._lent -= set(numbers)
        self._away -= set(numbers)


def _free_references() -> int:
    pieces = [np.empty(1, np.uint8)]
    return next(sys.getrefcount(piece) for piece in pieces)


FREE_REFERENCES = _free_references()

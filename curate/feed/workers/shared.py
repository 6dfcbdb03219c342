"""Memory of batches that two processes share: a worker fills it, the process that uses its batches maps it."""

from __future__ import annotations

import sys
import weakref
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from curate.feed.memory import FREE_REFERENCES, KEPT_BYTES, KEPT_FREE, SLACK
from curate.feed.patience import Patience

RETURNS = 1024
"""Pieces of a worker that can come back without a word; of those that it makes after so many it is told."""


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
        self._patience = Patience()
        self.dropped: list[int] = []

    def array(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array in shared memory."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if size < KEPT_BYTES:
            return np.empty(shape, dtype)
        self._look()
        number = self._fitting(size)
        if number is None and any(self._fits(other, size) for other in self._away):
            number = self._awaited(size)
        if number is None:
            free = [number for number in self._pieces if number not in self._lent]
            self._drop(free[: max(0, len(free) - KEPT_FREE)])
            number = self._made(size)
        self._lent.add(number)
        return self._pieces[number][:size].view(dtype).reshape(shape)

    def ready(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray | None:
        """An array in a piece that is free, or in the first one of its size; None while those that fit are away."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if size >= KEPT_BYTES:
            self._look()
            if any(self._fits(number, size) for number in self._pieces) and self._fitting(size) is None:
                return None
        return self.array(shape, dtype)

    def _fits(self, number: int, size: int) -> bool:
        return size <= self._pieces[number].nbytes <= size * SLACK

    def _fitting(self, size: int) -> int | None:
        """The smallest piece that is free and has room for so many bytes."""
        fits = [n for n in self._pieces if n not in self._lent and self._fits(n, size) and self._unused(n)]
        return min(fits, key=lambda n: self._pieces[n].nbytes, default=None)

    def _awaited(self, size: int) -> int | None:
        """A piece that comes back while it is worth waiting for."""
        if self._returned is None:
            return None

        def come() -> int | None:
            self._look()
            return self._fitting(size)

        return self._patience.wait(come)

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
        """Between two batches: what was taken and not sent is free."""
        self._patience.begin()
        self._lent &= sent | self._away
        self._away |= sent

    def back(self, numbers: Iterable[int]) -> None:
        """The other side uses these no longer."""
        self._lent -= set(numbers)
        self._away -= set(numbers)

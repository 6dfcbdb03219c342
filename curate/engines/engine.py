"""What an engine is, and which one the passes of this run use: threads of this process unless another was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from curate.engines.local import cores, ordered_map
from curate.errors import StorageError

Given = TypeVar("Given")
Made = TypeVar("Made")


class Absent(Exception):
    """A piece of work names a file that the machine which was asked does not have as it should be."""


class Lacking(StorageError):
    """A machine lacks what the work should read there, and the piece brings nothing along."""


class Piece:
    """What an engine hands to a worker; it and what is made of it may travel between machines."""

    def halves(self) -> list[Piece]:
        """The same work in smaller pieces, in its order; none where it can't be cut."""
        return []

    def carried(self) -> list[Piece]:
        """The same work in pieces that bring along what is read from files; none where nothing is."""
        return []

    def lost(self, why: str) -> Any:
        """What is made of a piece that can't be cut, and that has ended every worker which took it up.

        Args:
            why: as a sentence without a full stop.
        """
        raise NotImplementedError(why)


class Engine(Protocol):
    """Where the passes over the rows, and the blocks of an estimate, are worked on.

    Attributes:
        name: as the user chooses it.
        remote: whether work and pieces travel to other processes.
    """

    name: str
    remote: bool

    def slots(self) -> int:
        """Pieces that are worked on at once."""
        ...

    def ordered_map(self, work: Callable[[Any], Made], given: Iterable[Any], workers: int = 0) -> Iterator[Made]:
        """`work` of each of `given`, in their order, drawn a bounded number ahead; what it raises is raised here.

        Args:
            work: a function of a piece; of a remote engine anything that can be sent and called.
            given: `Piece`s. A remote engine may cut one; what is made of its parts is then handed out in its place.
            workers: at once; 0 for as many as there are.
        """
        ...


class LocalEngine:
    """Threads of this process."""

    name, remote = "local", False

    def slots(self) -> int:
        """One per core."""
        return cores()

    def ordered_map(self, work: Callable[[Given], Made], given: Iterable[Given], workers: int = 0) -> Iterator[Made]:
        """See `curate.engines.local.ordered_map`."""
        return ordered_map(work, given, workers)


LOCAL = LocalEngine()
_current: ContextVar[Engine] = ContextVar("engine", default=LOCAL)


def current() -> Engine:
    """The engine that was chosen for the run going on."""
    return _current.get()


@contextmanager
def using(engine: Engine) -> Iterator[Engine]:
    """Passes within this block run on that engine."""
    token = _current.set(engine)
    try:
        yield engine
    finally:
        _current.reset(token)

"""Passes as Ray tasks: pieces in order, a bounded number on their way, lost nodes made good, deadly rows found."""

from __future__ import annotations

import faulthandler
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from curate.engines.engine import Absent, Lacking, Piece
from curate.errors import ConfigError, StorageError

Made = TypeVar("Made")
MADE, ABSENT, RAISED = "made", "absent", "raised"

AHEAD = 2
"""Pieces on their way for each that is worked on."""
ATTEMPTS, ALONE = 2, 3
"""Workers that a piece may end before it is cut, and one that can't be cut before it is given up: a worker also dies
with its node."""
MOVES = 20
"""Lost nodes that a piece survives."""
LOOK_SECONDS = 5.0
"""Between looks at whether there is still a cluster to wait for."""
PATIENCE_SECONDS = 120.0
"""How long there may be no node at all, as when a lone one is being replaced."""
GRACE_SECONDS = 2.0
"""For pieces that nobody waits for any more to end by themselves, before they are cancelled."""
WORKS_KEPT = 2
"""Works that a worker process keeps, so that models and arrays are fetched once and not for every piece."""


@dataclass
class _Flying:
    """A piece on its way.

    Attributes:
        piece: what is worked on.
        ref: Ray's name of what is made of it.
        ended: workers that died of it.
        moved: times that the node was lost.
    """

    piece: Any
    ref: Any
    ended: int = 0
    moved: int = 0


@dataclass
class _Works:
    """The works that this worker process has fetched."""

    held: OrderedDict[str, Any] = field(default_factory=OrderedDict)

    def get(self, key: str, ref: Any) -> Any:
        if key not in self.held:
            import ray

            while len(self.held) >= WORKS_KEPT:
                self.held.popitem(last=False)
            self.held[key] = ray.get(ref)
        return self.held[key]


_WORKS = _Works()


class RayEngine:
    """Tasks on the Ray cluster that this process is connected to.

    Nodes need the same versions of `curate` and of what it uses; what is read from files is read by the node, and sent
    along where a node does not have the file. A piece whose node is lost is worked on by another one. A piece that ends
    its worker is tried once more, then cut in two until the row is found that does it.

    Args:
        ray: the module, connected.

    Attributes:
        again: times that a piece was worked on again because its node was lost or its worker died.
    """

    name, remote = "ray", True

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        known = ray.exceptions
        self._moving = (known.NodeDiedError, known.ObjectLostError, known.ObjectFetchTimedOutError)
        self._ending = (known.WorkerCrashedError, known.OutOfMemoryError)
        self.again = 0

    def slots(self) -> int:
        """Processors of all nodes."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 0)))

    def ordered_map(self, work: Callable[[Any], Made], given: Iterable[Any], workers: int = 0) -> Iterator[Made]:
        """See `curate.engines.engine.Engine`.

        Raises:
            Lacking: a node lacks what it should read, and the piece can't bring it along.
            ConfigError: a node can't run the work, as it lacks a package or has another version.
            StorageError: all nodes are lost.
        """
        key, sent = uuid.uuid4().hex, self._ray.put(work)
        task = self._ray.remote(num_cpus=1, max_retries=0)(_carry_out)
        flying: deque[_Flying] = deque()

        def fly(piece: Any, ended: int = 0, moved: int = 0) -> _Flying:
            # In a list, the work is not fetched before the task asks for it.
            return _Flying(piece, task.remote([sent], key, piece), ended, moved)

        waiting = iter(given)
        try:
            while True:
                room = AHEAD * (workers or self.slots()) - len(flying)
                flying.extend(fly(piece) for piece in islice(waiting, max(room, 0)))
                if not flying:
                    return
                made, again = self._settle(flying[0], fly)
                flying.popleft()
                flying.extendleft(reversed(again))
                yield from made
        finally:
            self._leave([one.ref for one in flying])

    def _leave(self, refs: list[Any]) -> None:
        """Cancel what nobody waits for any more, the last first, as the first make room for them.

        What is about to end is let be: where that meets its being cancelled, Ray ends this process
        (https://github.com/ray-project/ray/pull/54527).
        """
        going = self._ray.wait(refs, num_returns=len(refs), timeout=GRACE_SECONDS)[1] if refs else []
        for ref in reversed(going):
            self._ray.cancel(ref, force=True)

    def _settle(self, one: _Flying, fly: Callable[..., _Flying]) -> tuple[list[Any], list[_Flying]]:
        """What was made of a piece, or what is on its way in its place."""
        try:
            self._wait(one.ref)
            kind, found = self._ray.get(one.ref)
        except self._moving as error:
            self.again += 1
            if one.moved >= MOVES:
                raise StorageError(f"{MOVES} nodes of the Ray cluster were lost in a row: {error}") from error
            return [], [fly(one.piece, one.ended, one.moved + 1)]
        except self._ending as error:
            return self._ended(one, fly, error)
        except self._ray.exceptions.RayTaskError as error:
            why = str(error.cause or error).strip().splitlines()[-1]
            raise ConfigError(
                f"a node of the Ray cluster can't do the work: {why}; install there what is here"
            ) from error
        if kind == RAISED:
            raise found
        if kind == ABSENT:
            pieces = one.piece.carried() if isinstance(one.piece, Piece) else []
            if not pieces:
                raise Lacking(f"a node of the Ray cluster lacks what it should read: {found}")
            return [], [fly(piece) for piece in pieces]
        return [found], []

    def _ended(self, one: _Flying, fly: Callable[..., _Flying], error: Exception) -> tuple[list[Any], list[_Flying]]:
        """A worker died: try again, then in halves, then give the row up."""
        self.again += 1
        halves = one.piece.halves() if isinstance(one.piece, Piece) else []
        if one.ended + 1 < (ATTEMPTS if halves else ALONE):
            return [], [fly(one.piece, one.ended + 1, one.moved)]
        if not isinstance(one.piece, Piece):
            raise StorageError(f"workers of the Ray cluster died {ALONE} times of one piece: {error}") from error
        if halves:
            # Of a part one death is enough to cut it further.
            return [], [fly(half, ATTEMPTS - 1 if half.halves() else 0) for half in halves]
        short_of_memory = isinstance(error, self._ray.exceptions.OutOfMemoryError)
        why = "its node ran out of memory" if short_of_memory else "the worker that looked at it died or took too long"
        return [one.piece.lost(f"{why}, {ALONE} times with this row alone")], []

    def _wait(self, ref: Any) -> None:
        """Until a task is done or has failed. Raises StorageError where no node is left that could do it."""
        alone_since: float | None = None
        while not self._ray.wait([ref], timeout=LOOK_SECONDS)[0]:
            if self._ray.cluster_resources().get("CPU", 0) >= 1:
                alone_since = None
                continue
            alone_since = alone_since or time.monotonic()
            if time.monotonic() - alone_since > PATIENCE_SECONDS:
                raise StorageError(
                    f"the Ray cluster has had no processor for {PATIENCE_SECONDS:g} s; add a node and run again: what"
                    " was measured is kept"
                )


def _carry_out(sent: list[Any], key: str, piece: Any) -> tuple[str, Any]:
    """The task: what the work makes of a piece, or why it does not."""
    work = _WORKS.get(key, sent[0])
    seconds = getattr(piece, "seconds", None)
    if seconds is not None:  # ends the process even where a library holds the interpreter's lock
        faulthandler.dump_traceback_later(seconds, exit=True, file=2)
    try:
        return MADE, work(piece)
    except Absent as error:
        return ABSENT, str(error)
    except Exception as error:  # it is raised where the work was asked for
        return RAISED, error
    finally:
        if seconds is not None:
            faulthandler.cancel_dump_traceback_later()

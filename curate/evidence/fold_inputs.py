"""What the heads of all folds are fitted on, made on the machine that fits them where the vectors lie in parts.

Such heads travel without their inputs: a machine makes these of the vectors when it is first asked for a fit, or reads
them where they were left. What all fits share is prepared by one machine, and comes back without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from curate.engines.engine import Absent, Lacking, current
from curate.evidence.blas_threads import fits, with_threads_of_here
from curate.evidence.chunks import LeftArray
from curate.evidence.discriminant import Discriminant
from curate.evidence.exact_search import Chosen
from curate.evidence.heads import in_row_space, scaled
from curate.evidence.outside import Outside
from curate.evidence.parts.left import ArrayWriter, opened
from curate.evidence.parts.lying import in_memory, lies_in_parts
from curate.evidence.votes import Electorate, Keeper

Made = TypeVar("Made")


class FoldInputs:
    """Inputs and targets of heads, and where they are made."""

    _vectors: Chosen
    _outside: Outside | None
    _codes: np.ndarray
    _learn: np.ndarray
    _classes: int
    _turned: bool
    _scale: tuple[np.ndarray, np.float32]
    _electorate: Electorate
    _discriminant: Discriminant
    _inputs: Any = None
    _spanned: LeftArray | None = None
    _targets: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to fit; whom to tell stays, and what can be made of the rest."""
        state = {**vars(self), "_progress": None, "_targets": None}
        # Few rows in the space that they span: another machine may span it by other axes, and has to find them.
        if lies_in_parts(self._vectors) and (self._spanned is not None or not self._turned):
            state["_inputs"] = None
            if "_electorate" in state:
                state |= {
                    "_electorate": self._electorate.seeing(None),
                    "_discriminant": self._discriminant.seeing(None),
                }
        return state

    def _prepare(self, keeper: Keeper | None) -> None:
        """What all fits share: inputs, voters, products, and the recipe."""
        raise NotImplementedError

    def _make_targets(self) -> None:
        self._targets = np.zeros((len(self._codes), self._classes), dtype=np.float32, order="F")
        self._targets[self._learn, self._codes[self._learn]] = 1

    def _make_inputs(self) -> None:
        if self._spanned is not None:
            self._inputs = opened(self._spanned)
            return
        self._inputs = scaled(self._vectors, *self._scale)
        if self._turned:
            self._inputs = in_row_space(self._inputs)

    def _leave(self, writer: ArrayWriter) -> None:
        """Leave lists and sums where they were made, and inputs that no other machine could make again."""
        self._electorate, self._discriminant = self._electorate.left(writer), self._discriminant.left(writer)
        left = writer.written(self._inputs) if self._turned and lies_in_parts(self._vectors) else None
        self._spanned = left if isinstance(left, LeftArray) else None

    def _ready(self) -> None:
        """Make what did not travel."""
        if self._targets is None:
            self._make_targets()
        self._electorate, self._discriminant = self._electorate.here(), self._discriminant.here()
        if self._inputs is None:
            self._make_inputs()
            self._discriminant = self._discriminant.seeing(self._inputs)
            self._electorate = self._electorate.seeing(self._vectors)

    def _prepared_elsewhere(self) -> bool:
        """Have a machine prepare that reads the vectors where they lie; False where it lacks them."""
        try:
            for made in current().ordered_map(with_threads_of_here(prepared), [self]):
                vars(self).update(made)
        except Lacking:
            self._bring_here()
            return False
        return True

    def _fits(self, work: Callable[[Any], Made], given: Sequence[Any]) -> Iterator[Made]:
        """As `fits`, of a method of these heads."""
        done = 0
        try:
            for made in fits(work, given):
                yield made
                done += 1
        except Lacking:
            self._bring_here()
            try:
                self._ready()
            except Absent as error:
                raise Lacking(f"what was left in the cache is gone: {error}") from error
            yield from fits(work, given[done:])

    def _bring_here(self) -> None:
        """Hold the vectors in memory: other machines can't read them."""
        self._vectors, self._outside = in_memory(self._vectors), in_memory(self._outside)


def prepared(heads: FoldInputs) -> dict[str, Any]:
    """What heads have once they are prepared, as it travels."""
    before = set(vars(heads))
    heads._prepare(None)
    return {name: made for name, made in heads.__getstate__().items() if name not in before}

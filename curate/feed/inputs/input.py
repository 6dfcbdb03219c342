"""The contract of an input: from a column of the table to the arrays of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pyarrow as pa

if TYPE_CHECKING:
    from curate.feed.memory import Memory


class Input(Protocol):
    """One modality of a task on its way into a batch."""

    @property
    def modality(self) -> str:
        """Its role in the task."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        ...

    def values(self, rows: pa.Table) -> Sequence[Any]:
        """The values of some rows as they stand in the table, None where there is none."""
        ...

    def read(self, value: Any) -> Any:
        """The decoded item in the form that a recipe takes (see `curate.augment.recipe.Recipe.apply`).

        Raises:
            DataError: it can't be decoded.
        """
        ...

    def augment(self, item: Any, change: Callable[[Any], Any]) -> Any:
        """The item after a recipe."""
        ...

    def finish(self, item: Any) -> Any:
        """The final array of one row, which may be mixed with that of another (text: a str)."""
        ...

    def collate(self, items: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
        """The entries of a batch. `names` are the ids of the rows, for messages.

        Targets that stand in columns of their own (masks, boxes, tags, transcripts) are the entry ``labels``, beside
        which ``annotated`` (B,) bool says which rows have any; see `Targets.joined`.
        """
        ...


class Filling(Protocol):
    """Takes the finished arrays of a batch's rows as they come."""

    def put(self, place: int, item: Any) -> Any:
        """Take the array of a row; gives what stands for it, or the array where it can't be taken yet."""
        ...

    def entries(self, items: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
        """The entries of the batch, from what `put` gave for the rows that are kept; as `Input.collate`."""
        ...


@runtime_checkable
class Fillable(Protocol):
    """An input whose finished arrays can be written into the batch as they come."""

    def begun(self, rows: int, memory: Memory, at_once: bool) -> Filling | None:
        """What takes them, for so many draws; None where they have to be collated together.

        Args:
            rows: number of draws.
            memory: of the batch.
            at_once: whether it may be taken with the first row; else when it is ready (`Memory.ready`), or at the end.
        """
        ...

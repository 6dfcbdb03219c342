"""Draws: what a worker is asked for, what became of it, and who watches."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from curate.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from curate.feed.recipes import Line

_logger = logging.getLogger("curate.feed")
NONE_BROKEN: Mapping[Any, str] = {}
SKIPPED = "_skipped"
"""Entry of a batch in which a worker reports rows that could not be read; the loader takes it out."""
LEFT = "_left"
"""Entry of a batch that says which operations are left to the device; `Prefetched` takes it out."""
UNCHANGED = "_unchanged"
"""Entry of a batch in which a worker counts texts that an operation gave back as they were, by operation."""


class Draw(NamedTuple):
    """One draw of a plan: all that decides what a batch holds at its place."""

    epoch: int
    position: int
    occurrence: int = 0


class Skipped(NamedTuple):
    """A row that could not be read or augmented when its turn came, and the row that was drawn in its place, if any."""

    row_id: str
    reason: str
    replacement: str | None = None


def said(batch: dict[str, Any]) -> dict[str, Any]:
    """The batch without what is reported in it: rows that were skipped or replaced are warned of, one by one.

    Raises:
        DataError: not one row could be read.
    """
    for row_id, reason, replacement in (skipped := batch.pop(SKIPPED, ())):
        what = "skipped" if replacement is None else f"replaced by {replacement}"
        _logger.warning("row %s is %s: %s", row_id, what, reason)
    batch.pop(UNCHANGED, None)
    if skipped and not batch["row_id"]:
        raise DataError(f"not one row of a batch could be read; row {skipped[-1].row_id}: {skipped[-1].reason}")
    return batch


def refuse_positions(draws: Sequence[Draw | int]) -> None:
    """Raise ConfigError for bare positions, as samplers of torch and of transformers' Trainer give them."""
    if not all(isinstance(draw, tuple) for draw in draws):
        raise ConfigError(
            "loader.dataset is read by its own loader, which knows order, epoch and weights of the draws: use"
            " curated.loader(batch_size=...) in the place of a DataLoader, and"
            " curate.feed.trainers.CuratedTrainer(model, args, curated=curated) in the place of a Trainer"
        )


@dataclass(frozen=True)
class Part:
    """Some draws, read: the finished arrays of every input, or why a draw has none."""

    draws: list[Draw]
    planned: pa.Table
    lines: list[Line]
    items: list[list[Any] | None]
    skipped: dict[int, str]
    unchanged: Counter[str]


class Watch(Protocol):
    """Is told which draw is read (`curate.feed.workers.attention.Attention`)."""

    def on(self, draw: tuple[int, int, int]) -> None:
        """The draw is about to be read."""
        ...

    def off(self) -> None:
        """No draw is being read."""
        ...

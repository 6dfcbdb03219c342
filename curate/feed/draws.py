"""Draws: what a worker is asked for, what became of it, and who watches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from curate.feed.recipes import Line

NONE_BROKEN: Mapping[Any, str] = {}


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

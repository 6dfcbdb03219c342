"""Draws: what a worker is asked for, what became of it, and who watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

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


class Watch(Protocol):
    """Is told which draw is read (`curate.feed.workers.attention.Attention`)."""

    def on(self, draw: tuple[int, int, int]) -> None:
        """The draw is about to be read."""
        ...

    def off(self) -> None:
        """No draw is being read."""
        ...

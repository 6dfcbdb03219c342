"""Which draw a worker is reading, where the process that watches it can see that."""

from __future__ import annotations

from typing import Any

NOTHING = (-1, -1, -1)


class Attention:
    """Three numbers (epoch, position, occurrence) and a count of changes, in memory that two processes share."""

    def __init__(self, context: Any) -> None:
        self._cells = context.RawArray("q", [0, *NOTHING])

    def on(self, draw: tuple[int, int, int]) -> None:
        """The worker begins to read this draw."""
        self._cells[1:4] = draw
        self._cells[0] += 1

    def off(self) -> None:
        """The worker does something else: collates, or waits."""
        self._cells[1:4] = NOTHING
        self._cells[0] += 1

    @property
    def changes(self) -> int:
        """How often it has changed so far."""
        return int(self._cells[0])

    @property
    def draw(self) -> tuple[int, int, int] | None:
        """The draw that is read, None where none is."""
        epoch, position, occurrence = self._cells[1:4]
        return None if position < 0 else (int(epoch), int(position), int(occurrence))

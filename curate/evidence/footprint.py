"""How the peak memory of an audit or a run grows with the rows: the formula that `docs/memory.md` states."""

from __future__ import annotations

from dataclasses import dataclass

from curate.evidence.outside import MOST_LEARNED
from curate.table import Table
from curate.task import MEDIA

BLOCKS = 150_000_000
"""Blocks of searches and heads, which are as large as they get from some thousands of rows on."""
OF_ROW, OF_ROW_AND_CLASS = 500, 16
"""Bytes of ids, hashes, neighbours, findings; of probabilities and what is made from them."""
OF_LETTER = 32
"""Bytes of n-grams of a letter, while an encoder that learns from the set does."""
OF_LEARNED, OF_LEARNED_AND_NUMBER, OF_LEARNED_AND_CLASS = 4_000, 16, 40
"""Bytes of each row that heads learn from: lists of voters; inputs and blocks by numbers of a vector; targets."""


@dataclass(frozen=True)
class Footprint:
    """What is held of each row.

    Attributes:
        measured: bytes of measured values, when they were most.
        columns: bytes of the columns beside media.
        width: numbers of a vector, d; 0 where no step needs any.
        classes: K.
        learned: whether vectors are learned from the n-grams of the columns.
    """

    measured: int
    columns: int
    width: int
    classes: int
    learned: bool = False

    def growth(self, before: int, rows: int) -> int:
        """Bytes by which the peak of `rows` rows may exceed that of `before` rows like them."""
        if rows <= before:
            return 0
        of_row = (
            self.measured
            + (2 + OF_LETTER * self.learned) * self.columns
            + OF_ROW
            + 4 * self.width
            + OF_ROW_AND_CLASS * self.classes
        )
        of_learned = OF_LEARNED + OF_LEARNED_AND_NUMBER * self.width + OF_LEARNED_AND_CLASS * self.classes
        learned = (min(rows, MOST_LEARNED) - min(before, MOST_LEARNED)) * bool(self.width)
        return BLOCKS + (rows - before) * of_row + learned * of_learned


def footprint(table: Table, measured: int, width: int, classes: int, learned: bool) -> Footprint:
    """Of a table, all of whose values of measures took so many bytes."""
    rows, task = max(len(table), 1), table.task
    media = {getattr(task, role) for role in MEDIA}
    held = sum(table.column(name).nbytes for name in table.column_names if name not in media)
    return Footprint(-(-measured // rows), -(-held // rows), width, classes, learned)

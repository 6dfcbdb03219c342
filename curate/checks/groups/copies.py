"""Rows of equal content; rows that hold nothing are no copies of one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curate.checks.tables.blank_cells import blank_share
from curate.media.content import input_columns, is_media

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.table import Table

BLOCK_ROWS = 50_000


def copies(evidence: Evidence) -> np.ndarray:
    """(n,) int64: rows of equal content share a number, -1 for rows that are alone, can't be read or hold nothing."""
    return without_hollow(evidence.duplicate_groups(), evidence.table)


def without_hollow(groups: np.ndarray, table: Table) -> np.ndarray:
    """(n,) groups of equal content, -1 for none -> the same without those whose rows hold nothing."""
    inside = np.flatnonzero(groups >= 0)
    _, first, member = np.unique(groups[inside], return_index=True, return_inverse=True)
    empty = np.zeros(len(first), dtype=bool)
    for start in range(0, len(first), BLOCK_ROWS):
        some = slice(start, start + BLOCK_ROWS)
        empty[some] = _hollow(table, inside[first[some]])
    found = groups.copy()
    found[inside[empty[member.reshape(-1)]]] = -1
    return found


def _hollow(table: Table, rows: np.ndarray) -> np.ndarray:
    """(m,) bool for (m,) positions: whether every input is null, a text of blanks, or a vector of no numbers."""
    nothing = np.ones(len(rows), dtype=bool)
    for name in input_columns(table.task):
        column = table.column(name)
        if is_media(column.type):
            nothing &= column.is_null().to_numpy()[rows]
        elif nothing.any():
            nothing &= blank_share(table.rows(rows, [name])[name]) >= 1.0
    return nothing

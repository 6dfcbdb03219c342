"""The test rows as the transforms of a run make them, and which scored row each of them is a part of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.pipeline.comparison.held_out import HeldOut
from curate.pipeline.curated import Curated
from curate.table import Table


@dataclass(frozen=True)
class Tested:
    """Test rows after transforms.

    Attributes:
        table: that holds them.
        rows: (p,) int64, their positions in it.
        owner: (p,) int64, the scored row (place in `HeldOut.rows`) that each is, or was cut from.
    """

    table: Table
    rows: np.ndarray
    owner: np.ndarray


def tested(result: Curated, held: HeldOut) -> Tested:
    """What a run makes of the test rows; steps that decide about rows have no say in them."""
    wanted = held.table.row_ids[held.rows]
    place = {row_id: i for i, row_id in enumerate(wanted.tolist())}
    table = result.table if held.inside else result.transform(held.table)
    parents = _parents(result, table)
    owner = np.array([_owner(row_id, place, parents) for row_id in table.row_ids.tolist()], dtype=np.int64)
    owner[table.unreadable] = -1
    rows = np.flatnonzero(owner >= 0)
    return Tested(table, rows, owner[rows])


def _parents(result: Curated, table: Table) -> dict[str, str]:
    """row id -> id of the row that it was cut from."""
    made = result.changes.filter(result.changes["parent"].is_valid())
    found = dict(zip(made["row_id"].to_pylist(), made["parent"].to_pylist()))
    if table.parents is not None:
        found |= {row: parent for row, parent in zip(table.row_ids.tolist(), table.parents.tolist()) if row != parent}
    return found


def _owner(row_id: str, place: dict[str, int], parents: dict[str, str]) -> int:
    """The scored row behind a row: itself, its parent, or whose piece its name says it is; -1 for none."""
    while row_id not in place:
        parent = parents.get(row_id) or row_id.rpartition("#")[0]
        if not parent or parent == row_id:
            return -1
        row_id = parent
    return place[row_id]

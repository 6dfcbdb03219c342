"""Made: new rows that a step synthesised, and the decisions that say how."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from curate.ledger import Decisions


@dataclass(frozen=True)
class Made:
    """What a balance step gives that synthesises rows.

    Attributes:
        decisions: entries of any action; exactly one ``synthesize`` entry per new row, in the order of `rows`, whose
            `row_id` is the new row's id.
        rows: one line per new row with the columns of the table's dataset that the step fills: the inputs and the label
            at least. Columns that are left out become null, the split becomes ``train``, and an id column the new id.
    """

    decisions: Decisions
    rows: pa.Table

    def __post_init__(self) -> None:
        """Check that rows and entries fit together."""
        entries = pc.sum(self._synthesize).as_py() or 0  # counted in Arrow: there may be millions
        if entries != self.rows.num_rows:
            raise ValueError(f"{self.rows.num_rows} new rows, but {entries} synthesize entries")

    @property
    def _synthesize(self) -> pa.ChunkedArray:
        return pc.equal(self.decisions.table["action"], "synthesize")

    @property
    def row_ids(self) -> list[str]:
        """Ids of the new rows, in order."""
        return self.decisions.table["row_id"].filter(self._synthesize).to_pylist()

    @property
    def parents(self) -> list[str]:
        """The main parent of each new row; its own id where it has none."""
        own = self.decisions.table.select(["row_id", "before"]).filter(self._synthesize)
        return pc.coalesce(own["before"], own["row_id"]).to_pylist()

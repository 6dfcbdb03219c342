"""The accounts: every row that was read is kept, dropped or unreadable, per split, or the run fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.ledger import Verdict
from curate.table import Table


def refuse_lost_rows(before: Table, after: Table, step: str) -> None:
    """A transform gives every row new content, or makes rows from it that name it as their parent.

    Raises:
        DataError: rows are neither there nor anybody's parent.
    """
    known = after.row_ids if after.parents is None else np.concatenate([after.row_ids, after.parents])
    lost = before.row_ids[~np.isin(before.row_ids, known)]
    if len(lost):
        raise DataError(
            f"the transform {step} left out {len(lost)} of {len(before)} rows, among them {', '.join(lost[:3])}: a row"
            " may only leave by a decision (a check with `fix: drop`), so that the ledger can tell why"
        )


def balance_accounts(table: Table, broken: np.ndarray, verdict: Verdict, plan: pa.Table) -> list[dict[str, Any]]:
    """Per split: rows read, kept, dropped and unreadable, draws in the plan.

    Args:
        table: the rows.
        broken: (m,) int64 rows that can't be read.
        verdict: what the ledger says.
        plan: what will be drawn; kept rows are counted here, not from the verdict.

    Raises:
        DataError: read = kept + dropped + unreadable does not hold for a split.
    """
    n = len(table)
    unreadable = np.zeros(n, dtype=bool)
    unreadable[broken] = True
    dropped = verdict.dropped & ~unreadable
    drawn = np.bincount(plan["row"].to_numpy(), minlength=n)
    kept = drawn > 0
    lines = []
    for split in np.unique(table.splits):
        here = table.splits == split
        line = {
            "split": str(split),
            "read": int(here.sum()),
            "kept": int((kept & here).sum()),
            "dropped": int((dropped & here).sum()),
            "unreadable": int((unreadable & here).sum()),
            "draws": int(drawn[here].sum()),
        }
        if line["read"] != line["kept"] + line["dropped"] + line["unreadable"]:
            raise DataError(
                f"the accounts of the split {split!r} don't balance: {line['read']} rows read, {line['kept']} kept +"
                f" {line['dropped']} dropped + {line['unreadable']} unreadable; nothing was written"
            )
        lines.append(line)
    return lines

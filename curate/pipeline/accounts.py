"""The accounts: every row that was read is kept, dropped or unreadable, per split, or the run fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from curate.arrow import among, distinct
from curate.errors import DataError
from curate.ledger import Verdict
from curate.table import Table
from curate.wording import counted


def refuse_lost_rows(before: Table, after: Table, step: str) -> None:
    """A transform gives every row new content, or makes rows from it that name it as their parent.

    Raises:
        DataError: rows are neither there nor anybody's parent.
    """
    known = after.row_ids if after.parents is None else np.concatenate([after.row_ids, after.parents])
    lost = before.row_ids[~among(before.row_ids, known)]
    if len(lost):
        raise DataError(
            f"the transform {step} left out {len(lost)} of {len(before)} rows, among them {', '.join(lost[:3])}: a row"
            " may only leave by a decision (a check with `fix: drop`), so that the ledger can tell why"
        )


def rows_per_split(table: Table) -> dict[str, int]:
    """Split -> its rows."""
    names, codes = distinct(table.splits)
    return {str(name): int(count) for name, count in zip(names, np.bincount(codes))}


def balance_accounts(
    table: Table, read: Mapping[str, int], broken: np.ndarray, verdict: Verdict, plan: pa.Table
) -> list[dict[str, Any]]:
    """Per split: rows read, added (cut from others, or synthesised), kept, dropped and unreadable, draws in the plan.

    Args:
        table: the rows as they are now.
        read: split -> rows that the source gave.
        broken: (m,) int64 rows that can't be read.
        verdict: what the ledger says.
        plan: what will be drawn; kept rows are counted here, not from the verdict.

    Raises:
        DataError: read + added = kept + dropped + unreadable does not hold for a split.
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
            "read": read.get(str(split), 0),
            "added": int(here.sum()) - read.get(str(split), 0),
            "kept": int((kept & here).sum()),
            "dropped": int((dropped & here).sum()),
            "unreadable": int((unreadable & here).sum()),
            "draws": int(drawn[here].sum()),
        }
        if line["read"] + line["added"] != line["kept"] + line["dropped"] + line["unreadable"]:
            came = f"{counted(line['read'], 'row')} read" + (f" and {line['added']} added" if line["added"] else "")
            raise DataError(
                f"the accounts of the split {split!r} don't balance: {came}, {line['kept']} kept + {line['dropped']}"
                f" dropped + {line['unreadable']} unreadable; nothing was written"
            )
        lines.append(line)
    return lines

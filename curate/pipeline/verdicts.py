"""What the ledger amounts to for the rows of a table, those that steps made among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from curate.ledger import Decisions, Verdict, combine
from curate.table import Table


def verdict_of(decisions: Decisions, table: Table) -> Verdict:
    """The verdict about every row; a row that a step made stands only as long as the entry that says so.

    Raises:
        DataError: a row is to have a label that the task does not have.
    """
    verdict = combine(decisions, table.row_ids, table.labels.codes, table.task.label_names)
    if table.made is None:
        return verdict
    undone = ~table.given & ~verdict.synthetic
    if not undone.any():
        return verdict
    by = dict(verdict.dropped_by) | dict.fromkeys(np.flatnonzero(undone).tolist(), "undone")
    return replace(verdict, dropped=verdict.dropped | undone, dropped_by=by)

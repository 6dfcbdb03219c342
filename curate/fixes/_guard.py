"""The guard: a check's fix turns findings into decisions, and may not touch more rows than the check's limit allows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate import registry
from curate.arrow import among
from curate.errors import ConfigError, LimitExceeded
from curate.evidence.evidence import Evidence
from curate.findings import Findings
from curate.fixes._conditions import meets
from curate.ledger import Decisions
from curate.step import Check
from curate.table import Labels

TOUCHING = ("drop", "relabel", "soften", "weight")
"""Actions that change what is learned from a row; review and keep do not."""


class Excess(NamedTuple):
    """A group of rows of which a fix would touch too many."""

    touched: int
    rows: int
    name: str | None


def apply(check: Check, findings: Findings, evidence: Evidence) -> Decisions:
    """The decisions of a check's fix about its findings.

    Fixes take lines in their order; of a row's lines that meet a fix's conditions it sees the worst, and each row is
    taken once. Rows of held-out splits are never touched, rows that no fix takes are left as they are.

    Raises:
        ConfigError: a fix can do nothing for such a task.
        LimitExceeded: the fix would touch a larger share of the training rows, or of a class, than `check.limit`. One
            row of a class may always be touched.
    """
    if check.fix is None:
        return Decisions()
    table, fixes = evidence.table, registry.fixes(check.fix)
    if refusals := [why for fix in fixes if (why := fix.refuses(table.task))]:
        raise ConfigError(f"{check.name}: {'; '.join(refusals)}")
    training = table.training & evidence.active
    training[np.fromiter(evidence.broken, dtype=np.int64, count=len(evidence.broken))] = True
    training &= table.training
    flagged = findings.only(check.name).flagged
    flagged = flagged.filter(pa.array(training[flagged["row"].to_numpy()]))
    parts, taken_rows, touched = [], np.zeros(len(table), dtype=bool), np.zeros(len(table), dtype=bool)
    for fix in fixes:
        left = flagged.filter(pa.array(~taken_rows[flagged["row"].to_numpy()] & meets(fix, flagged)))
        lines = worst_lines(left)
        decisions, taken = fix.decide(check.name, lines, evidence)
        rows = lines["row"].to_numpy()[taken]
        taken_rows[rows] = True
        touched |= among(table.row_ids, _touched_ids(decisions))
        parts.append(decisions)
    _hold(check, touched, training, evidence.labels)
    return Decisions.join(parts)


def _touched_ids(decisions: Decisions) -> np.ndarray:
    """Ids of the rows of which a decision changes what is learned, as `StringDType`."""
    is_touching = pc.is_in(decisions.table["action"], value_set=pa.array(TOUCHING))
    ids = decisions.table.filter(is_touching)["row_id"].drop_null()
    return np.array(ids.to_pylist(), dtype=np.dtypes.StringDType())


def worst_lines(flagged: pa.Table) -> pa.Table:
    """One line per row, the one with the lowest score (then the first by name of the issue), in order of rows."""
    rows = flagged["row"].to_numpy()
    issue = np.unique(np.array(flagged["issue"].to_pylist(), dtype=np.str_), return_inverse=True)[1]
    order = np.lexsort([issue, flagged["score"].to_numpy(), rows])
    first = np.append(True, np.diff(rows[order]) != 0)[: len(rows)]
    return flagged.take(pa.array(order[first]))


def excess(touched: np.ndarray, training: np.ndarray, labels: Labels, limit: float) -> Excess | None:
    """The class, or the whole, of which more than `limit` would be touched; the worst class if there are several.

    Args:
        touched: (n,) bool.
        training: (n,) bool, the rows that count.
        labels: the labels as they stand.
        limit: largest share, in (0, 1].
    """
    count, rows = int((touched & training).sum()), int(training.sum())
    whole = Excess(count, rows, None)
    classes: list[Excess] = []
    if labels.names:
        bad, total = labels.counts(touched & training), labels.counts(training)
        classes = [Excess(int(b), int(t), n) for b, t, n in zip(bad, total, labels.names, strict=True) if b > 1]
    over = [part for part in classes if part.touched > limit * part.rows + 1e-9]
    if over:
        return max(over, key=lambda part: (part.touched / part.rows, part.touched))
    return whole if count > limit * rows + 1e-9 else None


def _hold(check: Check, touched: np.ndarray, training: np.ndarray, labels: Labels) -> None:
    worst = excess(touched, training, labels, check.limit)
    if worst is None:
        return
    count, rows = int((touched & training).sum()), int(training.sum())
    text = (
        f"{check.name}: its fix would touch {count:,} of {rows:,} training rows ({count / rows:.1%}); the limit is"
        f" {check.limit:.1%} of all rows and of each class"
    )
    if worst.name is not None:
        text += f", and of the class {worst.name!r} it would touch {worst.touched:,} of {worst.rows:,}"
        text += f" ({worst.touched / worst.rows:.1%})"
    raise LimitExceeded(
        f"{text}. Look at the findings first; then make the fix's conditions narrower or raise the step's `limit`"
    )

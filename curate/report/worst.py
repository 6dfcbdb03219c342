"""Which rows of an issue a report shows: the lowest scores first, duplicates together with their group."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.report.model import Histogram

LARGEST_GROUP = 6
"""Members of one group that are shown."""


def worst_lines(lines: pa.Table, n: int) -> pa.Table:
    """The `n` flagged lines with the lowest scores, lowest first; ties in the order of the table.

    Args:
        lines: findings (`curate.findings.SCHEMA`), flagged or not.
        n: how many at most.
    """
    flagged = lines.filter(lines["is_issue"])
    order = np.lexsort((flagged["row"].to_numpy(), flagged["score"].to_numpy()))
    return flagged.take(pa.array(order[:n]))


def worst_groups(lines: pa.Table, n: int) -> pa.Table:
    """The worst lines, each together with the other lines of its group, flagged or not.

    Args:
        lines: findings of one issue.
        n: groups are added while there are fewer than `n` lines; of a group at most `LARGEST_GROUP` lines are given.

    Returns:
        Lines, those of a group next to each other; the same as `worst_lines` where there are no groups.
    """
    flagged = worst_lines(lines, lines.num_rows)
    groups = _codes(flagged)
    if not (groups >= 0).any():
        return flagged.slice(0, n)
    every = _codes(lines)
    by_group = np.argsort(every, kind="stable")
    starts = every[by_group]
    row = lines["row"].to_numpy()
    taken: list[int] = []
    lone = {int(r): int(i) for i, r in enumerate(row)} if (groups < 0).any() else {}
    seen: set[int] = set()
    for place, group in enumerate(groups.tolist()):
        if len(taken) >= n:
            break
        if group < 0:
            taken.append(lone[flagged["row"][place].as_py()])
        elif group not in seen:
            seen.add(group)
            members = by_group[np.searchsorted(starts, group) : np.searchsorted(starts, group, side="right")]
            taken += _shown(members, lines["is_issue"].take(pa.array(members)), row)
    # Only these lines are put together: `take` would make one array of all chunks before.
    mask = np.zeros(lines.num_rows, dtype=bool)
    mask[taken] = True
    return lines.filter(pa.array(mask)).take(pa.array(np.searchsorted(np.flatnonzero(mask), taken), pa.int64()))


def _shown(members: np.ndarray, flags: pa.ChunkedArray, row: np.ndarray) -> list[int]:
    """Members of a group to show: what stays first, then those that are flagged, each in the order of the table."""
    flagged = flags.to_numpy()
    stays, marked = (part[np.argsort(row[part], kind="stable")] for part in (members[~flagged], members[flagged]))
    stays = stays[: LARGEST_GROUP // 2]
    return [*stays.tolist(), *marked[: LARGEST_GROUP - len(stays)].tolist()]


def _codes(lines: pa.Table) -> np.ndarray:
    return pc.fill_null(lines["group"], -1).to_numpy()


def group_sizes(lines: pa.Table) -> dict[int, int]:
    """group -> number of its lines."""
    groups = _codes(lines)
    names, counts = np.unique(groups[groups >= 0], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist()))


def histogram(lines: pa.Table, bins: int = 25) -> Histogram:
    """Counts of scores over [0, 1]: of all lines, and of the flagged ones; and what divides the two, if anything."""
    score = lines["score"].to_numpy()
    flagged = lines["is_issue"].to_numpy()
    judged, _ = np.histogram(score, bins=bins, range=(0.0, 1.0))
    marked, _ = np.histogram(score[flagged], bins=bins, range=(0.0, 1.0))
    worst_fine, best_flagged = score[~flagged].min(initial=1.0), score[flagged].max(initial=-1.0)
    threshold = float(worst_fine + best_flagged) / 2 if 0 <= best_flagged <= worst_fine else None
    return Histogram(judged=judged.tolist(), flagged=marked.tolist(), threshold=threshold)

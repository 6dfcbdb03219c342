"""What equality in one field of a table says of others: of a hospital's name its address follows."""

from __future__ import annotations

import numpy as np

WORK, FEWEST_ROWS = 20_000_000, 500
"""Cells that are looked at for all fields asked, and rows that are looked at in any case."""
BLOCK_CELLS = 1 << 22
LISTED = 4
"""Equal pairs per row up to which they are listed."""


def dependence(codes: np.ndarray, parents: np.ndarray, rows: np.ndarray, agreement: np.ndarray) -> np.ndarray:
    """Bits that equality in one field adds where another one is equal, at most what it says on its own.

    Args:
        codes: (n, d) of the fields.
        parents: (k,) fields that are asked what their equality says of others.
        rows: (m,) int64 rows that are no copies.
        agreement: (d,) probability that two rows agree.

    Returns:
        (k, d), inf where nothing is known.
    """
    d, k = len(agreement), len(parents)
    most = max(FEWEST_ROWS, WORK // max(d * k, 1))
    codes = codes[np.sort(np.random.default_rng(0).permutation(rows)[:most])]
    order = np.concatenate([parents, np.setdiff1d(np.arange(d), parents)])
    alone, both = np.zeros(k), np.zeros((k, d))
    for place, parent in enumerate(parents):
        alone[place], both[place, order[place + 1 :]] = _equal_beside(codes, parent, order[place + 1 :])
        both[place, parents[:place]] = both[:place, parent]
    # A few pairs are no proof that one field follows from the other.
    share = np.clip((both + 10 * agreement) / (alone[:, None] + 10), agreement, 1.0)
    given = -np.log2(np.where(agreement > 0, share, 1.0))
    given[:, agreement <= 0] = np.inf
    given[np.arange(k), parents] = np.inf
    return given


def _equal_beside(codes: np.ndarray, field: int, others: np.ndarray) -> tuple[float, np.ndarray]:
    """Pairs of rows that are equal in a field, and (o,) in how many of them each of some others is equal, too.

    Few pairs are looked at one by one; of many, each field's values are sorted beside the first field's.
    """
    rows = np.flatnonzero(codes[:, field] >= 0)
    rows = rows[np.argsort(codes[rows, field], kind="stable")]
    own = codes[rows, field].astype(np.int64)
    alone = float(_pairs_within(own[None])[0])
    both = np.zeros(len(others))
    listed = _equal_pairs(own) if alone <= LISTED * len(rows) else None
    step = max(1, BLOCK_CELLS // max(len(rows) * (1 if listed is None else LISTED), 1))
    for first in range(0, len(others), step):
        values = codes[np.ix_(rows, others[first : first + step])]
        if listed is None:
            joint = np.where(values >= 0, own[:, None] * (values.max(initial=0) + 1) + values, -1)
            both[first : first + step] = _pairs_within(np.sort(joint.T, axis=1))
        else:
            one, other = values[listed[0]], values[listed[1]]
            both[first : first + step] = np.count_nonzero((one == other) & (one >= 0), axis=0)
    return alone, both


def _equal_pairs(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of all pairs of equal ones of (m,) ascending numbers."""
    left, right = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for step in range(1, len(ordered)):
        at = np.flatnonzero(ordered[step:] == ordered[:-step])
        if not len(at):
            break
        left.append(at)
        right.append(at + step)
    return np.concatenate(left), np.concatenate(right)


def _pairs_within(ordered: np.ndarray) -> np.ndarray:
    """(r, m) ascending numbers, below 0 for none -> (r,) float64 pairs of equal ones of each row."""
    r, m = ordered.shape
    new = np.ones((r, m), dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(new)
    sizes = np.diff(starts, append=r * m).astype(np.float64)
    sizes[ordered.ravel()[starts] < 0] = 0
    return np.bincount(starts // max(m, 1), weights=sizes * (sizes - 1) / 2, minlength=r)

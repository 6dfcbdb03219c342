"""Groups of rows: numbers that do not depend on the order of rows, votes, and who stands for a group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SPLIT_RANK = {"test": 0, "validation": 1}


def rank_ids(row_ids: np.ndarray) -> np.ndarray:
    """(n,) ids -> (n,) int64 rank of each: as whole numbers where all ids are such, else as text."""
    n = len(row_ids)
    order = np.argsort(row_ids, kind="stable")
    if n and np.strings.isdecimal(row_ids).all():
        order = np.argsort([int(i) for i in row_ids], kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    return rank


def numbered(codes: np.ndarray, rank: np.ndarray, smallest: int = 2) -> np.ndarray:
    """Renumber groups 0, 1, ... by the lowest id among their members, so that the order of rows plays no part.

    Args:
        codes: (n,) int, equal for rows of one group, -1 for none.
        rank: (n,) rank of the rows' ids.
        smallest: groups of fewer rows become -1.

    Returns:
        (n,) int64, -1 for rows in no group.
    """
    out = np.full(len(codes), -1, dtype=np.int64)
    inside = np.flatnonzero(codes >= 0)
    if not len(inside):
        return out
    inside = inside[np.argsort(rank[inside], kind="stable")]
    _, first, inverse, counts = np.unique(codes[inside], return_index=True, return_inverse=True, return_counts=True)
    large = counts >= smallest
    number = np.full(len(counts), -1, dtype=np.int64)
    number[large] = np.argsort(np.argsort(first[large], kind="stable"), kind="stable")
    out[inside] = number[inverse]
    return out


def split_rank(splits: np.ndarray) -> np.ndarray:
    """(n,) split names -> (n,) int8: 0 for test, 1 for validation, 2 for all others. Held-out rows are kept first, so
    that the training copy of a leaked row is the one that goes."""
    rank = np.full(len(splits), 2, dtype=np.int8)
    for name, place in SPLIT_RANK.items():
        rank[splits == name] = place
    return rank


def representatives(groups: np.ndarray, preference: Sequence[np.ndarray]) -> np.ndarray:
    """(n,) int64: for each row in a group the member that stands for the group, -1 for rows in none.

    Args:
        groups: (n,) int64, -1 for none.
        preference: (n,) keys, the most important first; the member with the smallest keys is taken.
    """
    out = np.full(len(groups), -1, dtype=np.int64)
    inside = np.flatnonzero(groups >= 0)
    if not len(inside):
        return out
    keys = [np.asarray(key)[inside] for key in reversed(preference)]
    order = inside[np.lexsort([*keys, groups[inside]])]
    _, first = np.unique(groups[order], return_index=True)
    chosen = np.full(int(groups.max()) + 1, -1, dtype=np.int64)
    chosen[groups[order[first]]] = order[first]
    out[inside] = chosen[groups[inside]]
    return out


def votes(groups: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """How the labels of each group stand.

    Args:
        groups: (n,) int64, -1 for rows in none.
        codes: (n,) int64 label codes, -1 where missing (these do not vote).

    Returns:
        (n,) share of the group's votes that the row's own label has (1 outside groups, 0 for a missing label in a
        group that has others), (n,) int64 code with strictly the most votes (-1 if tied or none), (n,) its share,
        and (n,) int64 number of different labels in the group.
    """
    n = len(groups)
    share, best = np.ones(n), np.full(n, -1, dtype=np.int64)
    best_share, kinds = np.ones(n), np.zeros(n, dtype=np.int64)
    inside = groups >= 0
    voting = np.flatnonzero(inside & (codes >= 0))
    if not len(voting):
        return share, best, best_share, kinds
    count = int(groups.max()) + 1
    pairs, inverse, times = np.unique(
        np.stack([groups[voting], codes[voting]]), axis=1, return_inverse=True, return_counts=True
    )
    total = np.bincount(pairs[0], weights=times, minlength=count)
    different = np.bincount(pairs[0], minlength=count)
    order = np.lexsort([times, pairs[0]])
    last = np.flatnonzero(np.append(np.diff(pairs[0][order]) != 0, True))
    top = order[last]
    tied = np.zeros(len(top), dtype=bool)
    many = different[pairs[0][top]] > 1
    tied[many] = times[order[last[many] - 1]] == times[top[many]]
    group_best, group_share = np.full(count, -1, dtype=np.int64), np.ones(count)
    group_best[pairs[0][top]] = np.where(tied, -1, pairs[1][top])
    group_share[pairs[0][top]] = times[top] / total[pairs[0][top]]
    share[inside] = np.where(different[groups[inside]] > 0, 0.0, 1.0)
    share[voting] = times[inverse.reshape(-1)] / total[groups[voting]]
    best[inside], best_share[inside] = group_best[groups[inside]], group_share[groups[inside]]
    kinds[inside] = different[groups[inside]]
    return share, best, best_share, kinds

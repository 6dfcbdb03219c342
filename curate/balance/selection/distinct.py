"""Rows of a pool that are not almost another one of it."""

from __future__ import annotations

from typing import Any

import numpy as np


def distinct(evidence: Any, rows: np.ndarray, similarity: float | None) -> np.ndarray:
    """(m,) bool: the rows that stay when of equal and near-equal ones only the first stays.

    A row goes if one before it that stays is equal to it or its near pair (`Evidence.near_pairs`).

    Args:
        evidence: of the rows.
        rows: (m,) int64 positions, those to prefer first.
        similarity: least similarity of near pairs, in the unit of the modality's method; the method's own if None.
    """
    n = len(evidence.table)
    groups = evidence.duplicate_groups()
    # Pairs speak of one row of each content: its group stands for all of them.
    node = np.where(groups >= 0, groups + n, np.arange(n))
    pairs = evidence.near_pairs(least=similarity)
    least = pairs.threshold if similarity is None else similarity
    near = pairs.where(pairs.similarity >= np.float32(least) - np.float32(1e-6)) if np.isfinite(least) else pairs
    beside, first = _beside(node[near.left], node[near.right], n + int(groups.max(initial=-1)) + 1)
    own = node[rows]
    stay = np.ones(len(rows), dtype=bool)
    gone = np.zeros(len(first) - 1, dtype=bool)
    alone = (own < n) & (first[own] == first[own + 1])
    for place in np.flatnonzero(~alone).tolist():  # the others are like no row at all
        one = own[place]
        if gone[one]:
            stay[place] = False
            continue
        gone[one] = one >= n
        gone[beside[first[one] : first[one + 1]]] = True
    return stay


def _beside(left: np.ndarray, right: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(2 p,) int64 nodes by the node that they are a pair of, and (count + 1,) where those of each node begin."""
    one, other = np.concatenate([left, right]), np.concatenate([right, left])
    order = np.argsort(one, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(one, minlength=count))])
    return other[order], first

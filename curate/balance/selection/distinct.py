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
    rank = np.full(n, n, dtype=np.int64)
    rank[rows] = np.arange(len(rows))
    groups = evidence.duplicate_groups()
    # Pairs speak of one row of each content: its group stands for all of them.
    node = np.where(groups >= 0, groups + n, np.arange(n))
    pairs = evidence.near_pairs(least=similarity)
    least = pairs.threshold if similarity is None else similarity
    near = pairs.where(pairs.similarity >= np.float32(least) - np.float32(1e-6)) if np.isfinite(least) else pairs
    beside: dict[int, list[int]] = {}
    for left, right in zip(node[near.left].tolist(), node[near.right].tolist(), strict=True):
        beside.setdefault(left, []).append(right)
        beside.setdefault(right, []).append(left)
    stay = np.ones(len(rows), dtype=bool)
    gone: set[int] = set()
    for place, one in enumerate(node[rows].tolist()):
        if one in gone:
            stay[place] = False
            continue
        if one >= n:
            gone.add(one)
        gone.update(beside.get(one, ()))
    return stay

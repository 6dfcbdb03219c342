"""Folds of the cross-validation: stratified by class, and never tearing apart equal content or a group."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from curate.wording import of_all, some_of


def units(*codes: np.ndarray | None) -> np.ndarray:
    """Rows that must stay together: joined by any of several groupings.

    Args:
        codes: (n,) int64 groupings, equal number for rows that belong together, -1 for rows alone; None is skipped.

    Returns:
        (n,) int64 unit of each row, numbered by first appearance.
    """
    given = [c for c in codes if c is not None]
    n = len(given[0])
    if len(given) == 1 and not (given[0] >= 0).any():
        return np.arange(n)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows, tied, offset = [], [], n
    for grouping in given:
        inside = np.flatnonzero(grouping >= 0)
        rows.append(inside)
        tied.append(grouping[inside] + offset)
        offset += int(grouping.max(initial=-1)) + 1
    row, group = np.concatenate(rows), np.concatenate(tied)
    graph = coo_array((np.ones(len(row), dtype=np.int8), (row, group)), shape=(offset, offset))
    label = connected_components(graph, directed=False)[1][:n]
    _, first, code = np.unique(label, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[code].astype(np.int64)


def stratified_folds(strata: np.ndarray, unit: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Give each row a fold: classes spread evenly, rows of a unit together.

    Units of several rows are placed first, largest first, each in the fold that has least of its classes; single rows
    then fill up what each fold lacks of their class. Linear in rows, where scikit-learn's `StratifiedGroupKFold` scores
    every group against every fold and class (its balance is the same within a row per class and fold).

    Args:
        strata: (n,) int64 class of each row, -1 for rows that are in no fit (they follow their unit's fold).
        unit: (n,) int64 from `units`.
        folds: how many.
        seed: shuffles the rows and units.

    Returns:
        (n,) int8 fold of each row, -1 for rows whose unit has no row with a class.
    """
    result = np.full(len(unit), -1, dtype=np.int8)
    rows = np.flatnonzero(strata >= 0)
    if not len(rows):
        return result
    rng = np.random.default_rng(seed)
    classes = int(strata.max()) + 1
    size = np.bincount(unit[rows], minlength=int(unit.max()) + 1)
    fold_of = np.full(len(size), -1, dtype=np.int8)
    filled = _place_units(fold_of, strata, unit, size, rows, np.zeros((folds, classes), dtype=np.int64), rng)
    single = rows[size[unit[rows]] == 1]
    single = single[rng.permutation(len(single))]
    single = single[np.argsort(strata[single], kind="stable")]
    fold_of[unit[single]] = _fill(strata[single], filled)
    return fold_of[unit]


def _place_units(
    fold_of: np.ndarray,
    strata: np.ndarray,
    unit: np.ndarray,
    size: np.ndarray,
    rows: np.ndarray,
    filled: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Place the units of several rows; writes `fold_of`, returns the (folds, classes) counts so far."""
    total = np.maximum(np.bincount(strata[rows], minlength=filled.shape[1]), 1)
    several = np.flatnonzero(size > 1)
    several = several[rng.permutation(len(several))]
    several = several[np.argsort(-size[several], kind="stable")]
    inside = rows[np.argsort(unit[rows], kind="stable")]
    start = np.searchsorted(unit[inside], several)
    load = np.zeros(len(filled))
    for one, begin in zip(several, start):
        members = strata[inside[begin : begin + size[one]]]
        # How full each fold is of the classes of this unit, then how full it is at all.
        fullness = (filled[:, members] / total[members]).sum(1) + 1e-3 * load / len(rows)
        fold = int(np.argmin(fullness))
        fold_of[one] = fold
        np.add.at(filled[fold], members, 1)
        load[fold] += len(members)
    return filled


def _fill(strata: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """Folds for single rows, sorted by class: level the classes, and start each class where the last one ended."""
    folds = len(filled)
    result = np.empty(len(strata), dtype=np.int8)
    load = filled.sum(1)
    edges = np.flatnonzero(np.diff(strata, prepend=-1, append=-1))
    for begin, end in pairwise(edges):
        have = filled[:, strata[begin]]
        by_room = np.lexsort((np.arange(folds), load, have))
        # Slot (r, f) is the r-th row that fold f would get; take the slots that keep the class most level.
        slots = (have[by_room][:, None] + np.arange(-(-(end - begin) // folds) + int(np.ptp(have)))).T
        order = np.argsort(slots.ravel(), kind="stable")[: end - begin]
        chosen = by_room[order % folds]
        result[begin:end] = chosen
        load = load + np.bincount(chosen, minlength=folds)
    return result


def small_classes(strata: np.ndarray, folds: int, names: tuple[str, ...]) -> str | None:
    """A sentence that names the classes with fewer rows than folds, or None."""
    counts = np.bincount(strata[strata >= 0], minlength=len(names))
    few = np.flatnonzero((counts > 0) & (counts < folds))
    if not len(few):
        return None
    shown = some_of(few, 10, lambda k: f"{names[k]!r} ({counts[k]})")
    small = of_all(len(few), len(names), "class", "classes", ("has", "have"))
    return f"{small} fewer rows than the {folds} folds: {shown}; predicted probabilities rest on very few rows there"

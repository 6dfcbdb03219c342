"""Choosing rows of a pool: overall or class by class, by any of the methods, within a quota."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from curate.balance.selection.facility_location import facility_location
from curate.balance.selection.herding import herding
from curate.balance.selection.k_centre import k_centre
from curate.balance.selection.points import Points
from curate.balance.selection.quota import Quota, in_turn
from curate.balance.selection.strata import stratified
from curate.evidence.parts.lying import elsewhere

Method = Callable[[Points, Quota, np.ndarray | None], np.ndarray]
SPREAD: dict[str, Method] = {
    "k_centre": k_centre,
    "facility_location": facility_location,
    "herding": herding,
    "diversity": k_centre,
}
"""Methods that look at vectors."""


@dataclass(frozen=True)
class Pool:
    """The rows to choose from, in a random order that depends on their ids alone.

    Attributes:
        points: their vectors, for methods that look at them; None for the others.
        order: (m,) int64 places, best first, for methods that rank; None for the others.
        strata: (m,) int64 class of each, -1 for none.
        start: s vectors that are chosen already, and their (s,) strata.
        cost: (m,) float64 or None for one each.
    """

    places: int
    points: Points | None
    order: np.ndarray | None
    strata: np.ndarray
    start: Points | None
    start_strata: np.ndarray | None
    cost: np.ndarray | None


def choose(
    pool: Pool, method: str, size: float, per_class: bool, min_per_class: int, share: float | None
) -> np.ndarray:
    """Places in the order in which they are chosen; by a machine of the engine where it can read the vectors.

    Args:
        pool: what there is.
        method: its name.
        size: how much to choose, in rows or in what rows cost; with `per_class`, of each class.
        per_class: whether each class is chosen from for itself.
        min_per_class: rows that each class gets first, if it has them.
        share: of the rows, instead of `size`.

    Returns:
        (k,) int64 places.
    """
    there = partial(_chosen, replace(pool, points=None, start=None), method, size, per_class, min_per_class, share)
    return elsewhere(there, pool.points, pool.start)


def _chosen(
    pool: Pool,
    method: str,
    size: float,
    per_class: bool,
    min_per_class: int,
    share: float | None,
    points: Points | None,
    start: Points | None,
) -> np.ndarray:
    pool, everything = replace(pool, points=points, start=start), np.arange(pool.places)
    if per_class:
        picks = []
        for code in np.unique(pool.strata):
            own = everything[pool.strata == code]
            picks.append(own[_of(pool, method, own, _quota(pool, own, size, share), [], int(code))])
        return in_turn(picks)
    quota = _quota(pool, everything, size, share)
    first: list[int] = []
    if min_per_class:
        for code in np.unique(pool.strata[pool.strata >= 0]):
            own = everything[pool.strata == code]
            least = own[_of(pool, method, own, Quota(min_per_class, None, len(own)), [], int(code))]
            first += quota.along(least).tolist()
    rest = np.setdiff1d(everything, first) if first else everything
    cost = None if pool.cost is None else pool.cost[rest]
    return np.append(
        np.array(first, dtype=np.int64), rest[_of(pool, method, rest, Quota(quota.left, cost, len(rest)), first, None)]
    )


def _quota(pool: Pool, own: np.ndarray, size: float, share: float | None) -> Quota:
    if share is not None:
        size = max(1, round(share * len(own))) if len(own) else 0
    return Quota(size, None if pool.cost is None else pool.cost[own], len(own))


def _of(pool: Pool, method: str, own: np.ndarray, quota: Quota, first: list[int], code: int | None) -> np.ndarray:
    """Places within `own` in the order in which they are chosen; `first` are chosen already."""
    if pool.points is not None:
        start = None
        if pool.start is not None:
            start = pool.start[slice(None) if code is None else np.flatnonzero(pool.start_strata == code)]
        if first:
            taken = pool.points.take(np.array(first))
            start = taken if start is None else np.concatenate([start, taken])
        whole = len(own) == pool.places
        return SPREAD[method](pool.points if whole else pool.points.part(own), quota, start)
    if method == "stratified":
        return quota.along(stratified(pool.strata[own]))
    if pool.order is None:
        return quota.along(np.arange(len(own)))
    inside = np.full(pool.places, -1, dtype=np.int64)
    inside[own] = np.arange(len(own))
    order = inside[pool.order]
    return quota.along(order[order >= 0])

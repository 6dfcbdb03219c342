"""How much may be taken of a pool: so many rows, or so much of what rows cost."""

from __future__ import annotations

import numpy as np


class Quota:
    """Counts what is taken.

    Args:
        size: how much there is to spend.
        cost: (m,) float64 above 0, what each place of the pool costs; 1 each if left out.
        places: m.
    """

    def __init__(self, size: float, cost: np.ndarray | None, places: int) -> None:
        self.cost = cost
        self.left = float(size)
        self.places = places
        self._least = 1.0 if cost is None else float(cost.min(initial=np.inf))

    @property
    def full(self) -> bool:
        """Whether not even the cheapest place fits any more."""
        return self.left + 1e-9 < self._least

    def fits(self, places: np.ndarray) -> np.ndarray:
        """(p,) bool: which of these places could still be taken, one of them."""
        if self.cost is None:
            return np.full(len(places), not self.full)
        return self.cost[places] <= self.left + 1e-9

    def take(self, place: int) -> None:
        """Spend what a place costs."""
        self.left -= 1.0 if self.cost is None else float(self.cost[place])

    def along(self, order: np.ndarray) -> np.ndarray:
        """The places of an order that are taken, one after the other; one that no longer fits is passed over."""
        if self.cost is None:
            taken = order[: max(0, int(self.left + 1e-9))]
            self.left -= len(taken)
            return taken
        # All up to the first that does not fit at once, the rest one by one.
        first = int(np.searchsorted(np.cumsum(self.cost[order]), self.left + 1e-9, side="right"))
        kept = order[:first].tolist()
        self.left -= float(self.cost[order[:first]].sum())
        for place in order[first:].tolist():
            if self.full:
                break
            if self.cost[place] <= self.left + 1e-9:
                self.left -= float(self.cost[place])
                kept.append(place)
        return np.array(kept, dtype=np.int64)

    def shared(self, parts: list[np.ndarray]) -> list[Quota]:
        """One quota for each part of the pool, in proportion to what the part costs in all.

        Whole rows are given by largest remainder, so that the parts together have exactly what there is.
        """
        cost = self.cost
        weight = np.array([len(part) if cost is None else cost[part].sum() for part in parts], dtype=np.float64)
        due = self.left * weight / max(weight.sum(), 1e-12)
        if cost is None:
            due = np.minimum(whole(due, int(min(self.left + 1e-9, weight.sum()))), weight)
        return [
            Quota(size, None if cost is None else cost[part], len(part))
            for size, part in zip(due.tolist(), parts, strict=True)
        ]


def whole(due: np.ndarray, total: int) -> np.ndarray:
    """(p,) whole numbers nearest to (p,) `due` that sum to `total`: largest remainders are rounded up."""
    given = np.floor(due + 1e-9)
    short = total - int(given.sum())
    if short > 0:
        given[np.argsort(-(due - given), kind="stable")[:short]] += 1
    return given


def in_turn(picks: list[np.ndarray]) -> np.ndarray:
    """The picks of several parts as one order: each part's first share of its picks before anybody's later ones."""
    if not picks:
        return np.zeros(0, dtype=np.int64)
    rank = np.concatenate([(np.arange(len(part)) + 0.5) / max(len(part), 1) for part in picks])
    return np.concatenate(picks).astype(np.int64)[np.argsort(rank, kind="stable")]

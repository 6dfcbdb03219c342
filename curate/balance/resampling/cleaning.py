"""Methods that drop rows for what their neighbours are, equal to imbalanced-learn's and without its copies of the rows.

They work on numbers of rows in one matrix, which may lie where other machines read it. A Tomek link has a row outside
the largest class at one end, so only those rows, and what is nearest to them, are searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from curate.balance.resampling.hardness import easiest
from curate.balance.resampling.nearest import nearest, nearest_others, summed_distances

Aim = Mapping[int, int] | Sequence[int] | str


def touched(aim: Any, y: np.ndarray) -> list[int]:
    """Codes of the classes that a cleaning method may touch; a word is asked anew of the rows that are left."""
    from imblearn.utils import check_sampling_strategy

    return [int(code) for code in check_sampling_strategy(aim, y, "clean-sampling") or ()]


def smallest_class(y: np.ndarray) -> int:
    """The class with the fewest rows; of equal ones the one that occurs first, as the library counts."""
    codes, first, counts = np.unique(y, return_index=True, return_counts=True)
    return int(codes[np.lexsort((first, counts))[0]])


def agreeing(near: np.ndarray, own: np.ndarray, kind_sel: str) -> np.ndarray:
    """(m,) bool: rows of whose neighbours all, or most (``mode``), are of their class.

    Args:
        near: (m, k) int classes of the neighbours; of equally frequent ones the smallest counts as most.
        own: (m,) int classes.
        kind_sel: ``all`` or ``mode``.
    """
    if kind_sel == "all":
        return (near == own[:, None]).all(axis=1)
    return most_frequent(near) == own


def most_frequent(codes: np.ndarray) -> np.ndarray:
    """(m,) the most frequent of each row of (m, k) codes, the smallest of equally frequent ones."""
    times = np.empty(codes.shape, dtype=np.int32)
    for place in range(codes.shape[1]):
        times[:, place] = (codes == codes[:, place, None]).sum(axis=1)
    return np.where(times == times.max(axis=1, keepdims=True), codes, np.iinfo(codes.dtype).max).min(axis=1)


def edited(
    values: Any, y: np.ndarray, aim: Aim, k: int = 3, kind_sel: str = "all", rows: np.ndarray | None = None
) -> np.ndarray:
    """(m,) rows that stay by edited nearest neighbours, class by class (Wilson 1972).

    Of some `rows` of the matrix, `y` are their classes, and what stays counts within them.
    """
    classes, kept = touched(aim, y), []
    for code in np.unique(y):
        own = np.flatnonzero(y == code)
        if code in classes:
            near = nearest_others(values, k, _of(rows, own), rows)
            own = own[agreeing(y[near], y[own], kind_sel)]
        kept.append(own)
    return np.concatenate(kept)


def _of(rows: np.ndarray | None, some: np.ndarray) -> np.ndarray:
    """(m,) rows of the matrix that some of the rows are."""
    return some if rows is None else rows[some]


def edited_again(
    values: Any, y: np.ndarray, aim: Aim, k: int = 3, kind_sel: str = "all", turns: Sequence[int] = (),
    allow_minority: bool = False, until_same: bool = True,
) -> np.ndarray:  # fmt: skip
    """(m,) rows that stay when editing is repeated on what it left, for the neighbours that `turns` name (Tomek 1976).

    It ends where a class is gone, or has become smaller than the smallest was, unless `allow_minority`.
    """
    kept, counts = np.arange(len(y)), np.bincount(y)
    rarest = smallest_class(y)
    for k_of_turn in turns:
        stay = edited(values, y[kept], aim, k_of_turn or k, kind_sel, None if len(kept) == len(y) else kept)
        same, kept = len(stay) == len(kept), kept[stay]
        left = np.bincount(y[kept], minlength=len(counts))
        others = np.delete(left, rarest)
        gone = bool((left == 0).any())
        smaller = bool((others[others > 0] < counts[rarest]).any()) and not allow_minority
        if (same and until_same) or smaller or gone:
            break
    return kept


def all_knn(
    values: Any, y: np.ndarray, aim: Aim, k: int = 3, kind_sel: str = "all", allow_minority: bool = False
) -> np.ndarray:
    """(m,) rows that stay when editing looks at 1, 2, ... k neighbours in turn."""
    turns = range(1, k + 1)
    return edited_again(values, y, aim, k, kind_sel, turns, allow_minority, until_same=False)


def repeated(
    values: Any, y: np.ndarray, aim: Aim, k: int = 3, kind_sel: str = "all", max_iter: int = 100
) -> np.ndarray:
    """(m,) rows that stay when editing is repeated until nothing changes."""
    return edited_again(values, y, aim, k, kind_sel, [0] * max_iter)


def tomek(values: Any, y: np.ndarray, aim: Aim, rows: np.ndarray | None = None) -> np.ndarray:
    """(m,) rows that stay: all but those of the classes touched that are in a Tomek link; of `rows` as in `edited`."""
    near = np.full(len(y), -1, dtype=np.int64)
    rare = np.flatnonzero(y != np.bincount(y).argmax())
    near[rare] = nearest_others(values, 1, _of(rows, rare), rows)[:, 0]
    back = np.unique(near[rare])
    back = back[near[back] < 0]
    near[back] = nearest_others(values, 1, _of(rows, back), rows)[:, 0]
    return np.flatnonzero(~linked(near, y, touched(aim, y)))


def linked(near: np.ndarray, y: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """(n,) bool: rows of some classes whose nearest row is of another class, and that are nearest to it.

    Args:
        near: (n,) nearest row of each, -1 where it is not asked.
        y: (n,) int classes.
        classes: to which a linked row must belong.
    """
    known = np.flatnonzero(near >= 0)
    mutual = known[(near[near[known]] == known) & (y[near[known]] != y[known])]
    found = np.zeros(len(y), dtype=bool)
    found[mutual[np.isin(y[mutual], list(classes))]] = True
    return found


def one_sided(values: Any, y: np.ndarray, aim: Aim, seed: int, k: int = 1, n_seeds: int = 1) -> np.ndarray:
    """(m,) rows that stay by one-sided selection (Kubat and Matwin 1997)."""
    drawn, rarest, classes = np.random.RandomState(seed), smallest_class(y), touched(aim, y)
    minority, kept = np.flatnonzero(y == rarest), []
    for code in np.unique(y):
        own = np.flatnonzero(y == code)
        if code in classes:
            picks = drawn.randint(low=0, high=len(own), size=n_seeds)
            core, rest = np.append(minority, own[picks]), np.delete(own, picks)
            told = most_frequent(y[core][nearest(values, k, rest, core)])
            own = np.concatenate([own[picks], rest[told != code]])
        kept.append(own)
    rows = np.concatenate(kept)
    return rows[tomek(values, y[rows], classes, rows)]


def neighbourhood(values: Any, y: np.ndarray, aim: Aim, k: int = 3, threshold: float = 0.5) -> np.ndarray:
    """(m,) rows that stay by the neighbourhood cleaning rule (Laurikkala 2001)."""
    stays = np.zeros(len(y), dtype=bool)
    stays[edited(values, y, aim, k, "mode")] = True
    counts, rarest = np.bincount(y), smallest_class(y)
    cleaned = [code for code in touched(aim, y) if counts[code] > counts[rarest] * threshold]
    minority = np.flatnonzero(y == rarest)
    near = nearest(values, k + 1, minority)
    misled = most_frequent(y[near[:, :k]]) != rarest
    around = np.unique(near[misled, 1:])
    stays[around[np.isin(y[around], cleaned)]] = False
    return np.flatnonzero(stays)


def near_miss(values: Any, y: np.ndarray, aim: Mapping[int, int], k: int = 3, version: int = 1) -> np.ndarray:
    """(m,) rows that stay by NearMiss 1 or 2: those nearest to the k nearest, or farthest, of the smallest class."""
    minority, kept = np.flatnonzero(y == smallest_class(y)), []
    for code in np.unique(y):
        own = np.flatnonzero(y == code)
        if code in aim:
            away = summed_distances(values, k, own, minority, farthest=version == 2)
            own = own[np.argsort(away, kind="stable")[: aim[int(code)]]]
        kept.append(own)
    return np.concatenate(kept)


OWN: dict[str, tuple[Callable[..., np.ndarray], dict[str, str]]] = {
    "tomek_links": (tomek, {}),
    "edited_nearest_neighbours": (edited, {"n_neighbors": "k", "kind_sel": "kind_sel"}),
    "repeated_edited_nearest_neighbours": (
        repeated, {"n_neighbors": "k", "kind_sel": "kind_sel", "max_iter": "max_iter"}
    ),
    "all_knn": (all_knn, {"n_neighbors": "k", "kind_sel": "kind_sel", "allow_minority": "allow_minority"}),
    "one_sided_selection": (one_sided, {"n_neighbors": "k", "n_seeds_S": "n_seeds", "random_state": "seed"}),
    "neighbourhood_cleaning_rule": (neighbourhood, {"n_neighbors": "k", "threshold_cleaning": "threshold"}),
    "instance_hardness_threshold": (easiest, {"cv": "cv", "random_state": "seed"}),
    "near_miss": (near_miss, {"n_neighbors": "k", "version": "version"}),
}  # fmt: skip
"""Methods that are done here -> the function, and its names of the library's parameters."""


def rows_kept(method: str, values: Any, y: np.ndarray, aim: Aim, settings: Mapping[str, Any]) -> np.ndarray:
    """(m,) rows that a method of `OWN` keeps; `settings` are parameters of the library's class."""
    function, names = OWN[method]
    return function(values, y, aim, **{names[name]: value for name, value in settings.items() if name in names})

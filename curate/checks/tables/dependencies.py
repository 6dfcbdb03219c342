"""Dependencies between columns that the data show (zip -> city), and the cells that break them.

After approximate functional dependencies and their error g3 (Kivinen and Mannila, 1995; Huhtala and others, TANE,
1999), judged leave-one-out so that small groups don't fake them; what breaks them is decided by vote, as in data repair
by minority (Bohannon and others, 2005).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from curate.checks.tables.columns import Column

SAMPLE = 20_000
"""Rows among which dependencies are looked for."""
LEAST_GROUP = 4
"""Rows of one value of the determining column that are needed to say what the other column should hold."""
LEAST_COVER = 0.5
"""Share of the rows that must stand in such groups."""
LEAST_LIFT = 0.7
"""How much of what is left to guess a dependency must explain (Goodman and Kruskal's lambda, leave-one-out)."""
MOST_DETERMINANTS = 6
MOST_COLUMNS = 60
LEAST_MAJORITY = 0.75
SYSTEMATIC = 0.5
"""Exceptions that make up this share of the rows of some value of another column are no slips."""


class Dependency(NamedTuple):
    """`determinant` says what `dependent` holds (places of columns), but for a share of exceptions."""

    determinant: int
    dependent: int
    exceptions: float


class Violation(NamedTuple):
    """A cell that breaks dependencies.

    Attributes:
        place: of its row.
        column: place of the column.
        expected: code of the value that it should hold.
        votes: determining columns that ask for it, less those that ask for what it holds.
        determinant: the column with the most rows behind it.
        agree: rows of the same determining value that hold the expected one.
        group: rows of the same determining value.
    """

    place: int
    column: int
    expected: int
    votes: int
    determinant: int
    agree: int
    group: int


def dependencies(columns: Sequence[Column], order: np.ndarray, most_exceptions: float) -> list[Dependency]:
    """The dependencies between pairs of columns that hold but for a few exceptions.

    Args:
        columns: of one table.
        order: places of the rows from which the usual is learned, in an order that hangs on their ids alone.
        most_exceptions: share of the rows that may break one.
    """
    sample = order[:SAMPLE]
    codes = [column.codes[sample].astype(np.int64) for column in columns]
    able = [k for k, code in enumerate(codes) if _repeats(code)][:MOST_COLUMNS]
    found = []
    for a in able:
        for b in able:
            if a != b and (share := _exceptions(codes[a], codes[b])) is not None and share <= most_exceptions:
                found.append(Dependency(a, b, share))
    best: dict[int, list[Dependency]] = {}
    for one in sorted(found, key=lambda d: (d.exceptions, columns[d.determinant].name)):
        if len(best.setdefault(one.dependent, [])) < MOST_DETERMINANTS:
            best[one.dependent].append(one)
    return [one for many in best.values() for one in many]


def _repeats(code: np.ndarray) -> bool:
    """Whether a column has at least two values and most of its cells share theirs with others."""
    known = code[code >= 0]
    if len(known) < 2 * LEAST_GROUP:
        return False
    counts = np.bincount(known)
    return int((counts > 0).sum()) > 1 and counts[counts >= LEAST_GROUP].sum() >= LEAST_COVER * len(known)


class _Groups(NamedTuple):
    """Pairs of values of two columns: (p,) of each distinct pair, and (r,) the pair of each row that has both."""

    a: np.ndarray
    b: np.ndarray
    count: np.ndarray
    rows: np.ndarray
    pair: np.ndarray
    size: np.ndarray
    best: np.ndarray
    second: np.ndarray


def _groups(a: np.ndarray, b: np.ndarray) -> _Groups:
    """Pairs, with the size of the group of `a` and its commonest value of `b`, and its count and the second's."""
    rows = np.flatnonzero((a >= 0) & (b >= 0))
    width = int(b.max(initial=0)) + 1
    key, pair, count = np.unique(a[rows] * width + b[rows], return_inverse=True, return_counts=True)
    of_a, of_b = key // width, key % width
    ranked = np.lexsort((of_b, -count, of_a))
    first = np.append(True, of_a[ranked][1:] != of_a[ranked][:-1])[: len(ranked)]
    group = np.empty(len(key), dtype=np.int64)
    group[ranked] = np.cumsum(first) - 1
    top = ranked[first]
    size = np.bincount(group, weights=count, minlength=len(top)).astype(np.int64)
    follows = np.flatnonzero(~first & np.append(False, first[:-1]))
    second = np.zeros(len(top), dtype=np.int64)
    second[group[ranked[follows]]] = count[ranked[follows]]
    return _Groups(of_a, of_b, count, rows, pair, size[group], top[group], second[group])


def _exceptions(a: np.ndarray, b: np.ndarray) -> float | None:
    """Share of rows whose `b` the others of their group of `a` don't foretell; None where `a` says little of `b`."""
    g = _groups(a, b)
    if not len(g.count):
        return None
    enough = g.size >= LEAST_GROUP
    covered = int(g.count[enough].sum())
    if covered < max(LEAST_COVER * len(g.rows), 2 * LEAST_GROUP) or len(np.unique(g.best[enough])) < 2:
        return None
    is_best = g.best == np.arange(len(g.count))
    foretold = is_best & (g.count - 1 > g.second)
    right = int(g.count[enough & foretold].sum())
    values = np.bincount(g.b[enough], weights=g.count[enough])
    guess = values.max() / covered
    accuracy = right / covered
    if guess >= 1 or (accuracy - guess) / (1 - guess) < LEAST_LIFT:
        return None
    return 1 - accuracy


def violations(columns: Sequence[Column], found: Sequence[Dependency], fitted: np.ndarray) -> list[Violation]:
    """The cells that break dependencies: more determining columns ask for another value than for theirs.

    Args:
        columns: of one table.
        found: their dependencies.
        fitted: (m,) bool, rows from which the usual is learned.
    """
    out = []
    for b in sorted({one.dependent for one in found}):
        broken = _of_column(columns, [one.determinant for one in found if one.dependent == b], b, fitted)
        out += _without_systematic(columns, broken, b)
    return out


def _without_systematic(columns: Sequence[Column], broken: list[Violation], b: int) -> list[Violation]:
    """The violations that are not the rule for some value of another column: those say that there is a second case."""
    if len(broken) < LEAST_GROUP:
        return broken
    rows = np.array([one.place for one in broken])
    systematic = np.zeros(len(rows), dtype=bool)
    for c, column in enumerate(columns):
        if c == b:
            continue
        code = column.codes[rows]
        hits = np.bincount(code[code >= 0], minlength=len(column.values))
        often = (hits >= LEAST_GROUP) & (hits >= SYSTEMATIC * column.totals)
        systematic |= (code >= 0) & often[code]
    return [one for one, drop in zip(broken, systematic) if not drop]


def _of_column(columns: Sequence[Column], determinants: list[int], b: int, fitted: np.ndarray) -> list[Violation]:
    held = columns[b].codes.astype(np.int64)
    support = np.zeros(len(held), dtype=np.int32)
    asked: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]] = []
    for a in determinants:
        code = columns[a].codes.astype(np.int64)
        g = _groups(np.where(fitted, code, -1), np.where(fitted, held, -1))
        expected, agree, size = (np.full(len(columns[a].values), -1, dtype=np.int64) for _ in range(3))
        share = g.count[g.best] / np.maximum(g.size, 1)
        sure = (g.size >= LEAST_GROUP) & (share >= LEAST_MAJORITY)
        expected[g.a[sure]], agree[g.a[sure]] = g.b[g.best[sure]], g.count[g.best[sure]]
        size[g.a[sure]] = g.size[sure]
        wanted = np.where(code >= 0, expected[code], -1)
        support += (wanted >= 0) & (wanted == held)
        against = np.flatnonzero((wanted >= 0) & (wanted != held) & (held >= 0))
        asked.append((against, wanted[against], agree[code[against]], size[code[against]], a))
    votes: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for rows, wanted, agree, size, a in asked:
        for row, code, n, m in zip(rows.tolist(), wanted.tolist(), agree.tolist(), size.tolist()):
            votes.setdefault((row, code), []).append((n, m, a))
    best: dict[int, Violation] = {}
    for (row, code), many in votes.items():
        lead = len(many) - int(support[row])
        n, m, a = max(many)
        if lead > 0 and (row not in best or lead > best[row].votes):
            best[row] = Violation(row, b, code, lead, a, n, m)
    return list(best.values())

"""New rows between rows of one class: SMOTE, ADASYN, smoothed bootstrap, in bounded memory, equal to the library's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from curate.balance.resampling.drafted import Blocks, Drafted, block_rows
from curate.balance.resampling.nearest import nearest_others
from curate.errors import DataError
from curate.evidence.parts.lying import elsewhere


@dataclass(frozen=True)
class Moves:
    """Rows of one class that are moved toward others.

    Attributes:
        code: the class.
        first: (m,) rows.
        second: (m,) rows toward which.
        share: (m,) float64, how far.
        shortened: (m,) float64, what the whole way is multiplied by beforehand; None for 1.
    """

    code: int
    first: np.ndarray
    second: np.ndarray
    share: np.ndarray
    shortened: np.ndarray | None = None

    def drafted(self, values: Any) -> Drafted:
        """The new rows, in the precision of (n, d) `values`."""
        share = self.share if self.shortened is None else self.share * self.shortened
        return Drafted.of(partial(self._blocks, values), self.code, self.first, self.second, share)

    def _blocks(self, values: Any) -> Iterator[np.ndarray]:
        size = block_rows(values.shape[1])
        for start in range(0, len(self.first), size):
            here = slice(start, start + size)
            origin = values[self.first[here]]
            way = values[self.second[here]] - origin
            if self.shortened is not None:
                way *= self.shortened[here, None]
            yield (origin + self.share[here, None] * way).astype(values.dtype)


def moved(values: Any, parts: Sequence[Moves]) -> Drafted:
    """The new rows of all parts, in order."""
    return Drafted.join([part.drafted(values) for part in parts])


def smote(values: Any, y: np.ndarray, extra: Mapping[int, int], k: int, seed: int) -> Drafted:
    """SMOTE, as `imblearn.over_sampling.SMOTE` draws it.

    Args:
        values: (n, d) matrix; only rows of the classes in `extra` are looked at.
        y: (n,) int codes.
        extra: code -> rows to make; the class has more than k rows.
        k: neighbours that a row is moved toward one of.
        seed: of numpy's legacy generator, as `random_state`.
    """
    parts = []
    for code, wanted in extra.items():
        own = np.flatnonzero(y == code).astype(np.int32)
        near = nearest_others(values, k, own, own)
        drawn = np.random.RandomState(seed)  # the library starts anew for every class
        picks, share = drawn.randint(0, near.size, size=wanted), drawn.uniform(size=wanted)
        parts.append(Moves(code, own[picks // k], own[near[picks // k, picks % k]], share))
    return moved(values, parts)


def adasyn(
    values: Any, y: np.ndarray, extra: Mapping[int, int], k: int, seed: int, names: Mapping[int, str]
) -> Drafted:
    """ADASYN, as `imblearn.over_sampling.ADASYN` draws it: more rows where neighbours are of other classes.

    Args:
        values: (n, d) matrix.
        y: (n,) int codes.
        extra: code -> rows to make, about: shares of them are rounded row by row.
        k: neighbours that are looked at.
        seed: of numpy's legacy generator, as `random_state`.
        names: code -> name of the class, for messages.

    Raises:
        DataError: no row of a class is near another class.
    """
    drawn, parts = np.random.RandomState(seed), []  # the library's generator
    for code, wanted in extra.items():
        own = np.flatnonzero(y == code).astype(np.int32)
        foreign = np.sum(y[nearest_others(values, k, own)] != code, axis=1) / k
        if not foreign.sum():
            raise DataError(
                f"resample: adasyn makes rows where neighbours are of other classes, and no row of class"
                f" {names[code]!r} has one among its {k} nearest; take smote, or a larger k"
            )
        times = np.rint(foreign / foreign.sum() * wanted).astype(int)
        if not times.sum():
            raise DataError(
                f"resample: adasyn spreads {wanted} rows of class {names[code]!r} over {len(own)} rows, and every share"
                " rounds to none; ask for more rows, or take smote"
            )
        near = nearest_others(values, k, own, own)
        first = np.repeat(np.arange(len(own), dtype=np.int32), times)
        second = near[first, drawn.choice(k, size=len(first))]
        share = drawn.uniform(size=(len(first), 1))[:, 0]
        parts.append(Moves(code, own[first], own[second], share))
    return moved(values, parts)


def smoothed_bootstrap(values: Any, y: np.ndarray, extra: Mapping[int, int], shrinkage: float, seed: int) -> Drafted:
    """Rows drawn again with noise, as `imblearn.over_sampling.RandomOverSampler` draws them with `shrinkage`.

    Args:
        values: (n, d) matrix.
        y: (n,) int codes.
        extra: code -> rows to make.
        shrinkage: of the noise, in units of Silverman's bandwidth.
        seed: of numpy's legacy generator, as `random_state`.
    """
    n, d = values.shape
    bandwidth = (4 / ((d + 2) * n)) ** (1 / (d + 4))
    drawn, parts, size = np.random.RandomState(seed), [], block_rows(d)
    for code, wanted in extra.items():
        own = np.flatnonzero(y == code)
        picks = drawn.choice(own, size=wanted, replace=True).astype(np.int32)
        scale = np.diagflat(shrinkage * bandwidth * elsewhere(partial(_spread, own), values))
        begun = drawn.get_state()
        for start in range(0, wanted, size):  # the noise of this class lies before what is drawn for the next
            drawn.randn(min(size, wanted - start), d)
        parts.append(Drafted.of(_with_noise(values, picks, scale, begun), code, picks))
    return Drafted.join(parts)


def _spread(rows: np.ndarray, values: Any) -> np.ndarray:
    """(d,) standard deviations of some rows."""
    return np.std(values[rows], axis=0)


def _with_noise(values: Any, picks: np.ndarray, scale: np.ndarray, begun: Any) -> Blocks:
    """(m,) rows with Gaussian noise of (d, d) `scale`, drawn from a generator in the state `begun`."""

    def blocks() -> Iterator[np.ndarray]:
        drawn, size = np.random.RandomState(), block_rows(values.shape[1])
        drawn.set_state(begun)
        for start in range(0, len(picks), size):
            here = values[picks[start : start + size]]
            yield (drawn.randn(*here.shape).dot(scale) + here).astype(values.dtype)

    return blocks

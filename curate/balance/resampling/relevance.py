"""Which values of a number are rare, and new rows of them: SMOTER and SMOGN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from curate.balance.resampling import mixing
from curate.balance.resampling.drafted import Blocks, Drafted, block_rows
from curate.evidence.parts.lying import elsewhere

WHISKER = 1.5
"""Quartile ranges beyond the quartiles from which on a target is an extreme (Tukey's boxplot)."""


@dataclass(frozen=True)
class Grown:
    """New rows and their (m,) targets."""

    rows: Drafted
    targets: np.ndarray


def relevance(target: np.ndarray) -> np.ndarray:
    """(m,) relevance in [0, 1]: 0 at the median, 1 from the ends of the boxplot's whiskers on, smooth between.

    A side without a value beyond its whisker has no relevance. Source: Torgo and Ribeiro 2007, "Utility-based
    regression"; the control points are those of R's package UBL, the curve between them is the cubic with level ends.

    Args:
        target: (m,) finite numbers.
    """
    low, middle, high = np.quantile(target, [0.25, 0.5, 0.75])
    reach = WHISKER * (high - low)
    found = np.zeros(len(target))
    for beyond, whisker in (
        (target < low - reach, target[target >= low - reach].min()),
        (target > high + reach, target[target <= high + reach].max()),
    ):
        if not beyond.any() or whisker == middle:
            found[beyond] = 1.0  # more than half of all targets are equal: whatever differs that far is an extreme
            continue
        part = np.clip((target - middle) / (whisker - middle), 0.0, 1.0)
        found = np.maximum(found, part * part * (3.0 - 2.0 * part))
    return found


def split_regions(target: np.ndarray, found: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """(m,) region of each target, and (R,) bool which regions are rare: runs of the sorted targets above the threshold.

    Args:
        target: (m,) numbers.
        found: (m,) relevance.
        threshold: relevance from which on a target is rare.
    """
    order = np.lexsort((found, target))
    rare = found[order] >= threshold
    region = np.empty(len(target), dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, rare[1:] != rare[:-1]])
    region[order] = np.searchsorted(starts, np.arange(len(target)), side="right") - 1
    return region, rare[starts]


def grown(
    values: Any, categorical: np.ndarray, target: np.ndarray, own: np.ndarray, more: int, k: int,
    noise: float | None, rng: np.random.Generator,
) -> Grown:  # fmt: skip
    """New rows of a rare region, as many of each row as of any other (one more of some, by lot).

    Each lies between a row and one of its k nearest in the region, and so does its target, which is the mean of both
    weighed by nearness (SMOTER). With `noise`, only neighbours nearer than half the median distance to the region's
    rows are moved toward; otherwise the row is repeated with Gaussian noise, on the target, too (SMOGN).

    Args:
        values: (n, d) matrix.
        categorical: (d,) bool.
        target: (n,) numbers.
        own: (r,) rows of the region.
        more: rows to make.
        k: neighbours, less than r.
        noise: in standard deviations of the region, None for none.
        rng: draws all.
    """
    near = mixing.nearest_of(values, own, categorical, k)
    times = np.full(len(own), more // len(own))
    times[rng.choice(len(own), size=more % len(own), replace=False)] += 1
    first = np.repeat(np.arange(len(own)), times)
    second = near[first, rng.integers(k, size=more)]
    share = rng.random(more)
    chosen = own[first], own[second]
    new_target = target[chosen[0]] + share * (target[chosen[1]] - target[chosen[0]])
    seed = int(rng.integers(2**63))
    if noise is None:
        return Grown(Drafted.of(_blocks(values, categorical, *chosen, share, seed), 0, *chosen, share), new_target)
    far, spread = elsewhere(partial(_far, categorical, own, first, second), values)
    jitter = spread * ~categorical * noise
    moved = target[chosen[0]] + rng.normal(size=more) * target[own].std() * noise
    blocks = _blocks(values, categorical, *chosen, share, seed, far, jitter)
    return Grown(
        Drafted.of(blocks, 0, chosen[0], np.where(far, -1, chosen[1]), np.where(far, np.nan, share)),
        np.where(far, moved, new_target),
    )


def _far(
    categorical: np.ndarray, own: np.ndarray, first: np.ndarray, second: np.ndarray, values: Any
) -> tuple[np.ndarray, np.ndarray]:
    """(m,) bool, pairs of rows farther apart than half of the first one's median distance, and (d,) spreads."""
    inside = values[own]
    compared = mixing.comparable(inside, categorical)
    far = _gaps(compared, first, second) >= half_median_distances(compared)[first]
    return far, inside.std(axis=0, dtype=np.float64)


def _blocks(
    values: Any, categorical: np.ndarray, first: np.ndarray, second: np.ndarray, share: np.ndarray, seed: int,
    far: np.ndarray | None = None, jitter: np.ndarray | None = None,
) -> Blocks:  # fmt: skip
    """Rows between two rows; those that are `far` are the first of the two with (d,) `jitter`, a standard deviation."""
    size = block_rows(values.shape[1])

    def blocks() -> Iterator[np.ndarray]:
        drawn = np.random.default_rng(seed)
        for start in range(0, len(first), size):
            here = slice(start, start + size)
            made = mixing.mixed(
                values, categorical, first[here], second[here], share[here],
                np.zeros((len(first[here]), 0), dtype=np.int64), drawn,
            )  # fmt: skip
            if far is not None and jitter is not None:
                noise = drawn.normal(size=made.shape) * jitter
                made[far[here]] = (values[first[here]] + noise)[far[here]].astype(values.dtype)
            yield made

    return blocks


def _gaps(compared: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(m,) float64 distances between pairs of rows."""
    size, found = block_rows(compared.shape[1]), np.empty(len(first))
    for start in range(0, len(first), size):
        here = slice(start, start + size)
        found[here] = np.linalg.norm((compared[first[here]] - compared[second[here]]).astype(np.float64), axis=1)
    return found


def half_median_distances(compared: np.ndarray) -> np.ndarray:
    """(r,) half the median distance of each row to all others, block by block."""
    from sklearn.metrics import pairwise_distances_chunked

    def medians(block: np.ndarray, start: int) -> np.ndarray:
        block[np.arange(len(block)), start + np.arange(len(block))] = np.nan  # a row is not its own neighbour
        return np.nanmedian(block, axis=1) / 2.0

    exact = compared.astype(np.float64)
    return np.concatenate(list(pairwise_distances_chunked(exact, reduce_func=medians, working_memory=64)))

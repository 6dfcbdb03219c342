"""Numbers as vectors: missing ones filled, columns or parts brought to one scale, and laid on a sphere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from curate.evidence.encoders.vectors import unit
from curate.evidence.vector_rows import BLOCK_NUMBERS, Rows, finite_rows

VERSION = 3
FURTHEST = 8.0
"""Values further from the middle than so many deviations are brought back to there."""


@dataclass(frozen=True)
class Scale:
    """What columns are brought to mean 0 and deviation 1 by; learned in passes over blocks, nothing is copied.

    Attributes:
        middle: (d,) float64 median of columns with gaps, which fills them.
        size: (d,) largest absolute value: values near the largest double would overflow in the squares.
        mean: (d,) of values over their size, gaps filled.
        spread: (d,) standard deviation of the same, 1 where there is none.
    """

    middle: np.ndarray
    size: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def learned(cls, values: Rows, rows: np.ndarray) -> Scale | None:
        """From some rows (positions), those that lack all numbers left out; None if there are none."""
        width = values.shape[1]
        count, gaps, size = 0, np.zeros(width, dtype=np.int64), np.full(width, 1e-300)
        for block in _with_numbers(values, rows):
            there = np.isfinite(block)
            count += len(block)
            gaps += (~there).sum(0)
            size = np.maximum(size, np.where(there, np.abs(block), 0.0).max(0, initial=0.0))
        if not count:
            return None
        scale = cls(_medians(values, rows, np.flatnonzero((gaps > 0) & (gaps < count))), size, size * 0, size * 0 + 1)
        total = np.zeros(width)
        for block in _with_numbers(values, rows):
            total += scale.filled(block).sum(0)
        mean, squares = total / count, np.zeros(width)
        for block in _with_numbers(values, rows):
            squares += np.square(scale.filled(block) - mean).sum(0)
        spread = np.sqrt(squares / count)
        return cls(scale.middle, size, mean, np.where(spread <= 1e-9, 1.0, spread))

    def filled(self, block: np.ndarray) -> np.ndarray:
        """(m, d) float64 values over their size, gaps filled."""
        return np.where(np.isfinite(block), block, self.middle) / self.size

    def of(self, block: np.ndarray) -> np.ndarray:
        """(m, d) numbers -> (m, d) float32 on the scale; NaN in rows without any number."""
        found = np.clip((self.filled(block) - self.mean) / self.spread, -FURTHEST, FURTHEST).astype(np.float32)
        found[~np.isfinite(block).any(1)] = np.nan
        return found


def _with_numbers(values: Rows, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks (m, d) float64 of those of the rows that have numbers."""
    step = max(1, BLOCK_NUMBERS // max(1, values.shape[1]))
    for begin in range(0, len(rows), step):
        block = np.asarray(values[rows[begin : begin + step]], dtype=np.float64)
        yield block[np.isfinite(block).any(1)]


def _medians(values: Rows, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(d,) float64 medians of some columns without their gaps, 0 of the others; a few columns at a time."""
    middle = np.zeros(values.shape[1])
    step = max(1, 8 * BLOCK_NUMBERS // max(1, len(rows)))
    for begin in range(0, len(columns), step):
        some = columns[begin : begin + step]
        known = np.concatenate([block[:, some] for block in _with_numbers(values, rows)])
        known[~np.isfinite(known)] = np.nan
        middle[some] = np.nanmedian(known, axis=0)
    return middle


def feature_vectors(values: Rows, fit: np.ndarray) -> np.ndarray:
    """Standardise, fill what is missing with the median, clip, add a constant coordinate.

    The constant keeps lengths apart that cosine similarity alone would not see: (1, 1) and (9, 9) point one way,
    (1, 1, c) and (9, 9, c) do not, and a row equal to the mean has a direction too.

    Args:
        values: (n, d) numbers, NaN or infinite where missing.
        fit: (n,) bool, rows from which medians, means and deviations are learned.

    Returns:
        (n, d + 1) float32; NaN in rows that are missing altogether.

    Peak memory: the result, and some blocks.
    """
    return _on_scale(values, np.flatnonzero(fit), constant=True)


def unit_feature_vectors(values: Rows, rows: np.ndarray) -> np.ndarray:
    """`feature_vectors` brought to length 1, on a scale learned from some rows (positions); no second array is made."""
    result = _on_scale(values, rows, constant=True)
    step = max(1, BLOCK_NUMBERS // max(1, values.shape[1]))
    for begin in range(0, len(result), step):
        result[begin : begin + step] = unit(result[begin : begin + step])
    return result


def _on_scale(values: Rows, rows: np.ndarray, constant: bool) -> np.ndarray:
    """(n, d) float32 on the scale of some rows, with one more column if `constant`."""
    n, width = values.shape
    scale = Scale.learned(values, rows) or Scale.learned(values, np.arange(n))
    result = np.full((n, width + constant), np.nan, dtype=np.float32)
    step = max(1, BLOCK_NUMBERS // max(1, width))
    for begin in range(0, n if scale is not None and width else 0, step):
        block = scale.of(np.asarray(values[begin : begin + step], dtype=np.float64))  # pyright: ignore
        result[begin : begin + step, :width] = block
        result[begin : begin + step, width:] = np.sqrt(width)
    result[~finite_rows(result)] = np.nan
    return result


def part_vectors(values: np.ndarray, fit: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Standardised descriptors in which every part has an equal say, whatever its number of columns.

    Args:
        values: (n, d) descriptors, NaN in rows without one.
        fit: (n,) bool, rows from which means and deviations are learned.
        sizes: columns of each part, in order; their sum is d.
    """
    scaled = standardised(values, fit) / np.sqrt(np.repeat(sizes, sizes)).astype(np.float32)
    constant = np.full((len(scaled), 1), 0.1, dtype=np.float32)
    return np.where(
        np.isnan(scaled).any(1, keepdims=True), np.float32(np.nan), np.concatenate([scaled, constant], axis=1)
    )


def standardised(values: Rows, fit: np.ndarray) -> np.ndarray:
    """(n, d) numbers -> (n, d) float32 with mean 0, deviation 1, gaps filled; NaN in rows without any number."""
    return _on_scale(values, np.flatnonzero(fit), constant=False)

"""Distances by a covariance that was shrunk after Ledoit and Wolf, for any number of columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WIDE = 128
"""Columns beyond which the covariance of fewer rows than columns is never laid out: the rows span few directions."""


@dataclass(frozen=True)
class Covariance:
    """A shrunk covariance, by its inverse or by the directions in which rows vary.

    Attributes:
        shrinkage: how far it was drawn to a multiple of the unit matrix, in [0, 1].
        inverse: (d, d) float64; None where it is given by directions.
        directions: (d, r) float64, unit vectors.
        within: (r,) what the inverse multiplies the squares along each direction by.
        across: what it multiplies the squares of all the rest by.
    """

    shrinkage: float
    inverse: np.ndarray | None
    directions: np.ndarray
    within: np.ndarray
    across: float

    @classmethod
    def none(cls, d: int) -> Covariance:
        """Of nothing: all distances are 0."""
        return cls(0.0, None, np.zeros((d, 0)), np.zeros(0), 0.0)

    @classmethod
    def learned(cls, points: np.ndarray) -> Covariance:
        """From (m, d) float64 points around 0."""
        m, d = points.shape
        if m < d and d > WIDE:
            return cls._of_few(points)
        from sklearn.covariance import ledoit_wolf

        covariance, shrinkage = ledoit_wolf(points, assume_centered=True)
        none = np.zeros((d, 0))
        return cls(float(shrinkage), np.linalg.pinv(covariance, hermitian=True), none, none[0], 0.0)

    @classmethod
    def _of_few(cls, points: np.ndarray) -> Covariance:
        """From fewer points than columns: of their products all follows, in m^2 d steps."""
        m, d = points.shape
        products = points @ points.T
        mean = float(np.trace(products)) / (m * d)
        squares = float(np.square(products).sum()) / m**2
        fourth = float(np.square(np.square(points).sum(1)).sum()) / m
        apart = squares / d - mean**2
        shrinkage = min(max((fourth - squares) / (d * m) / apart, 0.0), 1.0) if apart > 0 else 0.0
        values, axes = np.linalg.eigh(products)
        spanned = values > 1e-12 * max(float(values[-1]), 1e-300)
        values = values[spanned]
        directions = points.T @ (axes[:, spanned] / np.sqrt(values))
        least = shrinkage * mean
        within = 1 / ((1 - shrinkage) * values / m + least)
        return cls(shrinkage, None, directions, within, 1 / least if least > 0 else 0.0)

    def squared(self, apart: np.ndarray) -> np.ndarray:
        """(n, d) float64 distances from the centre -> (n,) squared Mahalanobis distances."""
        if self.inverse is not None:
            return np.maximum(np.einsum("ij,ij->i", apart @ self.inverse, apart), 0.0)
        along = np.square(apart @ self.directions)
        rest = np.maximum(np.einsum("ij,ij->i", apart, apart) - along.sum(1), 0.0)
        return along @ self.within + self.across * rest

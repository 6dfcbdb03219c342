"""How rare each of many numbers is: a kernel density, or a histogram that is smoothed."""

from __future__ import annotations

from typing import Literal

import numpy as np

Kernel = Literal["gaussian", "triangular", "laplace"]
GRID = 4096
REACH = 4.0
"""Bandwidths beyond which the kernel is 0, as far as it matters."""
FINEST = 8.0
"""Points of the grid per bandwidth, at least."""
MOST_POINTS = 1 << 22


def densities(values: np.ndarray, times: np.ndarray, bandwidth: float | None = None) -> np.ndarray:
    """(m,) density at each value by a Gaussian kernel, on a grid with linear binning, so that it costs a histogram.

    Args:
        values: (m,) finite.
        times: (m,) weight of each.
        bandwidth: in units of the values; by Silverman's rule, 1.06 standard deviations / n^(1/5), if left out.

    Returns:
        (m,) float64 above 0; all 1 where the values don't differ.
    """
    from scipy.signal import fftconvolve

    total = times.sum()
    mean = (values * times).sum() / total
    spread = float(np.sqrt(((values - mean) ** 2 * times).sum() / total))
    width = bandwidth or 1.06 * spread * float(total) ** -0.2
    low, high = float(values.min()), float(values.max())
    if not high > low or not width > 0:
        return np.ones(len(values))
    points = int(np.clip(FINEST * (high - low) / width, GRID, MOST_POINTS))
    step = (high - low) / (points - 1)
    at = (values - low) / step
    left = np.minimum(at.astype(np.int64), points - 2)
    share = at - left
    grid = np.bincount(left, times * (1 - share), points) + np.bincount(left + 1, times * share, points)
    reach = min(points - 1, max(1, int(np.ceil(REACH * width / step))))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / width) ** 2)
    smooth = np.maximum(fftconvolve(grid, kernel, mode="same"), 0.0) / (total * width * np.sqrt(2 * np.pi))
    # By the transform the far tails are rounding; no value is rarer than being alone.
    alone = times.min() / (total * width * np.sqrt(2 * np.pi))
    return np.maximum(smooth[left] * (1 - share) + smooth[left + 1] * share, alone)


def dense_factors(density: np.ndarray, alpha: float, epsilon: float) -> np.ndarray:
    """(m,) ``max(1 - alpha p', epsilon)`` with p' the density brought to [0, 1]. Source: Steininger et al. 2021."""
    low, high = float(density.min()), float(density.max())
    scaled = (density - low) / (high - low) if high > low else np.zeros(len(density))
    return np.maximum(1.0 - alpha * scaled, epsilon)


def binned(values: np.ndarray, times: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """(m,) number of each value's bin among equally wide ones, and (bins,) int64 draws in each."""
    low, high = float(values.min()), float(values.max())
    wide = (high - low) / bins
    place = np.zeros(len(values), dtype=np.int64)
    if wide > 0:
        place = np.minimum(((values - low) / wide).astype(np.int64), bins - 1)
    return place, np.bincount(place, weights=times, minlength=bins).astype(np.int64)


def lds_factors(counts: np.ndarray, form: str, kernel: Kernel, width: int, sigma: float) -> np.ndarray:
    """(bins,) weights up to a factor: 1 over the smoothed counts, or over their smoothed roots; 0 for bins that are 0.

    Counts are held between 5 and 1000 before they are inverted without a root, as in the source, so that neither a
    lone value nor a crowd rules. A width of 1 smooths nothing. Source: Yang et al. 2021.
    """
    from scipy.ndimage import convolve1d

    eased = np.sqrt(counts) if form == "sqrt_inverse" else np.where(counts > 0, np.clip(counts, 5, 1000), 0)
    smooth = convolve1d(eased.astype(np.float64), kernel_window(kernel, width, sigma), mode="constant")
    return np.where(smooth > 0, 1.0 / np.where(smooth > 0, smooth, 1.0), 0.0)


def kernel_window(kernel: Kernel, width: int, sigma: float) -> np.ndarray:
    """(width,) float64 weights of neighbouring bins, 1 at the middle's best."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal.windows import triang

    half = (width - 1) // 2
    if kernel == "gaussian":
        spike = np.zeros(width)
        spike[half] = 1.0
        smooth = gaussian_filter1d(spike, sigma=sigma)
        return smooth / smooth.max()
    if kernel == "triangular":
        return triang(width)
    away = np.abs(np.arange(-half, half + 1))
    return np.exp(-away / sigma)

"""Series and vectors as lines, and sound as its envelope: SVG paths in a box of 200 x 40."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from curate.report.previews.item import Broken, Lines, Preview
from curate.report.previews.marks import values

WIDTH, HEIGHT, MARGIN = 200.0, 40.0, 2.0
MOST_CHANNELS = 6
MOST_POINTS = 200


def series_preview(value: Any, reason: str = "") -> Preview:
    """A series (length, or channels x length) as one line per channel, all on one scale; values that the reason names
    are marked."""
    if value is None:
        return Broken("there is no series")
    nested = isinstance(value, list | np.ndarray) and len(value) > 0 and isinstance(value[0], list | np.ndarray)
    try:
        channels = [np.asarray(channel, dtype=np.float64) for channel in (value if nested else [value])]
    except (TypeError, ValueError):
        return Broken("the series holds something other than numbers")
    if any(channel.ndim != 1 for channel in channels) or not any(len(channel) for channel in channels):
        return Broken("the series is empty")
    flat = np.concatenate(channels)
    finite = flat[np.isfinite(flat)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    paths = tuple(line_path(channel, low, high) for channel in channels[:MOST_CHANNELS])
    length = max(len(channel) for channel in channels)
    marks = tuple(band(start, end - 1, length - 1) for start, end in values(reason, length))
    return Lines(paths, len(channels), length, len(flat) - len(finite), low, high, marks)


def band(start: float, end: float, whole: float) -> tuple[float, float]:
    """Left edge and width, in the box, of a stretch of something `whole` long; never too narrow to see."""
    scale = (WIDTH - 2 * MARGIN) / max(whole, 1e-9)
    left, width = MARGIN + start * scale, (end - start) * scale
    return (left - (2.0 - width) / 2, 2.0) if width < 2.0 else (left, width)


def line_path(values: np.ndarray, low: float, high: float) -> str:
    """(n,) -> an SVG path; broken where values are not finite; long series keep the extremes of each stretch."""
    place = np.arange(len(values))
    if len(values) > 2 * MOST_POINTS:
        place = _extremes(values)
    x = MARGIN + (WIDTH - 2 * MARGIN) * place / max(1, len(values) - 1)
    span = high - low
    relative = (values[place] - low) / span if span > 0 else np.full(len(place), 0.5)
    y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * relative
    steps, pen = [], "M"
    for left, top, known in zip(x.tolist(), y.tolist(), np.isfinite(values[place]).tolist()):
        if known:
            steps.append(f"{pen}{left:.1f} {top:.1f}")
        pen = "L" if known else "M"
    # A lone point draws nothing as a path without length.
    return "".join(steps) + ("h.1" if len(steps) == 1 else "")


def _extremes(values: np.ndarray) -> np.ndarray:
    """Positions of the lowest and the highest value in each of `MOST_POINTS` stretches, and of what is missing."""
    bounds = np.linspace(0, len(values), MOST_POINTS + 1).astype(int)
    known = np.isfinite(values)
    low, high = np.where(known, values, np.inf), np.where(known, values, -np.inf)
    found = [(a + int(low[a:b].argmin()), a + int(high[a:b].argmax())) for a, b in pairwise(bounds)]
    return np.unique(np.array(found))


def envelope_path(samples: np.ndarray, columns: int = 100) -> str:
    """(n,) float samples in [-1, 1] -> an SVG path of one stroke per stretch, from its lowest to its highest."""
    if not len(samples):
        return ""
    bounds = np.linspace(0, len(samples), columns + 1).astype(int)
    starts = np.minimum(bounds[:-1], len(samples) - 1)
    high = np.maximum.reduceat(samples, starts).clip(-1, 1)
    low = np.minimum.reduceat(samples, starts).clip(-1, 1)
    top, bottom = HEIGHT / 2 * (1 - high * 0.95), HEIGHT / 2 * (1 - low * 0.95)
    # Silence still shows as a thin line.
    bottom = np.maximum(bottom, top + 0.5)
    step = WIDTH / columns
    return "".join(f"M{(i + 0.5) * step:.1f} {a:.1f}V{b:.1f}" for i, (a, b) in enumerate(zip(top, bottom)))

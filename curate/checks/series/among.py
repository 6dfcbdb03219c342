"""Series of a set whose windows are unlike the windows of all other series of the set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.checks.series.rows import decoded
from curate.checks.series.season import robust_scale, without_gaps
from curate.checks.series.windows import SMALLEST_DISTANCE, SMALLEST_SPREAD, compare, core, cut, window_starts
from curate.table import Labels, Table

SHORTEST = 4
PARTS = (8, 4)
"""A window is an eighth, and a fourth, of the usual length."""
MOST_COMPARISONS = 1 << 31
REFERENCES = (256, 4_000)
CLASS_ROWS = 8
FAR = 20.0


@dataclass(frozen=True)
class Among:
    """What was found of m series.

    Attributes:
        deviations: (m,) float64, how far the oddest window of each stands out among the oddest windows of all, in
            robust deviations, mean over two lengths of windows; 0 where there is nothing to compare with.
        stretch: (m, 2) int64, first and last place of what is oddest.
        channel: (m,) int64, the channel that differs most there.
    """

    deviations: np.ndarray
    stretch: np.ndarray
    channel: np.ndarray


def compare_rows(
    table: Table, rows: np.ndarray, order: np.ndarray, length: int, window: int | None, labels: Labels
) -> Among:
    """Compare the windows of each series with those of the other series of as many channels.

    Args:
        table: with a column of series.
        rows: (m,) positions of series of one number of channels.
        order: (m,) places in `rows` in an order that does not depend on that of the table.
        length: usual length.
        window: places of the shorter window; by the usual length if None.
        labels: of all rows; a class of 8 rows or more has a usual distance of its own.
    """
    sizes = sorted({max(SHORTEST, length // part) for part in PARTS} if window is None else {window, 2 * window})
    training = table.training[rows]
    base = order[training[order]] if training.any() else order
    centre, scale = _usual(table, rows[base[:: max(1, len(base) // 512)]], length)
    results = [_distances(table, rows, base, length, size, centre, scale) for size in sizes]
    codes = labels.codes[rows] if labels.names and labels.sets is None else np.full(len(rows), -1)
    per_size = [_row_deviations(distance, codes, training) for distance, *_ in results]
    lead = results[0]
    return Among(np.mean(per_size, axis=0), lead[1], lead[2])


def _usual(table: Table, rows: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust deviation of each channel over a sample of rows: (channels, 1) each."""
    parts = [without_gaps(item) for _, items in decoded(table, rows, length) for item in items]
    together = np.concatenate(parts, axis=1)
    together = np.where(np.isfinite(together), together, np.nan)
    scale = np.array([robust_scale(channel) for channel in together])
    return np.nanmedian(together, axis=1)[:, None], np.where(scale > 0, scale, np.inf)[:, None]


def _distances(
    table: Table, rows: np.ndarray, base: np.ndarray, length: int, size: int, centre: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per row the largest distance of a window (NaN without any), its core and channel."""
    stride = max(1, size // 2)

    def windows(items: list[np.ndarray], owners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        cuts, owner, start = [np.zeros((0, size * len(centre)), np.float32)], [], []
        for item, place in zip(items, owners.tolist()):
            scaled = np.clip((without_gaps(item) - centre) / scale, -FAR, FAR)
            first = window_starts(scaled.shape[1], size, stride)
            if len(first):
                cuts.append(cut(scaled, first, size))
                owner += [place] * len(first)
                start += first.tolist()
        return np.concatenate(cuts), np.array(owner, dtype=np.int64), np.array(start, dtype=np.int64)

    expected = len(rows) * max(1, (length - size) // stride + 1)
    most = int(np.clip(MOST_COMPARISONS / max(expected, 1), *REFERENCES))
    per_row = max(1, (length - size) // stride + 1)
    chosen = base[:: max(1, len(base) * per_row // most)] if len(base) * per_row > most else base
    sample = np.sort(rows[chosen])
    parts = [windows(items, own) for own, items in decoded(table, sample, length)]
    references = tuple(np.concatenate([part[i] for part in parts]) for i in range(3))
    place = np.full(len(table), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    worst, stretch = np.full(len(rows), np.nan), np.zeros((len(rows), 2), dtype=np.int64)
    channel = np.zeros(len(rows), dtype=np.int64)
    for own, items in decoded(table, rows, length):
        cuts, owner, start = windows(items, own)
        distance, near = compare(cuts, owner, start, references, None)  # pyright: ignore[reportArgumentType]
        known = np.flatnonzero(np.isfinite(distance))
        for at in known[np.argsort(distance[known], kind="stable")]:  # the largest of each row is written last
            row = place[owner[at]]
            worst[row] = distance[at]
            stretch[row] = (start[at], at)
        for row in place[own][np.isfinite(worst[place[own]])]:
            first, at = stretch[row]
            low, high = core(cuts[at], near[at], len(centre))
            apart = ((cuts[at] - near[at]) ** 2).reshape(len(centre), -1)[:, low:high].sum(1)
            stretch[row], channel[row] = (first + low, first + high - 1), int(apart.argmax())
    return worst, stretch, channel


def _row_deviations(distance: np.ndarray, codes: np.ndarray, training: np.ndarray) -> np.ndarray:
    """(m,) distances -> robust deviations of their logarithm above the median of the class, or of all."""
    known = np.isfinite(distance)
    base = known & training if (known & training).any() else known
    if not base.any():
        return np.zeros(len(distance))
    logs = np.log(np.where(known, distance, 1.0) + SMALLEST_DISTANCE)
    usual = np.full(len(distance), np.median(logs[base]))
    own_classes = [base & (codes == code) for code in np.unique(codes[base & (codes >= 0)])]
    own_classes = [own for own in own_classes if own.sum() >= CLASS_ROWS]
    for own in own_classes:
        usual[codes == codes[own][0]] = np.median(logs[own])
    apart = logs - usual
    spread = np.full(len(distance), max(_mad(apart[base]), SMALLEST_SPREAD))
    for own in own_classes:  # a class that varies more than the others may
        same = codes == codes[own][0]
        spread[same] = np.maximum(spread[same], _mad(apart[own]))
    return np.where(known, apart / spread, 0.0)


def _mad(values: np.ndarray) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))

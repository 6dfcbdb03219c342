"""Changes of unit: series, or parts of them, that are larger or smaller by a factor or an offset of units."""

from __future__ import annotations

import numpy as np

from curate.checks.judging.bounds import Bounded, at_most
from curate.checks.series.issues import CLASS_ROWS, SeriesSet
from curate.checks.series.scales import ALIKE, jumps_inside, strange_scales
from curate.checks.series.units import OFFSETS, explain, offset_unit

DEVIATIONS = 5.0


def unit_jump(rows: SeriesSet, least_factor: float) -> Bounded:
    """Values that are so much larger or smaller than in the other series, or before, as another unit makes them."""
    scales, jumps, places = rows["scale"], rows["jumps"], rows["jump_places"]
    worst, said = np.zeros(len(rows)), [""] * len(rows)
    for channel in range(scales.shape[1]):
        scale = scales[:, channel]
        logs = np.where(scale > 0, np.log10(np.where(scale > 0, scale, 1.0)), np.nan)
        if not np.isfinite(logs).any():
            continue
        middle, spread = rows.usual(logs)
        apart = logs - middle
        excess = np.abs(np.nan_to_num(apart)) / np.maximum(np.log10(least_factor), DEVIATIONS * spread)
        for at in np.flatnonzero(excess > np.maximum(worst, 1.0)).tolist():
            begins = f", perhaps from place {places[at, channel]} on" if abs(jumps[at, channel]) > 0.5 else ""
            said[at] = f"channel {channel + 1} varies by {explain(10 ** apart[at])}{begins}"
        worst = np.maximum(worst, excess)
        _by_offset(rows, channel, (middle, spread), worst, said)
    for find in (_inside, _by_form):
        excess, words = find(rows, least_factor)
        for at in np.flatnonzero(excess > np.maximum(worst, 1.0)).tolist():
            said[at] = words[at]
        worst = np.maximum(worst, excess)
    return Bounded("unit_jump", at_most(worst, 1.0), lambda p: f"{said[p]}; allowed: a factor of {least_factor:g}")


def _by_offset(
    rows: SeriesSet, channel: int, logs: tuple[np.ndarray, np.ndarray], worst: np.ndarray, said: list[str]
) -> None:
    """Series of a channel that a unit with another zero explains; `logs`: what is usual of the logarithms of scales."""
    scale, location = rows["scale"][:, channel], rows["location"][:, channel]
    usual, width = rows.usual(location)
    middle, spread = logs
    for code in np.unique(rows.codes):
        own = rows.codes == code
        unit = offset_unit(location[own], scale[own], (usual[own][0], np.log(10) * middle[own][0]),
                           (width[own][0], np.log(10) * spread[own][0]))  # fmt: skip
        for row, kind in zip(np.flatnonzero(own), unit):
            if kind >= 0:
                worst[row] = max(worst[row], 1.5)
                said[row] = (
                    f"channel {channel + 1} is around {location[row]:.4g} where {usual[row]:.4g} is usual: as if in"
                    f" {list(OFFSETS)[kind]}"
                )


def _inside(rows: SeriesSet, least_factor: float) -> tuple[np.ndarray, dict[int, str]]:
    """(m,) excess of changes inside of series, and what is said of those beyond the bound."""
    jumps, places = rows["jumps"], rows["jump_places"]
    contrast, channel = jumps_inside(rows["jump_contrasts"])
    excess = contrast / max(np.log10(least_factor), rows.set_fence(contrast))
    words = {}
    for at in np.flatnonzero(excess > 1.0).tolist():
        where, c = rows.at(at, channel, places), channel[at]
        words[at] = f"channel {c + 1} is {explain(10 ** jumps[at, c])}, from {where} on; usual is what is before"
    return excess, words


def _by_form(rows: SeriesSet, least_factor: float) -> tuple[np.ndarray, dict[int, str]]:
    """(m,) excess of series that have the form of others and not their amplitude, and what is said of those beyond."""
    excess, factors = strange_scales(rows["scale"], rows["location"], rows["bands"], rows.training, least_factor)
    classes, sizes = np.unique(rows.codes[rows.codes >= 0], return_counts=True)
    excess[np.isin(rows.codes, classes[sizes >= CLASS_ROWS])] = 0.0  # a class says better what is usual
    usual = f"usual is what the {ALIKE} series most like it in form do"
    words = {
        at: f"its channels vary by {explain(factors[at])}; {usual}" for at in np.flatnonzero(excess > 1.0).tolist()
    }
    return excess, words

"""Which change of unit would explain that a series is larger or smaller than the others."""

from __future__ import annotations

import numpy as np

FACTORS = {
    "a thousand": 1000.0,
    "a million": 1e6,
    "a hundred": 100.0,
    "ten": 10.0,
    "60, as minutes and hours": 60.0,
    "3,600, as seconds and hours": 3600.0,
    "24, as hours and days": 24.0,
    "57.3, as radians and degrees": 57.29578,
    "9.81, as g and metres per second squared": 9.80665,
    "25.4, as inches and millimetres": 25.4,
    "3.28, as metres and feet": 3.28084,
    "3.6, as m/s and km/h": 3.6,
    "2.54, as inches and centimetres": 2.54,
    "2.2, as kilograms and pounds": 2.20462,
    "1.61, as miles and kilometres": 1.609344,
}
OFFSETS = {
    "degrees Fahrenheit among Celsius": (1.8, 32.0),
    "degrees Celsius among Fahrenheit": (1 / 1.8, -32 / 1.8),
    "Kelvin among degrees Celsius": (1.0, 273.15),
    "degrees Celsius among Kelvin": (1.0, -273.15),
}
NEAR = 0.06
"""Of the logarithm to base 10: 15 %."""


def explain(ratio: float) -> str:
    """``about 1,000 times the usual, as if the unit differed by a factor of a thousand``."""
    size = abs(np.log10(ratio))
    name, factor = min(FACTORS.items(), key=lambda item: abs(np.log10(item[1]) - size))
    times = f"{ratio:.4g} times" if ratio >= 1 else f"1/{1 / ratio:.4g} of"
    if abs(np.log10(factor) - size) > 3 * NEAR:
        return f"{times} the usual"
    return f"{times} the usual, as if its unit differed by a factor of {name}"


def offset_unit(
    location: np.ndarray, scale: np.ndarray, usual: tuple[float, float], spread: tuple[float, float]
) -> np.ndarray:
    """Which of `OFFSETS` makes usual series of unusual ones.

    Args:
        location: (m,) medians.
        scale: (m,) robust deviations.
        usual: median of the locations, and of the logarithms of the scales.
        spread: robust deviations of both.

    Returns:
        (m,) int, place in `OFFSETS`; -1 where none is both needed (the median lies 5 deviations off) and does it (to
        within 2).
    """
    found = np.full(len(location), -1)
    if spread[0] <= 0:
        return found
    odd = np.abs(location - usual[0]) > 5 * spread[0]
    logs = np.log(np.maximum(scale, 1e-30))
    for place, (factor, offset) in enumerate(OFFSETS.values()):
        back = (location - offset) / factor
        fits = np.abs(back - usual[0]) <= 2 * spread[0]
        fits &= np.abs(logs - np.log(factor) - usual[1]) <= np.maximum(2 * spread[1], np.log(1.5))
        fits &= np.abs(usual[0] * (factor - 1) + offset) > 5 * spread[0]  # else the unit could not be told
        found[odd & fits & (found < 0)] = place
    return found

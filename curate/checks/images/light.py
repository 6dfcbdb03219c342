"""Light, contrast, information and sharpness of images against bounds that a plain set as a whole moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from curate.checks.judging.bounds import Bounded, at_least, at_most, usual
from curate.checks.judging.oddness import usual_rows

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

BLANK_SPAN = 0.2
"""Luma that spans less, 1st to 99th percentile, shows nothing."""
LIGHT = ("brightness", "contrast", "dark_level", "light_level", "entropy_bits", "sharpness", "detail", "edge_sharpness")


def low(
    value: np.ndarray, bound: float, relative: float, evidence: Evidence, rows: np.ndarray
) -> tuple[np.ndarray, float]:
    """(scores, bound that was used): `bound`, or `relative` of the set's median where that is less."""
    used = min(bound, relative * usual(value, evidence, rows))
    return at_least(value, used), used


def light_issues(step: Any, evidence: Evidence, rows: np.ndarray, m: dict[str, np.ndarray]) -> list[Bounded]:
    """Blank, dark, bright, flat, blurred and noisy images.

    Args:
        step: the `ImageQuality` with the bounds; a bound of None or 0 leaves its issue out.
        evidence: for the set's medians.
        rows: (m,) positions.
        m: measure -> (m,) values.
    """
    issues = []
    blank = np.ones(len(rows))
    if step.min_entropy_bits:
        blank, bits = low(m["entropy_bits"], step.min_entropy_bits, step.relative, evidence, rows)
        issues.append(
            Bounded(
                "low_information",
                blank,
                lambda p: (
                    f"entropy of luma is {m['entropy_bits'][p]:.2f} bits (least {bits:.2f}), as of"
                    f" {_plain(float(m['light_level'][p] - m['dark_level'][p]))}"
                ),
            )
        )
    if step.min_light_level:
        dark, light = low(m["light_level"], step.min_light_level, step.relative, evidence, rows)
        issues.append(
            Bounded(
                "dark",
                dark,
                lambda p: f"99 % of the pixels are below {m['light_level'][p]:.0%} luma (least {light:.0%})",
            )
        )
    if step.max_dark_level:
        shade = 1.0 - m["dark_level"]
        bright, least = low(shade, 1.0 - step.max_dark_level, step.relative, evidence, rows)
        issues.append(
            Bounded(
                "bright",
                bright,
                lambda p: f"99 % of the pixels are above {m['dark_level'][p]:.0%} luma (at most {1 - least:.0%})",
            )
        )
    return issues + _flat_issues(step, evidence, rows, m, blank)


def _flat_issues(
    step: Any, evidence: Evidence, rows: np.ndarray, m: dict[str, np.ndarray], blank: np.ndarray
) -> list[Bounded]:
    issues = []
    if step.min_luma_range:
        span = m["light_level"] - m["dark_level"]
        flat, narrow = low(span, step.min_luma_range, step.relative, evidence, rows)
        issues.append(
            Bounded(
                "low_contrast", flat, lambda p: f"luma spans {span[p]:.1%}, 1st to 99th percentile (least {narrow:.1%})"
            )
        )
    if step.min_detail:
        # a blank image has no edges to be blurred, and a drawing has sharp ones though it lacks detail
        spared = (blank < 0.5) | (m["edge_sharpness"] > step.max_edge_sharpness)
        bound = min(step.min_detail, step.relative * usual(m["detail"], evidence, rows))
        plain = spared & (m["detail"] < bound)  # such drawings among photographs would make any blur usual
        least = _lower_tail(m["detail"][~plain], bound, evidence, rows[~plain])
        blurry = at_least(m["detail"], least)
        blurry = np.where(spared, np.maximum(blurry, 0.5), blurry)
        issues.append(
            Bounded(
                "blurry",
                blurry,
                lambda p: (
                    f"an average over 3 pixels removes only {m['detail'][p]:.1%} of the differences of neighbours"
                    f" (least {least:.1%})"
                ),
            )
        )
    if step.max_noise:
        noise = m["sharpness"] / np.maximum((255 * m["contrast"]) ** 2, 1e-6)
        noise[255 * m["contrast"] < 2] = 0.0
        issues.append(
            Bounded(
                "noisy",
                at_most(noise, step.max_noise),
                lambda p: (
                    f"neighbouring pixels are unrelated: noise measure {noise[p]:.1f} (at most {step.max_noise:g};"
                    " 20 for white noise)"
                ),
            )
        )
    return issues


def _lower_tail(value: np.ndarray, bound: float, evidence: Evidence, rows: np.ndarray) -> float:
    """`bound`, or less where values of the set itself lie so low: strokes and lattices look smooth along their lines.

    The lower quartile tells: in a normal distribution of logarithms 4.5 times its distance from the median are 3
    standard deviations, and a few blurred images don't move it.
    """
    logs = np.log(np.maximum(value[usual_rows(evidence, rows)], 1e-3))
    if not len(logs):
        return bound
    quarter, median = np.quantile(logs, [0.25, 0.5])
    return min(bound, float(np.exp(median - 4.5 * (median - quarter))))


def _plain(span: float) -> str:
    """What has few levels of luma, by the span of those that are there (0 to 1)."""
    return "a blank image" if span < BLANK_SPAN else "a drawing, a sign or a screen"

"""Size and shape of images against the set, and marks that set an image apart from it."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from curate.checks.judging.bounds import Bounded
from curate.checks.judging.oddness import LEAST_ROWS, rarity, ratios, usual_of
from curate.step import Check

MARKS = ("orientation", "transparency", "chroma", "margin_fraction", "border_fraction", "frames")
CLOSE = 1.1
"""Sides that differ by less than this factor are of one size."""
ROUNDING = 2.5 / 255
"""Differences of R, G and B that a grey image has after lossy compression."""
WIDER_THAN_MARGINS = 2.0
"""A border must take this many times the area that plain margins usually take in the set."""
TURNS = {
    2: "mirrored",
    3: "upside down",
    4: "mirrored and upside down",
    5: "mirrored and lying on its side",
    6: "lying on its left side",
    7: "mirrored and lying on its side",
    8: "lying on its right side",
}


class FormCheck(Check):
    """A check with the settings of size and shape."""

    max_size_ratio: float | None = Field(
        3.0,
        ge=0,
        description="odd_size: side (root of the area) this many times off the set's median; more where the set"
        " itself spreads wide",
    )
    max_aspect_ratio: float | None = Field(
        2.5, ge=0, description="odd_aspect: width over height this many times off the set's median, likewise"
    )
    uniform_share: float | None = Field(
        0.9, ge=0, le=1, description="where this share of the set has one size, any other by over a tenth is odd"
    )


def form_issues(step: FormCheck, base: np.ndarray, width: np.ndarray, height: np.ndarray) -> list[Bounded]:
    """Images of an odd size or shape.

    Args:
        step: its bounds; None or 0 leaves an issue out.
        base: (m,) bool, rows that say what is usual.
        width: (m,) pixels.
        height: (m,) pixels.
    """
    issues = []
    if step.max_size_ratio:
        issues.append(_odd_size(step, base, width, height))
    if step.max_aspect_ratio:
        shape = ratios(width / np.maximum(height, 1), base, step.max_aspect_ratio)
        issues.append(
            Bounded(
                "odd_aspect",
                shape.score,
                lambda p: (
                    f"{_size(width[p], height[p])}, {shape.ratio[p]:.1f} times off the median shape of"
                    f" {shape.median:.2f} : 1 (at most {shape.bound:.1f} times)"
                ),
            )
        )
    return issues


def _odd_size(step: Any, base: np.ndarray, width: np.ndarray, height: np.ndarray) -> Bounded:
    side = ratios(np.sqrt(width * height), base, step.max_size_ratio)
    one, share = _one_size(width, height, base)
    lone = np.zeros(len(width), dtype=bool)
    if step.uniform_share and one and share >= step.uniform_share and base.sum() >= LEAST_ROWS:
        across, down = np.abs(np.log(width / one[0])), np.abs(np.log(height / one[1]))
        swapped = (width == one[1]) & (height == one[0])
        lone = (np.maximum(across, down) > np.log(CLOSE)) & ~swapped
    score = np.where(lone, np.minimum(side.score, 0.25), side.score)

    def reason(p: int) -> str:
        if side.ratio[p] > side.bound:
            return (
                f"{_size(width[p], height[p])}, {side.ratio[p]:.1f} times off the median side of"
                f" {side.median:.0f} px"
                f" (at most {side.bound:.1f} times)"
            )
        assert one is not None  # lone rows are off the one size
        return f"{_size(width[p], height[p])}, where {share:.1%} of the set have {_size(*one)}"

    return Bounded("odd_size", score, reason)


def _one_size(width: np.ndarray, height: np.ndarray, base: np.ndarray) -> tuple[tuple[int, int] | None, float]:
    """The most frequent size and its share."""
    code, share = usual_of(width.astype(np.int64) << 32 | height.astype(np.int64), base)
    return ((code >> 32, code & 0xFFFFFFFF) if code >= 0 else None), share


def _size(width: Any, height: Any) -> str:
    return f"{width:.0f} x {height:.0f} px"


def mark_issues(
    step: Any, base: np.ndarray, width: np.ndarray, height: np.ndarray, m: dict[str, np.ndarray]
) -> list[Bounded]:
    """Images that are turned, transparent, grey or coloured, framed, or animated where the others are not.

    Args:
        step: the `ImageQuality` with the bounds.
        base: (m,) bool, rows that say what is usual.
        width: (m,) pixels.
        height: (m,) pixels.
        m: measure -> (m,) values.
    """
    most = step.max_rare_share
    issues = [_turned(step, base, width, height, m["orientation"])]
    if step.min_border_fraction:
        issues.append(_border(step, base, m))
    clear, share = rarity(m["transparency"] > (step.min_transparency or 2.0), base, most)
    issues.append(
        Bounded(
            "transparent",
            clear,
            lambda p: (
                f"{m['transparency'][p]:.1%} transparent on average (at most {step.min_transparency:.0%}), as"
                f" {share:.1%} of the set; it is laid on white"
            ),
        )
    )
    moving, animated = rarity(m["frames"] > 1, base, most)
    issues.append(
        Bounded(
            "animated",
            moving,
            lambda p: (
                f"{m['frames'][p]:.0f} frames, as {animated:.1%} of the set have more than 1; only the first is read"
            ),
        )
    )
    return [*issues, *_colour(step, base, m["chroma"], m["light_level"])]


def _turned(step: Any, base: np.ndarray, width: np.ndarray, height: np.ndarray, orientation: np.ndarray) -> Bounded:
    """By the EXIF tag, or for standing among lying images of one size."""
    one, share = _one_size(width, height, base)
    swapped = np.zeros(len(width), dtype=bool)
    if step.uniform_share and one and one[0] != one[1] and share >= step.uniform_share:
        swapped = (width == one[1]) & (height == one[0])
    tagged = orientation > 1
    score, rare = rarity(tagged | swapped, base, step.max_rare_share)

    def reason(p: int) -> str:
        if not tagged[p]:
            usual = _size(*(one or (0, 0)))
            return f"{_size(width[p], height[p])}, where {share:.1%} of the set have {usual}: on its side"
        turn = int(orientation[p])
        return (
            f"EXIF orientation {turn}, as {rare:.1%} of the set have one: turned upright when decoded here;"
            f" {TURNS[turn]} for readers that ignore the tag"
        )

    return Bounded("turned", score, reason)


def _border(step: Any, base: np.ndarray, m: dict[str, np.ndarray]) -> Bounded:
    margins = m["margin_fraction"][base]
    bound = max(step.min_border_fraction, WIDER_THAN_MARGINS * float(np.median(margins)) if len(margins) else 0.0)
    score, share = rarity(m["border_fraction"] >= bound, base, step.max_rare_share)
    return Bounded(
        "border",
        score,
        lambda p: (
            f"{m['border_fraction'][p]:.1%} of the area is a uniform frame with straight edges (bound {bound:.1%}), as"
            f" in {share:.1%} of the set"
        ),
    )


def _colour(step: Any, base: np.ndarray, chroma: np.ndarray, light: np.ndarray) -> list[Bounded]:
    if step.max_grey_chroma is None:
        return []
    # colours of a dark image lie close together, and rounding makes some where there are none
    bound = np.maximum(step.max_grey_chroma * light, ROUNDING)
    grey = chroma <= bound
    as_grey, greys = rarity(grey, base, step.max_rare_share)
    as_colour, colours = rarity(~grey, base, step.max_rare_share)

    def said(p: int) -> str:
        return f"R, G and B differ by {chroma[p]:.1%} of full scale (bound {bound[p]:.1%})"

    return [
        Bounded("greyscale", as_grey, lambda p: f"without colour, as {greys:.1%} of the set: {said(p)}"),
        Bounded("coloured", as_colour, lambda p: f"in colour, as {colours:.1%} of the set: {said(p)}"),
    ]

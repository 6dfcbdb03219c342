"""Segmentation masks that are missing, damaged, empty, of another size than their image, or hold other values."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.judging.bounds import Bounded, at_least, findings
from curate.checks.judging.oddness import LEAST_ROWS, rarity, usual_rows
from curate.checks.regions.mask_values import allowed_values, listed, present_values
from curate.evidence.masks import Masks
from curate.evidence.measures.masks import MaskStatistics
from curate.findings import Findings
from curate.step import Check
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

LOSSY = ("JPEG", "MPO")
SAME_SCALE_SHARE = 0.9
"""Where so many masks are of one scale to their image, that scale is meant."""
RELATIVE_TINY = 0.02
"""A tiny object also covers less than this share of what objects usually cover in the set."""


class MaskQuality(Check):
    """Finds masks that can't be what a segmentation model should learn.

    Issues: missing_mask, unreadable_mask, size_mismatch (not the size of the image, or not the scale that the other
    masks have), empty (nothing but background), covers_image (no background, where the others have some), tiny
    (almost nothing but background), unknown_values (outside of the classes, or of the two values of the set), lossy
    (a JPEG, whose compression smears classes), repeated_mask (the very mask of another image). Masks are read as they
    stand: indices of a palette, 16 bits, no turning by EXIF; the image is upright. Cost: one decoding of every mask.
    """

    modalities = ("image",)
    issues: ClassVar[tuple[str, ...]] = (
        "missing_mask",
        "unreadable_mask",
        "size_mismatch",
        "empty",
        "covers_image",
        "tiny",
        "unknown_values",
        "lossy",
        "repeated_mask",
    )

    background: int | None = Field(
        0, ge=0, description="value of pixels without an object; null where every value is a class"
    )
    ignore_value: int | None = Field(
        255, ge=0, description="value of pixels that don't count, in sets of more than two values; null for none"
    )
    classes: int | None = Field(
        None, ge=1, description="number of classes, whose values are 0, 1, ...; of the task's label names if left out"
    )
    min_foreground: float | None = Field(
        0.0005, ge=0, le=1, description="tiny: share of the pixels with an object is below this; 0 or null: off"
    )
    max_foreground: float | None = Field(
        0.995, ge=0, le=1, description="covers_image: share of the pixels with an object is above this; null: off"
    )
    max_rare_share: float = Field(
        1 / 3,
        gt=0,
        le=1,
        description="empty, covers_image, repeated_mask: only where fewer than this share of the set are so",
    )

    def refuses(self, task: Task) -> str | None:
        """Refuse tasks without images or masks."""
        if task.mask is None:
            return f"{self.name} judges masks, and the task names no column of them (mask)"
        return super().refuses(task)

    def needs(self, task: Task) -> tuple[str, ...]:
        """Size and orientation of the images."""
        return ("image.width", "image.height", "image.orientation") if "image" in task.modalities else ()

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row; missing and damaged masks are judged by that alone."""
        masks = evidence.masks(MaskStatistics(self.background, self.ignore_value))
        rows = np.flatnonzero(evidence.active)
        missing = ~masks.present[rows]
        broken = np.isin(rows, np.fromiter(masks.broken, dtype=np.int64, count=len(masks.broken)))
        whole = rows[~missing & ~broken]
        parts = [
            findings(self.name, evidence, rows, [self._missing(missing), self._broken(rows, broken, masks)]),
            findings(self.name, evidence, whole, self._judged(evidence, whole, masks)),
        ]
        counts = {name: number for part in parts for name, number in part.facts.get(self.name, {}).items()}
        return Findings(Findings.join(parts).table, {self.name: counts | {"rows": len(rows)}})

    def _missing(self, missing: np.ndarray) -> Bounded:
        return Bounded("missing_mask", np.where(missing, 0.0, 1.0), lambda p: "the image has no mask")

    def _broken(self, rows: np.ndarray, broken: np.ndarray, masks: Masks) -> Bounded:
        return Bounded("unreadable_mask", np.where(broken, 0.0, 1.0), lambda p: masks.broken[int(rows[p])])

    def _judged(self, evidence: Evidence, rows: np.ndarray, masks: Masks) -> list[Bounded]:
        base = usual_rows(evidence, rows)
        m = {name: values[rows] for name, values in masks.values.items()}
        present = present_values(m["present"])
        allowed, why = allowed_values(
            evidence.table.task.label_names, self.classes, self.background, self.ignore_value, present[base]
        )
        issues = [self._size(evidence, rows, base, m)]
        if self.background is not None:
            issues += self._cover(base, m, self._ignored(present[base], m))
        if allowed is not None:
            issues.append(_unknown(m, present, allowed, why))
        lossy = np.isin(m["format"], LOSSY) & (m["distinct"] > 2)
        issues.append(
            Bounded(
                "lossy",
                np.where(lossy, 0.0, 1.0),
                lambda p: f"a JPEG with {m['distinct'][p]} different values: lossy compression smears classes; use PNG",
            )
        )
        empty = m["background_fraction"] >= 1.0
        issues.append(self._repeated(evidence, rows, base, masks.content[rows], empty))
        return issues

    def _ignored(self, present: np.ndarray, m: dict[str, np.ndarray]) -> np.ndarray:
        """(m,) share of the pixels that don't count; none in sets of two values, where 255 marks the object."""
        others = present.copy()
        for value in (self.background, self.ignore_value):
            if value is not None and value < 256:
                others[:, value] = False
        binary = not len(present) or others.any(1).mean() < 0.5
        return np.zeros(len(m["width"])) if binary else m["ignored_fraction"].astype(np.float64)

    def _size(self, evidence: Evidence, rows: np.ndarray, base: np.ndarray, m: dict[str, np.ndarray]) -> Bounded:
        width, height, turn = (evidence.measure(f"image.{n}")[rows] for n in ("width", "height", "orientation"))
        scale = np.stack([m["width"] / np.maximum(width, 1), m["height"] / np.maximum(height, 1)], axis=1)
        usual = np.median(scale[base], axis=0) if base.any() else np.ones(2)
        close = np.abs(scale - usual).max(1) <= 1.0 / np.maximum(np.minimum(width, height), 1)
        meant = base.sum() >= LEAST_ROWS and close[base].mean() >= SAME_SCALE_SHARE
        wrong = ~close if meant else (m["width"] != width) | (m["height"] != height)
        at_scale = (
            f", where most masks are {usual[0]:.2f} times the size of their images" if meant and usual[0] != 1 else ""
        )

        def reason(p: int) -> str:
            text = f"the mask is {m['width'][p]} x {m['height'][p]} px, the image {width[p]} x {height[p]} px{at_scale}"
            swapped = turn[p] > 4 and m["width"][p] == height[p] and m["height"][p] == width[p]
            return text + (
                f"; the image is turned upright by its EXIF tag ({turn[p]}), the mask is not" if swapped else ""
            )

        return Bounded("size_mismatch", np.where(wrong, 0.0, 1.0), reason)

    def _cover(self, base: np.ndarray, m: dict[str, np.ndarray], ignored: np.ndarray) -> list[Bounded]:
        object_share = np.clip(1.0 - m["background_fraction"].astype(np.float64) - ignored, 0.0, 1.0)
        object_share[object_share < 1e-9] = 0.0
        blank, empties = rarity(object_share == 0, base, self.max_rare_share)
        issues = [
            Bounded(
                "empty",
                blank,
                lambda p: f"no pixel differs from the background ({self.background}), as in {empties:.1%} of the set",
            )
        ]
        if self.max_foreground is not None:
            full, fulls = rarity(object_share > self.max_foreground, base, self.max_rare_share)
            issues.append(
                Bounded(
                    "covers_image",
                    full,
                    lambda p: (
                        f"{object_share[p]:.1%} of the pixels are objects (at most {self.max_foreground:.1%}), as in"
                        f" {fulls:.1%} of the set"
                    ),
                )
            )
        if self.min_foreground:
            some = object_share[base & (object_share > 0)]
            bound = min(self.min_foreground, RELATIVE_TINY * float(np.median(some))) if len(some) else 0.0
            issues.append(
                Bounded(
                    "tiny",
                    np.where(object_share > 0, at_least(object_share, bound), 1.0),
                    lambda p: f"{object_share[p]:.3%} of the pixels are objects (least {bound:.3%})",
                )
            )
        return issues

    def _repeated(
        self, evidence: Evidence, rows: np.ndarray, base: np.ndarray, content: np.ndarray, empty: np.ndarray
    ) -> Bounded:
        if not len(rows):
            return Bounded("repeated_mask", np.ones(0), lambda p: "")
        _, group, size = np.unique(content, axis=0, return_inverse=True, return_counts=True)
        group = group.reshape(-1)
        images = evidence.table.content[rows]
        pairs = np.unique(np.column_stack([group.astype(np.uint64), images]), axis=0)
        different = np.bincount(pairs[:, 0].astype(np.int64), minlength=len(size))
        score, share = rarity((different[group] > 1) & ~empty, base, self.max_rare_share)
        return Bounded(
            "repeated_mask",
            score,
            lambda p: f"{different[group[p]]} different images have this very mask, as in {share:.1%} of the set",
        )


def _unknown(m: dict[str, np.ndarray], present: np.ndarray, allowed: np.ndarray, why: str) -> Bounded:
    strange = present & ~allowed
    large = (m["highest"] > 255) | (m["lowest"] < 0)
    wrong = strange.any(1) | large

    def reason(p: int) -> str:
        found = []
        if strange[p].any():
            found.append(listed(np.flatnonzero(strange[p])))
        if large[p]:
            found.append("colours" if m["in_colour"][p] else f"values from {m['lowest'][p]} to {m['highest'][p]}")
        return f"the mask holds {' and '.join(found)}; {why}"

    return Bounded("unknown_values", np.where(wrong, 0.0, 1.0), reason)

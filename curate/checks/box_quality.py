"""Bounding boxes that are no boxes, leave their image, are empty, tiny or doubled, or have no class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.judging.bounds import Bounded, at_least, at_most, findings
from curate.checks.judging.oddness import rarity, usual_rows
from curate.checks.regions.box_arrays import Boxes, boxes_of, corners, twins
from curate.findings import Findings
from curate.step import Check
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

SLACK_PX = 1.0
"""Tools round to whole pixels, and some count from 1."""


class BoxQuality(Check):
    """Finds images whose bounding boxes can't be what a detection model should learn.

    Issues: malformed (no four finite numbers), degenerate (ends before it starts, or has no area), out_of_frame,
    tiny, covers_image (where boxes of the others do not), duplicate_boxes (nearly the same place and class),
    conflicting_boxes (nearly the same place, another class), missing_label (no class, where others have one),
    unknown_label (not among the label names), no_boxes (where the others have some). The score of an image is that of
    its worst box. The numbers are read in the task's `box_format`. Cost: the size of every image, from the pass that
    decodes it, and arrays of the boxes.
    """

    modalities = ("image",)
    issues: ClassVar[tuple[str, ...]] = (
        "malformed",
        "degenerate",
        "tiny",
        "out_of_frame",
        "covers_image",
        "duplicate_boxes",
        "conflicting_boxes",
        "missing_label",
        "unknown_label",
        "no_boxes",
    )

    max_outside_px: float | None = Field(
        SLACK_PX, ge=0, description="out_of_frame: pixels by which a box leaves the image; null: off, as below"
    )
    min_side_px: float | None = Field(2.0, ge=0, description="tiny: the shorter side in pixels; 0 or null: off")
    min_area_fraction: float | None = Field(
        None, ge=0, le=1, description="tiny: or the share of the image's area; off if left out"
    )
    max_area_fraction: float | None = Field(
        0.98, gt=0, le=1, description="covers_image: share of the image's area; null: off"
    )
    min_iou: float | None = Field(
        0.9, gt=0, le=1, description="duplicate_boxes, conflicting_boxes: intersection over union; null: off"
    )
    max_rare_share: float = Field(
        1 / 3,
        gt=0,
        le=1,
        description="covers_image, missing_label, no_boxes: only where fewer than this share of the images are so",
    )

    def refuses(self, task: Task) -> str | None:
        """Refuse tasks without images or boxes."""
        if task.boxes is None:
            return f"{self.name} judges boxes, and the task names no column of them (boxes)"
        return super().refuses(task)

    def needs(self, task: Task) -> tuple[str, ...]:
        """Size of the images."""
        return ("image.width", "image.height") if "image" in task.modalities else ()

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row."""
        rows = np.flatnonzero(evidence.active)
        boxes = boxes_of(evidence.table)
        keep = np.isin(boxes.row, rows)
        boxes = Boxes(
            boxes.row[keep],
            boxes.place[keep],
            boxes.count,
            boxes.given[keep],
            boxes.malformed[keep],
            boxes.label[keep],
            boxes.names,
        )
        size = np.stack([evidence.measure(f"image.{side}")[boxes.row] for side in ("width", "height")], axis=1)
        form = evidence.table.task.box_format or "xyxy"
        box = corners(boxes.given, form, size[:, 0], size[:, 1])
        base = usual_rows(evidence, rows)
        issues = [
            *self._shape(boxes, box, size, rows, form),
            *self._place(boxes, box, size, rows, base),
            *self._doubles(boxes, box, rows),
            *self._labels(boxes, rows, base, evidence.table.task.label_names),
            self._none(boxes.count[rows], base),
        ]
        found = findings(self.name, evidence, rows, issues)
        facts = dict(found.facts.get(self.name, {})) | {"boxes": len(box), "box_format": form}
        return Findings(found.table, {self.name: facts})

    def _shape(self, boxes: Boxes, box: np.ndarray, size: np.ndarray, rows: np.ndarray, form: str) -> list[Bounded]:
        width, height = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
        flat = ~boxes.malformed & ((width <= 0) | (height <= 0))
        issues = [
            _worst(
                "malformed",
                boxes,
                rows,
                np.where(boxes.malformed, 0.0, 1.0),
                lambda b: "is no four numbers that are places in an image",
            ),
            _worst(
                "degenerate",
                boxes,
                rows,
                np.where(flat, 0.0, 1.0),
                lambda b: f"is {width[b]:g} x {height[b]:g} px, read as {form}",
            ),
        ]
        if self.min_side_px or self.min_area_fraction:
            side = np.minimum(width, height)
            share = width * height / np.maximum(size.prod(1), 1)
            score = at_least(np.maximum(side, 0), self.min_side_px or 0)
            if not self.min_side_px:
                score = np.ones(len(side))
            if self.min_area_fraction:
                score = np.minimum(score, at_least(np.maximum(share, 0), self.min_area_fraction))
            least = f"{self.min_side_px or 0:g} px a side" + (
                f", {self.min_area_fraction:.3%} of the image" if self.min_area_fraction else ""
            )
            unit = "" if form.endswith("_relative") else "; are these shares of the image's sides?"
            whole = ~boxes.malformed & ~flat
            issues.append(
                _worst(
                    "tiny",
                    boxes,
                    rows,
                    np.where(whole, score, 1.0),
                    lambda b: (
                        f"is {width[b]:.2f} x {height[b]:.2f} px, {share[b]:.3%} of the image (least {least})"
                        + (unit if max(box[b]) <= 1.5 else "")
                    ),
                )
            )
        return issues

    def _place(
        self, boxes: Boxes, box: np.ndarray, size: np.ndarray, rows: np.ndarray, base: np.ndarray
    ) -> list[Bounded]:
        area = np.maximum(box[:, 2] - box[:, 0], 0) * np.maximum(box[:, 3] - box[:, 1], 0)
        inside = np.clip(box, 0, np.concatenate([size, size], axis=1))
        seen = np.maximum(inside[:, 2:] - inside[:, :2], 0).prod(1)
        outside = np.where(area > 0, 1 - seen / np.maximum(area, 1e-12), 0.0)
        beyond = np.maximum(-box[:, :2], box[:, 2:] - size).max(1, initial=-np.inf)
        issues = []
        if self.max_outside_px is not None:
            most = max(self.max_outside_px, 1e-6)
            issues.append(
                _worst(
                    "out_of_frame",
                    boxes,
                    rows,
                    np.where(boxes.malformed | (area <= 0), 1.0, at_most(np.maximum(beyond, 0), most)),
                    lambda b: (
                        f"leaves the image of {size[b, 0]} x {size[b, 1]} px by {beyond[b]:.1f} px (at most"
                        f" {self.max_outside_px:g} px), {outside[b]:.1%} of its area"
                    ),
                )
            )
        if self.max_area_fraction is not None:
            share = seen / np.maximum(size.prod(1), 1)
            full = np.nan_to_num(share) >= self.max_area_fraction
            marked = np.isin(rows, boxes.row[full])
            score, rare = rarity(marked, base, self.max_rare_share)
            detail = _worst("", boxes, rows, np.where(full, 0.0, 1.0), lambda b: f"covers {share[b]:.1%} of the image")
            issues.append(
                Bounded(
                    "covers_image",
                    score,
                    lambda p: (
                        f"{detail.reason(p)} (at most {self.max_area_fraction:.0%}), as in {rare:.1%} of the images"
                    ),
                )
            )
        return issues

    def _doubles(self, boxes: Boxes, box: np.ndarray, rows: np.ndarray) -> list[Bounded]:
        if self.min_iou is None:
            return []
        same, overlap = twins(box, boxes.row * (len(boxes.names) + 1) + boxes.label + 1, self.min_iou)
        any_class, crossing = twins(box, boxes.row, self.min_iou)
        other = (any_class >= 0) & (same < 0)
        other &= boxes.label[np.maximum(any_class, 0)] != boxes.label

        def again(twin: np.ndarray, iou: np.ndarray) -> Callable[[int], str]:
            return lambda b: (
                f"overlaps box {boxes.place[twin[b]] + 1}{boxes.name(twin[b])} by {iou[b]:.1%} (at most"
                f" {self.min_iou:.0%} intersection over union)"
            )

        return [
            _worst("duplicate_boxes", boxes, rows, np.where(same >= 0, 0.0, 1.0), again(same, overlap)),
            _worst("conflicting_boxes", boxes, rows, np.where(other, 0.0, 1.0), again(any_class, crossing)),
        ]

    def _labels(self, boxes: Boxes, rows: np.ndarray, base: np.ndarray, names: tuple[str, ...]) -> list[Bounded]:
        lacking = boxes.label < 0
        marked = np.isin(rows, boxes.row[lacking])
        score, share = rarity(marked, base, self.max_rare_share)
        few = len(rows) < 5 and bool((~lacking).any())  # a class beside one that is missing says enough
        detail = _worst("", boxes, rows, np.where(lacking, 0.0, 1.0), lambda b: "has no class")
        issues = [
            Bounded(
                "missing_label",
                np.where(marked & few, 0.25, score),
                lambda p: f"{detail.reason(p)}, as in {share:.1%} of the images",
            )
        ]
        if names:
            known = np.array([name in set(names) for name in boxes.names] or [True], dtype=bool)
            strange = ~lacking & ~known[np.maximum(boxes.label, 0)]
            issues.append(
                _worst(
                    "unknown_label",
                    boxes,
                    rows,
                    np.where(strange, 0.0, 1.0),
                    lambda b: f"has a class that is not among the {len(names)} label names",
                )
            )
        return issues

    def _none(self, count: np.ndarray, base: np.ndarray) -> Bounded:
        score, share = rarity(count <= 0, base, self.max_rare_share)
        return Bounded(
            "no_boxes",
            score,
            lambda p: (
                f"{'no annotation at all' if count[p] < 0 else 'an empty list of boxes'}, as in {share:.1%} of the"
                " images"
            ),
        )


def _worst(issue: str, boxes: Boxes, rows: np.ndarray, score: np.ndarray, said: Callable[[int], str]) -> Bounded:
    """The score of an image is that of its worst box; the reason names it and counts the others."""
    lowest = np.ones(len(boxes.count))
    np.minimum.at(lowest, boxes.row, score)
    wrong = np.flatnonzero(score < 0.5 - 1e-9)
    first: dict[int, int] = {}
    for box in wrong[np.argsort(score[wrong], kind="stable")].tolist():
        first.setdefault(int(boxes.row[box]), box)
    number = np.bincount(boxes.row[wrong], minlength=len(boxes.count))

    def reason(place: int) -> str:
        row = int(rows[place])
        box = first[row]
        more = f"; so {'are' if number[row] > 2 else 'is'} {number[row] - 1} more" if number[row] > 1 else ""
        return f"box {boxes.place[box] + 1} of {boxes.count[row]}{boxes.name(box)} {said(box)}{more}"

    return Bounded(issue, lowest[rows], reason)

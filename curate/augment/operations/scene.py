"""A scene: an image with what is known of places in it (mask, boxes, keypoints), which an operation moves along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from curate.task import BoxFormat


@dataclass(frozen=True)
class Scene:
    """An image and its parts; operations give a new one and never change it.

    Attributes:
        image: (h, w, 3) uint8.
        mask: (h, w) or (h, w, c) integers, None if there is none; resampled to the nearest pixel.
        boxes: (n, 4) float32 in `box_format`, None if there are none.
        keypoints: (m, 2) float32, x and y in pixels, None if there are none.
        box_format: of `boxes`, as in the task.
        min_visibility: share of its area that a box must keep inside the image; the others are left out.
        box_numbers: (n,) int64, which of the first scene's boxes these are, so that their labels can follow.
        keypoint_numbers: (m,) int64, the same of the keypoints.
    """

    image: np.ndarray
    mask: np.ndarray | None = None
    boxes: np.ndarray | None = None
    keypoints: np.ndarray | None = None
    box_format: BoxFormat = "xyxy"
    min_visibility: float = 0.0
    box_numbers: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    keypoint_numbers: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        """Number boxes and keypoints where they have no numbers yet."""
        for part, numbers in (("boxes", "box_numbers"), ("keypoints", "keypoint_numbers")):
            found = getattr(self, part)
            if found is not None and len(found) and not len(getattr(self, numbers)):
                object.__setattr__(self, numbers, np.arange(len(found), dtype=np.int64))

    @property
    def corners(self) -> np.ndarray:
        """(n, 4) float32: the boxes as relative corners (left, top, right, bottom)."""
        height, width = self.image.shape[:2]
        boxes = np.zeros((0, 4), np.float32) if self.boxes is None else np.asarray(self.boxes, np.float32)
        return to_corners(boxes.reshape(-1, 4), self.box_format, height, width)

    def points(self) -> dict[str, np.ndarray]:
        """The parts that there are, as Albumentations holds them: the last column is the number of the row."""
        found: dict[str, np.ndarray] = {}
        if self.mask is not None:
            found["mask"] = self.mask
        if self.boxes is not None:
            found["bboxes"] = np.column_stack([self.corners, self.box_numbers]).astype(np.float32)
        if self.keypoints is not None:
            m = len(self.keypoints)
            rows = [np.asarray(self.keypoints, np.float32).reshape(m, 2), np.zeros((m, 2)), np.ones((m, 1))]
            found["keypoints"] = np.column_stack([*rows, self.keypoint_numbers]).astype(np.float32)
        return found

    def moved(
        self, image: np.ndarray, targets: Mapping[str, Callable[..., Any]], parameters: Mapping[str, Any]
    ) -> Scene:
        """The scene of a changed image, each part moved by the transform's own function for it.

        Args:
            image: the image after the transform.
            targets: part -> function, of the transform; parts that it has no function for stay.
            parameters: what the image was changed with.
        """
        parts = self.points()
        for name, value in parts.items():
            if name in targets and value.size:
                parts[name] = targets[name](np.ascontiguousarray(value), **parameters)
        changed = replace(self, image=image, mask=parts.get("mask"))
        if self.boxes is not None:
            changed = changed.with_boxes(np.asarray(parts["bboxes"], np.float32).reshape(-1, 5))
        if self.keypoints is not None:
            changed = changed.with_keypoints(np.asarray(parts["keypoints"], np.float32).reshape(-1, 6))
        return changed

    def with_boxes(self, rows: np.ndarray) -> Scene:
        """(k, 5) relative corners and numbers as this scene's boxes: clipped, what is hardly visible left out."""
        height, width = self.image.shape[:2]
        corners = rows[:, :4]
        clipped = np.clip(corners, 0.0, 1.0)
        area, seen = _area(corners), _area(clipped)
        # A tolerance of float32: a box that only just touches the border is not hidden.
        kept = (seen > 0) & (seen >= self.min_visibility * area * (1 - 1e-5))
        boxes = from_corners(clipped[kept], self.box_format, height, width)
        return replace(self, boxes=boxes, box_numbers=np.rint(rows[kept, 4]).astype(np.int64))

    def with_keypoints(self, rows: np.ndarray) -> Scene:
        """(k, 6) keypoints as Albumentations holds them as this scene's; those outside the image are left out."""
        height, width = self.image.shape[:2]
        inside = (rows[:, :2] >= 0).all(1) & (rows[:, 0] < width) & (rows[:, 1] < height)
        return replace(
            self, keypoints=rows[inside, :2].copy(), keypoint_numbers=np.rint(rows[inside, -1]).astype(np.int64)
        )


def _area(corners: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, corners[:, 2] - corners[:, 0]) * np.maximum(0.0, corners[:, 3] - corners[:, 1])


def to_corners(boxes: np.ndarray, form: BoxFormat, height: int, width: int) -> np.ndarray:
    """(n, 4) boxes of a format in an image of that size -> (n, 4) float32 relative corners."""
    corners = boxes.astype(np.float32, copy=True)
    if not form.endswith("_relative"):
        corners /= np.array([width, height, width, height], np.float32)
    kind = form.removesuffix("_relative")
    if kind == "cxcywh":
        corners[:, :2] -= corners[:, 2:] / 2
    if kind != "xyxy":
        corners[:, 2:] += corners[:, :2]
    return corners


def from_corners(corners: np.ndarray, form: BoxFormat, height: int, width: int) -> np.ndarray:
    """(n, 4) relative corners -> (n, 4) float32 boxes of a format in an image of that size."""
    boxes = corners.astype(np.float32, copy=True)
    kind = form.removesuffix("_relative")
    if kind != "xyxy":
        boxes[:, 2:] -= boxes[:, :2]
    if kind == "cxcywh":
        boxes[:, :2] += boxes[:, 2:] / 2
    if not form.endswith("_relative"):
        boxes *= np.array([width, height, width, height], np.float32)
    return boxes

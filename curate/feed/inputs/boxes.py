"""Bounding boxes on their way into a batch: numbers in the task's format -> targets of a detection model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from curate.augment.operations.scene import Scene, from_corners, to_corners
from curate.errors import DataError, nearest
from curate.feed.inputs.options import InputOptions
from curate.task import BoxFormat
from curate.wording import some_of

Annotation = Mapping[str, Any]


@dataclass(frozen=True)
class Boxes:
    """The column of boxes of a task.

    Attributes:
        column: its name.
        format: of its numbers.
        names: the classes; none where all boxes are of one.
        options: form of the targets, and how much of a box must be visible.
    """

    column: str
    format: BoxFormat
    names: tuple[str, ...]
    options: InputOptions

    def read(self, value: Sequence[Annotation] | None, height: int, width: int) -> tuple[np.ndarray, np.ndarray] | None:
        """(n, 4) float32 relative corners, clipped to the image, and (n,) int64 classes; None without an annotation.

        Raises:
            DataError: a box is no four numbers, has no area in the image, or no class.
        """
        if value is None:
            return None
        if not value:
            return np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
        numbers = []
        for place, one in enumerate(value):
            box = None if one is None else one["box"]
            if box is None or len(box) != 4 or any(side is None for side in box) or not np.isfinite(box).all():
                raise DataError(f"its box {place} is {box}, and four numbers are wanted")
            numbers.append(box)
        given = np.array(numbers, np.float64)
        corners = to_corners(given, self.format, height, width).clip(0.0, 1.0)
        empty = np.flatnonzero((corners[:, 2:] <= corners[:, :2]).any(1))
        if len(empty):
            raise DataError(
                f"its box {empty[0]}, {given[empty[0]].tolist()} as {self.format}, has no area in the image of"
                f" {width} x {height} pixels"
            )
        return corners, np.array([self._code(place, one["label"]) for place, one in enumerate(value)], np.int64)

    def _code(self, place: int, label: str | None) -> int:
        if not self.names:
            return 0
        if label not in self.names:
            what = "has no class" if label is None else f"is of the class {label!r}{nearest(label, self.names)}"
            raise DataError(f"its box {place} {what}; the classes are {some_of(self.names, 20)}")
        return self.names.index(label)

    def target(self, scene: Scene, codes: np.ndarray, original: tuple[int, int]) -> dict[str, np.ndarray]:
        """The target of a finished scene, whose boxes are relative corners; see `InputOptions.box_targets`.

        Args:
            scene: the picture as it goes into the batch.
            codes: classes of the boxes that the row has, of which the scene may have lost some.
            original: (height, width) of the image as it stands in the table.
        """
        height, width = scene.image.shape[:2]
        corners, kept = scene.corners, codes[scene.box_numbers]
        if self.options.box_targets == "torchvision":
            return {"boxes": from_corners(corners, "xyxy", height, width), "labels": kept + 1}
        sides = corners[:, 2:] - corners[:, :2]
        return {
            "boxes": from_corners(corners, "cxcywh_relative", height, width),
            "class_labels": kept,
            "area": sides.prod(1) * np.float32(height * width),
            "iscrowd": np.zeros(len(kept), np.int64),
            "size": np.array([height, width]),
            "orig_size": np.array(original),
        }

    def coco(self, scene: Scene, codes: np.ndarray) -> dict[str, Any]:
        """The boxes of a scene as COCO annotates an image, which is what image processors of transformers take."""
        height, width = scene.image.shape[:2]
        boxes = from_corners(scene.corners, "xywh", height, width).astype(float)
        listed = [
            {"image_id": 0, "bbox": box, "area": box[2] * box[3], "category_id": code, "iscrowd": 0}
            for box, code in zip(boxes.tolist(), codes[scene.box_numbers].tolist())
        ]
        return {"image_id": 0, "annotations": listed}

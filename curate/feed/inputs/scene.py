"""Images with masks or boxes: augmented together, brought to their size together, collated as targets of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from curate.augment.operations.scene import Scene
from curate.feed.inputs.boxes import Boxes
from curate.feed.inputs.image import Images, MediaValue, Normalization, media_values, pixel_entries
from curate.feed.inputs.masks import Masks
from curate.feed.inputs.placement import Placement
from curate.feed.memory import room


@dataclass(frozen=True)
class Item:
    """A scene on its way.

    Attributes:
        scene: the picture with the values of its mask and relative corners of its boxes.
        codes: (n,) int64 classes of the boxes as they stand in the table; None without an annotation.
        original: (height, width) of the image as it stands in the table.
    """

    scene: Scene
    codes: np.ndarray | None
    original: tuple[int, int]


class Finished(NamedTuple):
    """A scene of the batch's size.

    Attributes:
        pixels: (h, w, 3) uint8.
        labels: (h, w) int32 numbers of classes; None without a mask column.
        boxes: the target of its boxes; None without such a column.
        annotated: it has what the task is about.
    """

    pixels: np.ndarray
    labels: np.ndarray | None
    boxes: dict[str, np.ndarray] | None
    annotated: bool


@dataclass(frozen=True)
class Scenes:
    """The image column of a task, with those of masks and boxes.

    Attributes:
        images: the image column.
        masks: of the same rows, None for none.
        boxes: of the same rows, None for none.
        target: which of them are the task's labels: ``masks``, ``boxes``, or none.
    """

    images: Images
    masks: Masks | None
    boxes: Boxes | None
    target: str | None

    modality = "image"

    @property
    def name(self) -> str:
        """Entry of the pixels."""
        return self.images.name

    @property
    def normalization(self) -> Normalization | None:
        """As of `Images`."""
        return self.images.normalization

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of the batch, None for the images' own."""
        return self.images.size

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (*self.images.columns, *(part.column for part in (self.masks, self.boxes) if part is not None))

    def values(self, rows: pa.Table) -> list[tuple[MediaValue, MediaValue | None, Any]]:
        """Image, mask and boxes of each row."""
        nothing = [None] * rows.num_rows
        masks = nothing if self.masks is None else media_values(rows[self.masks.column])
        boxes = nothing if self.boxes is None else rows[self.boxes.column].to_pylist()
        return list(zip(self.images.values(rows), masks, boxes, strict=True))

    def read(self, value: tuple[MediaValue, MediaValue | None, Any]) -> Item:
        """The scene, with relative corners."""
        pixels = self.images.read(value[0])
        height, width = pixels.shape[:2]
        mask = None
        if self.masks is not None and value[1] is not None:
            mask = self.masks.read(value[1], height, width)
        found = None if self.boxes is None else self.boxes.read(value[2], height, width)
        corners, codes = (None, None) if found is None else found
        least = 0.0 if self.boxes is None else self.boxes.options.min_visibility
        return Item(Scene(pixels, mask, corners, None, "xyxy_relative", least), codes, (height, width))

    def augment(self, item: Item, change: Callable[[Any], Any]) -> Item:
        """The scene after a recipe."""
        return replace(item, scene=change(item.scene))

    def placed(self, item: Item) -> Item:
        """The scene in the batch's frame."""
        scene = item.scene
        height, width = scene.image.shape[:2]
        placement = Placement.of(height, width, self.images.size, self.images.options.fit)
        changed = replace(scene, image=placement.pixels(scene.image))
        if scene.boxes is not None:
            moved = np.column_stack([placement.corners(scene.corners), scene.box_numbers]).astype(np.float32)
            changed = changed.with_boxes(moved)
        if scene.mask is not None and self.masks is not None:
            labels = self.masks.labels(scene.mask)
            changed = replace(changed, mask=placement.classes(labels, self.masks.options.ignore_index))
        return replace(item, scene=changed)

    def finish(self, item: Item) -> Finished:
        """Pixels, labels and boxes of the batch's size."""
        placed = self.placed(item)
        scene, labels, boxes = placed.scene, None, None
        if self.masks is not None:
            ignored = self.masks.options.ignore_index
            labels = np.full(scene.image.shape[:2], ignored, np.int32) if scene.mask is None else scene.mask
        if self.boxes is not None:
            codes = np.zeros(0, np.int64) if item.codes is None else item.codes
            boxes = self.boxes.target(scene, codes, item.original)
        return Finished(scene.image, labels, boxes, self.annotated(item))

    def annotated(self, item: Item) -> bool:
        """Whether the row has what the task is about."""
        known = {"masks": item.scene.mask is not None, "boxes": item.codes is not None}
        return known.get(self.target or "", True)

    def collate(self, items: Sequence[Finished], names: Sequence[str]) -> dict[str, Any]:
        """`pixel_values`, and where the task has them masks (B, h, w) int64 and boxes, one dict for each image.

        What the task is about is called `labels`, and beside it stands `annotated` (B,) bool; the other `masks` or
        `boxes`. Padded pixels of a mask don't count.
        """
        found = pixel_entries(self.images.name, [item.pixels for item in items], names, self.images.options)
        if self.masks is not None:
            found["labels" if self.target == "masks" else "masks"] = self._stacked([item.labels for item in items])
        if self.boxes is not None:
            found["labels" if self.target == "boxes" else "boxes"] = self._boxes(items, found)
        if self.target is not None:
            found["annotated"] = np.array([item.annotated for item in items])
        return found

    def _stacked(self, labels: Sequence[Any]) -> Any:
        assert self.masks is not None
        if self.masks.options.different_sizes == "list":
            return [one.astype(np.int64) for one in labels]
        height, width = (max(one.shape[axis] for one in labels) for axis in (0, 1))
        batch = room((len(labels), height, width), np.int64)
        batch[...] = self.masks.options.ignore_index
        for place, one in zip(batch, labels):
            place[: one.shape[0], : one.shape[1]] = one
        return batch

    def _boxes(self, items: Sequence[Finished], found: dict[str, Any]) -> list[dict[str, np.ndarray]]:
        """The targets; shares of the sides are those of the padded picture, which is what a model sees."""
        targets = [item.boxes or {} for item in items]
        if self.images.options.different_sizes != "pad" or self.images.options.box_targets != "detr":
            return targets
        height, width = found[self.images.name].shape[-2:]
        shares = [np.array([w / width, h / height] * 2, np.float32) for h, w, _ in (i.pixels.shape for i in items)]
        size = np.array([height, width])
        return [one | {"boxes": one["boxes"] * share, "size": size} for one, share in zip(targets, shares)]

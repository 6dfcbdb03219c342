"""Images with masks or boxes that an image processor of transformers resizes and normalises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError, DataError
from curate.feed.inputs.guarded import Guarded
from curate.feed.inputs.processors import called, layout, takes
from curate.feed.inputs.scene import Item, Scenes

UNCOUNTED = 255
"""Value of a map of classes that does not count, as image processors of transformers take it."""


class FinishedScene(NamedTuple):
    """A scene for an image processor: pixels, map of classes, boxes as COCO has them, whether it is annotated."""

    pixels: np.ndarray
    classes: np.ndarray | None
    boxes: dict[str, Any] | None
    annotated: bool


@dataclass(frozen=True)
class ProcessedScenes(Guarded):
    """Images with masks or boxes, resized and normalised together by an image processor.

    Attributes:
        scenes: reads, decodes and augments.
        processor: an image processor that takes maps of classes, or annotations as of COCO.
        settings: of its call.
    """

    scenes: Scenes
    processor: Any
    settings: Mapping[str, Any]

    modality = "image"

    def __post_init__(self) -> None:
        """Refuse what the processor would leave out."""
        name = type(self.processor).__name__
        for part, argument in ((self.scenes.masks, "segmentation_maps"), (self.scenes.boxes, "annotations")):
            if part is not None and not takes(self.processor, argument):
                raise ConfigError(
                    f"the processor {name} takes no {argument}, so that the {part.column} would be left out"
                )
        if self.scenes.masks is not None and self.scenes.boxes is not None:
            raise ConfigError(f"the processor {name} gives labels for masks or for boxes: leave one out of the task")
        if self.scenes.masks is not None and len(self.scenes.masks.classes) > UNCOUNTED:
            raise ConfigError(f"the processor {name} takes maps of up to {UNCOUNTED} classes")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.scenes.columns

    def values(self, rows: pa.Table) -> Sequence[Any]:
        """Image, mask and boxes of each row."""
        return self.scenes.values(rows)

    def read(self, value: Any) -> Item:
        """The scene."""
        return self.scenes.read(value)

    def augment(self, item: Item, change: Callable[[Any], Any]) -> Item:
        """The scene after a recipe."""
        return self.scenes.augment(item, change)

    def finish(self, item: Item) -> FinishedScene:
        """The scene in its own size."""
        scene, classes, boxes = item.scene, None, None
        masks = self.scenes.masks
        if masks is not None:
            classes = np.full(scene.image.shape[:2], UNCOUNTED, np.uint8)
            if scene.mask is not None:
                numbers = masks.labels(scene.mask)
                counts = numbers != masks.options.ignore_index
                if int(numbers[counts].max(initial=0)) >= UNCOUNTED:
                    raise DataError(f"its mask holds {int(numbers[counts].max())}, and maps of classes end at 254")
                classes[counts] = numbers[counts]
        if self.scenes.boxes is not None:
            boxes = self.scenes.boxes.coco(scene, np.zeros(0, np.int64) if item.codes is None else item.codes)
        return FinishedScene(scene.image, classes, boxes, self.scenes.annotated(item))

    def collate(self, items: Sequence[FinishedScene], names: Sequence[str]) -> dict[str, Any]:
        """The entries that the processor gives; its `labels` are `masks` or `boxes` where the task is about others."""
        more: dict[str, Any] = {}
        if self.scenes.masks is not None:
            more["segmentation_maps"] = [item.classes for item in items]
        else:
            more["annotations"] = [item.boxes for item in items]
        pixels = [item.pixels for item in items]
        found = called(self.processor, self.settings, pixels, **layout(pixels), **more)
        labels: Any = found.get("labels")
        if self.scenes.masks is not None and hasattr(labels, "masked_fill"):
            found["labels"] = labels.long().masked_fill(labels == UNCOUNTED, self.scenes.masks.options.ignore_index)
        if self.scenes.target is None:
            found["masks" if self.scenes.masks is not None else "boxes"] = found.pop("labels")
            return found
        return found | {"annotated": np.array([item.annotated for item in items])}

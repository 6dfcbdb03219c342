"""Segmentation masks on their way into a batch: values of pixels as numbers of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from curate.errors import DataError
from curate.feed.inputs.image import MediaValue
from curate.feed.inputs.options import InputOptions
from curate.media import mask
from curate.media.payload import read_bytes
from curate.task import BACKGROUND_NAMES
from curate.wording import some_of

OBJECT = 255
"""Value of the object in many masks of two classes, white on black."""
MOST = 1 << 16
SHOWN = 6


@dataclass(frozen=True)
class Masks:
    """The column of masks of a task.

    Attributes:
        column: its name.
        root: folder that paths are relative to.
        options: background, ignored value, and what stands for it in the batch.
        names: the classes.
        white: 255 is the second of two classes, as found in the first masks.
    """

    column: str
    root: Path | None
    options: InputOptions
    names: tuple[str, ...]
    white: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """What the numbers of the labels mean, from 0; none where the task names no classes."""
        return with_background(self.names, self.options.background)

    def read(self, value: MediaValue, height: int, width: int) -> np.ndarray | None:
        """(height, width) uint8 or uint16 values as they stand in the file; None where a row has no mask.

        A mask of another size, but of its image's proportions, is brought to the size of the image.

        Raises:
            DataError: it can't be decoded, holds values that are no classes, or does not fit its image.
        """
        if value[0] is None and value[1] is None:
            return None
        found = mask.decode(read_bytes(value, self.root, self.options.max_bytes), self.options.max_pixels).values
        low, high = int(found.min()), int(found.max())
        if low < 0 or high >= MOST:
            raise DataError(f"its mask holds values from {low} to {high} (colours?), which are no numbers of classes")
        found = found.astype(np.uint8 if high < 256 else np.uint16, copy=False)
        strange = self._strange.take(found)
        if strange.any():
            values = np.unique(found[strange])
            raise DataError(
                f"its mask holds {some_of(values, SHOWN)}, and the classes are 0 to"
                f" {len(self.classes) - 1}" + self._beside()
            )
        return _of_size(found, height, width)

    def labels(self, values: np.ndarray) -> np.ndarray:
        """Values -> (h, w) int32 numbers of classes; `ignore_index` for what does not count."""
        return self._numbers.take(values)

    def _beside(self) -> str:
        ignored = self.options.ignore_value
        return "" if ignored is None or self.white else f" (and {ignored}, which does not count: ignore_value)"

    @cached_property
    def _known(self) -> np.ndarray:
        """(65536,) int32: class of each value, -1 of a strange one, the largest int32 of one that does not count."""
        lut = np.full(MOST, -1, np.int32)
        count = len(self.classes) or MOST
        lut[:count] = np.arange(min(count, MOST))
        ignored = self.options.ignore_value
        if self.white:
            lut[OBJECT] = 1
        elif ignored is not None and (not self.names or ignored >= count):
            lut[ignored] = np.iinfo(np.int32).max
        return lut

    @cached_property
    def _strange(self) -> np.ndarray:
        """(65536,) bool: the values that are no classes."""
        return self._known == -1

    @cached_property
    def _numbers(self) -> np.ndarray:
        """(65536,) int32: label of each value; strange ones come from operations that fill, and don't count."""
        known = self._known
        return np.where((known < 0) | (known == np.iinfo(np.int32).max), self.options.ignore_index, known)


def with_background(names: Sequence[str], background: int | None) -> tuple[str, ...]:
    """The classes of pixels: those of a task, with the value 0 before them where it is none of them."""
    if not names or background != 0 or any(name.lower() in BACKGROUND_NAMES for name in names):
        return tuple(names)
    return ("background", *names)


def white_on_black(masks: Sequence[np.ndarray], classes: int) -> bool:
    """Whether 255, and never 1, stands for the second of two classes in some masks."""
    values = {int(value) for one in masks for value in np.unique(one)}
    return classes in (0, 2) and OBJECT in values and values <= {0, OBJECT}


def _of_size(found: np.ndarray, height: int, width: int) -> np.ndarray:
    h, w = found.shape
    if (h, w) == (height, width):
        return found
    # Within a pixel of the same proportions.
    if abs(h * width - w * height) > max(height, width):
        turned = "; it fits when turned: the image was, by its EXIF orientation" if (w, h) == (height, width) else ""
        raise DataError(f"its mask has {w} x {h} pixels, the image {width} x {height}{turned}")
    from curate.feed.inputs.placement import Placement

    return Placement((height, width), (height, width)).classes(found, 0)

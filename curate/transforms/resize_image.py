"""The step that brings images to a size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from curate.media import image, mask
from curate.media.item import DecodeError
from curate.step import Transform
from curate.transforms._columns import replaced
from curate.transforms.media.pixels import Fit, Format, Frame, Interpolation, written
from curate.transforms.media.rewriting import MEDIA, rewrite, with_failures

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task

Pixels = Annotated[int, Field(ge=1, le=16_384)]


class ResizeImage(Transform):
    """Brings the images of all splits to a size, and their masks and boxes along.

    What has the size already stays byte for byte; what changes is turned upright by its EXIF orientation and written
    anew. Masks take the nearest pixel, so that their classes stay. An image that can't be read stays, and is reported.
    Cost: one decoding and one encoding of each image that changes, on all cores.
    Source: OpenCV (resize).
    """

    modalities = ("image",)

    size: Pixels | tuple[Pixels, Pixels] = Field(
        224, description="pixels: of one side (see `side`), or height and width of the result"
    )
    side: Literal["shorter", "longer", "height", "width", "both"] = Field(
        "shorter", description="which side gets `size` where that is one number; both makes a square"
    )
    aspect: Fit = Field(
        "squash",
        description="where both sides are given: squash the image, letterbox it (`fill` around), or crop what is over",
    )
    fill: int = Field(0, ge=0, le=255, description="grey level around letterboxed images; masks get 0 there")
    enlarge: bool = Field(True, description="whether smaller images are enlarged; else they stay as they are")
    interpolation: Interpolation = Field(
        "auto", description="auto averages areas when shrinking and is cubic when enlarging"
    )
    format: Format = Field(
        "same", description="of the files that are written; same keeps JPEG and WebP, and makes all else PNG"
    )
    quality: int = Field(95, ge=1, le=100, description="of JPEG and WebP")

    def refuses(self, task: Task) -> str | None:
        """Cropping would lose boxes."""
        if self.aspect == "crop" and task.boxes and self._both:
            return "resize_image: aspect: crop would cut boxes off; use squash or letterbox"
        return super().refuses(task)

    @property
    def _both(self) -> bool:
        return isinstance(self.size, tuple) or self.side == "both"

    def frame(self, height: int, width: int) -> Frame | None:
        """Where an image of that size comes to lie; None where it stays as it is."""
        if isinstance(self.size, tuple):
            wanted = self.size
        elif self.side == "both":
            wanted = (self.size, self.size)
        else:
            sides = {"shorter": min, "longer": max}.get(self.side)
            now = sides(height, width) if sides else {"height": height, "width": width}[self.side]
            wanted = (max(1, round(height * self.size / now)), max(1, round(width * self.size / now)))
        smaller = wanted[0] > height and wanted[1] > width
        if wanted == (height, width) or (smaller and not self.enlarge):
            return None
        return Frame((height, width), wanted, self.aspect if self._both else "squash")

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with images of the size.

        Raises:
            DataError: there is no room for what is written.
            MissingPackage: the extra ``image`` is not installed.
        """
        task = table.task
        names = [name for name in (task.image, task.mask) if name]
        schema = pa.schema([(name, MEDIA) for name in names])
        frames: dict[int, Frame] = {}

        def change(row: int, data: Mapping[str, bytes]) -> list[dict[str, Any]] | None:
            given = image.decode(data[names[0]])
            frame = self.frame(given.height, given.width)
            if frame is None and self.format in ("same", given.format.lower()):
                return None
            pixels = given.pixels if frame is None else frame.place(given.pixels, self.interpolation, self.fill)
            made: dict[str, Any] = {names[0]: written(pixels, given, self.format, self.quality)}
            if task.mask:
                made[task.mask] = _mask(data.get(task.mask), given.pixels.shape[:2], frame)
            if frame is not None:
                frames[row] = frame
            return [made]

        result = rewrite(table, names, schema, change)
        columns: dict[str, Any] = dict(result.columns)
        if task.boxes:
            columns[task.boxes] = _boxes(table, frames)
        return with_failures(replaced(table, columns), result.failures)


def _mask(data: bytes | None, size: tuple[int, ...], frame: Frame | None) -> bytes | None:
    """The mask of an image in its frame, as a PNG of the same values."""
    if data is None or frame is None:
        return data
    given = mask.decode(data)
    if given.values.shape != size:
        raise DecodeError(f"the mask is {given.values.shape[1]}x{given.values.shape[0]} pixels, its image is not")
    values = given.values
    if given.in_colour:
        values = np.stack([values >> 16, (values >> 8) & 255, values & 255], axis=-1).astype(np.uint8)
    elif values.dtype != np.uint8:
        values = values.astype(np.uint16)
    return image.encode_png(frame.place(values, "nearest"))


def _boxes(table: Table, frames: Mapping[int, Frame]) -> pa.Array:
    """The column of boxes, those of changed images moved along."""
    column = table.column(str(table.task.boxes))
    rows = column.to_pylist()
    form = table.task.box_format or "xyxy"
    for row, frame in frames.items():
        for box in rows[row] or ():
            if box is not None and box["box"] is not None and all(v is not None for v in box["box"]):
                box["box"] = frame.move(box["box"], form)
    return pa.array(rows, column.type)

"""What people drew on pictures, whatever the tool: outlines become the boxes around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from curate.sources.annotations.boxes import BOXES
from curate.sources.formats.coco import image_folder
from curate.sources.raw import Raw
from curate.wording import counted

LABELS = ("label", "class", "name", "type", "category", "object", "class_name")
"""Attributes that say what an object is, the surest first."""


def around(points: Iterable[Sequence[float]]) -> list[float] | None:
    """Left, top, right and bottom of (x, y) points; None for fewer than two."""
    corners = [(float(point[0]), float(point[1])) for point in points]
    if len(corners) < 2:
        return None
    xs, ys = zip(*corners, strict=True)
    return [min(xs), min(ys), max(xs), max(ys)]


def around_ellipse(x: float, y: float, width: float, height: float) -> list[float]:
    """Left, top, right and bottom by the middle and the half axes."""
    return [x - width, y - height, x + width, y + height]


def named(attributes: Any) -> str | None:
    """The class among the attributes of an object: text, or what is ticked."""
    if not isinstance(attributes, Mapping):
        return None
    lowered = {str(key).lower(): value for key, value in attributes.items()}
    for value in (*(lowered[name] for name in LABELS if name in lowered), *lowered.values()):
        if isinstance(value, Mapping):
            value = next((name for name, ticked in value.items() if ticked), None)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def of_images(
    path: Path,
    source: str,
    images: Sequence[str],
    boxes: Sequence[list[dict[str, Any]]],
    outlines: int,
    wrong: Mapping[int, str],
    columns: Mapping[str, pa.Array] | None = None,
) -> Raw:
    """A row per picture of one file of annotations.

    Args:
        path: the file; pictures lie beside it or in a folder there.
        source: its name for messages.
        images: (n,) names of the pictures.
        boxes: (n,) of each, by corners in pixels.
        outlines: objects that were drawn otherwise than as boxes.
        wrong: row -> what is drawn there and can't be read.
        columns: others.
    """
    notes = [f"{path.name}: outlines of {counted(outlines, 'object')} are not read; the boxes around them are"]
    roles = {"image": "image", "boxes": "boxes", "box_format": "xyxy"}
    made = {"image": pa.array(images, pa.string()), "boxes": pa.array(boxes, BOXES), **(columns or {})}
    return Raw(
        pa.table(made),
        source,
        root=path.parent,
        bases=(image_folder(path.parent, images[0]),),
        remarks=[(row, "box_format", f"boxes: {why}") for row, why in wrong.items()],
        notes=tuple(notes if outlines else ()),
        roles={**roles, **({"split": "split"} if columns and "split" in columns else {})},
        media={"image": "image"},
    )

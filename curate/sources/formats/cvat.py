"""Pictures as CVAT exports them ("CVAT for images"): one XML file with boxes, outlines and tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa

from curate.errors import DataError
from curate.sources.formats.drawn import around, around_ellipse, of_images
from curate.sources.raw import Raw
from curate.sources.splits import CANONICAL

LARGEST_FILE = 1 << 30
"""Bytes."""
MOST_FILES = 20
"""XML files in a folder, beyond which there is one per picture."""
SHAPES = ("box", "polygon", "polyline", "ellipse", "points", "mask", "cuboid", "skeleton")


def is_cvat(path: Path) -> bool:
    """Whether an XML file begins as such a list does."""
    try:
        with path.open("rb") as file:
            head = file.read(4_096)
    except OSError:
        return False
    return b"<annotations" in head and b"<annotation>" not in head


def cvat_files(folder: Path, files: Sequence[str]) -> list[str]:
    """Files of this form among those of a folder, where XML files are few."""
    found = [path for path in files if path.lower().endswith(".xml")]
    return [path for path in found if is_cvat(folder / path)] if len(found) <= MOST_FILES else []


def read_cvat(path: Path, source: str) -> Raw:
    """A row per picture with its boxes; where nothing is drawn, with its tags as labels.

    Raises:
        DataError: the file is too large, no XML, defines entities, or lists no picture.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise DataError(f"{source}: has more than {LARGEST_FILE >> 30} GB")
    content = path.read_bytes()
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise DataError(f"{source}: defines a document type or entities, which are not read")
    try:
        images = ElementTree.fromstring(content).findall("image")
    except ElementTree.ParseError as error:
        raise DataError(f"{source}: can't be read: {error}") from error
    if not images:
        raise DataError(f"{source}: lists no picture (of videos export frames as images, or as COCO)")
    names = [image.get("name") or "" for image in images]
    columns: dict[str, pa.Array] = {}
    splits = [CANONICAL.get((image.get("subset") or "").lower()) for image in images]
    if any(splits):
        columns["split"] = pa.array(splits, pa.string())
    outlines, wrong = 0, {}
    boxes: list[list[dict[str, Any]]] = []
    for row, image in enumerate(images):
        boxes.append([])
        for shape in image:
            if shape.tag not in SHAPES:
                continue
            box = _box(shape)
            outlines += box is not None and shape.tag != "box"
            if box is None:
                wrong[row] = f"{shape.tag} is no box, and none is around it"
            boxes[-1].append({"box": box, "label": shape.get("label")})
    raw = of_images(path, source, names, boxes, outlines, wrong, columns)
    return raw if any(boxes) else _tagged(raw, images)


def _box(shape: ElementTree.Element) -> list[float] | None:
    try:
        if shape.tag == "box":
            return [float(shape.attrib[side]) for side in ("xtl", "ytl", "xbr", "ybr")]
        if shape.tag == "ellipse":
            x, y, width, height = (float(shape.attrib[name]) for name in ("cx", "cy", "rx", "ry"))
            return around_ellipse(x, y, width, height)
        if shape.tag == "mask":
            left, top = float(shape.attrib["left"]), float(shape.attrib["top"])
            return [left, top, left + float(shape.attrib["width"]), top + float(shape.attrib["height"])]
        return around([float(one) for one in point.split(",")] for point in shape.attrib["points"].split(";"))
    except (KeyError, ValueError, IndexError):
        return None


def _tagged(raw: Raw, images: list[ElementTree.Element]) -> Raw:
    """Pictures with their tags as labels, in a list where some have several; as they are where none has any."""
    tags = [[tag.get("label") for tag in image.findall("tag")] for image in images]
    if not any(tags):
        return raw
    lone = all(len(found) < 2 for found in tags)
    column = pa.array([(found[0] if found else None) if lone else found for found in tags])
    roles = {role: name for role, name in raw.roles.items() if role not in ("boxes", "box_format")}
    columns = raw.columns.drop_columns(["boxes"]).append_column("label", column)
    return replace(raw, columns=columns, roles={**roles, "label": "label"})

"""Files with the boxes of one image: of YOLO, KITTI, Pascal VOC and LabelMe."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from curate.errors import DataError
from curate.sources.formats.drawn import around, around_ellipse

LARGEST_FILE = 16 << 20
"""Bytes of a label file, or of a list of a split."""
NO_BOX: dict[str, Any] = {"box": None, "label": None}
"""Stands for what can't be read, so that `box_quality` flags the row."""
Found = tuple[list[dict[str, Any]], list[str], int]
"""Boxes of a file, what is wrong with it, and outlines that became boxes."""


def content(path: Path) -> bytes:
    """The bytes of a file. Raises DataError where it is larger than any of boxes is."""
    if path.stat().st_size > LARGEST_FILE:
        raise DataError(f"it has more than {LARGEST_FILE >> 20} MB")
    return path.read_bytes()


def is_yolo(path: Path) -> bool:
    """Whether the first line is a class and the numbers of a box or an outline; files without a line may be."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            words = file.readline(10_000).split()
        return not words or (len(words) >= 5 and all(math.isfinite(float(word)) for word in words))
    except (OSError, ValueError):
        return False


def is_kitti(path: Path) -> bool:
    """Whether the first line is a class, three numbers about it, and the rest of KITTI's fifteen fields."""
    words = content(path).decode("utf-8", "replace").split("\n", 1)[0].split()
    return not words or (len(words) in (15, 16) and not words[0][0].isdigit())


def is_voc(path: Path) -> bool:
    """Whether an XML file begins as one of Pascal VOC does."""
    try:
        with path.open("rb") as file:
            return b"<annotation" in file.read(4_096)
    except OSError:
        return False


def yolo(text: str, path: str, names: Mapping[int, str]) -> Found:
    """The boxes of a file: a class and middle, width and height as shares of the image, or the places of an outline."""
    boxes: list[dict[str, Any]] = []
    wrong: list[str] = []
    outlines = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not (words := line.split()):
            continue
        try:
            code, values = float(words[0]), [float(word) for word in words[1:]]
        except ValueError:
            code, values = math.nan, []
        shaped = len(values) == 4 or (len(values) >= 6 and len(values) % 2 == 0)
        if not code.is_integer() or not shaped or not all(map(math.isfinite, values)):
            wrong.append(f"line {number} of {path} is {line.strip()[:60]!r}: a class and four numbers are needed")
            boxes.append(NO_BOX)
            continue
        if len(values) > 4:
            outlines += 1
            (left, right), (top, bottom) = ((min(side), max(side)) for side in (values[::2], values[1::2]))
            values = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
        label = names.get(int(code)) or (f"category {int(code)}" if names else str(int(code)))
        boxes.append({"box": values, "label": label})
    return boxes, wrong, outlines


def kitti(content: bytes, path: str) -> Found:
    """The boxes of a file, by their corners in pixels; parts that nobody labelled (DontCare) are none."""
    boxes: list[dict[str, Any]] = []
    wrong: list[str] = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        words = line.split()
        if not words or words[0] == "DontCare":
            continue
        try:
            box = [float(word) for word in words[4:8]]
        except ValueError:
            box = []
        if len(box) < 4:
            wrong.append(f"line {number} of {path} is {line.strip()[:60]!r}: the corners of a box are needed")
        boxes.append({"box": box if len(box) == 4 else None, "label": words[0]})
    return boxes, wrong, 0


def voc(content: bytes, path: str) -> Found:
    """The boxes of a file, by their corners in pixels."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise DataError("defines a document type or entities, which are not read")
    boxes: list[dict[str, Any]] = []
    wrong: list[str] = []
    for number, one in enumerate(ElementTree.fromstring(content).iter("object"), 1):
        label = (one.findtext("name") or "").strip() or None
        sides = [one.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
        try:
            box = [float(side or "") for side in sides]
        except ValueError:
            box = None
            wrong.append(f"object {number} of {path} has the corners {sides}, four numbers are needed")
        boxes.append({"box": box, "label": label})
    return boxes, wrong, 0


def is_labelme(path: Path) -> bool:
    """Whether a JSON file begins as one of LabelMe does."""
    try:
        with path.open("rb") as file:
            head = file.read(4_096)
    except OSError:
        return False
    return b'"shapes"' in head and (b'"flags"' in head or b'"version"' in head)


def labelme(content: bytes, path: str) -> Found:
    """The boxes of a file by their corners in pixels, and those around outlines; points are none."""
    try:
        document = json.loads(content)
    except RecursionError as error:
        raise DataError("nested too deeply") from error
    shapes = document.get("shapes") if isinstance(document, dict) else None
    if not isinstance(shapes, list):
        raise DataError("there is no list of shapes")
    boxes: list[dict[str, Any]] = []
    wrong: list[str] = []
    outlines = 0
    for number, shape in enumerate(shapes, 1):
        kind = shape.get("shape_type", "polygon") if isinstance(shape, dict) else None
        box = _around(shape, kind)
        outlines += box is not None and kind != "rectangle"
        if box is None:
            wrong.append(f"shape {number} of {path} ({str(kind)[:40]}) is no box, and none is around it")
        boxes.append({"box": box, "label": shape.get("label") if isinstance(shape, dict) else None})
    return boxes, wrong, outlines


def _around(shape: Any, kind: str | None) -> list[float] | None:
    try:
        points = [(float(x), float(y)) for x, y in shape["points"]]
    except (TypeError, KeyError, ValueError):
        return None
    if kind == "circle" and len(points) == 2:
        (x, y), edge = points
        return around_ellipse(x, y, math.dist((x, y), edge), math.dist((x, y), edge))
    box = around(points)
    return box if box is not None and all(map(math.isfinite, box)) else None

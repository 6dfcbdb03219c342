"""Tables with a row per box (Open Images, exports for TensorFlow, RetinaNet) as rows of an image and all its boxes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.media.content import is_media
from curate.sources.annotations.box_styles import SIDES
from curate.sources.annotations.boxes import BOXES, RELATIVE_MOST
from curate.sources.columns.column_types import is_number, is_text
from curate.sources.columns.media_columns import find_media
from curate.sources.raw import Raw
from curate.task import Task
from curate.wording import counted, some_of

LABELS = ("class", "label", "labelname", "label_name", "class_name", "category", "category_id", "class_id", "name")
BOX = ("bbox", "box")
"""Columns with the four numbers of a box as text."""
PREDICTIONS = "predictionstring"
FIVE = r"\S+(\s+-?[0-9.]+){4}\s*"
"""A class and the corners of its box."""
MADE = "boxes"


def with_box_rows(raw: Raw, given: Task) -> Raw:
    """The rows, one per image, where images stand in several rows and columns have the sides of a box.

    Of the other columns those stay that are the same in all rows of an image. A row without any of its four numbers
    says that the image has no box.
    """
    if given.kind not in (None, "detection") or given.label or given.boxes or MADE in raw.columns.column_names:
        return raw
    found = _sides(raw)
    if found is None:
        return _of_predictions(raw)
    image = given.image or next((name for name, kind in find_media(raw).kinds.items() if kind == "image"), None)
    if image is None or not is_text(raw.columns[image].type):
        return raw
    style, sides = found
    files = raw.columns[image].to_pylist()
    known = [file for file in files if file is not None]
    if len(set(known)) == len(known):
        return raw
    by_name = {name.strip().lower(): name for name in raw.columns.column_names}
    label = next((by_name[name] for name in LABELS if name in by_name and by_name[name] not in sides), None)
    boxes, remarks = _boxes(raw, sides, label)
    return _grouped(raw, files, boxes, remarks, style, {*sides, label} - {None})


def _of_predictions(raw: Raw) -> Raw:
    """The rows with boxes for Kaggle's column ``PredictionString`` of ImageNet (``n01440764 240 170 260 240``)."""
    name = next((name for name in raw.columns.column_names if name.lower() == PREDICTIONS), None)
    if name is None or not is_text(raw.columns[name].type):
        return raw
    if not pc.all(pc.match_substring_regex(raw.columns[name], rf"^\s*({FIVE})+$")).as_py():
        return raw
    words = [None if text is None else text.split() for text in raw.columns[name].to_pylist()]
    boxes = [
        None if found is None else [
            {"box": [float(word) for word in found[k + 1 : k + 5]], "label": found[k]} for k in range(0, len(found), 5)
        ]
        for found in words
    ]  # fmt: skip
    raw = replace(raw, columns=raw.columns.drop_columns([name])).with_column(MADE, pa.array(boxes, BOXES))
    return replace(raw, roles={**raw.roles, MADE: MADE, "box_format": "xyxy"})


def _sides(raw: Raw) -> tuple[str, tuple[str, ...]] | None:
    """The format of the boxes, and the columns of their numbers."""
    by_name = {name.strip().lower(): name for name in raw.columns.column_names}
    for style, alternatives in SIDES.items():
        for names in alternatives:
            columns = tuple(by_name[name] for name in names if name in by_name)
            if len(columns) == 4 and all(is_number(raw.columns[name].type) for name in columns):
                return style, columns
    lone = next((by_name[name] for name in BOX if name in by_name), None)
    if lone is None or not is_text(raw.columns[lone].type):
        return None
    head = [_four(text) for text in raw.columns[lone].drop_null().slice(0, 50).to_pylist()]
    return ("", (lone,)) if head and None not in head else None


def _four(text: str) -> list[float] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    plain = isinstance(found, list) and len(found) == 4 and all(isinstance(one, int | float) for one in found)
    return [float(one) for one in found] if plain else None


_Box = dict[str, Any] | None


def _boxes(raw: Raw, sides: Sequence[str], label: str | None) -> tuple[list[_Box], list[tuple[int, str, str]]]:
    """The box of each row, None where all its numbers are missing, and remarks on those with some of them."""
    classes = [None] * len(raw) if label is None else raw.columns[label].cast(pa.string()).to_pylist()
    if len(sides) == 1:
        values = [(None,) if text is None else _four(text) or ("?",) for text in raw.columns[sides[0]].to_pylist()]
    else:
        values = list(zip(*(raw.columns[name].to_pylist() for name in sides), strict=True))
    boxes: list[_Box] = []
    remarks: list[tuple[int, str, str]] = []
    for row, numbers in enumerate(values):
        if all(number is None for number in numbers):
            boxes.append(None)
            continue
        box = [number for number in numbers if isinstance(number, int | float) and math.isfinite(number)]
        if len(box) < 4:
            remarks.append((row, "box_format", f"boxes: {', '.join(map(str, numbers))}: four numbers are needed"))
        boxes.append({"box": [*map(float, box)] if len(box) == 4 else None, "label": classes[row]})
    return boxes, remarks


def _grouped(
    raw: Raw, files: Sequence[str | None], boxes: Sequence[_Box], remarks: Sequence[tuple[int, str, str]], style: str,
    gone: set[str | None],
) -> Raw:  # fmt: skip
    places: dict[Any, int] = {}
    of_row = np.array(
        [places.setdefault((row,) if file is None else file, len(places)) for row, file in enumerate(files)]
    )
    first = np.unique(of_row, return_index=True)[1]
    column: list[list[_Box] | None] = [[] for _ in places]
    for place, file, box in zip(of_row.tolist(), files, boxes, strict=True):
        if box is not None:
            column[place] = [*(column[place] or []), box]
        if file is None:
            column[place] = None
    kept = [
        name for name in raw.columns.column_names if name not in gone and _constant(raw.columns[name], of_row, first)
    ]
    left = [name for name in raw.columns.column_names if name not in gone and name not in kept]
    notes = [f"{counted(len(files), 'row')} of boxes are {counted(len(places), 'image')}"]
    if left:
        notes[0] += f"; columns that differ between the boxes of an image are left out ({some_of(left, 4, repr)})"
    whole = replace(raw, columns=raw.columns.select(kept)).take(first)
    whole = whole.with_column(MADE, pa.array(column, BOXES))
    told = [(int(of_row[row]), issue, why) for row, issue, why in (*raw.remarks, *remarks)]
    most = max((abs(number) for box in boxes if box and box["box"] for number in box["box"]), default=0.0)
    form = {"box_format": style + ("_relative" if most <= RELATIVE_MOST else "")} if style else {}
    return replace(whole, remarks=told, notes=(*raw.notes, *notes), roles={**raw.roles, MADE: MADE, **form})


def _constant(column: pa.ChunkedArray, of_row: np.ndarray, first: np.ndarray) -> bool:
    """Whether all rows of an image have the value of its first row."""
    if pa.types.is_nested(column.type) or is_media(column.type):
        return False
    again = column.take(pa.array(first[of_row]))
    return (
        pc.all(pc.fill_null(pc.equal(column, again), pc.and_(column.is_null(), again.is_null()))).as_py() is not False
    )

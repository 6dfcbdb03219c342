"""Bounding boxes in all the forms in which data sets write them, as one: lists of four numbers and a class."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError
from curate.sources.annotations.box_styles import SIDES, Box, restyled, said
from curate.wording import counted

BOXES = pa.list_(pa.struct([("box", pa.list_(pa.float64())), ("label", pa.string())]))
"""What a column of boxes is once it is read: four numbers in the task's `box_format`, and the class or null."""
BOX_KEYS = ("box", "boxes", "bbox", "bboxes", "bounding_box", "bounding_boxes", "coordinates")
CREATE_ML = "coordinates"
"""Key of CreateML, whose x and y are those of the middle."""
LABEL_KEYS = (
    "label", "labels", "class", "classes", "category", "categories", "category_name", "class_name", "name",
    "category_id", "class_id", "label_id",
)  # fmt: skip
SHARE = 0.2
"""More boxes than this that make no sense in a format say that it is another one."""
RELATIVE_MOST = 1.5
"""Boxes all of whose numbers are at most this are shares of the image's sides."""


@dataclass(frozen=True)
class Boxes:
    """A column of boxes, ready for use.

    Attributes:
        column: `BOXES`; null where a row has no annotation at all.
        format: of the numbers, in the terms of the task's `box_format`.
        names: the classes that occur, sorted.
        remarks: (row, issue, reason) about boxes that are no four numbers; they stand as null.
        notes: how the boxes were read.
    """

    column: pa.ChunkedArray
    format: str
    names: tuple[str, ...]
    remarks: list[tuple[int, str, str]]
    notes: tuple[str, ...]


def read_boxes(
    values: Sequence[Any], labels: Sequence[Any] | None = None, known: str | None = None, names: Sequence[str] = ()
) -> Boxes:
    """Bring boxes into one form.

    Taken are lists of ``[a, b, c, d]`` or ``[a, b, c, d, class]``, of mappings (``{"bbox": [...], "label": ...}``,
    ``{"xmin": ..., "ymin": ..., "xmax": ..., "ymax": ...}``), mappings of lists (``{"bbox": [[...]], "category":
    [...]}``), and JSON text of any of these.

    Args:
        values: of n rows.
        labels: of n rows, lists with the class of each box, where they stand in a column of their own.
        known: the format, where the user or the source says so; found from keys or values otherwise.
        names: the classes in their order, so that numbers can be told from names.
    """
    rows: list[list[Box] | None] = []
    remarks: list[tuple[int, str, str]] = []
    styles: list[str | None] = []
    for row, value in enumerate(values):
        found, style, wrong = _row(value)
        if labels is not None and found is not None:
            found, more = _with_labels(found, labels[row])
            wrong = [*wrong, *more]
        rows.append(found)
        styles.append(style)
        remarks += [(row, "box_format", f"boxes: {reason}") for reason in wrong]
    style, format, notes = _format(rows, [s for s in styles if s], known)
    if style is not None:
        rows = [r if s in (None, style) or r is None else restyled(r, s, style) for r, s in zip(rows, styles)]
    rows = [None if r is None else [(box, _named(label, names)) for box, label in r] for r in rows]
    classes = tuple(sorted({label for r in rows if r for _, label in r if label is not None}, key=_by_number))
    arrow = pa.array([None if r is None else [{"box": b, "label": c} for b, c in r] for r in rows], BOXES)
    return Boxes(pa.chunked_array([arrow]), format, tuple(names) or classes, remarks, notes)


def looks_like_boxes(column: pa.ChunkedArray) -> bool:
    """Whether the first values of a column hold boxes, in any of the forms."""
    sample = column.drop_null().slice(0, 50).to_pylist()
    good = 0
    for value in sample:
        found, _, wrong = _row(value)
        good += found is not None and not wrong
    return bool(sample) and good > len(sample) / 2


def _row(value: Any) -> tuple[list[Box] | None, str | None, list[str]]:
    """The boxes of a row, the style that their keys tell, and what is wrong with it."""
    if isinstance(value, str):
        if not value.strip():
            return None, None, []
        try:
            value = json.loads(value, parse_constant=float)
        except (ValueError, RecursionError) as error:
            return None, None, [f"no JSON ({str(error)[:80]})"]
    if value is None:
        return None, None, []
    if isinstance(value, Mapping):
        return _mapping(value)
    if not isinstance(value, list | tuple | np.ndarray):
        return None, None, [f"a list is needed, found {type(value).__name__}"]
    items = list(value)
    if len(items) in (4, 5) and all(_number(item) is not None for item in items[:4]):
        items = [items]
    boxes: list[Box] = []
    wrong: list[str] = []
    style = None
    for place, item in enumerate(items):
        box, found, reason = _one(item)
        boxes.append(box)
        style = style or found
        if reason:
            wrong.append(f"box {place + 1} of {len(items)} {reason}")
    return boxes, style, wrong


def _mapping(value: Mapping[str, Any]) -> tuple[list[Box] | None, str | None, list[str]]:
    """One box as a mapping, or lists of boxes and classes side by side."""
    keys = {str(key).lower(): key for key in value}
    numbers = next((value[keys[k]] for k in BOX_KEYS if k in keys), None)
    if isinstance(numbers, list | tuple) and (not numbers or isinstance(numbers[0], list | tuple | None)):
        classes = next((value[keys[k]] for k in LABEL_KEYS if k in keys and isinstance(value[keys[k]], list)), None)
        boxes, style, wrong = _row(list(numbers))
        if boxes is not None and classes is not None:
            boxes, more = _with_labels(boxes, classes)
            wrong = [*wrong, *more]
        return boxes, style, wrong
    box, style, reason = _one(value)
    return [box], style, [f"the box {reason}"] if reason else []


def _one(item: Any) -> tuple[Box, str | None, str | None]:
    """One box: ``(numbers, class)``, the style that its keys tell, and why it is none."""
    label, style = None, None
    if isinstance(item, Mapping):
        keys = {str(key).lower(): key for key in item}
        label = next((_label(item[keys[k]]) for k in LABEL_KEYS if k in keys and item[keys[k]] is not None), None)
        given = [item[keys[k]] for k in BOX_KEYS if k in keys]
        numbers = next((value for value in given if value is not None), None)
        if given and numbers is None:  # said to be missing: a finding, and no fault of the form
            return (None, label), None, None
        if isinstance(numbers, Mapping):
            (found, _), style, reason = _one(numbers)
            style = "cxcywh" if CREATE_ML in keys and style == "xywh" else style
            return (found, label), style, reason
        if numbers is None:
            style, sides = next(
                ((s, names) for s, all_names in SIDES.items() for names in all_names if set(names) <= keys.keys()),
                (None, ()),
            )
            numbers = [item[keys[side]] for side in sides]
    else:
        numbers = item
    if not isinstance(numbers, list | tuple | np.ndarray):
        return (None, label), style, f"is {type(item).__name__}, four numbers are needed"
    given = list(numbers)
    if len(given) == 5:
        label = _label(given.pop()) if label is None else label
    coordinates = [_number(value) for value in given]
    if len(coordinates) != 4 or any(value is None for value in coordinates):
        return (None, label), style, f"is {str(numbers)[:60]}, four numbers are needed"
    return ([float(value) for value in coordinates if value is not None], label), style, None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float | np.number):
        return float(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", value):
        return float(value)
    return None


def _label(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


def _named(label: str | None, names: Sequence[str]) -> str | None:
    """A class by its number as its name, where the names are known and are no numbers themselves."""
    if label is None or not names or label in names or not label.isdigit() or int(label) >= len(names):
        return label
    return names[int(label)]


def _with_labels(boxes: list[Box], labels: Any) -> tuple[list[Box], list[str]]:
    given = list(labels) if isinstance(labels, list | tuple | np.ndarray) else [] if labels is None else [labels]
    many = f"{counted(len(boxes), 'box', 'boxes')}, but {counted(len(given), 'class', 'classes')}"
    wrong = [] if len(given) == len(boxes) else [many]
    given += [None] * (len(boxes) - len(given))
    return [(box, own if own is not None else _label(label)) for (box, own), label in zip(boxes, given)], wrong


def _format(
    rows: Sequence[list[Box] | None], styles: Sequence[str], known: str | None
) -> tuple[str | None, str, tuple[str, ...]]:
    """(style to which keyed boxes are brought, format, how it was found)."""
    boxes = [box for r in rows if r for box, _ in r if box is not None]
    numbers = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    numbers = numbers[np.isfinite(numbers).all(1)]
    if known is not None:
        style = known.removesuffix("_relative")
        return style, known, (f"boxes: {said(known)}",)
    relative = "_relative" if len(numbers) and np.quantile(np.abs(numbers), 0.99) <= RELATIVE_MOST else ""
    if styles:
        style = max(set(styles), key=list(styles).count)
        return style, style + relative, (f"boxes: {said(style + relative)}, by the names of the numbers",)
    style, why = _by_values(numbers, bool(relative))
    hint = "" if why else "; say box_format in the task if that is wrong"
    return None, style + relative, (f"boxes: read as {said(style + relative)}{why}{hint}",)


def _by_values(numbers: np.ndarray, relative: bool) -> tuple[str, str]:
    if not len(numbers):
        return "xyxy", ""
    backwards = float(((numbers[:, 2] <= numbers[:, 0]) | (numbers[:, 3] <= numbers[:, 1])).mean())
    if backwards <= SHARE:
        return "xyxy", ""
    if relative:
        beyond = float(((numbers[:, :2] + numbers[:, 2:]) > 1.02).any(1).mean())
        outside = float(
            ((numbers[:, :2] - numbers[:, 2:] / 2 < -0.02) | (numbers[:, :2] + numbers[:, 2:] / 2 > 1.02)).any(1).mean()
        )
        if beyond > outside:
            return "cxcywh", f": as corners {backwards:.0%} would end before they start, as edges {beyond:.0%} leave"
    return "xywh", f": read as corners {backwards:.0%} would end before they start"


def _by_number(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isdigit() and len(name) < 18 else (1, 0, name)


def box_column(column: pa.ChunkedArray, name: str) -> list[Any]:
    """The values of a column of boxes. Raises ConfigError for a type that can hold none."""
    kind = column.type
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not (listed or pa.types.is_struct(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise ConfigError(f"the column {name!r} is of the type {kind}, and boxes are lists, mappings or JSON text")
    return column.to_pylist()

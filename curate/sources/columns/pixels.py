"""Pictures as tables have them: a column with the pixels of each (FER2013), or a column per pixel (MNIST as CSV)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from curate.errors import MissingPackage
from curate.sources.columns.column_types import is_number, is_text
from curate.sources.columns.png import png_column
from curate.sources.raw import Raw
from curate.task import Task
from curate.wording import counted

IMAGE = "image"
"""Name of the column that is made of many."""
NAMES = ("pixels", "pixel", "image", "img", "image_pixels")
"""Names of columns that hold the pixels of a picture."""
LEAST_SIDE = 8
DARK = 64
"""The least value of the brightest pixel of a set: numbers up to 16 are no bytes."""
SAMPLE = 20
SHARE = 0.8
"""Rows of the first that must be pictures; the others are damaged."""
_NUMBERED = re.compile(r"(?:pixel|px|pix)[-_. ]?\d+|\d{1,3}x\d{1,3}", re.IGNORECASE)
_PIXELS = re.compile(r"\s*\d{1,3}(?:\s+\d{1,3})+\s*")


def with_pixels(raw: Raw, given: Task) -> Raw:
    """Square pictures, grey or of three colours, of whole numbers from 0 to 255, as a column of images.

    Nothing is made where the user named another input, and columns stay as they are where no encoder of images is
    installed.
    """
    if set(given.modalities) - {"image"} or given.kind == "regression":
        return raw
    there = raw.columns.column_names
    lists = [name for name in there if name.strip().lower() in NAMES and _hold_pixels(raw, name)]
    numbered = [name for name in there if _NUMBERED.fullmatch(name)]
    try:
        if lists and given.image in (None, lists[0]):
            return _of_lists(raw, lists[0])
        if _shape(len(numbered)) and given.image in (None, IMAGE) and IMAGE not in there:
            return _of_columns(raw, numbered)
    except MissingPackage as error:
        return replace(raw, notes=(*raw.notes, f"pixels are not read as images: {error}"))
    return raw


def _shape(count: int) -> tuple[int, ...] | None:
    """The shape of a square picture of so many numbers; None where there is none."""
    for colours in (1, 3):
        side = math.isqrt(count // colours)
        if side >= LEAST_SIDE and side * side * colours == count:
            return (side, side) if colours == 1 else (side, side, colours)
    return None


def _hold_pixels(raw: Raw, name: str) -> bool:
    """Whether a column of text holds as many whole numbers as a picture has, in the first rows."""
    if not is_text(raw.columns.schema.field(name).type):
        return False
    values = raw.columns[name].drop_null().slice(0, SAMPLE).to_pylist()
    known = sum(bool(_PIXELS.fullmatch(value) and _shape(len(value.split()))) for value in values)
    return bool(values) and known >= SHARE * len(values)


def _of_lists(raw: Raw, name: str) -> Raw:
    images: list[np.ndarray | None] = []
    unreadable = dict(raw.unreadable)
    for row, value in enumerate(raw.columns[name].to_pylist()):
        image = None if value is None else _image(value)
        if value is not None and image is None:
            unreadable.setdefault(row, f"{name}: no square picture of whole numbers from 0 to 255")
        images.append(image)
    records = {row: str(raw.columns[name][row].as_py()).encode() for row in unreadable if row not in raw.unreadable}
    shown = next(image for image in images if image is not None)
    made = replace(raw, unreadable=unreadable, records={**records, **raw.records})
    return _with_images(made, name, images, f"{name!r} holds the pixels of pictures", shown.shape)


def _image(text: str) -> np.ndarray | None:
    try:
        values = np.frombuffer(bytes(map(int, text.split())), np.uint8)
    except ValueError:
        return None
    shape = _shape(len(values))
    return None if shape is None else values.reshape(shape)


def _of_columns(raw: Raw, names: Sequence[str]) -> Raw:
    if not all(is_number(raw.columns.schema.field(name).type) for name in names):
        return raw
    empty = np.zeros(len(raw), bool)
    pixels = np.zeros((len(raw), len(names)), np.uint8)
    for place, name in enumerate(names):
        column = raw.columns[name]
        empty |= column.is_null().to_numpy(zero_copy_only=False)
        values = column.to_numpy()
        known = values[~column.is_null().to_numpy(zero_copy_only=False)]
        if len(known) and not (known.min() >= 0 and known.max() <= 255 and (known == np.round(known)).all()):
            return raw
        pixels[:, place] = np.where(empty, 0, values).astype(np.uint8)
    shape = _shape(len(names))
    if shape is None or pixels.max() < DARK:
        return raw
    images = [None if gone else one for gone, one in zip(empty, pixels.reshape(-1, *shape))]
    raw = replace(raw, columns=raw.columns.drop_columns(list(names)))
    what = f"{names[0]!r} to {names[-1]!r} (columns of numbers if named as features) are the pixels of pictures"
    if gone := int(empty.sum()) - len(raw.unreadable):
        what += f" ({counted(gone, 'row')} without all of them have none)"
    return _with_images(raw, IMAGE, images, what, shape)


def _with_images(raw: Raw, name: str, images: Sequence[np.ndarray | None], what: str, shape: tuple[int, ...]) -> Raw:
    note = f"{what} of {shape[0]} × {shape[1]} and read as images"
    raw = raw.with_column(name, pa.chunked_array([png_column(images)]))
    return replace(raw, media={**raw.media, name: "image"}, notes=(*raw.notes, note))

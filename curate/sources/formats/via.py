"""Regions of pictures as the VGG Image Annotator exports them: its project, its JSON, its CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from curate.errors import DataError
from curate.sources.formats.drawn import around, around_ellipse, named, of_images
from curate.sources.raw import Raw

PROJECT = "_via_img_metadata"
SHAPE, ABOUT = "region_shape_attributes", "region_attributes"
"""Columns of its CSV, of which each row is a region, or a picture without one."""


def is_via(document: Mapping[str, Any]) -> bool:
    """Whether a JSON object maps pictures to their regions."""
    entries = document.get(PROJECT, document)
    found = list(entries.values())[:20] if isinstance(entries, Mapping) else []
    return bool(found) and all(isinstance(one, Mapping) and {"filename", "regions"} <= one.keys() for one in found)


def from_via(document: Mapping[str, Any], path: Path, source: str) -> Raw:
    """A row per picture, with the boxes of its regions or around them."""
    regions: dict[str, list[tuple[Any, Any]]] = {}
    for entry in document.get(PROJECT, document).values():
        if isinstance(entry, Mapping) and isinstance(entry.get("filename"), str):
            found = entry.get("regions") or ()
            listed = found.values() if isinstance(found, Mapping) else found
            regions[entry["filename"]] = [
                (one.get("shape_attributes"), one.get(ABOUT)) for one in listed if isinstance(one, Mapping)
            ]
    return _made(regions, path, source)


def is_via_csv(columns: pa.Table) -> bool:
    """Whether columns are those of its CSV."""
    return {"filename", SHAPE, ABOUT} <= set(columns.column_names)


def from_via_csv(columns: pa.Table, path: Path, source: str) -> Raw:
    """A row per picture, as of its JSON."""
    regions: dict[str, list[tuple[Any, Any]]] = {}
    for row in columns.select(["filename", SHAPE, ABOUT]).to_pylist():
        if row["filename"] is None:
            continue
        here = regions.setdefault(row["filename"], [])
        if shape := _parsed(row[SHAPE]):
            here.append((shape, _parsed(row[ABOUT])))
    return _made(regions, path, source)


def _parsed(text: str | None) -> Any:
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {"name": text}


def _made(regions: Mapping[str, list[tuple[Any, Any]]], path: Path, source: str) -> Raw:
    if not regions:
        raise DataError(f"{source}: there are no pictures")
    outlines, wrong = 0, {}
    boxes: list[list[dict[str, Any]]] = []
    for row, found in enumerate(regions.values()):
        boxes.append([])
        for shape, about in found:
            kind = shape.get("name") if isinstance(shape, Mapping) else None
            box = _box(shape)
            outlines += box is not None and kind != "rect"
            if box is None:
                wrong[row] = f"a region of the kind {str(kind)[:40]!r} is no box, and none is around it"
            boxes[-1].append({"box": box, "label": named(about)})
    return of_images(path, source, list(regions), boxes, outlines, wrong)


def _box(shape: Any) -> list[float] | None:
    """Left, top, right and bottom of a region; None for points and what can't be read."""
    try:
        kind = shape["name"]
        if kind == "rect":
            left, top = float(shape["x"]), float(shape["y"])
            box = [left, top, left + float(shape["width"]), top + float(shape["height"])]
        elif kind == "circle":
            box = around_ellipse(float(shape["cx"]), float(shape["cy"]), float(shape["r"]), float(shape["r"]))
        elif kind == "ellipse":
            box = around_ellipse(float(shape["cx"]), float(shape["cy"]), float(shape["rx"]), float(shape["ry"]))
        else:
            box = around(zip(shape["all_points_x"], shape["all_points_y"], strict=True))
    except (KeyError, TypeError, ValueError):
        return None
    return box if box is not None and all(map(math.isfinite, box)) else None

"""Detection sets in the form of COCO: one JSON file that lists images, annotations and categories."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from curate.errors import DataError
from curate.sources.annotations.boxes import BOXES
from curate.sources.raw import Raw
from curate.sources.splits import CANONICAL
from curate.wording import counted

HOMES = ("annotations", "labels", "labels_json")
"""Folders beside the images that hold such files."""


def is_coco(document: object) -> bool:
    """Whether a JSON document lists images and annotations."""
    return (
        isinstance(document, Mapping)
        and isinstance(document.get("images"), list)
        and isinstance(document.get("annotations"), list)
    )


def from_coco(document: Mapping[str, Any], path: Path, source: str) -> Raw:
    """One row per image, with its boxes; in the order of the file.

    A key ``predictions`` may hold what a model found, in the form of COCO's results (``image_id``, ``category_id``,
    ``bbox``, ``score``). Images without annotations have an empty list. Annotations of images that are not listed are
    counted in a note; polygons and other keys are passed over, and said.

    Raises:
        DataError: no images, or an image without a file name or id.
    """
    images: Sequence[Any] = document["images"]
    if not images:
        raise DataError(f"{source}: the list of images is empty")
    names = {c["id"]: str(c.get("name", c["id"])) for c in document.get("categories", ()) if _has(c, "id")}
    place = _places(images, source)
    boxes, remarks, notes = _boxes(document["annotations"], place, names, path.name)
    home = path.parent.parent if path.parent.name.lower() in HOMES else path.parent
    files = [image["file_name"] for image in images]
    split = _split(path)
    columns = {
        "image": pa.array(files, pa.string()),
        "boxes": pa.array(boxes, BOXES),
        "image_id": pa.array([str(image["id"]) for image in images], pa.string()),
    }
    roles = {"image": "image", "boxes": "boxes", "id": "image_id", "box_format": "xywh"}
    if isinstance(document.get("predictions"), list):
        columns["predictions"] = _predictions(document["predictions"], place, names)
        roles["probabilities"] = "predictions"
    if split is not None:
        columns["split"], roles["split"] = pa.array([split] * len(files), pa.string()), "split"
        roles.pop("id")  # other splits may count their images from the same number
    return Raw(
        pa.table(list(columns.values()), names=list(columns)),
        source,
        root=home,
        bases=(image_folder(home, files[0]),),
        remarks=remarks,
        notes=tuple(notes),
        roles=roles,
        class_names={"boxes": tuple(names.values())} if names else {},
        media={"image": "image"},
    )


def _places(images: Sequence[Any], source: str) -> dict[Any, int]:
    """Id of an image -> its row."""
    place: dict[Any, int] = {}
    for row, image in enumerate(images):
        if not (_has(image, "id") and isinstance(image.get("file_name"), str)):
            raise DataError(f"{source}: image {row} (from 0) has no id or no file_name")
        if image["id"] in place:
            raise DataError(f"{source}: the image id {image['id']!r} stands twice")
        place[image["id"]] = row
    return place


def _boxes(
    annotations: Sequence[Any], place: Mapping[Any, int], names: Mapping[Any, str], file: str
) -> tuple[list[list[dict[str, Any]]], list[tuple[int, str, str]], list[str]]:
    """The boxes of each image, remarks about those that are no boxes, and notes about what is left out."""
    boxes: list[list[dict[str, Any]]] = [[] for _ in place]
    remarks: list[tuple[int, str, str]] = []
    strangers, polygons = 0, 0
    for annotation in annotations:
        row = place.get(annotation["image_id"]) if _has(annotation, "image_id") else None
        if row is None:
            strangers += 1
            continue
        polygons += bool(annotation.get("segmentation"))
        numbers = annotation.get("bbox")
        good = isinstance(numbers, list) and len(numbers) == 4 and all(_is_number(v) for v in numbers)
        if not good:
            given = f"annotation {annotation.get('id')!r} has the bbox {str(numbers)[:60]}"
            remarks.append((row, "box_format", f"boxes: {given}, four numbers are needed"))
        label = _category(annotation.get("category_id"), names)
        boxes[row].append({"box": [float(v) for v in numbers or ()] if good else None, "label": label})
    notes = [f"{file}: {counted(strangers, 'annotation')} of images that are not listed left out"] if strangers else []
    if polygons:
        notes.append(f"{file}: outlines of {counted(polygons, 'annotation')} are not read; the boxes are")
    return boxes, remarks, notes


def _predictions(results: Sequence[Any], place: Mapping[Any, int], names: Mapping[Any, str]) -> pa.Array:
    """A model's boxes of each image as JSON, with the names of their classes."""
    found: list[list[Any]] = [[] for _ in place]
    for result in results:
        row = place.get(result["image_id"]) if _has(result, "image_id") else None
        if row is not None:
            keys = {key: result.get(key) for key in ("bbox", "score")}
            found[row].append({**keys, "label": _category(result.get("category_id"), names)})
    return pa.array([json.dumps(boxes) for boxes in found], pa.string())


def _category(number: Any, names: Mapping[Any, str]) -> str | None:
    """The name of a category; its number where it is not listed, None where the annotation has none."""
    if number is None or isinstance(number, list | dict):
        return None
    return names.get(number) or (f"category {number}" if names else str(number))


def image_folder(home: Path, first: str) -> Path:
    """The folder that the file names are relative to: `home`, or one below it, at most two levels deep."""
    for folder in (home, *sorted(home.glob("*")), *sorted(home.glob("*/*"))):
        if folder.is_dir() and _is_there(folder, first):
            return folder
    return home


def _split(path: Path) -> str | None:
    """The split that a word in the name of the file, or its folder, says."""
    words = re.split(r"[^a-z]+", f"{path.parent.name} {path.stem}".lower())
    return next((CANONICAL[word] for word in words if word in CANONICAL), None)


def _is_there(folder: Path, name: str) -> bool:
    return not os.path.isabs(name) and ".." not in Path(name).parts and (folder / name).is_file()  # noqa: PTH117


def _has(item: object, key: str) -> bool:
    return isinstance(item, Mapping) and item.get(key) is not None and not isinstance(item[key], list | dict)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

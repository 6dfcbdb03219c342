"""Detection sets as folders: an image and beside it, or in a folder of labels, a file of YOLO or Pascal VOC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa

from curate.errors import DataError
from curate.sources.annotations.boxes import BOXES
from curate.sources.file_kinds import ending
from curate.sources.folders.box_files import (
    NO_BOX,
    Found,
    content,
    is_kitti,
    is_labelme,
    is_voc,
    is_yolo,
    kitti,
    labelme,
    voc,
    yolo,
)
from curate.sources.folders.listing import Listing, split_path
from curate.sources.folders.mask_folders import IMAGE_FOLDERS, MASK_FOLDERS
from curate.sources.lists.class_lists import class_names
from curate.sources.raw import Raw, media_paths, of_files
from curate.sources.splits import CANONICAL, split_name
from curate.wording import counted, noun, some_of

SHARE = 0.5
"""At least so many of the label files must have an image of their name."""
SAMPLE = 50
SPLIT_FOLDERS = ("Main", "ImageSets", "Layout")
"""Folders of VOC's lists of images."""
KITTI = "label_2"
"""KITTI's folder of labels, beside ``image_2``."""
BESIDE = IMAGE_FOLDERS | MASK_FOLDERS | {KITTI, "image_2"}
"""Folders by which images and their label files differ."""
OUTLINES = "segmentationobject"
"""VOC's folder of masks of single objects."""


def images_and_boxes(folder: Path, source: str, listing: Listing) -> Raw | None:
    """Images with text files of YOLO or KITTI, or XML files of VOC, of the same names; None if it is no such set.

    Label files stand beside the images, or in folders like ``labels`` and ``Annotations`` where theirs are called
    ``images`` or ``JPEGImages``. Splits are folders named after them, or VOC's lists (``ImageSets/Main/train.txt``). An
    image without a label file has null boxes, one with an empty file has none.
    """
    if not (listing.texts or listing.others or listing.tables):
        return None
    listing, masks = _without_masks(listing)
    images = listing.media.get("image", [])
    keys = Counter(_key(path) for path in images)
    texts = {_key(path): path for path in listing.texts if _key(path) in keys}
    cars = {_key(path): path for path in listing.texts if KITTI in PurePath(path).parts and _key(path) in keys}
    if cars and all(is_kitti(folder / path) for path in _some(cars)):
        return _made(
            folder, source, listing, cars, lambda path: kitti(content(folder / path), path), "xyxy", notes=masks
        )
    documents = {_key(path): path for path in listing.others if ending(path) == ".xml" and _key(path) in keys}
    if _mostly(texts, listing.texts, keys) and all(is_yolo(folder / path) for path in _some(texts)):
        names, told, notes = class_names(folder, [*listing.others, *listing.texts])

        def read(path: str) -> Found:
            return yolo(content(folder / path).decode("utf-8-sig"), path, names)

        found = _made(folder, source, listing, texts, read, "cxcywh_relative", told, [*notes, *masks])
        return replace(found, class_names={"boxes": tuple(names.values())}) if names else found
    if _mostly(documents, [p for p in listing.others if ending(p) == ".xml"], keys) and any(
        is_voc(folder / path) for path in _some(documents)
    ):
        return _made(
            folder, source, listing, documents, lambda path: voc(content(folder / path), path), "xyxy", notes=masks
        )
    if drawn := labelme_files(folder, listing):
        return _made(
            folder, source, listing, drawn, lambda path: labelme(content(folder / path), path), "xyxy", notes=masks
        )
    return None


def labelme_files(folder: Path, listing: Listing) -> dict[tuple[str, ...], str]:
    """What images and files of LabelMe have in common -> the file; empty where these are few."""
    there = [path for path in listing.tables if ending(path) == ".json"]
    if not there:
        return {}
    keys = Counter(_key(path) for path in listing.media.get("image", []))
    drawn = {_key(path): path for path in there if _key(path) in keys}
    return drawn if _mostly(drawn, there, keys) and any(is_labelme(folder / path) for path in _some(drawn)) else {}


def _without_masks(listing: Listing) -> tuple[Listing, list[str]]:
    """The listing without images in folders of masks, if there are others, and a note."""
    images = listing.media.get("image", [])
    folders = MASK_FOLDERS | {OUTLINES}
    kept = [path for path in images if not folders & {part.lower() for part in split_path(path)[0]}]
    if not kept or len(kept) == len(images):
        return listing, []
    note = f"{counted(len(images) - len(kept), 'image')} in folders of masks left out: the boxes are read"
    return replace(listing, media={**listing.media, "image": kept}), [note]


def _key(path: str) -> tuple[str, ...]:
    """What an image and its label file have in common."""
    folders, stem = split_path(path)
    return (*(part for part in folders if part.lower() not in BESIDE), stem)


def _mostly(found: dict[tuple[str, ...], str], there: Sequence[str], keys: Counter[tuple[str, ...]]) -> bool:
    lists = sum(PurePath(path).parent.name in SPLIT_FOLDERS for path in there)
    return bool(found) and len(found) >= SHARE * min(len(there) - lists, len(keys))


def _some(found: dict[tuple[str, ...], str]) -> list[str]:
    return list(found.values())[:SAMPLE]


def _made(
    folder: Path, source: str, listing: Listing, labels: dict[tuple[str, ...], str], read: Callable[[str], Found],
    form: str, told: str | None = None, notes: Sequence[str] = (),
) -> Raw:  # fmt: skip
    images = listing.media["image"]
    column: list[list[dict[str, Any]] | None] = []
    remarks: list[tuple[int, str, str]] = []
    outlines, missing = 0, []
    for row, path in enumerate(images):
        label = labels.get(_key(path))
        if label is None:
            missing.append(path)
            column.append(None)
            continue
        try:
            boxes, wrong, drawn = read(label)
        except (OSError, ValueError, DataError, ElementTree.ParseError) as error:
            boxes, wrong, drawn = [NO_BOX], [f"{label}: {error}"], 0
        column.append(boxes)
        outlines += drawn
        remarks += [(row, "box_format", f"boxes: {reason}") for reason in wrong]
    paths = pa.array(images, pa.string())
    columns: dict[str, pa.Array] = {"image": media_paths(paths), "boxes": pa.array(column, BOXES)}
    roles: dict[str, Any] = {"image": "image", "boxes": "boxes", "box_format": form}
    splits, lists, wrong = _splits(folder, images, listing)
    if any(splits):
        columns["split"], roles["split"] = pa.array(splits, pa.string()), "split"
    notes = [*notes, *wrong]
    if missing:
        notes.append(f"{counted(len(missing), 'image')} without a label file: not annotated ({some_of(missing)})")
    if not any(column):
        files = noun(
            len(labels), "the only label file holds no box", f"none of the {len(labels):,} label files holds a box"
        )
        notes.append(
            f"{files}, so that every image counts as one without objects: if they are no labels, move them away, or"
            " say what the images are for (--kind unlabeled, or task: {kind: unlabeled})"
        )
    if outlines:
        notes.append(f"outlines of {counted(outlines, 'object')} are not read; the boxes around them are")
    if remarks:
        first = remarks[0][2].removeprefix("boxes: ")
        notes.append(f"{counted(len(remarks), 'entry', 'entries')} of label files can't be read ({first})")
    used = {*labels.values(), *lists, told}
    lone = [path for path in (*listing.texts, *listing.others, *listing.tables) if path not in used]
    return of_files(
        folder,
        source,
        columns,
        paths,
        remarks=remarks,
        notes=(*notes, *listing.notes([*_other_media(listing), *lone])),
        roles=roles,
        media={"image": "image"},
    )


def _other_media(listing: Listing) -> list[str]:
    return [path for kind, paths in listing.media.items() if kind != "image" for path in paths]


def _splits(folder: Path, images: Sequence[str], listing: Listing) -> tuple[list[str | None], list[str], list[str]]:
    """The split of each image, by the folders that it is in or by VOC's lists; these lists; sentences about them."""
    found = [next((split for part in split_path(path)[0] if (split := split_name(part))), None) for path in images]
    if any(found):
        return found, [], []
    named: dict[str, str] = {}
    lists = [
        path
        for path in listing.texts
        if PurePath(path).parent.name in SPLIT_FOLDERS and PurePath(path).stem.lower() in CANONICAL
    ]
    notes = []
    for path in lists:
        try:
            lines = content(folder / path).decode("utf-8-sig").splitlines()
        except (OSError, ValueError, DataError) as error:
            notes.append(f"{path}, which may list the images of a split, can't be read: {error}")
            continue
        for line in filter(str.strip, lines):
            named.setdefault(line.split()[0], CANONICAL[PurePath(path).stem.lower()])
    return [named.get(PurePath(path).stem) for path in images], lists, notes

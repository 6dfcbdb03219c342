"""Detection sets as folders: an image and beside it, or in a folder of labels, a file of YOLO or Pascal VOC."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa

from curate.errors import DataError
from curate.sources.annotations.boxes import BOXES
from curate.sources.file_kinds import ending
from curate.sources.folders.listing import Listing
from curate.sources.folders.mask_folders import IMAGE_FOLDERS, MASK_FOLDERS
from curate.sources.lists.class_lists import class_names
from curate.sources.raw import Raw, media_paths, of_files
from curate.sources.splits import CANONICAL, split_name
from curate.wording import counted, noun, some_of

SHARE = 0.5
"""At least so many of the label files must have an image of their name."""
LARGEST_FILE = 16 << 20
"""Bytes of a label file, or of a list of a split."""
SAMPLE = 50
SPLIT_FOLDERS = ("Main", "ImageSets", "Layout")
"""Folders of VOC's lists of images."""
KITTI = "label_2"
"""KITTI's folder of labels, beside ``image_2``."""
BESIDE = IMAGE_FOLDERS | MASK_FOLDERS | {KITTI, "image_2"}
"""Folders by which images and their label files differ."""
OUTLINES = "segmentationobject"
"""VOC's folder of masks of single objects."""
NO_BOX: dict[str, Any] = {"box": None, "label": None}
"""Stands for what can't be read, so that `box_quality` flags the row."""
Found = tuple[list[dict[str, Any]], list[str], int]
"""Boxes of a file, what is wrong with it, and outlines that became boxes."""


def images_and_boxes(folder: Path, source: str, listing: Listing) -> Raw | None:
    """Images with text files of YOLO or KITTI, or XML files of VOC, of the same names; None if it is no such set.

    Label files stand beside the images, or in folders like ``labels`` and ``Annotations`` where theirs are called
    ``images`` or ``JPEGImages``. Splits are folders named after them, or VOC's lists (``ImageSets/Main/train.txt``). An
    image without a label file has null boxes, one with an empty file has none.
    """
    listing, masks = _without_masks(listing)
    images = listing.media.get("image", [])
    keys = Counter(_key(path) for path in images)
    texts = {_key(path): path for path in listing.texts if _key(path) in keys}
    cars = {_key(path): path for path in listing.texts if KITTI in PurePath(path).parts and _key(path) in keys}
    if cars and all(_is_kitti(folder / path) for path in _some(cars)):
        return _made(
            folder, source, listing, cars, lambda path: _kitti(_content(folder / path), path), "xyxy", notes=masks
        )
    documents = {_key(path): path for path in listing.others if ending(path) == ".xml" and _key(path) in keys}
    if _mostly(texts, listing.texts, keys) and all(_is_yolo(folder / path) for path in _some(texts)):
        names, told, notes = class_names(folder, [*listing.others, *listing.texts])

        def read(path: str) -> Found:
            return _yolo(_content(folder / path).decode("utf-8-sig"), path, names)

        found = _made(folder, source, listing, texts, read, "cxcywh_relative", told, [*notes, *masks])
        return replace(found, class_names={"boxes": tuple(names.values())}) if names else found
    if _mostly(documents, [p for p in listing.others if ending(p) == ".xml"], keys) and any(
        _is_voc(folder / path) for path in _some(documents)
    ):
        return _made(
            folder, source, listing, documents, lambda path: _voc(_content(folder / path), path), "xyxy", notes=masks
        )
    return None


def _without_masks(listing: Listing) -> tuple[Listing, list[str]]:
    """The listing without images in folders of masks, if there are others, and a note."""
    images = listing.media.get("image", [])
    folders = MASK_FOLDERS | {OUTLINES}
    kept = [path for path in images if not folders & {part.lower() for part in PurePath(path).parts[:-1]}]
    if not kept or len(kept) == len(images):
        return listing, []
    note = f"{counted(len(images) - len(kept), 'image')} in folders of masks left out: the boxes are read"
    return replace(listing, media={**listing.media, "image": kept}), [note]


def _key(path: str) -> tuple[str, ...]:
    """What an image and its label file have in common."""
    *folders, name = PurePath(path).parts
    return (*(part for part in folders if part.lower() not in BESIDE), PurePath(name).stem)


def _mostly(found: dict[tuple[str, ...], str], there: Sequence[str], keys: Counter[tuple[str, ...]]) -> bool:
    lists = sum(PurePath(path).parent.name in SPLIT_FOLDERS for path in there)
    return bool(found) and len(found) >= SHARE * min(len(there) - lists, len(keys))


def _some(found: dict[tuple[str, ...], str]) -> list[str]:
    return list(found.values())[:SAMPLE]


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_FILE:
        raise DataError(f"it has more than {LARGEST_FILE >> 20} MB")
    return path.read_bytes()


def _is_yolo(path: Path) -> bool:
    """Whether the first line is a class and the numbers of a box or an outline; files without a line may be."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            words = file.readline(10_000).split()
        return not words or (len(words) >= 5 and all(math.isfinite(float(word)) for word in words))
    except (OSError, ValueError):
        return False


def _is_kitti(path: Path) -> bool:
    """Whether the first line is a class, three numbers about it, and the rest of KITTI's fifteen fields."""
    words = _content(path).decode("utf-8", "replace").split("\n", 1)[0].split()
    return not words or (len(words) in (15, 16) and not words[0][0].isdigit())


def _is_voc(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"<annotation" in file.read(4_096)
    except OSError:
        return False


def _yolo(text: str, path: str, names: Mapping[int, str]) -> Found:
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


def _kitti(content: bytes, path: str) -> Found:
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


def _voc(content: bytes, path: str) -> Found:
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
    lone = [path for path in (*listing.texts, *listing.others) if path not in used]
    return of_files(
        folder,
        source,
        columns,
        paths,
        remarks=remarks,
        notes=(*notes, *listing.notes([*_other_media(listing), *lone, *listing.tables])),
        roles=roles,
        media={"image": "image"},
    )


def _other_media(listing: Listing) -> list[str]:
    return [path for kind, paths in listing.media.items() if kind != "image" for path in paths]


def _splits(folder: Path, images: Sequence[str], listing: Listing) -> tuple[list[str | None], list[str], list[str]]:
    """The split of each image, by the folders that it is in or by VOC's lists; these lists; sentences about them."""
    found = [
        next((split for part in PurePath(path).parts[:-1] if (split := split_name(part))), None) for path in images
    ]
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
            lines = _content(folder / path).decode("utf-8-sig").splitlines()
        except (OSError, ValueError, DataError) as error:
            notes.append(f"{path}, which may list the images of a split, can't be read: {error}")
            continue
        for line in filter(str.strip, lines):
            named.setdefault(line.split()[0], CANONICAL[PurePath(path).stem.lower()])
    return [named.get(PurePath(path).stem) for path in images], lists, notes

"""Segmentation sets as folders: images in one, masks of the same names in another."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from pathlib import Path, PurePath

import pyarrow as pa

from curate.sources.folders.listing import Listing, split_path
from curate.sources.raw import Raw, media_paths, of_files
from curate.sources.splits import split_name
from curate.wording import counted, some_of

IMAGE_FOLDERS = frozenset(
    ("image", "images", "img", "imgs", "jpegimages", "photos", "rgb", "input", "inputs", "leftimg8bit")
)
MASK_FOLDERS = frozenset(
    (
        "mask", "masks", "label", "labels", "annotation", "annotations", "segmentation", "segmentations", "seg", "gt",
        "segmentationclass", "ground_truth", "groundtruth", "trimaps", "gtfine", "gtcoarse",
    )
)  # fmt: skip
MODEL_FOLDERS = frozenset(("probabilities", "pred_probs", "predictions", "probs", "softmax"))
"""Folders with a model's probabilities of the pixels, an .npy or .npz file for each image."""
_SUFFIX = re.compile(
    r"[-_. ]?(gt(Fine|Coarse)_label(Train)?Ids|masks?|seg(mentation)?|labels?|gt|annotation|trimap)$", re.IGNORECASE
)
CAMERA = "_leftImg8bit"
"""What Cityscapes writes behind the names of its images."""
SHARE = 0.5
"""At least so many of the masks must have an image of their name."""


def images_and_masks(folder: Path, source: str, listing: Listing) -> Raw | None:
    """Images with the masks of the same names (``a.jpg`` with ``a.png`` or ``a_mask.png``); None if it is no such set.

    Folders named after splits, above or below those of images and masks, give the split. An image without a mask has
    a null one; masks without an image are named in a note. Arrays of the same names in a folder beside
    (``probabilities/a.npy``) are a model's probabilities of the pixels.
    """
    images, masks, others = _sorted_out(listing.media.get("image", []))
    if not images or not masks:
        return None
    paired = masks.keys() & images.keys()
    if len(paired) < SHARE * min(len(masks), len(images)):
        return None
    keys = sorted(images, key=lambda key: images[key][0])
    rows = [(key, path) for key in keys for path in images[key]]
    names = pa.array([path for _, path in rows], pa.string())
    found = pa.array([masks[key][0] if key in masks else None for key, _ in rows], pa.string())
    columns = {"image": media_paths(names), "mask": media_paths(found)}
    roles = {"image": "image", "mask": "mask"}
    arrays = _arrays([*listing.others, *listing.arrays], images)
    if arrays:
        columns["probabilities"] = pa.array([arrays.get(key) for key, _ in rows], pa.string())
        roles["probabilities"] = "probabilities"
    used = set(arrays.values())
    left = [path for path in listing.others if path not in used]
    splits = [_split(path) for _, path in rows]
    if any(splits):
        columns["split"], roles["split"] = pa.array(splits, pa.string()), "split"
    return of_files(
        folder,
        source,
        columns,
        names,
        notes=(*_notes(images, masks, others), *listing.notes([*others, *listing.tables, *left])),
        roles=roles,
        media={"image": "image", "mask": "image"},
    )


def _sorted_out(
    paths: Sequence[str],
) -> tuple[dict[tuple[str, ...], list[str]], dict[tuple[str, ...], list[str]], list[str]]:
    """Images and masks by what they have in common, and files in neither kind of folder."""
    images: dict[tuple[str, ...], list[str]] = {}
    masks: dict[tuple[str, ...], list[str]] = {}
    others: list[str] = []
    for path in paths:
        parts, stem = split_path(path)
        kinds = [
            (place, part.lower() in MASK_FOLDERS)
            for place, part in enumerate(parts)
            if part.lower() in IMAGE_FOLDERS | MASK_FOLDERS
        ]
        if not kinds:
            others.append(path)
            continue
        place, is_mask = kinds[-1]
        shared = (*parts[:place], *parts[place + 1 :])
        if is_mask:
            masks.setdefault((*shared, _SUFFIX.sub("", stem) or stem), []).append(path)
        else:
            images.setdefault((*shared, stem.removesuffix(CAMERA)), []).append(path)
    # a mask may bear the whole name of its image, an ending such as "_label" included
    for key in [key for key in masks if key not in images]:
        for path in masks[key]:
            whole = (*key[:-1], split_path(path)[1])
            if whole in images and whole not in masks:
                masks[whole] = masks.pop(key)
                break
    return images, masks, others


def _arrays(paths: Sequence[str], images: Container[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Files of arrays that have an image of their name, by what the two have in common."""
    found: dict[tuple[str, ...], str] = {}
    for path in paths:
        whole = PurePath(path)
        parts = whole.parts[:-1]
        place = next((p for p in reversed(range(len(parts))) if parts[p].lower() in MODEL_FOLDERS), None)
        if place is not None and whole.suffix.lower() in (".npy", ".npz"):
            key = (*parts[:place], *parts[place + 1 :], whole.stem)
            if key in images:
                found.setdefault(key, path)
    return found


def _notes(
    images: dict[tuple[str, ...], list[str]], masks: dict[tuple[str, ...], list[str]], others: Sequence[str]
) -> list[str]:
    notes = []
    if lone := [path for key, paths in masks.items() if key not in images for path in paths]:
        notes.append(f"{counted(len(lone), 'mask')} without an image of the same name left out ({some_of(lone)})")
    if more := [path for key, paths in masks.items() if key in images for path in paths[1:]]:
        several = f"{counted(len(more), 'image')} with several masks"
        notes.append(f"{several}: the first is taken, others left out ({some_of(more)})")
    if others:
        notes.append(f"{counted(len(others), 'image')} in neither folder left out ({some_of(others)})")
    return notes


def _split(path: str) -> str | None:
    return next((split for part in split_path(path)[0] if (split := split_name(part))), None)

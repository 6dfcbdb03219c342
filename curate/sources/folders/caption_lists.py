"""Images with several captions each, in one list beside them, as Flickr8k and its kin have it."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pyarrow as pa

from curate.sources.folders.class_folders import layout
from curate.sources.folders.listing import Listing
from curate.sources.lists.split_lists import NAMING_SHARE, lines_of, places_of
from curate.sources.raw import Raw, media_paths, of_files
from curate.sources.splits import CANONICAL
from curate.wording import counted, some_of

COVERED = 0.5
"""Images that must have a caption."""
MOST_LISTS = 20
"""Text files that are looked into; more are a file per image."""
HEADERS = (["image", "caption"], ["image_name", "caption"], ["file_name", "caption"])
_NUMBERED = re.compile(r"(?P<file>[^\t]+)#\d+\t(?P<caption>.*)")
"""A line of ``Flickr8k.token.txt``: the image, the number of its caption, the caption."""
_SPLIT = re.compile(r"(?:^|[._-])(?P<split>[a-z]+)Images$")
"""Names of Flickr8k's lists, ``Flickr_8k.trainImages``."""


def images_with_captions(folder: Path, source: str, listing: Listing) -> Raw | None:
    """A row per image with its captions, and the first of them in a column of its own; None without such a list.

    Splits are those of Flickr8k's lists, or of folders.
    """
    alone = len(listing.media) == 1 and len(listing.texts) <= MOST_LISTS
    files = listing.media.get("image", []) if alone else []
    places = places_of(files, bare=True) if listing.texts else {}
    for path in listing.texts if files else []:
        pairs = _pairs(lines_of(folder / path))
        captions: dict[int, list[str]] = {}
        for file, caption in pairs:
            if (row := places.get(file)) is not None:
                captions.setdefault(row, []).append(caption.strip())
        named = sum(map(len, captions.values()))
        if pairs and named >= NAMING_SHARE * len(pairs) and len(captions) >= COVERED * len(files):
            lost = len(pairs) - named
            return _rows(folder, source, listing, path, [captions.get(row) for row in range(len(files))], lost)
    return None


def _pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    """(image, caption) by the lines of a list; nothing where one of them is something else."""
    matches = [_NUMBERED.fullmatch(line) for line in lines if line.strip()]
    if matches and None not in matches:
        return [(match["file"].strip(), match["caption"]) for match in matches if match]
    rows = list(csv.reader(lines[:1]))
    if not rows or [name.strip().lower() for name in rows[0]] not in HEADERS:
        return []
    try:
        pairs = [row for row in csv.reader(lines[1:], strict=True) if row]
    except csv.Error:
        return []
    return [(file, caption) for file, caption in pairs] if all(len(row) == 2 for row in pairs) else []


def _rows(
    folder: Path, source: str, listing: Listing, path: str, captions: Sequence[list[str] | None], lost: int
) -> Raw:
    files = listing.media["image"]
    paths = pa.array(files, pa.string())
    columns = {
        "image": media_paths(paths),
        "caption": pa.array([None if one is None else one[0] for one in captions], pa.string()),
        "captions": pa.array(captions, pa.list_(pa.string())),
    }
    roles = {"image": "image"}
    splits, used = _splits(folder, listing.texts, files)
    if any(splits):
        columns["split"], roles["split"] = pa.array(splits, pa.string()), "split"
    notes = [f"captions are those of {path}: all of an image in 'captions', the first in 'caption'"]
    if used:
        notes.append(f"splits are those of {some_of(used, 3)}")
    if lost:
        notes.append(f"{counted(lost, 'caption')} of images that are not there left out")
    if lone := [file for file, one in zip(files, captions, strict=True) if one is None]:
        notes.append(f"{counted(len(lone), 'image')} without a caption ({some_of(lone)})")
    left = [one for one in (*listing.texts, *listing.others, *listing.tables) if one not in (path, *used)]
    notes += listing.notes(left)
    return of_files(folder, source, columns, paths, notes=tuple(notes), roles=roles, media={"image": "image"})


def _splits(folder: Path, texts: Sequence[str], files: Sequence[str]) -> tuple[list[str | None], list[str]]:
    """The split of each image, and the lists that say it."""
    named: dict[str, str] = {}
    used = []
    for path in texts:
        match = _SPLIT.search(PurePosixPath(path).stem)
        if match and match["split"] in CANONICAL:
            used.append(path)
            named |= dict.fromkeys(lines_of(folder / path), CANONICAL[match["split"]])
    if named:
        return [named.get(PurePosixPath(file).name) for file in files], used
    return layout(files)[0], []

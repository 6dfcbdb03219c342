"""Images with the boxes of faces in lists as WIDER FACE has them: a path, a count, and a line per face."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pyarrow as pa

from curate.sources.annotations.boxes import BOXES
from curate.sources.file_kinds import media_kind
from curate.sources.folders.listing import Listing, split_path
from curate.sources.lists.split_lists import lines_of, places_of
from curate.sources.raw import Raw, media_paths, of_files
from curate.sources.splits import CANONICAL, about_and_split, split_name
from curate.wording import counted, some_of

NAME = re.compile(r"_bbx_gt$")
"""End of the names of the lists, ``wider_face_train_bbx_gt.txt``."""
FACE = "face"


def images_with_faces(folder: Path, source: str, listing: Listing) -> Raw | None:
    """A row per image with its faces, x, y, width and height in pixels; None without such a list.

    Splits are those in the names of the lists, and of folders such as ``WIDER_test`` that no list speaks of; images
    there are not annotated.
    """
    files = listing.media.get("image", [])
    lists = [path for path in listing.texts if NAME.search(PurePosixPath(path).stem)]
    if not files or not lists:
        return None
    places = places_of(files)
    splits = [next(filter(None, map(_split, split_path(file)[0])), None) for file in files]
    boxes: list[list[dict] | None] = [None] * len(files)
    remarks: list[tuple[int, str, str]] = []
    lost: list[str] = []
    for path in lists:
        said = next((CANONICAL[word] for word in split_path(path)[1].split("_") if word in CANONICAL), None)
        for name, number, lines in _entries(lines_of(folder / path)):
            row = places.get(name)
            if row is None:
                lost.append(name)
                continue
            splits[row], boxes[row] = said or splits[row], []
            for k, line in enumerate(lines, number):
                box = _box(line)
                boxes[row] = [*(boxes[row] or []), {"box": box, "label": FACE}]
                if box is None:
                    wrong = f"boxes: line {k} of {path} is {line[:60]!r}: x, y, width and height are needed"
                    remarks.append((row, "box_format", wrong))
    if not any(boxes):
        return None
    paths = pa.array(files, pa.string())
    columns = {"image": media_paths(paths), "boxes": pa.array(boxes, BOXES)}
    roles = {"image": "image", "boxes": "boxes", "box_format": "xywh"}
    if any(splits):
        columns["split"], roles["split"] = pa.array(splits, pa.string()), "split"
    notes = [f"faces are those of {some_of(lists, 2)}"]
    if lost:
        notes.append(
            f"{counted(len(lost), 'entry', 'entries')} of images that are not there left out ({some_of(lost)})"
        )
    if count := boxes.count(None):
        notes.append(f"{counted(count, 'image')} that no list names: not annotated")
    left = [one for one in (*listing.texts, *listing.others, *listing.tables) if one not in lists]
    return of_files(
        folder,
        source,
        columns,
        paths,
        remarks=remarks,
        notes=(*notes, *listing.notes(left)),
        roles=roles,
        class_names={"boxes": (FACE,)},
        media={"image": "image"},
    )


def _entries(lines: Sequence[str]) -> list[tuple[str, int, list[str]]]:
    """(image, number of its first line of faces from 1, these lines); an image without faces has a line of zeros."""
    starts = [place for place, line in enumerate(lines) if media_kind(line.strip())]
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        faces = [line for line in lines[start + 2 : end] if line.strip()]
        none = lines[start + 1].strip() == "0" if start + 1 < end else True
        found.append((lines[start].strip(), start + 3, [] if none else faces))
    return found


def _box(line: str) -> list[float] | None:
    try:
        return [float(word) for word in line.split()[:4]] if len(line.split()) >= 4 else None
    except ValueError:
        return None


def _split(part: str) -> str | None:
    found = about_and_split(part)
    return split_name(part) or (found[1] if found else None)

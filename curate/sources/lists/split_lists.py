"""Lists of files beside folders of classes, which say what is for testing and validation."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from curate.errors import DataError
from curate.sources.encodings import decode
from curate.sources.splits import CANONICAL
from curate.wording import counted, some_of

_NAMED = re.compile(r"^(?P<split>[a-z]+?)[-_ ]?(?:list|files|images|split|set)?[-_ ]?(?P<number>\d*)$", re.IGNORECASE)
_NUMBER = re.compile(r"\s+\d+$")
TRAINVAL = "trainval"
"""What is for training and validation together, which counts where no list is of training alone."""
NAMING_SHARE = 0.9
"""Lines of a list that must name files of the folder."""
MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class SplitLists:
    """What the lists say.

    Attributes:
        splits: of each file, None where no list has it.
        lists: the lists that were read, relative to the folder.
        notes: sentences about them.
    """

    splits: list[str | None]
    lists: tuple[str, ...]
    notes: list[str]


def read_split_lists(
    folder: Path, texts: Sequence[str], files: Sequence[str], *, bare: bool = False
) -> SplitLists | None:
    """The splits by lists such as ``validation_list.txt``, ``trainlist01.txt`` or ``meta/test.txt``.

    A line names a file by its path, from the end of which folders above all and the ending may be missing; what follows
    after a blank (the number of a class) is passed over. Of numbered lists the first number counts. Files in no list
    are for training where no list is of training rows.

    Args:
        folder: that all paths are relative to.
        texts: text files in it.
        files: (n,) media files in it.
        bare: whether all folders may be missing from lines.
    """
    lists = _first_numbers(texts)
    places = places_of(files, bare=bare) if lists else {}
    found: dict[str, tuple[str, list[int]]] = {}
    for path, split in lists:
        rows = [places.get(name, places.get(_NUMBER.sub("", name))) for name in lines_of(folder / path)]
        named = [row for row in rows if row is not None]
        if named and len(named) >= NAMING_SHARE * len(rows):
            found[path] = (split, named)
    if not found:
        return None
    splits: list[str | None] = [None] * len(files)
    twice = 0
    for split, named in found.values():
        for row in named:
            twice += splits[row] not in (None, split)
            splits[row] = split
    left = sum(split is None for split in splits)
    notes = [f"splits are those of {some_of(found, 4)}"]
    if left and not any(split == "train" for split, _ in found.values()):
        splits = [split or "train" for split in splits]
        notes[0] += f"; {counted(left, 'file')} in none of them counted as train"
    if twice:
        notes.append(f"{counted(twice, 'file')} stood in lists of several splits: the last one counts")
    return SplitLists(splits, tuple(found), notes)


def _first_numbers(texts: Sequence[str]) -> list[tuple[str, str]]:
    """(list, split) by the names of text files, of each split those with the lowest number."""
    named: dict[str, list[tuple[int, str]]] = {}
    for path in texts:
        match = _NAMED.match(re.sub("train[-_]val", TRAINVAL, PurePosixPath(path).stem.lower()))
        split = {**CANONICAL, TRAINVAL: TRAINVAL}.get(match["split"].lower()) if match else None
        if match and split:
            named.setdefault(split, []).append((int(match["number"] or 0), path))
    both = named.pop(TRAINVAL, [])
    named = {**named, **({"train": both} if both and "train" not in named else {})}
    return [(path, split) for split, lists in named.items() for number, path in lists if number == min(lists)[0]]


def places_of(files: Sequence[str], *, bare: bool = False) -> dict[str, int]:
    """Path, with and without its ending and the folders above all -> place; paths that mean two files are left out.

    With `bare`, all folders may be missing.
    """
    found: dict[str, int | None] = {}
    for row, file in enumerate(files):
        parts = file.split("/")
        for start in range(max(1, len(parts) - (not bare))):
            tail = "/".join(parts[start:])
            for name in {tail, os.path.splitext(tail)[0]}:  # noqa: PTH122 (called once per row)
                found[name] = row if found.setdefault(name, row) == row else None
    return {name: row for name, row in found.items() if row is not None}


def lines_of(path: Path) -> list[str]:
    """The lines, with slashes."""
    try:
        lines = decode(path).text.splitlines() if path.stat().st_size <= MOST_BYTES else []
    except (DataError, OSError):
        return []
    return [line.strip().replace("\\", "/") for line in lines if line.strip()]

"""Lists that give each file of a folder the number of its split, as those of CUB-200 and HMDB51."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from curate.sources.lists.split_lists import SplitLists, lines_of, places_of
from curate.wording import counted, some_of

CUB = {"1": "train", "0": "test"}
HMDB = {"1": "train", "2": "test"}
_HMDB = re.compile(r"_test_split(?P<number>\d+)$")


def read_split_codes(folder: Path, texts: Sequence[str], files: Sequence[str]) -> SplitLists | None:
    """The splits by ``train_test_split.txt`` beside ``images.txt``, or by ``CLASS_test_split1.txt``; None without them.

    Of HMDB51's three divisions the first counts; files of its code 0 are in no split.

    Args:
        folder: that all paths are relative to.
        texts: text files in it.
        files: (n,) media files in it.
    """
    coded, lists = _cub(folder, texts) or _hmdb(folder, texts)
    if not coded:
        return None
    places = places_of(files)
    splits: list[str | None] = [None] * len(files)
    for name, split in coded.items():
        if (row := places.get(name)) is not None:
            splits[row] = split
    if not any(splits):
        return None
    notes = [f"splits are those of {some_of(lists, 4)}"]
    if left := sum(split is None for split in splits):
        notes[0] += f"; {counted(left, 'file')} in none of them"
    return SplitLists(splits, tuple(lists), notes)


def _cub(folder: Path, texts: Sequence[str]) -> tuple[dict[str, str], list[str]] | None:
    """File -> split by the numbers of images; None where there are no such lists."""
    named = {PurePosixPath(path).name: path for path in texts}
    if not {"images.txt", "train_test_split.txt"} <= named.keys():
        return None
    names = dict(_pairs(folder / named["images.txt"]))
    codes = _pairs(folder / named["train_test_split.txt"])
    coded = {names[number]: CUB[code] for number, code in codes if number in names and code in CUB}
    return coded, [named["train_test_split.txt"]]


def _hmdb(folder: Path, texts: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    numbered = {path: int(m["number"]) for path in texts if (m := _HMDB.search(PurePosixPath(path).stem))}
    lists = [path for path, number in numbered.items() if number == min(numbered.values())]
    coded: dict[str, str] = {}
    for path in lists:
        label = _HMDB.sub("", PurePosixPath(path).stem)
        coded |= {f"{label}/{name}": HMDB[code] for name, code in _pairs(folder / path) if code in HMDB}
    return coded, lists


def _pairs(path: Path) -> list[tuple[str, str]]:
    """The two words of each line."""
    words = [line.rsplit(maxsplit=1) for line in lines_of(path)]
    return [(first, last) for first, last in (pair for pair in words if len(pair) == 2)]

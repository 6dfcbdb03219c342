"""Lists of files and their labels, a line each, beside media that stand in no folders of classes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from curate.sources.lists.split_lists import TRAINVAL, lines_of, places_of
from curate.sources.splits import CANONICAL
from curate.wording import some_of

NAMING_SHARE = 0.9
"""Lines of a list that must name files of the folder."""
COVERED = 0.5
"""Files that lists must name, where nothing else says their labels."""
MOST_NUMBERS = 3
"""Numbers behind a name, from which on they are a box or points."""
_WORDS = re.compile(r"[-_. ]+")
_COUNT = re.compile(r"[-_ ]?\d+$")


@dataclass(frozen=True)
class LabelLists:
    """What the lists say.

    Attributes:
        labels: of each file, None where no list says it.
        splits: of each file, None where no list has it.
        lists: that were read, relative to the folder.
        notes: sentences about them.
    """

    labels: list[str | None]
    splits: list[str | None]
    lists: tuple[str, ...]
    notes: list[str]


def read_label_lists(
    folder: Path, texts: Sequence[str], files: Sequence[str], labels: Sequence[str | None]
) -> LabelLists | None:
    """The labels by lists such as ``images_variant_train.txt``, ``annotations/trainval.txt``, ``val_annotations.txt``.

    A line names a file, with or without ending, and behind a blank or tab its label; lists named after splits give
    these. Where several lists name the same files (variant, family) the one of most classes counts. Numbers that go
    with the beginning of the files' names (``Abyssinian_12``) are called so.

    Args:
        folder: that all paths are relative to.
        texts: text files in it, and files of JSON.
        files: (n,) media files in it.
        labels: (n,) known by folders; where there are some, lists only add labels of the same classes.
    """
    if None not in labels or not texts:
        return None
    places = places_of(files, bare=True)
    groups: dict[tuple[str, ...], dict[str, dict[int, str]]] = {}
    for path in texts:
        if found := _labels(folder / path, places):
            groups.setdefault(_about(path), {})[path] = found
    known = set(labels) - {None}
    if known:
        groups = {key: lists for key, lists in groups.items() if _classes(lists) <= known}
    if not groups:
        return None
    best = max(groups.values(), key=lambda lists: (len(_rows(lists)), any(map(_split, lists)), len(_classes(lists))))
    if not known and (len(_rows(best)) < COVERED * len(files) or len(_classes(best)) < 2):
        return None
    return _said(best, groups, files, labels)


def _said(
    best: dict[str, dict[int, str]], groups: dict, files: Sequence[str], labels: Sequence[str | None]
) -> LabelLists:
    named = list(labels)
    splits: list[str | None] = [None] * len(files)
    train = any(_split(path) == "train" for path in best)
    for path, found in best.items():
        split = _split(path)
        for row, label in found.items():
            named[row] = label if labels[row] is None else labels[row]
            if split and not (split == TRAINVAL and train):
                splits[row] = "train" if split == TRAINVAL else split
    notes = [f"labels are those of {some_of(best, 4)}"]
    others = [path for lists in groups.values() if lists is not best for path in lists]
    if others:
        notes.append(f"other labels of the same files were passed over ({some_of(others, 4)})")
    return LabelLists(_by_beginnings(named, files), splits, tuple(best), notes)


def _labels(path: Path, places: dict[str, int]) -> dict[int, str]:
    """Row -> label; empty where the lines do not name files and labels."""
    if path.suffix.lower() == ".json":
        return _of_json(path, places)
    lines = [line for line in lines_of(path) if not line.startswith("#")]
    found: dict[int, str] = {}
    for line in lines:
        name, *words = line.split("\t") if "\t" in line else line.split(maxsplit=1)
        row = places.get(name.strip())
        label = _label(words[0]) if words else None
        if row is not None and label:
            found[row] = label
    return found if found and len(found) >= NAMING_SHARE * len(lines) else {}


def _of_json(path: Path, places: dict[str, int]) -> dict[int, str]:
    """Row -> label by ``{file: label}`` or ``{label: [files]}``; empty where a file is something else."""
    try:
        document = json.loads("\n".join(lines_of(path)))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    pairs = [(file, label) for file, label in document.items() if isinstance(label, str | int)]
    pairs += [(file, name) for name, files in document.items() if isinstance(files, list) for file in files]
    found = {places.get(str(file)): str(label) for file, label in pairs}
    rows = {row: label for row, label in found.items() if row is not None}
    return rows if len(rows) >= NAMING_SHARE * max(1, len(pairs)) else {}


def _label(words: str) -> str | None:
    """The label: all that is said, or the first of a few numbers."""
    numbers = words.split()
    if not all(re.fullmatch(r"-?\d+(\.\d+)?", number) for number in numbers):
        return words.strip()
    return numbers[0] if 0 < len(numbers) <= MOST_NUMBERS and numbers[0].isdecimal() else None


def _about(path: str) -> tuple[str, ...]:
    words = _WORDS.split(PurePosixPath(path).stem.lower())
    return tuple(word for word in words if word not in CANONICAL and word != TRAINVAL)


def _split(path: str) -> str | None:
    words = [*_WORDS.split(PurePosixPath(path).stem.lower()), PurePosixPath(path).parent.name.lower()]
    meant = {**CANONICAL, TRAINVAL: TRAINVAL}
    return next((meant[word] for word in words if word in meant), None)


def _rows(lists: dict[str, dict[int, str]]) -> set[int]:
    return {row for found in lists.values() for row in found}


def _classes(lists: dict[str, dict[int, str]]) -> set[str]:
    return {label for found in lists.values() for label in found.values()}


def _by_beginnings(labels: list[str | None], files: Sequence[str]) -> list[str | None]:
    """Numbers as the beginnings of names, where each goes with one of them alone."""
    if not all(label is None or label.isdecimal() for label in labels):
        return labels
    begins = [_COUNT.sub("", PurePosixPath(file).stem) for file in files]
    pairs = {(label, begin) for label, begin in zip(labels, begins, strict=True) if label is not None}
    names = dict(pairs)
    if len(names) != len(pairs) or len(set(names.values())) != len(pairs) or not all(names.values()):
        return labels
    return [None if label is None else names[label] for label in labels]

"""One folder per class, perhaps below folders of splits: which folders are classes, which are splits, which neither."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import pyarrow as pa

from curate.errors import ConfigError
from curate.sources.folders.listing import Listing, split_path
from curate.sources.folders.mask_folders import MASK_FOLDERS
from curate.sources.folders.text_files import text_columns
from curate.sources.labels.beginnings import by_beginnings
from curate.sources.lists.label_lists import read_label_lists
from curate.sources.lists.mat_labels import read_mat_labels
from curate.sources.lists.named_classes import named_classes
from curate.sources.lists.split_codes import read_split_codes
from curate.sources.lists.split_lists import read_split_lists
from curate.sources.raw import Raw, media_paths, of_files
from curate.sources.splits import CANONICAL, folder_splits
from curate.wording import counted, noun, some_of

MIXED_SHARE = 0.1
PART = re.compile(r"(^|[-_ ])(fold|part|batch|shard|chunk)[-_ ]?\d+$", re.IGNORECASE)
"""Folders that hold a part of everything."""
NOISE = "_background_noise_"
"""Speech Commands' folder of minutes of noise, which are to be mixed in."""
NO_LABEL = frozenset(("unsup", "unlabeled", "unlabelled", "unsupervised"))
"""Folders of files that nobody labelled, beside those of classes."""
LISTS_SHARE = 0.2
"""Text files above the folders of all others are about these, up to this share of all."""


def per_class(folder: Path, source: str, listing: Listing) -> Raw:
    """One folder per class, perhaps below folders of splits; files in no folder have no label."""
    kind, files, skipped = _one_kind(listing, source)
    files, aside = _without_lists(files) if kind == "text" else _without_masks(files)
    splits, labels, notes = layout(files)
    bare = sum(label is None for label in labels)
    labels, unlabelled = _without_names(labels)
    notes = [*aside, *notes, *unlabelled]
    if kind != "text" and not any(splits):
        lists = read_split_lists(folder, listing.texts, files) or read_split_codes(folder, listing.texts, files)
        if lists:
            splits, notes = lists.splits, [*notes, *lists.notes]
            skipped = [path for path in skipped if path not in lists.lists]
    beside = _captions(listing.texts, files) if kind in ("image", "video") else []
    captions = [path for path in beside if path]
    taken = set(captions)
    lists = [path for path in listing.texts if path not in taken]
    maps = [path for path in listing.tables if path.lower().endswith(".json")]
    listed = read_label_lists(folder, [*lists, *maps], files, labels) if kind != "text" else None
    listed = listed or (read_mat_labels(folder, listing.others, files) if not any(labels) else None)
    if listed:
        labels, notes = listed.labels, [*notes, *listed.notes]
        splits = splits if any(splits) else listed.splits
        skipped = [path for path in skipped if path not in listed.lists]
    _refuse_splits_as_classes(labels, source)
    if named := named_classes(folder, [path for path in skipped if path not in taken], labels):
        labels, used, told = named
        skipped, notes = [path for path in skipped if path != used], [*notes, told]
    if kind != "text" and not any(labels):
        named, told = by_beginnings(files, splits)
        labels, notes, bare = named or labels, [*notes, *told], 0
    roles = {kind: kind}
    columns: dict[str, pa.Array] = {}
    unreadable: dict[int, str] = {}
    records: dict[int, bytes] = {}
    remarks: list[tuple[int, str, str]] = []
    paths = pa.array([_printable(path) for path in files], pa.string())
    if kind == "text":
        columns["text"], unreadable, records, remarks = text_columns(folder, files)
        columns["path"] = paths
    else:
        for row, path in enumerate(files):
            if _printable(path) != path:
                unreadable[row] = f"{_printable(path)!r}: the file name is not UTF-8"
                records[row] = os.fsencode(path)
        columns[kind] = media_paths(paths)
    if captions:
        place = {path: row for row, path in enumerate(captions)}
        rows = pa.array([place.get(path) for path in beside], pa.int64())
        columns["caption"] = text_columns(folder, captions)[0].take(rows)
    if any(label is not None for label in labels):
        columns["label"], roles["label"] = pa.array(labels, pa.string()), "label"
        if bare and not listed:
            notes.append(f"{counted(bare, 'file')} in no class folder: without a label")
    if any(split is not None for split in splits):
        columns["split"], roles["split"] = pa.array(splits, pa.string()), "split"
    return of_files(
        folder,
        source,
        columns,
        paths,
        unreadable=unreadable,
        records=records,
        remarks=remarks,
        notes=(*notes, *listing.notes([path for path in skipped if path not in taken])),
        roles=roles,
        media={} if kind == "text" else {kind: kind},
    )


def _captions(texts: Sequence[str], files: Sequence[str]) -> list[str]:
    """The text file that bears the name of each file, ``""`` where none does; nothing where most have none."""
    named = {os.path.splitext(path)[0]: path for path in texts}  # noqa: PTH122 (called once per row)
    found = [named.get(os.path.splitext(path)[0], "") for path in files]  # noqa: PTH122
    return found if 2 * found.count("") < len(files) else []


def _without_lists(files: list[str]) -> tuple[list[str], list[str]]:
    """Text files without those few that lie above the folders of all others, as lists of addresses do; and a note."""
    folders = {os.path.dirname(path) for path in files}  # noqa: PTH120 (called once per row)
    parents = {str(parent) for folder in folders if folder for parent in Path(folder).parents}
    left = [path for path in files if (os.path.dirname(path) or ".") in parents]  # noqa: PTH120
    if not left or len({folder or "." for folder in folders} - parents) < 2 or len(left) > LISTS_SHARE * len(files):
        return files, []
    gone = set(left)
    told = f"{counted(len(left), 'text file')} above the folders of all others left out ({some_of(left)})"
    return [path for path in files if path not in gone], [told]


def _without_masks(files: list[str]) -> tuple[list[str], list[str]]:
    """Files without masks of the names of images and without Speech Commands' noise, and sentences about these."""
    masks, notes = _below(files, MASK_FOLDERS), []
    kept = [path for path in files if path not in masks] if masks else files
    if masks and kept and {Path(path).stem.removesuffix("_mask") for path in masks} <= {Path(one).stem for one in kept}:
        notes.append(f"{counted(len(masks), 'mask')} left out ({some_of(sorted(masks), 2)})")
    else:
        kept = files
    noise = _below(kept, {NOISE})
    if not noise or len(noise) == len(kept):
        return kept, notes
    told = f"{counted(len(noise), 'file')} in {NOISE!r}, which is no class, left out"
    return [path for path in kept if path not in noise], [*notes, told]


def _below(files: Sequence[str], names: Collection[str]) -> set[str]:
    """The files in folders of these names, case aside."""
    folders = [os.path.dirname(path) for path in files]  # noqa: PTH120 (called once per row)
    found = {folder for folder in set(folders) if set(names) & {part.lower() for part in Path(folder).parts}}
    return {path for path, folder in zip(files, folders, strict=True) if folder in found}


def _without_names(labels: Sequence[str | None]) -> tuple[list[str | None], list[str]]:
    """The classes without folders that say that nobody labelled what is in them, and a note."""
    found = sorted({name for name in labels if name is not None and name.lower() in NO_LABEL})
    if not found or len(set(labels) - {None, *found}) < 2:
        return list(labels), []
    rows = sum(label in found for label in labels)
    told = f"{counted(rows, 'file')} in {' and '.join(map(repr, found))}: without a label"
    return [None if label in found else label for label in labels], [told]


def _refuse_splits_as_classes(labels: Sequence[str | None], source: str) -> None:
    """Raise ConfigError where train, test and others stand side by side: are these splits or classes?"""
    names = sorted({label for label in labels if label is not None})
    splits = [name for name in names if name.lower() in CANONICAL]
    if len({CANONICAL[name.lower()] for name in splits}) > 1:
        others = [name for name in names if name not in splits]
        raise ConfigError(
            f"{source}: {', '.join(splits)} are named after splits and stand beside {some_of(others)}: are these"
            " folders splits or classes? Name the folders that are meant (a list or glob), or move or rename the others"
        )


def _printable(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _one_kind(listing: Listing, source: str) -> tuple[str, list[str], list[str]]:
    """The kind of media that the folder is about, its files, and those passed over."""
    if not listing.media:
        return "text", listing.texts, [*listing.others, *listing.tables]
    ordered = sorted(listing.media, key=lambda kind: -len(listing.media[kind]))
    total = sum(map(len, listing.media.values()))
    second = listing.media[ordered[1]] if len(ordered) > 1 else []
    if len(second) > MIXED_SHARE * total:
        counts = " and ".join(counted(len(listing.media[kind]), f"{kind} file") for kind in ordered)
        raise ConfigError(f"{source}: holds {counts}; put them apart, or name the folder that is meant")
    others = [path for kind in ordered[1:] for path in listing.media[kind]]
    return ordered[0], listing.media[ordered[0]], [*others, *listing.texts, *listing.others, *listing.tables]


def layout(files: Sequence[str]) -> tuple[list[str | None], list[str | None], list[str]]:
    """Split and class of each file from the folders that it is in, and notes.

    Folders named after splits are splits, at the top or below one folder that holds everything (``images/train/cat``);
    a folder that holds everything else, or all of one split, is no class, and neither are numbered parts
    (``fold1``, ``fold2``); the next folder is the class, whatever is below it.
    """
    folders = [split_path(path)[0] for path in files]
    splits: list[str | None] = [None] * len(files)
    notes: list[str] = []
    while True:
        tops = {parts[0] for parts in folders if parts}
        of_splits = None if any(splits) else folder_splits(tops)
        if of_splits:
            splits = [of_splits[parts[0]] if parts else None for parts in folders]
        elif len(tops) == 1 and all(len(parts) > 1 for parts in folders):
            notes.append(f"the folder {next(iter(tops))!r} holds everything and is taken for no class")
        elif len(tops) > 1 and all(parts and PART.search(parts[0]) for parts in folders):
            notes.append(f"the folders {some_of(sorted(tops), 3)} are parts and taken for no classes")
        else:
            labels = [parts[0] if parts else None for parts in folders]
            return splits, _without_lone(labels, splits, notes), notes
        folders = [parts[1:] for parts in folders]


def _without_lone(labels: Sequence[str | None], splits: Sequence[str | None], notes: list[str]) -> list[str | None]:
    """The classes without a folder that holds everything, or all of a split while others have classes."""
    names = set(labels)
    if len(names) == 1 and None not in names:
        notes.append(f"the folder {next(iter(names))!r} holds everything and is taken for no class")
        return [None] * len(labels)
    by_split: dict[str | None, set[str | None]] = {}
    for label, split in zip(labels, splits, strict=True):
        by_split.setdefault(split, set()).add(label)
    classes = {name for found in by_split.values() if len(found) > 1 for name in found}
    lone = {split: found for split, found in by_split.items() if len(found) == 1 and not found & {None, *classes}}
    if len(classes) < 2 or not lone:
        return list(labels)
    listed = some_of(sorted({f"{split}/{name}" for split, found in lone.items() for name in found}), 3)
    notes.append(f"{listed} {noun(len(lone), 'holds a whole split and is', 'hold whole splits and are')} no class")
    return [None if split in lone else label for label, split in zip(labels, splits, strict=True)]

"""Folders: one folder per class, media beside a table of metadata, several tables, or what `datasets` saved."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from curate.errors import ConfigError, DataError
from curate.sources.box_folders import images_and_boxes
from curate.sources.conll import is_conll
from curate.sources.fasttext import is_fasttext
from curate.sources.file_kinds import SERIES, ending
from curate.sources.hub import from_disk
from curate.sources.listing import Listing, classify, walk
from curate.sources.mask_folders import images_and_masks
from curate.sources.media_columns import find_media
from curate.sources.raw import Raw, media_paths, of_files
from curate.sources.shards import local_shard, read_shards
from curate.sources.split_lists import read_split_lists
from curate.sources.splits import CANONICAL, about_and_split, split_name
from curate.sources.tables import read_several
from curate.sources.text_files import text_columns
from curate.wording import counted, of_all, some_of

MIXED_SHARE = 0.1
_COCO = re.compile(r"^instances.*\.json$|^_?annotations?([._-]?coco)?\.json$|coco.*\.json$", re.IGNORECASE)
_SHARD = re.compile(r"^(.*?)[-_.]?\d+(?:[-_]of[-_]\d+)?$")


def read_folder(folder: Path, source: str, *, delimiter: str | None = None, encoding: str | None = None) -> Raw:
    """Read a folder, whatever it is.

    Raises:
        DataError: it is empty, holds no data, or may not be read.
        ConfigError: it holds several things and it is unclear which is meant.
    """
    if (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    ):
        return from_disk(folder, source)
    listing = walk(folder, source)
    if listing.shards:
        if not (listing.media or listing.tables or listing.arrays or listing.texts):
            raw = read_shards([local_shard(folder / path, path) for path in listing.shards], source)
            return replace(raw, notes=(*raw.notes, *listing.notes(listing.others)))
        listing.others.extend(listing.shards)
    options = {"delimiter": delimiter, "encoding": encoding}
    if listing.media:
        # Files of series name no media (and TypeScript has their ending).
        naming = [path for path in listing.tables if ending(path) not in SERIES]
        tables = _metadata_tables(naming) or _deeper_tables(listing, naming)
        if tables and (raw := _with_metadata(folder, source, tables, listing, options)):
            return raw
        return (
            images_and_masks(folder, source, listing)
            or images_and_boxes(folder, source, listing)
            or _per_class(folder, source, listing)
        )
    if listing.tables:
        chosen = _rows_of_one_kind(listing.tables, source)
        raw = read_several([folder / path for path in chosen], source, folder, **options)
        skipped = [path for path in listing.tables if path not in chosen]
        skipped += [*listing.arrays, *listing.texts, *listing.others]
        return replace(raw, notes=(*raw.notes, *listing.notes(skipped)))
    if listing.arrays:
        if len(listing.arrays) > 1:
            raise ConfigError(
                f"{source}: holds several archives ({some_of(listing.arrays)}); name the file that is meant"
            )
        return read_several([folder / listing.arrays[0]], source, folder, **options)
    if listing.texts and all(is_conll(folder / path) or is_fasttext(folder / path) for path in listing.texts):
        return read_several([folder / path for path in listing.texts], source, folder, **options)
    if listing.texts:
        return _per_class(folder, source, listing)
    everything = len(listing.others) + listing.junk
    what = f"{counted(everything, 'file')}, but none that can be read as data" if everything else "no files"
    raise DataError(f"{source}: the folder holds {what}")


def _metadata_tables(tables: Sequence[str]) -> list[str]:
    """Tables that may describe the media: those at the top, or ``metadata.*`` in folders of splits."""
    top = [path for path in tables if os.sep not in path]
    named = [path for path in tables if Path(path).stem.lower() in ("metadata", "labels")]
    return top or named or [path for path in tables if _COCO.search(Path(path).name)]


def _deeper_tables(listing: Listing, tables: list[str]) -> list[str]:
    """Tables in folders beside those of the media (``meta/``), where no folders of classes say more."""
    labels = layout([path for paths in listing.media.values() for path in paths])[1]
    return tables if len({label for label in labels if label is not None}) < 2 else []


def _with_metadata(
    folder: Path, source: str, tables: Sequence[str], listing: Listing, options: dict[str, str | None]
) -> Raw | None:
    """Rows of the tables that name media files; None if no table names any."""
    found: dict[str, Raw] = {}
    passed_over: list[str] = []
    files = {name for paths in listing.media.values() for path in paths for name in (Path(path).name, Path(path).stem)}
    for path in tables:
        try:
            raw = read_several([folder / path], source, folder, files=files, **options)
        except DataError as error:
            if len(tables) == 1:
                raise
            passed_over.append(f"{path} was passed over: {error}")
            continue
        if _names_files(raw, listing) or _names_stems(raw, listing):
            found[path] = raw
    if not found:
        return None
    chosen = list(found)
    raw = (
        found[chosen[0]]
        if len(chosen) == 1
        else read_several([folder / path for path in chosen], source, folder, files=files, **options)
    )
    skipped = [*listing.others, *(path for path in listing.tables if path not in chosen), *listing.texts]
    stems = _names_stems(raw, listing)
    notes = (*raw.notes, *passed_over, *_unnamed(raw, listing, stems), *listing.notes(skipped))
    return replace(raw, notes=notes, media={**raw.media, **stems})


def _unnamed(raw: Raw, listing: Listing, stems: Mapping[str, str]) -> list[str]:
    """A sentence about media files that no row names, by file name or stem alone, whatever the folder."""
    named: set[str] = set()
    for column in {**find_media(raw).kinds, **stems}:
        if pa.types.is_string(raw.columns[column].type) or pa.types.is_large_string(raw.columns[column].type):
            values = raw.columns[column].drop_null().to_pylist()
            named.update(re.split(r"[\\/]", value)[-1] for value in values)
    files = [path for paths in listing.media.values() for path in paths]
    left = [path for path in files if Path(path).name not in named and Path(path).stem not in named]
    lone = of_all(len(left), len(files), "media file", "media files", ("is", "are"))
    return [f"{lone} named by no row and left out ({some_of(left)})"] if left else []


def _names_files(raw: Raw, listing: Listing) -> bool:
    """Whether a column names media files of this folder."""
    names = {Path(path).name for paths in listing.media.values() for path in paths}
    for column in find_media(raw).kinds:
        if pa.types.is_string(raw.columns[column].type) or pa.types.is_large_string(raw.columns[column].type):
            values = raw.columns[column].drop_null().slice(0, 500).to_pylist()
            if any(re.split(r"[\\/]", value)[-1] in names for value in values):
                return True
    return False


def _names_stems(raw: Raw, listing: Listing) -> dict[str, str]:
    """A text column whose values are names of media files without their endings, if no column names whole files."""
    if find_media(raw).kinds:
        return {}
    stems = {Path(path).stem: kind for kind, paths in listing.media.items() for path in paths}
    for name in raw.columns.column_names:
        column = raw.columns[name]
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            values = column.drop_null().slice(0, 200).to_pylist()
            kinds = Counter(stems.get(value) for value in values)
            if values and kinds.get(None, 0) <= 0.2 * len(values):
                return {name: kinds.most_common(1)[0][0] or "image"}
    return {}


def _rows_of_one_kind(tables: Sequence[str], source: str) -> list[str]:
    """Tables to be read together: one, parts of one, or splits. Unrelated names are not thrown together."""
    if len(tables) == 1:
        return list(tables)
    stems = [Path(path).stem for path in tables]
    splits = [path for path in tables if _is_split(path)]
    named = [about_and_split(stem) for stem in stems]
    if splits or (None not in named and len({found[0] for found in named if found}) == 1):
        return list(tables)  # `read_several` sees which have the same columns
    parts = {match[1] if (match := _SHARD.match(stem)) else stem + "." for stem in stems}
    if len(parts) == 1:
        return list(tables)
    raise ConfigError(f"{source}: holds several tables ({some_of(tables)}); name the file, or a glob or list of files")


def _is_split(path: str) -> bool:
    return bool(split_name(Path(path).stem) or split_name(Path(path).parent.name))


def _per_class(folder: Path, source: str, listing: Listing) -> Raw:
    """One folder per class, perhaps below folders of splits; files in no folder have no label."""
    kind, files, skipped = _one_kind(listing, source)
    splits, labels, notes = layout(files)
    lists = read_split_lists(folder, listing.texts, files) if kind != "text" and not any(splits) else None
    if lists:
        splits, notes = lists.splits, [*notes, *lists.notes]
        skipped = [path for path in skipped if path not in lists.lists]
    _refuse_splits_as_classes(labels, source)
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
    if any(label is not None for label in labels):
        columns["label"], roles["label"] = pa.array(labels, pa.string()), "label"
        if bare := sum(label is None for label in labels):
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
        notes=(*notes, *listing.notes(skipped)),
        roles=roles,
        media={} if kind == "text" else {kind: kind},
    )


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
    a folder that holds everything else is no class; the next folder is the class, whatever is below it.
    """
    folders = [list(Path(path).parts[:-1]) for path in files]
    splits: list[str | None] = [None] * len(files)
    notes: list[str] = []
    while True:
        tops = {parts[0] for parts in folders if parts}
        if tops and all(name.lower() in CANONICAL for name in tops) and not any(splits):
            for row, parts in enumerate(folders):
                if parts:
                    splits[row] = CANONICAL[parts[0].lower()]
            folders = [parts[1:] for parts in folders]
        elif len(tops) == 1 and all(len(parts) > 1 for parts in folders):
            notes.append(f"the folder {next(iter(tops))!r} holds everything and is taken for no class")
            folders = [parts[1:] for parts in folders]
        else:
            return splits, [parts[0] if parts else None for parts in folders], notes


def files_as_folder(paths: Sequence[Path], source: str) -> Raw:
    """A list of media or text files: their folder is the class where there are several folders."""
    root = Path(os.path.commonpath([path.parent for path in paths]))
    listing = Listing()
    for path in sorted(paths):
        classify(listing, os.path.relpath(path, root), path.name)
    return _per_class(root, source, listing)

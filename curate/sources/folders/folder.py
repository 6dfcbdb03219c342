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
from curate.sources.clips.clip_files import ids_of_file, ids_of_parts
from curate.sources.columns.column_types import is_text
from curate.sources.columns.media_columns import find_media
from curate.sources.columns.role_names import SPLIT_NAMES
from curate.sources.file_kinds import FIELDS, SERIES, TextOptions, ending
from curate.sources.folders.array_files import arrays_of_pictures
from curate.sources.folders.box_folders import images_and_boxes, labelme_files
from curate.sources.folders.caption_lists import images_with_captions
from curate.sources.folders.celeba import with_attributes
from curate.sources.folders.class_folders import layout, per_class
from curate.sources.folders.face_lists import images_with_faces
from curate.sources.folders.kaldi import is_kaldi, read_kaldi
from curate.sources.folders.label_tracks import intervals_of_recordings, parts_of_recordings
from curate.sources.folders.listing import Listing, classify, nothing_to_read, walk
from curate.sources.folders.mask_folders import images_and_masks
from curate.sources.folders.name_schemes import files_by_scheme, with_source_videos
from curate.sources.folders.number_files import vectors_and_classes
from curate.sources.folders.parallel_texts import language_pairs, read_parallel
from curate.sources.folders.polar_files import polar_tables, polar_texts
from curate.sources.folders.results import refuse_result
from curate.sources.folders.tables_about_files import joined
from curate.sources.folders.text_files import without_ending
from curate.sources.folders.transcript_files import recordings_and_texts
from curate.sources.formats.conll import is_conll
from curate.sources.formats.cvat import cvat_files
from curate.sources.formats.fasttext import is_fasttext
from curate.sources.formats.hub import from_disk
from curate.sources.formats.libsvm import libsvm_files
from curate.sources.formats.tables import is_table, read_several
from curate.sources.formats.text_lines import are_rows, is_tabbed
from curate.sources.lists.named_classes import is_json_list, with_named_labels
from curate.sources.lists.split_lists import places_of, read_split_lists
from curate.sources.raw import Raw
from curate.sources.shards.shards import local_shard, read_shards
from curate.sources.splits import file_about_and_split, split_name
from curate.wording import of_all, some_of

_COCO = re.compile(r"^instances.*\.json$|^_?annotations?([._-]?coco)?\.json$|coco.*\.json$", re.IGNORECASE)
_SHARD = re.compile(r"^(.*?)[-_.]?\d+(?:[-_]of[-_]\d+)?$")


def read_folder(
    folder: Path, source: str, *, delimiter: str | None = None, encoding: str | None = None, tier: str | None = None
) -> Raw:
    """Read a folder, whatever it is; with `tier` the intervals of that tier where it holds TextGrids.

    Raises:
        DataError: it is empty, holds no data, or may not be read.
        ConfigError: it holds several things and it is unclear which is meant, or TextGrids without the tier.
    """
    if (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    ):
        return from_disk(folder, source)
    refuse_result(folder, source)
    if is_kaldi(folder):
        return read_kaldi(folder, source, encoding)
    listing = walk(folder, source)
    if listing.shards:
        if not (listing.media or listing.tables or listing.arrays or listing.texts):
            raw = read_shards([local_shard(folder / path, path) for path in listing.shards], source)
            return replace(raw, notes=(*raw.notes, *listing.notes(listing.others)))
        listing.others.extend(listing.shards)
    options: TextOptions = {"delimiter": delimiter, "encoding": encoding}
    if tier is not None and (raw := intervals_of_recordings(folder, source, listing, tier)):
        return raw
    if listing.media:
        # Files of series name no media (and TypeScript has their ending).
        drawn = set(labelme_files(folder, listing).values())
        naming = [path for path in listing.tables if ending(path) not in SERIES and path not in drawn]
        naming = [path for path in naming if not is_json_list(folder / path)]
        naming += cvat_files(folder, listing.others)
        named = _metadata_tables(naming, [path for paths in listing.media.values() for path in paths])
        for tables in (named, [path for path in _deeper_tables(listing, naming) if path not in named]):
            if tables and (raw := _with_metadata(folder, source, tables, listing, options)):
                return raw
        return (
            images_with_faces(folder, source, listing)
            or _masks_or_boxes(folder, source, listing)
            or with_attributes(folder, source, listing)
            or images_with_captions(folder, source, listing)
            or parts_of_recordings(folder, source, listing)
            or recordings_and_texts(folder, source, listing)
            or intervals_of_recordings(folder, source, listing)
            or files_by_scheme(folder, source, listing)
            or with_source_videos(per_class(folder, source, listing))
        )
    if not listing.tables and (found := arrays_of_pictures(folder, listing.others, source)):
        raw, used = found
        skipped = [path for path in (*listing.others, *listing.texts) if path not in used]
        return replace(raw, notes=(*raw.notes, *listing.notes(skipped)))
    if listing.tables:
        if (found := polar_tables(folder, listing.tables, source, options)) is not None:
            return replace(found, notes=(*found.notes, *listing.notes([*listing.texts, *listing.others])))
        chosen = _rows_of_one_kind(listing.tables, source)
        raw = read_several([folder / path for path in chosen], source, folder, found=True, **options)
        skipped = [path for path in listing.tables if path not in chosen]
        skipped += [*listing.arrays, *listing.texts, *listing.others]
        return replace(raw, notes=(*raw.notes, *listing.notes(skipped)))
    if listing.arrays:
        if len(listing.arrays) > 1:
            raise ConfigError(
                f"{source}: holds several archives ({some_of(listing.arrays)}); name the file that is meant"
            )
        return read_several([folder / listing.arrays[0]], source, folder, **options)
    if found := vectors_and_classes(folder, listing.texts, source):
        raw, used = found
        skipped = [path for path in (*listing.texts, *listing.others) if path not in used]
        return replace(raw, notes=(*raw.notes, *listing.notes(skipped)))
    if found := polar_texts(folder, [*listing.texts, *listing.others], source, encoding):
        raw, used = found
        skipped = [path for path in (*listing.texts, *listing.others) if path not in used]
        return replace(raw, notes=(*raw.notes, *listing.notes(skipped)))
    if listing.texts and all(is_conll(folder / path) or is_fasttext(folder / path) for path in listing.texts):
        return read_several([folder / path for path in listing.texts], source, folder, **options)
    if listing.texts and all(is_tabbed(folder / path) for path in listing.texts):
        raw = read_several([folder / path for path in listing.texts], source, folder, found=True, **options)
        return replace(raw, notes=(*raw.notes, *listing.notes(listing.others)))
    if pairs := language_pairs(listing.others):
        raw = read_parallel(folder, pairs, source, encoding)
        used = {path for paths in pairs.values() for path in paths}
        skipped = [*listing.texts, *(path for path in listing.others if path not in used)]
        return replace(raw, notes=(*raw.notes, *listing.notes(skipped)))
    if not listing.texts:
        if tables := [path for path in listing.others if ending(path) in FIELDS and is_table(folder / path)]:
            raw = read_several([folder / one for one in _rows_of_one_kind(tables, source)], source, folder, **options)
            return replace(raw, notes=(*raw.notes, *listing.notes([p for p in listing.others if p not in tables])))
        listing.texts, listing.others = without_ending(folder, listing.others)
    if vectors := libsvm_files(folder, listing.texts, listing.others):
        raw = read_several([folder / path for path in vectors], source, folder, found=True, **options)
        skipped = [path for path in (*listing.texts, *listing.others) if path not in vectors]
        return replace(raw, notes=(*raw.notes, *listing.notes(skipped)))
    if listing.texts and are_rows(listing.texts):
        raw = read_several([folder / path for path in listing.texts], source, folder, **options)
        return replace(raw, notes=(*raw.notes, *listing.notes(listing.others)))
    if listing.texts:
        return per_class(folder, source, listing)
    raise DataError(f"{source}: the folder holds {nothing_to_read(folder, listing)}")


def _masks_or_boxes(folder: Path, source: str, listing: Listing) -> Raw | None:
    """Images and what is marked in them; boxes where more images have these, as in VOC 2012."""
    masks = images_and_masks(folder, source, listing)
    if masks is None or 2 * masks.columns["mask"].null_count <= len(masks):
        return masks or images_and_boxes(folder, source, listing)
    boxes = images_and_boxes(folder, source, listing)
    fewer = boxes is not None and boxes.columns["boxes"].null_count < masks.columns["mask"].null_count
    return boxes if fewer else masks


def _metadata_tables(tables: Sequence[str], media: Sequence[str]) -> list[str]:
    """Tables that may describe the media: those at the top, or ``metadata.*`` in folders of splits."""
    above = os.path.commonpath([*media, *tables]) if tables else ""
    top = [path for path in tables if os.sep not in os.path.relpath(path, above or os.curdir)]
    named = [path for path in tables if Path(path).stem.lower() in ("metadata", "labels")]
    return top or named or [path for path in tables if _COCO.search(Path(path).name)]


def _deeper_tables(listing: Listing, tables: list[str]) -> list[str]:
    """Tables in folders beside those of the media (``meta/``), where no folders of classes say more."""
    labels = layout([path for paths in listing.media.values() for path in paths])[1]
    return tables if len({label for label in labels if label is not None}) < 2 else []


def _with_metadata(
    folder: Path, source: str, tables: Sequence[str], listing: Listing, options: TextOptions
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
    whole = joined(found) if len(chosen) > 1 else found[chosen[0]]
    raw = (
        whole
        if whole is not None
        else read_several([folder / path for path in chosen], source, folder, files=files, found=True, **options)
    )
    stems = _names_stems(raw, listing)
    raw, lists = _with_splits(folder, raw, listing, stems)
    texts = [path for path in listing.texts if path not in lists]
    skipped = [*(path for path in (*listing.others, *listing.tables) if path not in chosen), *texts]
    raw, named = with_named_labels(folder, raw, skipped)
    skipped = [path for path in skipped if path not in named]
    notes = (*raw.notes, *passed_over, *_unnamed(raw, listing, stems), *listing.notes(skipped))
    return replace(raw, notes=notes, media={**raw.media, **stems})


def _with_splits(folder: Path, raw: Raw, listing: Listing, stems: Mapping[str, str]) -> tuple[Raw, Sequence[str]]:
    """The rows with the splits of their files, by lists or folders, where no column says them; and the lists."""
    named = next((name for name in {**find_media(raw).kinds, **stems} if is_text(raw.columns[name].type)), None)
    if named is None or {name.strip().lower() for name in raw.columns.column_names} & set(SPLIT_NAMES):
        return raw, ()
    files = [path for paths in listing.media.values() for path in paths]
    lists = read_split_lists(folder, listing.texts, files, bare=True)
    splits = lists.splits if lists else layout(files)[0]
    by_name = {name: splits[row] for name, row in places_of(files, bare=True).items()}
    found = [by_name.get(value.replace("\\", "/")) if value else None for value in raw.columns[named].to_pylist()]
    if len(set(found)) < 2:
        return raw, ()
    notes = lists.notes if lists else ["splits are those of the folders that files are in"]
    raw = raw.with_column("split", pa.array(found, pa.string()))
    return replace(raw, roles={**raw.roles, "split": "split"}, notes=(*raw.notes, *notes)), lists.lists if lists else ()


def _unnamed(raw: Raw, listing: Listing, stems: Mapping[str, str]) -> list[str]:
    """A sentence about media files that no row names, by file name or stem alone, whatever the folder."""
    named: set[str] = set()
    for column in {**find_media(raw).kinds, **stems}:
        if pa.types.is_string(raw.columns[column].type) or pa.types.is_large_string(raw.columns[column].type):
            values = raw.columns[column].drop_null().to_pylist()
            named.update(re.split(r"[\\/]", value)[-1] for value in values)
    files = [path for paths in listing.media.values() for path in paths]
    left = [path for path in files if not {Path(path).name, *ids_of_file(Path(path).stem)} & named]
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
    stems |= {stem.removeprefix("v_"): kind for stem, kind in stems.items() if kind == "video"}  # of ActivityNet
    for name in raw.columns.column_names:
        column = raw.columns[name]
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            values = column.drop_null().slice(0, 200).to_pylist()
            kinds = Counter(stems.get(value) for value in values)
            if values and kinds.get(None, 0) <= 0.2 * len(values):
                return {name: kinds.most_common(1)[0][0] or "image"}
    return ids_of_parts(raw, stems)


def _rows_of_one_kind(tables: Sequence[str], source: str) -> list[str]:
    """Tables to be read together: one, parts of one, or splits. Unrelated names are not thrown together."""
    if len(tables) == 1:
        return list(tables)
    stems = [Path(path).stem for path in tables]
    splits = [path for path in tables if _is_split(path)]
    named = [file_about_and_split(path) for path in tables]
    if splits or (None not in named and len({found[0] for found in named if found}) == 1):
        return list(tables)  # `read_several` sees which have the same columns
    parts = {match[1] if (match := _SHARD.match(stem)) else stem + "." for stem in stems}
    if len(parts) == 1:
        return list(tables)
    raise ConfigError(
        f"{source}: holds several tables ({some_of(tables)}); name the file, or a glob or list of files that have the"
        " same columns; tables that say different things of the same rows must be joined first (pandas: merge)"
    )


def _is_split(path: str) -> bool:
    return bool(split_name(Path(path).stem) or split_name(Path(path).parent.name))


def files_as_folder(paths: Sequence[Path], source: str) -> Raw:
    """A list of media or text files: their folder is the class where there are several folders."""
    root = Path(os.path.commonpath([path.parent for path in paths]))
    listing = Listing()
    for path in sorted(paths):
        classify(listing, os.path.relpath(path, root), path.name)
    return per_class(root, source, listing)

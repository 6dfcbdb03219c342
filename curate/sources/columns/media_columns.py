"""Which columns hold images, audio or video, and their values as ``struct<bytes, path>`` inside the root."""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.media.content import is_media
from curate.media.payload import URL, UnreadablePayload, confined
from curate.media.sniff import sniff
from curate.sources.file_kinds import is_junk, media_kind
from curate.sources.raw import Raw

MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
LARGE_MEDIA = pa.struct([("bytes", pa.large_binary()), ("path", pa.string())])
SAMPLE = 500
SHARE_WITH_ENDING = 0.8
FILE_NAMES = ("file_name", "file", "filename", "path", "filepath", "file_path", "image", "audio", "video", "img",
              "image_path", "audio_path", "video_path", "image_file", "clip", "wav", "photo", "picture")  # fmt: skip


@dataclass(frozen=True)
class MediaColumns:
    """Columns with media.

    Attributes:
        kinds: column -> image, audio or video.
        rank: column -> how likely it is the input (0 best): its type, then its name, then whether its files exist.
        unreadable: rows that the source could not read.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    rank: Mapping[str, int] = field(default_factory=dict)
    unreadable: int = 0

    @property
    def ranked(self) -> list[str]:
        """The columns, most likely first."""
        return sorted(self.kinds, key=lambda name: self.rank[name])

    @property
    def named_only(self) -> frozenset[str]:
        """Columns that hold names of media files or media: no texts."""
        return frozenset(self.kinds)


def find_media(raw: Raw) -> MediaColumns:
    """Look for media by the source's own word, by column type, and by file endings."""
    kinds: dict[str, str] = {}
    rank: dict[str, int] = {}
    for name in raw.columns.column_names:
        column = raw.columns[name]
        kind, place = raw.media.get(name), 0
        if kind is None and is_media(column.type):
            kind = _kind_of_struct(column) or "image"
        elif kind is None and (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
            kind = _kind_of_bytes(column)
        elif kind is None and (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            kind = _kind_of_names(column)
            place = _rank_of_names(name, column, raw) if kind else 0
        if kind is not None:
            kinds[name], rank[name] = kind, place
    return MediaColumns(kinds, rank, len(raw.unreadable))


def _sample(column: pa.ChunkedArray) -> list:
    return column.drop_null().slice(0, SAMPLE).to_pylist() if len(column) else []


def _kind_of_struct(column: pa.ChunkedArray) -> str | None:
    for value in column.drop_null().slice(0, 20).to_pylist():
        if value["path"] and (kind := media_kind(value["path"])):
            return kind
        if value["bytes"] and (found := sniff(value["bytes"])) and found[1] in ("image", "audio", "video"):
            return found[1]
    return None


def _kind_of_bytes(column: pa.ChunkedArray) -> str | None:
    found = [sniff(value[:600]) for value in column.drop_null().slice(0, 20).to_pylist()]
    kinds = Counter(f[1] for f in found if f and f[1] in ("image", "audio", "video"))
    return kinds.most_common(1)[0][0] if kinds else None


def _kind_of_names(column: pa.ChunkedArray) -> str | None:
    values = _sample(column)
    if not values:
        return None
    known = {value: media_kind(value) for value in set(values) if len(value) < 4096}
    kinds = Counter(known[value] for value in values if value in known)
    if not kinds:  # texts, too long to be names
        return None
    kind, count = kinds.most_common(1)[0]
    return kind if kind and count >= SHARE_WITH_ENDING * len(values) else None


def _rank_of_names(name: str, column: pa.ChunkedArray, raw: Raw) -> int:
    """A usual name first, then names of files that stand where they say, then one file per row."""
    lowered = name.strip().lower().replace(" ", "_")
    place = 1 + (FILE_NAMES.index(lowered) if lowered in FILE_NAMES else len(FILE_NAMES))
    bases = raw.bases or ((raw.root,) if raw.root else (Path.cwd(),))
    values = _sample(column)[:20]
    there = any((base / value).is_file() for value in values for base in bases if not URL.match(value))
    distinct = pc.count_distinct(column.drop_null()).as_py() == len(column.drop_null())
    return place + (0 if there else 100) + (0 if distinct else 50) + (0 if column.null_count < len(column) / 2 else 200)


@dataclass(frozen=True)
class Resolved:
    """A media column in its final form, and the rows whose file can't be had."""

    column: pa.ChunkedArray
    failures: Mapping[int, str]


def resolve(raw: Raw, name: str, root: Path | None) -> Resolved:
    """A media column as ``struct<bytes, path>`` with paths relative to the root where they lie under it.

    Args:
        raw: the source.
        name: the column: structs, bytes or file names.
        root: folder that all files must lie in.

    Raises:
        DataError: the column holds neither; or not one of its files can be found (most likely the wrong root).
    """
    column = raw.columns[name]
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return Resolved(_structs(column, None), {})
    if is_media(kind):
        paths = pc.struct_field(column, "path")
        data = pc.struct_field(column, "bytes")
        embedded = data.is_valid().to_numpy()
        if embedded.all() and kind in (MEDIA, LARGE_MEDIA):
            return Resolved(column, {})
        if not (paths.is_valid().to_numpy() & ~embedded).any():
            return Resolved(_structs(data, paths, column.is_null()), {})
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        paths, data, embedded = column, None, np.zeros(len(column), bool)
    else:
        raise DataError(f"{raw.source}: the column {name!r} is of the type {kind}; media are bytes or file names")
    if root is None:
        raise DataError(f"{raw.source}: the column {name!r} holds file names; pass root=, the folder they are in")
    found, failures = _places(raw, paths, embedded, root)
    asked = int((pc.is_valid(paths).to_numpy(zero_copy_only=False) & ~embedded).sum())
    if failures and len(failures) == asked and asked == len(column):
        why = next(iter(failures.values())) + _elsewhere(root, paths.drop_null().slice(0, 1).to_pylist())
        raise DataError(f"{raw.source}: none of the {asked} files in the column {name!r} can be used: {why}")
    return Resolved(_structs(data, pa.chunked_array([pa.array(found, pa.string())]), None), failures)


def _elsewhere(root: Path, values: Sequence[str]) -> str:
    """What to do where a file lies in a folder beside the root."""
    above = Path(os.path.realpath(root)).parent
    for value in values:
        if URL.match(value) or not Path(value).parts or Path(value).anchor or ".." in Path(value).parts:
            continue
        if beside := [*above.glob(glob.escape(value)), *above.glob(f"*/{glob.escape(value)}")]:
            return f", but {beside[0].relative_to(above).as_posix()!r} does under {above}: name that folder as the data"
    return ""


def _structs(
    data: pa.ChunkedArray | None, paths: pa.ChunkedArray | None, missing: pa.ChunkedArray | None = None
) -> pa.ChunkedArray:
    length = len(data) if data is not None else len(paths) if paths is not None else 0
    if data is None:
        contents = pa.nulls(length, pa.binary())
    else:
        large = pa.types.is_large_binary(data.type) or (data.nbytes > 2_000_000_000)
        contents = data.cast(pa.large_binary() if large else pa.binary()).combine_chunks()
    names = pa.nulls(length, pa.string()) if paths is None else paths.cast(pa.string()).combine_chunks()
    neither = pc.and_(contents.is_null(), names.is_null())
    mask = neither if missing is None else pc.or_(neither, missing.combine_chunks())
    array = pa.StructArray.from_arrays([contents, names], names=["bytes", "path"], mask=mask)
    return pa.chunked_array([array])


def _places(
    raw: Raw, paths: pa.ChunkedArray, embedded: np.ndarray, root: Path
) -> tuple[list[str | None], dict[int, str]]:
    """For each row the path relative to the root, and row -> why there is none."""
    home = Path(os.path.realpath(root))
    bases = [os.path.realpath(base) for base in raw.bases] or [str(home)]
    base_of = np.zeros(len(paths), int) if raw.base_of is None else raw.base_of
    index = cache(lambda: _files_under(home))
    plain = cache(lambda folder: os.path.realpath(folder) == folder)
    found: list[str | None] = []
    failures: dict[int, str] = {}
    for row, value in enumerate(paths.to_pylist()):
        if value is None or embedded[row]:
            found.append(value)
            continue
        try:
            if bases[base_of[row]] == str(home) and _is_plain(value, str(home), plain):
                found.append(value)
            else:
                found.append(_place(value, bases[base_of[row]], str(home), index))
        except UnreadablePayload as error:
            failures[row] = raw.unfetched.get(value) or str(error)
            found.append(value)
    return found, failures


def _is_plain(value: str, home: str, plain: Callable[[str], bool]) -> bool:
    """Whether a path, as it stands, is that of a file under the root with no link on the way: true of most, soon seen.

    `plain` says of a folder whether there is no link on the way to it.
    """
    folder, _, name = value.rpartition("/")
    if not name or name in (".", "..") or "\\" in value or "\0" in value or folder.startswith("/"):
        return False
    if folder and any(part in ("", ".", "..") for part in folder.split("/")):
        return False
    full = f"{home}/{value}"
    try:
        if not stat.S_ISREG(os.lstat(full).st_mode):
            return False
    except OSError:
        return False
    return plain(full[: -len(name) - 1])


def _place(value: str, base: str, home: str, index: Callable[[], Mapping[str, Sequence[str]]]) -> str:
    """The path of one file relative to the root.

    Tried in turn: as it stands, beside the metadata, then under the root; with the slashes of the other system; by its
    name alone, if only one file under the root has it (``recordings/``, ``images/``).
    """
    if URL.match(value):
        confined(value, home)
    tries = [value] if "\\" not in value else [value, value.replace("\\", "/")]
    for folder in dict.fromkeys((base, home)):
        for name in tries:
            full = os.path.join(folder, name)  # noqa: PTH118 (a Path per row is many times slower)
            if os.path.lexists(full):
                _inside(full, home, value)
                return os.path.relpath(full, home)
    _inside(os.path.join(home, value), home, value)  # noqa: PTH118
    if not os.path.dirname(tries[-1]):  # noqa: PTH120
        places = index().get(tries[-1], ())
        if len(places) == 1:
            return places[0]
        if len(places) > 1:
            raise UnreadablePayload(f"{value!r} could be {places[0]!r} or {places[1]!r}; give the folder too")
    raise UnreadablePayload(f"{value!r} does not exist under {home}")


def _inside(full: str, home: str, value: str) -> None:
    """Refuse what leaves the root, in the words of the data."""
    try:
        confined(full, home)
    except UnreadablePayload as error:
        raise UnreadablePayload(str(error).replace(repr(full), repr(value))) from error


def _files_under(home: Path) -> Mapping[str, Sequence[str]]:
    """File name, with and without ending -> paths relative to `home`, links to folders not followed."""
    found: dict[str, list[str]] = {}
    for folder, folders, files in os.walk(home):
        folders[:] = sorted(f for f in folders if not is_junk(f))
        for file in sorted(files):
            if is_junk(file):
                continue
            path = os.path.relpath(os.path.join(folder, file), home)  # noqa: PTH118
            found.setdefault(file, []).append(path)
            if media_kind(file):
                found.setdefault(os.path.splitext(file)[0], []).append(path)  # noqa: PTH122
    return found

"""Remote data: files and folders are copied here once, tar shards are read in parts, nothing else is followed."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError, DataError
from curate.sources.columns.media_columns import find_media
from curate.sources.fetching.http import HttpStore
from curate.sources.fetching.mirror import Mirror
from curate.sources.fetching.objects import ObjectStore
from curate.sources.fetching.store import Patience, Remote, Store
from curate.sources.fetching.urls import HTTP, checked, expanded, shown
from curate.sources.file_kinds import TABLES, TEXT, TextOptions, ending, is_about, is_junk, media_kind
from curate.sources.folders.folder import files_as_folder, read_folder
from curate.sources.formats.tables import read_several, read_table
from curate.sources.raw import Raw
from curate.sources.shards.shards import Shard, local_shard, read_shards
from curate.sources.shards.tar_members import Bytes, RemoteBytes
from curate.wording import counted, noun, some_of


def from_remote(
    urls: Sequence[str],
    options: TextOptions,
    *,
    max_rows: int | None = None,
    folder: Path | None = None,
    patience: Patience | None = None,
) -> Raw:
    """Read what URLs name: a table, a folder of a bucket, tar shards, or several files; ``{000..012}`` counts.

    Args:
        urls: of one scheme and host.
        options: `delimiter` and `encoding` of text files.
        max_rows: fetch no more media than those of so many rows, evenly spaced; all if None.
        folder: where copies are kept; the cache if None.
        patience: time-outs, attempts, sizes.

    Raises:
        ConfigError: a scheme that is not read, or a login in the URL.
        DataError: it can't be had.
        MissingPackage: the service needs a package that is not installed.
    """
    every = [url for given in urls for url in expanded(given)]
    parts = [checked(url) for url in every]
    if len({(part.scheme, part.netloc if part.scheme in HTTP else "") for part in parts}) > 1:
        raise ConfigError("URLs of several hosts or schemes can't be read together; name them one by one")
    source = shown(urls[0]) if len(urls) == 1 else f"{len(every)} URLs, {shown(every[0])} first"
    patience = patience or Patience()
    store: Store = HttpStore(patience) if parts[0].scheme in HTTP else ObjectStore(parts[0].scheme, patience)
    found, below = _found(store, every)
    shards = {path: remote for path, remote in found.items() if ending(path) == ".tar"}
    mirror = Mirror("\n".join(shown(url) for url in every), store, folder)
    if shards and len(shards) == len([path for path in found if not is_junk(Path(path).name) and not is_about(path)]):
        return _shards(store, shards, source, mirror, max_rows)
    if below:
        return _folder(found, source, mirror, options)
    return _files(found, every, source, mirror, options, max_rows)


def _found(store: Store, urls: Sequence[str]) -> tuple[dict[str, Remote], bool]:
    """path -> remote file, and whether they were found below a folder and not named one by one."""
    found: dict[str, Remote] = {}
    below = False
    for url in urls:
        base, pattern = _glob(url)
        under = store.files(base) if not isinstance(store, HttpStore) and not _is_file(url, pattern) else []
        below = below or bool(under and not pattern)
        for remote in under or [store.stat(url)]:
            if pattern and not fnmatch.fnmatchcase(remote.url, url):
                continue
            path = _below(remote.url, base) if under else Path(unquote(urlsplit(url).path)).name
            if not path:
                raise DataError(f"{shown(url)}: names no file; over http, name files, not folders")
            if path in found:
                raise DataError(f"{shown(url)}: two files of the name {path!r}; name them apart, or their folder")
            found[path] = remote
    if not found:
        raise DataError(f"{shown(urls[0])}: no file matches")
    return found, below


def _is_file(url: str, pattern: bool) -> bool:
    known = ending(urlsplit(url).path)
    return not pattern and bool(known in TABLES or known in (*TEXT, ".npz", ".tar") or media_kind(f"x{known}"))


def _glob(url: str) -> tuple[str, bool]:
    """The folder before the first wildcard, and whether there is one. Over http ``?`` begins a query."""
    if url.startswith(("http:", "https:")):
        if "*" in urlsplit(url).path:
            raise ConfigError(f"{shown(url)}: http has no wildcards; name the files, or count with {{000..012}}")
        return url, False
    place = re.search(r"[*?\[]", url)
    return (url, False) if place is None else (url[: place.start()].rpartition("/")[0], True)


def _below(url: str, base: str) -> str:
    return url.removeprefix(base.rstrip("/")).lstrip("/")


def _outside(path: str) -> bool:
    """Whether a name of an object is no plain path below a folder."""
    return bool(
        path.startswith("/") or "\\" in path or any(part in ("", ".", "..") for part in path.split("/"))
    ) or any(ord(c) < 32 for c in path)


def _shards(store: Store, shards: Mapping[str, Remote], source: str, mirror: Mirror, max_rows: int | None) -> Raw:
    """Shards: in parts where only some rows are wanted and the server gives parts, else copied whole."""
    ordered = dict(sorted(shards.items()))
    if max_rows is not None and all(remote.ranges and remote.size for remote in ordered.values()):
        return read_shards([_in_parts(store, p, remote) for p, remote in ordered.items()], source, max_rows)
    _refuse(mirror.fetch(ordered))
    return read_shards([local_shard(mirror.folder / path, path) for path in ordered], source, max_rows)


def _in_parts(store: Store, path: str, remote: Remote) -> Shard:
    @contextmanager
    def opened() -> Iterator[Bytes]:
        yield RemoteBytes(store, remote)

    return Shard(path, opened)


def _folder(found: Mapping[str, Remote], source: str, mirror: Mirror, options: TextOptions) -> Raw:
    """A folder of a bucket, copied but for what is no data."""
    strange = [path for path in found if _outside(path)]
    wanted = {path: remote for path, remote in found.items() if path not in strange and _is_data(path)}
    if not wanted:
        raise DataError(f"{source}: {len(found)} objects, but none that can be read as data")
    failures = mirror.fetch(wanted)
    mirror.forget_others(wanted)
    notes = []
    if strange:
        objects = noun(
            len(strange), "object with a name that is no path is", "objects with names that are no paths are"
        )
        notes.append(f"{len(strange):,} {objects} left out ({some_of(strange, said=repr)})")
    if left := len(found) - len(strange) - len(wanted):
        notes.append(f"{counted(left, 'object')} of other types not fetched")
    if failures:
        notes.append(f"{counted(len(failures), 'object')} could not be fetched: {next(iter(failures.values()))}")
    if len(failures) == len(wanted):
        _refuse(failures)
    raw = read_folder(mirror.folder, source, **options)
    return replace(raw, notes=(*raw.notes, *notes))


def _is_data(path: str) -> bool:
    """Whether a file is fetched: the readers of folders have a use for it."""
    name = path.rpartition("/")[2]
    if any(is_junk(part) for part in path.split("/")):
        return False
    return bool(media_kind(name)) or ending(name) in TABLES or ending(name) in (*TEXT, ".npz") or is_about(name)


def _refuse(failures: Mapping[str, str]) -> None:
    for why in failures.values():
        raise DataError(
            why + (f" (and {counted(len(failures) - 1, 'more file', 'more files')})" if len(failures) > 1 else "")
        )


def _files(
    found: Mapping[str, Remote],
    urls: Sequence[str],
    source: str,
    mirror: Mirror,
    options: TextOptions,
    max_rows: int | None,
) -> Raw:
    """Files that were named one by one: tables, with the media that they name, or media."""
    for path in found:
        if _outside(path):
            raise DataError(f"{source}: {path!r} is no file name")
    _refuse(mirror.fetch(found))
    paths = [mirror.folder / path for path in found]
    if all(media_kind(path.name) or ending(path.name) in TEXT for path in paths):
        return files_as_folder(paths, source)
    if len(paths) == 1:
        raw = read_table(paths[0], source=source, **options)
    else:
        raw = read_several(paths, source, mirror.folder, **options)
    raw = replace(raw, root=mirror.folder)
    return _with_media(raw, mirror, urls[0], max_rows)


def _with_media(raw: Raw, mirror: Mirror, url: str, max_rows: int | None) -> Raw:
    """The same with the media files fetched that rows name relative to the table; why not is told of each row."""
    rows = np.arange(len(raw))
    if max_rows is not None and max_rows < len(raw):
        rows = np.unique(np.linspace(0, len(raw) - 1, max_rows).round().astype(np.int64))
    names: dict[str, None] = {}
    for column in find_media(raw).kinds:
        values = raw.columns[column]
        if pa.types.is_struct(values.type):
            values = pa.chunked_array(
                [chunk.field("path").filter(chunk.field("bytes").is_null()) for chunk in values.chunks]
            )
            if len(values) != len(raw):
                continue
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            names |= dict.fromkeys(values.take(pa.array(rows)).drop_null().to_pylist())
    wanted = [name for name in names if not _outside(name) and "://" not in name]
    if not wanted:
        return raw
    folder, http = url.partition("?")[0], url.startswith(("http:", "https:"))
    places = {name: urljoin(folder, quote(name)) if http else f"{folder.rpartition('/')[0]}/{name}" for name in wanted}
    failures = mirror.fetch_each(places)
    note = f"{len(failures)} of {len(wanted)} media files could not be fetched"
    return replace(raw, unfetched=failures, notes=(*raw.notes, *([note] if failures else [])))

"""What lies in a folder, by kind, with links not followed and nothing passed over unsaid."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curate.errors import DataError
from curate.sources.file_kinds import DELIMITED, TABLES, TEXT, ending, is_about, is_junk, media_kind
from curate.sources.folders.text_files import is_pickle
from curate.wording import counted, some_of

MOST_LOOKED_AT = 100
"""Files of unknown types that are looked into."""


@dataclass
class Listing:
    """The files of a folder, paths relative to it, sorted.

    Attributes:
        media: kind (image, audio, video) -> files.
        texts: ``.txt`` files.
        tables: files of metadata or rows.
        arrays: ``.npz`` files.
        shards: ``.tar`` files.
        others: files of other types.
        junk: hidden files and what file managers leave.
        links: links to folders, which are not followed.
        closed: folders that may not be read.
        empty: folders with nothing in them.
        misnamed: paths with bytes that are not UTF-8 text, as they are written in the lists: no file is found by them.
    """

    media: dict[str, list[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    arrays: list[str] = field(default_factory=list)
    shards: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    junk: int = 0
    links: int = 0
    closed: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)

    def notes(self, skipped: Sequence[str]) -> list[str]:
        """What was passed over, counted."""
        found = []
        if self.junk:
            found.append(f"{counted(self.junk, 'hidden or system file')} skipped")
        if self.links:
            found.append(f"{counted(self.links, 'link')} to folders not followed")
        if self.closed:
            found.append(f"{counted(len(self.closed), 'folder')} may not be read, {self.closed[0]!r} first")
        if self.empty:
            found.append(f"{counted(len(self.empty), 'folder')} with nothing in it: {some_of(self.empty)}")
        if self.misnamed:
            named = counted(len(self.misnamed), "file has a name that is", "files have names that are")
            found.append(f"{named} not UTF-8 text and can't be read, {self.misnamed[0]!r} first: rename")
        if skipped:
            counts = Counter(ending(path) or "no ending" for path in skipped)
            listed = ", ".join(f"{e} {n}" for e, n in counts.most_common(6))
            tables = any(ending(path) in DELIMITED for path in skipped)
            files = counted(len(skipped), "other file") if tables else f"{counted(len(skipped), 'file')} of other types"
            found.append(f"{files} skipped ({listed})")
        return found


def walk(folder: Path, source: str) -> Listing:
    """All files below a folder. Links to folders are not followed."""
    listing = Listing()

    def closed(error: OSError) -> None:
        listing.closed.append(os.path.relpath(error.filename or folder, folder))

    for place, folders, files in os.walk(folder, onerror=closed):
        listing.junk += sum(is_junk(f) for f in folders)
        folders[:] = sorted(f for f in folders if not is_junk(f))
        listing.links += sum(os.path.islink(os.path.join(place, f)) for f in folders)  # noqa: PTH114, PTH118
        inner = os.path.relpath(place, folder)
        if not folders and not files and inner != os.curdir:
            listing.empty.append(inner)
        before = "" if inner == os.curdir else f"{inner}{os.sep}"
        for file in sorted(files):
            path = _as_text(before + file)
            if path != before + file:
                listing.misnamed.append(path)
            classify(listing, path, file)
    if listing.closed == ["."]:
        raise DataError(f"{source}: the folder may not be read (permission denied)")
    return listing


def _as_text(path: str) -> str:
    """The path itself where it is UTF-8 text, else one that says which bytes are not."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def classify(listing: Listing, path: str, file: str) -> None:
    """Put a file where it belongs."""
    kind = media_kind(file)
    if is_junk(file):
        listing.junk += 1
    elif kind:
        listing.media.setdefault(kind, []).append(path)
    elif is_about(file):
        listing.others.append(path)
    elif ending(file) in TABLES:
        listing.tables.append(path)
    elif ending(file) == ".npz":
        listing.arrays.append(path)
    elif ending(file) == ".tar":
        listing.shards.append(path)
    elif ending(file) in TEXT:
        listing.texts.append(path)
    else:
        listing.others.append(path)


def split_path(path: str) -> tuple[list[str], str]:
    """The folders of a path and the stem of its name: `PurePath` takes ten times as long, and this is asked often."""
    *folders, name = path.split(os.sep)  # noqa: PTH206
    return folders, os.path.splitext(name)[0]  # noqa: PTH122


def nothing_to_read(folder: Path, listing: Listing) -> str:
    """What there is in a folder instead of data."""
    everything = len(listing.others) + listing.junk
    if not everything:
        return "no files"
    endings = Counter(ending(path) or "no ending" for path in listing.others).most_common(4)
    listed = f" ({', '.join(f'{end} {count}' for end, count in endings)})" if endings else ""
    pickles = any(is_pickle(folder / path) for path in listing.others[:MOST_LOOKED_AT])
    hint = "; pickles are never read, as they may run any code: take the files in another format" if pickles else ""
    return f"{counted(everything, 'file')}, but none that can be read as data{listed}{hint}"

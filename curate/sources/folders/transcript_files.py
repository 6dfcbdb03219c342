"""What is said in recordings, in text files beside them: a file per recording, or a list per folder."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePath

import pyarrow as pa

from curate.sources.folders.class_folders import layout
from curate.sources.folders.listing import Listing
from curate.sources.folders.text_files import text_columns
from curate.sources.lists.split_lists import lines_of
from curate.sources.raw import Raw, media_paths, of_files
from curate.wording import counted, some_of

COVERED = 0.5
"""Recordings that must have a text."""
LISTS = ".trans.txt"
"""End of the names of LibriSpeech's lists, ``84-121123-0000 GO DO YOU HEAR`` a line."""
_MICROPHONE = re.compile(r"_mic\d$")
_FORM = re.compile(r"\.(normalized|original)$")


def recordings_and_texts(folder: Path, source: str, listing: Listing) -> Raw | None:
    """Recordings with what is said in them, as LibriSpeech, LibriTTS and VCTK have it; None where it is no such set.

    Folders named after splits give the split, the next folder (the speaker) a column ``folder``.
    """
    files = listing.media.get("audio", [])
    if not files or len(files) < sum(map(len, listing.media.values())):
        return None
    said, used = _listed(folder, listing.texts)
    texts = [said.get(_key(file)) for file in files]
    if not said:
        texts, used = _beside(folder, listing.texts, files)
    if len(files) - texts.count(None) < COVERED * len(files):
        return None
    splits, folders, notes = layout(files)
    paths = pa.array(files, pa.string())
    columns = {"audio": media_paths(paths), "transcript": pa.array(texts, pa.string())}
    roles = {"audio": "audio", "transcript": "transcript"}
    if any(folders):
        columns["folder"] = pa.array(folders, pa.string())
    if any(splits):
        columns["split"], roles["split"] = pa.array(splits, pa.string()), "split"
    if lone := [file for file, text in zip(files, texts, strict=True) if text is None]:
        notes.append(f"{counted(len(lone), 'recording')} without a text: not transcribed ({some_of(lone)})")
    notes.append(f"transcripts are those of {some_of(used, 2)}")
    left = [path for path in listing.texts if path not in set(used)]
    return of_files(
        folder,
        source,
        columns,
        paths,
        notes=(*notes, *listing.notes([*left, *listing.others, *listing.tables])),
        roles=roles,
        media={"audio": "audio"},
    )


def _key(path: str) -> str:
    return _MICROPHONE.sub("", PurePath(path).stem)


def _listed(folder: Path, texts: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    lists = [path for path in texts if path.endswith(LISTS)]
    lines = [line.split(maxsplit=1) for path in lists for line in lines_of(folder / path)]
    return {words[0]: words[1] for words in lines if len(words) == 2}, lists


def _beside(folder: Path, texts: Sequence[str], files: Sequence[str]) -> tuple[list[str | None], list[str]]:
    """The text of each recording in a file of its name, the normalised form of several, and these files.

    Where recordings in several folders have one name, the name of the folder must be the same, too.
    """
    folders: dict[str, set[str]] = {}
    for file in files:
        folders.setdefault(_key(file), set()).add(os.path.dirname(file))  # noqa: PTH120 (called once per row)
    depth = 2 if any(len(found) > 1 for found in folders.values()) else 1
    forms = {path: _FORM.sub("", PurePath(path).stem) for path in texts}
    named: dict[str, str] = {}
    for path in sorted(texts, key=lambda path: not path.lower().endswith(".normalized.txt")):
        if forms[path] in folders:
            named.setdefault(_tail(path, forms[path], depth), path)
    found = [named.get(_tail(file, _key(file), depth)) for file in files]
    used = sorted({path for path in found if path is not None})
    column, _, _, _ = text_columns(folder, used)
    said = {path: text and " ".join(text.split()) for path, text in zip(used, column.to_pylist(), strict=True)}
    return [None if path is None else said[path] for path in found], used


def _tail(path: str, name: str, depth: int) -> str:
    return "/".join((*PurePath(path).parts[-depth:-1], name))

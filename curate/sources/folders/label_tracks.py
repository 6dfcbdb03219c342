"""Recordings whose parts are labelled in files beside them: Audacity's label tracks, and RTTM of who speaks when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import pyarrow as pa

from curate.errors import DataError
from curate.sources.encodings import decode
from curate.sources.file_kinds import ending
from curate.sources.folders.class_folders import layout
from curate.sources.folders.listing import Listing
from curate.sources.raw import Raw, media_paths, of_files
from curate.wording import counted, some_of

RTTM = ".rttm"
TURN = "SPEAKER"
"""Type of the lines of RTTM that say who speaks."""
COVERED = 0.5
"""Recordings that must have a track of their name."""
_LABEL = re.compile(r"(?P<start>\d+(?:[.,]\d+)?)\t(?P<end>\d+(?:[.,]\d+)?)(?:\t(?P<label>.*))?")
SPECTRAL = "\\"
"""Begin of the lines in which Audacity says between which frequencies a label lies."""


class _Part(NamedTuple):
    start: float
    end: float
    label: str | None


def parts_of_recordings(folder: Path, source: str, listing: Listing) -> Raw | None:
    """A row per labelled part of a recording, which is a group; None where there are no such files.

    Recordings without any are left out with a note.
    """
    files = listing.media.get("audio", [])
    if not files or len(files) < sum(map(len, listing.media.values())):
        return None
    turns, tracks = _turns(folder, listing.others), _tracks(folder, listing.texts, files)
    parts, used = turns if turns[0] else tracks
    found = [parts.get(PurePath(file).stem, []) for file in files]
    if sum(map(bool, found)) < (1 if turns[0] else COVERED * len(files)):
        return None
    rows = [(file, *part) for file, here in zip(files, found, strict=True) for part in here]
    paths, starts, ends, labels = (list(values) for values in zip(*rows, strict=True))
    splits, _, notes = layout(paths)
    columns: dict[str, pa.Array] = {
        "audio": media_paths(pa.array(paths, pa.string())),
        "recording": pa.array(paths, pa.string()),
        "start": pa.array(starts, pa.float64()),
        "end": pa.array(ends, pa.float64()),
        "label": pa.array(labels, pa.string()),
    }
    roles = {"audio": "audio", "start": "start", "end": "end", "label": "label", "group": "recording"}
    if any(splits):
        columns["split"], roles["split"] = pa.array(splits, pa.string()), "split"
    notes.append(f"parts of recordings and their labels are those of {some_of(used, 2)}")
    if lone := [file for file, here in zip(files, found, strict=True) if not here]:
        notes.append(f"{counted(len(lone), 'recording')} without a labelled part left out ({some_of(lone)})")
    left = [path for path in (*listing.texts, *listing.others, *listing.tables) if path not in set(used)]
    return of_files(
        folder,
        source,
        columns,
        pa.array(paths, pa.string()),
        notes=(*notes, *listing.notes(left)),
        roles=roles,
        media={"audio": "audio"},
    )


def _turns(folder: Path, files: Sequence[str]) -> tuple[dict[str, list[_Part]], list[str]]:
    """Recording -> parts by the files of RTTM, and these. Raises DataError for a line that is none."""
    found: dict[str, list[_Part]] = {}
    used = [path for path in files if ending(path) == RTTM]
    for path in used:
        for number, line in enumerate(decode(folder / path).text.splitlines(), 1):
            words = line.split()
            if not words or words[0] != TURN:
                continue
            try:
                start, seconds = float(words[3]), float(words[4])
                found.setdefault(words[1], []).append(_Part(start, start + seconds, words[7]))
            except (IndexError, ValueError) as error:
                raise DataError(
                    f"{path}, line {number}: {line[:60]!r} is no turn with its times and speaker"
                ) from error
    return found, used


def _tracks(folder: Path, texts: Sequence[str], files: Sequence[str]) -> tuple[dict[str, list[_Part]], list[str]]:
    """Recording -> parts by text files of its name in which every line is a label of Audacity, and these files."""
    stems = {PurePath(file).stem for file in files}
    found: dict[str, list[_Part]] = {}
    used = []
    for path in texts:
        if PurePath(path).stem not in stems:
            continue
        lines = [line for line in _lines(folder / path) if line.strip() and not line.startswith(SPECTRAL)]
        matches = [_LABEL.fullmatch(line) for line in lines]
        if not matches or None in matches:
            continue
        found[PurePath(path).stem] = [
            _Part(_seconds(match["start"]), _seconds(match["end"]), (match["label"] or "").strip() or None)
            for match in matches
            if match
        ]
        used.append(path)
    return found, used


def _lines(path: Path) -> list[str]:
    try:
        return decode(path).text.splitlines()
    except DataError:
        return []


def _seconds(text: str) -> float:
    return float(text.replace(",", "."))

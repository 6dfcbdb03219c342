"""Data folders of Kaldi and its kin: ``wav.scp`` with ``segments``, ``text`` and ``utt2spk`` beside it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.encodings import decode
from curate.sources.file_kinds import media_kind
from curate.sources.raw import Raw, origins
from curate.wording import counted, some_of

RECORDINGS, SEGMENTS = "wav.scp", "segments"
OF_UTTERANCES = {"text": ("text", "transcript"), "utt2spk": ("speaker", "group"), "utt2lang": ("language", "label")}
"""File of one value per utterance -> the column and its role."""
PLAIN_COMMANDS = ("flac", "cat")
"""Commands that give a file out as it is."""


def is_kaldi(folder: Path) -> bool:
    """Whether a folder is one of Kaldi's."""
    return (folder / RECORDINGS).is_file()


def read_kaldi(folder: Path, source: str, encoding: str | None = None) -> Raw:
    """A row per utterance: a segment of a recording, or a recording where there is no list of segments.

    Commands in ``wav.scp`` are not run: of ``flac -cd FILE |`` and ``cat FILE |`` the file is read, and rows of others
    are unreadable.

    Raises:
        DataError: a list is empty or has lines that are no entries.
    """
    recordings = dict(_entries(folder / RECORDINGS, 2, encoding))
    files, refused = _files(recordings)
    parts = folder / SEGMENTS
    cut = parts.is_file()
    lines = _entries(parts, 2, encoding) if cut else list(recordings.items())
    columns: dict[str, pa.Array] = {"id": pa.array([name for name, _ in lines], pa.string())}
    unreadable: dict[int, str] = {}
    if cut:
        found = [_segment(rest) for _, rest in lines]
        for row, (recording, start, _) in enumerate(found):
            if start is None:
                unreadable[row] = f"{SEGMENTS}, line {row + 1}: {lines[row][1]!r} is no recording with its times"
            elif recording not in files:
                unreadable[row] = f"{SEGMENTS}, line {row + 1}: {RECORDINGS} lists no recording {recording!r}"
        columns["audio"] = pa.array([files.get(recording) for recording, _, _ in found], pa.string())
        columns["start"] = pa.array([start for _, start, _ in found], pa.float64())
        columns["end"] = pa.array([end for _, _, end in found], pa.float64())
    else:
        columns["audio"] = pa.array([files[name] for name, _ in lines], pa.string())
    roles = {"id": "id", "audio": "audio"} | ({"start": "start", "end": "end"} if cut else {})
    notes = []
    for file, (column, role) in OF_UTTERANCES.items():
        if not (folder / file).is_file():
            continue
        values = dict(_entries(folder / file, 1, encoding))
        columns[column], roles[role] = pa.array([values.get(name) for name, _ in lines], pa.string()), column
        known = {name for name, _ in lines}
        if strange := [name for name in values if name not in known]:
            notes.append(f"{file} has {counted(len(strange), 'entry', 'entries')} of no utterance ({some_of(strange)})")
    return Raw(
        pa.table(list(columns.values()), names=list(columns)),
        source,
        root=folder,
        bases=(folder,),
        unreadable=unreadable,
        records={row: " ".join(lines[row]).encode() for row in unreadable},
        origin=origins(SEGMENTS if cut else RECORDINGS, np.arange(1, len(lines) + 1)),
        notes=tuple(notes),
        roles=roles,
        media={"audio": "audio"},
        unfetched=refused,
    )


def _entries(path: Path, least: int, encoding: str | None) -> list[tuple[str, str]]:
    """The first word of each line, and the rest. Raises DataError where the rest of a line lacks what it needs."""
    found = []
    for number, line in enumerate(decode(path, encoding).text.splitlines(), start=1):
        name, _, rest = line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
        if not name or (least > 1 and not rest.strip()):
            raise DataError(f"{path.name}, line {number}: {line[:60]!r} is no name with what it stands for")
        found.append((name, rest.strip()))
    if not found:
        raise DataError(f"{path.name}: the list is empty")
    return found


def _files(recordings: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Recording -> its file, or the command that makes it; command -> why it is not read."""
    files, refused = {}, {}
    for name, value in recordings.items():
        if value.endswith("|"):
            file = _file_of(value[:-1])
            if file is None:
                refused[value] = f"{RECORDINGS} names a command, which is not run: write its output to a file"
            value = file or value
        files[name] = value
    return files, refused


def _file_of(command: str) -> str | None:
    """The file that a command gives out as it is."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    media = [word for word in words[1:] if media_kind(word)]
    plain = bool(words) and Path(words[0]).name in PLAIN_COMMANDS and "|" not in words
    return media[0] if plain and len(media) == 1 else None


def _segment(rest: str) -> tuple[str, float | None, float | None]:
    """Recording, start and end of a segment; no start where the line is no segment. A negative end is the file's."""
    words: Sequence[str] = rest.split()
    try:
        start, end = float(words[1]), float(words[2])
    except (IndexError, ValueError):
        return words[0] if words else "", None, None
    return words[0], start, None if end < 0 else end

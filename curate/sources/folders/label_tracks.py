"""Recordings whose parts are labelled in files beside them: Audacity's tracks, Raven's selections, RTTM, TextGrids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import pyarrow as pa

from curate.errors import DataError
from curate.sources.columns.free_text import is_free_text
from curate.sources.encodings import decode
from curate.sources.file_kinds import ending
from curate.sources.folders.class_folders import layout
from curate.sources.folders.listing import Listing
from curate.sources.formats import raven, textgrid
from curate.sources.raw import Raw, media_paths, of_files
from curate.wording import counted, some_of

RTTM = ".rttm"
TURN = "SPEAKER"
"""Type of the lines of RTTM that say who speaks."""
COVERED = 0.5
"""Recordings that must have a track of their name."""
_LABEL = re.compile(r"(?P<start>\d+(?:[.,]\d+)?)\t(?P<end>\d+(?:[.,]\d+)?)(?:\t(?P<label>.*))?")
_OF_RAVEN = re.compile(r"(\.Table\.\d+)?\.selections$|\.BirdNET\.selection\.table$", re.IGNORECASE)
"""What Raven and BirdNET write behind the name of a recording."""
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
    files = _recordings(listing)
    turns, tracks = _turns(folder, listing.others, files), _tracks(folder, listing.texts, files)
    parts, used = turns if turns[0] else tracks
    if not files or sum(map(bool, parts.values())) < (1 if turns[0] else COVERED * len(files)):
        return None
    return _rows(folder, source, listing, {file: parts.get(file, []) for file in files}, used)


def intervals_of_recordings(folder: Path, source: str, listing: Listing) -> Raw | None:
    """A row per interval with a text in Praat's TextGrids; None where most recordings have none of their name.

    Of several tiers the first that all files have is read. Texts that are sentences are transcripts, others labels.
    """
    files = _recordings(listing)
    named = _Named(files)
    grids = [path for path in listing.others if ending(path) == textgrid.ENDING]
    beside = {file: path for path in grids if (file := named.by(path))}
    if not beside or len(beside) < COVERED * len(files):
        return None
    tiers: dict[str, dict[str, list[textgrid.Interval]]] = {}
    wrong: dict[str, str] = {}
    for file, path in beside.items():
        try:
            tiers[file] = textgrid.read_textgrid(folder / path)
        except DataError as error:
            wrong[file] = str(error)
    counts = Counter(name for found in tiers.values() for name in found)
    if not counts:
        return None
    tier, *others = sorted(counts, key=lambda name: -counts[name])
    notes = []
    if others:
        notes.append(
            f"of the tiers of TextGrids {tier!r} is read, and not {some_of(others, 3, repr)}: to read another, write it"
            " as a table (file_name,start,end,label)"
        )
    parts = {file: [_Part(*one) for one in tiers.get(file, {}).get(tier, [])] for file in files}
    return _rows(folder, source, listing, parts, list(beside.values()), wrong, notes)


def _recordings(listing: Listing) -> list[str]:
    """The recordings, none where there are other media, too."""
    return listing.media.get("audio", []) if len(listing.media) == 1 else []


def _rows(
    folder: Path, source: str, listing: Listing, parts: Mapping[str, Sequence[_Part]], used: Sequence[str],
    wrong: Mapping[str, str] = {}, told: Sequence[str] = (),
) -> Raw:  # fmt: skip
    """A row per part of each recording; a recording with something wrong about its parts is one that can't be read."""
    rows = [(file, *part) for file, here in parts.items() for part in here]
    rows += [(file, None, None, None) for file in wrong]
    paths, starts, ends, labels = (list(values) for values in zip(*rows, strict=True))
    splits, _, notes = layout(paths)
    texts = pa.chunked_array([pa.array(labels, pa.string())])
    said = "transcript" if is_free_text(texts) else "label"
    columns: dict[str, pa.Array] = {
        "audio": media_paths(pa.array(paths, pa.string())),
        "recording": pa.array(paths, pa.string()),
        "start": pa.array(starts, pa.float64()),
        "end": pa.array(ends, pa.float64()),
        said: texts.combine_chunks(),
    }
    roles = {"audio": "audio", "start": "start", "end": "end", said: said, "group": "recording"}
    if any(splits):
        columns["split"], roles["split"] = pa.array(splits, pa.string()), "split"
    notes += [*told, f"parts of recordings and their {said}s are those of {some_of(used, 2)}"]
    if lone := [file for file, here in parts.items() if not here and file not in wrong]:
        notes.append(f"{counted(len(lone), 'recording')} without a labelled part left out ({some_of(lone)})")
    left = [path for path in (*listing.texts, *listing.others, *listing.tables) if path not in set(used)]
    broken = {len(rows) - len(wrong) + k: why for k, why in enumerate(wrong.values())}
    return of_files(
        folder,
        source,
        columns,
        pa.array(paths, pa.string()),
        unreadable=broken,
        records={row: why.encode("utf-8", "replace") for row, why in broken.items()},
        notes=(*notes, *listing.notes(left)),
        roles=roles,
        media={"audio": "audio"},
    )


class _Named:
    """Recordings by the names of files about them: in the same folder, or elsewhere where only one is called so."""

    def __init__(self, files: Sequence[str]) -> None:
        self._whole = {str(PurePath(file).with_suffix("")): file for file in files}
        stems = Counter(PurePath(file).stem for file in files)
        self._alone = {stem: file for file in files if stems[stem := PurePath(file).stem] == 1}

    def by(self, path: str, behind: re.Pattern[str] | None = None) -> str | None:
        """The recording that a file is about; None where it is about none, or it is unclear about which.

        Args:
            path: of the file.
            behind: what may stand behind the name of the recording, before the ending.
        """
        whole = PurePath(path).with_suffix("")
        stem = behind.sub("", whole.name) if behind else whole.name
        return self._whole.get(str(whole.parent / stem)) or self._alone.get(stem)


def _turns(folder: Path, others: Sequence[str], files: Sequence[str]) -> tuple[dict[str, list[_Part]], list[str]]:
    """Recording -> parts by the files of RTTM, and these. Raises DataError for a line that is none."""
    named, found = _Named(files), dict[str, list[_Part]]()
    used = [path for path in others if ending(path) == RTTM]
    for path in used:
        for number, line in enumerate(decode(folder / path).text.splitlines(), 1):
            words = line.split()
            if not words or words[0] != TURN:
                continue
            try:
                start, seconds = float(words[3]), float(words[4])
                part = _Part(start, start + seconds, words[7])
            except (IndexError, ValueError) as error:
                raise DataError(
                    f"{path}, line {number}: {line[:60]!r} is no turn with its times and speaker"
                ) from error
            file = named.by(str(PurePath(path).parent / f"{words[1]}{RTTM}"))
            if file is not None:
                found.setdefault(file, []).append(part)
    return found, used


def _tracks(folder: Path, texts: Sequence[str], files: Sequence[str]) -> tuple[dict[str, list[_Part]], list[str]]:
    """Recording -> parts by text files of its name of Audacity or Raven, and these files. Raises DataError."""
    named, found = _Named(files), dict[str, list[_Part]]()
    used = []
    for path in texts:
        file = named.by(path, _OF_RAVEN)
        if file is None:
            continue
        lines = _lines(folder / path)
        parts = _selected(lines, path) if raven.is_selection_table(lines) else _labelled(lines)
        if parts is not None:
            found.setdefault(file, []).extend(parts)
            used.append(path)
    return found, used


def _selected(lines: Sequence[str], path: str) -> list[_Part]:
    try:
        return [_Part(*one) for one in raven.read_selections(lines, path)]
    except ValueError as error:
        raise DataError(str(error)) from None


def _labelled(lines: Sequence[str]) -> list[_Part] | None:
    """The parts if every line is a label of Audacity, else None."""
    lines = [line for line in lines if line.strip() and not line.startswith(SPECTRAL)]
    matches = [_LABEL.fullmatch(line) for line in lines]
    if not matches or None in matches:
        return None
    return [
        _Part(_seconds(match["start"]), _seconds(match["end"]), (match["label"] or "").strip() or None)
        for match in matches
        if match
    ]


def _lines(path: Path) -> list[str]:
    try:
        return decode(path).text.splitlines()
    except DataError:
        return []


def _seconds(text: str) -> float:
    return float(text.replace(",", "."))

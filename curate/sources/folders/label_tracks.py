"""Recordings whose parts are labelled in files beside them: Audacity's tracks, Raven's selections, RTTM, TextGrids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import NamedTuple

import pyarrow as pa

from curate.errors import ConfigError, DataError, nearest
from curate.sources.columns.free_text import is_free_text
from curate.sources.encodings import decode
from curate.sources.file_kinds import ending
from curate.sources.folders.class_folders import layout
from curate.sources.folders.listing import Listing
from curate.sources.formats import raven, textgrid
from curate.sources.raw import Raw, media_paths, of_files
from curate.wording import counted, noun, some_of

RTTM = ".rttm"
TURN = "SPEAKER"
"""Type of the lines of RTTM that say who speaks."""
COVERED = 0.5
"""Recordings that must have a track of their name."""
MOST = 0.5
"""Lines of a text of which more must be labels of Audacity."""
_LABEL = re.compile(r"(?P<start>\d+(?:[.,]\d+)?)\t(?P<end>\d+(?:[.,]\d+)?)(?:\t(?P<label>.*))?")
_OF_RAVEN = re.compile(r"(\.Table\.\d+)?\.selections$|\.BirdNET\.selection\.table$", re.IGNORECASE)
"""What Raven and BirdNET write behind the name of a recording."""
SPECTRAL = "\\"
"""Begin of the lines in which Audacity says between which frequencies a label lies."""


class _Part(NamedTuple):
    start: float
    end: float
    label: str | None


class _Read(NamedTuple):
    """What files say of recordings.

    Attributes:
        parts: recording -> its parts.
        wrong: (recording, why) of every line that says no part, or of a file that can't be read.
        used: the files.
        notes: sentences about them.
    """

    parts: Mapping[str, Sequence[_Part]]
    wrong: Sequence[tuple[str, str]]
    used: Sequence[str]
    notes: Sequence[str] = ()


def parts_of_recordings(folder: Path, source: str, listing: Listing) -> Raw | None:
    """A row per labelled part of a recording, which is a group; None where there are no such files.

    Recordings without any are left out with a note. A line that says no part is a row that can't be read.
    """
    files = _recordings(listing)
    if not files:
        return None
    turns = _turns(folder, listing.others, files)
    if turns.parts or turns.wrong:
        return _rows(folder, source, listing, files, turns)
    tracks = _tracks(folder, listing.texts, files)
    about = {*tracks.parts, *(file for file, _ in tracks.wrong)}
    if not about or len(about) < COVERED * len(files):
        return None
    return _rows(folder, source, listing, files, tracks)


def intervals_of_recordings(folder: Path, source: str, listing: Listing, tier: str | None = None) -> Raw | None:
    """A row per interval with a text in Praat's TextGrids; None where most recordings have none of their name.

    Of several tiers the one that is named is read, or the first that all files have. Texts that are sentences are
    transcripts, others labels.

    Raises:
        ConfigError: no file has the tier that is named.
    """
    files = _recordings(listing)
    named = _Named(files)
    grids = [path for path in listing.others if ending(path) == textgrid.ENDING]
    beside = {file: path for path in grids if (file := named.by(path))}
    if not beside or len(beside) < COVERED * len(files):
        return None
    tiers: dict[str, dict[str, list[textgrid.Interval]]] = {}
    wrong: list[tuple[str, str]] = []
    for file, path in beside.items():
        try:
            tiers[file] = textgrid.read_textgrid(folder / path)
        except DataError as error:
            wrong.append((file, str(error)))
    counts = Counter(name for found in tiers.values() for name in found)
    if not counts:
        return None
    known = sorted(counts, key=lambda name: -counts[name])
    if tier is not None and tier not in counts:
        raise ConfigError(
            f"{source}: tier: no TextGrid has a tier of intervals called {tier!r}{nearest(tier, known)}; there"
            f" {noun(len(known), 'is', 'are')} {some_of(known, 10, repr)}"
        )
    chosen, notes = tier or known[0], []
    if tier is None and len(known) > 1:
        notes.append(
            f"of the tiers of TextGrids {chosen!r} is read, and not {some_of(known[1:], 3, repr)}: --tier (task:"
            " {tier: ...}) names another"
        )
    parts = {file: [_Part(*one) for one in found.get(chosen, [])] for file, found in tiers.items()}
    raw = _rows(folder, source, listing, files, _Read(parts, wrong, list(beside.values()), notes))
    return replace(raw, tier=chosen)


def _recordings(listing: Listing) -> list[str]:
    """The recordings, none where there are other media, too."""
    return listing.media.get("audio", []) if len(listing.media) == 1 else []


def _rows(folder: Path, source: str, listing: Listing, files: Sequence[str], read: _Read) -> Raw:
    """A row per part of each recording; what is wrong about the parts of one is a row that can't be read."""
    found = {file: read.parts.get(file, []) for file in files}
    whole = [(file, *part) for file, here in found.items() for part in here]
    rows = whole + [(file, None, None, None) for file, _ in read.wrong]
    paths, starts, ends, labels = (list(values) for values in zip(*rows, strict=True))
    splits, _, notes = layout(paths)
    texts = pa.chunked_array([pa.array(labels, pa.string())])
    said = "transcript" if is_free_text(texts) else "label"
    columns: dict[str, pa.Array] = {
        "audio": media_paths(pa.array([*paths[: len(whole)], *(None for _ in read.wrong)], pa.string())),
        "recording": pa.array(paths, pa.string()),
        "start": pa.array(starts, pa.float64()),
        "end": pa.array(ends, pa.float64()),
        said: texts.combine_chunks(),
    }
    roles = {"audio": "audio", "start": "start", "end": "end", said: said, "group": "recording"}
    if any(splits):
        columns["split"], roles["split"] = pa.array(splits, pa.string()), "split"
    notes += [*read.notes, f"parts of recordings and their {said}s are those of {some_of(read.used, 2)}"]
    about = {file for file, _ in read.wrong}
    if lone := [file for file, here in found.items() if not here and file not in about]:
        notes.append(f"{counted(len(lone), 'recording')} without a labelled part left out ({some_of(lone)})")
    left = [path for path in (*listing.texts, *listing.others, *listing.tables) if path not in set(read.used)]
    broken = {len(whole) + k: why for k, (_, why) in enumerate(read.wrong)}
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


def _turns(folder: Path, others: Sequence[str], files: Sequence[str]) -> _Read:
    """What the files of RTTM say; turns of recordings that are not here are left out with a note."""
    named, found = _Named(files), dict[str, list[_Part]]()
    wrong: list[tuple[str, str]] = []
    absent: list[str] = []
    used = [path for path in others if ending(path) == RTTM]
    for path in used:
        for number, line in enumerate(decode(folder / path).text.splitlines(), 1):
            words = line.split()
            if not words or words[0] != TURN:
                continue
            about = words[1] if len(words) > 1 else PurePath(path).stem
            file = named.by(str(PurePath(path).parent / f"{about}{RTTM}"))
            part = _turn(words)
            if file is None:
                absent.append(about)
            elif part is None:
                wrong.append((file, f"{path}, line {number}: {line[:60]!r} is no turn with its times and speaker"))
            else:
                found.setdefault(file, []).append(part)
    notes = []
    if absent:
        turns = counted(len(absent), "turn")
        notes.append(f"{turns} of recordings that are not here left out ({some_of(list(dict.fromkeys(absent)))})")
    return _Read(found, wrong, used, notes)


def _turn(words: Sequence[str]) -> _Part | None:
    """The part that the words of a line of RTTM name, None where a time or the speaker is missing."""
    if len(words) < 8:
        return None
    start, seconds = raven.seconds(words[3]), raven.seconds(words[4])
    return None if start is None or seconds is None else _Part(start, start + seconds, words[7])


def _tracks(folder: Path, texts: Sequence[str], files: Sequence[str]) -> _Read:
    """What text files of a recording's name say that Audacity or Raven wrote."""
    named, found = _Named(files), dict[str, list[_Part]]()
    wrong: list[tuple[str, str]] = []
    used = []
    for path in texts:
        file = named.by(path, _OF_RAVEN)
        if file is None:
            continue
        lines = _lines(folder / path)
        parts, bad = _selected(lines, path) if raven.is_selection_table(lines) else _labelled(lines, path)
        if parts or bad:
            found.setdefault(file, []).extend(parts)
            wrong += [(file, why) for why in bad]
            used.append(path)
    return _Read(found, wrong, used)


def _selected(lines: Sequence[str], path: str) -> tuple[list[_Part], list[str]]:
    selections, wrong = raven.read_selections(lines, path)
    return [_Part(*one) for one in selections], wrong


def _labelled(lines: Sequence[str], path: str) -> tuple[list[_Part], list[str]]:
    """The parts, and what is wrong with other lines, if most lines are labels of Audacity; else nothing."""
    known = {number: line for number, line in enumerate(lines, 1) if line.strip() and not line.startswith(SPECTRAL)}
    matches = {number: match for number, line in known.items() if (match := _LABEL.fullmatch(line))}
    if len(matches) <= MOST * len(known):
        return [], []
    parts = [
        _Part(_seconds(match["start"]), _seconds(match["end"]), (match["label"] or "").strip() or None)
        for match in matches.values()
    ]
    wrong = known.keys() - matches.keys()
    return parts, [
        f"{path}, line {number}: {known[number][:60]!r} is no label with its times" for number in sorted(wrong)
    ]


def _lines(path: Path) -> list[str]:
    try:
        return decode(path).text.splitlines()
    except DataError:
        return []


def _seconds(text: str) -> float:
    return float(text.replace(",", "."))

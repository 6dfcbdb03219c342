"""Columns that say when in a sound or a video a row begins and ends: such a row is that part of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError
from curate.media.content import is_media
from curate.media.lengths import Length, length, lengths
from curate.media.segments import Segment, split
from curate.sources.clips.clip_files import says_its_part
from curate.sources.clips.time_units import Parts, Units, chosen_unit, likely_units
from curate.sources.clips.times import Times, read_times
from curate.sources.file_kinds import media_kind
from curate.sources.raw import Raw
from curate.sources.roles.role_search import Search
from curate.task import Task
from curate.wording import counted, noun

PAIRS = (
    ("start", "end"), ("start", "stop"), ("begin", "end"), ("start_time", "end_time"), ("start_time", "stop_time"),
    ("begin_time", "end_time"), ("time_start", "time_end"), ("starttime", "endtime"), ("t_start", "t_end"),
    ("segment_start", "segment_end"), ("clip_start", "clip_end"), ("onset", "offset"), ("start_s", "end_s"),
    ("start_sec", "end_sec"), ("start_secs", "end_secs"), ("start_seconds", "end_seconds"), ("start_ms", "end_ms"),
    ("start_time_seconds", "end_time_seconds"),
    ("start_timestamp", "stop_timestamp"), ("start_timestamp", "end_timestamp"), ("start_frame", "end_frame"),
    ("start_frame", "stop_frame"), ("start_sample", "end_sample"),
)  # fmt: skip
"""Names of columns of begins and ends, in lower case."""
WITH_LENGTH = (
    ("offset", "duration"), ("onset", "duration"), ("start", "duration"), ("start_time", "duration"),
    ("begin", "duration"), ("start", "length"),
)  # fmt: skip
"""Names of columns of begins and lengths."""
ISSUE = "segment"
"""The issue of the lines in `Table.problems` that tell of segments that are not all there."""
SLACK_SECONDS = 0.1
"""By so much an end may stand behind that of the file: times are rounded."""
ALONE = "the file is called by the part that it is (as in ID_000010_000020.mp4), and is read whole"
LEAST_INSIDE = 0.8
"""Share of the parts that must lie within their files for columns that nobody named to be taken for their times."""


def find_times(search: Search) -> None:
    """The columns of starts and ends beside sounds or videos, by their names; of ends alone where starts are named."""
    if search.roles.keys() & {"end", "duration"} or not search.roles.keys() & {"audio", "video"}:
        return
    said = search.roles.get("start")
    for pairs, role in ((PAIRS, "end"), (WITH_LENGTH, "duration")):
        for first, last in pairs:
            starts = search.named((first,)) if said is None else [said] if said.strip().lower() == first else []
            if starts and (ends := search.named((last,))):
                search.roles["start"], search.roles[role] = starts[0], ends[0]
                return


def with_segments(raw: Raw, task: Task, given: Task, home: Path | None) -> tuple[Raw, Task, dict[int, str], list[str]]:
    """Rows of sounds and videos as the parts of their files that columns say.

    Args:
        raw: the source, its media resolved.
        task: roles of the columns.
        given: what the user said of them.
        home: folder of the files.

    Returns:
        The rows, the task (without the columns where files are read whole), row -> why its part can't be had, and
        sentences about all rows.

    Raises:
        ConfigError: columns of times are named, and there is neither sound nor video.
    """
    names = [name for name in (task.start, task.end, task.duration) if name]
    roles = [role for role in ("video", "audio") if getattr(task, role)]
    if not names:
        return raw, task, {}, []
    if not roles:
        raise ConfigError(
            f"{raw.source}: start, end and duration say which part of a sound or video a row is, and the task has none"
        )
    whole = task.model_copy(update={"start": None, "end": None, "duration": None})
    if task.time_unit == "ignored":
        return raw, whole, {}, []
    named = " and ".join(map(repr, names))
    files, known = _known(raw.columns[getattr(task, roles[0])], home)
    parts, alone = _parts(raw, task, files, known)
    if alone.all():
        return raw, whole, {}, [f"{named}: {ALONE}"]
    likely = likely_units(parts, task)
    units = chosen_unit(parts, likely)
    said = any((given.start, given.end, given.duration)) or "start" in raw.roles
    if (why := _read_whole(parts, units, likely, said)) is not None:
        return raw, whole, {}, [f"{named}{why}"] if why else []
    failures, shortened, segments = _segments(parts, units, named)
    for role in roles:
        name = getattr(task, role)
        raw = raw.with_column(name, _cut(raw.columns[name], segments, role))
    raw = replace(raw, remarks=[*raw.remarks, *((row, ISSUE, why) for row, why in shortened.items())])
    without = sum(one is None and file is not None for one, file in zip(segments, files)) - len(failures)
    without -= int(alone.sum())
    cut = [row for row, segment in enumerate(segments) if segment is not None]
    of = counted(len({files[row] for row in cut}), "file")
    notes = [
        f"{named} {noun(len(names), 'says', 'say')} which part of its file a row is, {units.said}:"
        f" {counted(len(cut), 'row')} of {of}; --time-unit ignored (task: {{time_unit: ignored}}) reads files whole"
    ]
    if alone.any():
        notes.append(f"{counted(int(alone.sum()), 'row')}: {ALONE}")
    if without > 0:
        notes.append(
            f"{named}: {counted(without, 'row')} without times {noun(without, 'is a whole file', 'are whole files')}"
        )
    if shortened:
        ends = noun(len(shortened), "part ends", "parts end")
        first = next(iter(shortened.items()))
        notes.append(
            f"{len(shortened):,} {ends} behind the file and {noun(len(shortened), 'is', 'are')} shorter than said (row"
            f" {first[0]}, counted from 0, {first[1]})"
        )
    return raw, task.model_copy(update={"time_unit": units.name}), failures, notes


def _parts(
    raw: Raw, task: Task, files: Sequence[str | int | None], known: Sequence[Length | None]
) -> tuple[Parts, np.ndarray]:
    """What is known of the parts, and (n,) bool: rows whose file is called by the part, which have no times then."""
    nothing = Times(np.full(len(raw), np.nan), np.zeros(len(raw), bool), {})
    start = read_times(raw.columns[task.start]) if task.start else nothing
    end = read_times(raw.columns[task.end]) if task.end else nothing
    # Where a column of ends stands beside one of lengths, the end counts.
    duration = read_times(raw.columns[task.duration]) if task.duration and not task.end else None
    stops = start.values + duration.values if duration is not None else end.values
    alone = np.zeros(len(files), bool)
    for row, (file, one) in enumerate(zip(files, known)):
        seconds = None if one is None else one.seconds
        alone[row] = isinstance(file, str) and says_its_part(file, start.values[row], stops[row], seconds)
    start, end = start.without(alone), end.without(alone)
    duration = None if duration is None else duration.without(alone)
    return Parts(start, end, duration, known, files), alone


def _known(column: pa.ChunkedArray, home: Path | None) -> tuple[list[str | int | None], list[Length | None]]:
    """(n) file of each row, its own number where the row holds the content, None for none; and the files' lengths."""
    files: list[str | int | None] = []
    by_file: dict[str | int, Length | None] = {}
    for chunk in column.chunks:
        embedded = pc.is_valid(chunk.field("bytes")).to_pylist()
        for place, path in enumerate(chunk.field("path").to_pylist()):
            row = len(files)
            if embedded[place]:  # one at a time: not all contents in memory
                by_file[row] = length(chunk.field("bytes")[place].as_py(), None)
            files.append(row if embedded[place] else None if path is None else split(path)[0])
    paths = list(dict.fromkeys(file for file in files if isinstance(file, str)))
    by_file |= dict(zip(paths, lengths(paths, home)))
    return files, [None if file is None else by_file[file] for file in files]


def _read_whole(parts: Parts, units: Units, likely: Sequence[Units], said: bool) -> str | None:
    """Why files are read whole, ``""`` where nothing need be said; None where rows are parts of them."""
    if any(parts.are_files(one) for one in likely):
        return ": the files are as long as the parts that these say, so that they are cut already; they are read whole"
    if said:
        return None
    inside = parts.inside(units)
    if np.isnan(inside):
        return ""
    if inside < LEAST_INSIDE:
        return (
            f" look like the part of a file that a row is, but only {inside:.0%} of the parts would lie within their"
            " files, which are read whole. Name the columns (--start with --end or --duration) and what they count"
            " (--time-unit) if they are"
        )
    start, end = parts.seconds(units)
    shorter = (start > SLACK_SECONDS) | (end < parts.lengths - SLACK_SECONDS)
    return None if shorter.any() else ""


def _segments(parts: Parts, units: Units, named: str) -> tuple[dict[int, str], dict[int, str], list[Segment | None]]:
    """Row -> why its part can't be had, row -> why it is shorter than said, and the part of each row."""
    starts, ends = parts.seconds(units)
    failures: dict[int, str] = {}
    shortened: dict[int, str] = {}
    segments: list[Segment | None] = [None] * len(starts)
    for times in filter(None, (parts.start, parts.end, parts.duration)):
        failures |= {row: f"{named}: {text!r} is no time" for row, text in times.wrong.items()}
    for row in units.unknown:
        failures.setdefault(row, f"{named}: the file does not say how many {units.name} a second has")
    for row in np.flatnonzero(~np.isnan(starts) | ~np.isnan(ends)).tolist():
        if row in failures:
            continue
        start = 0.0 if np.isnan(starts[row]) else float(starts[row])
        end = None if np.isnan(ends[row]) else float(ends[row])
        length = float(parts.lengths[row])
        if start < 0 or (end is not None and end < 0):
            failures[row] = f"{named}: a time is negative; leave the end empty where it is that of the file"
        elif end is not None and end <= start:
            failures[row] = f"{named}: the end, {end:g} s, is not behind the start, {start:g} s"
        elif start >= length:
            failures[row] = f"{named}: the part begins at {start:g} s, and the file is {length:.2f} s long"
        else:
            if end is not None and end > length + SLACK_SECONDS:
                shortened[row] = f"{named}: the part ends at {end:g} s, and the file at {length:.2f} s"
            segments[row] = Segment(start, None if end is not None and end > length else end)
    return failures, shortened, segments


def _cut(column: pa.ChunkedArray, segments: Sequence[Segment | None], role: str) -> pa.ChunkedArray:
    """Media values with the part of each behind the path."""
    if not is_media(column.type):
        return column
    chunks, start = [], 0
    for chunk in column.chunks:
        paths = [
            _path(path, segment, role)
            for path, segment in zip(pc.struct_field(chunk, "path").to_pylist(), segments[start : start + len(chunk)])
        ]
        fields = [chunk.field("bytes"), pa.array(paths, pa.string())]
        chunks.append(pa.StructArray.from_arrays(fields, ["bytes", "path"], mask=chunk.is_null()))
        start += len(chunk)
    return pa.chunked_array(chunks, column.type)


def _path(path: str | None, segment: Segment | None, role: str) -> str | None:
    if segment is None:
        return path
    plain = split(path or "")[0]
    sound = role == "audio" and media_kind(plain) == "video"
    return plain + segment._replace(sound=sound).fragment

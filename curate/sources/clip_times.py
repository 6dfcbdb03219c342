"""Columns that say when in a sound or a video a row begins and ends, which no reader follows."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curate.media.content import is_media
from curate.sources.raw import Raw
from curate.task import Task

TIMES = (
    ("start", "end"), ("start", "stop"), ("begin", "end"), ("start_time", "end_time"), ("time_start", "time_end"),
    ("start_s", "end_s"), ("start_sec", "end_sec"), ("start_seconds", "end_seconds"), ("start_frame", "end_frame"),
    ("start_frame", "stop_frame"), ("start_timestamp", "stop_timestamp"), ("onset", "offset"), ("onset", "duration"),
    ("offset", "duration"), ("start", "duration"),
)  # fmt: skip


def clip_times(raw: Raw, task: Task) -> list[str]:
    """A sentence where several rows name one sound or video, and columns say which part of it is meant."""
    name = task.video or task.audio
    if name is None:
        return []
    by_name = {column.strip().lower(): column for column in raw.columns.column_names}
    pair = next(((by_name[a], by_name[b]) for a, b in TIMES if a in by_name and b in by_name), None)
    column = raw.columns[name]
    paths = pc.struct_field(column, "path") if is_media(column.type) else column
    if pair is None or pa.types.is_binary(paths.type) or pa.types.is_large_binary(paths.type):
        return []
    files = pc.count_distinct(paths.drop_null()).as_py()
    if files >= len(paths) - paths.null_count:
        return []
    return [
        f"{pair[0]!r} and {pair[1]!r} look like the part of a file that a row is about, and {len(paths):,} rows name"
        f" {files:,} files: files are read whole, so that such rows look like copies. Cut the parts into files of their"
        " own first (ffmpeg -ss START -to END -i FILE PART), and don't drop these rows as duplicates"
    ]

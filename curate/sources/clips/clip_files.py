"""Columns of ids (``youtube_id``) that files are called by: whole (``ID.mp4``) or with the part that was cut out."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from curate.sources.clips.times import read_times
from curate.sources.columns.column_types import is_text
from curate.sources.columns.media_columns import find_media
from curate.sources.file_kinds import is_junk, media_kind
from curate.sources.raw import Raw
from curate.task import Task
from curate.wording import counted, noun

ID_NAMES = ("youtube_id", "ytid", "yt_id", "youtube", "video_id", "videoid", "vid", "clip_id", "segment_id", "audio_id")
"""Names of columns of ids, in lower case."""
FILE = "file"
"""The column that is made of them."""
_PART = re.compile(r"(?P<id>.+?)_(?P<start>\d+(?:\.\d+)?)(?:[_-](?P<end>\d+(?:\.\d+)?))?")
BEFORE = ("Y", "v_")
"""What may stand before an id in the name of a file: so that a hyphen is no option, and as ActivityNet has it."""
TOLERANCE_SECONDS = 0.5
"""Names of parts are rounded to the second."""
LENGTH_SECONDS = 0.75
"""By so much a part may be longer or shorter than its name says."""


class _Clip(NamedTuple):
    """A media file: its path below the folder, and the part that its name says, None for none."""

    path: str
    start: float | None = None
    end: float | None = None


def with_clip_files(raw: Raw, given: Task, home: Path | None, times: Sequence[tuple[str, str]]) -> Raw:
    """The source with a column of files, where a column of ids beside one of starts is all that names them.

    Args:
        raw: the source.
        given: the roles that the user named; an id column among them counts whatever it is called.
        home: folder in which the files lie, at any depth.
        times: pairs of names, in lower case, that columns of starts and ends have.
    """
    name, start, end = _columns(raw, given, times)
    if name is None or start is None or home is None or not home.is_dir():
        return raw
    clips = _clips(home)
    ids = raw.columns[name].to_pylist()
    starts, ends = (
        np.full(len(ids), np.nan) if one is None else read_times(raw.columns[one]).values for one in (start, end)
    )
    found = [None if one is None else _of(clips.get(one, ()), starts[row], ends[row]) for row, one in enumerate(ids)]
    if not any(found):
        return raw
    kind = next(media_kind(clip.path) for clip in found if clip) or "video"
    paths = pa.array([clip.path if clip else one for clip, one in zip(found, ids)], pa.string())
    missing = {one: _why(one, clips.get(one, ())) for clip, one in zip(found, ids) if clip is None and one is not None}
    column = name if name in (given.video, given.audio) else FILE
    media = {other: role for other, role in raw.media.items() if other != name}
    there = sum(clip is not None for clip in found)
    note = f"{name!r} names the files: {counted(there, 'row')} of {len(ids):,} {noun(there, 'has', 'have')} one"
    roles = raw.roles
    if column != name and given.group is None:
        roles = {**roles, "group": name}
        note += "; rows of one are a group, which folds don't tear apart"
    return replace(
        raw.with_column(column, pa.chunked_array([paths])),
        bases=(home,),
        base_of=None,
        roles=roles,
        media={**media, column: kind},
        unfetched={**raw.unfetched, **missing},
        notes=(*raw.notes, note),
    )


def id_of_part(stem: str) -> str | None:
    """The id in the name of a file that is called by its part (``ID_000010_000020``); None in other names."""
    match = _PART.fullmatch(stem)
    return None if match is None or match["end"] is None else match["id"]


def ids_of_file(stem: str) -> set[str]:
    """The ids that rows may call a file by: its name, what stands behind a prefix, the id before a part."""
    part = id_of_part(stem)
    return {stem, *(stem.removeprefix(before) for before in BEFORE), *([part] if part else [])}


def ids_of_parts(raw: Raw, stems: Mapping[str, str]) -> dict[str, str]:
    """A column of ids that files are called by with the part that was cut out, and what kind of files these are.

    Args:
        raw: the source.
        stems: names of files without ending -> image, audio or video.
    """
    kinds = {one: kind for stem, kind in stems.items() if (one := id_of_part(stem)) and kind in ("audio", "video")}
    for name in raw.columns.column_names:
        if name.strip().lower().replace(" ", "_") in ID_NAMES and is_text(raw.columns[name].type):
            found = [kinds[one] for one in raw.columns[name].drop_null().to_pylist() if one in kinds]
            if found:
                return {name: found[0]}
    return {}


def says_its_part(path: str, start: float, end: float, seconds: float | None) -> bool:
    """Whether a file is called by the part from `start` to `end` that was cut out, and is as long if that is known."""
    match = _PART.fullmatch(Path(path).stem)
    if match is None or match["end"] is None or np.isnan(end) or not _is_part(_clip(path, match), start, end):
        return False
    return seconds is None or abs(seconds - (end - start)) <= LENGTH_SECONDS


def _columns(raw: Raw, given: Task, times: Sequence[tuple[str, str]]) -> tuple[str | None, str | None, str | None]:
    """The columns of ids, starts and ends; None for the first where another one names media files."""
    there = raw.columns.column_names
    by_name = {name.strip().lower().replace(" ", "_"): name for name in there}
    start, end = next(((by_name[a], by_name[b]) for a, b in times if a in by_name and b in by_name), (None, None))
    start, end = (one if one in there else None for one in (given.start or start, given.end or end))
    named = given.video or given.audio
    made = named is None or (named == FILE and FILE not in there)
    candidates = [by_name[name] for name in ID_NAMES if name in by_name] if made else [named]
    name = next((name for name in candidates if name in there), None)
    if name is None or start is None or FILE in there or not is_text(raw.columns[name].type):
        return None, start, end
    known = set(find_media(raw).kinds) - set(raw.media)
    return (None if name in known or (made and known) else name), start, end


def _clips(home: Path) -> Mapping[str, list[_Clip]]:
    """Id -> the sounds and videos below a folder that are called by it; a name of figures alone may be both."""
    found: dict[str, list[_Clip]] = {}
    for folder, folders, files in os.walk(home):
        folders[:] = sorted(one for one in folders if not is_junk(one))
        for file in sorted(files):
            if media_kind(file) not in ("audio", "video") or is_junk(file):
                continue
            path = os.path.relpath(os.path.join(folder, file), home)  # noqa: PTH118 (a Path per file is slow)
            stem = Path(file).stem
            found.setdefault(stem, []).append(_Clip(path))
            for before in BEFORE:
                if stem.startswith(before):
                    found.setdefault(stem.removeprefix(before), []).append(_Clip(path))
            if match := _PART.fullmatch(stem):
                found.setdefault(match["id"], []).append(_clip(path, match))
    return found


def _clip(path: str, match: re.Match[str]) -> _Clip:
    return _Clip(path, float(match["start"]), None if match["end"] is None else float(match["end"]))


def _of(clips: Sequence[_Clip], start: float, end: float) -> _Clip | None:
    """The file of a row: the one that is called by its part, else the only one that is whole."""
    parts = [clip for clip in clips if _is_part(clip, start, end)]
    whole = [clip for clip in clips if clip.start is None]
    return parts[0] if len(parts) == 1 else whole[0] if len(whole) == 1 else None


def _is_part(clip: _Clip, start: float, end: float) -> bool:
    if clip.start is None or np.isnan(start):
        return False
    for each in (1.0, 1000.0):  # seconds or milliseconds
        if abs(clip.start / each - start) <= TOLERANCE_SECONDS and (
            clip.end is None or np.isnan(end) or abs(clip.end / each - end) <= TOLERANCE_SECONDS
        ):
            return True
    return False


def _why(one: str, clips: Sequence[_Clip]) -> str:
    if len(clips) > 1 and all(clip.start is None for clip in clips):
        return f"{one!r} could be {clips[0].path!r} or {clips[1].path!r}"
    if clips:
        return f"no file of {one!r} is called by its part ({clips[0].path!r} is another)"
    return f"there is no file of {one!r}"

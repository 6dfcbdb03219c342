"""Parts of videos as ActivityNet's JSON lists them, and THUMOS in its form: a database of videos and annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DATABASE = "database"


def is_activitynet(document: Mapping[str, Any]) -> bool:
    """Whether a JSON object has a database of videos with annotated segments."""
    database = document.get(DATABASE)
    first = next(iter(database.values()), None) if isinstance(database, dict) else None
    return isinstance(first, dict) and isinstance(first.get("annotations"), list)


def activitynet_rows(document: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """A row per annotated segment, and one for a video without any, and how many annotations are no such.

    Rows have ``video_id``, ``start`` and ``end`` in seconds, ``label`` and ``split``.
    """
    rows: list[dict[str, Any]] = []
    left = 0
    for name, video in document[DATABASE].items():
        if not isinstance(video, dict):
            left += 1
            continue
        known = {"video_id": str(name), "split": video.get("subset")}
        noted = video.get("annotations") or []
        for one in noted:
            times = one.get("segment") if isinstance(one, dict) else None
            if not isinstance(times, list) or len(times) != 2:
                left += 1
                continue
            rows.append({**known, "start": times[0], "end": times[1], "label": one.get("label")})
        if not noted:
            rows.append({**known, "start": None, "end": None, "label": None})
    return rows, left

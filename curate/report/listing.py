"""Every flagged row and the map of the embedding as one compressed block of JSON, for the script of the page."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.findings import places_by_issue
from curate.report.advice import ABOUT_CLASSES
from curate.report.contents import in_words, origins
from curate.report.material import Material
from curate.report.plain import one_line, printable
from curate.report.views import project

MOST_FINDINGS = 150_000
"""Findings in the list, lowest scores first; past that, those left out are counted."""
PREVIEW = 110
REASON = 240


def listing(material: Material) -> dict[str, Any]:
    """Columns of what the page lists and maps; texts are printable, and appear in the page as text alone.

    Returns:
        ``names`` of checks, ``issues`` as (check, issue), ``labels``, ``splits``; ``rows`` and ``findings`` as columns
        (rows with a finding or on the map; those of rare classes have no finding); ``map`` with coordinates from 0
        to 1000; ``left``, the number of findings that are left out.
    """
    flagged = material.findings.flagged
    flagged = flagged.filter(pc.invert(pc.is_in(flagged["check"], value_set=pa.array(ABOUT_CLASSES))))
    order = np.argsort(flagged["score"].to_numpy(), kind="stable")[:MOST_FINDINGS]
    left = flagged.num_rows - len(order)
    flagged = flagged.take(pa.array(np.sort(order)))
    views = material.views
    rows = np.unique(np.concatenate([flagged["row"].to_numpy(), views.rows]).astype(np.int64))
    labels, splits = _Codes(), _Codes()
    return {
        "rows": _rows(material, rows, labels, splits),
        "findings": _findings(flagged, rows, labels),
        "map": _map(material, rows),
        "issues": _issues(flagged),
        "labels": labels.names,
        "splits": splits.names,
        "left": left,
    }


def block(made: dict[str, Any]) -> str:
    """JSON, compressed and in base64: small, and nothing in it can end the element that holds it."""
    text = json.dumps(made, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode("utf-8", "backslashreplace"), 6, mtime=0)).decode("ascii")


class _Codes:
    """Texts by the order in which they were first seen; None is -1."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._place: dict[str, int] = {}

    def of(self, text: str | None) -> int:
        if text is None:
            return -1
        if text not in self._place:
            self._place[text] = len(self.names)
            self.names.append(one_line(text, 120))
        return self._place[text]


def _rows(material: Material, rows: np.ndarray, labels: _Codes, splits: _Codes) -> dict[str, list[Any]]:
    table = material.table
    previews, places = in_words(table, rows), origins(table, rows)
    return {
        "row": rows.tolist(),
        "id": [printable(str(row_id)) for row_id in table.row_ids[rows]],
        "split": [splits.of(str(name)) for name in table.splits[rows]],
        "label": [labels.of(table.labels.name(row)) for row in rows.tolist()],
        "text": [one_line(previews[row], PREVIEW) for row in rows.tolist()],
        "where": [_where(*places[row]) for row in rows.tolist()],
    }


def _where(file: str | None, line: int | None) -> str:
    if not file:
        return ""
    return one_line(file, 120) + ("" if line is None else f":{line}")


def _issues(flagged: pa.Table) -> list[tuple[str, str]]:
    return [(printable(check), printable(issue)) for check, issue in places_by_issue(flagged)]


def _findings(flagged: pa.Table, rows: np.ndarray, labels: _Codes) -> dict[str, list[Any]]:
    issue = np.zeros(flagged.num_rows, dtype=np.int64)
    for i, places in enumerate(places_by_issue(flagged).values()):
        issue[places] = i
    reasons = pc.fill_null(flagged["reason"], "").to_pylist()
    return {
        "at": np.searchsorted(rows, flagged["row"].to_numpy()).tolist(),
        "issue": issue.tolist(),
        "score": (flagged["score"].to_numpy() * 1000).round().astype(np.int64).tolist(),
        "to": [labels.of(name) for name in flagged["suggested_label"].to_pylist()],
        "reason": [one_line(reason, REASON) for reason in reasons],
    }


def _map(material: Material, rows: np.ndarray) -> dict[str, list[int]] | None:
    views = material.views
    if len(views.rows) < 3:
        return None
    places = (project(views.vectors) * 1000).round().astype(np.int64)
    return {"at": np.searchsorted(rows, views.rows).tolist(), "x": places[:, 0].tolist(), "y": places[:, 1].tolist()}

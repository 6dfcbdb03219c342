"""Flagged findings one by one, as every format lists them: with label, split, file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.findings import places_by_issue
from curate.report.contents import origins
from curate.report.formats.places import path_of
from curate.report.material import Material
from curate.report.plain import plain

BATCH = 10_000


def flagged(material: Material) -> pa.Table:
    """The lines that are issues, worst first within each check and issue, in the order in which checks ran."""
    lines = material.findings.flagged
    order = {pair: i for i, pair in enumerate(material.findings.issues)}
    issue = np.zeros(lines.num_rows, dtype=np.int64)
    for pair, places in places_by_issue(lines).items():
        issue[places] = order[pair]
    keys = pa.table({"issue": issue, "score": lines["score"], "row": lines["row"]})
    return lines.take(pc.sort_indices(keys, [("issue", "ascending"), ("score", "ascending"), ("row", "ascending")]))


def described(material: Material, lines: pa.Table) -> Iterator[dict[str, Any]]:
    """Lines of findings as JSON objects that also say where each row stands and what label it has."""
    table = material.table
    paths: dict[str | None, str | None] = {}
    for start in range(0, lines.num_rows, BATCH):
        batch = lines.slice(start, BATCH)
        found = origins(table, batch["row"].to_numpy())
        for line in batch.to_pylist():
            row = line["row"]
            file, number = found[row]
            if file not in paths:
                paths[file] = path_of(table, file)
            yield plain(
                {
                    "row": row,
                    "row_id": line["row_id"],
                    "check": line["check"],
                    "issue": line["issue"],
                    "score": round(float(line["score"]), 6),
                    "label": table.labels.name(row),
                    "suggested_label": line["suggested_label"],
                    "group": line["group"],
                    "reason": line["reason"] or "",
                    "split": str(table.splits[row]),
                    "file": paths[file],
                    "line": number,
                }
            )


def json_lines(material: Material) -> Iterator[str]:
    """One JSON object per flagged finding, each a line."""
    for line in described(material, flagged(material)):
        yield json.dumps(line, ensure_ascii=False, allow_nan=False)

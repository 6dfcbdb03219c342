"""Labels, inputs and cells that are not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow.compute as pc
from pydantic import Field

from curate.checks.tables.blank_cells import blank_cells, blank_share
from curate.checks.tables.disguised_cells import disguised_cells
from curate.findings import Findings
from curate.stand_ins import ANYWHERE, DISGUISES
from curate.step import Check
from curate.table import HELD_OUT
from curate.task import MODALITIES
from curate.wording import counted, noun, some_of

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

LEAST_ROWS = 20
"""Rows from which on a column can be said to be empty."""
NAMED = 8
"""Columns that a reason names before it only counts."""


class MissingValues(Check):
    """Finds rows without a label, rows with an empty input, and missing cells of a table, vector or series.

    Three issues: `missing_label` (a transcript, where speech is transcribed; not in a held-out split without any label,
    as that of a contest) and `missing_input` (null, no text but blanks, an empty vector or series; score 0), and
    `missing_cells` (score: the share of cells that are there). Cells that hold one of `placeholders` count as missing,
    in labels too. A fourth, `disguised_missing` (score 0.2), is for cells of a table that hold a stand-in: a number
    such as -999 that stands apart from all others of its column, or a word such as "unknown".
    Cost: one pass over the label and the scalar columns; media are not opened.
    """

    issues: ClassVar[tuple[str, ...]] = ("missing_label", "missing_input", "missing_cells", "disguised_missing")

    placeholders: tuple[str, ...] = Field(
        ANYWHERE,
        description="texts (case and outer blanks aside) and numbers, such as -999, that stand for a missing cell",
    )
    max_missing: float = Field(
        0.0, ge=0, lt=1, description="share of a row's cells that may be missing before it is flagged"
    )

    max_column_missing: float = Field(
        0.9,
        gt=0,
        description="missing_cells: a column missing in this share of 20 rows or more is at fault itself, which"
        " column_quality says, and is not counted against its rows; above 1 all columns are counted",
    )
    disguises: tuple[str, ...] = Field(
        DISGUISES, description="disguised_missing: texts (case and outer blanks aside) that stand for a missing cell"
    )
    min_sentinel_gap: float = Field(
        1.0,
        ge=0,
        description="disguised_missing: distance of a number such as -999 from all other values of its column, over the"
        " distance of their quartiles; 0 looks for no numbers",
    )

    def find(self, evidence: Evidence) -> Findings:
        """One line per active row and issue that the task has columns for."""
        rows = np.flatnonzero(evidence.active)
        parts = [self._labels(evidence, rows), self._inputs(evidence, rows), self._cells(evidence, rows)]
        parts.append(self._disguised(evidence, rows))
        found = Findings.join([part for part in parts if part is not None])
        return Findings(found.table, found.facts or {self.name: {"rows": len(rows)}})

    def _labels(self, evidence: Evidence, rows: np.ndarray) -> Findings | None:
        task, labels = evidence.table.task, evidence.labels
        if task.kind == "transcription" and task.transcript is not None:
            return self._transcripts(evidence, rows, task.transcript)
        if task.label is None or task.kind in (None, "unlabeled", "segmentation", "detection", "transcription"):
            return None
        known_labels = labels.known
        if task.kind == "token_classification":  # a list of tags per row, which is no label of the row
            known_labels = evidence.table.column(task.label).is_valid().to_numpy()
        splits = evidence.table.splits[rows]
        unlabelled = _without_labels(splits, known_labels[rows])
        missing = ~known_labels[rows] & ~np.logical_or.reduce([splits == split for split in unlabelled] or [False])
        reasons = {int(p): f"the column {task.label!r} holds no label" for p in np.flatnonzero(missing)}
        known = {text.strip().casefold() for text in self.placeholders}
        for code, name in enumerate(labels.names if labels.sets is None else ()):
            if name.strip().casefold() in known or not name.strip():
                for place in np.flatnonzero(labels.codes[rows] == code):
                    missing[place] = True
                    reasons[int(place)] = f"the label {name!r} stands for a missing one"
        _say_too_large(evidence, rows, missing, (task.label,), reasons)
        facts: dict[str, Any] = {"missing_labels": int(missing.sum())}
        if unlabelled:
            facts["splits_without_labels"] = unlabelled
        score = np.where(missing, 0.0, 1.0)
        return Findings.of(
            self.name, "missing_label", rows, evidence.table.row_ids, score, missing, reason=reasons, facts=facts
        )

    def _transcripts(self, evidence: Evidence, rows: np.ndarray, column: str) -> Findings:
        missing = blank_cells(evidence.table.column(column))[rows]
        reasons = {int(place): f"the column {column!r} holds no transcript" for place in np.flatnonzero(missing)}
        facts, score = {"missing_labels": int(missing.sum())}, np.where(missing, 0.0, 1.0)
        ids = evidence.table.row_ids
        return Findings.of(self.name, "missing_label", rows, ids, score, missing, reason=reasons, facts=facts)

    def _inputs(self, evidence: Evidence, rows: np.ndarray) -> Findings | None:
        task, table = evidence.table.task, evidence.table
        missing, columns = np.zeros(len(rows), dtype=bool), {}
        for role in MODALITIES:
            column = getattr(task, role)
            if isinstance(column, str):
                bad = blank_share(table.column(column), self.placeholders if role == "features" else ())[rows] >= 1.0
                for place in np.flatnonzero(bad):
                    columns.setdefault(int(place), []).append(column)
                missing |= bad
        if not task.modalities:
            return None
        reasons = {p: f"nothing in the {noun(len(c), 'column')} {', '.join(map(repr, c))}" for p, c in columns.items()}
        facts = {"missing_inputs": int(missing.sum())}
        score = np.where(missing, 0.0, 1.0)
        return Findings.of(self.name, "missing_input", rows, table.row_ids, score, missing, reason=reasons, facts=facts)

    def _cells(self, evidence: Evidence, rows: np.ndarray) -> Findings | None:
        task, table = evidence.table.task, evidence.table
        scalars = task.features if isinstance(task.features, tuple) else ()
        vectors = [c for c in (task.series, task.features) if isinstance(c, str)]
        if not scalars and not vectors:
            return None
        share, columns = np.zeros(len(rows)), {}
        per_column, hollow = {}, []
        for column in scalars:
            bad = blank_cells(table.column(column), self.placeholders)[rows]
            per_column[column] = int(bad.sum())
            if len(rows) >= LEAST_ROWS and bad.mean() >= self.max_column_missing:
                hollow.append(column)
                continue
            share += bad / len(scalars)
            for place in np.flatnonzero(bad):
                columns.setdefault(int(place), []).append(column)
        for column in vectors:
            share = np.maximum(share, blank_share(table.column(column), self.placeholders)[rows])
        share = np.clip(share, 0.0, 1.0)
        flagged = share > max(self.max_missing, 1e-9)
        reasons = {}
        for place in np.flatnonzero(flagged):
            names = columns.get(int(place))
            reasons[int(place)] = (
                _named(names, len(scalars))
                if names
                else f"{share[place]:.1%} of the values of {vectors[0]!r} are missing"
            )
        _say_too_large(evidence, rows, flagged, (*scalars, *vectors), reasons)
        facts = {
            "rows_with_missing_cells": int((share > 0).sum()),
            "missing_cells": round(float(share.mean()), 6) if len(rows) else 0.0,
            "missing_by_column": {name: count for name, count in per_column.items() if count},
        }
        facts |= {"columns_not_counted": hollow} if hollow else {}
        return Findings.of(
            self.name, "missing_cells", rows, table.row_ids, 1.0 - share, flagged, reason=reasons, facts=facts
        )

    def _disguised(self, evidence: Evidence, rows: np.ndarray) -> Findings | None:
        task, table = evidence.table.task, evidence.table
        if not isinstance(task.features, tuple) or not (self.disguises or self.min_sentinel_gap):
            return None
        found, sentences, held = np.zeros(len(rows), dtype=bool), {}, []
        known = {text.strip().casefold() for text in self.placeholders}
        disguises = [text for text in self.disguises if text.strip().casefold() not in known]
        for name in task.features:
            column = table.column(name)
            cells, why, counts = disguised_cells(column, rows, disguises, self.min_sentinel_gap)
            cells &= ~blank_cells(column, self.placeholders)[rows]
            for place in np.flatnonzero(cells).tolist():
                sentences.setdefault(place, []).append(f"column {name!r}: {why[place]}")
            found |= cells
            held += [{"column": name, "value": value, "cells": n} for value, n in sorted(counts.items())]
        reasons = {place: some_of(many, NAMED, between="; ") for place, many in sentences.items()}
        score = np.where(found, 0.2, 1.0)
        facts = {"disguised": held} if held else {}
        return Findings.of(
            self.name, "disguised_missing", rows, table.row_ids, score, found, reason=reasons, facts=facts
        )


def _named(names: list[str], total: int) -> str:
    return f"{len(names)} of {counted(total, 'cell')} missing: {some_of(names, NAMED, repr)}"


def _without_labels(splits: np.ndarray, known: np.ndarray) -> list[str]:
    """The held-out splits of which no row has a label."""
    return [split for split in HELD_OUT if (here := splits == split).any() and not known[here].any()]


def _say_too_large(
    evidence: Evidence, rows: np.ndarray, flagged: np.ndarray, columns: Sequence[str], reasons: dict[int, str]
) -> None:
    """Add to the reasons of flagged places which numbers are missing since they were too large to be held."""
    problems = evidence.table.problems
    told = problems.filter(pc.equal(problems["issue"], "too_large")).to_pylist()
    place = {int(row): int(p) for p, row in enumerate(rows) if flagged[p]} if told else {}
    for line in told:
        if line["row"] in place and line["reason"].startswith(tuple(f"{name}: " for name in columns)):
            reasons[place[line["row"]]] += f"; {line['reason']}"

"""The ways to look at the rows of a table: its columns, its embedding, and each class by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curate.arrow import plain_values
from curate.checks.detectors.features import feature_matrix, robustly_scaled
from curate.checks.detectors.methods import (
    CLASS_MEMBERS,
    EMBEDDING_MEMBERS,
    TABLE_MEMBERS,
    Judgement,
    judge,
    judge_classes,
    scorers,
)
from curate.checks.detectors.space import REFERENCE_ROWS, Space
from curate.checks.detectors.tails import FEWEST
from curate.evidence.encoders.columns import vector_rows
from curate.wording import counted

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

CLASS_ROWS = 10
"""Training rows from which a class can say what is usual in it."""
LONG = 64
"""Numbers from which the vectors of one column are taken for an embedding, and not for columns of a table."""
FAR = 3.0
"""Robust deviations from which a cell is worth naming."""
BLOCK_ROWS = 65_536
"""Rows whose neighbours are copied at once."""


@dataclass(frozen=True)
class View:
    """What one way of looking says of the rows of the table.

    Attributes:
        name: overall, features or class.
        surprise: (n,) by row of the table; NaN where it says nothing.
        sentence: (row, limit, neighbours) -> what was measured of the row.
        detectors: names.
    """

    name: str
    surprise: np.ndarray
    sentence: Callable[[int, float, int], str]
    detectors: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Seen:
    """A space, and which row of the table each of its points is."""

    name: str
    space: Space
    rows: np.ndarray
    remark: Callable[[int], str] = field(default=lambda row: "")

    def view(self, name: str, judgement: Judgement, among: Callable[[int], str], size: int) -> View:
        surprise = np.full(size, np.nan)
        surprise[self.rows] = judgement.surprise
        place = np.full(size, -1, dtype=np.int64)
        place[self.rows] = np.arange(len(self.rows))

        def sentence(row: int, limit: float, neighbours: int) -> str:
            return f"{among(row)}{judgement.sentence(int(place[row]), limit, neighbours)}{self.remark(row)}"

        return View(name, surprise, sentence, tuple(judgement.parts))


def views(
    evidence: Evidence, rank: np.ndarray, method: str | Mapping[str, Any], neighbours: int, per_class: bool
) -> list[View]:
    """All views of a table.

    Args:
        evidence: of the table.
        rank: (n,) rank of the row ids: the order in which rows are looked at.
        method: of `outliers`.
        neighbours: nearest rows that count.
        per_class: whether rows are compared with their own class, too.
    """
    size, task = len(evidence.table), evidence.table.task
    seen: list[_Seen] = []
    if "features" in task.modalities and not _is_embedding(evidence):
        seen.append(_columns(evidence, rank, neighbours))
    if not seen or task.embedding is not None or set(task.modalities) - {"features"} or not len(seen[0].rows):
        seen.append(_embedding(evidence, rank, neighbours))
    found = []
    for one in seen:
        members = TABLE_MEMBERS if one.name == "features" else EMBEDDING_MEMBERS
        found.append(one.view(one.name, judge(one.space, scorers(method, members)), lambda row: "", size))
    if per_class and task.kind == "classification" and evidence.labels.known.any():
        found.append(_classes(evidence, seen[-1], method, size))
    if seen[-1].space.fit.sum() < FEWEST:
        _note(evidence, f"outliers: fewer than {FEWEST} training rows can't say what is usual; nothing is flagged")
    return found


def _is_embedding(evidence: Evidence) -> bool:
    """Whether the features are one column of long vectors, whose single numbers say nothing."""
    features = evidence.table.task.features
    if not isinstance(features, str) or not pa.types.is_nested(evidence.table.column(features).type):
        return False
    return vector_rows(evidence.table, features).shape[1] >= LONG


def _classes(evidence: Evidence, seen: _Seen, method: str | Mapping[str, Any], size: int) -> View:
    labels = evidence.labels
    judgement = judge_classes(seen.space, scorers(method, CLASS_MEMBERS), labels.codes[seen.rows], CLASS_ROWS)
    return seen.view("class", judgement, lambda row: f"compared with the class {labels.name(row)!r}, ", size)


def _columns(evidence: Evidence, rank: np.ndarray, neighbours: int) -> _Seen:
    table = evidence.table
    usual = evidence.active & table.training
    matrix = feature_matrix(table, usual)
    rows = np.flatnonzero(evidence.active & np.isfinite(matrix).any(1))
    rows = rows[np.argsort(rank[rows], kind="stable")]
    fit = usual[rows]
    matrix = matrix[rows]
    values, columns = robustly_scaled(matrix, np.flatnonzero(fit))
    if fit.sum() > REFERENCE_ROWS:
        _note(evidence, f"outliers: rows are compared with {REFERENCE_ROWS:,} evenly spaced of {fit.sum():,} rows")
    place = np.full(len(table), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))

    def remark(row: int) -> str:
        far = np.abs(values[place[row]])
        named = [int(j) for j in np.argsort(-far, kind="stable")[:2] if far[j] >= FAR]
        told = []
        for j in named:
            column = int(columns[j])
            text, is_number = _cell(evidence, row, column)
            if is_number:
                told.append(f"{text} lies {far[j]:.1f} deviations from the median")
            else:
                told.append(f"{text} occurs {counted(round(float(np.exp(matrix[place[row], column]))), 'time')}")
        return "; " + ", ".join(told) if told else ""

    return _Seen("features", Space(values, fit, evidence.seed, neighbours), rows, remark)


def _cell(evidence: Evidence, row: int, column: int) -> tuple[str, bool]:
    """``width = 7.5``: name and value of a cell as they stand in the table, and whether it is no category."""
    table, features = evidence.table, evidence.table.task.features
    name = features if isinstance(features, str) else table.task.feature_columns[column]
    cell = table.rows([row], [name])[name]
    [value] = plain_values(cell)
    if isinstance(value, list | tuple):
        return f"{name}[{column}] = {value[column]:.4g}", True
    if isinstance(value, float):
        return f"{name} = {value:.4g}", True
    return f"{name} = {str(value)[:40]}", not isinstance(value, str) or pa.types.is_temporal(cell.type)


def _embedding(evidence: Evidence, rank: np.ndarray, neighbours: int) -> _Seen:
    found, table = evidence.embedding(), evidence.table
    rows = np.flatnonzero(evidence.active & found.valid)
    rows = rows[np.argsort(rank[rows], kind="stable")]
    fit = table.training[rows]
    place = np.full(len(table) + 1, -1, dtype=np.int64)  # the last one for a neighbour that is none
    place[rows] = np.arange(len(rows))

    def near(k: int) -> tuple[np.ndarray, np.ndarray]:
        nearest = evidence.neighbours(k, training=True)
        shape = len(rows), nearest.indices.shape[1]
        indices, distance = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.float32)
        for begin in range(0, len(rows), BLOCK_ROWS):
            block, some = slice(begin, begin + BLOCK_ROWS), rows[begin : begin + BLOCK_ROWS]
            indices[block] = place[nearest.indices[some]]
            distance[block] = _apart(indices[block], nearest.similarity[some])
        return indices, distance

    def among(name: str, some: np.ndarray, may_be_found: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        nearest = evidence.neighbours_among(name, some, may_be_found, k)
        return nearest.indices.astype(np.int64), _apart(nearest.indices, nearest.similarity)

    return _Seen("overall", Space(found.vectors, fit, evidence.seed, neighbours, near, rows, among), rows)


def _apart(indices: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    """(n, k) float32 Euclidean distances of unit vectors; NaN for no neighbour."""
    return np.where(indices >= 0, np.sqrt(np.maximum(2.0 - 2.0 * similarity, 0.0)), np.float32(np.nan))


def _note(evidence: Evidence, sentence: str) -> None:
    if sentence not in evidence.notes:
        evidence.notes.append(sentence)

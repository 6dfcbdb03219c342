"""How often augmented rows leave their class, by operation and strength."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from curate.augment.operations.operation import Operation
from curate.augment.recipe.stage import Listed, Stage
from curate.augment.safety.items import READABLE, as_columns, bytes_of, cells, items, scalars, value
from curate.errors import DataError
from curate.evidence import Evidence
from curate.evidence.folds import stratified_folds
from curate.evidence.heads import design, fit_logistic
from curate.evidence.ridge import best_ridge
from curate.randomness import digest
from curate.sources import load
from curate.task import Task

if TYPE_CHECKING:
    from curate.augment.augment import Augment

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
LEARNED = 2000
"""Rows that the head learns from at most."""
MOST_BYTES = 1_000_000_000
"""Of the rows that the head learns from, as they are stored, and as many of the draws."""
SCHEMA = pa.schema(
    [
        ("modality", pa.string()),
        ("operation", pa.string()),
        ("strength", pa.float32()),
        ("draws", pa.int64()),
        ("left", pa.int64()),
        ("share", pa.float32()),
        ("low", pa.float32()),
        ("high", pa.float32()),
    ]
)
"""One line per operation and strength: draws that were judged, how many of them left their class, that share, and its
95 % interval (Wilson)."""


class _MadeBy(NamedTuple):
    """An operation and its strength."""

    operation: str
    strength: float


class _Draws(NamedTuple):
    """Augmented items: what made each, of which row, and what it is now."""

    made_by: list[_MadeBy]
    parent: list[int]
    values: list[Any]


def label_safety(
    evidence: Evidence, step: Augment, *, rows: int = 200, strengths: tuple[float, ...] = STRENGTHS, folds: int = 5
) -> pa.Table:
    """Measure how often each operation of a step takes rows out of their class (`SCHEMA`).

    A head on the embedding is cross-validated on original training rows. Of the rows that it gets right without
    having seen them, each is drawn once by each operation alone, at each strength; a draw has left its class where the
    head says another one. The head has never seen the row a draw was made from. Operations without a magnitude are
    measured at strength 1 alone. Cost: operations x strengths x `rows` embeddings. Rows are decoded one at a time, and
    no more of them are learned and drawn from than `MOST_BYTES` hold.

    Args:
        evidence: of a classification table.
        step: the augment step.
        rows: training rows that are drawn from.
        strengths: in (0, 1].
        folds: of the cross-validation.

    Raises:
        DataError: the task has no classes, or a class has too few rows.
        ConfigError: the step does not fit the task.
    """
    labels = evidence.labels
    if evidence.table.task.kind != "classification":
        raise DataError(f"label safety is about classes, and this task's kind is {evidence.table.task.kind}")
    fit = evidence.table.training & evidence.active & (labels.codes >= 0)
    learned = evidence.order[fit[evidence.order]][:LEARNED]
    if len(learned) < 2 * folds or len(np.unique(labels.codes[learned])) < 2:
        raise DataError(f"label safety needs at least {2 * folds} training rows of two classes; found {len(learned)}")
    stage = Stage.of(0, step.recipe(evidence.table.task))
    lines = []
    inputs = evidence.table.task.modalities
    for modality, listed in stage.operations.items():
        if modality == "image" and "image" not in inputs:
            modality = "video"  # of whose frames they are done
        if modality in READABLE and modality in inputs:
            lines += _measured(evidence, modality, listed, learned, rows, strengths, folds)
    return pa.Table.from_pylist(lines, SCHEMA)


def advised(safety: pa.Table, max_flips: float) -> dict[str, float]:
    """Operation -> the largest measured strength at which at most that share of draws leaves its class, 0 for none.

    Operations that keep to it at full strength are left out.
    """
    found: dict[str, float] = {}
    for line in sorted(safety.to_pylist(), key=lambda line: line["strength"]):
        name = line["operation"]
        found.setdefault(name, 0.0)
        if line["share"] <= max_flips:
            found[name] = round(line["strength"], 2)
    return {name: strength for name, strength in found.items() if strength < 1.0}


def _measured(
    evidence: Evidence,
    modality: str,
    listed: tuple[Listed, ...],
    learned: np.ndarray,
    rows: int,
    strengths: tuple[float, ...],
    folds: int,
) -> list[dict[str, Any]]:
    originals = cells(evidence.table, modality, learned, MOST_BYTES)
    learned = learned[: len(originals)]
    codes = evidence.labels.codes[learned]
    if len(learned) < 2 * folds or len(np.unique(codes)) < 2:
        raise DataError(
            f"label safety needs at least {2 * folds} training rows of two classes in {MOST_BYTES / 1e9:g} GB;"
            f" {len(learned)} rows fit into it"
        )
    draws = _drawn(evidence, modality, listed, learned[:rows], strengths)
    vectors = _vectors(evidence, modality, originals, codes, draws)
    n = len(learned)
    parent = np.array(draws.parent, np.int64)
    said = _said(vectors, codes, parent, folds, evidence.seed)
    judged = (said[:n] == codes)[parent]
    left = said[n:] != codes[parent]
    lines = []
    for made_by in dict.fromkeys(made_by for made_by, _, _ in _at_strengths(listed, strengths)):
        drawn = np.array([by == made_by for by in draws.made_by], bool)
        if not drawn.any():
            continue
        own = judged & drawn
        count, gone = int(own.sum()), int((left & own).sum())
        low, high = _interval(gone, count)
        share = gone / count if count else float("nan")
        line = {"modality": modality, "operation": made_by.operation, "strength": made_by.strength}
        lines.append(line | {"draws": count, "left": gone, "share": share, "low": low, "high": high})
    return lines


def _drawn(
    evidence: Evidence, modality: str, listed: tuple[Listed, ...], rows: np.ndarray, strengths: tuple[float, ...]
) -> _Draws:
    """Each row drawn once by each operation that is for its class, at each strength, while there is room for them.

    One row is decoded at a time.
    """
    draws, left = _Draws([], [], []), MOST_BYTES
    labels, ids = evidence.labels, evidence.table.row_ids
    made = list(_at_strengths(listed, strengths))
    for place, row in enumerate(rows.tolist()):
        [item] = items(evidence.table, modality, rows[place : place + 1])
        for made_by, one, operation in made:
            if not one.concerns(labels.names[labels.codes[row]]):
                continue
            key = digest(evidence.seed, str(ids[row]), "label_safety", made_by.operation)
            draws.made_by.append(made_by)
            draws.parent.append(place)
            draws.values.append(value(modality, operation.done(item, key)))
            left -= bytes_of(draws.values[-1])
        if left < 0:
            break
    return draws


def _at_strengths(
    listed: tuple[Listed, ...], strengths: tuple[float, ...]
) -> Iterator[tuple[_MadeBy, Listed, Operation]]:
    for one in listed:
        name = one.name.decode().rsplit(".", 1)[-1]
        for strength in sorted(set(strengths) | {1.0}):
            operation = one.operation.at(strength)
            if strength < 1.0 and operation.p != one.operation.p:
                continue  # it has no magnitude: weaker, it is done less often, and no less strongly
            yield _MadeBy(name, strength), one, operation


def _vectors(evidence: Evidence, modality: str, originals: list[Any], codes: np.ndarray, draws: _Draws) -> np.ndarray:
    """(n + m, d) embedding of originals and draws, by an encoder that learned from the originals alone."""
    made = as_columns(evidence.table, modality, originals, draws.values, draws.parent)
    role = list(made) if scalars(evidence.table, modality) is not None else next(iter(made))
    names, count = evidence.labels.names, len(originals) + len(draws.values)
    label = [names[code] for code in codes] + [names[codes[place]] for place in draws.parent]
    split = ["train"] * len(originals) + ["test"] * len(draws.values)
    table = load(
        made | {"_label": label, "_split": split, "_id": [str(i) for i in range(count)]},
        Task.model_validate(
            {"kind": "classification", "label": "_label", "label_names": names, "split": "_split", "id": "_id"}
            | {modality: role}
        ),
    )
    return np.asarray(evidence.beside(table).embedding().vectors)


def _said(vectors: np.ndarray, codes: np.ndarray, parent: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """(n + m,) class of each original and each draw, by a head that has not seen the original; -1 without a vector."""
    n = len(codes)
    there = np.asarray(np.isfinite(vectors).all(1))
    fold = stratified_folds(codes, np.arange(n), folds, seed)
    fold_of = np.concatenate([fold, fold[parent]])
    targets = np.zeros((len(vectors), int(codes.max()) + 1), np.float32)
    targets[np.arange(n), codes] = 1.0
    original = np.arange(len(vectors)) < n
    inputs = design(vectors, original & there)
    ridge = best_ridge(inputs[:n], targets[:n], there[:n], fold, "softmax")
    said = np.full(len(vectors), -1, np.int64)
    for number in range(folds):
        learn = original & there & (fold_of != number)
        head = fit_logistic(inputs, targets, learn.astype(np.float32), ridge)
        asked = there & (fold_of == number)
        said[asked] = (inputs[asked] @ head).argmax(1)
    return said


def _interval(count: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if not of:
        return 0.0, 1.0
    z = 1.96
    middle = (count + z * z / 2) / (of + z * z)
    half = z / (of + z * z) * np.sqrt(count * (of - count) / of + z * z / 4)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))

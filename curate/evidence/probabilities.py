"""Out-of-sample predicted probabilities: cross-validation of a fast head on the embedding."""

from __future__ import annotations

import numpy as np

from curate.errors import DataError
from curate.evidence.encoders import columns
from curate.evidence.heads import fit_softmax, softmax
from curate.table import Labels, Table

METHOD = "logistic regression on the embedding, {folds}-fold cross-validation"
RIDGE = 3e-3
Arrays = dict[str, np.ndarray]


def cross_validated(
    vectors: np.ndarray, valid: np.ndarray, codes: np.ndarray, classes: int, fitted: np.ndarray, folds: np.ndarray
) -> Arrays:
    """Class probabilities of each row by heads that did not see it.

    Args:
        vectors: (n, d) float32 embedding, NaN where not `valid`.
        valid: (n,) bool.
        codes: (n,) int64 labels, -1 where missing.
        classes: K.
        fitted: (n,) bool, rows that heads may learn from; those with a label and a vector are used.
        folds: (n,) int8, the fold whose head must not be asked about a row; -1: the mean of all heads is.

    Returns:
        ``rows_values`` (n, K) float32, NaN where there is no vector or nothing to learn from, and ``rows_folds`` (n,) int8.
    """
    n = len(vectors)
    values = np.full((n, classes), np.nan, dtype=np.float32)
    learn = fitted & valid & (codes >= 0)
    used = np.where(learn, folds, -1).astype(np.int8)
    if not learn.any() or not classes:
        return {"rows_values": values, "rows_folds": used}
    inputs = design(vectors, learn)
    total = np.zeros((n, classes), dtype=np.float32)
    heads = np.zeros(n, dtype=np.int64)
    for fold in np.unique(folds[learn]):
        train = learn & (folds != fold)
        asked = valid & ((folds == fold) | (folds < 0))
        total[asked] += _fold_probabilities(inputs, codes, classes, train, asked)
        heads[asked] += 1
    # A unit whose only labelled rows are of another fold than any head has left out can't occur: each fold has a head.
    done = heads > 0
    values[done] = total[done] / heads[done, None]
    values[done] /= values[done].sum(1, keepdims=True)
    return {"rows_values": values, "rows_folds": used}


def design(vectors: np.ndarray, learn: np.ndarray) -> np.ndarray:
    """Inputs of the head: centred on the rows to learn from, brought to unit scale, with a column of ones."""
    centred = np.nan_to_num(vectors - vectors[learn].mean(0), nan=0.0)
    spread = float(np.sqrt(np.mean(np.sum(centred[learn] ** 2, axis=1))))
    centred *= np.float32(np.sqrt(centred.shape[1]) / max(spread, 1e-3))
    return np.concatenate([centred, np.ones((len(centred), 1), dtype=np.float32)], axis=1)


def _fold_probabilities(
    inputs: np.ndarray, codes: np.ndarray, classes: int, train: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """Probabilities of the rows `asked` by a head fitted on `train`; classes it has not seen get an uninformed 1/K."""
    seen = np.unique(codes[train])
    result = np.full((int(asked.sum()), classes), 1.0 / classes, dtype=np.float32)
    if not len(seen):
        return result
    if len(seen) == 1:
        known = np.ones((len(result), 1), dtype=np.float32)
    else:
        targets = (codes[train][:, None] == seen).astype(np.float32)
        weights = np.ones(len(targets), dtype=np.float32)
        known = softmax(inputs[asked] @ fit_softmax(inputs[train], targets, weights, RIDGE, iterations=30))
    result[:, seen] = known * (len(seen) / classes)
    return result


def cross_validated_sets(
    vectors: np.ndarray, valid: np.ndarray, sets: np.ndarray, known: np.ndarray, folds: np.ndarray
) -> Arrays:
    """Probability of each label of a multilabel task, by heads that did not see the row.

    Args:
        vectors: (n, d) float32 embedding.
        valid: (n,) bool, rows that have a vector.
        sets: (n, K) bool labels.
        known: (n,) bool, rows that heads may learn from.
        folds: (n,) int8, as in `cross_validated`.

    Returns:
        As `cross_validated`; each column is a probability of its own.
    """
    values = np.full(sets.shape, np.nan, dtype=np.float32)
    used = np.full(len(sets), -1, dtype=np.int8)
    for label in range(sets.shape[1]):
        codes = np.where(known, sets[:, label].astype(np.int64), -1)
        arrays = cross_validated(vectors, valid, codes, 2, known, folds)
        values[:, label], used = arrays["rows_values"][:, 1], arrays["rows_folds"]
    return {"rows_values": values, "rows_folds": used}


def given_probabilities(table: Table, labels: Labels) -> np.ndarray:
    """(n, K) float32 of the task's own column, in the order of the table; NaN in rows where it holds no probabilities.

    Raises:
        DataError: the vectors of the column don't have one number per class.
    """
    name = str(table.task.probabilities)
    values = columns.vectors(table, name, np.arange(len(table)), width=len(labels.names))
    total = values.sum(1)
    wrong = ~np.isfinite(values).all(1) | (values < -1e-6).any(1) | (values > 1 + 1e-3).any(1)
    if labels.sets is None:
        wrong |= ~(np.abs(total - 1) < 0.02)
    if len(values) and wrong.all() and np.isfinite(values).any():
        raise DataError(
            f"{table.source}: the column {name!r} holds no probabilities; expected {len(labels.names)} numbers from 0 to 1"
            f" per row{'' if labels.sets is not None else ', with the sum 1'}, one per class: {', '.join(labels.names)}"
        )
    values = np.clip(values, 0, 1)
    if labels.sets is None:
        values /= np.where(wrong, np.nan, total)[:, None]
    values[wrong] = np.nan
    return values.astype(np.float32)

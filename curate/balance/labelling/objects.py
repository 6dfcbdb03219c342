"""Teachers that are Python objects: estimators, torch modules, functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from curate.errors import ConfigError
from curate.evidence.folds import stratified_folds, units
from curate.evidence.order import canonical_order, fingerprint, labels_fingerprint
from curate.table import Labels

CHUNK = 256


def by_object(teacher: Any, labels: Labels, evidence: Any, out_of_fold: bool) -> tuple[np.ndarray, str]:
    """(n, K) probabilities of all rows, NaN where there are none, and where they come from.

    An estimator (`predict_proba`) and a torch module are asked about the embedding, a function about the rows.

    Raises:
        ConfigError: the object is none of these, or gives something else than K numbers per row.
    """
    k = len(labels.names)
    name = type(teacher).__name__ if not callable(getattr(teacher, "__name__", None)) else teacher.__name__
    if hasattr(teacher, "predict_proba"):
        if out_of_fold:
            return _out_of_fold(teacher, labels, evidence), f"{name} on the embedding, fitted out of fold"
        return _by_estimator(teacher, labels, evidence), f"{name} on the embedding, as it was fitted"
    if _is_module(teacher):
        return _on_embedding(evidence, lambda x: _by_module(teacher, x), k), f"{name} on the embedding"
    if callable(teacher):
        return _by_function(teacher, evidence, k), f"the function {getattr(teacher, '__name__', name)}"
    raise ConfigError(
        f"teacher_labels: a {name} is no teacher; give an estimator with predict_proba, a torch module, or a function"
    )


def _is_module(teacher: Any) -> bool:
    import sys

    torch = sys.modules.get("torch")  # a module can't be given where torch was never imported
    return torch is not None and isinstance(teacher, torch.nn.Module)


def _shaped(found: Any, rows: int, k: int) -> np.ndarray:
    values = np.asarray(found, dtype=np.float64)
    if values.shape != (rows, k):
        raise ConfigError(f"teacher_labels: the teacher gave an array {values.shape} for {rows} rows of {k} classes")
    return values


def _on_embedding(evidence: Any, ask: Any, k: int) -> np.ndarray:
    embedding = evidence.embedding()
    rows = np.flatnonzero(embedding.valid)
    result = np.full((len(embedding.valid), k), np.nan)
    if len(rows):
        result[rows] = _shaped(ask(embedding.vectors[rows]), len(rows), k)
    return result


def _by_module(module: Any, vectors: np.ndarray) -> np.ndarray:
    """Softmax of a module's logits."""
    import torch

    first = next(module.parameters(), torch.zeros(0))
    training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            parts = [
                module(torch.from_numpy(np.ascontiguousarray(vectors[i : i + 1024])).to(first.device, first.dtype))
                for i in range(0, len(vectors), 1024)
            ]
            return torch.cat(parts).float().softmax(-1).cpu().numpy()
    finally:
        module.train(training)


def _by_function(teacher: Any, evidence: Any, k: int) -> np.ndarray:
    from curate.media.content import input_columns

    table = evidence.table
    rows = np.flatnonzero(evidence.active)
    result = np.full((len(table), k), np.nan)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        result[part] = _shaped(teacher(table.rows(part, input_columns(table.task))), len(part), k)
    return result


def _columns(classes: Any, labels: Labels) -> np.ndarray:
    """Which class of the task each of an estimator's classes is. Raises ConfigError for one that is none."""
    place = {name: i for i, name in enumerate(labels.names)}
    found = [place.get(str(c), c if isinstance(c, (int, np.integer)) and 0 <= c < len(place) else -1) for c in classes]
    if -1 in found:
        odd = classes[found.index(-1)]
        raise ConfigError(f"teacher_labels: the estimator knows a class {odd!r}, which the task does not have")
    return np.array(found, dtype=np.int64)


def _by_estimator(teacher: Any, labels: Labels, evidence: Any) -> np.ndarray:
    columns = _columns(list(teacher.classes_), labels)

    def ask(vectors: np.ndarray) -> np.ndarray:
        values = np.zeros((len(vectors), len(labels.names)))
        values[:, columns] = teacher.predict_proba(vectors)
        return values

    return _on_embedding(evidence, ask, len(labels.names))


def _out_of_fold(teacher: Any, labels: Labels, evidence: Any) -> np.ndarray:
    """Clones of the estimator, each asked about the rows of a fold that it did not see; of others their mean."""
    from sklearn.base import clone

    embedding, k = evidence.embedding(), len(labels.names)
    learn = evidence.active & evidence.table.training & labels.known & embedding.valid

    def compute(order: np.ndarray) -> dict[str, np.ndarray]:
        vectors, codes = embedding.vectors[order], np.where(learn, labels.codes, -1)[order]
        groups = None if evidence.table.groups is None else evidence.table.groups[order]
        together = units(evidence.duplicate_groups()[order], groups)
        folds = stratified_folds(codes, together, evidence.settings.folds, evidence.seed)
        total, heads = np.zeros((len(order), k)), np.zeros(len(order))
        for fold in np.unique(folds[codes >= 0]):
            train = (codes >= 0) & (folds != fold)
            asked = embedding.valid[order] & ((folds == fold) | (codes < 0) & (folds < 0))
            if len(np.unique(codes[train])) < 2 or not asked.any():
                continue
            fitted: Any = clone(teacher)
            fitted.fit(vectors[train], codes[train])
            values = np.zeros((int(asked.sum()), k))
            values[:, fitted.classes_] = fitted.predict_proba(vectors[asked])
            total[asked] += values
            heads[asked] += 1
        values = np.where(heads[:, None] > 0, total / np.maximum(heads, 1)[:, None], np.nan)
        return {"rows_values": values.astype(np.float32)}

    order = canonical_order(evidence.table.row_ids)
    made_from = (repr(teacher), labels_fingerprint(labels, order), fingerprint(embedding.vectors[order]), learn[order])
    made_from = (*made_from, evidence.settings.folds, evidence.seed)
    return evidence.estimate("teacher", made_from, compute)["rows_values"].astype(np.float64)

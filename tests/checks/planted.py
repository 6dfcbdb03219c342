"""Small tables and a stand-in for the evidence whose estimates a test writes down itself."""

from dataclasses import replace
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import xxhash

from curate.evidence.neighbours import nearest_neighbours
from curate.evidence.order import canonical_order
from curate.evidence.pairs import find_pairs
from curate.evidence.settings import EvidenceSettings
from curate.evidence.values import Embedding, Neighbours, Noise, Probabilities
from curate.table import PROBLEMS, Table
from curate.task import Task


def make_table(columns: dict[str, Any], ids=None, problems=(), **roles: Any) -> Table:
    """A table of in-memory columns; the kind and the label names are given or follow from the labels."""
    arrow = pa.table({name: pa.array(values) for name, values in columns.items()})
    n = arrow.num_rows
    task = Task(**roles)
    if task.kind is None:
        task = task.model_copy(update={"kind": "classification" if task.label else "unlabeled"})
    if task.label and not task.label_names and task.kind == "classification":
        names = sorted({str(v) for v in columns[task.label] if v is not None})
        task = task.model_copy(update={"label_names": tuple(names)})
    inputs = [c for c in (task.text, task.image, task.audio, task.series, *task.feature_columns) if c]
    hashes = [xxhash.xxh3_128(repr(row).encode()).intdigest() for row in arrow.select(inputs).to_pylist()]
    content = np.array([[h >> 64, h & (2**64 - 1)] for h in hashes], dtype=np.uint64).reshape(n, 2)
    ids = [f"r{i:06d}" for i in range(n)] if ids is None else ids
    return Table(
        datasets.Dataset(arrow),
        task,
        np.array(ids, dtype=np.dtypes.StringDType()),
        content,
        problems=pa.table(list(zip(*problems, strict=True)), schema=PROBLEMS) if problems else PROBLEMS.empty_table(),
    )


class FakeEvidence:
    """Has the attributes and methods of `curate.evidence.Evidence`; what a test does not give is not there."""

    def __init__(
        self,
        table,
        *,
        active=None,
        measures=None,
        broken=None,
        vectors=None,
        probabilities=None,
        posterior=None,
        labels=None,
        seed=0,
    ):
        n = len(table)
        self.table, self.seed, self.notes, self.settings = table, seed, [], EvidenceSettings()
        self.broken = dict(broken or {})
        self.active = np.ones(n, dtype=bool) if active is None else np.asarray(active).copy()
        self.active[list(self.broken)] = False
        self.labels = labels or table.labels
        self._measures, self._vectors = dict(measures or {}), vectors
        self._probabilities, self._posterior = probabilities, posterior

    @property
    def order(self):
        """(n,) positions of the rows in the order of their ids."""
        return canonical_order(self.table.row_ids)

    def select(self, rows):
        """The same evidence of some rows in another order."""
        rows = np.asarray(rows)
        place = {int(r): i for i, r in enumerate(rows)}

        def moved(a):
            return None if a is None else np.asarray(a)[rows]

        labels = self.labels
        return FakeEvidence(
            self.table.select(rows),
            active=self.active[rows],
            measures={k: v[rows] for k, v in self._measures.items()},
            broken={place[r]: why for r, why in self.broken.items()},
            vectors=moved(self._vectors),
            probabilities=moved(self._probabilities),
            posterior=moved(self._posterior),
            labels=replace(labels, codes=labels.codes[rows], values=moved(labels.values), sets=moved(labels.sets)),
            seed=self.seed,
        )

    def measure(self, name):
        return self._measures[name]

    def duplicate_groups(self):
        _, inverse, counts = np.unique(self.table.content, axis=0, return_inverse=True, return_counts=True)
        inverse = inverse.reshape(-1)
        return np.where(counts[inverse] > 1, inverse, -1) if len(inverse) else inverse.astype(np.int64)

    def embedding(self):
        vectors = np.asarray(self._vectors, dtype=np.float32)
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return Embedding(vectors, "given", np.isfinite(vectors).all(1))

    def neighbours(self, k=10, training=False):
        order = np.argsort(self.table.row_ids, kind="stable")  # so that rounding does not hang on the order of rows
        found, active, n = self.embedding(), self.active[order], len(order)
        if training:
            active = active & self.table.training[order]
        vectors, valid = np.nan_to_num(found.vectors[order]), found.valid[order]
        similarity = vectors @ vectors.T
        similarity[:, ~(valid & active)] = -np.inf
        similarity[~valid] = -np.inf
        np.fill_diagonal(similarity, -np.inf)
        near = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(similarity, near, 1)
        indices, values = np.full((n, k), -1, dtype=np.int64), np.full((n, k), np.nan, dtype=np.float32)
        indices[order, : near.shape[1]] = np.where(np.isfinite(best), order[near], -1)
        values[order, : near.shape[1]] = np.where(np.isfinite(best), best, np.nan)
        return Neighbours(indices, values)

    def neighbours_among(self, name, rows, found, k):
        every = np.ones(len(rows), dtype=bool)
        return nearest_neighbours(np.asarray(self.embedding().vectors), found, every, k, rows)

    def near_pairs(self, by="content", least=None):
        return find_pairs(self, by, least)

    def probabilities(self):
        n, k = len(self.table), max(1, len(self.labels.names))
        values = self._probabilities
        values = np.full((n, k), np.nan, dtype=np.float32) if values is None else np.asarray(values, dtype=np.float32)
        return Probabilities(values, np.isfinite(values).all(1), np.zeros(n, dtype=np.int8), "given")

    def predictions(self):
        return np.full(len(self.table), np.nan)

    def noise(self):
        k = max(1, len(self.labels.names))
        posterior = self._posterior if self._posterior is not None else self.probabilities().values
        return Noise(np.eye(k) / k, np.asarray(posterior, dtype=np.float32), 0.0)

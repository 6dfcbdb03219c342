"""Evidence: the one object that checks, fixes and balance steps ask; every estimate is made once and kept."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from curate.evidence.cache import Cache
from curate.evidence.crowd import Crowd, crowd
from curate.evidence.dynamics import Dynamics, training_dynamics
from curate.evidence.embedder import Embedder
from curate.evidence.estimates import Arrays, Estimates
from curate.evidence.exact_search import Chosen
from curate.evidence.folds import small_classes, stratified_folds, units
from curate.evidence.footprint import Footprint, footprint
from curate.evidence.lists.kept import KeptLists
from curate.evidence.masks import Masks, measure_masks
from curate.evidence.measure import Measure
from curate.evidence.measurements import Measurements
from curate.evidence.neighbours import merged, named, nearest_neighbours
from curate.evidence.noise import estimate_noise, estimate_set_noise
from curate.evidence.order import canonical_order, duplicate_groups, labels_fingerprint, rows_fingerprint
from curate.evidence.pairs import By, Pairs
from curate.evidence.probabilities import (
    METHOD,
    cross_validated,
    cross_validated_sets,
    cross_validated_values,
    given_probabilities,
)
from curate.evidence.settings import EvidenceSettings
from curate.evidence.values import Embedding, Neighbours, Noise, Probabilities
from curate.evidence.vector_rows import finite_rows
from curate.table import Labels, Table

VERSIONS = {"neighbours": 5, "probabilities": 8, "predictions": 2, "noise": 5, "dynamics": 2}
"""Raise one when what it computes changes: it is part of the key of the cache."""


class Evidence:
    """All that is measured or learned about the rows of a table.

    Args:
        table: the rows.
        settings: encoder, folds, limits.
        cache: folder of the cache, None for no cache.
        seed: of folds and heads.
        active: (n,) bool, rows not dropped by earlier steps; all if left out. Estimates are fitted on active rows that
            can be read, and are given for all rows that can be read.
        labels: the labels as earlier steps left them; the table's own if left out.
        progress: called with (stage, done, total) while long work goes on.
    """

    def __init__(
        self,
        table: Table,
        settings: EvidenceSettings | None = None,
        *,
        cache: Path | None = None,
        seed: int = 0,
        active: np.ndarray | None = None,
        labels: Labels | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self.table = table
        self.settings = settings or EvidenceSettings()
        self.seed = seed
        self._progress, self._cache = progress, cache
        self.labels = table.labels if labels is None else labels
        self.notes: list[str] = []
        self.repeats: np.ndarray | None = None
        self._given: Probabilities | None = None
        self._kept = np.ones(len(table), dtype=bool) if active is None else np.array(active, dtype=bool)
        self._order = canonical_order(table.row_ids)
        self._rows = rows_fingerprint(table, self._order)
        self._measurements = Measurements(table, self.settings, cache, progress, self.note)
        self._estimates = Estimates(self._measurements.store, self._order, self.note)
        self._embedder = Embedder(
            table,
            self.settings,
            self._measurements,
            self._estimates,
            self._order,
            self._rows,
            self._kept,
            seed,
            self.note,
        )

    @property
    def store(self) -> Cache | None:
        """The cache; None where nothing is kept."""
        return self._measurements.store

    def note(self, sentence: str) -> None:
        """Add a sentence to the run's summary, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def following(self, active: np.ndarray, labels: Labels, repeats: np.ndarray | None = None) -> Evidence:
        """The evidence after decisions: same table, measures, embedding and cache, other active rows and labels.

        Args:
            active: (n,) bool, rows not dropped so far.
            labels: as relabelled so far.
            repeats: (n,) int64, extra draws decided so far.
        """
        other = copy.copy(self)
        if repeats is not None:
            other.repeats = repeats
        other._kept = np.array(active, dtype=bool)
        other.labels = labels
        return other

    def beside(self, table: Table) -> Evidence:
        """New evidence of another table by the same settings, cache and seed."""
        return Evidence(table, self.settings, cache=self._measurements.cache, seed=self.seed, progress=self._progress)

    def alike(self, table: Table) -> Evidence:
        """New evidence of another table with the same inputs, embedded by the same encoders."""
        other = self.beside(table)
        other._embedder.follow(self._embedder)
        return other

    def prepare(self, names: Sequence[str], embedding: bool = True) -> None:
        """Take these measures of all rows, and those that the encoder needs, in one decoding pass.

        Args:
            names: of measures or their fields.
            embedding: False where no step will ask for the embedding or what is made from it.
        """
        measures = self._measurements.named(names)
        self._measurements.take([*measures, *(self._embedder.measures() if embedding else ())])

    def measure(self, name: str) -> np.ndarray:
        """(n,) or (n, d) values of a measure by field, e.g. ``image.brightness``; NaN (or -1, "") for broken rows."""
        return self._measurements.value(name)

    def rows_of(self, name: str, rows: np.ndarray) -> np.ndarray:
        """(m, ...) values of some rows by their positions, left where other machines measured them (`PartedRows`)."""
        values = self._measurements.rows(name)
        return values[rows] if isinstance(values, np.ndarray) else cast(np.ndarray, values.chosen(rows))

    def forget(self, names: Sequence[str]) -> None:
        """Give back the memory of measures that have served; asked for again, they are taken again."""
        self._measurements.forget(names)

    @property
    def broken(self) -> Mapping[int, str]:
        """row -> why it can't be read: problems of the source and media that could not be decoded."""
        self._measurements.decode()
        return dict(sorted(self._measurements.broken.items()))

    @property
    def active(self) -> np.ndarray:
        """(n,) bool: rows not dropped so far and not unreadable."""
        mask = self._kept.copy()
        mask[list(self.broken)] = False
        return mask

    @property
    def order(self) -> np.ndarray:
        """(n,) int64 positions of the rows, sorted by the hash of their ids."""
        return self._order

    def embedding(self) -> Embedding:
        """One L2-normalised vector per row, by the encoder of the settings or the task's own column."""
        return self._embedder.embedding()

    def neighbours(self, k: int = 10, training: bool = False) -> Neighbours:
        """The k nearest other active rows of each row, by cosine similarity of the embedding.

        Rows that are not active are given neighbours too; ties are ordered by the hash of the row ids.

        Args:
            k: how many.
            training: only rows of no held-out split are found.
        """
        order, valid = self._order, self.embedding().valid[self._order]
        found = valid & self.active[order]
        learned = found & self.table.training[order]
        near = self._near("neighbours", learned, valid, k)
        if not training and (found & ~learned).any():
            # The search among training rows serves both: only held-out rows are searched beside it.
            near = merged(near, self._near("neighbours_held_out", found & ~learned, valid, k))
        return named(near, order)

    def neighbours_among(self, name: str, rows: np.ndarray, found: np.ndarray, k: int) -> Neighbours:
        """The k nearest others of some rows among some of them, by cosine similarity of the embedding.

        Args:
            name: what these rows are called in the next version of the set, too.
            rows: (m,) positions; of neighbours that are as near the first is taken.
            found: (m,) bool, which of them may be found.
            k: how many.

        Returns:
            (m, k) indices among the m rows.
        """
        every = np.ones(len(rows), dtype=bool)
        return nearest_neighbours(self.embedding().vectors, found, every, k, rows, self._keeper(f"neighbours, {name}"))

    def _near(self, what: str, found: np.ndarray, valid: np.ndarray, k: int) -> Neighbours:
        """The k nearest rows among those of a mask in canonical order; the indices are positions in that order."""
        width = -(-k // 10) * 10  # steps that ask for a few more or fewer share a search
        vectors, order = self.embedding().vectors, self._order

        def compute() -> Arrays:
            near = nearest_neighbours(vectors, found, valid, width, order, self._keeper(what))
            return {
                "rows_indices": near.indices, "rows_similarity": near.similarity, "recall": np.array([near.recall])
            }  # fmt: skip

        arrays = self._estimates.get(what, (VERSIONS["neighbours"], self._embedder.key(), found, width), compute)
        recall = float(arrays["recall"][0])
        if recall < 1:
            self.note(
                f"{what}: rows are compared within near cells; of the nearest rows of a sample {recall:.1%} found"
            )
        return Neighbours(arrays["rows_indices"][:, :k], arrays["rows_similarity"][:, :k], recall)

    def _keeper(self, what: str) -> KeptLists:
        """Of lists of the nearest in the embedding."""
        return KeptLists(what, self.store, self._embedder.title, self.table.source, self.note)

    def probabilities(self) -> Probabilities:
        """Out-of-sample predicted class probabilities by cross-validation, or the task's own column.

        For a multilabel task one probability per label, which do not sum to 1.
        """
        labels, order, own = self.labels, self._order, self.table.task.probabilities
        if own is not None:
            if self._given is None:
                self._given = given_probabilities(self.table, labels, self._unreadable)
            return self._given
        if not labels.names:  # regression, unlabeled
            empty = np.zeros((len(order), 0), dtype=np.float32)
            return Probabilities(empty, finite_rows(empty), np.full(len(order), -1, dtype=np.int8), "none: no classes")
        embedding = self.embedding()
        strata, folds = self._folds(embedding.valid)
        learn = strata >= 0

        def compute() -> Arrays:
            vectors = embedding.vectors
            keeper = self._keeper("voters")
            if labels.sets is not None:
                rows, sets = Chosen(vectors, order), labels.sets[order]
                return cross_validated_sets(rows, sets, learn, folds, self._fitting, keeper)
            return cross_validated(vectors, strata, len(labels.names), folds, self._fitting, order, keeper=keeper)

        made_from = (VERSIONS["probabilities"], self._embedder.key(), self._labels_key(), learn, folds)
        values = self._estimates.get("probabilities", made_from, compute, embedding.vectors.size)["rows_values"]
        few = small_classes(strata, self.settings.folds, labels.names) if labels.sets is None else None
        if few:
            self.note(few)
        used = np.empty(len(order), dtype=np.int8)
        used[order] = np.where(learn, folds, -1)
        return Probabilities(values, finite_rows(values), used, METHOD.format(folds=self.settings.folds))

    def predictions(self) -> np.ndarray:
        """(n,) float64 out-of-sample predictions of a regression target; NaN where there are none."""
        labels, order = self.labels, self._order
        embedding = self.embedding()
        if labels.values is None:
            return np.full(len(order), np.nan)
        strata, folds = self._folds(embedding.valid)
        targets = labels.values[order]

        def compute() -> Arrays:
            return {
                "rows_values": cross_validated_values(Chosen(embedding.vectors, order), targets, strata >= 0, folds)
            }

        made_from = (VERSIONS["predictions"], self._embedder.key(), self._labels_key(), strata >= 0, folds)
        return self._estimates.get("predictions", made_from, compute, embedding.vectors.size)["rows_values"]

    def crowd(self) -> Crowd:
        """Consensus, posterior and quality of the task's annotators. Raises ValueError for a task without any."""
        votes, order, probabilities = self.table.votes, self._order, self.probabilities()
        if votes is None:
            raise ValueError("the task has no annotators")
        learn = self.active & self.table.training
        found = crowd(votes[order], probabilities.values[order], learn[order])
        rows = np.argsort(order)
        return replace(
            found, consensus=found.consensus[rows], quality=found.quality[rows], posterior=found.posterior[rows]
        )

    def noise(self) -> Noise:
        """The estimated joint of given and true labels, and the posterior of each row's true class."""
        probabilities = self.probabilities()
        order = self._order
        fitted = (self.active & self.table.training)[order]

        def compute() -> Arrays:
            labels, values = self.labels, probabilities.values[order]
            if labels.sets is not None:
                noise = estimate_set_noise(values, labels.sets[order], labels.known[order], fitted)
            else:
                noise = estimate_noise(values, labels.codes[order], fitted)
            summary = np.array([noise.rate, noise.informed])
            return {"joint": noise.joint, "rows_posterior": noise.posterior, "summary": summary}

        made_from = (VERSIONS["noise"], probabilities.values[order], self._labels_key(), fitted)
        arrays = self._estimates.get("noise", made_from, compute, probabilities.values.size)
        rate, informed = arrays["summary"].tolist()
        return Noise(arrays["joint"], arrays["rows_posterior"], rate, bool(informed))

    def masks(self, measure: Measure) -> Masks:
        """Measures of the task's column of masks, in a pass of its own."""
        return measure_masks(self.table, measure, self.settings, self._cache, self._progress)

    def dynamics(self, held_out: bool = True) -> Dynamics:
        """How far a small head prefers each given class, on average over its epochs; out of sample or in sample."""
        labels, embedding, order = self.labels, self.embedding(), self._order
        strata, folds = self._folds(embedding.valid)

        def compute() -> Arrays:
            vectors, codes = embedding.vectors[order], labels.codes[order]
            found = training_dynamics(
                vectors, codes, strata >= 0, len(labels.names), folds, held_out, self.seed, self._fitting
            )
            return {"rows_margin": found.margin, "rows_best": found.best, "threshold": np.array([found.threshold])}

        made_from = (VERSIONS["dynamics"], self._embedder.key(), self._labels_key(), strata, folds, held_out, self.seed)
        arrays = self._estimates.get("dynamics", made_from, compute, embedding.vectors.size)
        return Dynamics(arrays["rows_margin"], arrays["rows_best"], float(arrays["threshold"][0]))

    def duplicate_groups(self) -> np.ndarray:
        """(n,) int64: rows with equal content share a number, -1 for rows that are alone or can't be read."""
        groups = duplicate_groups(self.table.content)
        groups[self._unreadable] = -1
        return groups

    def near_pairs(self, by: By = "content", least: float | None = None) -> Pairs:
        """Pairs of rows of other content that are alike, one row standing for each content (`pairs.content_nodes`).

        Args:
            by: content (fingerprints of the modality) or embedding.
            least: least similarity; somewhat below the method's own threshold if left out.
        """
        from curate.evidence.pairs import methods
        from curate.evidence.pairs.kept import kept_pairs

        embeds = any(method.embeds for method in methods(self.table.task, by))
        made_from = (self._rows, self._embedder.key() if embeds else "")
        return kept_pairs(self, self._estimates, self._order, made_from, by, least)

    def values_of(self, measure: Measure) -> dict[str, np.ndarray]:
        """Values of a measure that a step brings itself, by field; taken and kept like all others."""
        self._measurements.take([measure])
        return {field: self._measurements.value(field) for field in measure.fields}

    def estimate(self, what: str, made_from: tuple[object, ...], compute: Callable[[np.ndarray], Arrays]) -> Arrays:
        """What a step estimates of all rows itself, made once and kept like all else.

        Args:
            what: name of the estimate.
            made_from: all that it depends on beside which rows there are; arrays in canonical order.
            compute: (n,) int64 canonical order -> arrays; those named ``rows_*`` have one line per row in that order.
        """
        return self._estimates.get(what, (self._rows, *made_from), lambda: compute(self._order))

    def facts(self) -> dict[str, Any]:
        """What was computed, for the manifest: encoder, measures, seconds, cache hits and misses."""
        return {
            "encoder": self._embedder.title,
            "passes": list(self._measurements.facts),
            "estimates": {name: dict(facts) for name, facts in self._estimates.facts.items()},
        }

    def footprint(self) -> Footprint:
        """Bytes that were held of each row so far, for a forecast."""
        made = self._embedder
        return footprint(self.table, self._measurements.most_bytes, made.width, len(self.labels.names), made.learns)

    @property
    def passing(self) -> bool:
        """Whether rows could not be read this time that may be read another time (no memory, a file that vanished)."""
        parts = (part for one in self._measurements.facts for part in one.values() if isinstance(part, dict))
        return any(part.get("unread") for part in parts)

    @property
    def _unreadable(self) -> np.ndarray:
        mask = np.zeros(len(self.table), dtype=bool)
        mask[list(self.broken)] = True
        return mask

    def _labels_key(self) -> str:
        return labels_fingerprint(self.labels, self._order)

    def _fitting(self, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress("fitting", done, total)

    def _folds(self, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classes (-1 in rows that are not learned from) and folds of the rows, in canonical order."""
        labels, order = self.labels, self._order
        strata = labels.codes.copy()
        if labels.values is not None:
            strata = np.where(labels.known, 0, -1)
        elif labels.sets is not None:  # a row counts for the rarest of its labels, rows without any as one more class
            rarest = np.where(
                labels.sets, labels.counts(self.active & self.table.training)[None], np.iinfo(np.int64).max
            ).argmin(1)
            strata = np.where(labels.known, np.where(labels.sets.any(1), rarest, len(labels.names)), -1)
        strata[~(self.active & self.table.training & valid)] = -1
        groups = None if self.table.groups is None else self.table.groups[order]
        unit = units(self.duplicate_groups()[order], groups)
        return strata[order], stratified_folds(strata[order], unit, self.settings.folds, self.seed)

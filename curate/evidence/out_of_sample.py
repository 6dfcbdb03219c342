"""What heads say that did not see a row: probabilities, predictions, noise, dynamics; made once and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from curate.evidence.dynamics import Dynamics, training_dynamics
from curate.evidence.embedder import Embedder
from curate.evidence.estimates import Arrays, Estimates
from curate.evidence.exact_search import Chosen
from curate.evidence.folds import small_classes, stratified_folds, units
from curate.evidence.noise import estimate_noise, estimate_set_noise
from curate.evidence.order import labels_fingerprint
from curate.evidence.parts.left import ArrayWriter, made_elsewhere, rows_key
from curate.evidence.parts.lying import elsewhere, lies_in_parts
from curate.evidence.probabilities import METHOD, cross_validated, cross_validated_sets, cross_validated_values
from curate.evidence.values import Noise, Probabilities
from curate.evidence.vector_rows import Rows, finite_rows
from curate.evidence.votes import Keeper
from curate.table import Labels

VERSIONS = {"probabilities": 12, "predictions": 4, "noise": 7, "dynamics": 4}
"""Raise one when what it computes changes: it is part of the key of the cache."""


@dataclass(frozen=True)
class OutOfSample:
    """Heads on the embedding of a set.

    Attributes:
        labels: as earlier steps left them.
        embedder: of the rows; asked only where heads are fitted.
        order: (n,) int64 canonical order.
        learned: (n,) bool, rows that heads may learn from, if they have a label and a vector.
        groups: (n,) int64 rows that stay together, -1 for none; None where the task has none.
        duplicates: (n,) int64 the same of rows with equal content.
        folds: how many, and the seed that deals them.
        estimates: where what was estimated is kept.
        keeper: of lists of the nearest voters.
        note: takes a sentence for the run's summary.
        progress: called with (stage, done, total).
    """

    labels: Labels
    embedder: Embedder
    order: np.ndarray
    learned: np.ndarray
    groups: np.ndarray | None
    duplicates: np.ndarray
    folds: tuple[int, int]
    estimates: Estimates
    keeper: Keeper
    note: Callable[[str], None]
    progress: Callable[[str, int, int], None] | None

    def probabilities(self) -> Probabilities:
        """Class probabilities; for a multilabel task one per label, which do not sum to 1."""
        labels, order = self.labels, self.order
        if not labels.names:  # regression, unlabeled
            empty = np.zeros((len(order), 0), dtype=np.float32)
            return Probabilities(empty, finite_rows(empty), np.full(len(order), -1, dtype=np.int8), "none: no classes")
        vectors, (strata, folds) = self.embedder.embedding().vectors, self._dealt()
        learn = strata >= 0

        def compute(writer: ArrayWriter | None) -> dict[str, Any]:
            if labels.sets is not None:
                rows, sets = Chosen(vectors, order), labels.sets[order]
                if writer is None or not lies_in_parts(rows):
                    return cross_validated_sets(rows, sets, learn, folds, self._fitting, self.keeper)
                work = partial(cross_validated_sets, sets=sets, known=learn, folds=folds)
                return made_elsewhere(work, rows, writer)
            names, told = len(labels.names), self._fitting
            return cross_validated(vectors, strata, names, folds, told, order, keeper=self.keeper, writer=writer)

        made_from = (VERSIONS["probabilities"], self.embedder.key(), self._labels_key(), learn, folds)
        values = self.estimates.left("probabilities", made_from, compute, products=True)["rows_values"]
        few = small_classes(strata, self.folds[0], labels.names) if labels.sets is None else None
        if few:
            self.note(few)
        used = np.empty(len(order), dtype=np.int8)
        used[order] = np.where(learn, folds, -1)
        return Probabilities(values, finite_rows(values), used, METHOD.format(folds=self.folds[0]))

    def predictions(self) -> np.ndarray:
        """(n,) float64 predictions of a regression target; NaN where there are none."""
        labels, order = self.labels, self.order
        if labels.values is None:
            return np.full(len(order), np.nan)
        vectors, (strata, folds) = self.embedder.embedding().vectors, self._dealt()
        work = partial(cross_validated_values, values=labels.values[order], learn=strata >= 0, folds=folds)

        def compute() -> Arrays:
            return {"rows_values": elsewhere(work, Chosen(vectors, order))}

        made_from = (VERSIONS["predictions"], self.embedder.key(), self._labels_key(), strata >= 0, folds)
        return self.estimates.get("predictions", made_from, compute, products=True)["rows_values"]

    def noise(self, probabilities: Probabilities) -> Noise:
        """The joint of given and true labels that these probabilities show, and the posterior of each true class."""
        labels, order, values = self.labels, self.order, probabilities.values
        fitted = self.learned[order]
        if labels.sets is not None:
            estimate = partial(
                estimate_set_noise, sets=labels.sets[order], known=labels.known[order], fitted=fitted
            )  # fmt: skip
        else:
            estimate = partial(estimate_noise, codes=labels.codes[order], fitted=fitted)

        def compute(writer: ArrayWriter | None) -> dict[str, Any]:
            lies = lies_in_parts(values)
            rows = Chosen(values, order) if lies else values[order]
            return made_elsewhere(partial(_arrays_of_noise, estimate), rows, writer if lies else None)

        made_from = (VERSIONS["noise"], rows_key(values, order), self._labels_key(), fitted)
        arrays = self.estimates.left("noise", made_from, compute, products=True)
        rate, informed = arrays["summary"].tolist()
        return Noise(arrays["joint"], arrays["rows_posterior"], rate, bool(informed))

    def dynamics(self, held_out: bool, seed: int) -> Dynamics:
        """How far a small head prefers each given class, on average over its epochs; out of sample or in sample."""
        labels, order = self.labels, self.order
        vectors, (strata, folds) = self.embedder.embedding().vectors, self._dealt()

        given = labels.codes[order], strata >= 0, len(labels.names), folds, held_out, seed

        def compute() -> Arrays:
            if lies_in_parts(vectors):
                found = elsewhere(partial(_dynamics, given), Chosen(vectors, order))
            else:
                found = training_dynamics(vectors[order], *given, self._fitting)
            return {"rows_margin": found.margin, "rows_best": found.best, "threshold": np.array([found.threshold])}

        made_from = (VERSIONS["dynamics"], self.embedder.key(), self._labels_key(), strata, folds, held_out, seed)
        arrays = self.estimates.get("dynamics", made_from, compute, products=True)
        return Dynamics(arrays["rows_margin"], arrays["rows_best"], float(arrays["threshold"][0]))

    def _labels_key(self) -> str:
        return labels_fingerprint(self.labels, self.order)

    def _fitting(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress("fitting", done, total)

    def _dealt(self) -> tuple[np.ndarray, np.ndarray]:
        """Classes (-1 in rows that are not learned from) and folds of the rows, in canonical order."""
        labels, order = self.labels, self.order
        strata = labels.codes.copy()
        if labels.values is not None:
            strata = np.where(labels.known, 0, -1)
        elif labels.sets is not None:  # a row counts for the rarest of its labels, rows without any as one more class
            rarest = np.where(labels.sets, labels.counts(self.learned)[None], np.iinfo(np.int64).max).argmin(1)
            strata = np.where(labels.known, np.where(labels.sets.any(1), rarest, len(labels.names)), -1)
        strata[~(self.learned & self.embedder.embedding().valid)] = -1
        unit = units(self.duplicates[order], None if self.groups is None else self.groups[order])
        return strata[order], stratified_folds(strata[order], unit, *self.folds)


def _dynamics(given: tuple[Any, ...], rows: Rows) -> Dynamics:
    return training_dynamics(rows[:], *given)


def _arrays_of_noise(estimate: Callable[[np.ndarray], Noise], rows: Rows) -> Arrays:
    noise = estimate(rows[:])
    return {
        "joint": noise.joint, "rows_posterior": noise.posterior, "summary": np.array([noise.rate, noise.informed])
    }  # fmt: skip

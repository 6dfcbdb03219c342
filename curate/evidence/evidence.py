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
from curate.evidence.dynamics import Dynamics
from curate.evidence.embedder import Embedder
from curate.evidence.estimates import Arrays, Estimates
from curate.evidence.footprint import Footprint, footprint
from curate.evidence.lists.kept import KeptLists
from curate.evidence.masks import Masks, measure_masks
from curate.evidence.measure import Measure
from curate.evidence.measurements import Measurements
from curate.evidence.near_rows import NearRows
from curate.evidence.order import canonical_order, duplicate_groups, rows_fingerprint
from curate.evidence.out_of_sample import OutOfSample
from curate.evidence.pairs import By, Pairs
from curate.evidence.probabilities import given_probabilities
from curate.evidence.settings import EvidenceSettings
from curate.evidence.values import Embedding, Neighbours, Noise, Probabilities
from curate.table import Labels, Table


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
        self._duplicates: tuple[np.ndarray, np.ndarray] | None = None
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

    def rows_of(self, name: str, rows: np.ndarray | None = None) -> np.ndarray:
        """(m, ...) values of some rows by their positions, left where other machines measured them (`PartedRows`).

        Those of all rows, which are not copied, if left out.
        """
        values = self._measurements.rows(name)
        if rows is None or isinstance(values, np.ndarray):
            return cast(np.ndarray, values if rows is None else values[rows])
        return cast(np.ndarray, values.chosen(rows))

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
        return self._near().of_all(self.active, self.table.training, k, training)

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
        return self._near().among(name, rows, found, k)

    def probabilities(self) -> Probabilities:
        """Out-of-sample predicted class probabilities by cross-validation, or the task's own column.

        For a multilabel task one probability per label, which do not sum to 1.
        """
        if self.table.task.probabilities is None:
            return self._heads().probabilities()
        if self._given is None:
            self._given = given_probabilities(self.table, self.labels, self._unreadable)
        return self._given

    def predictions(self) -> np.ndarray:
        """(n,) float64 out-of-sample predictions of a regression target; NaN where there are none."""
        return self._heads().predictions()

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
        return self._heads().noise(self.probabilities())

    def masks(self, measure: Measure) -> Masks:
        """Measures of the task's column of masks, in a pass of its own."""
        return measure_masks(self.table, measure, self.settings, self._cache, self._progress)

    def dynamics(self, held_out: bool = True) -> Dynamics:
        """How far a small head prefers each given class, on average over its epochs; out of sample or in sample."""
        return self._heads().dynamics(held_out, self.seed)

    def duplicate_groups(self) -> np.ndarray:
        """(n,) int64: rows with equal content share a number, -1 for rows that are alone or can't be read."""
        unreadable = self._unreadable
        if self._duplicates is None or not np.array_equal(self._duplicates[0], unreadable):
            groups = duplicate_groups(self.table.content)
            groups[unreadable] = -1
            self._duplicates = unreadable, groups
        return self._duplicates[1].copy()

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

    def _keeper(self, what: str) -> KeptLists:
        """Of lists of the nearest in the embedding."""
        return KeptLists(what, self.store, self._embedder.title, self.table.source, self.note)

    def _near(self) -> NearRows:
        return NearRows(self._embedder, self._order, self._estimates, self._keeper, self.note)

    def _heads(self) -> OutOfSample:
        return OutOfSample(
            self.labels,
            self._embedder,
            self._order,
            self.active & self.table.training,
            self.table.groups,
            self.duplicate_groups(),
            (self.settings.folds, self.seed),
            self._estimates,
            self._keeper("voters"),
            self.note,
            self._progress,
        )

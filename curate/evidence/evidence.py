"""Evidence: the one object that checks, fixes and balance steps ask; every estimate is made once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
    ) -> None: ...

    table: Table
    settings: EvidenceSettings
    seed: int
    labels: Labels
    active: np.ndarray
    """(n,) bool: rows not dropped so far and not unreadable."""
    notes: list[str]
    """Sentences for the run's summary: which encoder was taken, classes with fewer rows than folds, ..."""

    def following(self, active: np.ndarray, labels: Labels) -> Evidence:
        """The evidence after decisions: same table, measures and cache, other active rows and labels."""
        raise NotImplementedError

    def prepare(self, names: Sequence[str]) -> None:
        """Take these measures of all rows in one decoding pass, from the cache where it has them."""
        raise NotImplementedError

    def measure(self, name: str) -> np.ndarray:
        """(n,) or (n, d) values of a per-row measure, e.g. ``image.brightness``; NaN (or -1, "") for unreadable rows."""
        raise NotImplementedError

    @property
    def broken(self) -> Mapping[int, str]:
        """row -> why it can't be read: problems of the source and media that could not be decoded."""
        raise NotImplementedError

    def embedding(self) -> Embedding:
        """One L2-normalised vector per row, by the encoder of the settings or the task's own column."""
        raise NotImplementedError

    def neighbours(self, k: int = 10) -> Neighbours:
        """The k nearest other active rows of each row, exact, by cosine similarity of the embedding."""
        raise NotImplementedError

    def probabilities(self) -> Probabilities:
        """Out-of-sample predicted class probabilities by cross-validation, or the task's own column."""
        raise NotImplementedError

    def noise(self) -> Noise:
        """The estimated joint of given and true labels, and the posterior of each row's true class."""
        raise NotImplementedError

    def duplicate_groups(self) -> np.ndarray:
        """(n,) int64: rows with equal content share a number, -1 for rows that are alone."""
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """What was computed, for the manifest: encoder, measures, seconds, cache hits and misses."""
        raise NotImplementedError

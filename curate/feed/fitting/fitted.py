"""The result of a fit: the model, its history, and what it says of held-out rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from curate.errors import ConfigError, nearest
from curate.feed.fitting.history import Epoch
from curate.feed.fitting.predictions import Predictions
from curate.feed.fitting.source import Source, itself
from curate.feed.fitting.training import Training
from curate.metrics import Metrics, evaluate
from curate.metrics.given import KINDS
from curate.storage import write_text
from curate.wording import counted


@dataclass(frozen=True)
class Fitted:
    """What `curate.fit` gives.

    Attributes:
        model: with the parameters of the best epoch where there are held-out rows (and `restore_best`), else the last.
        history: a record per epoch.
        best: which epoch that was, None where it is the last.
        metrics: of the held-out rows by this model; None where there are none.
        steps: optimiser steps that were made.
        reason: why it ended.
        skipped: row id -> reason, of the rows that could not be read.
    """

    model: torch.nn.Module
    history: tuple[Epoch, ...]
    best: int | None
    metrics: Metrics | None
    steps: int
    reason: str
    skipped: Mapping[str, str]
    _training: Training
    _source: Source

    def __repr__(self) -> str:
        """One line: epochs, steps, why it ended, the metrics of the held-out rows."""
        scores = "" if self.metrics is None else f", metrics={self.metrics!r:.200}"
        return f"Fitted(epochs={len(self.history)}, steps={self.steps}, {self.reason}{scores})"

    def predict(self, batches: str | Iterable[dict[str, Any]] = "test") -> Predictions:
        """Predictions for a split of the curated result, every row once and in order, or for the batches of a loader.

        Raises:
            ConfigError: there is no such split.
        """
        return self._training.predict(self._source.held_out(self._training.device, batches))

    def evaluate(
        self, batches: str | Iterable[dict[str, Any]] = "test", *, slices: Sequence[str] | Mapping[str, Any] = (),
        **options: Any,
    ) -> Metrics:  # fmt: skip
        """Metrics of a split or of a loader's rows, with intervals.

        Args:
            batches: as for `predict`.
            slices: names of columns of the result's table whose values are measured alone; or column -> values in the
                order of the predictions.
            options: of `curate.metrics.evaluate`.

        Raises:
            ConfigError: there is no such split or column, or no metrics for the kind of task.
        """
        return self._measured(self.predict(batches), slices, options)

    def _measured(self, found: Predictions, slices: Any, options: Mapping[str, Any]) -> Metrics:
        if not isinstance(slices, Mapping):
            slices = {name: self._column(name, found.row_ids) for name in slices}
        own: dict[str, Any] = {"names": self._training.names, "slices": slices}
        return evaluate(found.labels, found.outputs, self._training.kind or "unlabeled", **own | dict(options))

    def _column(self, name: str, row_ids: np.ndarray) -> list[Any]:
        """The values of a column for these rows, as the curated table has them."""
        if not self._source.curated:
            raise ConfigError("slices by name need a curated result; with a loader pass {name: values of the rows}")
        table = self._source.data.table
        known = table.dataset.column_names
        if name not in known:
            raise ConfigError(f"there is no column {name!r}{nearest(name, known)}; there is {', '.join(known)}")
        column = table.column(name)
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            raise ConfigError(f"the column {name!r} holds {column.type}: slices are by numbers or texts")
        place = {str(row_id): row for row, row_id in enumerate(table.row_ids)}
        return column.take(pa.array([place[str(row_id)] for row_id in row_ids])).to_pylist()

    def write_html(self, path: str | Path, **splits: Metrics) -> None:
        """Write a page with the history and pictures of the metrics; it loads nothing and runs nothing.

        Args:
            path: of the file.
            splits: more metrics to show, by the name of their rows: ``test=fitted.evaluate("test")``.

        Raises:
            StorageError: the file can't be written.
        """
        from curate.report.plots_page import metrics_page

        held_out = [one.validation.get("loss", math.nan) for one in self.history]
        curves = {"Loss by epoch": {"training": [one.loss for one in self.history], "held out": held_out}}
        monitor = self._training.settings.monitor
        if monitor != "loss":
            curves[f"{monitor} by epoch"] = {"held out": [one.validation[monitor] for one in self.history]}
        measured = {} if self.metrics is None else {"held out": self.metrics}
        kept = "" if self.best is None else f"; epoch {self.best + 1} was the best by {monitor} and is kept"
        lead = f"{counted(len(self.history), 'epoch')}, {counted(self.steps, 'step')}{kept}"
        text = metrics_page(measured | splits, f"{type(self.model).__name__}: {self.reason}", lead, curves)
        write_text(Path(path), text)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: history, metrics, and how it ended."""
        return {
            "history": [one.to_dict() for one in self.history],
            "best": self.best,
            "metrics": None if self.metrics is None else self.metrics.to_dict(),
            "steps": self.steps,
            "reason": self.reason,
            "skipped": dict(self.skipped),
        }


def finish(training: Training, source: Source) -> Fitted:
    """Put the best parameters back, and measure the held-out rows."""
    from curate.feed.fitting.checkpoints import put_back
    from curate.feed.fitting.history import best_of

    settings = training.settings
    best = best_of(training.history, settings.monitor, settings.min_delta) if settings.restore_best else None
    if training.best is not None:
        put_back(training.core, training.best, "the best epoch")
    elif training.average is not None:
        training.core.load_state_dict(training.average.module.state_dict())
    training.average = None
    training.core.eval()
    loader = training.held_out()
    metrics = None
    made = Fitted(
        model=training.core,
        history=tuple(training.history),
        best=None if best is None else training.history[best].epoch,
        metrics=None,
        steps=training.step,
        reason=training.reason,
        skipped=dict(getattr(itself(training.loader), "skipped", {})),
        _training=training,
        _source=source,
    )
    if loader is not None and training.kind in KINDS:
        found = training.predict(loader)
        if len(found.row_ids):
            metrics = made._measured(found, (), settings.evaluation)
    return Fitted(**{**made.__dict__, "metrics": metrics})

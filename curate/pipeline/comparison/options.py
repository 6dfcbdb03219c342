"""What a comparison is asked for, and what its defaults come to for a task."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from curate.errors import ConfigError, nearest
from curate.table import Labels
from curate.wording import with_article

METRICS: Mapping[str, tuple[str, ...]] = {
    "classification": ("accuracy", "f1_macro", "balanced_accuracy"),
    "multilabel": ("mean_average_precision", "f1_macro", "f1_micro"),
    "regression": ("rmse", "mae", "r2"),
}
"""Kind of task -> the metrics that arms can be compared by."""
LOWER_IS_BETTER = ("rmse", "mae")
UNEVEN = 3.0
"""From this ratio of the largest to the smallest class of the test rows on, macro F1 is the default metric."""
HEAD = "head"
FEED = "feed.sampler"
"""What the sampler of the `feed` part is called among the steps."""
LEAST_STEPS, MOST_STEPS = 300, 2000
HEAD_EPOCHS, HEAD_BATCH = 20, 128
MODEL_EPOCHS = 3
SET_HERE = (
    "model", "data", "validation", "epochs", "max_steps", "batch_size", "seed", "folder", "save_every", "keep",
    "resume", "monitor", "patience", "min_delta", "restore_best", "evaluation",
)  # fmt: skip
"""Settings of `curate.fit` that the arms of a comparison must share, or that need rows to look at while training."""
_BUDGET = re.compile(r"\s*(\d+)\s*(epochs?|steps?)\s*")


@dataclass(frozen=True)
class Options:
    """What is asked for.

    Attributes:
        test: the test rows: a `Table`, anything that `curate.load` takes, or the name of a split; the split ``test``
            if None.
        model: ``head`` (a linear head on the embedding), the name or folder of a transformers model, or (in Python) a
            callable that makes a torch module.
        seeds: how often each arm is trained.
        steps: which steps are left out, one at a time; all if None.
        alone: train with each step alone as well.
        metric: what is compared; by the task if None.
        budget: ``20 epochs`` of the raw rows or ``500 steps`` of the optimiser; every arm makes the same number.
        batch_size: rows per step; 128 for the head, that of the feed for other models.
        resamples: bootstrap samples of the test rows.
        fit_options: settings of `curate.fit` for a model that is not the head.
    """

    test: Any = None
    model: str | Callable[..., Any] = HEAD
    seeds: int = 5
    steps: tuple[str, ...] | None = None
    alone: bool = False
    metric: str | None = None
    budget: str | None = None
    batch_size: int | None = None
    resamples: int = 1000
    fit_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what can't be. Raises ConfigError."""
        for name, least, most in (("seeds", 1, 100), ("resamples", 100, 100_000)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise ConfigError(f"{name} must be a whole number from {least} to {most:,}, not {value!r}")
        size = self.batch_size
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
            raise ConfigError(f"batch_size must be a whole number from 1, not {size!r}")
        if self.budget is not None:
            _parsed(self.budget)
        if not callable(self.model) and (not isinstance(self.model, str) or not self.model):
            raise ConfigError(
                f"model must be {HEAD!r}, the name or folder of a transformers model, or in Python a callable that"
                f" makes a torch module; not {self.model!r}"
            )

        self._check_fit_options()

    def _check_fit_options(self) -> None:
        """Refuse settings of `curate.fit` that would do nothing, or that the comparison sets itself."""
        if not self.fit_options:
            return
        if self.is_head:
            raise ConfigError("fit_options are for a model that curate.fit trains; the head has no such settings")
        from curate.feed import fit

        known = [name for name in inspect.signature(fit).parameters if name not in SET_HERE]
        for name in self.fit_options:
            if name in SET_HERE:
                raise ConfigError(f"fit_options: {name} is the same for every arm, and set by the comparison")
            if name not in known:
                raise ConfigError(f"fit_options: fit has no setting {name!r}{nearest(str(name), known)}")

    @property
    def is_head(self) -> bool:
        """Whether the model is the linear head on the embedding."""
        return isinstance(self.model, str) and self.model == HEAD

    def wanted(self, names: Sequence[str]) -> tuple[str, ...]:
        """The steps to leave out, in the order of the pipeline. Raises ConfigError for one that it does not have."""
        if self.steps is None:
            return tuple(names)
        for name in self.steps:
            if name not in names:
                known = ", ".join(names) or "none"
                raise ConfigError(f"the pipeline has no step {name!r}{nearest(name, names)}; it has {known}")
        return tuple(name for name in names if name in self.steps)

    def known_metrics(self, kind: str | None) -> tuple[str, ...]:
        """The metrics of a kind of task. Raises ConfigError for one that no model is trained for."""
        if kind is None or kind not in METRICS:
            raise ConfigError(
                "compare trains models for classification, multilabel and regression; this task is"
                f" {kind or 'unlabeled'}"
            )
        return METRICS[kind]

    def chosen_metric(self, kind: str | None, labels: Labels, rows: np.ndarray) -> str:
        """The metric for a task, by its test rows. Raises ConfigError where there is none."""
        known = self.known_metrics(kind)
        if self.metric is not None:
            if self.metric not in known:
                raise ConfigError(
                    f"unknown metric {self.metric!r} for {with_article(str(kind))} task"
                    f"{nearest(self.metric, known)}; known: {', '.join(known)}"
                )
            return self.metric
        if kind == "classification":
            counts = labels.counts(rows)
            counts = counts[counts > 0]
            return "f1_macro" if len(counts) and counts.max() >= UNEVEN * counts.min() else "accuracy"
        return known[0]

    def training_steps(self, rows: int, batch_size: int) -> int:
        """Optimiser steps of every arm, for a number of raw training rows."""
        if self.budget is None:
            epochs = HEAD_EPOCHS if self.is_head else MODEL_EPOCHS
            steps = -(-epochs * rows // batch_size)
            return int(np.clip(steps, LEAST_STEPS, MOST_STEPS)) if self.is_head else max(1, steps)
        count, unit = _parsed(self.budget)
        return count if unit == "steps" else max(1, -(-count * rows // batch_size))


def _parsed(budget: str) -> tuple[int, str]:
    match = _BUDGET.fullmatch(str(budget))
    if match is None or not int(match[1]):
        raise ConfigError(
            f"the budget must be a number of epochs of the raw rows or of steps, such as '20 epochs' or '500 steps';"
            f" not {budget!r}"
        )
    return int(match[1]), match[2].rstrip("s") + "s"

"""Metrics: everything that was measured of some predictions, as one frozen value."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from curate.errors import ConfigError, DataError, nearest
from curate.wording import counted, some_of

if TYPE_CHECKING:
    from rich.console import Console

Interval = tuple[float, float]
_FIGURES = 3
"""Metrics that stand in the line for a console."""
_LOWER = ("nll", "brier", "ece", "ece_adaptive", "hamming_loss", "ranking_loss", "coverage_error", "loss")
_LOWER_STARTS = ("mae", "rmse", "median_ae", "absolute_error_", "pinball_", "max_error")


def lower_is_better(name: str) -> bool:
    """Whether a metric of that name is an error or a loss."""
    return name in _LOWER or name.startswith(_LOWER_STARTS)


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class, or of one label of a multilabel task; NaN where there is nothing to measure.

    Attributes:
        name: of the class.
        rows: rows whose label it is.
        predicted: rows for which it is predicted.
        values: precision, recall, f1, and with probabilities roc_auc, average_precision.
        intervals: of those that have one.
    """

    name: str
    rows: int
    predicted: int
    values: Mapping[str, float]
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Slice:
    """Metrics of the rows that share a value of a column.

    Attributes:
        column: of the rows.
        value: that they share, or the range of a number, as text.
        rows: how many have it, those without a label left out.
        values: the metrics that need no ranking of the rows.
        intervals: of the same.
    """

    column: str
    value: str
    rows: int
    values: Mapping[str, float]
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """A curve of one class against the rest, thinned.

    Attributes:
        name: the class, or ``macro average``.
        x: false positive rate, or recall.
        y: true positive rate, or precision.
        area: area under the ROC curve, or average precision, of all points.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    area: float


@dataclass(frozen=True)
class Bin:
    """Rows of about the same confidence: what the model promised and what came true, both in [0, 1]."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Metrics:
    """What was measured of some predictions. What can't be measured is NaN, and a note says why.

    Attributes:
        kind: classification, multilabel or regression.
        rows: rows that were measured.
        left_out: rows without a label, or with weight 0, which were not.
        values: metric -> value over all rows.
        intervals: metric -> bounds of its confidence interval (`level`).
        classes: of every class in order; none for regression.
        confusion: for classification, rows of each class (outer) by the class predicted for them (inner).
        roc: ROC curves.
        precision_recall: precision against recall.
        reliability: bins of equal width by the confidence; for multilabel tasks of all labels' probabilities together.
        slices: by column and value, smallest first.
        level: of the intervals.
        notes: sentences that the reader of the figures should know.
    """

    kind: str
    rows: int
    left_out: int
    values: Mapping[str, float]
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    classes: tuple[ClassMetrics, ...] = ()
    confusion: tuple[tuple[float, ...], ...] = ()
    roc: tuple[Curve, ...] = ()
    precision_recall: tuple[Curve, ...] = ()
    reliability: tuple[Bin, ...] = ()
    slices: tuple[Slice, ...] = ()
    level: float = 0.95
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """The first figures over all rows in a line; curves, classes and slices would fill pages."""
        told = some_of(self.values, _FIGURES, lambda name: f"{name} {self.values[name]:.4g}")
        return f"<Metrics of {counted(self.rows, 'row')}: {told or 'nothing to measure'}; print() shows all>"

    def __getitem__(self, name: str) -> float:
        """A metric by its name; ``recall[cat]`` is that of a class. Raises ConfigError if there is none."""
        if name in self.values:
            return self.values[name]
        metric, _, of = name.partition("[")
        for one in self.classes:
            if of == f"{one.name}]" and metric in one.values:
                return one.values[metric]
        known = [*self.values, *(f"{m}[{one.name}]" for one in self.classes for m in one.values)]
        raise ConfigError(f"no metric {name!r}{nearest(name, known)}; there is {', '.join(self.values)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` takes; NaN is None."""
        return _plain(asdict(self))

    def to_json(self) -> str:
        """As JSON; NaN is null."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Metrics:
        """The metrics of `to_dict`. Raises DataError where they are something else."""
        parts = {"classes": ClassMetrics, "roc": Curve, "precision_recall": Curve, "reliability": Bin, "slices": Slice}
        try:
            found = {one.name: given[one.name] for one in fields(cls) if one.name in given}
            for name, part in parts.items():
                found[name] = tuple(_read(part, one) for one in given.get(name, ()))
            confusion = tuple(tuple(float(v) for v in line) for line in given.get("confusion", ()))
            return _read(cls, found | {"confusion": confusion, "notes": tuple(given.get("notes", ()))})
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise DataError(f"these are no metrics ({type(error).__name__}: {error})") from error

    def print(self, console: Console | None = None) -> None:
        """Print tables of the metrics, classes and slices."""
        from curate.metrics.shown import show

        show(self, console)


def _read(part: type[Any], given: Mapping[str, Any]) -> Any:
    made = dict(given)
    if "values" in made:
        made["values"] = {name: _number(value) for name, value in made["values"].items()}
    if "intervals" in made:
        made["intervals"] = {name: (_number(low), _number(high)) for name, (low, high) in made["intervals"].items()}
    for name in ("x", "y"):
        if name in made:
            made[name] = tuple(float(value) for value in made[name])
    for name in ("area", "confidence", "accuracy"):
        if name in made:
            made[name] = _number(made[name])
    return part(**made)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

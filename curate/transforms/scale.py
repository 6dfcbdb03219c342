"""The step that brings numbers, vectors and series to a common scale."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from curate.errors import DataError
from curate.sources.columns.column_types import is_number
from curate.step import Transform
from curate.transforms import _columns as columns
from curate.transforms.series.flat import flat_series, series_of
from curate.transforms.series.scaling import scaled_apart

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task

LEARNED = {
    "standard": ("mean_", "scale_", "var_"),
    "min_max": ("min_", "scale_", "data_min_", "data_max_", "data_range_"),
    "robust": ("center_", "scale_"),
    "quantile": ("quantiles_", "references_", "n_quantiles_"),
}
"""Method -> the attributes of scikit-learn's scaler that hold what it learned."""


class Scale(Transform):
    """Scales numbers, vectors and series of all splits: each column, place of a vector or channel by its training rows.

    Series can be scaled by their own numbers instead (`series`), which takes level and size away from each. Missing
    values stay missing, infinite ones infinite, and nothing is learned from either. A constant column becomes 0.
    Columns become float32. Categories are left alone. Cost: about 1 s per million rows and column, 0.2 s per
    million numbers of series.
    Source: scikit-learn's `StandardScaler`, `MinMaxScaler`, `RobustScaler`, `QuantileTransformer`.
    """

    modalities = ("features", "series")

    columns: tuple[str, ...] = Field(
        (), description="columns to scale; the task's numbers, vectors and series if left out"
    )
    method: Literal["standard", "min_max", "robust", "quantile"] = Field(
        "standard",
        description="standard (mean 0, standard deviation 1), min_max (0 to 1), robust (median 0, distance of the"
        " quartiles 1) or quantile (by rank)",
    )
    methods: dict[str, Literal["standard", "min_max", "robust", "quantile"]] = Field(
        {}, description="another method for some columns: {column: method}"
    )
    quantiles: int = Field(1000, ge=2, le=100_000, description="points of the curve that quantile learns")
    distribution: Literal["uniform", "normal"] = Field("uniform", description="what quantile makes of the values")
    series: Literal["channel", "each_channel", "each"] = Field(
        "channel",
        description="what a series is scaled by: the numbers of its channel in all training rows (channel), its own in"
        " each channel apart (each_channel), or its own in all channels together (each)",
    )
    clip: bool = Field(False, description="keep min_max of values beyond those of the training rows within 0 and 1")

    def refuses(self, task: Task) -> str | None:
        """Only the columns decide, where they are named."""
        return None if self.columns or self.methods else super().refuses(task)

    def fit(self, table: Table) -> dict[str, Any]:
        """column -> what its scaler learned; null where the training rows hold no number of it.

        A series has a list of these, one for each channel; none where each series is scaled by itself.
        """
        rows = columns.learnable(table)
        learned: dict[str, Any] = {}
        for name in self._names(table):
            if name != table.task.series:
                learned[name] = self._learned(name, self._values(table, name)[0][rows])
            elif self.series == "channel":
                series = flat_series(table.column(name), name)
                known, channel = series.per_value(rows[series.row]), series.per_value(series.channel)
                count = int(channel[known].max(initial=-1)) + 1
                learned[name] = [
                    self._learned(name, series.values[known & (channel == one), None]) for one in range(count)
                ]
        return learned

    def _learned(self, name: str, values: np.ndarray) -> dict[str, Any] | None:
        """What the scaler of (m, width) values learned, None where there is no number."""
        values = np.where(np.isfinite(values), values, np.nan)
        if not values.size or np.isnan(values).all():
            return None
        method = self.methods.get(name, self.method)
        scaler = self._scaler(method, len(values)).fit(values)
        kept = {key: getattr(scaler, key) for key in LEARNED[method]}
        plain = {key: v.tolist() if isinstance(v, np.ndarray) else v for key, v in kept.items()}
        return {"width": values.shape[1], **plain}

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with scaled columns.

        Raises:
            DataError: a column is not there, holds no numbers, has values but none in the training rows, or its
                vectors are of another length than those that were learned from.
        """
        fitted = self.fit(table) if fitted is None else fitted
        scaled: dict[str, pa.Array] = {}
        for name in self._names(table):
            if name == table.task.series:
                scaled[name] = self._series(table, name, fitted.get(name))
                continue
            values, present = self._values(table, name)
            there = np.isfinite(values)
            learned = fitted.get(name)
            if not there.any():
                continue
            if learned is None:
                raise _nothing_learned(name)
            if learned["width"] != values.shape[1]:
                raise DataError(
                    f"scale: vectors of column {name!r} have {values.shape[1]} numbers, those that were learned from"
                    f" had {learned['width']}"
                )
            values = np.where(there, self._scaled(name, values, there, learned), values).astype(np.float32)
            one = present is None
            scaled[name] = _numbers(values[:, 0]) if one else columns.vector_column(values, present)
        if not scaled:
            said = "scale: no column of numbers is there; nothing is scaled"
            return table if said in table.notes else replace(table, notes=(*table.notes, said))
        return columns.replaced(table, scaled)

    def _series(self, table: Table, name: str, learned: list[dict[str, Any] | None] | None) -> pa.Array:
        """The column of series, scaled by what was learned of the channels or by their own numbers."""
        series = flat_series(table.column(name), name)
        if self.series != "channel":
            own = np.arange(len(series.row)) if self.series == "each_channel" else series.row
            parts = max(len(own), len(series.present))
            method = self.methods.get(name, self.method)
            values = scaled_apart(series.values, series.per_value(own), parts, method, self.distribution)
            return series_of(values, series.lengths, series)
        values, channel = series.values.copy(), series.per_value(series.channel)
        there = np.isfinite(values)
        for one in range(int(channel[there].max(initial=-1)) + 1):
            mine = np.flatnonzero(there & (channel == one))
            known = learned[one] if learned is not None and one < len(learned) else None
            if len(mine) and known is None:
                raise _nothing_learned(f"{name} (channel {one})")
            if len(mine) and known is not None:
                values[mine] = self._scaled(name, values[mine, None], np.ones((len(mine), 1), bool), known)[:, 0]
        return series_of(values, series.lengths, series)

    def _scaled(self, name: str, values: np.ndarray, there: np.ndarray, learned: dict[str, Any]) -> np.ndarray:
        method = self.methods.get(name, self.method)
        scaler = self._scaler(method, learned.get("n_quantiles_", 1))
        for key in LEARNED[method]:
            setattr(scaler, key, np.asarray(learned[key]) if isinstance(learned[key], list) else learned[key])
        scaler.n_features_in_ = learned["width"]
        return np.asarray(scaler.transform(np.where(there, values, np.nan)))

    def _scaler(self, method: str, rows: int) -> Any:
        from sklearn import preprocessing

        if method == "standard":
            return preprocessing.StandardScaler()
        if method == "min_max":
            return preprocessing.MinMaxScaler(clip=self.clip)
        if method == "robust":
            return preprocessing.RobustScaler()
        # It would learn from a random sample of more rows than `subsample`.
        return preprocessing.QuantileTransformer(
            n_quantiles=max(1, min(self.quantiles, rows)), output_distribution=self.distribution, subsample=10**9
        )

    def _names(self, table: Table) -> tuple[str, ...]:
        """The columns to scale. Raises DataError for one that is named and holds no numbers."""
        named = tuple(dict.fromkeys((*self.columns, *self.methods)))
        if self.columns or (self.methods and not (table.task.feature_columns or table.task.series)):
            names = named
        else:
            own = (*table.task.feature_columns, *((table.task.series,) if table.task.series else ()))
            names = tuple(dict.fromkeys((*own, *self.methods)))
        kept = []
        for name in columns.checked(table, names, self.name):
            kind = table.column(name).type
            if is_number(kind) or columns.is_vector(kind) or name == table.task.series:
                kept.append(name)
            elif name in named:
                raise DataError(f"scale: column {name!r} holds {kind}; it can scale numbers and vectors")
        return tuple(kept)

    def _values(self, table: Table, name: str) -> tuple[np.ndarray, np.ndarray | None]:
        """(n, width) float64, and for vectors the (n,) bool rows that have one."""
        if columns.is_vector(table.column(name).type):
            return columns.vectors(table, name)
        return columns.numbers(table, name)[:, None], None


def _nothing_learned(name: str) -> DataError:
    return DataError(f"scale: the training rows hold no number in column {name!r}; leave the column out")


def _numbers(values: np.ndarray) -> pa.Array:
    """A column of float32, null where missing."""
    return pa.array(values, mask=np.isnan(values))

"""The step that fills missing values of a table's columns and of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from curate.errors import DataError
from curate.sources.columns.column_types import is_number
from curate.stand_ins import ANYWHERE
from curate.step import Transform
from curate.transforms import _columns as columns
from curate.transforms import _iterative as iterative
from curate.transforms._columns import noted
from curate.transforms._gaps import gaps_of, with_indicators
from curate.transforms._nearest import nearest_means, reference
from curate.wording import counted

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task


class Impute(Transform):
    """Fills missing values, in rows of all splits, with what training rows say.

    Missing are nulls, NaN among numbers, and `placeholders` among categories, which missing_values counts as missing,
    too; infinite values are not, but nothing is learned from them. A whole number filled with a fraction makes its
    column float. Dates and the like are left alone. A row that could not be read stays empty. Cost: about 1 s per
    million rows and column; knn rows x reference rows; iterative rows x columns squared x rounds.
    Source: scikit-learn's `SimpleImputer`; `knn` after Troyanskaya et al. 2001, "Missing value estimation methods for
    DNA microarrays", on standardised columns, equal to `KNNImputer`; `iterative` after van Buuren and
    Groothuis-Oudshoorn 2011, "mice: Multivariate Imputation by Chained Equations in R", by `IterativeImputer`.
    """

    modalities = ("features",)

    columns: tuple[str, ...] = Field((), description="columns to fill; the task's features if left out")
    numbers: Literal["median", "mean", "mode", "constant", "knn", "iterative"] = Field(
        "median",
        description="what fills numbers: median, mean or mode (the smallest of equally frequent ones) of the column, a"
        " constant, the mean of the nearest rows (knn), or a regression on the other columns (iterative)",
    )
    categories: Literal["mode", "constant"] = Field(
        "mode", description="what fills categories: the most frequent one (the first by name of equals), or a constant"
    )
    number_fill: float = Field(0.0, allow_inf_nan=False, description="the constant for numbers, in the column's unit")
    category_fill: str = Field("missing", description="the constant for categories")
    neighbours: int = Field(5, ge=1, le=1000, description="rows whose mean fills a number with knn")
    reference_rows: int = Field(
        10_000,
        ge=1,
        description="most training rows that knn looks for neighbours among, and iterative learns from; which, the"
        " content decides",
    )
    rounds: int = Field(10, ge=1, le=100, description="most rounds of iterative over all columns")
    indicators: bool = Field(
        False,
        description="say where something was missing, for what has gaps in the training rows: a column"
        " `<column>_missing` (1 or 0) that joins the features, or further places of a vector",
    )

    placeholders: tuple[str, ...] = Field(
        ANYWHERE,
        description="texts (case and outer blanks aside) that stand for a missing category",
    )

    def refuses(self, task: Task) -> str | None:
        """Only the columns decide, where they are named."""
        return None if self.columns else super().refuses(task)

    def fit(self, table: Table) -> dict[str, Any]:
        """What fills each column: ``{"numbers": {...}, "categories": {...}, "vectors": {...}, "knn": {...}}``.

        A column without any value in the training rows has null, and its missing values can't be filled.
        """
        table = self._emptied(table)
        rows = columns.learnable(table)
        learned: dict[str, Any] = {"numbers": {}, "categories": {}, "vectors": {}, "knn": None}
        for name, kind in self._kinds(table).items():
            if kind == "number":
                learned["numbers"][name] = self._centre(columns.numbers(table, name)[rows, None])[0]
            elif kind == "vector":
                values, present = columns.vectors(table, name)
                learned["vectors"][name] = self._centre(values[rows & present])
            else:
                learned["categories"][name] = self._category(table.column(name).filter(pa.array(rows)))
        names = [*learned["numbers"], *learned["vectors"]]
        if self.numbers == "knn":
            matrix = self._matrix(table, names)
            learned["knn"] = {"columns": names, **reference(matrix[rows], table.content[rows], self.reference_rows)}
        elif self.numbers == "iterative":
            learned["iterative"] = {"columns": names, **self._regressions(self._matrix(table, names), table, rows)}
        if self.indicators:
            learned["gaps"] = gaps_of(table, self._kinds(table), rows)
        return learned

    def _regressions(self, matrix: np.ndarray, table: Table, rows: np.ndarray) -> dict[str, Any]:
        """What iterative learned from the rows that come first by their content."""
        if matrix.shape[1] > iterative.MOST_COLUMNS:
            raise DataError(
                f"impute: iterative takes at most {iterative.MOST_COLUMNS} numbers a row, and there are"
                f" {matrix.shape[1]}; name fewer columns, or fill by knn"
            )
        content = table.content[rows]
        order = np.lexsort((content[:, 1], content[:, 0]))[: self.reference_rows]
        return iterative.learn(matrix[rows][order], self.rounds)

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with values in place of missing ones.

        Raises:
            DataError: a column is not there, or has a missing value and no value to learn from.
        """
        fitted = self.fit(table) if fitted is None else fitted
        table = self._emptied(table)
        kinds, readable = self._kinds(table), ~table.unreadable
        near = self._near(table, fitted, readable)
        filled: dict[str, pa.Array | pa.ChunkedArray] = {}
        for name, kind in kinds.items():
            if kind == "category":
                values = self._fill_category(table, name, fitted["categories"].get(name), readable)
            else:
                fill = fitted["vectors" if kind == "vector" else "numbers"].get(name)
                values = _fill_numbers(table, name, fill, near.get(name), readable)
            if values is not None:
                filled[name] = values
        made = columns.replaced(table, filled)
        if (late := fitted.get("iterative")) and not late["converged"]:
            made = noted(made, f"impute: iterative still changed after {self.rounds} rounds; allow it more `rounds`")
        return with_indicators(made, table, fitted["gaps"]) if fitted.get("gaps") else made

    def _emptied(self, table: Table) -> Table:
        """The table with nulls for placeholders."""
        names, found = [text.strip().lower() for text in self.placeholders], {}
        for name in (name for name, kind in self._kinds(table).items() if kind == "category"):
            column = table.column(name)
            if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
                continue
            folded = pc.utf8_lower(pc.utf8_trim_whitespace(column))
            stand_in = pc.is_in(folded, value_set=pa.array(names, column.type), skip_nulls=True)
            if pc.any(stand_in).as_py():
                found[name] = pc.if_else(stand_in, pa.scalar(None, column.type), column)
        return columns.replaced(table, found) if found else table

    def _kinds(self, table: Table) -> dict[str, str]:
        """column -> number, category or vector. Other types are passed over, unless the settings name them."""
        kinds: dict[str, str] = {}
        for name in columns.checked(table, self.columns or table.task.feature_columns, self.name):
            kind = table.column(name).type
            if is_number(kind):
                kinds[name] = "number"
            elif columns.is_category(kind):
                kinds[name] = "category"
            elif columns.is_vector(kind):
                kinds[name] = "vector"
            elif self.columns:
                raise DataError(f"impute: column {name!r} holds {kind}; it can fill numbers, categories and vectors")
        return kinds

    def _centre(self, values: np.ndarray) -> list[float | None]:
        """(m, d) values -> d fills, None where there is nothing to learn from."""
        if self.numbers == "constant":
            return [self.number_fill] * values.shape[1]
        there = np.ma.masked_array(values, ~np.isfinite(values))
        # Without rows np.ma warns; knn falls back on the median where a row has no number at all.
        if not len(values):
            return [None] * values.shape[1]
        if self.numbers == "mode":
            return [_most_frequent(column.compressed()) for column in there.T]
        mean = self.numbers in ("mean", "iterative")
        centre = there.mean(0) if mean else np.ma.median(there, axis=0)
        return [None if np.ma.is_masked(value) else float(value) for value in np.ma.atleast_1d(centre)]

    def _category(self, column: pa.ChunkedArray) -> str | None:
        if self.categories == "constant":
            return self.category_fill
        texts = _as_texts(column).drop_null()
        counts = sorted(pc.value_counts(texts).to_pylist(), key=lambda line: (-line["counts"], line["values"]))
        return counts[0]["values"] if counts else None

    def _fill_category(self, table: Table, name: str, fill: str | None, readable: np.ndarray) -> pa.ChunkedArray | None:
        column = table.column(name)
        gaps = column.is_null().to_numpy() & readable
        if not gaps.any():
            return None
        if fill is None:
            raise _nothing_learned(name, int(gaps.sum()))
        yes_no = pa.types.is_boolean(column.type) and fill in ("true", "false")
        values = column if yes_no else _as_texts(column)
        return pc.if_else(pa.array(gaps), pa.scalar(fill == "true") if yes_no else pa.scalar(fill, values.type), values)

    def _matrix(self, table: Table, names: list[str]) -> np.ndarray:
        """(n, d) float64: the columns of numbers and vectors side by side, NaN for what is missing or infinite."""
        parts = [np.empty((len(table), 0))]
        for name in names:
            one = not columns.is_vector(table.column(name).type)
            parts.append(columns.numbers(table, name)[:, None] if one else columns.vectors(table, name)[0])
        matrix = np.hstack(parts)
        return np.where(np.isfinite(matrix), matrix, np.nan)

    def _near(self, table: Table, fitted: dict[str, Any], readable: np.ndarray) -> dict[str, np.ndarray]:
        """column -> (n, width) what fills the gaps of each row by itself: means of near rows, or regressions."""
        learned = fitted.get("iterative") or fitted["knn"]
        if not learned:
            return {}
        names = learned["columns"]
        matrix = self._matrix(table, names)
        if "models" in learned:
            if len(learned["start"]) != matrix.shape[1]:
                return {}  # no row has a vector, or all have another length, of which `_fill_numbers` complains
            means = iterative.filled(matrix, learned)
        else:
            means = nearest_means(matrix, learned, self.neighbours, readable)
        widths = [
            1 if not columns.is_vector(table.column(n).type) else columns.vectors(table, n)[0].shape[1] for n in names
        ]
        return dict(zip(names, np.split(means, np.cumsum(widths)[:-1], axis=1)))


def _most_frequent(values: np.ndarray) -> float | None:
    """The most frequent number, the smallest of several; None of none."""
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()]) if len(found) else None


def _as_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if pa.types.is_large_string(column.type) else column.cast(pa.string())


def _nothing_learned(name: str, rows: int) -> DataError:
    return DataError(
        f"impute: column {name!r} has {counted(rows, 'row')} with missing values, and the training rows have no"
        " value to learn from; leave the column out, or fill with a constant"
    )


def _fill_numbers(
    table: Table, name: str, learned: Any, near: np.ndarray | None, readable: np.ndarray
) -> pa.Array | pa.ChunkedArray | None:
    """A column of numbers or vectors with the gaps of readable rows filled, None where there is no gap.

    Args:
        learned: the fill, or one for each place of a vector, None where nothing was learned.
        near: (n, width) fills from neighbours, which go before `learned`.
    """
    if columns.is_vector(table.column(name).type):
        values, present = columns.vectors(table, name)
    else:
        values, present = columns.numbers(table, name)[:, None], None
    fill = np.array([] if learned is None else learned, dtype=np.float64).reshape(-1)
    if not values.shape[1]:  # no row has a vector: only what was learned says how long they are
        values = np.full((len(table), max(1, len(fill))), np.nan)
    gaps = np.isnan(values) & readable[:, None]
    if not gaps.any():
        return None
    if len(fill) != gaps.shape[1] or np.isnan(fill[gaps.any(0)]).any():
        raise _nothing_learned(name, int(gaps.any(1).sum()))
    source = np.broadcast_to(fill, gaps.shape) if near is None else near
    values = np.where(gaps, source, values)
    if present is None:
        return _number_column(table.column(name), values[:, 0], gaps[:, 0])
    return columns.vector_column(values, present | readable)


def _number_column(old: pa.ChunkedArray, values: np.ndarray, gaps: np.ndarray) -> pa.Array | pa.ChunkedArray:
    """The column with the gaps filled, in its own type where the values fit."""
    fills = values[gaps]
    if pa.types.is_floating(old.type):
        return pa.array(values.astype(old.type.to_pandas_dtype()), mask=np.isnan(values))
    if pa.types.is_integer(old.type) and np.all(fills == np.round(fills)):
        return pc.if_else(pa.array(gaps), pa.array(np.where(gaps, values, 0.0).astype(np.int64)).cast(old.type), old)
    return pa.array(values, mask=np.isnan(values))

"""The step that writes labels as numbers, in a column beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from curate.errors import DataError, nearest
from curate.step import Transform
from curate.transforms._columns import replaced

if TYPE_CHECKING:
    from curate.table import Labels, Table
    from curate.task import Task


class EncodeLabels(Transform):
    """Writes the label as numbers into a column of its own, for models and tools that don't take names.

    The label stays the label: what later steps relabel, soften or weigh stands in the plan and its soft labels, while
    the column says what the data gave. A missing label is null. The order of the classes is kept with the result, so
    that new rows are encoded alike. Cost: under 1 s per million rows.
    Source: one-hot as scikit-learn's `OneHotEncoder`, multi-hot as its `MultiLabelBinarizer`; `cumulative` after Frank
    and Hall 2001, "A simple approach to ordinal classification".
    """

    method: Literal["one_hot", "multi_hot", "ordinal", "cumulative"] = Field(
        "one_hot",
        description="one_hot (K numbers, 1 for the class), multi_hot (1 for each label of a set), ordinal (the place of"
        " the class in the order, from 0), cumulative (K - 1 numbers, 1 for each step of the order that is passed)",
    )
    order: tuple[str, ...] = Field(
        (), description="all classes in their order, lowest first; the task's order if left out"
    )
    column: str | None = Field(None, min_length=1, description="name of the new column; `<label>_<method>` if left out")
    as_label: bool = Field(
        False, description="make the places of ordinal the label: the task becomes a regression on them"
    )

    @model_validator(mode="after")
    def _only_places_can_be_the_label(self) -> EncodeLabels:
        if self.as_label and self.method != "ordinal":
            raise ValueError("as_label is for `method: ordinal`")
        if len(set(self.order)) != len(self.order):
            raise ValueError("order names a class twice")
        return self

    def refuses(self, task: Task) -> str | None:
        """Classes and sets of classes alone, and an order that has all of them."""
        if task.kind not in ("classification", "multilabel"):
            return f"encode_labels encodes classes, and the task is {task.kind or 'unlabeled'}"
        if task.kind == "multilabel" and self.method != "multi_hot":
            return f"encode_labels: rows have several labels: method multi_hot, not {self.method}"
        return self._wrong_order(task.label_names) if self.order and task.label_names else None

    def becomes(self, task: Task) -> Task:
        """A regression on the places, if asked."""
        if not self.as_label or task.label is None:
            return task
        gone = {"kind": "regression", "label_names": (), "annotators": (), "probabilities": None}
        return task.model_copy(update={"label": self._name(task), **gone})

    def fit(self, table: Table) -> dict[str, Any]:
        """``{"names": the classes in order, "column": name of the new column}``."""
        return {"names": list(self.order or table.task.label_names), "column": self._name(table.task)}

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with the new column behind the others.

        Raises:
            DataError: the order lacks a class, or the column is there already.
        """
        fitted = self.fit(table) if fitted is None else fitted
        names, column = fitted["names"], fitted["column"]
        if column in table.dataset.column_names:
            raise DataError(f"encode_labels: the column {column!r} is there already; name another with `column`")
        if self.order and (why := self._wrong_order(table.task.label_names)) and table.task.label is not None:
            raise DataError(why)
        values = self._encoded(table.labels, names)
        return replaced(table, {column: values}, self.becomes(table.task))

    def completed(self, table: Table, fitted: dict[str, Any]) -> Table:
        """The column in synthesised rows, too: it follows from their label. One that is the label has it already."""
        if self.as_label or fitted["column"] not in table.dataset.column_names:
            return table
        return replaced(table, {fitted["column"]: self._encoded(table.labels, fitted["names"])})

    def _name(self, task: Task) -> str:
        return self.column or f"{task.label}_{self.method}"

    def _wrong_order(self, names: tuple[str, ...]) -> str | None:
        unknown = [name for name in self.order if name not in names]
        if unknown:
            return f"encode_labels: order names {unknown[0]!r}, which is no class{nearest(unknown[0], names)}"
        missing = [name for name in names if name not in self.order]
        return f"encode_labels: order lacks the class {missing[0]!r}" if missing else None

    def _encoded(self, labels: Labels, names: list[str]) -> pa.Array:
        """The column of n values, null where the label is missing."""
        place = {name: i for i, name in enumerate(names)}
        known, k = labels.known, len(names)
        if labels.sets is not None:
            hot = np.zeros((len(labels), k), dtype=np.float32)
            hot[:, [place[name] for name in labels.names]] = labels.sets
            return _lists(hot, known)
        moved = np.array([place[name] for name in labels.names], dtype=np.int64)
        codes = np.where(known, moved[labels.codes], 0) if len(moved) else np.zeros(len(labels), dtype=np.int64)
        if self.method == "ordinal":
            return pa.array(codes.astype(np.float64 if self.as_label else np.int64), mask=~known)
        if self.method == "cumulative":
            return _lists(codes[:, None] > np.arange(k - 1)[None], known)
        return _lists(codes[:, None] == np.arange(k)[None], known)


def _lists(values: np.ndarray, known: np.ndarray) -> pa.Array:
    """(n, k) numbers as ``fixed_size_list<float32>[k]``."""
    flat = pa.array(values.astype(np.float32).ravel())
    if not values.shape[1]:  # a fixed size of 0 says nothing of the number of rows
        return pa.array([[] if one else None for one in known], pa.list_(pa.float32()))
    mask = None if known.all() else pa.array(~known)
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1], mask=mask)

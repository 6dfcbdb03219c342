"""The step that weighs rows so that groups, or the classes within each group, count alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from curate.balance._by_method import ByMethod
from curate.balance._rows import note
from curate.balance.weighing.forms import by_form
from curate.balance.weighing.rows import mean_one, row_weights, weighed_rows
from curate.errors import ConfigError
from curate.ledger import Decisions
from curate.wording import counted, noun, of_all

if TYPE_CHECKING:
    from curate.table import Labels, Table
    from curate.task import Task

FEW = 10
"""A weight that rests on fewer draws is said to do so."""


class GroupWeights(ByMethod):
    """Weighs each row by how rare its group, or its class within its group, is among active training rows.

    Groups are the values of a column (the task's group unless another is named). The mean weight over draws is 1; rows
    without a group keep their weight. With `independence` class and group no longer go together, while both keep
    their shares. Weights of a class, of a row's group and of earlier steps multiply. Subgroups are small where classes
    and groups are many: a weight that rests on fewer than 10 draws is reported, and `min_draws` keeps it in bounds.
    Cost: one count of the rows.
    Source: inverse is the reweighting by group of Idrissi et al. 2022, "Simple data balancing achieves competitive
    worst-group-accuracy"; independence is Kamiran and Calders 2012, "Data preprocessing techniques for classification
    without discrimination".
    """

    settings_of: ClassVar[dict[str, tuple[str, ...]]] = {"beta": ("effective_number",)}

    column: str | None = Field(
        None, description="column whose values are the groups; the task's group column if left out"
    )
    by: Literal["group", "class_and_group"] = Field(
        "group", description="what is to count alike: each group, or each class within each group"
    )
    method: Literal["inverse", "sqrt_inverse", "effective_number", "independence"] = Field(
        "inverse",
        description="weight of a subgroup of n draws, up to a factor: inverse 1/n, sqrt_inverse 1/sqrt(n),"
        " effective_number (1 - beta)/(1 - beta^n), independence (n of the class) (n of the group)/n",
    )
    beta: float = Field(
        0.999, ge=0, lt=1, description="of effective_number: 0 weighs all alike, near 1 comes close to inverse"
    )
    min_draws: int = Field(
        1, ge=1, description="a subgroup with fewer draws is weighed as if it had this many of its own"
    )
    max_weight: float | None = Field(
        None, ge=1, description="largest weight, after scaling; the others make up for it; no bound if left out"
    )

    @model_validator(mode="after")
    def _independence_is_of_two(self) -> GroupWeights:
        if self.method == "independence" and self.by != "class_and_group":
            raise ValueError("method: independence needs by: class_and_group")
        return self

    def refuses(self, task: Task) -> str | None:
        """Needs groups, and classes where these are weighed within groups."""
        if self.column is None and task.group is None:
            return f"{self.name} needs groups: name their column (column: COLUMN), or the task's group"
        if self.by == "class_and_group" and task.kind != "classification":
            return f"{self.name} by class_and_group needs classes, and this task's kind is {task.kind}; say by: group"
        if task.kind not in ("classification", "multilabel", "regression"):
            return f"{self.name} weighs rows with a label, and this task's kind is {task.kind}"
        return None

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """One weight for every row with a group."""
        rows, times = weighed_rows(labels, evidence)
        if not len(rows):
            note(evidence, f"{self.name}: no training row has a label; no row is weighed")
            return Decisions()
        column = self.column or evidence.table.task.group
        codes, names = group_codes(evidence.table, column)
        if (codes[rows] < 0).any():
            count = int((codes[rows] < 0).sum())
            which = f"{counted(count, 'training row')} {noun(count, 'has', 'have')} no {column}"
            note(evidence, f"{self.name}: {which}; the weight is left as it is.")
        rows, times = rows[codes[rows] >= 0], times[codes[rows] >= 0]
        if not len(rows):
            return Decisions()
        group = codes[rows]
        if self.by == "group" and len(np.unique(group)) < 2:
            note(evidence, f"{self.name}: all training rows have the {column} {names[group[0]]!r}; all weigh 1")
        kind = labels.codes[rows] if self.by == "class_and_group" else np.zeros(len(rows), dtype=np.int64)
        sizes = np.zeros((len(names), max(1, len(labels.names))), dtype=np.int64)
        np.add.at(sizes, (group, kind), times)
        weights = mean_one(self._raw(sizes)[group, kind], times, self.max_weight)
        self._say_small(sizes, evidence, column)
        return row_weights(self.name, evidence, rows, weights, self._reasons(sizes, group, kind, labels, names, column))

    def _raw(self, sizes: np.ndarray) -> np.ndarray:
        """(G, K) weights up to a factor, 0 where there are no draws."""
        some = sizes > 0
        least = np.maximum(sizes[some], self.min_draws)
        raw = np.zeros(sizes.shape)
        if self.method == "independence":
            raw[some] = np.outer(sizes.sum(1), sizes.sum(0))[some] / least
        else:
            raw[some] = by_form(least, self.method, self.beta)
        return raw

    def _say_small(self, sizes: np.ndarray, evidence: Any, column: str) -> None:
        small = (sizes > 0) & (sizes < FEW)
        if small.any():
            one, many = (f"{kind} of {column}" for kind in ("value", "values"))
            if self.by != "group":
                one, many = (f"{kind} of class and {column}" for kind in ("combination", "combinations"))
            have = of_all(int(small.sum()), int((sizes > 0).sum()), one, many, ("has", "have"))
            note(
                evidence,
                f"{self.name}: {have} fewer than {FEW} draws (the smallest {int(sizes[small].min())}): such weights"
                " rest on few rows.",
            )

    def _reasons(
        self, sizes: np.ndarray, group: np.ndarray, kind: np.ndarray, labels: Labels, names: list[str], column: str
    ) -> list[str]:
        total, said = int(sizes.sum()), {}
        for g, k in zip(*np.nonzero(sizes)):
            of = "" if self.by == "group" else f" and class {labels.names[k]!r}"
            said[int(g), int(k)] = f"{column} {names[g]!r}{of}: {sizes[g, k]} of {total} draws ({self.method})"
        return [said[pair] for pair in zip(group.tolist(), kind.tolist())]


def group_codes(table: Table, column: str) -> tuple[np.ndarray, list[str]]:
    """(n,) int64 number of each row's group by the order of their names, -1 for none; and the names.

    Raises:
        DataError: there is no such column.
        ConfigError: its values are no names or numbers.
    """
    values = table.column(column).combine_chunks()
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    try:
        encoded = values.cast(pa.string()).dictionary_encode()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ConfigError(
            f"group_weights: the column {column!r} holds {values.type}; names or numbers are needed"
        ) from None
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=lambda place: names[place])
    rank = np.empty(len(names) + 1, dtype=np.int64)
    rank[order], rank[-1] = np.arange(len(names)), -1
    codes = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    return rank[codes], [names[place] for place in order]

"""The step that puts several inputs of a row into one vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from curate.errors import ConfigError, DataError, nearest
from curate.step import Transform
from curate.task import MODALITIES
from curate.transforms._columns import learnable, noted, replaced, unreadable_from_now
from curate.transforms.fusing import encoders
from curate.transforms.fusing.columns import column_values, learned_column
from curate.wording import of_all

if TYPE_CHECKING:
    from curate.table import Table
    from curate.task import Task


class Fuse(Transform):
    """Puts the inputs of a row into one column of vectors: text, images, sound, video and series by encoders, columns
    of numbers, categories and vectors as they are.

    Each part is standardised by the training rows and has an equal say, whatever its number of places, times its
    weight. What a row lacks is 0 there (the mean) and counted in the run's notes; a medium that can't be decoded makes
    the row unreadable. The vectors become the task's features, and its other inputs are no inputs any more, unless
    they are kept. Cost: that of the encoders, and once more for the rows that means are learned from.
    Source: early fusion, after Baltrusaitis et al. 2019, "Multimodal Machine Learning: A Survey and Taxonomy"; the
    encoders of the evidence.
    """

    parts: dict[str, float] = Field(
        {},
        description="what is fused, with the weight of each: roles (text, image, audio, video, series, features) or"
        " names of columns, {text: 1, features: 0.5}; all inputs of the task with weight 1 if left out",
    )
    encoders: dict[str, str] = Field(
        {},
        description="encoder of some roles: text ngrams, wordllama, minilm; image and video descriptors, efficientnet;"
        " audio and series descriptors; or a model, transformers:NAME and the like; the strongest fast one that is"
        " installed and fits if left out",
    )
    standardize: bool = Field(
        True, description="give every place mean 0 and deviation 1, and every part an equal say; else values stay"
    )
    ngram_width: int = Field(256, ge=8, le=16_384, description="numbers that ngrams make of a text")
    max_categories: int = Field(
        64, ge=1, le=10_000, description="most frequent categories of a column that get a place of their own"
    )
    reference_rows: int = Field(
        5_000, ge=1, description="most training rows that means are learned from; which, the content decides"
    )
    column: str = Field("fused", min_length=1, description="name of the new column")
    keep_inputs: bool = Field(False, description="leave the other inputs of the task inputs, beside the vectors")

    @field_validator("parts")
    @classmethod
    def _weights_count(cls, value: dict[str, float]) -> dict[str, float]:
        for name, weight in value.items():
            if not 0 < weight < float("inf"):
                raise ValueError(f"the weight of {name!r} must be a number above 0, not {weight}")
        return value

    @field_validator("encoders")
    @classmethod
    def _encoders_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := [why for role, name in value.items() if (why := encoders.problem(role, name))]:
            raise ValueError("; ".join(wrong))
        return value

    def refuses(self, task: Task) -> str | None:
        """Without inputs, and where words or pixels have labels of their own."""
        if task.kind in ("token_classification", "segmentation", "detection"):
            return f"fuse makes one vector of a row, and the task is {task.kind}: labels speak of parts of rows"
        if not task.modalities:
            return "fuse needs inputs, and the task has none"
        return None

    def becomes(self, task: Task) -> Task:
        """With the new column as features, and without the other inputs unless they are kept."""
        gone: dict[str, Any] = {} if self.keep_inputs else dict.fromkeys(MODALITIES)
        return task.model_copy(update={**gone, "features": self.column, "embedding": None})

    def fit(self, table: Table) -> dict[str, Any]:
        """part -> its encoder or columns, and the mean and spread of each place."""
        rows = np.flatnonzero(learnable(table))
        content = table.content[rows]
        part = table.select(rows[np.lexsort((content[:, 1], content[:, 0]))][: self.reference_rows])
        learned: dict[str, Any] = {}
        for name in self._parts(table):
            made = self._made(table, name, learnable(table))
            values = self._values(part, name, made)[0].astype(np.float64)
            learned[name] = {**made, **_moments(values)}
        return learned

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with the column of vectors.

        Raises:
            DataError: a column is missing, is there already, or holds nothing that can be fused.
            ConfigError: an encoder's model can't be loaded.
        """
        fitted = self.fit(table) if fitted is None else fitted
        if self.column in table.dataset.column_names:
            raise DataError(f"fuse: the column {self.column!r} is there already; name another with `column`")
        blocks, notes, failures = [], [], {}
        known = np.zeros(len(table), dtype=bool)
        for name, learned in fitted.items():
            values, broken = self._values(table, name, learned)
            gaps = np.isnan(values)
            known |= ~gaps.all(1)
            failures |= {row: f"{name}: {why}" for row, why in broken.items()}
            lost = table.unreadable.copy()
            lost[list(broken)] = True
            if lacking := int((gaps.any(1) & ~lost).sum()):
                notes.append(
                    f"fuse: {of_all(lacking, len(table), 'row', 'rows', ('lacks', 'lack'))} {name} or part of it; the"
                    " mean stands there"
                )
            blocks.append(self._scaled(values, gaps, learned, self.parts.get(name, 1.0)))
        known[list(failures)] = False
        known &= ~table.unreadable
        vectors = np.concatenate(blocks, axis=1) if blocks else np.empty((len(table), 0), np.float32)
        made = replaced(table, {self.column: _fixed(vectors, known)}, self.becomes(table.task))
        empty = {int(row): "no part of it has a value" for row in np.flatnonzero(~known & ~table.unreadable)}
        return noted(unreadable_from_now(made, empty | failures, table), *notes)

    def _parts(self, table: Table) -> tuple[str, ...]:
        task, there = table.task, table.dataset.column_names
        for name in self.parts:
            role = name in MODALITIES and getattr(task, name)
            if not role and name not in there:
                known = [*task.modalities, *there]
                raise DataError(f"fuse: the task has no input and no column {name!r}{nearest(name, known)}")
        return tuple(self.parts) or tuple(role for role in MODALITIES if role in task.modalities)

    def _made(self, table: Table, name: str, rows: np.ndarray) -> dict[str, Any]:
        """What a part is made by: an encoder, or columns."""
        task = table.task
        if name in encoders.KNOWN and getattr(task, name):
            encoder = self.encoders.get(name) or encoders.usual(name, table)
            if why := encoders.problem(name, encoder):
                raise ConfigError(f"fuse: {why}")
            width = encoders.channels(table, np.flatnonzero(rows)) if name == "series" else self.ngram_width
            return {"encoder": encoder, "width": width}
        names = task.feature_columns if name == "features" and task.features else (name,)
        return {"columns": {one: learned_column(table, one, rows, self.max_categories) for one in names}}

    def _values(self, table: Table, name: str, made: dict[str, Any]) -> tuple[np.ndarray, dict[int, str]]:
        """(n, d) numbers of a part, NaN where something is missing, and row -> why it can't be decoded."""
        if "encoder" in made:
            values, broken = encoders.encoded(table, name, made["encoder"], made["width"])
            return (values if len(values) else np.empty((0, len(made.get("mean", ()))))), broken
        blocks = [column_values(table, one, learned) for one, learned in made["columns"].items()]
        values = np.concatenate(blocks, axis=1)
        return np.where(np.isfinite(values), values, np.nan), {}

    def _scaled(self, values: np.ndarray, gaps: np.ndarray, learned: dict[str, Any], weight: float) -> np.ndarray:
        mean, spread = np.asarray(learned["mean"]), np.asarray(learned["spread"])
        if self.standardize:
            values = (values - mean) / spread / np.sqrt(max(1, learned["varying"]))
        filled = np.where(gaps, 0.0 if self.standardize else mean, values)
        return (filled * weight).astype(np.float32)


def _moments(values: np.ndarray) -> dict[str, Any]:
    """Mean and spread of each place over the rows that have it (0 and 1 where none has), and how many places vary."""
    there = np.isfinite(values)
    count = np.maximum(there.sum(0), 1)
    mean = np.where(there, values, 0).sum(0) / count
    spread = np.sqrt(np.where(there, (values - mean) ** 2, 0).sum(0) / count)
    varies = spread > 1e-9 * (1 + np.abs(mean))
    return {"mean": mean.tolist(), "spread": np.where(varies, spread, 1.0).tolist(), "varying": int(varies.sum())}


def _fixed(vectors: np.ndarray, known: np.ndarray) -> pa.Array:
    """(n, d) float32 as ``fixed_size_list<float32>[d]``, null where not known."""
    mask = None if known.all() else pa.array(~known)
    if not vectors.shape[1]:
        return pa.nulls(len(vectors), pa.list_(pa.float32(), 1))
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1], mask=mask)

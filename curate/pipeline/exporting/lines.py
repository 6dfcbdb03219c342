"""What an export writes: the kept rows with the curated label, soft label and weight, split by split, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, nearest
from curate.pipeline.exporting.files import split_names
from curate.pipeline.exporting.reading import CONTENT, NAMED, Reading, added, media_columns, named
from curate.randomness import generator
from curate.table import Table
from curate.wording import noun

if TYPE_CHECKING:
    import datasets

    from curate.pipeline.curated import Curated


@dataclass(frozen=True)
class Lines:
    """The rows of a result as they are exported.

    Attributes:
        curated: the result.
        splits: those that are written.
        repeated: a line per draw of an epoch instead of a line per row.
        shuffled: training rows in an order drawn from the pipeline's seed instead of the data's.
        skips: leave out rows whose files can't be read any more instead of raising.
        skipped: row id -> reason, of the rows that were left out so far.
    """

    curated: Curated
    splits: tuple[str, ...]
    repeated: bool = False
    shuffled: bool = False
    skips: bool = False
    skipped: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, curated: Curated, split: str | None = None, repeated: bool = False, shuffled: bool = False,
        on_error: str = "raise",
    ) -> Lines:  # fmt: skip
        """The lines of a split, or of all.

        Raises:
            ConfigError: the plan has no such split, or no row; `on_error` is neither ``raise`` nor ``skip``.
        """
        if on_error not in ("raise", "skip"):
            raise ConfigError(f"on_error must be 'raise' or 'skip', not {on_error!r}")
        known = sorted(str(name) for name in pc.unique(curated.plan["split"].cast(pa.string())).to_pylist())
        if not known:
            raise ConfigError("there is nothing to export: the plan has no row")
        if split is not None and split not in known:
            others = f"there {noun(len(known), 'is', 'are')} {', '.join(known)}"
            raise ConfigError(f"the plan has no split {split!r}{nearest(split, known)}; {others}")
        return cls(curated, tuple(known) if split is None else (split,), repeated, shuffled, on_error == "skip")

    @property
    def table(self) -> Table:
        """The rows behind the lines."""
        return self.curated.table

    @cached_property
    def media(self) -> dict[str, str]:
        """Column -> role, of the columns that hold encoded files."""
        return media_columns(self.table.task)

    @cached_property
    def names(self) -> dict[str, str]:
        """Split -> what it is called in names of files and folders."""
        return split_names(self.splits)

    @cached_property
    def _draws(self) -> np.ndarray:
        """(rows,) how often each row is drawn."""
        return np.bincount(self.curated.plan["row"].to_numpy(), minlength=len(self.table))

    def planned(self, split: str) -> pa.Table:
        """The lines of the plan that are written of a split, in their order, with how often their row is drawn."""
        plan = self.curated.plan
        wanted = pc.equal(plan["split"].cast(pa.string()), split)
        if not self.repeated:
            wanted = pc.and_(wanted, pc.equal(plan["copy"], 0))
        lines = plan.filter(wanted)
        if self.shuffled and split == "train":
            order = generator(self.curated.pipeline.seed, step="export").permutation(lines.num_rows)
            lines = lines.take(pa.array(order))
        rows = lines["row"].to_numpy()
        content = pa.py_buffer(np.ascontiguousarray(self.table.content[rows]))
        lines = lines.append_column(CONTENT, pa.Array.from_buffers(pa.binary(16), len(rows), [None, content]))
        return lines.append_column("draws", pa.array(self._draws[rows].astype(np.int32)))

    def features(self, codes: bool = False) -> datasets.Features:
        """Features of a block; media as `datasets` decodes them, classes as `ClassLabel` if `codes`."""
        import datasets

        of_media = {"image": datasets.Image, "mask": datasets.Image, "audio": datasets.Audio, "video": datasets.Video}
        task = self.table.task
        found = dict(self.table.dataset.features)
        found |= {column: of_media[role]() for column, role in self.media.items()}
        kind = {"regression": pa.float64(), "multilabel": pa.list_(pa.string())}.get(task.kind or "", pa.string())
        labels = datasets.Features.from_arrow_schema(pa.schema([("label", kind)]))["label"]
        if task.label is not None and task.kind in NAMED:
            found[task.label] = labels
            if codes and task.kind == "classification":
                found[task.label] = datasets.ClassLabel(names=list(task.label_names))
        ours = {"row_id": pa.string(), "soft_label": pa.list_(pa.float32()), "weight": pa.float32()}
        ours |= {"draws": pa.int32(), "origin": pa.string()}
        plain = datasets.Features.from_arrow_schema(pa.schema(list(ours.items())))
        for name in added(task):
            found[named(self.table.column_names, name)] = labels if name == "given_label" else plain[name]
        return datasets.Features(found)

    def reading(self, codes: bool = False) -> Reading:
        """What the lines are read by; classes by name, or by their places if `codes`."""
        table = self.table
        schema = self.features(codes).arrow_schema
        return Reading(table.task, table.root, tuple(table.column_names), schema, codes, self.skips)

    def blocks(self, split: str, codes: bool = False) -> Iterator[pa.Table]:
        """The lines of a split with all their columns and the content of their media, block by block.

        Raises:
            DataError: a file can't be read any more, and such rows are not skipped.
        """
        return self.reading(codes).blocks(self.planned(split), self.table.rows, self.skipped)

"""Training and test rows in one embedding: one table of both, in which nothing is learned from the test rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.arrow import dataset_of
from curate.errors import DataError
from curate.evidence import Evidence
from curate.media.content import input_columns, is_media
from curate.media.payload import UnreadablePayload, confined
from curate.media.segments import split
from curate.pipeline.comparison.arms import Progress
from curate.pipeline.comparison.tested import Tested
from curate.pipeline.curated import Curated
from curate.table import PROBLEMS, Table
from curate.task import Task

SPLIT = "curate_split"


@dataclass(frozen=True)
class Vectors:
    """The embedding of an arm.

    Attributes:
        values: (N, d) float32, NaN in rows without a vector; the rows of the result's table come first, in its order.
        test: (p,) int64, where the test rows stand.
        evidence: that made it.
    """

    values: np.ndarray
    test: np.ndarray
    evidence: Evidence


def embed(result: Curated, tested: Tested, like: Evidence | None, cache: Path, progress: Progress | None) -> Vectors:
    """Embed the rows of a result together with its test rows.

    The encoders are those that are chosen for the training rows: the ones that the run itself has used, so that its
    rows come from the cache and only test rows are embedded anew.

    Args:
        result: of an arm.
        tested: its test rows.
        like: evidence of another arm, whose encoders are taken where the inputs are of the same kind.
        cache: that the run of the arm has filled.
        progress: called with (stage, done, total).
    """
    table = result.table
    if like is None or not _same_inputs(like.table, table):
        settings, seed = result.pipeline.evidence, result.pipeline.seed
        like = Evidence(table, settings, cache=cache, seed=seed, progress=progress)
    offset = 0
    if tested.table is not table:
        table, offset = joined(table, tested.table), len(table)
    evidence = like.alike(table)
    return Vectors(np.asarray(evidence.embedding().vectors), tested.rows + offset, evidence)


def embed_more(vectors: Vectors, drawn: Table) -> Vectors:
    """The embedding with further rows behind the others, from which nothing is learned either."""
    table = vectors.evidence.table
    names = {old: new for old, new in zip(input_columns(drawn.task), input_columns(table.task)) if old != new}
    task = Task.model_validate({"kind": "unlabeled", **{r: getattr(table.task, r) for r in table.task.modalities}})
    renamed = replace(drawn, dataset=drawn.dataset.rename_columns(names), task=task)
    evidence = vectors.evidence.alike(joined(table, renamed))
    return Vectors(np.asarray(evidence.embedding().vectors), vectors.test, evidence)


def _same_inputs(one: Table, other: Table) -> bool:
    names = input_columns(one.task)
    if one.task.modalities != other.task.modalities or names != input_columns(other.task):
        return False
    return one.task.embedding == other.task.embedding


def joined(table: Table, test: Table, task: Task | None = None, more: Sequence[str] = ()) -> Table:
    """The inputs of both in one table, in this order; the rows of the second are of the split ``test``.

    Args:
        table: whose types the columns have.
        test: rows with the same inputs.
        task: of the result; one without a label if left out.
        more: further columns of the first, which are null in the rows of the second.

    Raises:
        DataError: a column of the second can't be read as that of the first.
    """
    import datasets

    names = [*input_columns(table.task), *([table.task.embedding] if table.task.embedding else [])]
    missing = [name for name in names if name not in test.dataset.column_names]
    if missing:
        raise DataError(f"{test.source}: the test rows lack the column {missing[0]!r}, which the training rows have")
    root = _common_root(table, test)
    features = datasets.Features({name: table.dataset.features[name] for name in names})
    parts = [_columns(one, names, root) for one in (table, test)]
    try:
        parts[1] = parts[1] if parts[1].features == features else parts[1].cast(features)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, TypeError, ValueError) as error:
        raise DataError(
            f"{test.source}: its columns are of other types than those of the training data: {error}"
        ) from None
    splits = np.concatenate([table.splits, np.full(len(test), "test", dtype=np.dtypes.StringDType())])
    both = datasets.concatenate_datasets(parts).add_column(SPLIT, pa.array(splits, pa.string()))  # type: ignore[arg-type]
    for name in more:
        column = table.column(name)
        nulls = pa.nulls(len(test), column.type)
        both = both.add_column(name, pa.chunked_array([*column.chunks, nulls], column.type).combine_chunks())  # type: ignore[arg-type]
    inputs = {role: getattr(table.task, role) for role in (*table.task.modalities, "embedding")}
    given = {"kind": "unlabeled"} if task is None else {"kind": task.kind, "label_names": task.label_names}
    given |= {"group": table.task.group} if table.task.group in more else {}
    taken = set(table.row_ids.tolist())
    ids = [f"test:{name}" if name in taken else name for name in test.row_ids.tolist()]
    return Table(
        both,
        Task.model_validate({"split": SPLIT} | given | inputs),
        np.concatenate([table.row_ids, np.array(ids, dtype=np.dtypes.StringDType())]),
        np.concatenate([table.content, test.content]),
        root=root,
        problems=_problems(table, test),
        source=table.source,
    )


def _common_root(table: Table, test: Table) -> Path | None:
    roots = [Path(os.path.realpath(one.root)) for one in (table, test) if one.root is not None]
    return Path(os.path.commonpath(roots)) if roots else None


def _columns(table: Table, names: list[str], root: Path | None) -> Any:
    """The columns as a dataset, with paths relative to the common root; each was confined to the table's own before."""
    import datasets

    view = table.dataset.select_columns(names)
    if table.root is None or root is None or Path(os.path.realpath(table.root)) == root:
        return view
    rows: Any = view.with_format("arrow")[:]
    for place, name in enumerate(names):
        column = rows[name].combine_chunks()
        if not is_media(column.type):
            continue
        moved = [_moved(path, table.root, root) for path in column.field("path").to_pylist()]
        fields = [column.field("bytes") if f.name == "bytes" else pa.array(moved, f.type) for f in column.type]
        made = pa.StructArray.from_arrays(fields, fields=list(column.type), mask=column.is_null())
        rows = rows.set_column(place, name, made)
    features = datasets.Features({name: table.dataset.features[name] for name in names})
    return dataset_of(rows.cast(features.arrow_schema), features)


def _moved(path: str | None, own: Path, root: Path) -> str | None:
    if path is None:
        return None
    try:
        file, segment = split(path)
        return os.path.relpath(confined(file, own), root) + (segment.fragment if segment else "")
    except UnreadablePayload:
        return None  # the row is unreadable where it comes from, too


def _problems(table: Table, test: Table) -> pa.Table:
    moved = test.problems.set_column(0, "row", pa.array(test.problems["row"].to_numpy() + len(table)))
    return pa.concat_tables([table.problems, moved.cast(PROBLEMS)])

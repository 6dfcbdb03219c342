"""Rows of what the deployed model will see, beside training rows in one table, so that both are measured alike."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError, DataError
from curate.evidence.evidence import Evidence
from curate.table import PROBLEMS, Table
from curate.task import MEDIA, Task

MOST_ROWS = 5_000
"""Rows of either side; the target is a sample as it is."""
SPLIT = "__side__"


@dataclass(frozen=True)
class Beside:
    """Training rows and target rows in one table.

    Attributes:
        evidence: of both.
        training: (m,) positions of training rows in the combined table; they come first.
        rows: (m,) the same rows in the table that is judged.
        target: (t,) positions of target rows in the combined table.
        names: (t,) where each of them comes from, for people.
    """

    evidence: Evidence
    training: np.ndarray
    rows: np.ndarray
    target: np.ndarray
    names: list[str]


def refuse_missing(table: Table) -> None:
    """Raise ConfigError where the task's target is neither a split of the table nor to be found, before any work."""
    where = table.task.target
    if where is None or where in set(table.splits.tolist()):
        return
    if "://" not in where and not any(c in where for c in "*?[") and not Path(where).exists():
        splits = ", ".join(sorted(set(table.splits.tolist())))
        raise ConfigError(
            f"the target {where!r} is neither a file or folder nor a split of the data ({splits}); name another"
            " (--target, or task: {target: ...})"
        )


def beside_target(evidence: Evidence, training: np.ndarray, most: int | None = MOST_ROWS) -> Beside:
    """Read the target and put it beside training rows.

    Args:
        evidence: of the table.
        training: positions of the training rows, in an order that does not hang on the table's.
        most: training rows that are taken at most, evenly spread; None for all of them.

    Raises:
        ConfigError: the target lacks an input of the task, or its columns are of other types.
        DataError: the target can't be read.
    """
    table, where = evidence.table, str(evidence.table.task.target)
    other = _read(table, where)
    rows = training if most is None else _spread(training, most)
    there = _spread(np.arange(len(other)), MOST_ROWS)
    columns = _inputs(table.task)
    one, two = table.rows(rows, columns), other.rows(there, columns)
    root = _common_root(table, other)
    one, two = (_rooted(part, t, columns, root) for part, t in ((one, table), (two, other)))
    try:
        joined = pa.concat_tables([one, two.cast(one.schema)])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConfigError(f"the target {where!r} has columns of other types than the data: {error}") from error
    side = pa.array(["train"] * len(rows) + ["test"] * len(there))
    task = Task(
        kind="unlabeled",
        split=SPLIT,
        embedding=table.task.embedding,
        **{role: getattr(table.task, role) for role in table.task.modalities},
    )
    combined = _table(joined.append_column(SPLIT, side), task, root, (table, rows), (other, there), where)
    return Beside(
        evidence.beside(combined),
        np.arange(len(rows)),
        rows,
        np.arange(len(rows), len(combined)),
        [_name(other, int(row)) for row in there],
    )


def _read(table: Table, where: str) -> Table:
    from curate.sources import load

    task = table.task
    roles = {role: getattr(task, role) for role in task.modalities}
    if task.embedding is not None:
        roles["embedding"] = task.embedding
    refuse_missing(table)
    try:
        return load(where, {"kind": "unlabeled", **roles})
    except (ConfigError, DataError) as error:
        raise type(error)(f"the target {where!r} can't be compared with the data: {error}") from error


def _inputs(task: Task) -> list[str]:
    names = [name for role in task.modalities for name in _columns(getattr(task, role))]
    return list(dict.fromkeys([*names, *([task.embedding] if task.embedding else [])]))


def _columns(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _spread(rows: np.ndarray, most: int) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _common_root(table: Table, other: Table) -> Path | None:
    roots = [Path(t.root).resolve() for t in (table, other) if t.root is not None]
    if not roots or not any(getattr(table.task, role) for role in MEDIA):
        return None
    return Path(os.path.commonpath(roots))


def _rooted(part: pa.Table, table: Table, columns: list[str], root: Path | None) -> pa.Table:
    """Media paths relative to the root that both tables share; neither may have led out of its own."""
    if root is None or table.root is None:
        return part
    prefix = Path(table.root).resolve().relative_to(root)
    media = {getattr(table.task, role) for role in MEDIA}
    for name in media & set(columns):
        cells = part[name].combine_chunks()
        paths = [
            None if path is None or Path(path).is_absolute() else str(prefix / path)
            for path in cells.field("path").to_pylist()
        ]
        given = cells.field("path").to_pylist()
        moved = pa.array([new if new is not None else old for new, old in zip(paths, given)], pa.string())
        struct = pa.StructArray.from_arrays([cells.field("bytes"), moved], ["bytes", "path"])
        part = part.set_column(part.schema.get_field_index(name), name, struct)
    return part


def _table(
    joined: pa.Table,
    task: Task,
    root: Path | None,
    first: tuple[Table, np.ndarray],
    second: tuple[Table, np.ndarray],
    where: str,
) -> Table:
    import datasets

    (table, rows), (other, there) = first, second
    ids = [f"training {row_id}" for row_id in table.row_ids[rows]] + [
        f"target {row_id}" for row_id in other.row_ids[there]
    ]
    broken = np.flatnonzero(other.unreadable[there])
    problems = pa.table(
        [
            pa.array(len(rows) + broken, pa.int64()),
            pa.repeat(pa.scalar("unreadable"), len(broken)),
            pa.repeat(pa.scalar("the target's source could not read it"), len(broken)),
        ],
        schema=PROBLEMS,
    )
    return Table(
        datasets.Dataset(joined),
        task,
        np.array(ids, dtype=np.dtypes.StringDType()),
        np.concatenate([table.content[rows], other.content[there]]),
        root=root,
        problems=problems,
        source=where,
    )


def _name(table: Table, row: int) -> str:
    if table.origin is not None:
        line = table.origin.slice(row, 1).to_pylist()[0]
        if line["file"] is not None:
            return f"{line['file']}:{line['line']}" if line["line"] is not None else str(line["file"])
    return f"row {row}"

"""Columns that each say of one label whether a row has it: together they are the label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, nearest
from curate.sources.columns.column_types import is_text
from curate.sources.raw import Raw
from curate.task import Task
from curate.wording import counted, noun, some_of

SET, ONE = "label_set", "label_class"
"""Names of the column that is made: of sets of labels, or of classes where every row has exactly one."""
YES, NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no", "-1", "-1.0")


def with_label_columns(raw: Raw, given: Task) -> tuple[Raw, Task]:
    """The columns that the task names as `label_columns` as one label, which is named after them.

    1, true and yes say that a row has the label of the column's name, 0, false and no that it has not, and so does -1
    where no column holds 0; beside 0, -1 says that nobody looked. A row of which a column says nothing has no label.
    Where every row has exactly one label, or the task is said to be so, it is classification, else multilabel.

    Raises:
        ConfigError: a column is not there, or holds something else; there are fewer than two; or the task is of another
            kind.
    """
    names = given.label_columns
    if not names or (
        given.label is not None and (given.label in raw.columns.column_names or given.label not in (SET, ONE))
    ):
        return raw, given
    _refuse(raw, names, given.kind)
    says = np.stack([_said(raw.columns[name], name, raw.source) for name in names], axis=1)
    if (says == 0).any():
        says = np.where(says == -1, -2, says)
    else:
        says = np.where(says == -1, 0, says)
    known = np.logical_and.reduce(says >= 0, axis=1)
    alone = known & ((says == 1).sum(1) == 1)
    single = given.kind == "classification" or (given.kind is None and bool(known.any()) and bool(alone[known].all()))
    label, notes = (ONE if single else SET), [f"the label is made of {len(names)} columns ({some_of(names, 3, repr)})"]
    if without := [name for name, some in zip(names, (says == 1).sum(axis=0).tolist()) if not some]:
        notes.append(f"no row has {some_of(without, 3, repr)}")
    if missing := int((~known).sum()):
        has = noun(missing, "has", "have")
        notes.append(f"{counted(missing, 'row')} of which one says nothing {has} none")
    if single and (several := int((known & ~alone).sum())):
        has = noun(several, "has", "have")
        notes.append(f"{counted(several, 'row')} of which not exactly one says yes {has} none")
    called = np.array(names)
    if single:
        column = pa.array(called[(says == 1).argmax(1)], pa.string(), mask=~alone)
    else:
        sets = [called[row == 1].tolist() if there else None for row, there in zip(says, known.tolist())]
        column = pa.array(sets, pa.list_(pa.string()))
    raw = raw.with_column(label, pa.chunked_array([column]))
    raw = replace(raw, notes=(*raw.notes, "; ".join(notes)), class_names={**raw.class_names, label: tuple(names)})
    kind = given.kind or ("classification" if single else "multilabel")
    return raw, given.model_copy(update={"label": label, "kind": kind})


def _refuse(raw: Raw, names: tuple[str, ...], kind: str | None) -> None:
    there = raw.columns.column_names
    if kind not in (None, "classification", "multilabel"):
        raise ConfigError(f"{raw.source}: label_columns are for classification and multilabel, and the task is {kind}")
    wrong = [f"{name!r}, which is not there{nearest(name, there)}" for name in names if name not in there]
    if wrong:
        raise ConfigError(f"{raw.source}: label_columns names the column {'; and '.join(wrong)}")
    if len(names) < 2:
        lone = some_of(names, said=repr)
        raise ConfigError(f"{raw.source}: label_columns wants two or more columns; {lone} alone is a label")


def _said(column: pa.ChunkedArray, name: str, source: str) -> np.ndarray:
    """(n,) int64: 1 has the label, 0 has not, -1 as written, -2 nothing is said."""
    texts = pc.utf8_lower(pc.utf8_trim_whitespace(column.cast(pa.string())))
    if is_text(column.type):
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    strange = pc.unique(texts.filter(pc.invert(pc.is_in(texts, value_set=pa.array([*YES, *NO]))))).drop_null()
    if len(strange):
        raise ConfigError(
            f"{source}: label_columns names {name!r}, which holds {some_of(strange.to_pylist(), 3, repr)}: 1 or 0, or 1"
            " or -1, is wanted of every label"
        )
    codes = pc.index_in(texts, value_set=pa.array([*YES, *NO]))
    meaning = np.array([1] * len(YES) + [0] * 4 + [-1] * 2 + [-2])
    return meaning[pc.fill_null(codes, len(meaning) - 1).to_numpy()]


def says_yes_or_no(column: pa.ChunkedArray) -> bool:
    """Whether a column of numbers or truth values holds nothing but 1 and 0, or 1 and -1, and both of them."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return True
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return False
    return set(pc.unique(column.drop_null()).to_pylist()) in ({0, 1}, {-1, 1}, {-1, 0, 1}, {0})

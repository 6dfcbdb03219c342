"""The label of each row as one code, whatever kind it is of, so that rows can be asked whether theirs agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from curate.table import Labels, Table

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


@dataclass(frozen=True)
class WholeLabels:
    """Labels compared as a whole.

    Attributes:
        codes: (n,) int64, equal for equal labels, -1 for missing ones.
        name: row -> its label as text, None where it is missing.
        classes: names of the codes; empty where they are no classes.
    """

    codes: np.ndarray
    name: Callable[[int], str | None]
    classes: tuple[str, ...]


def whole_labels(evidence: Evidence) -> WholeLabels:
    """Of classes, sets of labels, and lists of tags; numbers count as missing."""
    table, labels = evidence.table, evidence.labels
    if table.task.kind == "token_classification":
        return _tags(table)
    return WholeLabels(_codes(labels), labels.name, labels.names if labels.sets is None else ())


def said(name: str | None) -> str:
    """A label for people; a missing one, and a set without any, are none."""
    return repr(name) if name else "none"


def _codes(labels: Labels) -> np.ndarray:
    if labels.sets is None:
        return labels.codes
    packed = np.packbits(labels.sets, axis=1)
    codes = np.unique(packed, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return np.where(labels.known, codes, -1)


def _tags(table: Table) -> WholeLabels:
    column = table.column(str(table.task.label))
    said = [None if tags is None else " ".join(map(str, tags)) for tags in column.to_pylist()]
    codes = pa.array(said, pa.string()).dictionary_encode().indices
    return WholeLabels(codes.fill_null(-1).to_numpy().astype(np.int64), said.__getitem__, ())

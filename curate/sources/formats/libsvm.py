"""LIBSVM's and svmlight's files: a label and the columns that are not 0, ``+1 3:0.5 11:1``, a row per line."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.columns.vectors import vector_column
from curate.sources.raw import Raw, origins

FEATURES, LABEL = "features", "label"
TEST = ".t"
"""Ending of the file for testing."""
HEAD = 1 << 16
"""Bytes by which a file is told to be of this form."""
MOST_VALUES = 1 << 29
"""Numbers of a set, zeros among them, up to which its rows are held as vectors."""
_NUMBER = rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_LINE = re.compile(rb"\s*" + _NUMBER + rb"(,\d+)*(\s+qid:\d+)?(\s+\d+:" + _NUMBER + rb")*\s*(#.*)?")


def is_libsvm(path: Path) -> bool:
    """Whether the first lines of a file are labels and numbered values, and most of them have such."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    lines = [line for line in (head.rpartition(b"\n")[0] or head).split(b"\n") if line.strip()]
    return bool(lines) and all(map(_LINE.fullmatch, lines)) and 2 * sum(b":" in line for line in lines) > len(lines)


def libsvm_files(folder: Path, texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """Files of this form among those of a folder, whose texts all are; ``a9a.t`` beside ``a9a`` is one, too."""
    if not texts or not all(is_libsvm(folder / path) for path in texts):
        return []
    return [*texts, *(path for path in others if path.endswith(TEST) and is_libsvm(folder / path))]


def read_libsvm(path: Path, name: str) -> Raw:
    """A row per line: ``features``, a vector of all columns, and ``label``, a list where lines have several.

    Raises:
        DataError: a line is of another form, or there are too many columns for vectors.
    """
    from sklearn.datasets import load_svmlight_file

    content = path.read_bytes()
    several = any(b"," in line.partition(b" ")[0] for line in content.split(b"\n"))
    try:
        values, labels = load_svmlight_file(io.BytesIO(content), multilabel=several)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{name}: no file of LIBSVM: {error}") from error
    n, width = values.shape
    if n * width > MOST_VALUES:
        raise DataError(
            f"{name}: {n:,} rows of {width:,} columns, most of them 0, are too many for vectors; choose columns, or"
            " bring them to fewer (sklearn.decomposition.TruncatedSVD) and save them by numpy.savez(X=..., y=...)"
        )
    lines = [number for number, line in enumerate(content.split(b"\n"), 1) if line.partition(b"#")[0].strip()]
    return Raw(
        pa.table({FEATURES: vector_column(values.astype(np.float32).toarray()), LABEL: _labels(labels, several)}),
        name,
        root=path.parent,
        bases=(path.parent,),
        origin=origins(path.name, np.array(lines, np.int64)),
        notes=(f"{path.name}: {width:,} numbered columns are read as one vector per row",),
        roles={FEATURES: FEATURES, LABEL: LABEL},
    )


def _labels(labels: Sequence, several: bool) -> pa.Array:
    if several:
        return pa.array([[str(int(one)) for one in row] for row in labels], pa.list_(pa.string()))
    numbers = np.asarray(labels)
    return pa.array(numbers.astype(np.int64) if (numbers == np.round(numbers)).all() else numbers)


def of_one_width(parts: Sequence[Raw]) -> list[Raw]:
    """Files of one set with vectors of one length: columns that are 0 throughout a file are missing at its end."""
    ours = [part for part in parts if part.roles.get("features") == FEATURES and FEATURES in part.columns.column_names]
    if len(ours) < 2 or len(ours) < len(parts):
        return list(parts)
    lists = [part.columns[FEATURES].combine_chunks() for part in parts]
    values = [np.asarray(one.flatten()).reshape(len(one), -1) for one in lists]
    width = max(one.shape[1] for one in values)
    padded = [np.hstack([one, np.zeros((len(one), width - one.shape[1]), one.dtype)]) for one in values]
    return [part.with_column(FEATURES, vector_column(one)) for part, one in zip(parts, padded)]

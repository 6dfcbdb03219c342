"""Rows in memory are read as `datasets` reads them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset

from curate.evidence.decoding import ArrowRows


@pytest.mark.parametrize(
    "rows", [[], [3], [2, 3, 4, 5], [0, 9], [1, 4, 5, 8, 9], [7, 2, 2, 0], list(range(10))], ids=str
)
def test_rows_are_those_of_datasets(rows: list[int]) -> None:
    """Of columns in several pieces, in one and of media, whichever rows are asked for."""
    text = pa.chunked_array([["a", None, "c"], ["d", "e", "f", "g"], ["h", "i", "j"]])
    files = pa.array([{"bytes": bytes([k]), "path": None} for k in range(10)])
    table = pa.table({"text": text, "file": files, "number": np.arange(10)})
    expected = Dataset(table).with_format("arrow")[rows] if rows else table.slice(0, 0)
    assert ArrowRows(table)[rows].to_pylist() == expected.to_pylist()
    assert ArrowRows(table).column_names == table.column_names

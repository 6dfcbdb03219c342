"""Rows that are made from others: their ids."""

import numpy as np
import pytest

import curate
from curate.errors import DataError
from curate.transforms._made_rows import child_ids


def table(ids):
    return curate.load(
        {"id": ids, "x": list(range(len(ids)))}, task=curate.Task(kind="unlabeled", features=("x",), id="id")
    )


def test_ids_of_parts_follow_those_of_rows():
    ids = [f"r{number:04d}" for number in range(500)]
    rows = np.tile(np.arange(500), 2)
    found = child_ids(table(ids), rows, np.repeat([-1, 0], 500))
    assert found.tolist() == [*ids, *(f"{one}#0" for one in ids)]


def test_an_id_that_is_taken_is_refused():
    with pytest.raises(DataError, match="'a#0', which another row has already"):
        child_ids(table(["a", "a#0"]), np.array([0, 1]), np.array([0, -1]))

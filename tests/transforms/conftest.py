"""Tables made of columns in memory."""

import pytest

import curate


@pytest.fixture
def table_of():
    """(columns, **task) -> table with a label, unless one is given."""

    def make(columns, **task):
        n = len(next(iter(columns.values())))
        columns = {"label": ["a", "b"] * (n // 2) + ["a"] * (n % 2), **columns}
        return curate.load(columns, task=curate.Task(kind="classification", label="label", **task))

    return make

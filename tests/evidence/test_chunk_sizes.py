import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.evidence.decoding import chunks


@pytest.fixture
def table():
    return curate.load(pa.table({"text": [str(row) for row in range(3_000)]}), curate.Task(kind="unlabeled"))


@pytest.mark.parametrize("workers", [0, 2, 3, 8])
@pytest.mark.parametrize("rows", [0, 1, 15, 17, 300, 3_000])
def test_every_row_stands_in_one_chunk(table, workers, rows):
    some = np.arange(rows)[::-1].copy()
    found = [chunk.rows for chunk in chunks(table, "text", some, 256, workers)]
    assert np.concatenate([*found, np.zeros(0, np.int64)]).tolist() == some.tolist()
    assert all(0 < len(own) <= 256 for own in found)


def test_chunks_of_several_workers_get_smaller_towards_the_end(table):
    even = [len(chunk.rows) for chunk in chunks(table, "text", np.arange(3_000), 256)]
    assert even == [256] * 11 + [184]
    falling = [len(chunk.rows) for chunk in chunks(table, "text", np.arange(3_000), 256, 2)]
    assert falling == sorted(falling, reverse=True)
    assert falling[:8] == [256] * 8
    assert falling[-1] <= 16
    assert sum(size > 16 for size in falling) < 20

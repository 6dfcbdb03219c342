"""New rows that are many stand in a file that is mapped, and are the same as in memory."""

import numpy as np
import pyarrow as pa
import pytest

from curate.balance.resample import Resample
from curate.balance.resampling import entries
from curate.balance.resampling.drafted import Drafted, gathered, in_blocks
from curate.balance.resampling.nearest import nearest, nearest_of_parts, summed_distances
from curate.balance.resampling.spooled import spooled
from curate.errors import StorageError

SCHEMA = pa.schema([("x", pa.float32()), ("name", pa.string())])


def batches(count=5, rows=100):
    for number in range(count):
        values = np.arange(rows, dtype=np.float32) + number * rows
        yield pa.RecordBatch.from_arrays([pa.array(values), pa.array([f"r{v:g}" for v in values])], schema=SCHEMA)


def test_a_file_holds_what_memory_would(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    small, large = spooled(batches(), SCHEMA), spooled(batches(), SCHEMA, in_memory=1000)
    assert large.equals(small)
    assert large.num_rows == 500
    assert not list(tmp_path.iterdir())  # the mapping lives on without its name


def test_no_room_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pa, "OSFile", full)
    with pytest.raises(StorageError, match=r"curate-made-.*the disk is full.*TMPDIR"):
        spooled(batches(), SCHEMA, in_memory=10)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("method", ["smote", "borderline_smote", "adasyn", "random_over", "smote_enn"])
def test_rows_of_a_file_are_the_same(planted, decided, monkeypatch, method):
    settings = {"shrinkage": 1.0} if method == "random_over" else {}
    settings |= {"kind_sel": "mode"} if method == "smote_enn" else {}
    evidence = planted()
    told, made = decided(Resample(method=method, **settings), evidence)
    monkeypatch.setattr(entries, "spooled", lambda source, schema: spooled(source, schema, in_memory=10))
    monkeypatch.setattr("curate.balance.resampling.drafted.BLOCK_ROWS", 7)
    told_again, again = decided(Resample(method=method, **settings), evidence)
    assert again.combine_chunks().equals(made.combine_chunks())
    assert told_again.table.combine_chunks().equals(told.table.combine_chunks())
    assert again["features"].num_chunks > 5


def test_blocks_are_given_as_often_as_asked():
    values = np.arange(40, dtype=np.float32).reshape(20, 2)
    drafted = Drafted.join(
        [Drafted.of(values, 1, np.arange(20)), Drafted.of(in_blocks(values + 100), 2, np.arange(20))]
    )
    kept = drafted.take(np.array([0, 19, 20, 39])).changed(lambda block: block * 2)
    for _ in range(2):
        np.testing.assert_array_equal(np.concatenate(list(kept.blocks()))[:, 0], [0, 76, 200, 276])
    assert kept.codes.tolist() == [1, 1, 2, 2]
    assert [len(block) for block in gathered(iter(np.array_split(values, 5)), 7)] == [8, 8, 4]


def test_searches_in_blocks_find_the_same(monkeypatch):
    values = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    apart = np.linalg.norm(values[:, None].astype(np.float64) - values[None], axis=2)
    monkeypatch.setattr("curate.balance.resampling.nearest.BLOCK_ROWS", 64)
    order = np.argsort(apart, axis=1)
    np.testing.assert_array_equal(nearest(values, 5), order[:, :5])
    parts = np.array_split(values, 4)
    np.testing.assert_array_equal(nearest_of_parts(lambda: iter(parts), 300, 5), order[:, :5])
    queries, among = np.arange(50), np.arange(100, 160)
    far = np.sort(apart[:50, 100:160], axis=1)
    np.testing.assert_allclose(summed_distances(values, 3, queries, among), far[:, :3].sum(1), rtol=1e-5)
    np.testing.assert_allclose(
        summed_distances(values, 3, queries, among, farthest=True), far[:, -3:].sum(1), rtol=1e-5
    )

"""What evidence holds in memory, and what steps share instead of computing it again."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

import curate
from curate.checks.near_duplicates import NearDuplicates
from curate.checks.outliers import Outliers
from curate.evidence import Evidence
from curate.evidence import near_rows as module
from curate.evidence.neighbours import nearest_neighbours


def vectors(n, d, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((50, d), dtype=np.float32)
    return centres[rng.integers(0, 50, n)] + 0.4 * rng.standard_normal((n, d), dtype=np.float32)


def table_of(values, **more):
    column = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
    rows = pa.table({"x": column, **{name: pa.array(one) for name, one in more.items()}})
    roles = {name: name for name in more if name in ("label", "split", "probabilities")}
    return curate.load(rows, task=curate.Task(features="x", kind="unlabeled" if "label" not in more else None, **roles))


@pytest.fixture
def searches(monkeypatch):
    """How many rows could be found by each search for neighbours."""
    found = []

    def counted(vectors, candidates, *more):
        found.append(int(candidates.sum()))
        return nearest_neighbours(vectors, candidates, *more)

    monkeypatch.setattr(module, "nearest_neighbours", counted)
    return found


def test_outliers_and_near_duplicates_share_one_search(searches):
    values = vectors(600, 80)
    values[-30:] = values[:30] + 0.001
    evidence = Evidence(table_of(values))
    Outliers().find(evidence)
    found = NearDuplicates().find(evidence)
    assert found.summary["near_duplicates"]["near_duplicate"]["issues"] == 30
    evidence.neighbours(3)
    evidence.neighbours(10, training=True)
    assert searches == [600]


def test_held_out_rows_are_searched_beside_the_training_rows_alone(searches):
    split = ["train"] * 400 + ["test"] * 100
    evidence = Evidence(table_of(vectors(500, 16), split=split))
    training = evidence.neighbours(7, training=True)
    every = evidence.neighbours(7)
    assert searches == [400, 100]
    assert (training.indices < 400).all()
    embedding, everyone = evidence.embedding().vectors, np.ones(500, dtype=bool)
    expected = nearest_neighbours(embedding, everyone, everyone, 7)
    assert (every.indices == expected.indices).mean() > 0.999
    np.testing.assert_allclose(every.similarity, expected.similarity, atol=1e-6)


def test_given_probabilities_are_looked_at_where_they_are():
    p = np.random.default_rng(0).dirichlet(np.ones(4), 300).astype(np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(p.reshape(-1)), 4)
    label = [f"c{k}" for k in p.argmax(1)]
    evidence = Evidence(table_of(vectors(300, 8), label=label, probabilities=column))
    found = evidence.probabilities()
    assert np.array_equal(found.values, p)
    assert not found.values.flags.owndata
    assert found is evidence.probabilities()
    assert found.valid.all()


def test_given_probabilities_that_are_not_right_throughout():
    p = np.random.default_rng(0).dirichlet(np.ones(4), 300)
    label = [f"c{k}" for k in p.argmax(1)]
    p[3] *= 1.005
    p[7], p[9, 2], lists = 0.9, np.nan, None
    lists = pa.array([None if row == 11 else line for row, line in enumerate(p.tolist())], pa.list_(pa.float64()))
    found = Evidence(table_of(vectors(300, 8), label=label, probabilities=lists)).probabilities()
    assert np.flatnonzero(~found.valid).tolist() == [7, 9, 11]
    np.testing.assert_allclose(found.values[found.valid].sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(found.values[3], p[3] / p[3].sum(), atol=1e-6)


def test_an_embedding_is_held_once():
    small, large = table_of(vectors(300, 256)), table_of(vectors(20_000, 256))  # 20 MB
    Evidence(small).embedding()
    evidence = Evidence(large)
    evidence.broken  # noqa: B018  reads what is broken, which is no part of it
    tracemalloc.start()
    held = evidence.embedding().vectors
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert now < 1.1 * held.nbytes
    assert peak < held.nbytes + 25_000_000


def test_long_vectors_of_one_column_are_judged_as_an_embedding():
    values = vectors(400, 96)
    values[5] = 6 * np.random.default_rng(1).standard_normal(96)
    found = Outliers().find(Evidence(table_of(values)))
    assert found.facts["outliers"]["detectors"] == ["knn", "lof"]
    assert 5 in found.flagged["row"].to_pylist()
    short = Outliers().find(Evidence(table_of(vectors(400, 8))))
    assert "isolation_forest" in short.facts["outliers"]["detectors"]

"""Nearest neighbours are exact, settle ties by position, and mind what can't be searched."""

import numpy as np
import pytest

from curate.evidence import neighbours as module
from curate.evidence.encoders.vectors import unit
from curate.evidence.neighbours import nearest_neighbours


def vectors(n, d=16, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(n, d)))


def all_of(n):
    return np.ones(n, dtype=bool)


def test_equal_to_scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    rows = vectors(700)
    ours = nearest_neighbours(rows, all_of(700), all_of(700), 7)
    theirs = NearestNeighbors(n_neighbors=8, metric="cosine", algorithm="brute").fit(rows).kneighbors(rows)
    assert np.array_equal(ours.indices, theirs[1][:, 1:])
    assert np.allclose(ours.similarity, 1 - theirs[0][:, 1:], atol=1e-5)


def test_blocks_make_no_difference(monkeypatch):
    rows = vectors(300)
    rows[50:60] = rows[3]
    whole = nearest_neighbours(rows, all_of(300), all_of(300), 5)
    monkeypatch.setattr(module, "BLOCK_BYTES", 5000)
    parts = nearest_neighbours(rows, all_of(300), all_of(300), 5)
    assert np.array_equal(whole.indices, parts.indices)


def test_many_equal_vectors_come_first_by_position():
    rows = vectors(50)
    rows[[4, 9, 20, 33, 41]] = rows[4]
    found = nearest_neighbours(rows, all_of(50), all_of(50), 3)
    assert found.indices[20].tolist() == [4, 9, 33]
    assert found.indices[4].tolist() == [9, 20, 33]
    assert found.similarity[20].tolist() == [1, 1, 1]


def test_all_equal():
    rows = np.tile(vectors(1), (6, 1))
    found = nearest_neighbours(rows, all_of(6), all_of(6), 3)
    assert found.indices.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2], [0, 1, 2]]


def test_a_near_group_gives_all_its_rows_before_a_further_one():
    rows = unit(np.array([[1, 0], [1, 0.1], [1, 0.1], [1, 0.1], [0, 1]]))
    found = nearest_neighbours(rows, all_of(5), all_of(5), 4)
    assert found.indices[0].tolist() == [1, 2, 3, 4]


def test_rows_that_are_no_candidates_are_not_found_but_answered():
    rows = vectors(20)
    candidates = np.arange(20) % 2 == 0
    found = nearest_neighbours(rows, candidates, all_of(20), 4)
    assert (found.indices % 2 == 0).all()
    assert (found.indices != np.arange(20)[:, None]).all()


def test_rows_without_a_vector():
    rows = vectors(10)
    rows[3] = np.nan
    valid = np.isfinite(rows).all(1)
    found = nearest_neighbours(rows, valid, valid, 4)
    assert (found.indices[3] == -1).all()
    assert np.isnan(found.similarity[3]).all()
    assert not (found.indices == 3).any()


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_fewer_rows_than_neighbours(n):
    found = nearest_neighbours(vectors(n) if n else np.zeros((0, 4), np.float32), all_of(n), all_of(n), 5)
    assert found.indices.shape == (n, 5)
    assert ((found.indices >= 0).sum(1) == max(n - 1, 0)).all()
    assert np.array_equal(np.isnan(found.similarity), found.indices < 0)

"""Neighbours, probabilities and likeness of texts come out of other machines with the bits that they have here."""

import numpy as np
import pyarrow as pa
import pytest
from fake_ray import FakeRay

from curate.engines.engine import using
from curate.engines.ray_engine import RayEngine
from curate.evidence.exact_search import FEW_QUERIES, QUERIES, Chosen, exact_search
from curate.evidence.pairs import _overlap
from curate.evidence.probabilities import cross_validated


def unit(rows, width, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("more", [0, FEW_QUERIES - 1, FEW_QUERIES, 1000])
def test_neighbours_by_blocks_of_queries(more):
    rows = QUERIES + more
    vectors = unit(rows, 8)
    given = Chosen(vectors, np.arange(rows)[::-1]), np.arange(0, rows, 2), np.arange(rows), 4
    here, ray = exact_search(*given), FakeRay()
    with using(RayEngine(ray)):
        there = exact_search(*given)
    np.testing.assert_array_equal(here[0], there[0])
    np.testing.assert_array_equal(here[1], there[1])
    assert ray.done == (2 if more >= FEW_QUERIES else 0)


def test_probabilities_by_fits():
    codes = np.arange(120) % 3
    vectors = unit(120, 6) + np.eye(6, dtype=np.float32)[codes]
    codes = np.where(np.arange(120) % 17 == 5, (codes + 1) % 3, codes)
    folds = (np.arange(120) // 3 % 5).astype(np.int8)
    told, ray = [], FakeRay()
    given = vectors, codes, 3, folds
    here = cross_validated(*given)
    with using(RayEngine(ray)):
        there = cross_validated(*given, progress=lambda *state: told.append(state))
    np.testing.assert_array_equal(here["rows_values"], there["rows_values"])
    assert ray.done == 15  # ten pairs of folds, five folds
    assert told[-1] == (15, 15)


def test_likeness_of_texts_by_blocks_of_pairs(monkeypatch):
    monkeypatch.setattr(_overlap, "SENT_PAIRS", 16)
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["alpha", "beta", "gamma", "delta", "ökonomie"], 12)) for _ in range(30)]
    column = pa.chunked_array([pa.array(texts[:20]), pa.array([*texts[20:], None])])
    left, right = rng.integers(0, 31, 50), rng.integers(0, 31, 50)
    here, ray = _overlap.text_similarity(column, left, right), FakeRay()
    with using(RayEngine(ray)):
        there = _overlap.text_similarity(column, left, right)
    assert ray.done == 4
    np.testing.assert_array_equal(here, there)

"""Fits take one thread of a BLAS and several of ours, and what they find does not depend on how many."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from curate.evidence import discriminant, heads
from curate.evidence.blas_threads import fitting_threads
from curate.evidence.discriminant import Discriminant
from curate.evidence.estimates import Estimates
from curate.evidence.lists import voters

RNG = np.random.default_rng(0)


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(heads, "FIT_NUMBERS", 2_000)
    monkeypatch.setattr(heads, "FEW_NUMBERS", 0)
    monkeypatch.setattr(heads.blocks, "__defaults__", (2_000,))
    monkeypatch.setattr(heads.spans, "__defaults__", (2_000,))


def test_an_estimate_that_multiplies_does_so_by_one_thread():
    estimates, seen = Estimates(None, np.arange(1), print), []
    with threadpool_limits(limits=2, user_api="blas"):
        for products in (True, False):
            estimates.get("test", (products,), lambda: seen.append(blas_threads()) or {}, products=products)
    assert seen[0] == {1}
    assert 2 in seen[1]


def fitted():
    inputs = np.concatenate([RNG.normal(size=(300, 12)), np.ones((300, 1))], axis=1).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[inputs[:, :3].argmax(1)]
    return inputs, targets


def each_number_of_threads(monkeypatch, work):
    found = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(heads, "cores", lambda cores=cores: cores)
        with fitting_threads():
            found.append(work())
    return found


def test_a_head_is_the_same_by_any_number_of_threads(monkeypatch, small_blocks):
    inputs, targets = fitted()
    weights = (np.arange(300) % 5 > 0).astype(np.float32)
    assert len(heads.spans(weights >= 0, 16, 2_000)) > 1
    one, *others = each_number_of_threads(monkeypatch, lambda: heads.fit_logistic(inputs, targets, weights, 0.01))
    assert all(np.array_equal(one, other) for other in others)


def test_threads_go_over_the_blocks(monkeypatch, small_blocks):
    asked = []
    monkeypatch.setattr(heads, "ordered_map", lambda work, parts, workers: asked.append(workers) or map(work, parts))
    monkeypatch.setattr(heads, "cores", lambda: 2)
    inputs, targets = fitted()
    heads.fit_logistic(inputs, targets, np.ones(300, dtype=np.float32), 0.01)
    assert set(asked) == {2}


def test_few_numbers_take_one_thread(monkeypatch):
    monkeypatch.setattr(heads, "each_block", lambda *_: pytest.fail("threads were asked for"))
    inputs, targets = fitted()
    heads.fit_logistic(inputs, targets, np.ones(300, dtype=np.float32), 0.01)


def test_a_discriminant_is_the_same_by_any_number_of_threads(monkeypatch, small_blocks):
    inputs, targets = fitted()
    everything = np.ones(300, dtype=bool)

    def work():
        return Discriminant(inputs, everything).fitted(everything, targets, (0.5,))[0][0]

    one, *others = each_number_of_threads(monkeypatch, work)
    assert all(np.array_equal(one, other) for other in others)
    monkeypatch.setattr(discriminant, "SHARED_WIDTH", 1)
    assert np.array_equal(work(), one)


def test_lists_are_the_same_in_any_blocks(monkeypatch):
    vectors = RNG.normal(size=(500, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.arange(500)
    hashes = voters.hashes(vectors, rows)
    order = np.argsort(hashes)
    given = vectors, order, hashes[order], hashes[order], voters.rounded(vectors[order]), 10, None
    whole = voters.lists(*given)
    monkeypatch.setattr(voters, "SEARCHED", 64)
    assert np.array_equal(voters.lists(*given).near, whole.near)


@pytest.mark.parametrize("classes", [1, 3, 20, 40])
def test_products_by_class_are_those_of_whole_matrices(classes):
    inputs = RNG.normal(size=(777, 70)).astype(np.float32)
    coefficients = RNG.normal(size=(classes, 70)).astype(np.float32)
    weights = RNG.normal(size=(classes, 777)).astype(np.float32)
    wide = inputs.astype(np.float64)
    assert np.allclose(heads.by_class(coefficients, inputs), coefficients @ wide.T, atol=1e-3)
    assert np.allclose(heads.summed_by_class(weights, inputs), weights @ wide, atol=1e-3)

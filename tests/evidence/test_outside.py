"""Heads of large sets learn from an even sample, and are asked about all rows."""

import numpy as np

from curate.evidence import outside, probabilities
from curate.evidence.folds import stratified_folds
from curate.evidence.outside import learned_rows, with_shares


def planted(rows, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.choice(4, rows, p=[0.55, 0.3, 0.13, 0.02])
    vectors = rng.normal(size=(rows, 24)).astype(np.float32)
    vectors[np.arange(rows), codes] += 5
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), codes


def test_few_rows_are_all_learned_from():
    codes = np.array([0, 1, -1, 1])
    assert learned_rows(codes, 3).tolist() == [True, True, False, True]


def test_a_sample_has_the_shares_of_classes_and_keeps_rare_ones():
    codes = np.repeat([0, 1, 2, -1], [60_000, 39_900, 100, 5_000])
    np.random.default_rng(0).shuffle(codes)
    chosen = learned_rows(codes, 10_000)
    assert not chosen[codes < 0].any()
    counts = np.bincount(codes[chosen])
    assert counts[2] == 100
    np.testing.assert_allclose(counts[:2], [6_000, 3_990], atol=2)


def test_shares_of_the_sample_are_taken_back():
    even = np.full((5, 2), 0.5, dtype=np.float32)
    found = with_shares(even, np.array([0, 1]), np.array([0] * 9 + [1]))
    np.testing.assert_allclose(found, np.tile([0.9, 0.1], (5, 1)), atol=1e-6)


def test_probabilities_by_a_sample_are_as_good_as_by_all_rows(monkeypatch):
    vectors, codes = planted(6_000)
    vectors[17] = np.nan
    rng = np.random.default_rng(1)
    given = np.where(rng.random(6_000) < 0.05, rng.integers(0, 4, 6_000), codes)
    given[:500] = -1  # held out
    folds = np.where(given >= 0, stratified_folds(given, np.arange(6_000), 5, 0), -1)
    order = rng.permutation(6_000)
    whole = probabilities.cross_validated(vectors, given, 4, folds)["rows_values"]
    monkeypatch.setattr(outside.learned_rows, "__defaults__", (1_500,))
    part = probabilities.cross_validated(vectors, given, 4, folds)["rows_values"]
    placed = np.empty_like(vectors)
    placed[order] = vectors
    moved = probabilities.cross_validated(placed, given, 4, folds, order=order)["rows_values"]
    np.testing.assert_array_equal(np.isnan(part[:, 0]), np.isnan(whole[:, 0]))
    np.testing.assert_array_equal(moved, part)
    known = np.isfinite(whole).all(1)
    np.testing.assert_allclose(part[known].sum(1), 1, atol=1e-4)
    right = [(found[known].argmax(1) == codes[known]).mean() for found in (whole, part)]
    assert right[1] > right[0] - 0.01
    doubted = known & (given >= 0) & (given != codes)
    assert np.median(part[doubted, given[doubted]]) < 0.05

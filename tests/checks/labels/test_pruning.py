"""Filters of confident learning in streaming passes: the rows that cleanlab flags, ties and rare classes included."""

import tracemalloc
import warnings
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest

from curate.checks.labels import confident_learning, pruning
from curate.checks.labels.pruning import label_issues
from curate.evidence.vector_rows import VectorRows

FILTERS = get_args(confident_learning.Filter)


def predictions(n, classes, seed, *, imbalanced=False, soft=False, tied=False):
    """(given codes, probabilities) with a tenth of the labels wrong."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(classes, 0.3)) if imbalanced else None
    true = rng.choice(classes, n, p=shares)
    logits = rng.normal(size=(n, classes)) * (1.0 if soft else 1.5)
    logits[np.arange(n), true] += 1.5 if soft else 4
    p = np.exp(logits)
    p /= p.sum(1, keepdims=True)
    if tied:
        p = np.round(p * 8) / 8
        p[p.sum(1) == 0] = 1 / classes
        p /= p.sum(1, keepdims=True)
    return np.where(rng.random(n) < 0.1, rng.integers(0, classes, n), true), p.astype(np.float32)


def cleanlabs(given, p, filter_by):
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about classes of one row, and about classes without a confident one
        return find_label_issues(given, p, filter_by=filter_by, n_jobs=1)


@pytest.mark.parametrize("filter_by", FILTERS)
@pytest.mark.parametrize(
    "kind",
    [{}, {"imbalanced": True}, {"soft": True}, {"tied": True}, {"tied": True, "soft": True, "imbalanced": True}],
    ids=["plain", "imbalanced", "soft", "tied", "all"],
)
def test_the_rows_that_cleanlab_flags(filter_by, kind):
    for seed, (n, classes) in enumerate([(30, 3), (400, 4), (1500, 12), (1200, 60), (200, 2)]):
        given, p = predictions(n, classes, seed, **kind)
        if len(np.unique(given)) < 2:
            continue
        for dtype in (np.float32, np.float64):
            found = label_issues(given, p.astype(dtype), filter_by).issues
            assert np.array_equal(found, cleanlabs(given, p.astype(dtype), filter_by)), (n, classes, dtype)


@pytest.mark.parametrize("named", [(0, 1, 2), (0, 2)])
def test_wrong_labels_are_counted_among_the_classes_that_occur(named):
    from cleanlab.count import num_label_issues

    given, p = predictions(600, 3, 1, soft=True)
    some = np.isin(given, named)
    given, p = given[some], p[some]
    kept = p[:, list(named)].astype(np.float64)
    kept /= kept.sum(1, keepdims=True)
    compact = np.searchsorted(named, given)
    expected = num_label_issues(compact, kept, estimation_method="off_diagonal_calibrated")
    filtered = cleanlabs(compact, kept, "confident_learning").sum()
    assert confident_learning.count(given, p) == filtered > 20
    joint = confident_learning.joint_of_present(given, p)
    assert joint.shape == (len(named), len(named))
    assert joint.sum() == pytest.approx(1)
    np.testing.assert_allclose(joint.sum(1), np.bincount(compact) / len(compact), atol=1e-6)
    assert (1 - np.trace(joint)) * len(compact) == pytest.approx(expected, abs=len(named))
    one = np.zeros(5, dtype=np.int64)
    assert confident_learning.count(one, p[:5]) == 0
    assert confident_learning.joint_of_present(one, p[:5]) is None


def test_nothing_to_judge():
    scores, found = confident_learning.multilabel_quality(np.zeros((0, 3), dtype=bool), np.zeros((0, 3)))
    assert (scores.shape, found.shape, found.dtype) == ((0,), (0,), bool)
    scores, found = confident_learning.multilabel_quality(
        np.zeros((2, 2), dtype=bool), np.array([[0.2, 0.9], [0, 0.1]])
    )
    np.testing.assert_allclose(scores, [0.1, 0.9])
    assert found.tolist() == [False, False]
    assert confident_learning.regression_quality(np.array([1.0, 2.0]), np.array([1.0, 9.0])).tolist() == [1, 1]


def test_blocks_make_no_difference(monkeypatch):
    given, p = predictions(2000, 20, 3, soft=True)
    whole = [label_issues(given, p, name).issues for name in FILTERS]
    monkeypatch.setattr("curate.evidence.confident.BLOCK_BYTES", 3000)
    monkeypatch.setattr(pruning, "BLOCK_CELLS", 500)
    for name, found in zip(FILTERS, whole, strict=True):
        assert np.array_equal(label_issues(given, p, name).issues, found)


def test_some_rows_in_some_order():
    given, p = predictions(1500, 8, 5)
    rows = np.random.default_rng(0).permutation(1500)[:900]
    for name in FILTERS:
        expected = label_issues(given[rows], np.ascontiguousarray(p[rows]), name)
        found = label_issues(given[rows], p, name, rows)
        assert np.array_equal(found.issues, expected.issues)
        assert np.array_equal(found.seen.best, p[rows].argmax(1))


def test_mapped_files_and_arrow_columns(tmp_path):
    given, p = predictions(3000, 10, 7)
    np.save(tmp_path / "p.npy", p)
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    chunks = [pa.FixedSizeListArray.from_arrays(pa.array(part.reshape(-1)), 10) for part in np.split(p, [700, 1900])]
    column = VectorRows(pa.chunked_array(chunks), 10)
    for name in FILTERS:
        expected = label_issues(given, p, name).issues
        assert np.array_equal(label_issues(given, mapped, name).issues, expected)
        assert np.array_equal(label_issues(given, column, name).issues, expected)


@pytest.mark.parametrize("shares", [None, [0.9, *[0.1 / 99] * 99]], ids=["even", "one large class"])
def test_memory_does_not_grow_with_the_classes(shares):
    rng = np.random.default_rng(0)
    n, classes = 60_000, 100
    given = rng.choice(classes, n, p=shares)
    p = rng.random((n, classes), dtype=np.float32)
    p[np.arange(n), rng.permutation(given)] += 20
    p[np.arange(n), given] += 20
    p /= p.sum(1, keepdims=True)
    label_issues(given[:500], p[:500], "both")
    tracemalloc.start()
    label_issues(given, p, "both")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 * n + 20_000_000 < 1.0 * p.nbytes

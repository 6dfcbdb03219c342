import numpy as np
import pytest

from curate.balance.selection.difficulty import difficulty, kept_first
from curate.table import Labels


def labels(codes, k=3, **more):
    return Labels(tuple("abc"[:k]), np.array(codes), **more)


def test_sure_even_and_wrong_rows():
    values = np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0, 1, 0], [np.nan] * 3], dtype=np.float32)
    given = labels([0, 0, 0, 1])
    for by in ("margin", "entropy", "least_confidence"):
        found = difficulty(values, given, by)
        np.testing.assert_allclose(found[:3], [0, 1, 0], atol=1e-6)
        assert np.isnan(found[3])
    el2n = difficulty(values, given, "el2n")
    np.testing.assert_allclose(el2n[:3], [0, np.sqrt(6 / 9) / np.sqrt(2), 1], atol=1e-6)
    assert np.isnan(difficulty(values, labels([-1, 0, 0, 0]), "el2n")[0])


def test_multilabel():
    values = np.array([[0.5, 0.5], [1, 0], [0, 1]])
    given = labels([0, 0, 0], 2, sets=np.array([[True, False], [True, False], [True, False]]))
    np.testing.assert_allclose(difficulty(values, given, "margin"), [1, 0, 0])
    np.testing.assert_allclose(difficulty(values, given, "el2n"), [0.5, 0, 1])


@pytest.mark.parametrize(("keep", "first"), [("hardest", 2), ("easiest", 0), ("middle", 1)])
def test_what_comes_first(keep, first):
    order = kept_first(np.array([0.1, 0.5, 0.9, np.nan]), keep)
    assert order[0] == first
    assert order[-1] == 3

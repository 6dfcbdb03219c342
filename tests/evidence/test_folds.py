"""Folds: level classes, whole units, no dependence on anything but the rows in canonical order."""

import numpy as np
import pytest

from curate.evidence.folds import small_classes, stratified_folds, units


def spread(strata, folds, count):
    """Largest difference between folds in rows of a class."""
    table = np.array([np.bincount(strata[folds == f], minlength=strata.max() + 1) for f in range(count)])
    return int(np.ptp(table, axis=0).max())


def test_single_rows_are_level_in_every_class_and_in_all():
    strata = np.random.default_rng(0).choice(40, 5000, p=np.arange(1, 41) / 820)
    folds = stratified_folds(strata, np.arange(5000), 5, 0)
    assert spread(strata, folds, 5) <= 1
    assert np.ptp(np.bincount(folds)) <= 1


def test_units_stay_whole_and_classes_nearly_level():
    rng = np.random.default_rng(1)
    strata = rng.integers(0, 10, 4000)
    unit = units(rng.integers(0, 1500, 4000))
    folds = stratified_folds(strata, unit, 5, 0)
    assert all(len(np.unique(folds[unit == u])) == 1 for u in np.unique(unit)[:300])
    assert spread(strata, folds, 5) <= 4


def test_as_level_as_scikit_learn():
    from sklearn.model_selection import StratifiedGroupKFold

    rng = np.random.default_rng(2)
    unit = units(rng.integers(0, 400, 2000))
    strata = rng.integers(0, 5, 2000)
    theirs = np.zeros(2000, dtype=np.int64)
    for number, (_, held) in enumerate(StratifiedGroupKFold(5).split(strata, strata, unit)):
        theirs[held] = number
    assert spread(strata, stratified_folds(strata, unit, 5, 0), 5) <= spread(strata, theirs, 5)


def test_units_join_duplicates_and_groups():
    duplicates = np.array([0, 0, -1, -1, 1, 1])
    groups = np.array([7, 8, 8, 9, 9, 3])
    assert units(duplicates, groups).tolist() == [0, 0, 0, 1, 1, 1]
    assert units(np.full(3, -1), None).tolist() == [0, 1, 2]


def test_a_row_without_a_class_follows_its_unit():
    strata = np.array([0, 1, 0, 1, -1, -1])
    folds = stratified_folds(strata, np.array([0, 1, 2, 3, 0, 9]), 2, 0)
    assert folds[4] == folds[0]
    assert folds[5] == -1


def test_classes_with_fewer_rows_than_folds_are_spread_and_named():
    strata = np.array([0] * 20 + [1] * 3 + [2])
    folds = stratified_folds(strata, np.arange(24), 5, 0)
    assert len(np.unique(folds[20:23])) == 3
    sentence = small_classes(strata, 5, ("many", "few", "one"))
    assert "'few' (3)" in sentence
    assert "'one' (1)" in sentence
    assert "many" not in sentence
    assert small_classes(np.zeros(9, dtype=np.int64), 5, ("a",)) is None


def test_seed_changes_folds_and_the_same_seed_does_not():
    strata = np.arange(100) % 3
    one, same, other = (stratified_folds(strata, np.arange(100), 5, seed) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_few_rows(n):
    folds = stratified_folds(np.zeros(n, dtype=np.int64), np.arange(n), 5, 0)
    assert len(np.unique(folds)) == n


def test_one_unit_of_all_rows_is_one_fold():
    folds = stratified_folds(np.arange(10) % 2, np.zeros(10, dtype=np.int64), 5, 0)
    assert len(np.unique(folds)) == 1


def test_an_only_class_that_is_small_is_said_so() -> None:
    assert str(small_classes(np.zeros(3, dtype=np.int64), 5, ("a",))).startswith("the only class has fewer rows")

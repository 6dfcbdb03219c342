"""Classes that coincide are found, noisy and unlearnable ones are not taken for such."""

import numpy as np
import pytest

import curate
from curate.checks.class_overlap import ClassOverlap, compare
from curate.evidence.evidence import Evidence


def made(codes, names, spread=0.5, seed=0, means=None):
    """Vectors around one mean per class; `means` says which mean a class has."""
    rng = np.random.default_rng(seed)
    codes = np.asarray(codes)
    centre = np.arange(len(names)) if means is None else np.asarray(means)
    x = (3 * np.eye(len(names))[centre[codes]] + rng.normal(0, spread, (len(codes), len(names)))).astype(np.float32)
    return curate.load({"x": list(x), "label": [names[c] for c in codes]}, features="x", label="label")


def found(table, **settings):
    return ClassOverlap(**settings).find(Evidence(table))


NAMES = ("ant", "bee", "cow", "doe", "elk", "hen")


def test_one_thing_under_two_names_is_found_and_the_rarer_name_flagged():
    codes = np.repeat([0, 1, 2, 3, 4, 5], [80, 40, 80, 80, 80, 80])
    result = found(made(codes, NAMES, means=[0, 0, 2, 3, 4, 5]))
    lines = result.flagged.to_pylist()
    assert {line["row"] for line in lines} == set(np.flatnonzero(codes == 1).tolist())
    assert {line["suggested_label"] for line in lines} == {"ant"}
    assert "'bee' (40 rows) can hardly be told from 'ant' (80 rows)" in lines[0]["reason"]
    assert result.facts["class_overlap"]["overlapping_pairs"] == 1
    assert {result.facts["class_overlap"]["pairs"][0][side] for side in ("first", "second")} == {"ant", "bee"}


@pytest.mark.parametrize("seed", range(3))
def test_wrong_labels_alone_are_no_overlap(seed):
    rng = np.random.default_rng(seed)
    true = np.arange(360) % 6
    given = np.where(rng.random(360) < 0.25, true ^ 1, true)  # ant <-> bee, cow <-> doe, elk <-> hen
    x = (3 * np.eye(6)[true] + rng.normal(0, 0.5, (360, 6))).astype(np.float32)
    table = curate.load({"x": list(x), "label": [NAMES[c] for c in given]}, features="x", label="label")
    assert not found(table).flagged.num_rows


def test_where_nothing_can_be_learned_nothing_is_said_of_pairs():
    rng = np.random.default_rng(0)
    table = curate.load(
        {"x": list(rng.normal(size=(240, 6)).astype(np.float32)), "label": [NAMES[c] for c in rng.integers(0, 6, 240)]},
        features="x",
        label="label",
    )
    result = found(table)
    assert not result.flagged.num_rows
    assert "hardly any classes" in result.facts["class_overlap"]["sentence"]


def test_merging_by_relabel():
    codes = np.repeat([0, 1, 2, 3, 4, 5], [80, 40, 80, 80, 80, 80])
    table = made(codes, NAMES, means=[0, 0, 2, 3, 4, 5])
    curated = curate.Pipeline([{"class_overlap": {"fix": {"relabel": {"min_confidence": 0}}, "limit": 1}}]).run(
        table, cache=None
    )
    labels = curated.plan["label"].cast("string").to_pylist()
    assert (len(labels), labels.count("bee"), labels.count(NAMES[0])) == (440, 0, 120)


def test_small_classes_are_not_judged():
    codes = np.repeat([0, 1, 2, 3], [80, 5, 80, 80])
    result = found(made(codes, NAMES[:4], means=[0, 0, 2, 3]))
    assert not result.flagged.num_rows
    assert set(result.table["row"].to_pylist()) == set(np.flatnonzero(codes != 1).tolist())
    assert not len(found(made([0, 1] * 30, NAMES[:2])))


def test_auroc_is_scikit_learn_s():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    codes, values = rng.integers(0, 2, 200), rng.random((200, 2)).astype(np.float32)
    values /= values.sum(1, keepdims=True)
    pairs = compare(codes, values, np.ones(2, bool))
    assert pairs["auroc"][0] == pytest.approx(roc_auc_score(codes == 0, values[:, 0]), abs=1e-6)
    assert 0.03 < pairs["error"][0] < 0.05

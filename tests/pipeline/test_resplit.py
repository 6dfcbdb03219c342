"""resplit: stratified, nothing that belongs together is torn apart, the same whatever the order of the rows."""

import numpy as np
import pytest

import curate
from curate.checks.leakage import Leakage
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings

WORDS = [f"word{i}" for i in range(400)]
SETTINGS = EvidenceSettings(encoder="classic")


def texts(rng, count):
    return [" ".join(rng.choice(WORDS, 20)) for _ in range(count)]


def leaking(rng):
    """600 texts in four classes of unequal size; 30 of the last 100 are near copies of others, 20 are copies."""
    base = texts(rng, 550)
    near = [text + " indeed" for text in base[:30]]
    labels = rng.choice(["a", "b", "c", "d"], 550, p=[0.5, 0.3, 0.15, 0.05]).tolist()
    return {
        "text": [*base, *near, *base[30:50]],
        "label": [*labels, *labels[:30], *labels[30:50]],
        "split": ["train"] * 500 + ["test"] * 100,
    }


def resplit(data, *args, **options):
    table = data if isinstance(data, curate.Table) else curate.load(data)
    return curate.resplit(table, *args, evidence=SETTINGS, cache=None, **options)


def shares(table, label):
    names = list(table.labels.names)
    own = table.labels.codes == names.index(label)
    return {split: (own & (table.splits == split)).sum() / own.sum() for split in ("train", "validation", "test")}


@pytest.fixture(scope="module")
def made():
    table = curate.load(leaking(np.random.default_rng(0)))
    return table, resplit(table)


def test_what_leaked_leaks_no_more(made):
    before, after = (Leakage().find(Evidence(t, SETTINGS)) for t in made)
    assert len(before.flagged) == 50
    assert not len(after.flagged)


def test_shares_of_splits_and_classes(made):
    _, table = made
    sizes = {str(name): int(count) for name, count in zip(*np.unique(table.splits, return_counts=True), strict=True)}
    assert sizes == pytest.approx({"train": 480, "validation": 60, "test": 60}, abs=3)
    for label in "abcd":
        assert shares(table, label) == pytest.approx({"train": 0.8, "validation": 0.1, "test": 0.1}, abs=0.04)


def test_says_what_it_did(made):
    _, table = made
    said = " ".join(table.notes)
    assert "new splits: train 4" in said
    assert "units of rows that belong together were kept whole; the largest has 2 rows" in said
    assert "rows of each class in train / validation / test: 'a' " in said


def test_rows_ids_and_order_stay(made):
    before, after = made
    assert (before.row_ids == after.row_ids).all()
    assert after.column("text").equals(before.column("text"))
    assert after.task.split == before.task.split == "split"


def test_other_order_same_splits_and_other_seed_others(made):
    table, first = made
    order = np.random.default_rng(1).permutation(len(table))
    again = resplit(table.select(order))
    assert (again.splits == first.splits[order]).all()
    other = resplit(table, seed=1)
    assert (other.splits != first.splits).sum() > 50


def test_groups_stay_whole():
    rng = np.random.default_rng(0)
    data = {"text": texts(rng, 400), "label": rng.choice(["x", "y"], 400).tolist(),
            "patient": [f"p{i}" for i in rng.integers(0, 80, 400)]}  # fmt: skip
    task = curate.Task(text="text", label="label", group="patient")
    table = resplit(curate.load(data, task), {"train": 0.6, "test": 0.4})
    for group in np.unique(table.groups):
        assert len(np.unique(table.splits[table.groups == group])) == 1
    assert (table.splits == "test").mean() == pytest.approx(0.4, abs=0.02)
    test_share = [(table.splits[table.labels.codes == code] == "test").mean() for code in (0, 1)]
    assert test_share == pytest.approx([0.4, 0.4], abs=0.04)


def test_a_giant_group_goes_to_the_largest_split_and_the_rest_fills_the_others():
    rng = np.random.default_rng(0)
    data = {"text": texts(rng, 100), "label": ["x", "y"] * 50, "who": ["giant"] * 70 + [f"g{i}" for i in range(30)]}
    table = resplit(curate.load(data, curate.Task(text="text", label="label", group="who")))
    assert set(table.splits[:70].tolist()) == {"train"}
    assert {str(s) for s in table.splits} == {"train", "validation", "test"}
    assert (table.splits == "test").sum() == pytest.approx(10, abs=1)


def test_a_class_of_one_row_is_for_training():
    rng = np.random.default_rng(0)
    table = resplit({"text": texts(rng, 51), "label": ["x", "y"] * 25 + ["lonely"]})
    assert table.splits[50] == "train"
    assert (table.splits == "test").sum() == pytest.approx(5, abs=1)


def test_no_labels_and_a_new_split_column():
    table = resplit({"text": texts(np.random.default_rng(0), 100)})
    assert table.task.split == "split"
    assert (table.splits == "train").sum() == 80


def test_a_target_is_spread_by_its_quantiles():
    rng = np.random.default_rng(0)
    target = rng.exponential(size=500)
    task = curate.Task(text="text", label="price", kind="regression")
    table = resplit(curate.load({"text": texts(rng, 500), "price": target}, task), near_duplicates=False)
    parts = [target[table.splits == split] for split in ("train", "test")]
    assert np.median(parts[0]) == pytest.approx(np.median(parts[1]), rel=0.15)


def test_near_duplicates_may_be_torn_apart_if_that_is_wished(made):
    table = resplit(made[0], near_duplicates=False)
    assert len(Leakage(kinds=("near",)).find(Evidence(table, SETTINGS)).flagged)
    assert not len(Leakage(kinds=("exact",)).find(Evidence(table, SETTINGS)).flagged)


def test_names_of_splits_are_the_common_ones(made):
    table = resplit(made[0], {"train": 0.5, "dev": 0.5}, near_duplicates=False)
    assert {str(s) for s in table.splits} == {"train", "validation"}


@pytest.mark.parametrize(
    ("fractions", "said"),
    [
        ({"train": 0.8, "test": 0.1}, "sum to 1, not 0.9"),
        ({"train": 1.2, "test": -0.2}, "'test': -0.2"),
        ({"dev": 0.5, "validation": 0.5}, "are one"),
        ({}, "sum to 1"),
    ],
)
def test_wrong_fractions_are_refused(made, fractions, said):
    with pytest.raises(ConfigError, match=said):
        resplit(made[0], fractions)


def test_synthesised_rows_are_not_split_anew(tmp_path):
    rng = np.random.default_rng(0)
    columns = {"x": rng.normal(size=(40, 3)).astype(np.float32), "label": ["a"] * 30 + ["b"] * 10}
    table = curate.load(columns, task=curate.Task(features="x", label="label"))
    curate.Pipeline([{"resample": {"method": "smote"}}, "scale"]).run(table, out=tmp_path / "out", cache=False)
    for made in (curate.open(tmp_path / "out").table, curate.Pipeline(["scale"]).run(table, cache=False).table):
        if len(made) == 40:
            resplit(made)
            continue
        with pytest.raises(ConfigError, match="20 of 60 rows were synthesised"):
            resplit(made)


def test_pieces_of_a_text_go_to_one_split():
    rng = np.random.default_rng(0)
    table = curate.load({"text": texts(rng, 40), "label": ["a", "b"] * 20})
    cut = curate.Pipeline([{"slice_text": {"tokens": 5}}]).run(table, cache=False).table
    made = resplit(cut, {"train": 0.5, "test": 0.5}, near_duplicates=False)
    assert len(made) == 160
    assert all(len(set(made.splits[made.parents == parent].tolist())) == 1 for parent in set(made.parents.tolist()))

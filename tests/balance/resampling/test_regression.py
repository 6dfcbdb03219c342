import json

import numpy as np
import pytest

from curate.balance.resample import Resample
from curate.balance.resampling.regression import bin_codes
from curate.balance.resampling.relevance import half_median_distances, relevance, split_regions
from curate.errors import DataError


@pytest.fixture
def target():
    """270 targets near 10, 30 planted near 100."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(10, 2, 270), rng.normal(100, 3, 30)])


@pytest.fixture
def evidence(evidence_of, target):
    rng = np.random.default_rng(1)
    columns = {
        "size": target / 10 + rng.normal(0, 0.1, 300),
        "rooms": rng.integers(1, 9, 300),
        "town": rng.choice(["x", "y"], 300).tolist(),
        "label": target,
        "split": ["test" if i % 10 == 0 else "train" for i in range(300)],
    }
    return evidence_of(columns, "regression", features=("size", "rooms", "town"), split="split")


def test_relevance_is_nothing_at_the_median_and_all_beyond_the_whiskers(target):
    found = relevance(target)
    assert found.min() >= 0
    assert found.max() == 1
    assert found[270:].min() == 1
    assert found[np.abs(target - np.median(target)).argmin()] < 1e-3
    order = np.argsort(target)
    above = order[target[order] >= np.median(target)]
    assert (np.diff(found[above]) >= -1e-12).all()
    assert relevance(np.linspace(0, 1, 50)).max() == 0
    half = np.array([5.0] * 40 + [9.0])
    np.testing.assert_array_equal(relevance(half), [0.0] * 40 + [1.0])


def test_regions_are_runs_of_targets(target):
    region, rare = split_regions(target, relevance(target), 0.8)
    assert rare[region[270:]].all()
    for number in np.flatnonzero(rare):
        others = target[region != number]
        low, high = target[region == number].min(), target[region == number].max()
        assert not ((others > low) & (others < high)).any()


def test_bins():
    codes, names = bin_codes(np.array([0.0, 1.0, 5.0, 10.0]), 2, "width")
    assert codes.tolist() == [0, 0, 1, 1]
    assert names == ["[0, 5)", "[5, 10]"]
    codes, _ = bin_codes(np.arange(100.0), 4, "quantile")
    assert np.bincount(codes).tolist() == [25] * 4
    codes, names = bin_codes(np.full(5, 3.0), 4, "quantile")
    assert (codes.tolist(), len(names)) == ([0] * 5, 1)


def test_bins_are_grown_or_thinned_to_one_size(evidence, decided, target, times):
    table = evidence.table
    training = np.flatnonzero(table.training)
    codes, _ = bin_codes(target[training], 3, "width")
    sizes = np.bincount(codes, minlength=3)
    for direction, wanted in (("over", sizes.max()), ("under", sizes[sizes > 0].min())):
        decisions, _ = decided(Resample(method="bins", bins=3, direction=direction), evidence)
        kept = times(decisions, table.row_ids[training])
        after = np.bincount(codes, weights=kept, minlength=3)
        assert after[sizes > 0].tolist() == [wanted] * (sizes > 0).sum()
        assert "bin '[" in decisions.table["reason"][0].as_py()
        assert set(decisions.table["row_id"].to_pylist()) <= set(table.row_ids[training].tolist())
    decisions, _ = decided(Resample(method="bins", bins=3, max_copies=2), evidence)
    assert max(int(e["after"]) for e in decisions.table.to_pylist()) == 2


@pytest.mark.parametrize("method", ["smoter", "smogn"])
def test_rare_targets_are_grown_and_common_ones_thinned(evidence, decided, target, method):
    decisions, made = decided(Resample(method=method), evidence)
    labels = np.array(made["label"].to_pylist())
    table = evidence.table
    given = target[table.training]
    region, rare = split_regions(given, relevance(given), 0.8)
    wanted = np.ceil(len(given) / len(rare))
    for number in np.flatnonzero(rare):  # the new targets of a region lie in it, up to the noise of smogn
        low, high = given[region == number].min() - 1, given[region == number].max() + 1
        assert ((labels > low) & (labels < high)).sum() + (region == number).sum() == wanted
    dropped = [e["row_id"] for e in decisions.table.to_pylist() if e["action"] == "drop"]
    common = given[~rare[region]]
    gone = target[np.isin(table.row_ids, np.array(dropped, dtype=np.dtypes.StringDType()))]
    assert len(gone) == len(common) - wanted
    assert set(gone.tolist()) <= set(common.tolist())
    size = np.array(made["size"].to_pylist())
    assert np.abs(size - labels / 10).max() < 1.5  # inputs and target were moved together
    _, grown = decided(Resample(method=method, thin=False, max_ratio=2), evidence)
    assert grown.num_rows == rare[region].sum()


def test_a_new_target_lies_where_the_new_row_does(evidence, decided, target):
    place = {row_id: i for i, row_id in enumerate(evidence.table.row_ids.tolist())}
    decisions, made = decided(Resample(method="smoter"), evidence)
    sizes = evidence.table.column("size").to_pylist()
    made_entries = [e for e in decisions.table.to_pylist() if e["action"] == "synthesize"]
    assert len(made_entries) == made.num_rows > 50
    for entry, label, size in zip(made_entries, made["label"].to_pylist(), made["size"].to_pylist()):
        how = json.loads(entry["after"])
        first, second = (place[name] for name in how["from"])
        assert label == pytest.approx(target[first] + how["share"] * (target[second] - target[first]), abs=0.01)
        assert size == pytest.approx(sizes[first] + how["share"] * (sizes[second] - sizes[first]), abs=0.01)


def test_smogn_adds_noise_where_neighbours_are_far(evidence, decided):
    decisions, _ = decided(Resample(method="smogn"), evidence)
    alone = [
        len(json.loads(e["after"])["from"]) == 1 for e in decisions.table.to_pylist() if e["action"] == "synthesize"
    ]
    assert 0 < sum(alone) < len(alone)


def test_half_median_distances():
    points = np.array([[0.0], [1.0], [3.0], [9.0]])
    np.testing.assert_allclose(half_median_distances(points), [1.5, 1.0, 1.5, 4.0])


def test_nothing_rare_is_said(evidence_of, decided):
    columns = {"features": np.zeros((20, 2), dtype=np.float32), "label": np.linspace(0, 1, 20)}
    evidence = evidence_of(columns, "regression", features="features")
    decisions, made = decided(Resample(method="smoter"), evidence)
    assert (len(decisions), made) == (0, None)
    assert "nothing is rare" in evidence.notes[-1]


def test_a_lone_rare_target(evidence_of, decided):
    columns = {"features": np.random.default_rng(0).normal(size=(21, 2)), "label": [5.0] * 20 + [50.0]}
    evidence = evidence_of(columns, "regression", features="features")
    decisions, made = decided(Resample(method="smoter", thin=False), evidence)
    assert (len(decisions), made) == (0, None)
    assert "too few to mix" in evidence.notes[-1]
    with pytest.raises(DataError, match="needs 6"):
        decided(Resample(method="smoter", few="refuse"), evidence)

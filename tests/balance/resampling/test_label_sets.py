import numpy as np
import pytest

from curate.balance.resample import Resample
from curate.balance.resampling.label_sets import imbalance, rare_label_copies, rare_set_copies
from curate.errors import DataError


@pytest.fixture
def sets():
    """(300, 4) labels that 80, 40, 20 and 3 % of rows have."""
    rng = np.random.default_rng(0)
    return rng.random((300, 4)) < [0.8, 0.4, 0.2, 0.03]


@pytest.fixture
def evidence(evidence_of, sets):
    rng = np.random.default_rng(1)
    lists = [[name for name, on in zip("abcd", row) if on] for row in sets]
    columns = {
        "size": rng.normal(size=300) + 3 * sets[:, 3],
        "count": rng.integers(0, 50, 300),
        "town": rng.choice(["x", "y", "z"], 300).tolist(),
        "label": lists,
        "split": ["test" if i % 10 == 0 else "train" for i in range(300)],
    }
    return evidence_of(
        columns, "multilabel", features=("size", "count", "town"), label_names=tuple("abcd"), split="split"
    )


def copies(evidence, decisions):
    place = {row_id: i for i, row_id in enumerate(evidence.table.row_ids.tolist())}
    more = np.zeros(len(evidence.table), dtype=np.int64)
    for entry in decisions.table.to_pylist():
        assert entry["action"] == "repeat"
        more[place[entry["row_id"]]] += int(entry["after"])
    return more


def test_imbalance_is_the_ratio_to_the_most_frequent_label():
    ratio, mean = imbalance(np.array([80, 40, 8, 0]))
    np.testing.assert_allclose(ratio, [1, 2, 10, np.nan])
    assert mean == pytest.approx(13 / 3)


def test_ml_ros_makes_rare_labels_less_rare(evidence, decided, sets):
    decisions, _ = decided(Resample(method="ml_ros", share=0.5), evidence)
    more = copies(evidence, decisions)
    training = evidence.table.training
    assert not more[~training].any()
    before, mean = imbalance(sets[training].sum(0))
    after, _ = imbalance((sets * (1 + more)[:, None])[training].sum(0))
    rare = before > mean
    assert rare.tolist() == [False, False, False, True]
    assert after[rare].max() <= mean < before[rare].max()
    assert sets[more > 0][:, rare].any(1).all()
    assert "label 'd' is" in decisions.table["reason"][0].as_py()
    assert "no rare label is left to grow" in evidence.notes[-1]


def test_ml_ros_stops_at_its_share(sets):
    more = rare_label_copies(sets, np.array([2, 3]), 20, np.full(300, 100), np.random.default_rng(0))
    assert more.sum() == 20
    capped = rare_label_copies(sets, np.array([3]), 200, np.full(300, 1), np.random.default_rng(0))
    assert capped.max() == 1
    assert capped.sum() == sets[:, 3].sum()


def test_lp_ros_grows_rare_sets_toward_the_mean(sets):
    _, group, sizes = np.unique(sets, axis=0, return_inverse=True, return_counts=True)
    more = rare_set_copies(sets, 100, np.full(300, 300), np.random.default_rng(0))
    after = np.bincount(group.ravel(), weights=1 + more)
    mean = np.ceil(sizes.mean())
    assert more.sum() == 100
    assert (after[sizes >= mean] == sizes[sizes >= mean]).all()
    assert after[sizes < mean].max() <= mean
    assert after.min() > sizes.min()


def test_mlsmote_makes_one_row_for_each_row_of_a_rare_label(evidence, decided, sets):
    decisions, made = decided(Resample(method="mlsmote"), evidence)
    table = evidence.table
    rare = table.training & sets[:, 3]
    assert made.num_rows == rare.sum()
    assert all("d" in labels for labels in made["label"].to_pylist())
    assert set(made["town"].to_pylist()) <= {"x", "y", "z"}
    sizes = np.array(table.column("size").to_pylist())[rare]
    assert sizes.min() <= min(made["size"].to_pylist()) <= max(made["size"].to_pylist()) <= sizes.max()
    assert {e["before"] for e in decisions.table.to_pylist()} == set(table.row_ids[rare].tolist())
    with pytest.raises(DataError, match="label 'd' has"):
        decided(Resample(method="mlsmote", k=200, few="refuse"), evidence)
    _, none = decided(Resample(method="mlsmote", k=200, few="leave"), evidence)
    assert none is None


@pytest.mark.parametrize("method", ["ml_ros", "lp_ros", "mlsmote"])
def test_the_order_of_rows_changes_nothing(evidence, decided, method):
    from curate.evidence import Evidence, EvidenceSettings

    turned = evidence.table.select(np.random.default_rng(1).permutation(300))
    other = Evidence(turned, EvidenceSettings(encoder="classic"))
    (here, made), (there, made_too) = (decided(Resample(method=method), e) for e in (evidence, other))
    assert here.table.equals(there.table)
    assert made is None or made.equals(made_too)


def test_without_labels_there_is_nothing_to_balance(evidence_of, decided):
    columns = {"features": np.zeros((4, 2), dtype=np.float32), "label": [[], [], None, []]}
    evidence = evidence_of(columns, "multilabel", features="features", label_names=("a", "b"))
    for method in ("ml_ros", "lp_ros", "mlsmote"):
        decisions, made = decided(Resample(method=method), evidence)
        assert (len(decisions), made) == (0, None)
    assert "no training row has a label" in evidence.notes[0]

import numpy as np
import pytest

from curate.balance.undersample import Undersample


def left(verdict, evidence):
    keep = evidence.active & evidence.table.training & evidence.labels.known & ~verdict.dropped
    return np.bincount(evidence.labels.codes[keep], minlength=len(evidence.labels.names)).tolist()


@pytest.mark.parametrize(
    ("to", "wanted"),
    [("minority", [3, 3, 3]), ("median", [6, 6, 3]), ("mean", [10, 6, 3]), (5, [5, 5, 3]), (0.4, [8, 6, 3])],
)
def test_no_class_has_more_than_wanted(evidence_of, verdict_of, to, wanted):
    evidence = evidence_of([20, 6, 3], held_out=8, unlabeled=4)
    verdict = verdict_of(Undersample(to=to), evidence)
    assert left(verdict, evidence) == wanted
    assert not verdict.dropped[~evidence.table.training | ~evidence.labels.known].any()


def test_a_row_goes_with_its_draws_and_the_class_never_falls_below(evidence_of, verdict_of):
    evidence = evidence_of([6, 4], repeats=np.array([3] * 6 + [0] * 4))
    verdict = verdict_of(Undersample(to=10), evidence)
    assert verdict.dropped[:6].sum() == 3  # 24 draws; four rows fewer would leave 8


def test_of_copies_one_stays(evidence_of, verdict_of):
    # Rows 0-5 are three pairs of copies, 6 and 7 are like nothing else.
    indices = np.array([[1], [0], [3], [2], [5], [4], [0], [0], [9], [8]])
    similarity = np.array([[1.0]] * 6 + [[0.1]] * 2 + [[0.0]] * 2)
    evidence = evidence_of([8, 2], neighbours={"indices": indices, "similarity": similarity})
    dropped = np.flatnonzero(verdict_of(Undersample(to=5, which="redundant"), evidence).dropped)
    assert sorted(dropped // 2) == [0, 1, 2]
    step = Undersample(to=2, which="redundant")
    entries = step.decide(evidence.labels, evidence, np.random.default_rng(0)).table.to_pylist()
    places = {str(row_id): place for place, row_id in enumerate(evidence.table.row_ids)}
    assert [entry["score"] for entry in entries] == [
        pytest.approx(0.0 if places[entry["row_id"]] < 6 else 0.9) for entry in entries
    ]


def test_rows_whose_label_is_doubtful_go_first(evidence_of, verdict_of):
    sure = np.linspace(0.05, 0.95, 10)
    values = np.stack([sure, 1 - sure], axis=1)
    evidence = evidence_of([8, 2], probabilities={"values": values, "valid": np.ones(10, dtype=bool)})
    decided = Undersample(to=4, which="doubtful").decide(evidence.labels, evidence, np.random.default_rng(0))
    assert decided.table["row_id"].to_pylist() == evidence.table.row_ids[:4].tolist()
    np.testing.assert_allclose(decided.table["score"].to_numpy(), sure[:4], rtol=1e-6)

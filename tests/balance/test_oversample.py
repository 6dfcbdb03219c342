import numpy as np
import pytest

import curate
from curate.balance.oversample import Oversample, shared_out
from curate.balance.resample import Resample
from curate.balance.synthesize import Synthesize
from curate.balance.undersample import Undersample
from curate.errors import ConfigError


def draws(verdict, evidence):
    keep = evidence.active & evidence.table.training & evidence.labels.known & ~verdict.dropped
    codes = evidence.labels.codes[keep]
    earlier = getattr(evidence, "repeats", np.zeros(len(keep), dtype=int))
    return np.bincount(codes, weights=(1 + verdict.repeats + earlier)[keep]).astype(int).tolist()


@pytest.mark.parametrize(
    ("to", "wanted"),
    [("majority", [20] * 3), ("median", [20, 6, 6]), ("mean", [20, 10, 10]), (12, [20, 12, 12]), (0.5, [20, 10, 10])],
)
def test_each_class_has_the_wanted_draws(evidence_of, verdict_of, to, wanted):
    evidence = evidence_of([20, 6, 3], held_out=30, unlabeled=5)
    verdict = verdict_of(Oversample(to=to), evidence)
    assert draws(verdict, evidence) == wanted
    assert not verdict.repeats[~evidence.table.training | ~evidence.labels.known].any()


def test_rows_of_a_class_are_repeated_about_equally(evidence_of, verdict_of):
    evidence = evidence_of([20, 6])
    repeats = verdict_of(Oversample(), evidence).repeats[20:]
    assert sorted(repeats) == [2, 2, 2, 2, 3, 3]


def test_copies_are_bounded_and_earlier_ones_count(evidence_of, verdict_of):
    evidence = evidence_of([20, 3], repeats=np.array([0] * 20 + [2, 0, 0]))
    verdict = verdict_of(Oversample(max_copies=3), evidence)
    assert verdict.repeats[20:].tolist() == [1, 3, 3]
    assert draws(verdict, evidence) == [20, 12]
    assert evidence.notes == [
        "oversample: `max_copies: 3` leaves classes below the 20 draws that `to: majority` asks for: 'b' has 12"
    ]


def test_a_bound_that_is_not_reached_is_no_note(evidence_of, verdict_of):
    evidence = evidence_of([20, 10])
    assert draws(verdict_of(Oversample(max_copies=1), evidence), evidence) == [20, 20]
    assert evidence.notes == []


def test_other_seed_other_rows_same_numbers(evidence_of, verdict_of):
    evidence = evidence_of([50, 20])
    one, two = (verdict_of(Oversample(), evidence, seed).repeats for seed in (1, 2))
    assert one.sum() == two.sum() == 30
    assert (one != two).any()


@pytest.mark.parametrize("counts", [[0, 0], [5, 0], [1, 1], [0, 1]])
def test_nothing_to_do(evidence_of, verdict_of, counts):
    assert not verdict_of(Oversample(), evidence_of(counts, unlabeled=1)).repeats.any()


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Oversample(to=3), "oversample: `to: 3` changes nothing: no class has fewer draws than that (6 to 20 each)"),
        (Undersample(to=99), "undersample: `to: 99` changes nothing: no class has more draws than that (6 to 20 each)"),
        (Oversample(to=7), None),
        (Undersample(to=7), None),
        (Oversample(to="majority"), None),
    ],
)
def test_a_number_that_changes_nothing_is_noted(evidence_of, verdict_of, step, says):
    evidence = evidence_of([20, 6], held_out=3)
    verdict_of(step, evidence)
    assert evidence.notes == ([says] if says else [])


def test_sharing_out_fills_evenly_within_the_room():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        room = rng.integers(0, 9, size=12)
        total = int(rng.integers(0, room.sum() + 5))
        given = shared_out(total, room)
        assert given.sum() == min(total, room.sum())
        assert (given <= room).all()
        open_to_more = given[given < room]
        if len(open_to_more):
            assert given.max() - open_to_more.min() <= 1


@pytest.mark.parametrize(("kind", "instead"), [("multilabel", "ml_ros"), ("regression", "bins")])
def test_other_tasks_are_told_what_to_take(kind, instead):
    task = curate.Task(kind=kind, text="text", label="label")
    assert f"take resample: {{method: {instead}}}" in (Oversample().refuses(task) or "")
    smote = curate.steps.Resample(method={"multilabel": "mlsmote", "regression": "smoter"}[kind])
    assert f"take `resample: {{method: {instead}}}`" in (smote.refuses(task) or "")


@pytest.mark.parametrize("step", [Oversample, Synthesize, Resample])
def test_a_number_of_draws_that_no_machine_holds_is_a_slip(step):
    with pytest.raises(ConfigError, match="less than or equal to 1000000000"):
        step(to=5_000_000_000_000)

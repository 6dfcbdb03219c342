"""Intervals and slices: equal on average, seeded, covering, and fair to few rows."""

import io

import numpy as np
import pytest
import sklearn.metrics as sk
from rich.console import Console

from curate.errors import ConfigError, DataError
from curate.metrics import Metrics, evaluate, resampled
from curate.metrics.bootstrap import counts, wilson
from curate.metrics.given import given
from curate.metrics.sums import sums_of


def made(n=300, k=4, seed=0, strength=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), labels] += strength
    return labels, np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_over_all_rows_give_the_metrics_themselves(kind, weighted):
    rng = np.random.default_rng(1)
    labels, chances = made(200, 5)
    weights = rng.uniform(0.1, 2, 200) if weighted else None
    if kind == "multilabel":
        labels, chances = rng.random((200, 5)) < 0.3, rng.random((200, 5))
    elif kind == "regression":
        labels, chances = rng.normal(size=200), rng.normal(size=200)
    found = evaluate(labels, chances, kind, weights=weights, resamples=0)
    rows = given(labels, chances, kind, found_names(found), weights)
    sums = sums_of(rows, (2, 3, 5), 15)
    again = sums.values(np.asarray(sums.matrix.sum(0)))
    assert len(again) > 2
    for name, value in again.items():
        assert value[0] == pytest.approx(found[name], abs=1e-9), name


def found_names(found):
    return tuple(one.name for one in found.classes)


def test_resampled_metrics_are_those_of_the_drawn_rows():
    labels, chances = made(80, 3)
    values = resampled(labels, chances, resamples=5, seed=7, names="abc")
    for number, drawn in enumerate(next(counts(80, 5, 7))):
        rows = np.repeat(np.arange(80), drawn.astype(int))
        own = evaluate(labels[rows], chances[rows], names="abc", resamples=0)
        for name in ("accuracy", "f1_macro", "mcc", "kappa", "nll", "brier", "ece", "roc_auc", "average_precision"):
            assert values[name][number] == pytest.approx(own[name], abs=1e-9), name
        assert values["recall[b]"][number] == pytest.approx(own["recall[b]"])


def test_seeded_and_paired():
    labels, chances = made()
    one, again = (resampled(labels, chances, resamples=50, seed=3) for _ in range(2))
    other = resampled(labels, chances, resamples=50, seed=4)
    assert all(np.array_equal(one[name], again[name], equal_nan=True) for name in one)
    assert not np.array_equal(one["accuracy"], other["accuracy"])
    # Of the same model the difference is none in every sample, however wide each one's own interval is.
    worse = chances.copy()
    worse[:3] = np.roll(worse[:3], 1, axis=1)
    difference = one["accuracy"] - resampled(labels, worse, resamples=50, seed=3)["accuracy"]
    assert np.abs(difference).max() < 0.05 < one["accuracy"].max() - one["accuracy"].min()


def test_intervals_cover_the_truth_as_often_as_they_say():
    truth = evaluate(*made(50_000, seed=99), resamples=0, curves=False)
    covered = dict.fromkeys(("accuracy", "f1_macro", "nll", "roc_auc", "average_precision"), 0)
    for seed in range(60):
        found = evaluate(*made(200, seed=seed), level=0.9, resamples=150, seed=seed, curves=False)
        for name in covered:
            low, high = found.intervals[name]
            covered[name] += low <= truth[name] <= high
    # 60 trials of 0.9: fewer than 46 would come up once in 3000 times.
    assert all(count >= 46 for count in covered.values()), covered
    # Intervals that are far too wide would always cover it.
    assert sum(covered.values()) < 5 * 59, covered


def test_shares_of_few_rows_have_honest_intervals():
    found = evaluate(["a"] * 5 + ["b"] * 20, ["a"] * 5 + ["b"] * 20)
    assert found["recall[a]"] == 1
    low, high = found.classes[0].intervals["recall"]
    assert (low, high) == pytest.approx((0.5655, 1.0), abs=1e-3)
    assert wilson(0.5, np.ones(10), 0.95) == pytest.approx((0.2366, 0.7634), abs=1e-3)
    # Weights of one row alone: as good as one row.
    assert wilson(1.0, np.array([1.0, 1e-9]), 0.95) == pytest.approx(wilson(1.0, np.ones(1), 0.95))


def test_slices_by_text_and_by_number_smallest_first():
    labels, chances = made(400)
    labels[-1] = -1
    source = np.where(np.arange(400) < 40, "phone", "camera")
    length = np.arange(400.0)
    length[:4] = np.nan
    found = evaluate(labels, chances, slices={"source": source, "length": length}, resamples=100)
    sizes = [one.rows for one in found.slices]
    assert sizes == sorted(sizes)
    assert [(one.column, one.value) for one in found.slices][:2] == [("length", "(none)"), ("source", "phone")]
    assert sum(one.rows for one in found.slices if one.column == "length") == 399
    phone = next(one for one in found.slices if one.value == "phone")
    guess = chances.argmax(1)
    assert phone.values["accuracy"] == pytest.approx((guess[:40] == labels[:40]).mean())
    assert phone.values["f1_macro"] == pytest.approx(sk.f1_score(labels[:40], guess[:40], average="macro"))
    low, high = phone.intervals["f1_macro"]
    assert low < phone.values["f1_macro"] < high
    camera = next(one for one in found.slices if one.value == "camera")
    assert high - low > np.subtract(*camera.intervals["f1_macro"][::-1])


def test_slices_that_can_not_be():
    labels, chances = made(30)
    with pytest.raises(ConfigError, match="'source' has 3 values for 30 rows"):
        evaluate(labels, chances, slices={"source": ["a", "b", "c"]})
    many = evaluate(labels, chances, slices={"row": [f"r{i}" for i in range(30)]}, most_slices=5, resamples=0)
    assert len(many.slices) == 5
    assert any("row has 30 values, of which the 5" in note for note in many.notes)
    with pytest.raises(ConfigError, match="resamples must be a whole number of at least 0"):
        evaluate(labels, chances, resamples=-1)


def test_json_both_ways_and_a_table():
    labels, chances = made(60)
    labels[labels == 3] = 0
    found = evaluate(labels, chances, names=("a", "b", "[red]c[/red]\x1b[2J", "d"), slices={"s": ["x", "y"] * 30})
    again = Metrics.from_dict(found.to_dict())
    assert again.to_json() == found.to_json()
    assert again.intervals == found.intervals
    assert np.isnan(again["recall[d]"])
    with pytest.raises(DataError, match="these are no metrics"):
        Metrics.from_dict({"rows": 3})
    out = io.StringIO()
    found.print(Console(file=out, width=120))
    text = out.getvalue()
    assert "[red]c[/red]" in text
    assert "\x1b" not in text
    assert "60 rows" in text
    assert "s = x" in text


def test_rankings_of_too_many_rows_have_no_intervals_and_a_note(monkeypatch):
    monkeypatch.setattr("curate.metrics.bootstrap.MOST_RANKED", 100)
    found = evaluate(*made(60), resamples=20)
    assert "roc_auc" not in found.intervals
    assert "f1_macro" in found.intervals
    assert any("no intervals" in note for note in found.notes)

"""weak_slices: a planted weak group is found by measure, category or cluster; even accuracy raises nothing."""

import numpy as np
import pytest

import curate
from curate.checks.groups.grouping import rank_ids
from curate.checks.sets import slices
from curate.checks.weak_slices import WeakSlices
from curate.evidence import Evidence, EvidenceSettings
from curate.evidence.exact_search import Chosen


def planted(seed=0, n=900, weak=True, **more):
    """Rows of three well separated classes; those of the site 'B' have labels that their values don't tell."""
    rng = np.random.default_rng(seed)
    codes, site = rng.integers(0, 3, n), rng.choice(["A", "A", "A", "A", "B", "C"], n)
    values = 4.0 * np.eye(6)[codes] + rng.normal(size=(n, 6))
    if weak:
        lost = site == "B"
        values[lost] = rng.normal(size=(int(lost.sum()), 6)) + 1.0
    columns = {"vector": values.astype(np.float32), "site": site.tolist(), "label": [f"c{c}" for c in codes]} | more
    table = curate.load(columns, features="vector", label="label")
    return Evidence(table, EvidenceSettings(encoder="classic", workers=1, folds=3)), site


def test_a_planted_weak_group_is_found_and_its_rows_flagged():
    evidence, site = planted()
    found = WeakSlices().find(evidence)
    weak = found.facts["weak_slices"]["weak_slices"]
    assert "site = 'B'" in {line["group"] for line in weak}
    flagged = np.zeros(len(site), dtype=bool)
    flagged[found.flagged["row"].to_numpy()] = True
    assert flagged[site == "B"].mean() >= 0.95
    assert "predicted right" in found.flagged["reason"][0].as_py()
    assert any("weak slices?" in note for note in evidence.notes)


def test_even_accuracy_raises_nothing_over_seeds():
    assert not sum(len(WeakSlices().find(planted(seed, n=400, weak=False)[0]).flagged) for seed in range(8))


def test_a_hard_class_alone_is_no_weak_group():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, 800)
    values = 4.0 * np.eye(6)[np.minimum(codes, 2)] + rng.normal(size=(800, 6))  # classes 2 and 3 can't be told apart
    site = np.where(codes >= 2, "hard", "easy")
    table = curate.load(
        {"vector": values.astype(np.float32), "site": site.tolist(), "label": [f"c{c}" for c in codes]},
        features="vector",
        label="label",
    )
    found = WeakSlices().find(Evidence(table, EvidenceSettings(encoder="classic", workers=1, folds=3)))
    assert "site = 'hard'" not in {line["group"] for line in found.facts["weak_slices"]["weak_slices"]}


@pytest.mark.parametrize("n", [1, 3, 60])
def test_few_rows_say_so(n):
    found = WeakSlices().find(planted(n=n)[0])
    assert not len(found.flagged)
    assert "Too few" in found.facts["weak_slices"]["answer"]


def test_groups_of_alike_rows_are_named_by_one_of_their_rows(monkeypatch):
    evidence, _ = planted()
    asked, made = [], []
    monkeypatch.setattr("curate.checks.weak_slices.column_slices", lambda *_: [])
    monkeypatch.setattr("curate.checks.weak_slices.in_few_words", lambda table, row: asked.append(row) or f"no. {row}")
    clusters = slices.cluster_slices
    monkeypatch.setattr(
        "curate.checks.weak_slices.cluster_slices", lambda *given: made.extend(clusters(*given)) or made
    )
    WeakSlices().find(evidence)
    rows = np.argsort(rank_ids(evidence.table.row_ids), kind="stable")  # all are judged
    assert len(made) > 5
    for group, row in zip(made, asked, strict=True):
        assert group.name == f"of rows like 'no. {row}'"
        assert row in rows[group.members]


def test_clusters_are_the_same_however_many_rows_are_copied_at_a_time(monkeypatch):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3_000, 8)).astype(np.float32)
    valid = rng.random(3_000) < 0.9
    vectors[~valid] = np.nan
    whole = slices.cluster_slices(vectors, valid, str, 0)
    monkeypatch.setattr(slices, "BLOCK_ROWS", 257)
    parts = slices.cluster_slices(Chosen(vectors, np.arange(3_000)), valid, str, 0)
    assert len(whole) > 10
    assert [s.name for s in parts] == [s.name for s in whole]
    assert all((one.members == other.members).all() for one, other in zip(parts, whole))
    assert sorted(np.concatenate([s.members for s in whole]).tolist()) == np.flatnonzero(valid).tolist()

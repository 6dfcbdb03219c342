"""diversity: copies lower the number of distinct rows; directions are counted."""

import numpy as np
import pytest

import curate
from curate.checks.diversity import Diversity
from curate.checks.sets import distinct
from curate.checks.sets.distinct import effective_dimensions
from curate.evidence import Evidence, EvidenceSettings


def evidence(vectors, **more):
    columns = {"vector": vectors.astype(np.float32)} | more
    roles = {"label": "label"} if "label" in more else {"kind": "unlabeled"}
    if "split" in more:
        roles["split"] = "split"
    table = curate.load(columns, features="vector", embedding=None, **roles)
    return Evidence(table, EvidenceSettings(encoder="classic", workers=1))


def facts(found):
    return found.facts["diversity"]


@pytest.fixture
def vectors():
    return np.random.default_rng(0).normal(size=(300, 16))


def test_distinct_rows_count_as_themselves(vectors):
    found = Diversity().find(evidence(vectors))
    assert facts(found)["effective_rows"] == 300
    assert not len(found.flagged)


def test_exact_and_near_copies_lower_the_effective_number(vectors):
    exact = Diversity().find(evidence(np.concatenate([vectors, vectors[:100]])))
    near = Diversity().find(evidence(np.concatenate([vectors, vectors[:100] + 0.001])))
    assert facts(exact)["effective_rows"] == pytest.approx(300)
    assert facts(near)["effective_rows"] == pytest.approx(300, abs=2)
    assert facts(exact)["effective_share"] == pytest.approx(0.75)


def test_a_class_of_near_copies_is_named_and_its_rows_flagged(vectors):
    noise = np.random.default_rng(1).normal(size=(100, 16))
    vectors[:100] = vectors[:1] + 0.002 * noise
    label = np.where(np.arange(300) < 100, "copied", "fine")
    found = Diversity().find(evidence(vectors, label=label.tolist()))
    assert facts(found)["redundant_classes"] == ["copied"]
    assert set(found.flagged["row"].to_pylist()) == set(range(100))
    assert "count as" in found.flagged["reason"][0].as_py()


def test_effective_dimensions_count_directions():
    axes = np.eye(8)
    assert effective_dimensions(np.repeat(axes[:1], 50, 0)) == pytest.approx((1.0, 1.0))
    assert effective_dimensions(np.tile(axes[:4], (25, 1))) == pytest.approx((4.0, 4.0))
    vendi, participation = effective_dimensions(
        np.concatenate([np.tile(axes[:1], (90, 1)), np.tile(axes[1:2], (10, 1))])
    )
    assert vendi == pytest.approx(np.exp(-(0.9 * np.log(0.9) + 0.1 * np.log(0.1))))
    assert participation == pytest.approx(1 / (0.81 + 0.01))


def test_coverage_falls_where_a_split_lies_elsewhere(vectors):
    split = np.where(np.arange(300) < 200, "train", "test").tolist()
    near = facts(Diversity().find(evidence(vectors, split=split)))["coverage_share_by_split"]["test"]
    vectors[200:] += 6
    far = facts(Diversity().find(evidence(vectors, split=split)))["coverage_share_by_split"]["test"]
    assert near >= 0.85
    assert far <= 0.05


@pytest.mark.parametrize("n", [1, 3])
def test_few_rows(vectors, n):
    found = Diversity().find(evidence(vectors[:n]))
    assert facts(found)["effective_rows"] == n


def test_near_copies_are_counted_block_by_block(monkeypatch):
    rng = np.random.default_rng(0)
    indices, groups = rng.integers(-1, 40, (40, 5)), rng.integers(-1, 6, 40)
    similarity = np.where(indices >= 0, rng.uniform(0, 1, (40, 5)), np.nan).astype(np.float32)
    rows = rng.permutation(40)[:33]
    counted = [(groups[rows] == groups[row]).sum() - 1 if groups[row] >= 0 else 0 for row in rows]
    for place, row in enumerate(rows):
        for near, alike in zip(indices[row], similarity[row], strict=True):
            told = groups[row] >= 0 and groups[near] == groups[row]
            counted[place] += near >= 0 and not told and (2 - 2 * alike) ** 0.5 <= 0.8
    monkeypatch.setattr(distinct, "BLOCK_ROWS", 7)
    assert distinct.near_copies(similarity, indices, groups, rows, 0.8).tolist() == counted
    assert max(counted) > 5 > min(counted)


@pytest.mark.parametrize(("d", "least"), [(1, 0.55), (2, 0.8), (4, 0.95)])
def test_rows_of_few_dimensions_are_near_each_other_without_being_copies(d, least):
    values = np.random.default_rng(3).normal(size=(600, d))
    found = Diversity().find(evidence(values))
    assert facts(found)["effective_share"] >= least
    assert not len(found.flagged)


def test_copies_of_one_row_count_as_one(vectors):
    found = Diversity().find(evidence(np.repeat(vectors[:1], 40, axis=0)))
    assert "40 training rows count as 1 distinct one (" in facts(found)["answer"]
    assert any("count as 1 distinct one (" in reason for reason in found.flagged["reason"].to_pylist())

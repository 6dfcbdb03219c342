"""leakage: copies across splits and groups, groups in several splits, what is said of them."""

import numpy as np
import pytest

from curate.checks.leakage import Leakage


@pytest.fixture
def planted(table_of, evidence_of):
    """100 training rows, 30 test rows: of these 6 are copies and 4 near copies of training rows."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(120, 16))
    near = vectors[10:14] + 0.01 * rng.normal(size=(4, 16))
    vectors = np.concatenate([vectors, vectors[:6], near])
    splits = ["train"] * 100 + ["test"] * 30
    table = table_of({"features": vectors.tolist(), "split": splits}, features="features", split="split")
    return evidence_of(table, vectors=vectors)


def lines(findings, issue):
    return {line["row"]: line for line in findings.flagged.to_pylist() if line["issue"] == issue}


def test_all_that_leaks_is_found_in_training(planted):
    findings = Leakage(by="embedding", min_similarity=0.99).find(planted)
    found = lines(findings, "across_splits")
    assert set(found) == {*range(6), *range(10, 14)}
    assert found[0]["score"] == 0
    assert 0 < found[10]["score"] < 0.5
    assert found[0]["reason"] == (
        "has the same content as row r000120 of the test split: leakage from test into train (exact_duplicates speaks"
        " of the same copy)"
    )
    assert "cosine similarity of the embedding" in found[10]["reason"]
    assert "threshold 0.990" in found[10]["reason"]


def test_facts_count_pairs_of_splits(planted):
    facts = Leakage(by="embedding", min_similarity=0.99).find(planted).facts["leakage"]
    assert facts["across_splits"] == {
        "train, test": {"exact_rows": 6, "near_rows": 4, "rows_of_test_met": 10, "rows_of_test": 30}
    }
    assert facts["min_similarity"] == 0.99


@pytest.mark.parametrize(("kinds", "rows"), [(("exact",), set(range(6))), (("near",), set(range(10, 14)))])
def test_kinds_are_looked_for_alone(planted, kinds, rows):
    findings = Leakage(kinds=kinds, by="embedding", min_similarity=0.99).find(planted)
    assert set(lines(findings, "across_splits")) == rows


def test_rows_dropped_before_leak_no_more(planted):
    planted.active[120:] = False
    assert not len(Leakage(by="embedding", min_similarity=0.99).find(planted).flagged)


def exact(table, evidence_of):
    return Leakage(kinds=("exact",)).find(evidence_of(table))


def test_the_test_row_stays_before_the_validation_row_before_training(table_of, evidence_of):
    table = table_of(
        {"text": ["a", "a", "a", "b", "b", "c", "c"], "split": ["train", "validation", "test", "validation", "train",
                                                               "extra", "train"]},
        text="text", split="split",
    )  # fmt: skip
    found = lines(exact(table, evidence_of), "across_splits")
    assert set(found) == {0, 1, 4, 6}
    assert "row r000002 of the test split" in found[0]["reason"]
    assert "leakage from test into validation" in found[1]["reason"]
    assert "leakage from extra into train" in found[6]["reason"]


def test_the_same_groups_and_splits_are_told_apart(table_of, evidence_of):
    columns = {"text": ["a"] * 6, "split": ["train", "test", "validation"] * 2, "patient": ["p"] * 3 + ["q"] * 3}
    table = table_of(columns, text="text", split="split", group="patient")
    findings = exact(table, evidence_of)
    assert set(lines(findings, "across_splits")) == {0, 2, 3, 5}
    assert all("row r000001 of the test split" in line["reason"] for line in lines(findings, "across_splits").values())
    # Between groups, rows of one split are compared: the others are named by the issue above.
    assert {row: line["reason"][:35] for row, line in lines(findings, "across_groups").items()} == {
        row: f"has the same content as row r00000{row - 3}" for row in (3, 4, 5)
    }


def test_copies_in_two_groups(table_of, evidence_of):
    table = table_of(
        {"text": ["a", "a", "a", "b", "c"], "patient": ["p", "q", "q", "p", None]}, text="text", group="patient"
    )
    found = lines(exact(table, evidence_of), "across_groups")
    assert set(found) == {1, 2}
    assert found[1]["reason"] == ("has the same content as row r000000 of the group 'p', and is in the group 'q'")


def test_a_group_in_two_splits(table_of, evidence_of):
    table = table_of(
        {"text": list("abcdef"), "patient": ["p", "p", "q", "p", "q", "r"],
         "split": ["train", "test", "train", "test", "train", "test"]},
        text="text", group="patient", split="split",
    )  # fmt: skip
    found = lines(exact(table, evidence_of), "shared_group")
    assert set(found) == {0}
    assert found[0]["reason"] == "its group 'p' has 2 rows in the test split: leakage from test into train"


def test_needs_splits_or_groups(table_of):
    assert "splits or groups" in Leakage().refuses(table_of({"text": ["a"]}, text="text").task)
    for role in ("split", "group"):
        task = table_of({"text": ["a"], "column": ["train"]}, text="text", **{role: "column"}).task
        assert Leakage().refuses(task) is None


def test_fix_drops_the_training_row():
    import curate
    from curate.evidence import EvidenceSettings

    texts = [f"number {i} of the rows, {i * 7} and {i * i}" for i in range(40)]
    data = {"text": [*texts, *texts[:5]], "label": ["a", "b"] * 20 + ["a", "b", "a", "b", "a"],
            "split": ["train"] * 40 + ["test"] * 5}  # fmt: skip
    steps = [{"leakage": {"kinds": ["exact"], "fix": "drop"}}]
    curated = curate.Pipeline(steps, evidence=EvidenceSettings(encoder="classic")).run(data, cache=None)
    assert curated.plan["split"].to_pylist().count("train") == 35

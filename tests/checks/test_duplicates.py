"""exact_duplicates, near_duplicates, conflicting_labels: planted copies, edits and disagreements."""

import numpy as np
import pyarrow.parquet as pq
import pytest

import curate
from curate.checks.conflicting_labels import ConflictingLabels
from curate.checks.exact_duplicates import ExactDuplicates
from curate.checks.groups.grouping import votes
from curate.checks.leakage import Leakage
from curate.checks.near_duplicates import NearDuplicates
from curate.task import Task


def reasons(findings):
    return dict(zip(findings.flagged["row"].to_pylist(), findings.flagged["reason"].to_pylist(), strict=True))


@pytest.mark.parametrize("keep", ["best", "first", "random"])
def test_the_403_copies_in_sms_spam_are_flagged(shared_data, table_of, evidence_of, keep):
    sms = pq.read_table(shared_data / "sms_spam" / "sms.parquet")
    table = table_of(sms.select(["text", "label"]).to_pydict(), text="text", label="label")
    findings = ExactDuplicates(keep=keep).find(evidence_of(table))
    assert len(findings.flagged) == 403
    groups = findings.table["group"].to_pylist()
    assert sum(g is not None for g in groups) == 684
    assert len({g for g in groups if g is not None}) == 281
    facts = findings.facts["exact_duplicates"]
    assert (facts["groups"], facts["rows_beyond_the_first"]) == (281, 403)


def test_the_training_copy_of_a_leaked_row_is_the_one_flagged(table_of, evidence_of):
    table = table_of(
        {
            "text": ["a", "a", "b", "b", "c", "c"],
            "label": ["x", "x", "x", "y", None, "x"],
            "split": ["train", "test", "validation", "train", "train", "train"],
        },
        text="text", label="label", split="split",
    )  # fmt: skip
    findings = ExactDuplicates().find(evidence_of(table))
    found = reasons(findings)
    assert set(found) == {0, 3, 4}
    assert "leakage from test into train" in found[0]
    assert "leakage from validation into train" in found[3]
    assert "labels differ ('y' here, 'x' there)" in found[3]
    assert findings.facts["exact_duplicates"]["training_rows_that_leak_into_held_out_splits"] == 2


def test_best_keeps_the_row_with_the_commonest_label(table_of, evidence_of):
    table = table_of({"text": ["a"] * 4, "label": ["odd", "even", "even", None]}, text="text", label="label")
    assert set(reasons(ExactDuplicates().find(evidence_of(table)))) == {0, 2, 3}
    assert set(reasons(ExactDuplicates(keep="first").find(evidence_of(table)))) == {1, 2, 3}


def test_random_depends_on_the_seed_alone(table_of, evidence_of):
    table = table_of({"text": ["a", "b"] * 20}, text="text")
    picks = [set(reasons(ExactDuplicates(keep="random").find(evidence_of(table, seed=s)))) for s in (0, 0, 1)]
    assert picks[0] == picks[1] != picks[2]
    pairs = table_of({"text": [f"t{i // 2}" for i in range(400)]}, text="text")
    gone = np.array(sorted(reasons(ExactDuplicates(keep="random").find(evidence_of(pairs)))))
    assert len(gone) == 200
    assert 70 < (gone % 2 == 0).sum() < 130  # either of a pair, and not only of the first group


def test_a_reason_names_the_split_only_where_it_is_another(table_of, evidence_of):
    columns = {"text": ["a", "a", "b", "b"], "label": list("xyxx"), "split": ["train", "train", "extra", "train"]}
    table = table_of(columns, text="text", label="label", split="split")
    assert reasons(ExactDuplicates().find(evidence_of(table))) == {
        1: "has the same content as row r000000; their labels differ ('y' here, 'x' there)",
        3: "has the same content as row r000002 of the extra split",
    }


@pytest.mark.parametrize("least", [None, 0.0, 0.7])
@pytest.mark.parametrize("rows", [1, 2])
def test_where_nothing_can_be_compared_nothing_is_found(table_of, evidence_of, least, rows):
    table = table_of({"features": [[1.0, 2.0]] * rows}, features="features")
    evidence = evidence_of(table, vectors=np.ones((rows, 2)))
    findings = NearDuplicates(by="embedding", min_similarity=least).find(evidence)
    assert len(findings) == rows
    assert not len(findings.flagged)
    assert findings.facts["near_duplicates"]["min_similarity"] == (1.0 if least is None else least)


def texts_with_edits(rng, n=120):
    words = np.array(
        [
            "red",
            "blue",
            "green",
            "small",
            "large",
            "round",
            "flat",
            "soft",
            "hard",
            "old",
            "new",
            "bright",
            "dark",
            "long",
            "short",
        ]
    )
    base = [" ".join(rng.choice(words, 14)) for _ in range(n)]
    return base, [text + "!" for text in base[:25]]


def near_vectors(rng, rows, near, noise=0.02):
    """Random directions, and after them the first `near` once more with some noise."""
    vectors = rng.normal(size=(rows, 16))
    return np.concatenate([vectors, vectors[:near] + noise * rng.normal(size=(near, 16))])


@pytest.fixture
def edited(table_of, evidence_of):
    """60 rows and 12 near copies of the first ones, by given vectors."""
    rng = np.random.default_rng(0)
    vectors = near_vectors(rng, 60, 12)
    table = table_of({"features": vectors.tolist()}, features="features")
    return evidence_of(table, vectors=vectors)


def test_near_rows_are_found_and_say_unit_and_threshold(edited):
    findings = NearDuplicates(by="embedding", min_similarity=0.99).find(edited)
    found = reasons(findings)
    assert set(found) == set(range(60, 72))
    assert all("cosine similarity of the embedding 0.99" in t or "embedding 1.000" in t for t in found.values())
    assert all("threshold 0.990" in text for text in found.values())
    assert findings.facts["near_duplicates"]["groups"] == 12


@pytest.mark.parametrize(("keep", "gone"), [("best", {0, 2, 5}), ("first", {1, 2, 5})])
def test_the_member_that_is_kept(table_of, evidence_of, keep, gone):
    near = [[1, 0], [1, 0.01], [0, 1], [0.01, 1], [-1, 0], [-1, 0.01]]
    columns = {"text": ["ab", "abcd", "uvw", "xyz", "no", "on"], "split": ["train"] * 3 + ["test"] + ["train"] * 2}
    table = table_of(columns, text="text", split="split")
    evidence = evidence_of(table, vectors=near, measures={"text.characters": np.array([2, 4, 3, 3, 2, 2])})
    step = NearDuplicates(by="embedding", min_similarity=0.99, keep=keep)
    assert set(reasons(step.find(evidence))) == gone  # the longer text, the test row, the lowest id
    assert ("text.characters" in step.needs(table.task)) == (keep == "best")


def test_the_copy_with_the_likelier_label_is_kept(table_of, evidence_of):
    near = [[1, 0], [1, 0.01], [0, 1], [0.01, 1]]
    table = table_of({"features": near, "label": ["a", "b", None, "b"]}, features="features", label="label")
    p = [[0.3, 0.7], [0.3, 0.7], [0.9, 0.1], [0.9, 0.1]]
    evidence = evidence_of(table, vectors=near, probabilities=p)
    assert set(reasons(NearDuplicates(by="embedding", min_similarity=0.99).find(evidence))) == {0, 2}


def test_the_threshold_decides_and_a_lower_one_searches_farther(edited):
    assert not len(NearDuplicates(by="embedding", min_similarity=1.0).find(edited).flagged)
    few = len(NearDuplicates(by="embedding", min_similarity=0.99).find(edited).flagged)
    assert few < len(NearDuplicates(by="embedding", min_similarity=0.5).find(edited).flagged)


def test_scores_are_half_at_the_threshold_and_fall_to_0(edited):
    findings = NearDuplicates(by="embedding", min_similarity=0.99).find(edited)
    score, flagged = findings.table["score"].to_numpy(), findings.table["is_issue"].to_numpy(zero_copy_only=False)
    assert (score[flagged] < 0.5).all()
    assert (score[~flagged] > 0.5).all()


def test_a_chain_of_small_steps_does_not_become_one_group(table_of, evidence_of):
    angle = np.linspace(0, np.pi / 2, 60)
    table = table_of({"features": [[float(a)] for a in angle]}, features="features")
    evidence = evidence_of(table, vectors=np.stack([np.cos(angle), np.sin(angle)], 1))
    findings = NearDuplicates(by="embedding", min_similarity=float(np.cos(0.06))).find(evidence)
    sizes = np.bincount([g for g in findings.table["group"].to_pylist() if g is not None])
    assert sizes.max() <= 5
    group, vectors = findings.table["group"].to_numpy(zero_copy_only=False), evidence.embedding().vectors
    for number in range(len(sizes)):
        members = np.flatnonzero(group == number)
        assert (vectors[members] @ vectors[members].T).max(1).min() >= np.cos(0.0601)


def test_exact_copies_are_left_to_their_own_check_unless_asked_for(table_of, evidence_of):
    rng = np.random.default_rng(0)
    texts = [f"text number {i} of many" for i in range(30)]
    vectors = rng.normal(size=(30, 8))
    table = table_of({"text": texts + texts[:4]}, text="text")
    measures = {"text.characters": np.full(34, 20)}
    evidence = evidence_of(table, vectors=np.concatenate([vectors, vectors[:4]]), measures=measures)
    assert not len(NearDuplicates(by="embedding").find(evidence).flagged)
    assert set(reasons(NearDuplicates(by="embedding", include_exact=True).find(evidence))) == {30, 31, 32, 33}


def test_conflicts_suggest_the_majority_and_flag_ties_without_suggestion(table_of, evidence_of):
    table = table_of(
        {"text": ["a"] * 4 + ["b", "b"] + ["c", "c"], "label": ["x", "x", "x", "y", "x", "y", "y", "y"]},
        text="text", label="label",
    )  # fmt: skip
    findings = ConflictingLabels(kinds=("exact",)).find(evidence_of(table))
    lines = {line["row"]: line for line in findings.flagged.to_pylist()}
    assert set(lines) == {3, 4, 5}
    assert lines[3]["suggested_label"] == "x"
    assert lines[3]["score"] == 0.25
    assert lines[4]["suggested_label"] is None
    assert lines[4]["score"] == 0.5
    assert lines[3]["reason"] == "4 rows have the same content and are labelled 'x' 3 times, 'y' 1 time"
    # The copies of c agree.
    assert findings.table["group"].to_pylist() == [0, 0, 0, 0, 1, 1, None, None]
    assert ConflictingLabels().refuses(Task(kind="regression", text="text", label="label"))
    assert findings.facts["conflicting_labels"] == {"exact_groups": 2}


def test_held_out_labels_do_not_vote_on_training_labels(table_of, evidence_of):
    table = table_of(
        {"text": ["a"] * 3, "label": ["x", "y", "y"], "split": ["train", "test", "test"]},
        text="text", label="label", split="split",
    )  # fmt: skip
    [line] = ConflictingLabels(kinds=("exact",)).find(evidence_of(table)).flagged.to_pylist()
    assert (line["row"], line["suggested_label"]) == (0, None)


def test_near_copies_that_disagree_are_found(table_of, evidence_of):
    rng = np.random.default_rng(0)
    base, edits = texts_with_edits(rng, 60)
    vectors = rng.normal(size=(60, 16))
    vectors = np.concatenate([vectors, vectors[:25]])
    labels = ["x"] * 60 + ["x"] * 20 + ["y"] * 5
    table = table_of({"text": base + edits, "label": labels}, text="text", label="label")
    findings = ConflictingLabels(by="embedding").find(evidence_of(table, vectors=vectors))
    assert set(findings.flagged["issue"].to_pylist()) == {"near"}
    assert set(findings.flagged["row"].to_pylist()) == set(range(20, 25)) | set(range(80, 85))


def test_sets_of_labels_and_tags_are_compared_as_wholes(table_of, evidence_of):
    texts = ["a b"] * 4
    sets = table_of(
        {"text": texts, "label": [["x", "y"], ["y", "x"], ["y"], None]},
        text="text", label="label", kind="multilabel", label_names=("x", "y"),
    )  # fmt: skip
    tags = table_of(
        {"text": [t.split() for t in texts], "label": [["N", "V"], ["N", "V"], ["N", "N"], None]},
        text="text", label="label", kind="token_classification",
    )  # fmt: skip
    for table in (sets, tags):
        findings = ConflictingLabels(kinds=("exact",)).find(evidence_of(table))
        assert findings.table["row"].to_pylist() == [0, 1, 2]  # the last has no label
        [line] = findings.flagged.to_pylist()
        assert (line["row"], line["suggested_label"], round(line["score"], 4)) == (2, None, 0.3333)
        assert line["reason"].startswith("3 rows have the same content and are labelled ")


def test_a_row_without_any_label_of_a_set_is_said_to_have_none(table_of, evidence_of):
    table = table_of({"text": ["one and the same text"] * 2, "label": [["x"], []]}, text="text", label="label",
                     kind="multilabel", label_names=("x", "y"))  # fmt: skip
    told = ((ConflictingLabels(), "labelled none 1 time, 'x' 1 time"), (ExactDuplicates(), "(none here, 'x' there)"))
    for check, said in told:
        assert said in check.find(evidence_of(table)).flagged["reason"][0].as_py()


def test_votes_of_a_group_by_hand():
    share, best, best_share, kinds = votes(np.array([0, 0, 0, 0, 1, 1, -1]), np.array([2, 2, 1, -1, 3, 4, 2]))
    np.testing.assert_allclose(share, [2 / 3, 2 / 3, 1 / 3, 0, 0.5, 0.5, 1])
    assert best.tolist() == [2, 2, 2, 2, -1, -1, -1]
    np.testing.assert_allclose(best_share[:6], [2 / 3] * 4 + [0.5] * 2)
    assert kinds.tolist() == [2, 2, 2, 2, 2, 2, 0]


@pytest.mark.parametrize(
    ("columns", "task"),
    [
        ({"text": ["a b", None, None, "  ", "  ", "a b"]}, {"text": "text"}),
        ({"a": [1.0, None, None, None, None, 1.0], "b": [2, None, None, None, None, 2]}, {"features": ["a", "b"]}),
        (
            {"text": ["a", None, None, "", "", "a"], "v": [[1.0], None, None, None, None, [1.0]]},
            {"text": "text", "features": "v"},
        ),
    ],
)  # fmt: skip
def test_rows_that_hold_nothing_are_no_copies_of_one_another(table_of, evidence_of, columns, task):
    splits = {"label": ["x", "x", "y", "x", "y", "y"], "split": ["train", "test", "train", "train", "test", "test"]}
    evidence = evidence_of(table_of(columns | splits, label="label", split="split", **task))
    assert set(reasons(ExactDuplicates().find(evidence))) == {0}
    assert set(reasons(ConflictingLabels(kinds=("exact",)).find(evidence))) == {0, 5}
    assert set(reasons(Leakage(kinds=("exact",)).find(evidence))) == {0}


def test_near_duplicates_with_copies_leave_out_rows_that_hold_nothing(table_of):
    texts = ["one two three four five six seven", None, None, "one two three four five six seven"]
    table = table_of({"text": texts}, text="text")
    found = curate.audit(table, checks=[NearDuplicates(include_exact=True)], cache=False).findings
    assert found.filter(found["is_issue"])["row"].to_pylist() == [3]

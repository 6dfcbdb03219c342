"""Several annotators: the consensus as label, labels that are outvoted, annotators that are not to be trusted."""

import csv
import json

import numpy as np
import pytest

import curate
from curate.checks.annotators import Annotators
from curate.errors import ConfigError
from curate.evidence.crowd import crowd
from curate.evidence.evidence import Evidence
from curate.steps import VoteLabels

SKILL = (0.95, 0.9, 0.8, 0.6, 0.3)
NAMES = ("cat", "dog", "eel", "fox")


def voted(n=600, seed=0, share=0.7):
    """Vectors of four classes that overlap a little, and five annotators of known skill who skip rows."""
    rng = np.random.default_rng(seed)
    true = np.arange(n) % 4
    x = (2.5 * np.eye(8)[true] + rng.normal(0, 0.8, (n, 8))).astype(np.float32)
    votes = np.stack([np.where(rng.random(n) < skill, true, rng.integers(0, 4, n)) for skill in SKILL], axis=1)
    skipped = rng.random(votes.shape) > share
    skipped[0] = True  # nobody looked at this row
    columns = {f"by_{i}": [None if s else NAMES[v] for v, s in zip(votes[:, i], skipped[:, i])] for i in range(5)}
    return {"x": list(x), "key": [f"r{i:03d}" for i in range(n)], **columns}, true


@pytest.fixture(scope="module")
def judged():
    columns, true = voted()
    table = curate.load(columns, features="x", id="key", annotators=[f"by_{i}" for i in range(5)])
    evidence = Evidence(table)
    return evidence, true, Annotators().find(evidence)


def test_without_a_label_the_majority_is_it(judged):
    evidence, *_ = judged
    assert evidence.table.task.label == "consensus"
    assert evidence.table.task.features == "x"
    assert "majority of the 5 annotators' votes" in " ".join(evidence.table.notes)
    votes = evidence.table.votes
    assert evidence.labels.codes[0] == -1
    for row in range(1, 40):
        given = votes[row][votes[row] >= 0]
        counts = np.bincount(given, minlength=4)
        assert counts[evidence.labels.codes[row]] == counts.max()


def test_votes_and_model_together_are_better_than_the_majority(judged):
    evidence, true, found = judged
    majority = (evidence.labels.codes == true).mean()
    both = (evidence.crowd().consensus == true).mean()
    assert majority < 0.93
    assert both > majority + 0.04
    outvoted = found.only(issue="outvoted_label").flagged
    rows = outvoted["row"].to_numpy()
    assert (evidence.labels.codes[rows] != true[rows]).mean() > 0.75
    better = [NAMES.index(name) for name in outvoted["suggested_label"].to_pylist()]
    assert (np.array(better) == true[rows]).mean() > 0.75
    wrong = np.flatnonzero((evidence.labels.codes != true) & evidence.labels.known)
    assert np.isin(wrong, rows).mean() > 0.6


def test_annotators_are_ranked_by_their_skill(judged):
    *_, found = judged
    annotators = found.facts["annotators"]["annotators"]
    quality = [annotators[f"by_{i}"]["quality"] for i in range(5)]
    assert quality == sorted(quality, reverse=True)
    assert annotators["by_4"]["agreement"] < 0.5 < annotators["by_1"]["agreement"]


def test_reasons_count_the_votes(judged):
    *_, found = judged
    line = found.only(issue="outvoted_label").flagged.to_pylist()[0]
    assert "votes: " in line["reason"]
    assert line["suggested_label"] in line["reason"]


def test_weights_and_quality_are_cleanlab_s(judged):
    from cleanlab.multiannotator import get_label_quality_multiannotator

    evidence, *_ = judged
    seen = (evidence.table.votes >= 0).any(1)
    votes = evidence.table.votes[seen]
    theirs = get_label_quality_multiannotator(
        np.where(votes >= 0, votes.astype(float), np.nan),
        evidence.probabilities().values[seen].astype(np.float64),
        consensus_method="majority_vote",
        verbose=False,
    )["label_quality"]
    ours = evidence.crowd()
    same = theirs["consensus_label"].to_numpy() == ours.consensus[seen]
    assert same.mean() > 0.8
    gap = np.abs(theirs["consensus_quality_score"].to_numpy()[same] - ours.quality[seen][same])
    assert gap.max() < 1e-3


def test_soft_labels_of_votes(judged):
    evidence, *_ = judged
    for method in ("crowdlab", "votes"):
        decided = VoteLabels(method=method).decide(evidence.labels, evidence, np.random.default_rng(0))
        assert len(decided) == (evidence.table.votes >= 0).any(1).sum() < len(evidence.table)
        line = decided.table.to_pylist()[0]
        assert line["action"] == "soften"
        assert sum(json.loads(line["after"]).values()) == pytest.approx(1, abs=0.05)
    few = VoteLabels(min_votes=5).decide(evidence.labels, evidence, np.random.default_rng(0))
    assert len(few) == ((evidence.table.votes >= 0).sum(1) >= 5).sum()


def test_a_run_with_votes_is_saved_and_opened(tmp_path):
    columns, _ = voted(80)
    (tmp_path / "votes.csv").write_text(
        "\n".join(
            [
                ",".join(["a", "b", "text"]),
                *(f"{columns['by_0'][i] or ''},{columns['by_1'][i] or ''},t {i}" for i in range(80)),
            ]
        )
    )
    pipeline = curate.Pipeline(
        ["vote_labels"], source={"path": str(tmp_path / "votes.csv")}, task={"annotators": ["a", "b"]}
    )
    curated = pipeline.run(out=tmp_path / "out", cache=None)
    again = curate.open(tmp_path / "out")
    assert again.table.task.annotators == ("a", "b")
    assert again.plan.equals(curated.plan)
    assert max(len(line) for line in curated.plan["soft_label"].to_pylist()) == 4


def test_a_label_beside_the_votes_stays_the_label():
    columns = {"text": list("abcdef"), "label": ["x", "y"] * 3, "p": ["x"] * 6, "q": ["x", "z"] * 3}
    table = curate.load(columns, label="label", annotators=["p", "q"])
    assert table.task.label_names == ("x", "y", "z")
    assert table.labels.codes.tolist() == [0, 1] * 3
    assert table.votes.tolist() == [[0, 0], [0, 2]] * 3


@pytest.mark.parametrize(
    ("annotators", "says"),
    [(["p", "r"], "'r', which is not there"), (["p"], "two or more"), (["p", "v"], "holds lists")],
)
def test_wrong_annotators(annotators, says):
    columns = {"text": list("ab"), "p": ["x", "y"], "v": [["x"], ["y"]]}
    with pytest.raises(ConfigError, match=says):
        curate.load(columns, annotators=annotators)


def test_nothing_to_learn_from():
    nan = np.full((3, 2), np.nan)
    votes = np.array([[0, -1], [-1, 1], [-1, -1]])
    found = crowd(votes, nan, np.ones(3, bool))
    assert found.consensus.tolist() == [0, 1, -1]
    np.testing.assert_allclose(found.posterior[:2], [[1, 0], [0, 1]])
    assert np.isnan(found.posterior[2]).all()
    assert crowd(np.zeros((0, 2), int), np.zeros((0, 2)), np.zeros(0, bool)).consensus.tolist() == []
    one = crowd(np.zeros((4, 2), int), np.ones((4, 1)), np.ones(4, bool))
    assert one.consensus.tolist() == [0] * 4


def test_people_s_votes_on_real_images(shared_data):
    """CIFAR-10N: three people per image; the classes of CIFAR-10 are the truth."""
    text = (shared_data / "cifar10n_3000" / "labels.csv").read_text().splitlines()
    lines = list(csv.DictReader(text))[::3]
    names = sorted({line["clean"] for line in lines})
    rng = np.random.default_rng(0)
    true = np.array([names.index(line["clean"]) for line in lines])
    # A model that is right in two of three cases stands for the images, so that the test needs no network.
    guess = np.where(rng.random(len(true)) < 0.67, true, rng.integers(0, 10, len(true)))
    model = 0.4 / 9 * np.ones((len(true), 10)) + (0.6 - 0.4 / 9) * np.eye(10)[guess]
    votes = np.array([[names.index(line[f"random{i}"]) for i in (1, 2, 3)] for line in lines])
    found = crowd(votes, model, np.ones(len(true), bool))
    majority = np.array([names.index(line["aggregate"]) for line in lines])
    assert (found.consensus == true).mean() > (majority == true).mean()

"""balanced_ensemble: members with the class counts of imbalanced-learn's, each a result of its own."""

import json
from collections import Counter

import numpy as np
import pytest

import curate
from curate.balance.balanced_ensemble import BalancedEnsemble


def inside(step, evidence, seed=0):
    """member -> Counter of row ids."""
    found = {}
    decided = step.decide(evidence.labels, evidence, np.random.default_rng(seed))
    for line in decided.table.to_pylist():
        assert line["action"] == "subset"
        for number in json.loads(line["after"]):
            found.setdefault(number, Counter())[line["row_id"]] += 1
    return found


def class_counts(member, evidence):
    label = dict(zip(evidence.table.row_ids.tolist(), evidence.labels.codes.tolist()))
    return Counter(label[row] for row, times in member.items() for _ in range(times))


def test_easy_ensemble_draws_as_imbalanced_learn_does(evidence_of):
    from imblearn.under_sampling import RandomUnderSampler

    evidence = evidence_of([40, 12, 5], held_out=6, unlabeled=3)
    codes = np.repeat([0, 1, 2], [40, 12, 5])
    _, theirs = RandomUnderSampler(random_state=0).fit_resample(codes[:, None], codes)  # of EasyEnsembleClassifier
    found = inside(BalancedEnsemble(members=4), evidence)
    assert sorted(found) == [0, 1, 2, 3]
    for member in found.values():
        assert class_counts(member, evidence) == Counter(theirs.tolist()) == {0: 5, 1: 5, 2: 5}
        assert max(member.values()) == 1
    assert len({frozenset(member) for member in found.values()}) == 4


def test_balanced_bagging_draws_as_imbalanced_learn_does(evidence_of):
    from imblearn.ensemble import BalancedBaggingClassifier
    from sklearn.dummy import DummyClassifier

    class Counting(DummyClassifier):
        def fit(self, features, labels):
            self.counts = np.bincount(labels, minlength=2).tolist()
            return super().fit(features, labels)

    evidence = evidence_of([80, 20])
    codes = np.repeat([0, 1], [80, 20])
    bagging = BalancedBaggingClassifier(Counting(), n_estimators=150, random_state=1)
    bagging.fit(np.arange(100)[:, None], codes)
    theirs = [one[-1].counts for one in bagging.estimators_]
    ours = [
        class_counts(m, evidence)
        for m in inside(BalancedEnsemble(members=150, method="balanced_bagging"), evidence).values()
    ]
    assert all(a == b for a, b in theirs)
    assert all(count[0] == count[1] for count in ours)
    # The smallest class has a binomial number of rows in a bootstrap: mean 20, variance 16.
    for sizes in ([a for a, _ in theirs], [count[0] for count in ours]):
        assert np.mean(sizes) == pytest.approx(20, abs=4 * 4 / np.sqrt(150))
        assert np.std(sizes) == pytest.approx(4, abs=1)


def test_the_other_methods(evidence_of):
    evidence = evidence_of([30, 6])
    for member in inside(BalancedEnsemble(members=5, method="balanced_forest"), evidence).values():
        assert class_counts(member, evidence) == {0: 6, 1: 6}
        assert max(member.values()) > 1
    parts = inside(BalancedEnsemble(members=5, method="partition"), evidence)
    seen = sum(parts.values(), Counter())
    assert all(class_counts(member, evidence) == {0: 6, 1: 6} for member in parts.values())
    assert Counter(seen.values()) == {1: 30, 5: 6}  # every row of the majority once, every other in all members
    wide = inside(BalancedEnsemble(members=2, to=0.5), evidence)
    assert all(class_counts(member, evidence) == {0: 15, 1: 6} for member in wide.values())
    wide = inside(BalancedEnsemble(members=2, to=0.5, replacement=True), evidence)
    assert all(class_counts(member, evidence) == {0: 15, 1: 15} for member in wide.values())


def test_a_class_of_one_row_is_in_every_bootstrap(evidence_of):
    evidence = evidence_of([60, 1])
    for member in inside(BalancedEnsemble(members=20, method="balanced_bagging"), evidence).values():
        assert set(class_counts(member, evidence)) == {0, 1}


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    rng = np.random.default_rng(0)
    n = 60
    columns = {
        "features": rng.normal(size=(n, 3)).astype(np.float32),
        "label": ["a"] * 40 + ["b"] * 8 + ["a"] * 8 + ["b"] * 4,
        "split": ["train"] * 48 + ["test"] * 12,
        "id": [f"row{i:02d}" for i in range(n)],
    }
    pipeline = curate.Pipeline.from_text(
        "curate: 1\nsteps: [{balanced_ensemble: {members: 3, method: balanced_forest}}]\nfeed: {batch_size: 4}"
    )
    return pipeline.run(curate.load(columns, task={"kind": "classification", "features": "features"}))


def test_members_are_results_of_their_own(curated, tmp_path):
    assert len(curated.members) == 3
    assert curated.accounts == [
        {"split": "test", "read": 12, "added": 0, "kept": 12, "dropped": 0, "unreadable": 0, "draws": 12},
        {"split": "train", "read": 48, "added": 0, "kept": 48, "dropped": 0, "unreadable": 0, "draws": 48},
    ]
    rows = set()
    for number, member in enumerate(curated.members):
        lines = [line for line in member.plan.to_pylist() if line["split"] == "train"]
        assert Counter(line["label"] for line in lines) == {"a": 8, "b": 8}
        copies = Counter(line["row_id"] for line in lines)
        assert sorted((r, c) for r, k in copies.items() for c in range(k)) == sorted(
            (x["row_id"], x["copy"]) for x in lines
        )
        [account] = [line for line in member.accounts if line["split"] == "train"]
        assert account["kept"] == len(copies)
        assert account["kept"] + account["dropped"] == 48
        assert account["draws"] == 16
        fed = Counter(row for batch in member.loader() for row in batch["row_id"])
        assert fed == copies
        assert float(member.loss()(__import__("torch").zeros(2, 2), {"labels": __import__("torch").tensor([0, 1])})) > 0
        assert len(list(member.loader(split="test"))) == 3
        assert member.members == []
        assert member.facts["member"] == number
        rows.add(tuple(sorted(copies)))
    assert len(rows) == 3
    out = next(row for row in curated.table.row_ids[:40].tolist() if row not in copies)
    assert "not in member 2 of 3" in member.explain(out)
    assert "of an ensemble" in curated.explain(next(iter(copies)))
    again = curate.open(curated.save(tmp_path / "out").folder)
    assert [m.plan.equals(n.plan) for m, n in zip(again.members, curated.members)] == [True] * 3
    one = curate.open(member.save(tmp_path / "member").folder)
    assert one.plan.equals(member.plan)


def test_two_ensembles_and_none(curated):
    import dataclasses

    from curate.ledger import Decisions

    both = Decisions.join([curated.ledger_, curated.ledger_.by("other")])
    with pytest.raises(curate.errors.DataError, match="balanced_ensemble and other made an ensemble each"):
        _ = dataclasses.replace(curated, ledger_=both).members
    assert dataclasses.replace(curated, ledger_=curated.ledger_.without(["balanced_ensemble"])).members == []

"""drift: a shifted test split is found, its foreign rows named; random splits are not."""

import numpy as np
import pytest

import curate
from curate.checks.drift import Drift
from curate.checks.sets.domain_classifier import auroc_interval, tell_apart
from curate.checks.sets.two_samples import association, holm
from curate.errors import ConfigError
from curate.evidence import Evidence, EvidenceSettings


def evidence(values, split, **more):
    columns = {f"x{j}": values[:, j] for j in range(values.shape[1])}
    roles = {"label": "label"} if "label" in more else {"kind": "unlabeled"}
    table = curate.load(columns | {"split": list(split)} | more, features=list(columns), split="split", **roles)
    return Evidence(table, EvidenceSettings(encoder="classic", workers=1))


def random_set(seed, n=400, d=8):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), np.where(rng.random(n) < 0.3, "test", "train"), rng


def test_a_random_split_is_unlike_in_at_most_5_percent_of_seeds():
    false = 0
    for seed in range(12):
        values, split, rng = random_set(seed)
        found = Drift().find(evidence(values, split, label=rng.choice(["a", "b"], 400).tolist()))
        splits = found.facts["drift"]["splits"]["test"]
        false += bool(len(found.flagged) or splits["shifted_measures"] or splits["unlike_training"])
    assert false <= 1


def test_a_shifted_split_is_found_and_told_in_the_units_of_the_column():
    values, split, _ = random_set(0)
    values[split == "test", :3] += 1.5
    data = evidence(values, split)
    found = Drift().find(data)
    facts = found.facts["drift"]
    assert facts["splits"]["test"]["unlike_training"]
    assert facts["splits"]["test"]["auroc_low"] > 0.8
    assert {line["measure"] for line in facts["shifted_measures"]} == {"x0", "x1", "x2"}
    assert facts["answer"].startswith("No")
    assert any("test" in note and "AUROC" in note for note in data.notes)


def test_of_a_mixed_split_the_foreign_rows_are_named():
    values, split, _ = random_set(1, n=800)
    test = np.flatnonzero(split == "test")
    foreign = test[:60]
    values[foreign] += 5
    found = Drift().find(evidence(values, split))
    flagged = set(found.flagged["row"].to_pylist())
    assert len(flagged & set(foreign.tolist())) >= 57
    assert len(flagged - set(foreign.tolist())) <= 5
    assert all("foreign up to 10%" in reason for reason in found.flagged["reason"].to_pylist())


def test_other_shares_of_classes_are_found():
    values, split, rng = random_set(2, n=1000)
    label = np.where(rng.random(1000) < np.where(split == "test", 0.8, 0.2), "a", "b")
    found = Drift().find(evidence(values, split, label=label.tolist()))
    assert [line["measure"] for line in found.facts["drift"]["shifted_measures"]] == ["the label"]


def test_a_column_that_the_split_was_made_by_is_told_but_does_not_decide():
    values, split, _ = random_set(3)
    year = np.where(split == "test", 2025, 2024) + np.zeros(400)
    found = Drift().find(evidence(values, split, year=year.tolist()))
    facts = found.facts["drift"]
    assert [line["measure"] for line in facts["shifted_measures"]] == ["year"]
    assert facts["answer"].startswith("Yes")


def test_equal_rows_in_both_splits_do_not_let_the_classifier_learn_rows_by_heart():
    rng = np.random.default_rng(4)
    base = rng.normal(size=(150, 60)).astype(np.float32)
    vectors = np.concatenate([base, base, base])
    is_sample = np.arange(450) >= 300
    told = tell_apart(vectors, is_sample, np.tile(np.arange(150), 3))
    assert told is not None
    assert abs(told.auroc - 0.5) < 0.06


def test_without_splits_it_is_not_for_such_a_task():
    assert "names no split and no target" in Drift().refuses(curate.Task(text="t"))


@pytest.mark.parametrize("n", [1, 3, 30])
def test_few_rows_give_no_verdict(n):
    values = np.random.default_rng(0).normal(size=(n, 3))
    split = ["test" if i % 3 == 0 else "train" for i in range(n)]
    found = Drift().find(evidence(values, split))
    assert not len(found.flagged)
    assert "Too few" in found.facts["drift"]["answer"]


def test_the_interval_holds_the_auroc_as_often_as_it_says():
    rng = np.random.default_rng(5)
    truth, inside = 0.7602, 0  # Phi(1 / sqrt(2))
    for _ in range(300):
        auroc, low, high = auroc_interval(rng.normal(1, 1, 60), rng.normal(0, 1, 80), 0.9)
        assert low <= auroc <= high
        inside += low <= truth <= high
    assert 0.85 <= inside / 300 <= 0.95


def test_associations_and_corrections_are_those_of_the_libraries():
    from scipy.stats import chi2_contingency
    from scipy.stats.contingency import association as cramer

    table = np.array([[40, 30, 30], [20, 50, 60]])
    effect, p = association(table)
    assert p == pytest.approx(chi2_contingency(table, correction=False).pvalue)
    assert effect == pytest.approx(cramer(table, "cramer"), abs=0.03)
    assert association(np.array([[5, 5]])) == (0.0, 1.0)
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])


def csv(path, values, **more):
    import pandas as pd

    pd.DataFrame({f"x{j}": values[:, j] for j in range(values.shape[1])} | more).to_csv(path, index=False)
    return path


def with_target(tmp_path, shift):
    values, _, rng = random_set(6, n=500, d=5)
    label = rng.choice(["a", "b"], 500)
    values[:100, :2] += 7  # training rows that the target has none of
    train = csv(tmp_path / "train.csv", values, label=label)
    target = csv(tmp_path / "deployed.csv", rng.normal(size=(400, 5)) + np.array([0, 0, shift, 0, 0]))
    return train, target


def test_a_target_is_read_and_training_rows_unlike_it_are_named(tmp_path):
    train, target = with_target(tmp_path, 2.0)
    report = curate.audit(curate.load(train, label="label", target=target), checks=["drift"], cache=None)
    facts = report.document(0).checks["drift"].facts
    assert facts["splits"]["the target"]["unlike_training"]
    assert "x2" in {line["measure"] for line in facts["shifted_measures"]}
    flagged = report.findings.filter(report.findings["is_issue"])
    assert set(flagged["issue"].to_pylist()) == {"unlike_target"}
    rows = set(flagged["row"].to_pylist())
    assert len(rows & set(range(100))) >= 95
    assert any("deployed.csv" in name for name in facts["target_rows_unlike_training"])


def test_a_target_like_the_training_rows_is_said_to_be(tmp_path):
    values, _, rng = random_set(7)
    train = csv(tmp_path / "train.csv", values, label=rng.choice(["a", "b"], 400))
    target = csv(tmp_path / "deployed.csv", rng.normal(size=(300, 8)))
    report = curate.audit(train, checks=["drift"], task=curate.Task(label="label", target=str(target)), cache=None)
    assert report.document(0).checks["drift"].facts["answer"].startswith("Yes")


def test_the_target_of_a_pipeline_file_is_relative_to_it(tmp_path):
    with_target(tmp_path, 2.0)
    (tmp_path / "p.yaml").write_text(
        "curate: 1\nsource: train.csv\ntask: {label: label, target: deployed.csv}\nsteps: [drift: {fix: review}]\n"
    )
    curated = curate.Pipeline.from_yaml(tmp_path / "p.yaml").run(cache=None)
    assert curated.ledger.num_rows >= 95


def test_a_target_on_the_command_line(tmp_path):
    from curate.cli import invoke

    train, target = with_target(tmp_path, 2.0)
    arguments = ["audit", str(train), "--label", "label", "--target", str(target), "--checks", "drift", "--no-cache"]
    assert invoke([*arguments, "--fail-on", "drift.unlike_target > 10%"]) == 1


def test_a_split_may_be_the_target():
    values, split, _ = random_set(8)
    values[split == "test", :3] += 2
    columns = {f"x{j}": values[:, j] for j in range(8)} | {"split": split.tolist()}
    table = curate.load(columns, features=[f"x{j}" for j in range(8)], split="split", kind="unlabeled", target="test")
    found = Drift().find(Evidence(table, EvidenceSettings(encoder="classic", workers=1)))
    assert set(found.flagged["issue"].to_pylist()) == {"foreign", "unlike_target"}


def test_images_of_a_target_in_another_folder_are_read(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(9)
    for folder, level in (("data/a", 60), ("data/b", 80), ("deployed", 200)):
        (tmp_path / folder).mkdir(parents=True)
        for i in range(40):
            pixels = np.clip(rng.normal(level, 20, (12, 12, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{i}.png")
    table = curate.load(tmp_path / "data", target=tmp_path / "deployed")
    found = Drift().find(Evidence(table, EvidenceSettings(encoder="classic", workers=1)))
    assert found.facts["drift"]["splits"]["the target"]["auroc_low"] > 0.9
    assert "image.brightness" in {line["measure"] for line in found.facts["drift"]["shifted_measures"]}


def test_a_target_that_is_not_there_or_has_other_columns_is_refused(tmp_path):
    from curate.errors import CurateError

    train, _ = with_target(tmp_path, 0.0)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n3,4\n")
    for target, expected in (("nowhere.csv", "neither a file or folder nor a split"), (tmp_path / "other.csv", "x0")):
        evidence = Evidence(curate.load(train, label="label", target=target), EvidenceSettings(encoder="classic"))
        with pytest.raises(CurateError, match=expected):
            Drift().find(evidence)


def test_a_target_of_too_few_rows_says_so_in_a_note(tmp_path):
    (tmp_path / "one.csv").write_text("x,y\n1,2\n")
    columns = {"x": [float(i % 7) for i in range(60)], "y": [float(i % 5) for i in range(60)], "label": ["a", "b"] * 30}
    evidence = Evidence(curate.load(columns, target=str(tmp_path / "one.csv"), features=["x", "y"], label="label"))
    Drift().find(evidence)
    assert any("1 row beside 60 training rows are too few to say" in note for note in evidence.notes)


def test_an_audit_refuses_a_target_that_is_not_there_before_it_judges(tmp_path, monkeypatch):
    monkeypatch.setattr("curate.pipeline.auditing.choose", lambda *_: pytest.fail("it began"))
    with pytest.raises(ConfigError, match=r"'nothing.csv' is neither .*\(train\); name another \(--target"):
        curate.audit(curate.load({"x": [1.0, 2.0], "label": ["a", "b"]}, target="nothing.csv"), cache=None)

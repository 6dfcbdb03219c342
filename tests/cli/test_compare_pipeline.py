"""`curate compare pipeline.yaml`, as a person types it."""

import json
from html import unescape

import numpy as np
import pyarrow.parquet as pq
import pytest

from curate.cli import invoke

WORDS = {"cat": "purr meow whiskers paw claw", "dog": "bark bone fetch leash wag"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Texts of two classes with a quarter of the labels wrong, test rows apart, and a pipeline file."""
    folder = tmp_path_factory.mktemp("project")
    rng = np.random.default_rng(0)
    for name, rows, noise in (("train", 240, 0.25), ("test", 120, 0.0)):
        lines = []
        for i in range(rows):
            label = ("cat", "dog")[i % 2]
            given = ("dog", "cat")[i % 2] if rng.random() < noise else label
            lines.append(f"{' '.join(rng.choice(WORDS[label].split(), 4))} {name}{i},{given}")
        (folder / f"{name}.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    (folder / "pipeline.yaml").write_text(
        "curate: 1\nsource: {path: train.csv}\nevidence: {encoder: classic}\n"
        "steps:\n  - clean_text\n  - label_errors: {fix: drop}\n"
    )
    return folder


@pytest.fixture
def here(project, monkeypatch):
    monkeypatch.chdir(project)
    return project


def test_text_page_and_folder(here, capsys):
    arguments = ["pipeline.yaml", "--test", "test.csv", "--seeds", "2", "--html", "c.html", "--out", "compared"]
    assert invoke(["compare", *arguments]) == 0
    out = capsys.readouterr().out
    assert "120 test rows of test.csv; linear head on the embedding" in " ".join(out.split())
    assert "What each step does" in out
    assert "changes nothing" in out  # the texts are clean
    page = (here / "c.html").read_text()
    assert "<script" not in page
    assert "default-src 'none'" in unescape(page)
    assert "style=" not in page  # the policy allows none
    manifest = json.loads((here / "compared" / "manifest.json").read_text())
    assert set(manifest["files"]) == {"comparison.html", "comparison.json", "pipeline.yaml", "predictions.parquet"}
    lines = pq.read_table(here / "compared" / "predictions.parquet")
    assert lines.num_rows == 4 * 2 * 120
    assert set(lines["arm"].to_pylist()) == {"raw", "curated", "without clean_text", "without label_errors"}
    accuracy = np.mean(np.array(lines["label"].to_pylist()) == np.array(lines["predicted"].to_pylist()))
    assert accuracy > 0.7


def test_json_is_the_comparison(here, capsys):
    assert (
        invoke(["compare", "pipeline.yaml", "--test", "test.csv", "--seeds", "1", "--steps", "label_errors", "--json"])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert [effect["name"] for effect in found["effects"]] == ["label_errors"]
    assert found["metric"] == "accuracy"
    assert found["arms"][0]["name"] == "raw"


def test_harm_fails_if_asked(here, capsys):
    (here / "harm.yaml").write_text(
        "curate: 1\nsource: {path: train.csv}\nevidence: {encoder: classic}\nsteps:\n  - undersample: {to: 2}\n"
    )
    arguments = ["compare", "harm.yaml", "--test", "test.csv", "--seeds", "2"]
    assert invoke(arguments) == 0
    capsys.readouterr()
    assert invoke([*arguments, "--fail-on-harm"]) == 1
    captured = capsys.readouterr()
    assert "The curation hurts" in captured.out
    assert "--fail-on-harm: undersample, the whole pipeline hurt" in captured.err


def test_what_can_not_be_asked_for(here, capsys, tmp_path):
    for arguments, code, said in (
        (["pipeline.yaml"], 2, "there is no split 'test'"),
        (["pipeline.yaml", "other.json"], 2, "with --source, and test rows with --test"),
        (["pipeline.yaml", "--test", "nothing.csv"], 3, "nothing.csv"),
        (["pipeline.yaml", "--test", "test.csv", "--steps", "lable_errors"], 2, "did you mean 'label_errors'"),
        (["pipeline.yaml", "--test", "test.csv", "--metric", "auc"], 2, "unknown metric 'auc'"),
        (["pipeline.yaml", "--test", "test.csv", "--model", "no/such/model/there"], 2, "no/such/model/there"),
        (["a.json", "b.json", "--test", "test.csv"], 2, "no pipeline file"),
    ):
        assert invoke(["compare", *arguments]) == code, arguments
        assert said in capsys.readouterr().err
    (here / "mine").mkdir(exist_ok=True)
    (here / "mine" / "notes.txt").write_text("mine")
    assert invoke(["compare", "pipeline.yaml", "--test", "test.csv", "--out", "mine"]) == 2
    assert "was not made by curate" in capsys.readouterr().err


def test_ctrl_c_is_said(here, capsys, monkeypatch):
    import curate.pipeline.comparison.training as training

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Trainer, "predictions", stop)
    assert invoke(["compare", "pipeline.yaml", "--test", "test.csv", "--out", "cut"]) == 130
    assert "interrupted; what was measured is kept" in capsys.readouterr().err
    assert not (here / "cut").exists()

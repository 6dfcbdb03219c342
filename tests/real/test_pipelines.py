"""Every ready-made pipeline on real data: it finishes, finds what was planted, repeats itself, feeds and explains."""

import json
import shutil
from collections import Counter
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
import soundfile
import torch

import curate
from curate.evidence import EvidenceSettings

PROJECT = Path(__file__).resolve().parents[2]
INPUT = {"text": "text", "image": "pixel_values", "audio": "input_values", "features": "features"}


@pytest.fixture
def carry_out(tmp_path):
    """Run a ready-made pipeline twice, with a cache and without, and check what holds for every pipeline."""

    def call(name, data, actions, encoder="auto", **roles):
        pipeline = curate.Pipeline.from_yaml(PROJECT / "pipelines" / f"{name}.yaml")
        pipeline.evidence = EvidenceSettings(encoder=encoder)
        table = curate.load(str(data), **roles)
        curated = pipeline.run(table, tmp_path / "once", cache=tmp_path / "cache")
        pipeline.run(table, tmp_path / "again", cache=False)
        equal_bytes(tmp_path / "once", tmp_path / "again")
        accounts_balance(curated, len(table))
        reports(tmp_path / "once")
        opened = curate.open(tmp_path / "once")
        feeds(opened)
        assert explains(opened) >= actions
        return opened

    return call


def equal_bytes(one, other):
    for name in ("plan.parquet", "ledger.parquet", "findings.parquet", "changes.parquet", "table.arrow"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def accounts_balance(curated, rows):
    assert sum(line["read"] for line in curated.accounts) == rows
    for line in curated.accounts:
        assert line["read"] == line["kept"] + line["dropped"] + line["unreadable"]
    kept = set(curated.plan["row_id"].to_pylist())
    dropped = set(curated.ledger.filter(pc.equal(curated.ledger["action"], "drop"))["row_id"].to_pylist())
    assert not kept & dropped
    assert kept | dropped == {str(row_id) for row_id in curated.table.row_ids}


def reports(folder):
    schema = json.loads((PROJECT / "schemas" / "report.schema.json").read_text())
    report = json.loads((folder / "report.json").read_text())
    jsonschema.validate(report, schema)
    assert report["accounts"]
    page = (folder / "report.html").read_text()
    assert "<html" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def epoch(curated, workers):
    return list(curated.loader(num_workers=workers))


def feeds(curated):
    batches = epoch(curated, 0)
    training = pc.sum(pc.equal(curated.plan["split"].cast("string"), "train")).as_py()
    assert sum(len(batch["row_id"]) for batch in batches) == training
    entry, k = INPUT[curated.table.task.modality], len(curated.label_names)
    for batch in batches:
        if entry != "text":
            assert torch.isfinite(batch[entry].float()).all()
            assert len(batch[entry]) == len(batch["row_id"])
        assert batch["labels"].dtype == torch.int64
        assert batch["soft_labels"].shape == (len(batch["labels"]), k)
        torch.testing.assert_close(batch["soft_labels"].sum(1), torch.ones(len(batch["labels"])))
        assert torch.isfinite(batch["weights"]).all()
        loss = curated.loss()(torch.zeros(len(batch["labels"]), k), batch)
        assert loss.item() == pytest.approx(np.log(k), rel=1e-4)
    for workers in (1, 2):
        others = epoch(curated, workers)
        assert len(others) == len(batches)
        for one, other in zip(batches, others):
            assert one.keys() == other.keys()
            for name, value in one.items():
                assert torch.equal(value, other[name]) if isinstance(value, torch.Tensor) else value == other[name]


def explains(curated):
    """Ask of a row of every action, and of one without any; gives the actions."""
    decided = {}
    for line in curated.ledger.to_pylist():
        if line["row_id"] is not None:
            decided.setdefault(line["row_id"], []).append(line)
    told = set()
    for row_id, lines in decided.items():
        for line in lines:
            if line["action"] in told:
                continue
            told.add(line["action"])
            text = curated.explain(row_id)
            assert line["reason"] in text
            if line["action"] == "drop":
                assert text.endswith("it is in no batch")
            if line["action"] in ("relabel", "soften", "repeat", "review"):
                assert "outcome:" in text
    untouched = next(str(row_id) for row_id in curated.table.row_ids if str(row_id) not in decided)
    assert "outcome: kept" in curated.explain(untouched)
    return told


def flagged(curated, check):
    lines = curated.findings
    chosen = pc.and_(pc.equal(lines["check"], check), lines["is_issue"])
    return set(lines.filter(chosen)["row"].to_pylist())


def precision_recall(found, true):
    return len(found & true) / max(1, len(found)), len(found & true) / max(1, len(true))


def test_texts(shared_data, tmp_path, carry_out):
    """BANKING77 with 10 % of the labels changed to one of the three most similar intents."""
    folder = shared_data / "banking77"
    rows, noise = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "injected_noise.parquet")
    classes = [name for name in rows.label.unique() if "card" in name]
    chosen = rows.label.isin(classes) & noise.label_near10.isin(classes)
    chosen &= np.arange(len(rows)) % 2 == 0
    given = noise.label_near10[chosen].reset_index(drop=True)
    wrong = set(np.flatnonzero(given != rows.label[chosen].reset_index(drop=True)).tolist())
    assert len(given) > 1500
    assert len(wrong) > 80
    data = tmp_path / "banking.csv"
    pd.DataFrame({"text": rows.text[chosen].to_numpy(), "label": given}).to_csv(data, index=False)
    curated = carry_out("text_classification", data, {"drop", "relabel", "review"}, encoder="wordllama")
    precision, recall = precision_recall(flagged(curated, "label_errors"), wrong)
    assert precision > 0.6
    assert recall > 0.65
    truth = rows.label[chosen].to_numpy()
    kept = curated.plan["row"].to_numpy()
    after = np.mean(np.array(curated.plan["label"].to_pylist()) != truth[kept])
    assert after < 0.7 * len(wrong) / len(given)


def test_images(shared_data, tmp_path, carry_out):
    """CIFAR-10N: folders named as one person labelled the images, a file cut short, and two copies."""
    folder, names = shared_data / "cifar10n_3000", ["airplane", "automobile", "bird", "cat", "dog", "frog"]
    rows = pd.read_csv(folder / "labels.csv")
    rows = rows[rows.random1.isin(names) & rows.clean.isin(names)].groupby("random1").head(60)
    for file in rows.file:
        place = tmp_path / "images" / Path(file).parent.name / Path(file).name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, place)
    (tmp_path / "images" / "frog" / "cut.jpg").write_bytes((folder / rows.file.iloc[0]).read_bytes()[:200])
    for file in rows.file[rows.random1 == "bird"][:2]:
        shutil.copyfile(folder / file, tmp_path / "images" / "bird" / f"copy_of_{Path(file).name}")
    curated = carry_out("image_classification", tmp_path / "images", {"drop", "relabel"})
    [account] = curated.accounts
    drops = curated.ledger.filter(pc.equal(curated.ledger["action"], "drop"))
    by_step = {line["values"]: line["counts"] for line in pc.value_counts(drops["step"]).to_pylist()}
    assert by_step["exact_duplicates"] == 2
    assert account["unreadable"] == 1
    assert account["dropped"] == sum(count for step, count in by_step.items() if step != "unreadable")
    wrong = {Path(file).name for file in rows.file[rows.random1 != rows.clean]}
    files = [Path(str(item["path"])).name for item in curated.table.column("image").to_pylist()]
    wrong = {row for row, file in enumerate(files) if file in wrong}
    precision, recall = precision_recall(flagged(curated, "label_errors"), wrong)
    assert precision > 0.4
    assert recall > 0.2


def test_recordings(shared_data, tmp_path, carry_out):
    """FSDD with 10 % of the digits changed, an empty file, and silence."""
    folder = shared_data / "fsdd_600"
    rows = pd.read_csv(folder / "metadata.csv")
    rows = rows[rows["take"].isin([0, 1, 2, 5, 6]) & rows.digit.isin([0, 1, 2, 3, 4])].reset_index(drop=True)
    rng = np.random.default_rng(0)
    wrong = rng.choice(len(rows), len(rows) // 10, replace=False)
    rows.loc[wrong, "digit"] = (rows.digit[wrong] + rng.integers(1, 5, len(wrong))) % 5
    (tmp_path / "set" / "recordings").mkdir(parents=True)
    for file in rows.file:
        shutil.copyfile(folder / file, tmp_path / "set" / file)
    (tmp_path / "set" / "recordings" / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "set" / "recordings" / "silent.wav", np.zeros(4000), 8000)
    rows = pd.concat([rows, pd.DataFrame({"file": ["recordings/empty.wav", "recordings/silent.wav"], "digit": [0, 1]})])
    rows[["file", "digit"]].to_csv(tmp_path / "set" / "metadata.csv", index=False)
    actions = {"drop", "soften", "review"}
    curated = carry_out("audio_classification", tmp_path / "set" / "metadata.csv", actions, label="digit")
    assert curated.accounts[0]["unreadable"] == 1
    assert len(rows) - 1 in flagged(curated, "audio_quality")
    precision, recall = precision_recall(flagged(curated, "label_errors"), set(wrong.tolist()))
    assert precision > 0.5
    assert recall > 0.6


def test_tables(shared_data, tmp_path, carry_out):
    """ADBench cardio as a table with a category, gaps, copies and wrong labels."""
    found = np.load(shared_data / "adbench_tabular" / "6_cardio.npz")
    rng = np.random.default_rng(0)
    some = rng.permutation(len(found["y"]))[:700]
    rows = pd.DataFrame(found["X"][some].round(4), columns=[f"x{i}" for i in range(21)])
    rows["level"] = pd.cut(rows.x0, 3, labels=["low", "middle", "high"]).astype(object)
    rows["outcome"] = np.where(found["y"][some] == 1, "suspect", "normal")
    wrong = set(rng.choice(np.flatnonzero(rows.outcome == "normal"), 20, replace=False).tolist())
    rows.loc[list(wrong), "outcome"] = "suspect"
    gaps = rng.random((700, 2)) < 0.05
    rows.loc[gaps[:, 0], "x3"] = np.nan
    rows.loc[gaps[:, 1], "level"] = None
    rows = pd.concat([rows, rows[:5]])
    rows.to_csv(tmp_path / "cardio.csv", index=False)
    actions = {"soften", "review", "repeat"}
    curated = carry_out("tabular_classification", tmp_path / "cardio.csv", actions, label="outcome")
    assert len(flagged(curated, "missing_values")) == gaps.any(axis=1).sum() + gaps[:5].any(axis=1).sum()
    copies = flagged(curated, "exact_duplicates")
    assert set(range(700, 705)) <= copies
    precision, recall = precision_recall(flagged(curated, "label_errors") - set(range(700, 705)), wrong)
    assert precision > 0.5
    assert recall > 0.5
    counts = Counter(curated.plan["label"].to_pylist())
    normal = counts["normal"]
    assert counts["suspect"] == int(np.ceil((normal + (rows.outcome == "suspect").sum()) / 2))
    assert curated.class_weights[1] > curated.class_weights[0]

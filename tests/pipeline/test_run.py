"""The run: order of the steps, what later steps see, held-out splits, refusals, accounts, and tiny sets."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import curate
from curate.errors import ConfigError, DataError, LimitExceeded
from curate.ledger import Decisions
from curate.made import Made
from curate.step import Balance, Transform

SPLITS = ["train"] * 45 + ["validation"] * 6 + ["test"] * 9
EVERYTHING = [
    "unreadable",
    "missing_values",
    {"exact_duplicates": {"fix": "drop"}},
    {"near_duplicates": {"fix": "review"}},
    {"conflicting_labels": {"fix": "review"}},
    {"label_errors": {"fix": "soften", "limit": 1}},
    {"outliers": {"fix": "review"}},
    "class_imbalance",
    "impute",
    "scale",
    "class_weights",
    "oversample",
    "smooth_labels",
]


def run(steps, table, **options):
    return curate.Pipeline(steps, seed=options.pop("seed", 0)).run(table, cache=False, **options)


def judged(curated, check):
    """Rows that a check scored."""
    return set(curated.findings.filter(pc.equal(curated.findings["check"], check))["row_id"].to_pylist())


def flagged(curated, check):
    lines = curated.findings
    chosen = pc.and_(pc.equal(lines["check"], check), lines["is_issue"])
    return set(lines.filter(chosen)["row_id"].to_pylist())


def entries(curated, step, action=None):
    lines = [line for line in curated.ledger.to_pylist() if line["step"] == step]
    return [line for line in lines if action in (None, line["action"])]


def doubled(make_table, **more):
    """60 rows, of which the last three repeat the first three."""
    table = make_table(**more)
    x = [np.asarray(v, np.float32) for v in table.column("x").to_pylist()]
    x[57:] = x[:3]
    return make_table(x=x, **more)


def flipped(make_table, rows, **more):
    """60 rows, of which some carry the next class's label, and a model's probabilities that know better."""
    labels = ["abc"[row % 3] for row in range(60)]
    for row in rows:
        labels[row] = "abc"[(row + 1) % 3]
    known = (0.01 + 0.97 * np.eye(3)[np.arange(60) % 3]).tolist()
    roles = {"probabilities": "known"} | more.pop("roles", {})
    return make_table(label=labels, known=known, roles=roles, **more)


# Order: each step sees what the earlier ones left.


def test_dropped_rows_are_not_judged_again(make_table):
    curated = run([{"exact_duplicates": {"fix": "drop"}}, "outliers", "exact_duplicates"], doubled(make_table))
    gone = {line["row_id"] for line in entries(curated, "exact_duplicates", "drop")}
    assert gone == {"r57", "r58", "r59"}
    assert judged(curated, "exact_duplicates") == {f"r{i:02d}" for i in range(60)}
    assert judged(curated, "outliers") == judged(curated, "exact_duplicates") - gone
    assert judged(curated, "exact_duplicates#2") == judged(curated, "outliers")
    assert not flagged(curated, "exact_duplicates#2")


def test_the_other_order_sees_all_rows(make_table):
    curated = run(["outliers", {"exact_duplicates": {"fix": "drop"}}], doubled(make_table))
    assert len(judged(curated, "outliers")) == 60


def test_relabelled_labels_are_seen_by_later_steps(make_table):
    wrong = [0, 3, 6, 9]
    table = flipped(make_table, wrong)
    weights = {"class_weights": {"method": "inverse"}}
    before = run([weights], table).class_weights
    curated = run([{"label_errors": {"fix": "relabel"}}, weights], table)
    assert {line["row_id"] for line in entries(curated, "label_errors", "relabel")} == {f"r{i:02d}" for i in wrong}
    assert before[0] > before[2] > before[1]
    np.testing.assert_allclose(curated.class_weights, 1, rtol=1e-6)
    assert [entry["reason"] for entry in entries(curated, "class_weights")] == ["20 of 60 draws (inverse)"] * 3
    assert curated.plan["label"].to_pylist() == ["abc"[row % 3] for row in range(60)]


def test_repeats_are_seen_by_later_steps(make_table):
    table = make_table([0] * 30 + [1] * 20 + [2] * 10)
    weights = {"class_weights": {"method": "inverse"}}
    assert np.ptp(run([weights], table).class_weights) > 1
    curated = run(["oversample", weights], table)
    np.testing.assert_allclose(curated.class_weights, 1, rtol=1e-6)
    assert Counter(curated.plan["label"].to_pylist()) == {"a": 30, "b": 30, "c": 30}
    assert Counter(curated.plan["origin"].to_pylist()) == {"original": 60, "repeated": 30}
    of_one = curated.plan.filter(pc.equal(curated.plan["row_id"], "r50"))
    assert of_one["copy"].to_pylist() == [0, 1, 2]


def test_a_repeated_step_has_a_name_of_its_own_everywhere(make_table, tmp_path):
    steps = [{"outliers": {"fix": "review"}}, "class_weights", {"class_weights": {"method": "median"}}, "outliers"]
    table = make_table([0] * 30 + [1] * 20 + [2] * 10)
    curated = run(steps, table, out=tmp_path / "out")
    assert len(entries(curated, "class_weights")) == len(entries(curated, "class_weights#2")) == 3
    assert {"outliers", "outliers#2"} <= set(curated.report.summary)
    assert curated.report.summary["outliers"]["outlier"]["rows"] == 60
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["checks"]["outliers#2"]["description"] == report["checks"]["outliers"]["description"]
    assert report["checks"]["outliers"]["description"]


def test_the_log_names_every_step(make_table):
    curated = run(["unreadable", "scale", "class_weights"], make_table())
    assert [line["step"] for line in curated.facts["steps"]] == ["unreadable", "scale", "class_weights"]
    assert [line["kind"] for line in curated.facts["steps"]] == ["check", "transform", "balance"]
    assert [line["entries"] for line in curated.facts["steps"]] == [0, 0, 3]


# Held-out splits.


def test_held_out_rows_are_judged_and_never_changed(make_table):
    table = flipped(make_table, [0, 46, 55], split=SPLITS, roles={"split": "split"})
    steps = [
        {"label_errors": {"fix": "relabel"}},
        "oversample",
        "class_weights",
        {"smooth_labels": {"epsilon": 0.3}},
        {"augment": {"features": ["jitter"]}},
    ]
    curated = run(steps, table)
    assert flagged(curated, "label_errors") == {"r00", "r46", "r55"}
    assert {line["row_id"] for line in entries(curated, "label_errors")} == {"r00"}
    held = curated.plan.filter(pc.not_equal(curated.plan["split"].cast("string"), "train"))
    assert held["row"].to_pylist() == list(range(45, 60))
    assert held["label"].to_pylist() == table.column("label").to_pylist()[45:]
    assert held["weight"].to_pylist() == [1] * 15
    assert held["recipe"].null_count == 15
    assert set(held["copy"].to_pylist()) == {0}
    assert (np.sort(held["soft_label"].to_pylist(), axis=1) == [0, 0, 1]).all()
    trained = curated.plan.filter(pc.equal(curated.plan["split"].cast("string"), "train"))
    assert np.max(trained["soft_label"].to_pylist()) < 0.81


def test_transforms_learn_from_training_rows_and_reach_all(make_table):
    x = np.linspace(0, 1, 60, dtype=np.float32)
    x[45:] += 100
    table = make_table(x=x.tolist(), split=SPLITS, roles={"features": ["x"], "split": "split"})
    curated = run(["scale"], table)
    scaled = np.array(curated.table.column("x").to_pylist())
    assert scaled[:45].mean() == pytest.approx(0, abs=1e-5)
    assert scaled[:45].std() == pytest.approx(1, abs=1e-5)
    assert scaled[45:].min() > 100
    assert curated.facts["fitted"]["scale"]["x"]["mean_"][0] == pytest.approx(x[:45].mean(), abs=1e-4)
    assert "changed by scale" in curated.explain("r59")


def test_the_loader_of_a_held_out_split_is_in_order_whatever_the_feed_says(make_table):
    table = make_table([0] * 40 + [1] * 20, split=["train"] * 45 + ["test"] * 15, roles={"split": "split"})
    pipeline = curate.Pipeline(["oversample"], feed={"batch_size": 4, "sampler": "balanced", "drop_last": True})
    curated = pipeline.run(table, cache=False)
    drawn = [row_id for batch in curated.loader(split="test") for row_id in batch["row_id"]]
    assert drawn == [f"r{row}" for row in range(45, 60)]
    assert len(list(curated.loader(split="test", drop_last=True))) == 3


# Stopping.


def test_a_passed_limit_stops_the_run_and_writes_nothing(make_table, tmp_path):
    with pytest.raises(LimitExceeded, match=r"exact_duplicates: .*3 of 60 training rows \(5\.0%\)"):
        run([{"exact_duplicates": {"fix": "drop", "limit": 0.01}}], doubled(make_table), out=tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_refusals_come_at_once_and_before_anything_is_measured(make_table, monkeypatch, tmp_path):
    from curate.evidence import Evidence

    monkeypatch.setattr(Evidence, "prepare", lambda *a, **k: pytest.fail("measured"))
    steps = ["clean_text", "image_quality", "outliers", {"augment": {"image": ["HorizontalFlip"]}}]
    with pytest.raises(ConfigError) as caught:
        run(steps, make_table())
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0].split()[0] for line in lines] == ["clean_text", "image_quality", "augment"]
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(ConfigError, match="is a file"):
        run(["outliers"], make_table(), out=tmp_path / "mine")


def test_accounts_that_do_not_balance_stop_the_run(make_table, monkeypatch):
    from curate.pipeline import run as module

    plan = module.make_plan
    monkeypatch.setattr(module, "make_plan", lambda *a: plan(*a).slice(1))
    with pytest.raises(DataError, match="60 rows read, 59 kept"):
        run([], make_table())


# Rows that steps make.


class Halves(Transform):
    """Cuts every training row in two, and leaves the others."""

    def apply(self, table, fitted=None):
        rows = np.repeat(np.arange(len(table)), np.where(table.training, 2, 1))
        cut, names = table.select(rows), table.row_ids[rows]
        first = np.append(True, rows[1:] != rows[:-1])
        ids = [f"{name}#{int(not one)}" if table.training[row] else name for row, name, one in zip(rows, names, first)]
        return replace(cut, row_ids=np.array(ids, dtype=np.dtypes.StringDType()), parents=names)


class Doubles(Balance):
    """Makes one row like each row of the first class."""

    def decide(self, labels, evidence, rng):
        rows = np.flatnonzero(evidence.active & evidence.table.training & (labels.codes == 0))
        ids = [str(evidence.table.row_ids[row]) for row in rows]
        made = Decisions.of(self.name, "synthesize", [f"new {i}" for i in ids], "as asked", before=ids, after="{}")
        task = evidence.table.task
        return Made(made, evidence.table.rows(rows, [*task.feature_columns, task.label]))


def test_rows_cut_from_a_dropped_row_are_dropped_with_it(make_table):
    x = [np.asarray(v, np.float32) for v in make_table().column("x").to_pylist()]
    x[3:6] = x[:3]
    table = make_table(x=x, split=SPLITS)
    steps = [curate.steps.ExactDuplicates(fix="drop"), Halves()]
    curated = curate.Pipeline(steps).run(table, cache=None)
    assert len(curated.table) == 105
    train = next(line for line in curated.accounts if line["split"] == "train")
    assert (train["read"], train["added"], train["kept"], train["dropped"]) == (45, 45, 84, 6)
    gone = [line["row_id"] for line in curated.ledger.to_pylist() if line["row_id"].endswith("#1")]
    assert len(gone) == 3
    assert "made from row" in curated.explain(gone[0])
    assert curated.changes["parent"].null_count < len(curated.changes)


def test_made_rows_stand_behind_the_others_and_are_trained_on(make_table):
    table = make_table(split=SPLITS)
    curated = curate.Pipeline([Doubles(), curate.steps.ClassWeights()], seed=1).run(table, cache=None)
    own = int((table.labels.codes[table.training] == 0).sum())
    assert len(curated.table) == 60 + own
    assert Counter(curated.plan["origin"].to_pylist()) == {"original": 60, "synthetic": own}
    assert set(curated.plan.slice(60)["split"].to_pylist()) == {"train"}
    assert sum(len(batch["row_id"]) for batch in curated.loader()) == 45 + own
    train = next(line for line in curated.accounts if line["split"] == "train")
    assert (train["read"], train["added"], train["kept"]) == (45, own, 45 + own)
    assert "made by synthesis" in curated.explain(curated.table.row_ids[-1])
    assert np.array_equal(
        curated.table.content[60], table.content[np.flatnonzero(table.training & (table.labels.codes == 0))[0]]
    )


def test_made_rows_go_with_the_entries_that_made_them(make_table):
    curated = curate.Pipeline([Doubles()]).run(make_table(), cache=None)
    undone = replace(curated, ledger_=curated.ledger_.without(["doubles"]))
    assert undone.verdict.dropped.tolist() == [False] * 60 + [True] * (len(curated.table) - 60)
    assert not curated.verdict.dropped.any()
    document = curated.report.document()
    assert sum(line.rows for line in document.classes) == 60


def test_a_made_row_whose_id_is_taken_is_refused(make_table):
    class Same(Doubles):
        """Gives new rows the ids of old ones."""

        def decide(self, labels, evidence, rng):
            made = super().decide(labels, evidence, rng)
            entries = made.decisions.table
            return Made(Decisions(entries.set_column(0, "row_id", entries["before"])), made.rows)

    with pytest.raises(DataError, match=r"same: a new row has the id r\d+, which is taken"):
        curate.Pipeline([Same()]).run(make_table(), cache=None)


# Rows that can't be read.


def test_a_transform_that_leaves_rows_out_stops_the_run(make_table):
    class Shorten(Transform):
        """Keeps the first rows alone."""

        def apply(self, table, fitted=None):
            return table.select(np.arange(len(table) - 2))

    with pytest.raises(DataError, match="shorten left out 2 of 60 rows, among them r58, r59"):
        curate.Pipeline([Shorten()]).run(make_table(), cache=None)


def test_unreadable_rows_are_told_in_ledger_and_accounts(tmp_path):
    lines = [f"some words number {i},{'ab'[i % 2]}" for i in range(20)]
    lines[4], lines[9] = "too,many,fields", "one field"
    (tmp_path / "d.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    for steps in ([], ["unreadable"], [{"unreadable": {"fix": "drop"}}], [{"missing_values": {"fix": "drop"}}]):
        curated = run(steps, str(tmp_path / "d.csv"))
        [account] = curated.accounts
        assert (account["read"], account["kept"], account["dropped"], account["unreadable"]) == (20, 18, 0, 2)
        gone = [line for line in curated.ledger.to_pylist() if line["action"] == "drop"]
        assert sorted(line["row_id"] for line in gone) == sorted(str(curated.table.row_ids[row]) for row in (4, 9))
        assert "line 6" in curated.explain(curated.table.row_ids[4])
        assert curated.explain(curated.table.row_ids[4]).endswith("it is in no batch")
        assert sum(len(batch["row_id"]) for batch in curated.loader()) == 18


# Little or nothing.


def test_no_steps_keep_everything(make_table):
    curated = run([], make_table())
    assert curated.plan["row"].to_pylist() == list(range(60))
    assert curated.ledger.num_rows == curated.findings.num_rows == 0
    assert curated.plan["recipe"].null_count == 60
    assert (curated.class_weights == 1).all()
    assert curated.explain("r00").splitlines()[1:] == ["no check flagged it", "outcome: kept, label 'a', weight 1"]


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_tiny_tables_run_through_everything(make_table, rows, tmp_path):
    table = make_table().select(np.arange(rows))
    curated = run(EVERYTHING, table, out=tmp_path / "out")
    assert curated.plan.num_rows == rows
    assert sum(len(batch["row_id"]) for batch in curated.loader()) == rows
    opened = curate.open(tmp_path / "out")
    assert opened.plan.equals(curated.plan)
    assert len(opened.dataset) == rows


def test_everything_about_one_class(make_table):
    curated = run(EVERYTHING, make_table([0] * 20))
    assert curated.plan.num_rows == 20
    assert curated.label_names == ["a"]


# Other kinds of tasks.


def test_a_regression(make_table, tmp_path):
    target = np.arange(60) % 3 + np.linspace(0, 0.1, 60)
    values = [float(v) for v in target]
    values[5] = 900.0
    values[7] = float("nan")
    table = make_table(label=values, roles={"kind": "regression"})
    steps = ["unreadable", "missing_values", {"exact_duplicates": {"fix": "drop"}}, {"label_errors": {"fix": "review"}}]
    curated = run([*steps, "outliers", "scale"], table, out=tmp_path / "out")
    assert "r05" in flagged(curated, "label_errors")
    assert "r07" in flagged(curated, "missing_values")
    assert curated.plan["label"].null_count == 1
    assert len(curated.class_weights) == 0
    assert "900" in curated.explain("r05")
    assert curate.open(tmp_path / "out").plan.equals(curated.plan)
    import torch

    loss = curated.loss()
    for batch in curated.loader():
        assert torch.isfinite(batch["features"]).all()
        assert torch.isfinite(loss(torch.zeros(len(batch["labels"])), batch))
    with pytest.raises(ConfigError, match="class_weights weighs classes"):
        run(["class_weights"], table)


def test_sets_of_labels(make_table, tmp_path):
    labels = [["abc"[row % 3], "abc"[(row + 1) % 3]] if row % 2 else ["abc"[row % 3]] for row in range(60)]
    labels[3] = None
    table = make_table(label=labels, roles={"kind": "multilabel"})
    steps = ["unreadable", "missing_values", {"exact_duplicates": {"fix": "drop"}}, {"label_errors": {"fix": "review"}}]
    curated = run([*steps, "outliers"], table, out=tmp_path / "out")
    assert curated.plan["label"].to_pylist()[:4] == [["a"], ["b", "c"], ["c"], None]
    assert curate.open(tmp_path / "out").plan.equals(curated.plan)
    import torch

    loss = curated.loss()
    for batch in curated.loader():
        assert batch["soft_labels"].shape[1] == 3
        assert torch.isfinite(loss(torch.zeros(len(batch["labels"]), 3), batch))


def test_no_labels_at_all(make_table, tmp_path):
    table = make_table(roles={"label": None, "kind": "unlabeled"})
    curated = run(["unreadable", {"exact_duplicates": {"fix": "drop"}}, "near_duplicates", "outliers"], table)
    assert curated.plan["label"].null_count == 60
    assert curated.plan["soft_label"].null_count == 60
    assert [len(batch["row_id"]) for batch in curated.loader(batch_size=30)] == [30, 30]
    curated.save(tmp_path / "out")
    assert len(curate.open(tmp_path / "out").dataset) == 60


def test_nan_never_reaches_a_batch(make_table):
    import torch

    x = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    x[3, 2], x[8, 1] = np.nan, np.inf
    for steps in (["outliers"], ["impute", "scale"]):
        curated = run(steps, make_table(x=list(x)))
        loader = curated.loader()
        batches = list(loader)
        assert all(torch.isfinite(batch["features"]).all() for batch in batches)
        seen = {row_id for batch in batches for row_id in batch["row_id"]}
        assert seen | set(loader.skipped) == {f"r{row:02d}" for row in range(60)}


def test_a_row_without_a_label_is_kept_and_counts_for_nothing(make_table):
    import torch

    labels = ["abc"[row % 3] for row in range(59)] + [None]
    curated = run(["class_weights", "smooth_labels"], make_table(label=labels))
    assert curated.plan["label"].to_pylist()[-1] is None
    [batch] = curated.loader(batch_size=60, sampler="sequential")
    assert batch["labels"][-1] == -100
    assert batch["soft_labels"][-1].sum() == 0
    assert torch.isfinite(curated.loss()(torch.zeros(60, 3), batch))


# Repeatable, and told.


def test_two_runs_and_another_order_of_rows(make_table, tmp_path):
    table = flipped(make_table, [4, 9])
    one, other = (run(EVERYTHING, table, out=tmp_path / name) for name in "ab")
    assert (tmp_path / "a" / "plan.parquet").read_bytes() == (tmp_path / "b" / "plan.parquet").read_bytes()
    assert one.ledger.equals(other.ledger)
    order = np.random.default_rng(1).permutation(60)
    moved = run(EVERYTHING, table.select(order))
    assert by_row(moved) == by_row(one)


def by_row(curated):
    columns = ["row_id", "label", "weight", "copy"]
    return sorted(tuple(line[c] for c in columns) for line in curated.plan.select(columns).to_pylist())


def test_the_seed_counts(make_table):
    table = make_table([0] * 31 + [1] * 20)
    drawn = [by_row(run([{"oversample": {"to": 27}}], table, seed=seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_notes_of_source_and_evidence_are_told_once(tmp_path):
    lines = [f"some words number {i},{'ab'[i % 2]}" for i in range(20)]
    lines[3] = "caf\xe9 ol\xe9,a"
    (tmp_path / "d.csv").write_bytes(("text,label\n" + "\n".join(lines) + "\n").encode("latin-1"))
    curated = curate.Pipeline(["outliers", "clean_text", "outliers"], evidence={"encoder": "classic"}).run(
        str(tmp_path / "d.csv"), cache=False
    )
    assert len(curated.notes) == len(set(curated.notes))
    assert any("1252" in note or "latin" in note.lower() for note in curated.notes)
    assert any("embedded" in note for note in curated.notes)


def test_progress_is_told(make_table):
    told = []
    run(["outliers", "class_weights"], make_table(), progress=lambda *a: told.append(a))
    assert ("outliers", 0, 2) in told
    assert ("class_weights", 1, 2) in told
    assert told[-1] == ("plan", 2, 2)


def test_relative_paths_of_a_pipeline_file_are_relative_to_it(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "p.yaml").write_text("curate: 1\nsource: {path: ../d.csv}\nsteps: [exact_duplicates]\n")
    (tmp_path / "sub" / "lost.yaml").write_text("curate: 1\nsource: {path: data/d.csv}\n")
    (tmp_path / "d.csv").write_text("text,label\n" + "".join(f"word {i},{'ab'[i % 2]}\n" for i in range(10)))
    monkeypatch.chdir(tmp_path)
    assert len(curate.Pipeline.from_yaml("sub/p.yaml").run(cache=False).table) == 10
    with pytest.raises(DataError, match=r"sub/data/d\.csv: there is no such file .*--source"):
        curate.Pipeline.from_yaml("sub/lost.yaml").run(cache=False)


def test_the_signature_of_a_url_is_written_into_no_file(tmp_path):
    signed = "https://host.example/a.csv?X-Signature=hunter2"
    (tmp_path / "p.yaml").write_text(f"curate: 1\nsource: {signed}\nsteps: [exact_duplicates]\n")
    pipeline = curate.Pipeline.from_yaml(tmp_path / "p.yaml")
    assert pipeline.source.path == signed
    assert pipeline.moved_to(tmp_path).source.path == "https://host.example/a.csv?…"


def test_the_plan_has_the_promised_columns(make_table):
    curated = run(["class_weights"], make_table())
    assert curated.plan.column_names == [
        "row", "row_id", "label", "soft_label", "weight", "origin", "recipe", "split", "copy",
    ]  # fmt: skip
    assert curated.plan.schema.field("soft_label").type == pa.list_(pa.float32())
    assert curated.class_weights.dtype == np.float32


def test_files_that_operations_read_are_relative_to_the_pipeline_file(tmp_path, monkeypatch):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "mine.tsv").write_text("quick\tfast\tswift\n")
    (tmp_path / "d.csv").write_text(
        "text,label\n" + "".join(f"the quick fox number {i},{'ab'[i % 2]}\n" for i in range(20))
    )
    (tmp_path / "p.yaml").write_text(
        "curate: 1\nsource: d.csv\nsteps:\n- augment: {text: [{synonyms: {path: words/mine.tsv, fraction: 1.0}}]}\n"
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    curated = curate.Pipeline.from_yaml(tmp_path / "p.yaml").run(out=tmp_path / "elsewhere" / "out", cache=False)
    texts = [text for batch in curated.loader() for text in batch["text"]]
    assert all("fast" in text or "swift" in text for text in texts)
    assert "../../words/mine.tsv" in (tmp_path / "elsewhere" / "out" / "pipeline.yaml").read_text()
    again = curate.open(tmp_path / "elsewhere" / "out").pipeline.run(cache=False)
    assert again.plan["recipe"].equals(curated.plan["recipe"])


def test_operations_that_change_little_are_told_and_counted(tmp_path):
    (tmp_path / "d.csv").write_text(
        "text,label\n" + "".join(f"今天天气很好我们去公园吧 {i},{'ab'[i % 2]}\n" for i in range(20))
    )
    curated = run([{"augment": {"text": ["drop_accents"]}}], str(tmp_path / "d.csv"))
    assert any("drop_accents changes 0 of 20 texts" in note for note in curated.notes)
    loader = curated.loader()
    assert len(list(loader)) == 1
    assert sum(loader.unchanged.values()) == 20
    assert "drop_accents" in next(iter(loader.unchanged))


def test_encoded_labels_are_filled_in_rows_made_later(make_table):
    table = make_table([0] * 45 + [1] * 15)
    curated = run([{"encode_labels": {"column": "hot"}}, {"resample": {"method": "smote"}}], table)
    assert len(curated.table) == 90
    hot = np.array(curated.dataset["hot"])
    assert np.array_equal(hot.argmax(1), curated.table.labels.codes)
    assert curated.table.made is not None
    assert curated.table.made.tolist() == curated.table.row_ids[60:].tolist()
    parents = next(line for line in entries(curated, "resample") if line["row_id"] == str(curated.table.row_ids[-1]))
    text = curated.explain(curated.table.row_ids[-1])
    assert f"made by synthesis from rows {', '.join(json.loads(parents['after'])['from'])}" in text


def test_a_row_that_was_made_into_others_is_explained(make_table):
    curated = run([Halves()], make_table(split=SPLITS))
    parent = str(curated.table.parents[0])
    assert curated.row_named(parent) == parent
    with pytest.raises(DataError, match="no row has the id 'nobody'"):
        curated.row_named("nobody")
    assert curated.row_named("#1") == curated.table.row_ids[1]
    with pytest.raises(DataError, match="no row number 999"):
        curated.row_named("#999")
    assert f"row {parent} was made into 2 rows by halves: {parent}#0, {parent}#1" in curated.explain(parent)


def test_rows_without_text_that_no_batch_can_hold_are_said():
    texts = [f"words number {i}" for i in range(9)] + [None, "the last", None]
    labels = ["a"] * 8 + ["b"] * 4
    table = curate.load({"text": texts, "label": labels, "split": ["train"] * 11 + ["test"]})
    notes = run(["oversample"], table).notes
    assert any(note.startswith("2 rows in the plan have no text (") for note in notes)
    notes = run([{"missing_values": {"fix": "drop"}}, "oversample"], table).notes
    assert any(note.startswith("1 row in the plan has no text (1 of its") for note in notes)
    assert not any("no text" in note for note in run(["oversample"], table.select(range(9))).notes)


def test_rows_made_after_an_ensemble_are_said(make_table):
    table = make_table([0] * 45 + [1] * 15)
    said = "rows that resample makes are in no member of balanced_ensemble; put it before"
    assert said in run(["balanced_ensemble", {"resample": {"method": "smote"}}], table).notes
    assert said not in run([{"resample": {"method": "smote"}}, "balanced_ensemble"], table).notes


def test_a_fix_that_has_no_label_to_give_is_said():
    table = curate.load({"text": [f"words {i // 2}" for i in range(12)], "label": ["a", "b"] * 6})
    curated = curate.Pipeline([{"conflicting_labels": {"fix": "relabel", "limit": 1}}]).run(table, cache=False)
    said = "conflicting_labels suggests no labels, so that the fix relabel leaves the 12 rows that it flagged as they"
    assert f"{said} are" in curated.notes
    reviewed = curate.Pipeline([{"conflicting_labels": {"fix": "review"}}]).run(table, cache=False)
    assert not any("suggests no labels" in note for note in reviewed.notes)


UNFIT = """\
curate: 1
task:
  label: label
steps:
  - exact_duplicates
  - image_quality
  - label_errors:
      fix: drop
  - augment: {audio: [shift]}
feed:
  frames: 3
"""


def test_what_does_not_fit_the_task_is_said_with_its_line(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(UNFIT)
    table = curate.load({"text": [f"words {i}" for i in range(12)], "label": ["a", "b"] * 6})
    with pytest.raises(ConfigError) as told:
        curate.Pipeline.from_yaml(file).run(table, cache=False)
    quality, audio, frames = str(told.value).splitlines()
    assert quality == f"{file}:6:5: image_quality works on image, and the task has text"
    assert audio.startswith(f"{file}:9:5: augment")
    assert frames.startswith(f"{file}:11:3: feed.frames: 3 says nothing here")
    with pytest.raises(ConfigError, match=r"^image_quality works on image"):
        curate.Pipeline(["image_quality"]).run(table, cache=False)


def test_a_target_that_is_not_there_is_said_before_anything_is_measured(tmp_path, monkeypatch):
    file = tmp_path / "p.yaml"
    file.write_text("curate: 1\ntask:\n  target: nowhere.csv\nsteps: [drift]\n")
    table = curate.load({"text": [f"words {i}" for i in range(12)], "label": ["a", "b"] * 6}, target="nowhere.csv")
    monkeypatch.setattr("curate.pipeline.run.State", lambda *_, **__: pytest.fail("it was begun"))
    with pytest.raises(ConfigError, match=r"p.yaml:3:3: the target 'nowhere.csv' is neither a file"):
        curate.Pipeline.from_yaml(file).run(table, cache=False)


def test_findings_of_rows_that_are_cut_later_are_shown_beside_their_own_label_and_text():
    texts = [f"row {k} says nothing but words that follow each other {k}" for k in range(12)]
    texts[9] = "mail to somebody@example.org is what stands in this row of many words"
    table = curate.load({"id": [f"r{k}" for k in range(12)], "text": texts, "label": ["a"] * 9 + ["b"] * 3})
    steps = [{"text_quality": {"fix": "review"}}, {"slice_text": {"tokens": 8}}, {"slice_text": {"tokens": 4}}]
    curated = curate.Pipeline(steps).run(table, cache=False)
    [line] = [one for one in curated.findings.to_pylist() if one["is_issue"] and one["issue"] == "email"]
    assert (line["row_id"], curated.table.row_ids[line["row"]]) == ("r9", "r9#0#0")
    [shown] = [row for row in curated.report.document().checks["text_quality"].issues["email"].worst if row.flagged]
    assert (shown.row_id, shown.given, shown.preview[:7]) == ("r9", "b", "mail to")
    assert any("set aside for review" in said for said in shown.decisions)

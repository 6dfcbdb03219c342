"""A run goes on with the first step that differs; steps can be undone, carried out anew, and foretold."""

import json

import numpy as np
import pytest

import curate
from curate.checks.outliers import Outliers
from curate.cli import invoke
from curate.errors import ConfigError, LimitExceeded
from curate.evidence.footprint import BLOCKS, OF_LEARNED, OF_ROW
from curate.pipeline import Pipeline, forecast

STEPS = [
    "exact_duplicates",
    {"outliers": {"fix": "review", "limit": 1}},
    "scale",
    {"label_errors": {"fix": "soften", "limit": 1}},
    {"oversample": {"to": "majority"}},
]
FILES = ("plan.parquet", "ledger.parquet", "findings.parquet", "table.arrow", "rows.parquet", "changes.parquet")


@pytest.fixture
def table(make_table):
    codes = np.r_[np.arange(60) % 3, np.zeros(12, int)]
    roles = {"features": ["u", "v"], "label": "label"}
    rng = np.random.default_rng(0)
    u, v = rng.normal(4 * (codes == 1), 0.3), rng.normal(4 * (codes == 2), 0.3)
    labels = np.array(["a", "b", "c"])[codes]
    labels[[1, 5]] = "a"
    return make_table(codes, roles, u=u, v=v, label=labels.tolist(), x=[0] * 72)


def run(table, tmp_path, name, steps=STEPS, **options):
    return Pipeline(steps, seed=1).run(table, tmp_path / name, cache=tmp_path / "cache", **options)


def from_cache(curated):
    return [line["from_cache"] for line in curated.facts["steps"]]


def same(tmp_path, one, other):
    return all((tmp_path / one / file).read_bytes() == (tmp_path / other / file).read_bytes() for file in FILES)


def test_a_second_run_takes_every_step_from_the_cache_and_gives_the_same_bytes(table, tmp_path):
    first, second = run(table, tmp_path, "first"), run(table, tmp_path, "second")
    assert from_cache(first) == [False] * 5
    assert from_cache(second) == [True] * 5
    assert same(tmp_path, "first", "second")
    assert set(first.notes) == set(second.notes)
    assert first.facts["fitted"] == second.facts["fitted"]
    assert first.findings_.facts == second.findings_.facts


def test_a_changed_step_is_carried_out_with_all_after_it(table, tmp_path):
    run(table, tmp_path, "first")
    changed = [*STEPS[:3], {"label_errors": {"fix": "review", "limit": 1}}, STEPS[4]]
    again = run(table, tmp_path, "second", changed)
    assert from_cache(again) == [True, True, True, False, False]
    alone = Pipeline(changed, seed=1).run(table, tmp_path / "alone", cache=False)
    assert from_cache(alone) == [False] * 5
    assert same(tmp_path, "second", "alone")


def test_other_rows_seeds_and_code_begin_anew(table, tmp_path, monkeypatch):
    run(table, tmp_path, "first")
    assert not any(from_cache(run(table.select(np.arange(70)), tmp_path, "fewer")))
    other = Pipeline(STEPS, seed=2).run(table, cache=tmp_path / "cache")
    assert not any(from_cache(other))
    monkeypatch.setattr("curate.pipeline.kept_steps.surroundings", lambda: "another version")
    assert not any(from_cache(run(table, tmp_path, "code")))


def test_from_a_step_on_everything_is_carried_out_again(table, tmp_path):
    run(table, tmp_path, "first")
    again = run(table, tmp_path, "second", from_step="label_errors")
    assert from_cache(again) == [True, True, True, False, False]
    assert same(tmp_path, "first", "second")


def test_a_run_that_was_stopped_goes_on_at_the_step_where_it_was(table, tmp_path, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(
            "curate.checks.label_errors.LabelErrors.find", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            run(table, tmp_path, "first")
    assert not (tmp_path / "first").exists()
    again = run(table, tmp_path, "first")
    assert from_cache(again) == [True, True, True, False, False]


def test_steps_of_others_and_what_follows_them_are_not_kept(table, tmp_path):
    class Mine(Outliers):
        """Not of this library."""

    steps = ["exact_duplicates", Mine(), "label_errors"]
    run(table, tmp_path, "first", steps)
    assert from_cache(run(table, tmp_path, "second", steps)) == [True, False, False]


def test_undoing_leaves_out_entries_and_makes_another_plan(table, tmp_path):
    whole = run(table, tmp_path, "whole")
    undone = run(table, tmp_path, "undone", undo=["oversample"])
    assert from_cache(undone) == [True] * 5
    steps = set(whole.ledger["step"].to_pylist())
    assert "oversample" in steps
    assert set(undone.ledger["step"].to_pylist()) == steps - {"oversample"}
    assert whole.plan.num_rows > len(table) == undone.plan.num_rows
    assert undone.facts["undone"] == ["oversample"]
    assert any("oversample are left out of the ledger" in note for note in undone.notes)
    assert curate.open(tmp_path / "undone").ledger.equals(undone.ledger)
    twice = run(table, tmp_path, "twice", undo=["oversample", "label_errors"])
    assert not {"oversample", "label_errors"} & set(twice.ledger["step"].to_pylist())


def test_undoing_an_augmentation_takes_its_recipe_out_of_the_plan(make_table, tmp_path):
    table = curate.load({"text": [f"some words {i}" for i in range(20)], "label": ["a", "b"] * 10})
    steps = ["exact_duplicates", {"augment": {"text": ["swap_words"]}}]
    pipeline = Pipeline(steps)
    assert all(pipeline.run(table, cache=False).plan["recipe"].to_pylist())
    assert not any(pipeline.run(table, cache=False, undo="augment").plan["recipe"].to_pylist())


def test_unknown_steps_and_transforms_are_refused_before_anything_runs(table, tmp_path, monkeypatch):
    monkeypatch.setattr("curate.pipeline.run.load_source", lambda *a: pytest.fail("loaded"))
    with pytest.raises(ConfigError, match=r"--undo: the pipeline has no step 'outlier' \(did you mean 'outliers'\?\)"):
        run(table, tmp_path, "first", undo=["outlier"])
    with pytest.raises(
        ConfigError, match="--from: the pipeline has no step 'x'; its steps: exact_duplicates, outliers"
    ):
        run(table, tmp_path, "first", from_step="x")
    with pytest.raises(ConfigError, match="scale is a transform"):
        run(table, tmp_path, "first", undo="scale")


def test_a_cache_that_cannot_be_written_is_said_and_the_run_goes_on(table, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "results").write_text("in the way")
    curated = run(table, tmp_path, "first")
    assert any("not kept for the next run" in note for note in curated.notes)
    assert curated.plan.num_rows > len(table)


def test_a_forecast_of_a_small_set_is_what_the_run_does(table, tmp_path):
    pipeline = Pipeline(STEPS, seed=1)
    foreseen = pipeline.forecast(table)
    done = pipeline.run(table, cache=False)
    assert (foreseen.rows, foreseen.tried, foreseen.stops) == (72, 72, None)
    assert [step.entries for step in foreseen.steps] == [line["entries"] for line in done.facts["steps"]]
    assert foreseen.draws == done.plan.num_rows
    flagged = {step.step: step.flagged for step in foreseen.steps}
    assert flagged["label_errors"] == done.report.summary["label_errors"]["label_error"]["issues"]
    assert flagged["oversample"] is None
    assert "nothing is written" in str(foreseen)
    assert "GB of memory" in str(foreseen)
    assert foreseen.memory > 50e6  # what Python and Arrow take
    assert json.loads(foreseen.to_json())["draws"] == foreseen.draws


def test_a_forecast_says_how_many_rows_each_step_leaves():
    table = curate.load({"text": ["a b", "a b", "c d", "c d", "c d"], "label": list("xxyyy")}, text="text")
    steps = [{"exact_duplicates": {"fix": "drop", "limit": 1}}, "class_weights"]
    foreseen = Pipeline(steps).forecast(table)
    assert [step.rows for step in foreseen.steps] == [2, 2]
    assert "rows left" in str(foreseen)


def test_a_forecast_leaves_out_what_is_undone(table):
    pipeline = Pipeline(STEPS, seed=1)
    foreseen = pipeline.forecast(table, undo=["oversample"])
    done = pipeline.run(table, cache=False, undo=["oversample"])
    assert foreseen.draws == done.plan.num_rows < pipeline.forecast(table).draws
    assert {step.step: step.entries for step in foreseen.steps}["oversample"] == 0
    with pytest.raises(ConfigError, match="the pipeline has no step 'oversampled'"):
        pipeline.forecast(table, undo=["oversampled"])


def test_a_forecast_of_memory_is_the_peak_so_far_and_what_more_rows_take(table, monkeypatch):
    pipeline = Pipeline([{"label_errors": {"fix": "drop"}}])
    monkeypatch.setattr(forecast, "_peak_bytes", lambda: 7)
    assert pipeline.forecast(table).memory == 7
    more = pipeline.forecast(table, sample=24).memory - 7 - BLOCKS
    assert more > 48 * (OF_ROW + OF_LEARNED)
    assert Pipeline(["exact_duplicates"]).forecast(table, sample=24).memory - 7 - BLOCKS < 48 * OF_LEARNED
    monkeypatch.setattr(forecast, "_peak_bytes", lambda: None)
    without = pipeline.forecast(table)
    assert without.memory is None
    assert "of memory" not in str(without)


def test_a_forecast_is_told_from_a_part_and_says_where_a_run_would_stop(table):
    part = Pipeline(["exact_duplicates", {"oversample": {"to": "majority"}}]).forecast(table, sample=24)
    assert (part.rows, part.tried) == (72, 24)
    assert 72 <= part.draws <= 144
    stopped = Pipeline([{"label_errors": {"fix": "drop", "limit": 0.001}}, "class_weights"])
    with pytest.raises(LimitExceeded) as failed:
        stopped.run(table, cache=False)
    found = stopped.forecast(table)
    assert found.stops == str(failed.value)
    assert (found.draws, found.steps) == (None, ())
    assert "the run would stop here" in str(found)


def test_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = ["text,label", *(f"words about {i} and more,{'ab'[i % 2]}" for i in range(40))]
    (tmp_path / "d.csv").write_text("\n".join(lines))
    steps = "steps: [exact_duplicates, {oversample: {to: majority}}]"
    (tmp_path / "p.yaml").write_text(f"curate: 1\nsource: {{path: d.csv}}\nevidence: {{encoder: classic}}\n{steps}\n")
    command = ["run", "p.yaml", "--cache", "c"]
    assert invoke([*command, "--dry-run"]) == 0
    assert "the plan would have 40 draws" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "p.yaml"]
    assert invoke([*command, "--dry-run", "--undo", "oversampel"]) == 2
    assert "did you mean 'oversample'?" in capsys.readouterr().err
    assert invoke([*command, "--json"]) == 0
    assert invoke([*command, "--from", "oversample", "--undo", "oversample", "--json", "--rehash"]) == 0
    assert json.loads((tmp_path / "curated" / "manifest.json").read_text())["facts"]["undone"] == ["oversample"]
    assert invoke([*command, "--cache-limit", "lots"]) == 2
    assert "no size" in capsys.readouterr().err
    assert invoke(["cache", "trim", "--cache", "c", "--cache-limit", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes_removed"] > 0
    assert not [path for path in (tmp_path / "c").rglob("*") if path.is_file()]

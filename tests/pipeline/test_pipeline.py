"""The declarative form: YAML and Python, both ways, and every problem at once."""

import re

import pytest
import yaml

import curate
from curate.errors import ConfigError

TEXT = """\
curate: 1
source: {path: data}
task: {kind: classification, text: text, label: label}
steps:
  - exact_duplicates
  - label_errors: {fix: {relabel: {min_confidence: 0.9}, otherwise: soften}, limit: 0.2}
  - class_weights: {method: effective_number, beta: 0.99}
  - exact_duplicates: {fix: drop}
feed: {batch_size: 64, sampler: balanced}
seed: 7
"""


def test_yaml_to_python_to_yaml():
    pipeline = curate.Pipeline.from_text(TEXT)
    again = curate.Pipeline.from_text(pipeline.to_yaml())
    assert again == pipeline
    assert again.to_yaml() == pipeline.to_yaml()
    assert pipeline.to_dict()["steps"] == yaml.safe_load(TEXT)["steps"]
    assert pipeline.to_dict()["feed"] == {"batch_size": 64, "sampler": "balanced"}
    assert pipeline.step_names == ["exact_duplicates", "label_errors", "class_weights", "exact_duplicates#2"]


def test_python_and_yaml_are_the_same_pipeline():
    built = curate.Pipeline(
        steps=[
            curate.steps.ExactDuplicates(),
            curate.steps.LabelErrors(fix={"relabel": {"min_confidence": 0.9}, "otherwise": "soften"}, limit=0.2),
            {"class_weights": {"method": "effective_number", "beta": 0.99}},
            curate.steps.ExactDuplicates(fix="drop"),
        ],
        source="data",
        task=curate.Task(kind="classification", text="text", label="label"),
        feed={"batch_size": 64, "sampler": "balanced"},
        seed=7,
    )
    assert built == curate.Pipeline.from_text(TEXT)


def test_every_problem_is_said_at_once_with_its_line(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(
        "curate: 1\n"
        "sede: 3\n"
        "steps:\n"
        "  - label_erors\n"
        "  - label_errors:\n"
        "      fix_lables: drop\n"
        "      limit: 2\n"
        "  - exact_duplicates: {fix: dorp}\n"
        "  - exact_duplicates: {fix: {relabel: {min_confidnce: 1}}}\n"
        "feed: {batch_size: 0, sampler: ballanced}\n"
    )
    with pytest.raises(ConfigError) as caught:
        curate.Pipeline.from_yaml(path)
    lines = str(caught.value).splitlines()
    found = {int(line.removeprefix(f"{path}:").split(":")[0]): line for line in lines}
    assert "did you mean 'seed'" in found[2]
    assert "did you mean 'label_errors'" in found[4]
    assert "label_errors: unknown setting 'fix_lables'" in found[6]
    assert "found 2" in found[7]
    assert "did you mean 'drop'" in found[8]
    assert "did you mean 'min_confidence'" in found[9]
    assert any("batch_size" in line and "found 0" in line for line in lines)
    assert any("sampler" in line and "ballanced" in line for line in lines)
    assert len(lines) == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: []", "must say `curate: 1`"),
        ("curate: 2", "found 2"),
        ("[a]", "is a mapping"),
        ("", "is a mapping"),
        ("curate: 1\nsteps: drop", "steps must be a list"),
        ("curate: 1\nsteps: [{a: 1, b: 2}]", "a step is a name or one"),
        ("curate: 1\nsteps: {outliers: {limit: 1}}", "each step is an entry of its own, in YAML behind a dash"),
        ("curate: 1\nsteps:\n  - outliers:\n    fix: drop", "indent fix further than outliers"),
        ("curate: 1\nencoder: minilm", "unknown key 'encoder' (it belongs below evidence)"),
        ("curate: 1\nbatch_size: 4", "unknown key 'batch_size' (it belongs below feed)"),
        ("curate: 1\noutliers: {limit: 1}", "unknown key 'outliers' (a step: it belongs in the list below steps)"),
        ("curate: 1\nsteps: [{exact_duplicates: [1]}]", "must be a mapping"),
        ("curate: 1\nseed: -1", "whole number"),
        ("curate: 1\nseed: x", "whole number"),
        ("curate: 1\ntask: {text: a, label: a}", "cannot be both"),
        ("curate: 1\nsource: {pth: x}", "did you mean 'path'"),
        ("curate: 1\nsource: {path: x, label: y}", "stands beside source, under task"),
        ("curate: 1\ntask: 3", "task must be a mapping"),
    ],
)
def test_wrong_files(text, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        curate.Pipeline.from_text(text)


def test_there_is_no_data():
    with pytest.raises(ConfigError, match="names no source"):
        curate.Pipeline([]).run()


def test_operations_that_are_not_there_are_found_when_asked_thoroughly(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("curate: 1\nsteps:\n  - augment: {text: [swap_words, {swap_words: {pp: 2}}, swap_word]}\n")
    assert curate.Pipeline.from_yaml(file).step_names == ["augment"]
    with pytest.raises(ConfigError) as told:
        curate.Pipeline.from_yaml(file, thorough=True)
    first, second = str(told.value).splitlines()
    assert "p.yaml:3:" in first
    assert "unknown setting 'pp' (did you mean 'p'?)" in first
    assert "unknown text operation 'swap_word' (did you mean 'swap_words'?)" in second

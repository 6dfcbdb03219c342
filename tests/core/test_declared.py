"""What is wrong with settings is said in the same words by constructors, by the loader and by pipeline files."""

import copy
import pickle

import pytest
from pydantic import ValidationError

import curate
from curate.declared import Declared
from curate.errors import ConfigError
from curate.evidence.settings import EvidenceSettings
from curate.feed.adaptive import Adaptive
from curate.pipeline.settings import FeedSettings, SourceSettings

DATA = {"text": ["one text", "another text", "a third text"], "label": [0, 1, 0]}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            lambda: curate.Task(kind="clasification"),
            "Task.kind: found 'clasification' (did you mean 'classification'?), expected 'classification', ",
        ),
        (lambda: curate.Task(txet="a"), "Task: unknown setting 'txet' (did you mean 'text'?); known: kind, text, "),
        (lambda: curate.Task(label=3), "Task.label: found 3, expected text"),
        (lambda: curate.Task(text="a", label="a"), "Task: column 'a' cannot be both text and label"),
        (lambda: curate.steps.LabelErrors(limit=0), "LabelErrors.limit: found 0, expected greater than 0"),
        (lambda: curate.steps.LabelErrors(k="many"), "LabelErrors.k: found 'many', expected a whole number"),
        (
            lambda: curate.steps.Oversample(to="max"),
            "Oversample.to: found 'max', expected 'majority', 'median', 'mean', a whole number or a number (draws of"
            " each class: as many as the majority, the median or the mean of the classes has; a whole number of draws;"
            " or a share of the majority's (0.5))",
        ),
        (
            lambda: curate.steps.Resample(to="max"),
            "effective, a whole number of rows, a ratio of up to 1.0, {class: rows}",
        ),
        (lambda: curate.steps.Resample(to={"a": "x"}), "Resample.to.a: found 'x', expected a whole number"),
        (lambda: curate.steps.LabelErrors(fix="dorp"), "LabelErrors.fix: unknown fix 'dorp' (did you mean 'drop'?)"),
        (
            lambda: curate.steps.LabelErrors(fix={"relabel": {"min_confidense": 3}}),
            "LabelErrors.fix: the fix 'relabel': unknown setting 'min_confidense' (did you mean 'min_confidence'?)",
        ),
        (
            lambda: curate.steps.Augment(schedule={"from": 0, "too": 1, "epochs": 3}),
            "Augment.schedule: unknown setting 'too' (did you mean 'to'?); known: from, to, epochs, form",
        ),
        (lambda: EvidenceSettings(folds=1), "EvidenceSettings.folds: found 1, expected greater than or equal to 2"),
        (lambda: SourceSettings(), "SourceSettings.path: is needed"),
        (lambda: SourceSettings(path="x", delimiter=";;"), "found ';;', expected at most 1 character"),
        (
            lambda: FeedSettings(sampler="adaptive", adaptive={"flor": 1}),
            "FeedSettings.adaptive: unknown setting 'flor' (did you mean 'floor'?); known: by, follows,",
        ),
        (lambda: Adaptive(momentum=2), "Adaptive.momentum: found 2, expected less than 1"),
        (lambda: curate.load({"a": ["x"]}, task="a"), "the task must be a curate.Task, or a mapping such as {'text'"),
        (lambda: curate.load({"a": ["x"]}, task={3: "a"}), "the name of a setting is text, not 3"),
        (lambda: curate.load({"a": ["x"]}, kind="clasification"), "task.kind: found 'clasification' (did you mean"),
        (
            lambda: curate.audit(DATA, evidence={"encodr": "classic"}),
            "evidence: unknown setting 'encodr' (did you mean",
        ),
        (lambda: curate.audit(DATA, evidence="classic"), "evidence must be a mapping of settings, not 'classic'"),
        (lambda: curate.audit(DATA, checks="outliers"), "checks must be a list of names and checks, not 'outliers'"),
        (
            lambda: curate.audit(DATA, checks=[curate.steps.ClassWeights()]),
            "class_weights is a balance step, not a check",
        ),
        (
            lambda: curate.audit(DATA, checks=[3]),
            "checks are named, or instances such as curate.steps.Outliers(): not 3",
        ),
        (lambda: curate.resplit(DATA, [0.8, 0.2]), "fractions name splits ({'train': 0.8, 'test': 0.2}), unlike [0.8"),
        (lambda: curate.resplit(DATA, {"trian": 0.8, "test": 0.2}), "the split 'trian': did you mean 'train'?"),
        (lambda: curate.load(DATA, label_names=["bad", "good"]), "a number is the name of a class, too, and no place"),
        (lambda: curate.Pipeline("drop"), "steps must be a list, not 'drop'"),
        (lambda: curate.Pipeline({"outliers": {"limit": 1}}), "steps must be a list, not {'outliers'"),
        (lambda: curate.Pipeline([curate.steps.Outliers]), "steps[0]: a step is a name or one"),
        (lambda: curate.Pipeline([curate.steps.Outliers]), ": write Outliers()"),
        (lambda: curate.Pipeline(task={"kind": "clasification"}), "task.kind: found 'clasification' (did you mean"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_found_and_what_is_allowed(wrong, says):
    with pytest.raises(ConfigError) as told:
        wrong()
    assert says in str(told.value)
    assert type(told.value) is ConfigError


def test_all_that_is_wrong_is_said_at_once_and_survives_pickling():
    with pytest.raises(ConfigError) as told:
        curate.Task(kind="clasification", txet="a", label=3)
    assert [line.split(":")[0] for line in str(told.value).splitlines()] == ["Task.kind", "Task.label", "Task"]
    assert str(pickle.loads(pickle.dumps(told.value))) == str(told.value)  # noqa: S301
    with pytest.raises(ConfigError) as told:
        curate.Pipeline(["no_such_step"], seed=-1)
    assert str(pickle.loads(pickle.dumps(told.value))) == str(told.value)  # noqa: S301


def test_settings_inside_others_keep_their_place_in_a_pipeline_file():
    text = "curate: 1\nsteps: []\nfeed:\n  sampler: adaptive\n  adaptive:\n    flor: 1\n    momentum: 2\n"
    with pytest.raises(ConfigError) as told:
        curate.Pipeline.from_text(text, "p.yaml")
    assert str(told.value).splitlines() == [
        "p.yaml:6:5: feed.adaptive: unknown setting 'flor' (did you mean 'floor'?); known: by, follows, temperature,"
        " floor, momentum, start_from",
        "p.yaml:7:5: feed.adaptive.momentum: found 2, expected less than 1",
    ]


def test_pydantic_validates_settings_inside_others_without_their_constructor():
    class Inner(Declared):
        n: int = 0

    class Outer(Declared):
        inner: Inner

    with pytest.raises(ValidationError) as told:
        Outer.model_validate({"inner": {"n": "x"}})
    assert told.value.errors()[0]["loc"] == ("inner", "n")
    with pytest.raises(ConfigError, match=r"^Outer\.inner\.n: found 'x', expected a whole number$"):
        Outer(inner={"n": "x"})
    assert Outer(inner={"n": 2}) == Outer(inner=Inner(n=2))


def test_settings_pickle_and_copy():
    task = curate.Task(kind="classification", text="a", label="b")
    assert pickle.loads(pickle.dumps(task)) == copy.deepcopy(task) == task  # noqa: S301


def test_an_unknown_step_class_has_the_nearest_name():
    with pytest.raises(AttributeError, match="did you mean 'exact_duplicates'"):
        curate.steps.ExactDuplicate()

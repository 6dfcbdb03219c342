"""What holds of every registered step and fix: documented, strict, the same after YAML, pickle and schema."""

import inspect
import pickle
import typing

import jsonschema
import pytest
import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic import ValidationError

from curate import registry
from curate.errors import ConfigError
from curate.step import Augment, Balance, Check, Settings, Transform

STEPS = sorted(registry.step_names())
FIXES = sorted(registry.fix_names())
MINIMAL = {"augment": {"text": ["swap_words"]}, "select": {"share": 0.5}}
SEVERAL_BOUNDS = [("oversample", "to", Le(1)), ("undersample", "to", Le(1)), ("balanced_ensemble", "to", Le(1))]
SEVERAL_BOUNDS += [("resample", "to", Le(1)), ("resample", "to", Ge(2)), ("synthesize", "to", Le(1))]
"""Bounds of one member of a union whose others take more: a share up to 1, or any whole number."""
BASES = {"check": Check, "transform": Transform, "balance": Balance, "augment": Augment}
VERBS = {"check": "find", "transform": "apply", "balance": "decide", "augment": "recipe"}


def load(name):
    return registry.step(name) if name in STEPS else registry.fix(name)


def bounds(field):
    """The bounds of a number: those of the field, and those inside its annotation."""
    found = list(field.metadata)
    todo = [field.annotation]
    while todo:
        annotation = todo.pop()
        todo.extend(typing.get_args(annotation))
        for part in getattr(annotation, "__metadata__", ()):
            found.extend(getattr(part, "metadata", [part]))
    return [b for b in found if isinstance(b, Ge | Gt | Le | Lt)]


def beyond(bound):
    if isinstance(bound, Ge):
        return bound.ge - 1
    if isinstance(bound, Gt):
        return bound.gt - 1
    return (bound.le if isinstance(bound, Le) else bound.lt) + 1


def candidates(field):
    """Values that the field might take, other than its default."""
    literals, todo = [], [field.annotation]
    while todo:
        annotation = todo.pop()
        if typing.get_origin(annotation) is typing.Literal:
            literals.extend(typing.get_args(annotation))
        else:
            todo.extend(typing.get_args(annotation))
    guesses = [*literals, True, False, "drop", 0.25, 2, 7, 30, 1.5, 0.75, ["a"], "x", {"a": 1}]
    return [value for value in guesses if value != field.default or type(value) is not type(field.default)]


def variants(step):
    """The step with one setting changed at a time, for every setting that a guess fits."""
    minimal = MINIMAL.get(step.name, {})
    made = [step(**minimal)]
    for name, field in step.model_fields.items():
        for value in candidates(field):
            try:
                made.append(step(**{**minimal, name: value}))
            except (ConfigError, ValueError):
                continue
    return made


@pytest.mark.parametrize("name", STEPS)
def test_the_name_is_the_files_name_and_the_kind_is_the_folders(name):
    step = load(name)
    assert step.name == name
    assert issubclass(step, BASES[step.kind])
    assert VERBS[step.kind] in {n for c in step.__mro__[: step.__mro__.index(BASES[step.kind])] for n in vars(c)}


@pytest.mark.parametrize("name", STEPS + FIXES)
def test_documented(name):
    step = load(name)
    assert len(inspect.getdoc(step).split()) >= 5
    assert inspect.getdoc(step) != inspect.getdoc(step.__mro__[1])
    for field, info in step.model_fields.items():
        assert info.description, f"{name}.{field} has no description"
        assert len(info.description.split()) >= 3, f"{name}.{field}: {info.description!r} says too little"


@pytest.mark.parametrize("name", STEPS + FIXES)
def test_unknown_settings_are_refused(name):
    with pytest.raises(ConfigError, match="no_such_setting"):
        load(name)(**MINIMAL.get(name, {}), no_such_setting=1)


@pytest.mark.parametrize("name", STEPS + FIXES)
def test_settings_out_of_range_are_refused(name):
    step = load(name)
    for field, info in step.model_fields.items():
        for bound in bounds(info):
            if (name, field, bound) in SEVERAL_BOUNDS:
                continue
            with pytest.raises(ConfigError, match=field):
                step(**{**MINIMAL.get(name, {}), field: beyond(bound)})


@pytest.mark.parametrize("name", STEPS + FIXES)
def test_settings_are_frozen(name):
    step = load(name)(**MINIMAL.get(name, {}))
    for field in type(step).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(step, field, getattr(step, field))


@pytest.mark.parametrize("name", STEPS + FIXES)
def test_settings_survive_yaml_both_ways(name):
    for step in variants(load(name)):
        text = yaml.safe_dump(step.changed())
        assert type(step)(**yaml.safe_load(text)) == step, text


@pytest.mark.parametrize("name", STEPS + FIXES)
def test_pickles(name):
    for step in variants(load(name)):
        assert pickle.loads(pickle.dumps(step)) == step  # noqa: S301


@pytest.mark.parametrize("name", STEPS + FIXES)
def test_its_json_schema_takes_what_it_takes(name):
    step = load(name)
    schema = step.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema.get("additionalProperties") is False
    validator = jsonschema.Draft202012Validator(schema)
    for variant in variants(step):
        validator.validate(variant.changed())
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**MINIMAL.get(name, {}), "no_such_setting": 1})


@pytest.mark.parametrize("name", STEPS + FIXES)
def test_what_every_step_has_is_not_taken_for_something_else(name):
    """`changed` writes the pipeline beside its result: a step whose own `changed` does another thing can't be saved."""
    assert load(name).changed is Settings.changed

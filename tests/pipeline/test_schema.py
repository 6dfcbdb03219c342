"""The JSON Schema of pipeline files."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from curate.pipeline.schema import pipeline_schema

ROOT = Path(__file__).resolve().parents[2]


def test_the_file_is_in_sync():
    """`make schemas` writes it."""
    assert json.loads((ROOT / "schemas/pipeline.schema.json").read_text()) == pipeline_schema(installed=False)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(pipeline_schema())


@pytest.mark.parametrize("path", sorted((ROOT / "pipelines").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_ready_made_pipelines_are_valid(path):
    jsonschema.validate(yaml.safe_load(path.read_text()), pipeline_schema())


@pytest.mark.parametrize(
    "wrong",
    [
        {"curate": 2},
        {"curate": 1, "stpes": []},
        {"curate": 1, "steps": ["label_erors"]},
        {"curate": 1, "steps": [{"label_errors": {"fix_lables": "drop"}}]},
        {"curate": 1, "steps": [{"label_errors": {"fix": "dorp"}}]},
        {"curate": 1, "steps": [{"label_errors": {"limit": 3}}]},
    ],
)
def test_wrong_pipelines_are_invalid(wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, pipeline_schema())

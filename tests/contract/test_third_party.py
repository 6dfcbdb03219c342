"""A step of another installed package works in YAML, in `curate steps` and in the schema."""

import json
import sys

import pytest

import curate
from curate import registry
from curate.cli import invoke

MODULE = '''
"""Finds short texts."""
import numpy as np
import pyarrow.compute as pc
from pydantic import Field
from curate.findings import Findings
from curate.step import Check

class TooBrief(Check):
    """Texts with fewer characters than a bound."""

    modalities = ("text",)
    characters: int = Field(10, ge=1, description="fewest characters")

    def find(self, evidence):
        table = evidence.table
        length = pc.utf8_length(table.column(table.task.text)).to_numpy()
        rows = np.flatnonzero(evidence.active)
        brief = length[rows] < self.characters
        score = np.minimum(length[rows] / self.characters, 1)
        reasons = {int(i): f"{length[rows[i]]} characters" for i in np.flatnonzero(brief)}
        return Findings.of(self.name, "brief", rows, table.row_ids, score, brief, reason=reasons)
'''


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A tiny package with an entry point, on the path for one test."""
    (tmp_path / "tiny_step.py").write_text(MODULE)
    info = tmp_path / "tiny_step-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-step\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[curate.steps]\ntoo_brief = tiny_step:TooBrief\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.step_names.cache_clear()
    yield
    registry.step_names.cache_clear()
    sys.modules.pop("tiny_step", None)


@pytest.mark.usefixtures("installed")
def test_a_foreign_step_is_at_home(capsys):
    pipeline = curate.Pipeline.from_text("curate: 1\nsteps: [{too_brief: {characters: 5, fix: drop, limit: 1}}]")
    table = curate.load({"text": ["long enough", "tiny", "also long enough"], "label": ["a", "b", "a"]})
    curated = pipeline.run(table)
    assert curated.plan["row"].to_pylist() == [0, 2]
    assert "4 characters" in curated.explain(table.row_ids[1])
    assert curate.Pipeline.from_text(pipeline.to_yaml()) == pipeline
    assert curate.steps.TooBrief(characters=3).name == "too_brief"
    assert invoke(["steps"]) == 0
    assert "too_brief" in capsys.readouterr().out
    assert invoke(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert "too_brief" in json.dumps(schema["$defs"]["step"])


@pytest.mark.usefixtures("installed")
def test_a_taken_name_is_refused(tmp_path):
    (tmp_path / "tiny_step-1.0.dist-info" / "entry_points.txt").write_text(
        "[curate.steps]\nlabel_errors = tiny_step:X\n"
    )
    registry.step_names.cache_clear()
    with pytest.raises(curate.errors.ConfigError, match="taken"):
        registry.step_names()

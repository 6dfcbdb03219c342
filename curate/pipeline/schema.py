"""The JSON Schema of a pipeline file, made from the settings of the steps; editors complete and check with it."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from curate import registry
from curate.evidence.settings import EvidenceSettings
from curate.pipeline.pipeline import VERSION
from curate.pipeline.settings import FeedSettings, SourceSettings
from curate.task import Task

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def pipeline_schema(installed: bool = True) -> dict[str, Any]:
    """JSON Schema (2020-12) of a pipeline file.

    Args:
        installed: whether steps of other installed packages are in it, too.
    """
    defs: dict[str, Any] = {}
    steps = {name: _settings(registry.step(name), defs) for name in _names(registry.step_names(), installed)}
    fixes = {name: _settings(registry.fix(name), defs) for name in _names(registry.fix_names(), installed)}
    for settings in steps.values():
        if "fix" in settings.get("properties", {}):
            described = settings["properties"]["fix"].get("description", "")
            settings["properties"]["fix"] = {
                "anyOf": [{"$ref": "#/$defs/fix"}, {"type": "null"}],
                "description": described,
            }
    defs["fix"] = _fix(fixes)
    defs["step"] = _step(steps)
    return {
        "$schema": _DRAFT,
        "title": "curate pipeline",
        "type": "object",
        "required": ["curate"],
        "additionalProperties": False,
        "properties": {
            "curate": {"const": VERSION, "description": "version of this format"},
            "source": {"anyOf": [{"type": "string"}, _settings(SourceSettings, defs)]},
            "task": _settings(Task, defs),
            "evidence": _settings(EvidenceSettings, defs),
            "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
            "feed": _settings(FeedSettings, defs),
            "seed": {"type": "integer", "minimum": 0, "default": 0, "description": "of everything that is drawn"},
        },
        "$defs": dict(sorted(defs.items())),
    }


def _names(known: dict[str, str], installed: bool) -> list[str]:
    return sorted(name for name, where in known.items() if installed or where.startswith("curate."))


def _settings(model: type[BaseModel], defs: dict[str, Any]) -> dict[str, Any]:
    made = model.model_json_schema(ref_template="#/$defs/{model}")
    defs.update(made.pop("$defs", {}))
    made.pop("title", None)
    made["description"] = summary(model)
    return made


def _fix(fixes: dict[str, Any]) -> dict[str, Any]:
    chain = {name: {"anyOf": [settings, {"type": "null"}]} for name, settings in fixes.items()}
    return {
        "anyOf": [
            {"enum": list(fixes)},
            {
                "type": "object",
                "properties": chain | {"otherwise": {"$ref": "#/$defs/fix"}},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 2,
            },
        ]
    }


def _step(steps: dict[str, Any]) -> dict[str, Any]:
    named = {name: {"anyOf": [settings, {"type": "null"}]} for name, settings in steps.items()}
    whole = {
        "type": "object",
        "properties": named,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [{"enum": list(steps)}, whole]}


def write_schema(path: str) -> None:
    """Write the schema without installed packages' steps: the file `schemas/pipeline.schema.json`."""
    text = json.dumps(pipeline_schema(installed=False), indent=2, ensure_ascii=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def summary(model: type[Any]) -> str:
    """The first sentence of a class's docstring."""
    text = inspect.getdoc(model) or ""
    return " ".join(text.split("\n\n")[0].split())


if __name__ == "__main__":
    write_schema(sys.argv[1])

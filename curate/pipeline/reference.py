"""The page about all steps, made from their settings and docstrings: ``docs/steps.md``."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from curate import registry
from curate.augment.operations.catalogue import MODALITIES, known
from curate.pipeline.schema import summary

TITLES = {
    "check": ("Checks", "find what is wrong and change nothing; with `fix`, their findings become decisions"),
    "transform": ("Transforms", "give rows new content, in all splits; what they learn, they learn from training rows"),
    "balance": ("Balance", "decide how often and how strongly training rows count, and make new ones"),
    "augment": ("Augment", "change training draws on their way into a batch"),
}
OWN = "curate"
_SOURCE = re.compile(r"\bSources?: (.*?)(?:\n\n|\Z)", re.DOTALL)


def page(installed: bool = False) -> str:
    """The page as Markdown.

    Args:
        installed: whether steps of other installed packages are in it, too.
    """
    lines = [
        "# Every step and operation",
        "",
        "Made from the code by `make docs`; `curate steps NAME` prints the settings of one with a sentence on each.",
    ]
    names = registry.step_names()
    steps = [registry.step(name) for name in sorted(names) if installed or names[name].startswith("curate.")]
    for kind, (title, does) in TITLES.items():
        lines += ["", f"## {title}", "", f"They {does}.", "", *_table(s for s in steps if s.kind == kind)]
    fixes = [registry.fix(name) for name in sorted(registry.fix_names())]
    lines += ["", "## Fixes", "", "What a check's `fix` names: they turn flagged rows into decisions.", ""]
    lines += _table(fixes)
    for modality in MODALITIES:
        own = importlib.import_module(f"curate.augment.operations.{modality}").__dict__.get("OPERATIONS", {})
        lines += ["", f"## Operations on {modality}", "", "What `augment` lists for this modality.", ""]
        lines += _table([own[name] for name in sorted(own)], modality) if own else []
        if library := [name for name in known(modality) if name not in own]:
            lines += ["", f"By the names and parameters of Albumentations: {', '.join(library)}."]
    return "\n".join(lines) + "\n"


def _table(classes: Iterable[Any], modality: str | None = None) -> list[str]:
    lines = ["| name | for | what it does | settings and their defaults | source |", "|---|---|---|---|---|"]
    for cls in classes:
        inputs = modality or ", ".join(getattr(cls, "modalities", ())) or "any"
        cells = (f"`{cls.name}`", inputs, summary(cls), ", ".join(_settings(cls)) or "none", source(cls))
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return lines


def _settings(cls: type[Any]) -> list[str]:
    told = []
    for name, field in cls.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if default is PydanticUndefined:
            told.append(f"`{name}` (needed)")
        else:
            told.append(f"`{name}: {_yaml(default)}`")
    return told


def _yaml(value: Any) -> str:
    """A default as one would write it in a pipeline file."""
    import yaml

    plain = list(value) if isinstance(value, (tuple, frozenset, set)) else value
    return (
        yaml.safe_dump(plain, default_flow_style=True, width=10**6, allow_unicode=True).replace("\n...\n", "").strip()
    )


def source(cls: type[Any]) -> str:
    """The paper or library behind a step, as its docstring says it; curate itself where it names none."""
    found = _SOURCE.search(inspect.getdoc(cls) or "")
    return " ".join(found[1].split()).rstrip(".") if found else OWN


if __name__ == "__main__":
    Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")

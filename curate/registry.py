"""Finding steps and fixes by name, without importing the others: a step's name is its file's name.

Installed packages add steps of their own through the entry point group ``curate.steps`` (``name = "module:Class"``) and
fixes through ``curate.fixes``; a name that is taken is refused.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from curate.errors import ConfigError, nearest

KINDS = {"transform": "transforms", "check": "checks", "balance": "balance", "augment": "augment"}
"""Kind of step -> the folder of `curate` that holds them."""


def camel_case(name: str) -> str:
    """``label_errors`` -> ``LabelErrors``: the class in the file of that name."""
    return "".join(part.capitalize() for part in name.split("_"))


def _folder(folder: str) -> dict[str, str]:
    files = sorted((Path(__file__).parent / folder).glob("*.py"))
    return {f.stem: f"curate.{folder}.{f.stem}:{camel_case(f.stem)}" for f in files if not f.stem.startswith("_")}


def _installed(group: str, taken: Mapping[str, str]) -> dict[str, str]:
    from importlib.metadata import entry_points

    found: dict[str, str] = {}
    for point in entry_points(group=group):
        if point.name in taken or found.get(point.name, point.value) != point.value:
            raise ConfigError(
                f"the package behind {point.value!r} wants to add {point.name!r} to {group}, but that name is taken"
            )
        found[point.name] = point.value
    return found


@cache
def step_names() -> dict[str, str]:
    """Every known step: name -> ``module:Class``. Imports none of them."""
    own = {name: where for folder in KINDS.values() for name, where in _folder(folder).items()}
    return own | _installed("curate.steps", own)


@cache
def fix_names() -> dict[str, str]:
    """Every known fix: name -> ``module:Class``. Imports none of them."""
    own = _folder("fixes")
    return own | _installed("curate.fixes", own)


def _load(what: str, name: str, known: Mapping[str, str]) -> Any:
    if name not in known:
        raise ConfigError(f"unknown {what} {name!r}{nearest(name, known)}; known: {', '.join(sorted(known))}")
    module, _, attribute = known[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def step(name: str) -> Any:
    """The class of the step of that name. Raises ConfigError with the nearest known name."""
    return _load("step", name, step_names())


def is_own(name: str) -> bool:
    """Whether `curate` itself brings the step of that name."""
    return step_names().get(name, "").startswith("curate.")


def docstring(name: str) -> str:
    """The docstring of the step of that name, read from its file where it is not loaded: loading it takes far longer.

    Raises ConfigError with the nearest known name.
    """
    module, _, attribute = step_names().get(name, "").partition(":")
    if module.startswith("curate.") and module not in sys.modules:
        file = Path(__file__).parent.joinpath(*module.split(".")[1:]).with_suffix(".py")
        for part in ast.parse(file.read_bytes()).body if file.is_file() else ():
            if isinstance(part, ast.ClassDef) and part.name == attribute and ast.get_docstring(part):
                return ast.get_docstring(part) or ""
    return inspect.getdoc(step(name)) or ""


def fix(name: str) -> Any:
    """The class of the fix of that name. Raises ConfigError with the nearest known name."""
    return _load("fix", name, fix_names())


def fixes(spec: str | Mapping[str, Any]) -> list[Any]:
    """The fixes of a check's `fix` setting, in the order in which they take rows.

    ``"drop"``; ``{"relabel": {"min_confidence": 0.9}, "otherwise": "soften"}``: the first takes what meets its
    conditions, `otherwise` (a setting of the same form) the rest. Raises ConfigError for an unknown name or a wrong
    setting.
    """
    if isinstance(spec, str):
        return [fix(spec)()]
    rest = dict(spec)
    otherwise = rest.pop("otherwise", None)
    if len(rest) != 1:
        given = ", ".join(rest) or "none"
        raise ConfigError(f"a fix names one action, and what becomes of the others under `otherwise`; found {given}")
    [(name, settings)] = rest.items()
    if settings is not None and not isinstance(settings, Mapping):
        raise ConfigError(f"the settings of the fix {name!r} must be a mapping, not {settings!r}")
    chain = [_make_fix(name, dict(settings or {}))]
    return chain + (fixes(otherwise) if otherwise is not None else [])


def _make_fix(name: str, settings: dict[str, Any]) -> Any:
    from curate.declared import made

    return made(fix(name), settings, f"the fix {name!r}")

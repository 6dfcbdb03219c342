"""Any detector of PyOD by its name."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from curate.checks.detectors.space import Space
from curate.errors import ConfigError, MissingPackage, nearest

LEARNED_ROWS = 20_000
"""Rows that a detector learns from, at most: many of them take the square of the rows in time or memory."""


@cache
def modules() -> dict[str, str]:
    """Lower-case name -> module of `pyod.models`, without importing any; empty where PyOD is not installed."""
    found = find_spec("pyod")
    if found is None:
        return {}
    files = [file for place in found.submodule_search_locations or () for file in (Path(place) / "models").glob("*.py")]
    return {file.stem.lower(): file.stem for file in files if not file.stem.startswith("_") and "base" not in file.stem}


def refusal(name: str) -> str | None:
    """Why there is no such detector (with the nearest names), or None; None, too, where PyOD is not installed."""
    known = modules()
    if not known or name.lower() in known:
        return None
    return f"PyOD has no detector {name!r}{nearest(name, known, 3)}; known: {', '.join(sorted(known))}"


def detector(name: str, settings: Mapping[str, Any], seed: int) -> Any:
    """A new detector.

    Only classes of `pyod.models` are made, by name; settings are plain values for their constructors.

    Raises:
        MissingPackage: PyOD is not installed.
        ConfigError: there is no such detector or setting, or it needs a package that is not there.
    """
    known = modules()
    if not known:
        raise MissingPackage("pyod", "tabular", f"outliers with method: pyod.{name}")
    if why := refusal(name):
        raise ConfigError(why)
    try:
        module = importlib.import_module(f"pyod.models.{known[name.lower()]}")
        base = importlib.import_module("pyod.models.base").BaseDetector
    except ImportError as error:
        raise ConfigError(f"PyOD's {name} can't be loaded here: {error}") from error
    classes = {
        key.lower(): value
        for key, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, base) and value.__module__ == module.__name__
    }
    made = classes.get(name.lower().replace("_", "")) or classes.get(name.lower())
    if made is None:
        raise ConfigError(f"pyod.models.{known[name.lower()]} is no detector of rows")
    taken = inspect.signature(made).parameters
    for key in settings:
        if key not in taken:
            raise ConfigError(f"PyOD's {made.__name__} has no setting {key!r}{nearest(key, taken)}")
    chosen = dict(settings)
    if "random_state" in taken:
        chosen.setdefault("random_state", seed % 2**32)
    try:
        return made(**chosen)
    except (TypeError, ValueError, ImportError) as error:
        raise ConfigError(f"PyOD's {made.__name__} does not take {dict(settings)}: {error}") from error


def pyod_scores(space: Space, name: str, settings: Mapping[str, Any]) -> np.ndarray:
    """(n,) scores of a detector of PyOD, larger for stranger rows; NaN where it gives none.

    Raises:
        ConfigError: as `detector`, or the detector fails on these rows.
    """
    rows = space.sample(LEARNED_ROWS)
    made = detector(name, settings, space.seed)
    before = np.random.get_state()  # some detectors draw from the global generator
    try:
        np.random.seed(space.seed % 2**32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the detectors' own, of which there are many kinds
            made.fit(space.values[rows].astype(np.float64))
            out = np.full(len(space), np.nan)
            out[rows] = np.ravel(made.decision_scores_)
            others = np.setdiff1d(np.arange(len(space)), rows)
            if len(others):
                out[others] = np.ravel(made.decision_function(space.values[others].astype(np.float64)))
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"PyOD's {name} can't judge these {len(rows):,} rows: {error}") from error
    finally:
        np.random.set_state(before)
    return np.where(np.isfinite(out), out, np.nan)

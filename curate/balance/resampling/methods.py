"""The methods of `resample`: the library class behind each, what it does with rows, and the settings it takes."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from curate.errors import MissingPackage

Family = Literal["over", "under", "clean", "both"]
Inputs = Literal["none", "any", "numbers", "mixed", "categories"]


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes:
        family: over adds rows, under leaves a number of rows, clean drops what it finds, both adds and then cleans.
        inputs: what it needs to see of a row: none, any (features or the embedding), or columns that rows can be made
            in: numbers, mixed (numbers and categories), categories.
        library: module and class of imbalanced-learn; empty where the method is our own.
        takes: setting of `resample` -> parameter of the library class ("" where ours handles it).
        makes: whether it synthesises rows.
        task: kind of task that it is for.
    """

    family: Family
    inputs: Inputs
    library: str = ""
    takes: Mapping[str, str] = field(default_factory=dict)
    makes: bool = False
    task: str = "classification"

    def load(self) -> Any:
        """The library's class. Raises MissingPackage where imbalanced-learn is not installed."""
        module, _, name = self.library.partition(":")
        try:
            return getattr(importlib.import_module(f"imblearn.{module}"), name)
        except ImportError as error:
            raise MissingPackage("imbalanced-learn", "balance", "resample") from error


K = {"k": "n_neighbors"}
SMOTE_K = {"k": "k_neighbors"}
EDITED = K | {"kind_sel": "kind_sel"}
CONDENSED = K | {"n_seeds": "n_seeds_S"}


def _over(name: str, inputs: Inputs, takes: Mapping[str, str]) -> Method:
    return Method("over", inputs, f"over_sampling:{name}", takes, makes=True)


def _under(name: str, takes: Mapping[str, str], inputs: Inputs = "any") -> Method:
    return Method("under", inputs, f"under_sampling:{name}", takes)


def _clean(name: str, takes: Mapping[str, str]) -> Method:
    return Method("clean", "any", f"under_sampling:{name}", takes)


METHODS: dict[str, Method] = {
    "random_over": Method(
        "over", "none", "over_sampling:RandomOverSampler", {"shrinkage": "shrinkage", "max_copies": ""}
    ),
    "smote": _over("SMOTE", "numbers", SMOTE_K),
    "smotenc": _over("SMOTENC", "mixed", SMOTE_K),
    "smoten": _over("SMOTEN", "categories", SMOTE_K),
    "borderline_smote": _over("BorderlineSMOTE", "numbers", SMOTE_K | {"m": "m_neighbors", "borderline": "kind"}),
    "svm_smote": _over("SVMSMOTE", "numbers", SMOTE_K | {"m": "m_neighbors", "out_step": "out_step"}),
    "kmeans_smote": _over(
        "KMeansSMOTE",
        "numbers",
        SMOTE_K
        | {"clusters": "kmeans_estimator"}
        | {name: name for name in ("cluster_balance_threshold", "density_exponent")},
    ),
    "adasyn": _over("ADASYN", "numbers", K),
    "random_under": _under("RandomUnderSampler", {"replacement": "replacement"}, "none"),
    "near_miss": _under("NearMiss", K | {"version": "version", "n_neighbors_ver3": "n_neighbors_ver3"}),
    "tomek_links": _clean("TomekLinks", {}),
    "edited_nearest_neighbours": _clean("EditedNearestNeighbours", EDITED),
    "repeated_edited_nearest_neighbours": _clean("RepeatedEditedNearestNeighbours", EDITED | {"max_iter": "max_iter"}),
    "all_knn": _clean("AllKNN", EDITED | {"allow_minority": "allow_minority"}),
    "condensed_nearest_neighbour": _clean("CondensedNearestNeighbour", CONDENSED),
    "one_sided_selection": _clean("OneSidedSelection", CONDENSED),
    "neighbourhood_cleaning_rule": _clean(
        "NeighbourhoodCleaningRule", K | {"threshold_cleaning": "threshold_cleaning"}
    ),
    "instance_hardness_threshold": _under("InstanceHardnessThreshold", {"estimator": "estimator", "cv": "cv"}),
    "cluster_centroids": _under("ClusterCentroids", {"voting": "voting"}),
    "smote_enn": Method(
        "both",
        "numbers",
        "under_sampling:EditedNearestNeighbours",
        {"k": "", "enn_k": "n_neighbors", "kind_sel": "kind_sel"},
        makes=True,
    ),
    "smote_tomek": Method("both", "numbers", "under_sampling:TomekLinks", {"k": ""}, makes=True),
    "ml_ros": Method("over", "none", "", {"share": "", "max_copies": ""}, task="multilabel"),
    "lp_ros": Method("over", "none", "", {"share": "", "max_copies": ""}, task="multilabel"),
    "mlsmote": Method("over", "mixed", "", {"k": ""}, makes=True, task="multilabel"),
    "bins": Method("over", "none", "", {"bins": "", "edges": "", "direction": "", "max_copies": ""}, task="regression"),
    "smoter": Method("over", "mixed", "", dict.fromkeys(("k", "relevance", "thin"), ""), makes=True, task="regression"),
    "smogn": Method(
        "over", "mixed", "", dict.fromkeys(("k", "relevance", "thin", "noise"), ""), makes=True, task="regression"
    ),
}
ALIASES = {
    "randomoversampler": "random_over",
    "randomundersampler": "random_under",
    "renn": "repeated_edited_nearest_neighbours",
    "repeatedenn": "repeated_edited_nearest_neighbours",
    "enn": "edited_nearest_neighbours",
    "cnn": "condensed_nearest_neighbour",
    "oss": "one_sided_selection",
    "ncr": "neighbourhood_cleaning_rule",
    "iht": "instance_hardness_threshold",
}
SETTINGS = tuple(dict.fromkeys(name for method in METHODS.values() for name in method.takes))
"""All settings that belong to some methods only."""


def canonical_name(name: str) -> str:
    """The name of a method, however its users spell it (``SMOTENC``, ``smote_nc``, ``ENN``); itself where unknown."""
    bare = re.sub(r"[^a-z0-9]", "", name.lower())
    spelled = {known.replace("_", ""): known for known in METHODS} | ALIASES
    return spelled.get(bare, name)


def selecting() -> list[str]:
    """Names of the methods for classes that only select rows, for advice in messages."""
    return [name for name, method in METHODS.items() if not method.makes and method.task == "classification"]

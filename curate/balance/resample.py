"""The step that resamples rows by the methods of imbalanced-learn, and by those for label sets and for numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import Field, field_validator, model_validator

from curate.balance._rows import MOST_DRAWS
from curate.balance.resampling.methods import METHODS, SETTINGS, canonical_name
from curate.errors import nearest
from curate.step import Balance

if TYPE_CHECKING:
    from curate.ledger import Decisions
    from curate.made import Made
    from curate.table import Labels
    from curate.task import Task

Name = Literal[
    "random_over", "smote", "smotenc", "smoten", "borderline_smote", "svm_smote", "kmeans_smote", "adasyn",
    "random_under", "near_miss", "tomek_links", "edited_nearest_neighbours", "repeated_edited_nearest_neighbours",
    "all_knn", "condensed_nearest_neighbour", "one_sided_selection", "neighbourhood_cleaning_rule",
    "instance_hardness_threshold", "cluster_centroids", "smote_enn", "smote_tomek",
    "ml_ros", "lp_ros", "mlsmote", "bins", "smoter", "smogn",
]  # fmt: skip
Word = Literal["auto", "minority", "not minority", "not majority", "majority", "all", "median", "mean", "effective"]
Target = (
    Word
    | Annotated[int, Field(ge=2, le=MOST_DRAWS)]
    | Annotated[float, Field(gt=0, le=1)]
    | dict[str, Annotated[int, Field(ge=0, le=MOST_DRAWS)]]
    | tuple[str, ...]
)
NOT_FOR_CLASSES = {
    "multilabel": "ml_ros, lp_ros (any input), mlsmote (features)",
    "regression": "bins (any input), smoter, smogn (features)",
}
REPEATS = {
    "classification": "oversample",
    "multilabel": "resample: {method: ml_ros}",
    "regression": "resample: {method: bins}",
}
"""Kind of task -> the step that repeats rows of it."""


class Resample(Balance):
    """Adds, drops or makes rows until classes (or label sets, or regions of a number) have the wanted sizes.

    Every sampler of imbalanced-learn 0.14 by its name in snake case, with its defaults; rows are seen in an order that
    depends on their ids alone. Methods that select rows compare the features or series as they are, and the embedding
    of everything else; methods that make rows write them into the table's own columns: whole numbers rounded,
    categories one of those there are, the group that of the main parent, columns that are no input left empty.
    A class with too few rows for k neighbours is treated as `few` says, and a note tells.
    Checks that come after this step judge made rows, too, by the parents that they lie between: they look alike, so
    that doubts about a parent, near duplicates and dense places are found again in them. Put checks before it.
    New rows are made block by block; where they take more than 32 MB they stand in a file of the temporary folder.
    Cost: random_over and random_under one sort of the rows; methods that look at neighbours rows x rows of the classes
    that they compare (smote: of the classes that grow, alone); condensed_nearest_neighbour a search for every row that
    it keeps; cluster_centroids k-means with as many clusters as rows stay; svm_smote a support vector machine.
    Source: imbalanced-learn 0.14; ml_ros, lp_ros Charte et al. 2015, "Addressing imbalance in multilabel
    classification"; mlsmote Charte et al. 2015, "MLSMOTE"; smoter Torgo et al. 2013, "SMOTE for Regression"; smogn
    Branco et al. 2017, "SMOGN"; effective Cui et al. 2019.
    """

    embeds: ClassVar[bool] = True

    method: Name = Field(
        "random_over", description="how rows are added, chosen or made; imbalanced-learn's names fit, too"
    )
    to: Target = Field(
        "auto",
        description="rows of each class afterwards, as imbalanced-learn's sampling_strategy: auto, minority, not"
        " minority, not majority, majority or all (the classes that are brought to the size of the largest, or of the"
        " smallest for methods that drop); a ratio of smaller to larger class; {class: rows}; for methods that clean a"
        " list of classes; also median, mean, effective (sizes in proportion to the effective number of rows) or one"
        " whole number of rows",
    )
    beta: float = Field(0.999, ge=0, lt=1, description="of to: effective; near 0 makes all classes alike")
    max_ratio: float | None = Field(
        None, ge=1, description="a class grows to at most this many times its rows; no bound if left out"
    )
    few: Literal["reduce", "leave", "refuse"] = Field(
        "reduce",
        description="classes with too few rows for k neighbours: reduce looks at fewer neighbours there, leave leaves"
        " the class as it is, both with a note, and refuse stops the run; refuse also stops where cleaning would leave"
        " no row of a class, which is otherwise left as it is",
    )
    space: Literal["auto", "features", "embedding"] = Field(
        "auto",
        description="what methods that select rows compare: auto takes numbers and series as they are, and the"
        " embedding for all else",
    )
    scale: Literal["none", "standard"] = Field(
        "none",
        description="none compares columns in their own units, as the library does; standard gives them equal spread",
    )
    seed: int | None = Field(
        None, ge=0, lt=2**32, description="the library's random_state; drawn from the pipeline's seed if left out"
    )
    k: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="neighbours of a row that are looked at; as in the library if left out (5, or 3)",
    )
    enn_k: int | None = Field(None, ge=1, le=1000, description="of smote_enn: neighbours that cleaning looks at; 3")
    m: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="neighbours that tell whether a row is in danger; 10 (borderline_smote, svm_smote)",
    )
    borderline: Literal[1, 2] | None = Field(
        None, description="of borderline_smote: 1 moves rows toward their own class, 2 toward any; 1"
    )
    kind_sel: Literal["all", "mode"] | None = Field(
        None,
        description="of edited_nearest_neighbours and its kin: a row stays if all of its neighbours are of its class,"
        " or most of them (mode); all",
    )
    version: Literal[1, 2, 3] | None = Field(None, description="of near_miss; 1")
    n_neighbors_ver3: int | None = Field(
        None, ge=1, le=1000, description="of near_miss 3: neighbours of each rare row that are looked among; 3"
    )
    out_step: float | None = Field(None, gt=0, le=10, description="of svm_smote: how far beyond a row it goes; 0.5")
    clusters: int | None = Field(None, ge=1, description="of kmeans_smote: number of clusters; 8")
    cluster_balance_threshold: float | None = Field(
        None, description="of kmeans_smote: share of the class that a cluster needs; half its share of the new rows"
    )
    density_exponent: float | None = Field(None, description="of kmeans_smote: how much sparse clusters are preferred")
    threshold_cleaning: float | None = Field(
        None,
        gt=0,
        description="of neighbourhood_cleaning_rule: size of a class, in smallest classes, to be cleaned; 0.5",
    )
    max_iter: int | None = Field(None, ge=1, description="of repeated_edited_nearest_neighbours: most turns; 100")
    allow_minority: bool | None = Field(None, description="of all_knn: whether a class may become the smallest; false")
    n_seeds: int | None = Field(
        None, ge=1, description="of condensed_nearest_neighbour, one_sided_selection: rows of a class to begin with; 1"
    )
    estimator: Literal["random_forest", "logistic", "k_nearest"] | None = Field(
        None, description="of instance_hardness_threshold: what judges rows; random_forest"
    )
    cv: int | None = Field(None, ge=2, le=50, description="of instance_hardness_threshold: folds; 5")
    voting: Literal["auto", "hard", "soft"] | None = Field(
        None, description="of cluster_centroids: soft makes rows of the centres, hard takes the rows nearest to them"
    )
    replacement: bool | None = Field(None, description="of random_under: whether a row may be drawn twice; false")
    shrinkage: float | None = Field(
        None,
        ge=0,
        description="of random_over: noise on copies, in the class's smoothed spread; plain copies if left out",
    )
    max_copies: int | None = Field(
        None, ge=1, description="most extra draws of one row, earlier steps' among them; no bound if left out"
    )
    share: float | None = Field(
        None, gt=0, le=10, description="of ml_ros, lp_ros: rows added, as a share of those there are; 0.25"
    )
    bins: int | None = Field(None, ge=2, le=1000, description="of bins: number of intervals of the target; 10")
    edges: Literal["width", "quantile"] | None = Field(
        None, description="of bins: intervals of equal width, or of equal numbers of rows; width"
    )
    direction: Literal["over", "under"] | None = Field(
        None, description="of bins: over repeats rows of rare intervals, under drops rows of frequent ones; over"
    )
    relevance: float | None = Field(
        None, gt=0, lt=1, description="of smoter, smogn: least relevance of a target that counts as rare; 0.8"
    )
    thin: bool | None = Field(
        None, description="of smoter, smogn: whether rows of common targets are dropped to make room; true"
    )
    noise: float | None = Field(
        None, gt=0, le=1, description="of smogn: noise on rows far from their neighbours, in standard deviations; 0.02"
    )

    @field_validator("method", mode="before")
    @classmethod
    def _spelled_anyhow(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        name = canonical_name(value)
        if name not in METHODS:
            raise ValueError(f"unknown method {value!r}{nearest(value, METHODS)}; known: {', '.join(METHODS)}")
        return name

    @field_validator("to", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        if isinstance(value, str):
            value = value.replace("_", " ")
            if value not in get_args(Word):
                raise ValueError(
                    f"unknown target {value!r}{nearest(value, get_args(Word))}; known: {', '.join(get_args(Word))}, a"
                    " whole number of rows, a ratio of up to 1.0, {class: rows}, or a list of classes to clean"
                )
            return value
        if isinstance(value, bool):
            raise ValueError(
                "a target is a name, a number, a mapping class -> rows or a list of classes, not yes or no"
            )
        if isinstance(value, Mapping):
            return {_class_name(key): rows for key, rows in value.items()}
        return tuple(_class_name(key) for key in value) if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _settings_fit_method(self) -> Resample:
        takes = METHODS[self.method].takes
        for name in self.own_settings:
            if name not in takes:
                others = ", ".join(takes) or "no setting of its own"
                raise ValueError(f"{self.method} has no use for {name!r}; it takes {others}")
        if self.n_neighbors_ver3 is not None and self.version != 3:
            raise ValueError("n_neighbors_ver3 is for near_miss with version: 3")
        if self.max_ratio is not None and METHODS[self.method].family in ("under", "clean"):
            raise ValueError(f"max_ratio bounds how far a class grows, and {self.method} adds no rows")
        idle = [name for name in ("space", "scale") if name in self.changed() and not self._uses(name)]
        if idle:
            raise ValueError(f"{self.method} has no use for {' or '.join(idle)}: it does not compare rows")
        if self.few != "reduce" and METHODS[self.method].inputs == "none" and self.shrinkage is None:
            raise ValueError(f"{self.method} looks at no neighbours, so few: {self.few} says nothing")
        if "beta" in self.changed() and self.to != "effective":
            raise ValueError("beta is for to: effective alone")
        if self.max_ratio is not None and self.method in ("ml_ros", "lp_ros", "mlsmote"):
            raise ValueError(f"{self.method} has no use for max_ratio; share says how many rows it adds")
        if self.shrinkage is not None and self.max_copies is not None:
            raise ValueError("max_copies bounds draws of a row, and random_over with shrinkage makes new rows")
        if self.task_kind != "classification" and self.to != "auto" and self.method != "bins":
            raise ValueError(f"{self.method} finds its own target: `to` is for classes and for bins")
        return self

    @property
    def own_settings(self) -> dict[str, Any]:
        """The settings of single methods that were given."""
        given = {name: getattr(self, name) for name in SETTINGS}
        return {name: value for name, value in given.items() if value is not None}

    def _uses(self, name: str) -> bool:
        """Whether the method looks at values of rows at all, and whether it may choose between them and embeddings."""
        inputs = METHODS[self.method].inputs
        compared = inputs != "none" or self.shrinkage is not None
        return compared if name == "scale" else inputs == "any"

    @property
    def task_kind(self) -> str:
        """Kind of task that the method is for."""
        return METHODS[self.method].task

    @property
    def makes(self) -> bool:
        """Whether new rows are made, and not given ones chosen."""
        return METHODS[self.method].makes or self.shrinkage is not None or self.voting == "soft"

    def wants_embedding(self, task: Task) -> bool:
        """Whether rows are compared, and by the embedding of texts, images, audio or video."""
        raw = bool(set(task.modalities) - {"features", "series"}) or self.space == "embedding"
        return raw and METHODS[self.method].inputs == "any"

    def refuses(self, task: Task) -> str | None:
        """The method must be for this kind of task; rows are only made of features and series."""
        if task.kind != self.task_kind:
            fits = NOT_FOR_CLASSES.get(str(task.kind))
            fits = "the other methods" if task.kind == "classification" else fits
            return f"resample: {self.method} is for {self.task_kind}, and this task's kind is {task.kind}" + (
                f"; for it there are {fits}" if fits else "; no method resamples such tasks"
            )
        raw = sorted(set(task.modalities) - {"features", "series"})
        if self.makes and (raw or not task.modalities):
            return (
                f"resample: {self.method} mixes numbers into new rows, which gives no {' or '.join(raw) or 'input'};"
                f" take `{REPEATS[self.task_kind]}` and let `augment` change every copy, or a method that selects rows"
            )
        if self.space == "features" and raw and METHODS[self.method].inputs == "any":
            return f"resample: `space: features` compares numbers alone, and the task has {' and '.join(raw)}, too"
        return None

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions | Made:
        """Repeats, drops or new rows."""
        drawn, salt = int(rng.integers(2**32)), int(rng.integers(2**32))
        seed = drawn if self.seed is None else self.seed
        from curate.evidence.blas_threads import fitting_threads
        from curate.evidence.parts.left import shared_writer

        if self.task_kind == "multilabel":
            from curate.balance.resampling.label_sets import resampled
        elif self.task_kind == "regression":
            from curate.balance.resampling.regression import resampled
        else:
            from curate.balance.resampling.classes import resampled
        with fitting_threads(), shared_writer(evidence) as writer:
            return resampled(self, labels, evidence, seed, salt, writer)


def _class_name(key: object) -> str:
    """A class as the file names it: YAML reads some names as numbers, yes or no."""
    return str(key).lower() if isinstance(key, bool) else str(key)

"""The step that selects a subset of the rows, or ranks rows for labelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from curate import registry
from curate.balance._by_method import ByMethod
from curate.balance._rows import note, shuffled
from curate.balance.selection.choosing import SPREAD
from curate.balance.selection.difficulty import By, Keep
from curate.balance.selection.selected import Selected, selected
from curate.errors import ConfigError
from curate.ledger import Decisions
from curate.randomness import generator
from curate.wording import with_article

if TYPE_CHECKING:
    from curate.table import Labels, Table
    from curate.task import Task

LABELLED = ("classification", "multilabel", "regression")
CHUNK = 65_536
SIZES = ("rows", "share", "tokens", "seconds")


class Select(ByMethod):
    """Selects a subset of the rows and drops the others, or ranks unlabelled rows for a person to label.

    Which rows are selected depends on their ids, content and the seed, not on their order. Cost: random, stratified and
    quality one sort; uncertainty the cross-validation, if no earlier step has done it; k_centre about one product of
    the vectors with those selected; facility_location one product of the vectors with 4,096 rows; herding reads up to
    65,536 vectors for each row selected; diversity the search for near pairs and then k_centre. No method holds more
    than 150 MB beside the vectors. Source: k_centre is Sener and Savarese 2018, "Active Learning for Convolutional
    Neural Networks: A Core-Set Approach"; facility_location Wei, Iyer, Bilmes 2015, "Submodularity in Data Subset
    Selection and Active Learning"; herding Welling 2009, "Herding Dynamical Weights to Learn"; margin, entropy and
    least_confidence Settles 2009, "Active Learning Literature Survey"; el2n follows Paul, Ganguli, Dziugaite 2021,
    "Deep Learning on a Data Diet", with out-of-sample probabilities.
    """

    embeds: ClassVar[bool] = True
    settings_of: ClassVar[dict[str, tuple[str, ...]]] = {
        "by": ("uncertainty",),
        "keep": ("uncertainty",),
        "measure": ("quality",),
        "prefer": ("quality",),
        "checks": ("quality",),
        "similarity": ("diversity",),
    }

    method: Literal[
        "random", "stratified", "k_centre", "facility_location", "herding", "uncertainty", "diversity", "quality"
    ] = Field(
        "random",
        description="random; stratified (random, with the shares that the classes have); k_centre (each next row the"
        " farthest from all selected); facility_location (every row has a selected one like it); herding (the mean"
        " follows that of all); uncertainty (see by, keep); diversity (near pairs go, then k_centre); quality (see"
        " measure, checks)",
    )
    rows: int | None = Field(None, ge=1, description="how many rows to select")
    share: float | None = Field(None, gt=0, le=1, description="which share of the rows to select")
    tokens: int | None = Field(
        None, ge=1, description="how many tokens the selected rows may have in all: words, or tokens of the tokenizer"
    )
    seconds: float | None = Field(
        None, gt=0, description="how many seconds of audio or video the selected rows may have in all"
    )
    tokenizer: str | None = Field(
        None, description="transformers name or folder of the tokenizer that counts tokens; words if left out"
    )
    per_class: bool = Field(
        False,
        description="select from each class for itself; the size is then that of each class (unlabelled rows count for"
        " their likeliest class)",
    )
    min_per_class: int = Field(0, ge=0, description="rows that each class gets before the others are selected")
    among: Literal["labelled", "unlabelled", "all"] | None = Field(
        None,
        description="rows to select from, the others stay as they are: labelled, unlabelled or all training rows;"
        " labelled where the task has labels, if left out",
    )
    by: By = Field(
        "margin",
        description="of uncertainty, by out-of-sample probabilities: margin (between the two likeliest classes),"
        " entropy, least_confidence, or el2n (distance from the given label; for regression the absolute error)",
    )
    keep: Keep = Field("hardest", description="of uncertainty: which rows to select, hardest, easiest or middle")
    measure: str | None = Field(None, description="of quality: field of a measure, such as text.words")
    prefer: Literal["highest", "lowest"] = Field(
        "highest", description="of quality: whether high or low values of the measure, or scores of checks, are best"
    )
    checks: tuple[str, ...] = Field(
        (), description="of quality: names of checks whose mean score says how good a row is (1 is best)"
    )
    similarity: float | None = Field(
        None,
        ge=0,
        le=1,
        description="of diversity: least similarity of near pairs, in the unit that near_duplicates uses for the"
        " modality; its own threshold if left out",
    )
    fix: Literal["drop", "review"] | None = Field(
        None,
        description="drop: rows that are not selected are dropped; review: selected rows are put on the list for review"
        " with their rank, and none is dropped; if left out, review for unlabelled rows and drop for others",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Select:
        given = [name for name in SIZES if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"name one size, rows, share, tokens or seconds; found {found}")
        if self.tokenizer is not None and self.tokens is None:
            raise ValueError("a tokenizer counts the tokens of a budget: name the budget in tokens")
        if self.per_class and self.min_per_class:
            raise ValueError("per_class selects from each class for itself, so min_per_class says nothing beside it")
        if self.method == "quality" and (self.measure is None) == (not self.checks):
            raise ValueError("quality needs either a measure or checks")
        for name in self.checks:
            if registry.step_names().get(name, "").startswith("curate.") and registry.step(name).kind != "check":
                kind = with_article(f"{registry.step(name).kind} step")
                raise ValueError(f"{name} is {kind}, not a check whose scores could be taken")
        return self

    def refuses(self, task: Task) -> str | None:
        """Classes, tokens and seconds must be there for what asks for them."""
        if self.tokens is not None and task.text is None and task.tokens is None:
            return "select: a budget in tokens needs texts, and the task names no column of them"
        if self.seconds is not None and task.audio is None and task.video is None:
            return "select: a budget in seconds needs audio or video, and the task names no column of either"
        return self._refuses_labels(task)

    def _refuses_labels(self, task: Task) -> str | None:
        kind = task.kind or "task of unknown kind"
        classes = self.per_class or self.min_per_class > 0
        if (classes or self.method == "stratified") and task.kind not in LABELLED:
            asked = "per_class and min_per_class" if classes else "stratified"
            return f"select: {asked} need labels of rows, and this is a task of the kind {kind}"
        if self.method == "uncertainty":
            if task.kind not in LABELLED:
                return f"select: uncertainty needs labels to learn from, and this is a task of the kind {kind}"
            if task.kind == "regression" and self.by != "el2n":
                return f"select: {self.by} is about classes; for regression say by: el2n (the absolute error)"
            if self.by == "el2n" and self.among == "unlabelled":
                return "select: el2n compares with the given label, and unlabelled rows have none"
        if self.among in ("labelled", "unlabelled") and task.kind not in LABELLED:
            return f"select: among: {self.among} needs labels of rows, and this is a task of the kind {kind}"
        return None

    def wants_embedding(self, task: Task) -> bool:
        """Ways of spreading look at vectors; so do probabilities, which rank rows and class unlabelled ones."""
        by_class = self.per_class or self.min_per_class > 0 or self.method == "stratified"
        return (
            self.method in SPREAD
            or self.method == "uncertainty"
            or len(self.checks) > 0
            or (by_class and self.among in ("unlabelled", "all"))
        )

    @property
    def reviews(self) -> bool:
        """Whether selected rows are put on the list for review, and none is dropped."""
        return self.fix == "review" or (self.fix is None and self.among == "unlabelled")

    def pool(self, labels: Labels, evidence: Any) -> np.ndarray:
        """(m,) int64 positions of the active training rows to select from."""
        rows = evidence.active & evidence.table.training
        if self.among == "all" or (self.among is None and evidence.table.task.kind not in LABELLED):
            return np.flatnonzero(rows)
        return np.flatnonzero(rows & (~labels.known if self.among == "unlabelled" else labels.known))

    def ranking(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> list[str]:
        """Ids of the selected rows, the first to be labelled first."""
        return evidence.table.row_ids[self._selected(labels, evidence, rng).rows].tolist()

    def rank(self, table: Table, seed: int = 0, **evidence: Any) -> list[str]:
        """Ids of the selected rows of a table, the first to be labelled first; the same that a pipeline puts on review.

        Args:
            table: labelled and unlabelled rows.
            seed: that of the pipeline.
            evidence: options of `curate.evidence.Evidence`, such as `settings` and `cache`.

        Raises:
            ConfigError: the step can't be used for the table's task.
        """
        from curate.evidence import Evidence

        if why := self.refuses(table.task):
            raise ConfigError(why)
        found = Evidence(table, seed=seed, **evidence)
        return self.ranking(found.labels, found, generator(seed, step=self.name))

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """Drops of the rows that are not selected, or review of those that are.

        Raises:
            ConfigError: no row fits into the budget.
        """
        rows, found = self.pool(labels, evidence), self._selected(labels, evidence, rng)
        ids = evidence.table.row_ids
        self._tell(evidence, len(rows), len(found.rows), len(found.odd))
        if self.reviews:
            places = enumerate(found.rows.tolist(), start=1)
            reasons = [f"rank {i} of {len(found.rows)} by {found.value_of(row)}" for i, row in places]
            return Decisions.of(self.name, "review", ids[found.rows], reasons, score=found.goodness_of(found.rows))
        if not len(found.rows):  # nothing could be told apart: better all rows than none
            return Decisions()
        taken = np.zeros(len(ids), dtype=bool)
        taken[found.rows] = True
        gone = rows[~taken[rows]]
        reason = f"not among the {len(found.rows)} of {len(rows)} rows that {self.method} selects"
        if found.score is None and not found.odd:
            return Decisions.of(self.name, "drop", ids[gone], reason)
        parts = []
        for start in range(0, len(gone), CHUNK):  # a million sentences at once would be a hundred megabytes
            part = gone[start : start + CHUNK]
            reasons = [found.odd.get(row) or f"{reason} ({found.value_of(row)})" for row in part.tolist()]
            parts.append(Decisions.of(self.name, "drop", ids[part], reasons, score=found.goodness_of(part)))
        return Decisions.join(parts)

    def _tell(self, evidence: Any, pool: int, selected: int, odd: int) -> None:
        """A note where there is nothing to select from or to tell apart, or less than is asked for.

        Raises:
            ConfigError: no row fits into the budget.
        """
        asked = " and ".join(f"{name}: {getattr(self, name):g}" for name in SIZES if getattr(self, name) is not None)
        if not pool:
            said = f"select: there are no {self.among or 'active training'} rows to select from; nothing is done"
        elif selected:
            few = self.rows is not None and not self.per_class and self.rows > pool
            more = f"select: `{asked}` asks for more than the {pool} rows that there are; all are selected"
            said = more if few else ""
        elif odd == pool:
            said = f"select: none of the {pool} rows has an embedding, by which {self.method} selects; none is dropped"
        else:
            raise ConfigError(f"select: none of the {pool} rows fits into the budget `{asked}`; ask for more")
        if said:
            note(evidence, said)

    def _selected(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Selected:
        return selected(self, shuffled(self.pool(labels, evidence), evidence.table.row_ids, rng), labels, evidence)

"""The step that makes several balanced subsets of the training rows, one for each member of an ensemble."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from curate.balance._rows import eligible, needs_classes, nothing_to_balance, shuffled, wanted
from curate.ledger import Decisions
from curate.step import Balance

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task

Target = Literal["minority", "median", "mean"] | Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, le=1)]
TRIES = 100
"""Bootstraps that are drawn until every class is in one."""


class BalancedEnsemble(Balance):
    """Puts training rows into k subsets in which all classes have the same number of rows: one for each of k models.

    `members` of the result gives them one by one, each with its own plan, loader and loss; their models' mean is the
    ensemble. easy_ensemble draws of each class as many rows as the smallest has, for each member anew. balanced_bagging
    first draws all rows with replacement, then of each class as many as the smallest has in that draw.
    balanced_forest draws each class with replacement. partition deals the rows of each class out in turn, so that every
    row is in about as many members as any other of its class, and none is left out while it can be helped.
    The plan of the result itself stays whole. Rows count here, extra draws of earlier steps do not. Cost: one sort of
    the rows per class; k random draws.
    Source: easy_ensemble Liu, Wu, Zhou 2009, "Exploratory Undersampling for Class-Imbalance Learning";
    balanced_bagging Hido, Kashima, Takahashi 2009, "Roughly balanced bagging", as imbalanced-learn draws;
    balanced_forest Chen, Liaw, Breiman 2004, "Using random forest to learn imbalanced data".
    """

    members: int = Field(10, ge=2, le=1000, description="number of subsets")
    method: Literal["easy_ensemble", "balanced_bagging", "balanced_forest", "partition"] = Field(
        "easy_ensemble", description="how the rows of a subset are drawn"
    )
    to: Target = Field(
        "minority",
        description="rows of each class in a subset: as many as the minority, the median or the mean of the classes"
        " has; a whole number of rows; or a share of the majority's (0.5). A class that has fewer gives all (with"
        " replacement: some of them several times)",
    )
    replacement: bool = Field(False, description="of easy_ensemble and balanced_bagging: draw classes with replacement")

    @model_validator(mode="after")
    def _replacement_is_of_two(self) -> BalancedEnsemble:
        if self.replacement and self.method in ("balanced_forest", "partition"):
            raise ValueError(
                f"replacement says nothing with method: {self.method} (it is for easy_ensemble and balanced_bagging)"
            )
        return self

    def refuses(self, task: Task) -> str | None:
        """Only classes can be balanced."""
        return needs_classes(self.name, task)

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """The members that each row is in; nothing about rows that are in none."""
        table = evidence.table
        rows = shuffled(eligible(labels, evidence), table.row_ids, rng)
        codes = labels.codes[rows]
        if nothing_to_balance(self.name, labels.counts(rows), labels.names, evidence) and not len(rows):
            return Decisions()
        inside = [self._member(codes, number, rng) for number in range(self.members)]
        place = np.concatenate(inside)
        member = np.repeat(np.arange(self.members), [len(own) for own in inside])
        by_row = np.lexsort((member, rows[place]))
        row, member = rows[place[by_row]], member[by_row]
        found, first = np.unique(row, return_index=True)
        lists = [own.tolist() for own in np.split(member, first[1:])]
        counts = labels.counts(rows)
        reasons = [
            f"one of the {count} rows of class {name!r} for {self.members} members ({self.method})"
            for name, count in zip(labels.names, counts)
        ]
        return Decisions.of(
            self.name,
            "subset",
            table.row_ids[found],
            [reasons[code] for code in labels.codes[found]],
            after=[json.dumps(own) for own in lists],
        )

    def _member(self, codes: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
        """(s,) places in (m,) codes that one member has, with repetitions."""
        pool = _bootstrap(codes, rng) if self.method == "balanced_bagging" else np.arange(len(codes))
        counts = np.bincount(codes[pool])
        target = wanted(self.to, counts)
        with_replacement = self.replacement or self.method == "balanced_forest"
        parts = []
        for code in np.flatnonzero(counts):
            own = pool[codes[pool] == code]
            if self.method == "partition":
                take = min(target, len(own))
                parts.append(own[(number * take + np.arange(take)) % len(own)])
            elif with_replacement:
                parts.append(own[rng.integers(len(own), size=target)])
            else:
                parts.append(rng.permutation(own)[:target])
        return np.concatenate(parts)


def _bootstrap(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(m,) places drawn with replacement, among them at least one of every class."""
    classes = np.unique(codes)
    places = np.arange(len(codes))
    for _ in range(TRIES):
        places = rng.integers(len(codes), size=len(codes))
        if len(np.unique(codes[places])) == len(classes):
            return places
    missing = classes[~np.isin(classes, codes[places])]
    return np.concatenate([places, [rng.choice(np.flatnonzero(codes == code)) for code in missing]]).astype(np.int64)

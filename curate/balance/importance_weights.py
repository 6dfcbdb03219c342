"""The step that weighs training rows by how much likelier they are in the task's target."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from curate.balance._rows import note
from curate.balance.weighing.rows import effective_rows, mean_one, row_weights, weighed_rows
from curate.balance.weighing.shift import (
    density_ratios,
    flattened,
    shifted_shares_by_confusion,
    shifted_shares_by_em,
)
from curate.evidence.exact_search import Chosen
from curate.evidence.folds import stratified_folds
from curate.evidence.order import row_hashes
from curate.evidence.parts.lying import elsewhere
from curate.evidence.probabilities import cross_validated
from curate.evidence.target import beside_target
from curate.ledger import Decisions
from curate.step import Balance

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task

FEWEST = 20
"""Rows on either side below which nothing is said of the target."""


@dataclass(frozen=True)
class Sides:
    """Training rows and rows of the target beside each other.

    Attributes:
        rows: (m,) positions of the training rows in the table, by the hash of their ids.
        times: (m,) draws of each.
        vectors: (m + t, d) of the embedding, training rows first.
        content: (m + t, 2) uint64 hash of the inputs.
    """

    rows: np.ndarray
    times: np.ndarray
    vectors: Chosen
    content: np.ndarray


class ImportanceWeights(Balance):
    """Weighs training rows so that they stand for the rows of `task.target`, whose labels are not needed.

    classifier: for inputs that are distributed otherwise (covariate shift): how much likelier a row is in the target,
    by a classifier that tells the two apart by the embedding, out of sample. bbse, em: for classes that are of other
    shares there while each looks the same (label shift): the target's shares are estimated from how its rows are
    predicted, and a row has the ratio of the shares of its class. The mean weight over draws is 1. The effective sample
    size ((sum w)^2 / sum w^2) is told in the reasons; weights are flattened by a power until it is large enough.
    Rows of the target itself, where it is a split for training, are left as they are. Of a file 5,000 rows count.
    Cost: the embedding of the target (and of the training rows beside it, where it is a file); 15 logistic regressions
    on at most 40,000 rows; for bbse and em a cross-validation.
    Source: classifier Bickel, Brückner, Scheffer 2007, "Discriminative Learning for Differing Training and Test
    Distributions"; bbse Lipton, Wang, Smola 2018, "Detecting and Correcting for Label Shift with Black Box Predictors";
    em Saerens, Latinne, Decaestecker 2002.
    """

    embeds: ClassVar[bool] = True

    method: Literal["classifier", "bbse", "em"] = Field(
        "classifier", description="what is weighed by: the inputs (classifier), or the shares of the classes (bbse, em)"
    )
    max_weight: float | None = Field(
        10.0, ge=1, description="largest weight, after scaling; the others make up for it; null for no bound"
    )
    min_effective_share: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="least effective sample size, as a share of the draws; weights are flattened until they have it",
    )

    def refuses(self, task: Task) -> str | None:
        """Needs a target, labels, and classes for label shift."""
        if task.target is None:
            return f"{self.name} weighs rows toward a target, and the task names none (task: {{target: FILE or SPLIT}})"
        if task.kind not in ("classification", "multilabel", "regression"):
            return f"{self.name} weighs rows with a label, and this task's kind is {task.kind}"
        if self.method != "classifier" and task.kind != "classification":
            return f"{self.name} by {self.method} is about shares of classes, and this task's kind is {task.kind}"
        return None

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """A weight for every training row with an embedding."""
        sides = self._sides(labels, evidence)
        m = len(sides.rows)
        if min(m, len(sides.vectors) - m) < FEWEST:
            note(
                evidence,
                f"{self.name}: {m} training rows and {len(sides.vectors) - m} rows of the target are too few to compare"
                f" ({FEWEST} of each are needed); no row is weighed.",
            )
            return Decisions()
        if self.method == "classifier":
            unit = np.unique(sides.content, axis=0, return_inverse=True)[1].ravel()
            work = partial(_ratios, np.arange(len(sides.vectors)) >= m, _by_appearance(unit))
            ratio, auroc = elsewhere(work, sides.vectors)
            ratio = ratio[:m]
            measured = [f"{one:.3g} times as likely in the target (AUROC {auroc:.2f})" for one in ratio.tolist()]
        else:
            here, target = self._shares(sides, labels, evidence)
            by_class = np.where(here > 0, target / np.where(here > 0, here, 1), 0)
            ratio = by_class[labels.codes[sides.rows]]
            said = [
                f"class {name!r} is {a:.1%} of training and about {b:.1%} of the target"
                for name, a, b in zip(labels.names, here, target)
            ]
            measured = [said[code] for code in labels.codes[sides.rows]]
        return self._weighed(sides, ratio, measured, evidence)

    def _weighed(self, sides: Sides, ratio: np.ndarray, measured: list[str], evidence: Any) -> Decisions:
        raw, power = flattened(ratio, sides.times, self.min_effective_share)
        weights = mean_one(raw, sides.times, self.max_weight)
        draws = int(sides.times.sum())
        before, after = effective_rows(ratio, sides.times), effective_rows(weights, sides.times)
        flat = "" if power == 1 else f", flattened by the power {power:.2f}"
        size = f"effective sample size {after:,.0f} of {draws:,}{flat}"
        note(
            evidence,
            f"{self.name}: weights toward the target by {self.method} leave an effective sample size of {after:,.0f} of"
            f" {draws:,} draws ({before:,.0f} before they were bounded{flat}).",
        )
        order = np.argsort(sides.rows)
        reasons = [f"{measured[place]}; {size}" for place in order]
        return row_weights(self.name, evidence, sides.rows[order], weights[order], reasons)

    def _sides(self, labels: Labels, evidence: Any) -> Sides:
        table = evidence.table
        rows, times = weighed_rows(labels, evidence)
        is_split = str(table.task.target) in set(table.splits.tolist())
        if is_split:
            own = table.splits[rows] != str(table.task.target)
            rows, times = rows[own], times[own]
        by_id = np.argsort(row_hashes(table.row_ids[rows]), kind="stable")
        rows, times = rows[by_id], times[by_id]
        if is_split:
            found = evidence.embedding()
            there = np.flatnonzero(evidence.active & (table.splits == str(table.task.target)))
            there = there[np.argsort(row_hashes(table.row_ids[there]), kind="stable")]
            good, there = found.valid[rows], there[found.valid[there]]
            both = np.concatenate([rows[good], there])
            return Sides(rows[good], times[good], Chosen(found.vectors, both), table.content[both])
        if not len(rows):
            nothing = Chosen(np.zeros((0, 1), np.float32), rows)
            return Sides(rows, times, nothing, np.zeros((0, 2), np.uint64))
        both = beside_target(evidence, rows, most=None)
        found = both.evidence.embedding()
        good = found.valid[both.training]
        target = both.target[found.valid[both.target] & both.evidence.active[both.target]]
        place = np.concatenate([both.training[good], target])
        return Sides(rows[good], times[good], Chosen(found.vectors, place), both.evidence.table.content[place])

    def _shares(self, sides: Sides, labels: Labels, evidence: Any) -> tuple[np.ndarray, np.ndarray]:
        """(K,) shares of the classes among training draws, and as estimated of the target."""
        k, m = len(labels.names), len(sides.rows)
        codes = np.full(len(sides.vectors), -1, dtype=np.int64)
        codes[:m] = labels.codes[sides.rows]
        unit = _by_appearance(np.unique(sides.content, axis=0, return_inverse=True)[1].ravel())
        folds = np.where(codes >= 0, stratified_folds(codes, unit, evidence.settings.folds, evidence.seed), -1)
        vectors, order = sides.vectors.vectors, sides.vectors.rows
        values = cross_validated(vectors, codes, k, folds.astype(np.int8), order=order)["rows_values"]
        rows = np.bincount(codes[:m], minlength=k) / m
        if self.method == "em":
            target = shifted_shares_by_em(values[m:], rows)
        else:
            predicted = values.argmax(1)
            target = shifted_shares_by_confusion(predicted[:m], codes[:m], predicted[m:], k)
        draws = np.bincount(codes[:m], weights=sides.times, minlength=k)
        return draws / draws.sum(), target


def _ratios(is_target: np.ndarray, unit: np.ndarray, vectors: Chosen) -> tuple[np.ndarray, float]:
    return density_ratios(vectors[:], is_target, unit)


def _by_appearance(codes: np.ndarray) -> np.ndarray:
    """(n,) codes numbered in the order in which they come first."""
    _, first, code = np.unique(codes, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[code.ravel()]

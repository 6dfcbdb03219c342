"""The step that drops rows of frequent classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from curate.balance._rows import (
    draws_per_class,
    eligible,
    idle_target,
    needs_classes,
    nothing_to_balance,
    repeats,
    shuffled,
    wanted,
)
from curate.evidence.parts.lying import picked
from curate.ledger import Decisions
from curate.step import Balance

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task


Target = Literal["minority", "median", "mean"] | Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, le=1)]


class Undersample(Balance):
    """Drops rows of frequent classes until none has more than the wanted number of draws.

    Which rows go does not depend on their order. Cost: one sort of the rows; redundant the search for neighbours,
    doubtful the cross-validation, if no earlier step has done them.
    """

    embeds: ClassVar[bool] = True

    to: Target = Field(
        "minority",
        description="most draws of a class: as many as the minority, the median or the mean of the classes has; a"
        " whole number of draws; or a share of the majority's (0.5)",
    )
    which: Literal["random", "redundant", "doubtful"] = Field(
        "random",
        description="rows that go first: random; redundant (most like another row of the class that stays); doubtful"
        " (whose label has the least out-of-sample probability, so that those with the best score stay)",
    )

    def refuses(self, task: Task) -> str | None:
        """Only classes can be balanced."""
        return needs_classes(self.name, task)

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """Drops of rows of the classes that have too many."""
        counts = draws_per_class(labels, evidence)
        if nothing_to_balance(self.name, counts, labels.names, evidence) and isinstance(self.to, str):
            return Decisions()
        target = wanted(self.to, counts)
        rows = shuffled(eligible(labels, evidence), evidence.table.row_ids, rng)
        if not (counts > target).any():
            if not isinstance(self.to, str) and counts.any():
                idle_target(self.name, self.to, "more", counts, evidence)
            return Decisions()
        rows, score = self._ordered(rows, labels, evidence)
        times = 1 + repeats(evidence)
        gone = []
        for code in np.flatnonzero(counts > target):
            own = rows[labels.codes[rows] == code]
            # A row goes with all its draws; the last one stays where the class would fall below the target.
            gone.append(own[: np.searchsorted(np.cumsum(times[own]), counts[code] - target, side="right")])
        taken = np.sort(np.concatenate(gone))
        reasons = [
            f"class {name!r} has {count} draws, at most {target} are wanted ({self.which})"
            for name, count in zip(labels.names, counts)
        ]
        return Decisions.of(
            self.name,
            "drop",
            evidence.table.row_ids[taken],
            [reasons[code] for code in labels.codes[taken]],
            score=None if score is None else score[taken],
        )

    def _ordered(self, rows: np.ndarray, labels: Labels, evidence: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """The rows, those that go first before the others, and the (n,) scores that say so."""
        if self.which == "random":
            return rows, None
        if self.which == "doubtful":
            found = evidence.probabilities()
            score = np.ones(len(labels), dtype=np.float32)
            with_value = rows[found.valid[rows]]
            score[with_value] = np.clip(picked(found.values, with_value, labels.codes[with_value]), 0, 1)
            return rows[np.argsort(score[rows], kind="stable")], score
        near = evidence.neighbours()
        return redundant_first(rows, labels.codes, near.indices, near.similarity)


def redundant_first(
    rows: np.ndarray, codes: np.ndarray, indices: np.ndarray, similarity: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows in the order in which they can be spared, and (n,) float32 scores (0 for the exact copy of another row).

    A row is most like the nearest of its neighbours of the same class among `rows`. Of two rows that are each other's
    nearest only one is among the first: a row whose likeness is already spared comes with the rest, in the same order.

    Args:
        rows: (m,) positions.
        codes: (n,) label codes.
        indices: (n, k) neighbours, -1 for none.
        similarity: (n, k) cosine similarity, NaN for none.
    """
    inside = np.zeros(len(codes), dtype=bool)
    inside[rows] = True
    same = (indices >= 0) & inside[indices] & (codes[indices] == codes[:, None])
    best = np.where(same, similarity, -np.inf)
    place = best.argmax(1) if best.shape[1] else np.zeros(len(codes), dtype=np.int64)
    likeness = best[np.arange(len(codes)), place] if best.shape[1] else np.full(len(codes), -np.inf)
    twin = np.where(np.isfinite(likeness), indices[np.arange(len(codes)), place], -1) if best.shape[1] else None
    order = rows[np.argsort(-likeness[rows], kind="stable")]
    spared = np.zeros(len(codes), dtype=bool)
    first, rest = [], []
    for row in order.tolist():
        other = -1 if twin is None else int(twin[row])
        if other >= 0 and not spared[other]:
            spared[row] = True
            first.append(row)
        else:
            rest.append(row)
    score = np.clip(1.0 - np.where(np.isfinite(likeness), likeness, 0.0), 0.0, 1.0).astype(np.float32)
    return np.array([*first, *rest], dtype=np.int64), score

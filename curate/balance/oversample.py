"""The step that draws rows of rare classes more often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from curate.balance._rows import (
    MOST_DRAWS,
    draws_per_class,
    eligible,
    idle_target,
    needs_classes,
    note,
    nothing_to_balance,
    repeats,
    shuffled,
    wanted,
)
from curate.ledger import Decisions
from curate.step import Balance
from curate.wording import counted, some_of

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task


CLASSES_NAMED = 5
Target = (
    Literal["majority", "median", "mean"]
    | Annotated[int, Field(ge=1, le=MOST_DRAWS)]
    | Annotated[float, Field(gt=0, le=1)]
)


class Oversample(Balance):
    """Repeats rows of rare classes, each about equally often, until every class has the wanted number of draws.

    Rows are named, not copied. Which rows get the odd draw depends on the seed and their ids, not on their order.
    Cost: one sort of the rows; a million rows in about 3 s.
    """

    to: Target = Field(
        "majority",
        description="draws of each class: as many as the majority, the median or the mean of the classes has; a whole"
        " number of draws; or a share of the majority's (0.5)",
    )
    max_copies: int | None = Field(
        None, ge=1, description="most extra draws of one row, earlier steps' among them; no bound if left out"
    )

    def refuses(self, task: Task) -> str | None:
        """Only classes can be balanced."""
        return needs_classes(self.name, task)

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """Extra draws of rows of the classes that have too few."""
        counts = draws_per_class(labels, evidence)
        if nothing_to_balance(self.name, counts, labels.names, evidence) and isinstance(self.to, str):
            return Decisions()
        target = wanted(self.to, counts)
        if not isinstance(self.to, str) and counts.any() and not ((counts > 0) & (counts < target)).any():
            idle_target(self.name, self.to, "fewer", counts, evidence)
        rows = shuffled(eligible(labels, evidence), evidence.table.row_ids, rng)
        earlier = repeats(evidence)
        extra = np.zeros(len(evidence.table), dtype=np.int64)
        for code in np.flatnonzero((counts > 0) & (counts < target)):
            own = rows[labels.codes[rows] == code]
            room = np.full(len(own), target - counts[code])
            if self.max_copies is not None:
                room = np.maximum(0, np.minimum(room, self.max_copies - earlier[own]))
            extra[own] = shared_out(int(target - counts[code]), room)
        added = np.bincount(labels.codes[rows], weights=extra[rows], minlength=len(counts)).astype(np.int64)
        self._tell_short(counts, counts + added, target, labels.names, evidence)
        taken = np.flatnonzero(extra)
        reasons = [
            f"class {name!r} has {counted(count, 'draw')}, {target} are wanted"
            for name, count in zip(labels.names, counts.tolist())
        ]
        return Decisions.of(
            self.name,
            "repeat",
            evidence.table.row_ids[taken],
            [reasons[code] for code in labels.codes[taken]],
            after=[str(times) for times in extra[taken]],
        )

    def _tell_short(
        self, counts: np.ndarray, reached: np.ndarray, target: int, names: Sequence[str], evidence: Any
    ) -> None:
        """Say in the notes which classes `max_copies` keeps from the wanted number of draws."""
        short = np.flatnonzero((counts > 0) & (reached < target))
        if not len(short):
            return
        told = some_of(short, CLASSES_NAMED, lambda k: f"{names[k]!r} has {reached[k]:,}", "; ")
        note(
            evidence,
            f"{self.name}: `max_copies: {self.max_copies}` leaves classes below the {target:,} draws that"
            f" `to: {self.to}` asks for: {told}",
        )


def shared_out(total: int, room: np.ndarray) -> np.ndarray:
    """(m,) int64 that sum to `total`, as equal as (m,) `room` allows; the first places get what does not divide.

    All of `room`, where there is not that much.
    """
    if total >= room.sum():
        return room.astype(np.int64)
    low, high = 0, int(room.max())
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if np.minimum(room, middle).sum() <= total else (low, middle)
    given = np.minimum(room, low).astype(np.int64)
    given[np.flatnonzero(room > low)[: total - int(given.sum())]] += 1
    return given

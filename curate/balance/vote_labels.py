"""The step that makes soft labels of the votes of several annotators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from curate.balance._rows import eligible, needs_classes, note
from curate.ledger import Decisions, sparse
from curate.step import Balance
from curate.wording import counted

if TYPE_CHECKING:
    from curate.table import Labels
    from curate.task import Task


class VoteLabels(Balance):
    """Gives each row the soft label that its annotators' votes amount to, so that doubt of people reaches the loss.

    `crowdlab` weighs every annotator and the model by how far they are borne out (as the check `annotators` does);
    `votes` takes the shares of the votes as they are. Cost: for crowdlab the cross-validation behind the probabilities.
    Source: Goh, Tkachenko, Mueller, CROWDLAB, 2022; Peterson et al., Human uncertainty makes classification more
    robust, 2019 (votes).
    """

    embeds: ClassVar[bool] = True

    method: Literal["crowdlab", "votes"] = Field(
        "crowdlab", description="crowdlab weighs annotators and model, votes counts the votes as they are"
    )
    min_votes: int = Field(1, ge=1, description="rows with fewer votes keep their label")

    def refuses(self, task: Task) -> str | None:
        """Needs votes for classes."""
        if not task.annotators:
            return "vote_labels needs the votes of annotators, and the task names none (annotators: [COLUMN, COLUMN])"
        return needs_classes(self.name, task)

    def decide(self, labels: Labels, evidence: Any, rng: np.random.Generator) -> Decisions:
        """A soft label for every row with enough votes."""
        votes = evidence.table.votes
        counts = (votes >= 0).sum(1)
        rows = eligible(labels, evidence)
        rows = rows[counts[rows] >= self.min_votes]
        if not len(rows):
            votes_wanted = counted(self.min_votes, "vote")
            note(evidence, f"{self.name}: no labelled training row has {votes_wanted} or more; no label is softened")
            return Decisions()
        mass = (
            evidence.crowd().posterior[rows] if self.method == "crowdlab" else _shares(votes[rows], len(labels.names))
        )
        known = np.isfinite(mass).all(1)
        rows, mass = rows[known], mass[known]
        return Decisions.of(
            self.name,
            "soften",
            evidence.table.row_ids[rows].tolist(),
            [f"{counts[row]} votes, by {self.method}" for row in rows],
            before=[labels.name(int(row)) for row in rows],
            after=[sparse(line, labels.names) for line in mass],
        )


def _shares(votes: np.ndarray, k: int) -> np.ndarray:
    """(m, a) codes, -1 for none -> (m, K) shares of the votes."""
    found = np.zeros((len(votes), k))
    for own in votes.T:
        voted = np.flatnonzero(own >= 0)
        found[voted, own[voted]] += 1
    return found / np.maximum(found.sum(1, keepdims=True), 1)

"""How many distinct rows the set amounts to, and where rows are little more than repeats of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.groups.grouping import rank_ids
from curate.checks.sets.columns import note
from curate.checks.sets.distinct import (
    coverage,
    distances,
    effective_dimensions,
    expected_nearest,
    near_copies,
    sampled,
    spread,
)
from curate.evidence.exact_search import Chosen
from curate.evidence.parts.lying import elsewhere
from curate.findings import Findings
from curate.step import Check
from curate.wording import noun, some_of

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

NEIGHBOURS = 10


class Diversity(Check):
    """Finds sets and classes whose many rows amount to few distinct ones, and says how much of the space they cover.

    A row with m - 1 near copies counts as 1/m of a distinct row; near copies are equal in content, or nearer in the
    embedding than `nearness` of the distance that nearest neighbours would have if rows were spread evenly. The score
    is that 1/m. Rows with at least two near copies are flagged where their class (or the set, without classes) keeps
    less than `min_distinct_share`.
    Cost: the nearest neighbours that other checks use, too; the spectrum of 2,000 rows.
    Source: Friedman, Dieng, The Vendi score: a diversity evaluation metric for machine learning, 2023; Morcos and
    others, Direct-coupling analysis of residue coevolution, 2011 (weights by near copies); Naeem and others, Reliable
    fidelity and diversity metrics for generative models, 2020 (coverage).
    """

    issues: ClassVar[tuple[str, ...]] = ("redundant",)
    embeds: ClassVar[bool] = True

    nearness: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="rows nearer than this share of the distance that evenly spread rows would have are near copies",
    )
    min_distinct_share: float = Field(
        0.5, ge=0, le=1, description="a class that keeps less than this share of its rows as distinct ones is redundant"
    )

    def find(self, evidence: Evidence) -> Findings:
        """One line per active training row that has an embedding."""
        table, embedding = evidence.table, evidence.embedding()
        rank = rank_ids(table.row_ids)
        rows = np.flatnonzero(evidence.active & table.training & embedding.valid)
        rows = rows[np.argsort(rank[rows], kind="stable")]
        if not len(rows):
            return Findings.none()
        near = evidence.neighbours(NEIGHBOURS, training=True)
        directions, typical = elsewhere(_directions, Chosen(embedding.vectors, rows[sampled(len(rows))]))
        limit = self.nearness * expected_nearest(typical, len(rows), directions[0])
        copies = near_copies(near.similarity, near.indices, evidence.duplicate_groups(), rows, limit)
        weight = 1.0 / (1.0 + copies)
        classes = self._classes(evidence, rows, weight)
        flagged, reasons = self._flagged(evidence, rows, copies, classes)
        facts = self._facts(evidence, rows, weight, classes, distances(near.similarity[:, 0]), directions)
        if facts["effective_share"] < self.min_distinct_share or facts["redundant_classes"]:
            note(evidence, f"diverse? {facts['answer']}")
        order = np.argsort(rows, kind="stable")
        place = np.argsort(order)
        return Findings.of(
            self.name,
            "redundant",
            rows[order],
            table.row_ids,
            weight[order],
            flagged[order],
            reason={int(place[old]): sentence for old, sentence in reasons.items()},
            facts=facts,
        )

    def _classes(self, evidence: Evidence, rows: np.ndarray, weight: np.ndarray) -> dict[str, tuple[int, float]]:
        """Class (the empty text for all rows) -> rows, and distinct rows that they amount to."""
        labels = evidence.labels
        if not labels.names or labels.sets is not None:
            return {"": (len(rows), float(weight.sum()))}
        found = {}
        for code in np.unique(labels.codes[rows]):
            own = labels.codes[rows] == code
            found["" if code < 0 else labels.names[code]] = (int(own.sum()), float(weight[own].sum()))
        return found

    def _flagged(
        self, evidence: Evidence, rows: np.ndarray, copies: np.ndarray, classes: dict[str, tuple[int, float]]
    ) -> tuple[np.ndarray, dict[int, str]]:
        labels = evidence.labels
        by_class = bool(labels.names) and labels.sets is None
        poor = {name for name, (count, distinct) in classes.items() if distinct < self.min_distinct_share * count}
        flagged, reasons = np.zeros(len(rows), dtype=bool), {}
        for place in np.flatnonzero(copies >= 2) if poor else []:
            row = int(rows[place])
            name = (labels.name(row) or "") if by_class else ""
            if name not in poor:
                continue
            count, distinct = classes[name]
            of = f"the {count:,} rows of the class {name!r}" if name else f"the {count:,} rows"
            flagged[place] = True
            reasons[int(place)] = (
                f"has {copies[place]:,.0f} near copies; {of} count as {_ones(distinct)}"
                f" ({distinct / count:.0%}, redundant below {self.min_distinct_share:.0%})"
            )
        return flagged, reasons

    def _facts(
        self,
        evidence: Evidence,
        rows: np.ndarray,
        weight: np.ndarray,
        classes: dict[str, tuple[int, float]],
        nearest: np.ndarray,
        directions: tuple[float, float],
    ) -> dict[str, Any]:
        effective = float(weight.sum())
        vendi, participation = directions
        poor = [name for name, (count, distinct) in classes.items() if distinct < self.min_distinct_share * count]
        training, table = evidence.table.training, evidence.table
        held = np.flatnonzero(evidence.active & ~training & evidence.embedding().valid)
        answer = (
            f"{len(rows):,} training rows count as {_ones(effective)} ({effective / len(rows):.0%});"
            f" they spread over {vendi:.1f} of {evidence.embedding().vectors.shape[1]} directions"
        )
        if poor := [name for name in poor if name]:
            answer += f"; {some_of(poor, 3, repr)} {noun(len(poor), 'holds', 'hold')} mostly near copies"
        least = sorted(classes.items(), key=lambda item: (item[1][1] / item[1][0], item[0]))[:20]
        return {
            "question": "Is the set diverse?",
            "answer": f"{answer}.",
            "rows": len(rows),
            "effective_rows": round(effective, 1),
            "effective_share": round(effective / len(rows), 4),
            "vendi_score": round(vendi, 2),
            "participation_ratio": round(participation, 2),
            "coverage_share_by_split": {
                str(split): coverage(nearest[rows], nearest[held[table.splits[held] == split]])
                for split in np.unique(table.splits[held])
            },
            "redundant_classes": [name for name in poor if name],
            "least_distinct_classes": [
                {"class": name, "rows": count, "distinct": round(distinct, 1), "share": round(distinct / count, 4)}
                for name, (count, distinct) in least
                if name
            ],
        }


def _directions(vectors: Chosen) -> tuple[tuple[float, float], float]:
    """See `effective_dimensions` and `spread`."""
    held = vectors[:]
    return effective_dimensions(held), spread(held)


def _ones(distinct: float) -> str:
    return f"{round(distinct):,} distinct {noun(round(distinct), 'one', 'ones')}"

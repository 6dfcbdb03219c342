"""Labels that are another label spelled differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow.compute as pc
from pydantic import Field

from curate.checks.labels.spelling import variants
from curate.findings import Findings
from curate.step import Check
from curate.task import Task
from curate.wording import counted

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


class LabelSpelling(Check):
    """Finds classes that are one class spelled in several ways: case, blanks, Unicode forms, plurals, typos.

    Issue `variant_spelling` scores every labelled row: 0 where its class differs from a more common one only by case,
    blanks, punctuation or Unicode form, 0.05 by a plural s, 0.15 by a typo (one edit, no digit, and at most
    `max_typo_share` of the other's rows); the common spelling is suggested. Issue `label_format` holds what the source
    said of labels that it read in another form than the rest. Cost: pairs of class names, not of rows.
    """

    issues: ClassVar[tuple[str, ...]] = ("variant_spelling", "label_format")
    suggests: ClassVar[tuple[str, ...]] = ("variant_spelling",)
    score_is_doubt: ClassVar[bool] = True

    max_typo_share: float = Field(
        0.05, ge=0, le=1, description="a typo has at most this share of the rows of the right spelling; 0 for no typos"
    )
    min_typo_length: int = Field(5, ge=2, description="shortest class name, in characters, that is looked at for typos")

    def refuses(self, task: Task) -> str | None:
        """Compares the names of classes."""
        if task.kind != "classification":
            return f"label_spelling compares the names of classes, and the task is {task.kind or 'undefined'}"
        return None

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row that has a label, or one that the source remarked on."""
        table, labels = evidence.table, evidence.labels
        rows = np.flatnonzero(evidence.active & labels.known)
        counts = labels.counts(evidence.active)
        found = variants(labels.names, counts, self.max_typo_share, self.min_typo_length)
        score = np.ones(len(labels.names))
        suggested: list[str | None] = [None] * len(labels.names)
        sentence = {}
        for code, variant in found.items():
            score[code], suggested[code] = variant.score, labels.names[variant.common]
            sentence[code] = (
                f"the class {labels.names[code]!r} ({counted(int(counts[code]), 'row')}) is"
                f" {labels.names[variant.common]!r}"
                f" ({counted(int(counts[variant.common]), 'row')}) but for {variant.difference}"
            )
        codes = labels.codes[rows]
        flagged = np.array([s is not None for s in suggested], dtype=bool)[codes] if suggested else codes > 0
        spelled = Findings.of(
            self.name,
            "variant_spelling",
            rows,
            table.row_ids,
            score[codes],
            flagged,
            suggested_label=[suggested[code] for code in codes.tolist()],
            reason={int(place): sentence[int(codes[place])] for place in np.flatnonzero(flagged)},
            facts={"variants": {labels.names[c]: labels.names[v.common] for c, v in sorted(found.items())}},
        )
        return Findings.join([spelled, self._remarks(evidence)])

    def _remarks(self, evidence: Evidence) -> Findings:
        problems = evidence.table.problems
        problems = problems.filter(pc.equal(problems["issue"], "label_format"))
        remarked, first = np.unique(problems["row"].to_numpy(), return_index=True)
        texts = dict(zip(remarked.tolist(), problems["reason"].take(first).to_pylist()))
        rows = np.flatnonzero(
            evidence.active & (evidence.labels.known | np.isin(np.arange(len(evidence.table)), remarked))
        )
        flagged = np.isin(rows, remarked)
        reasons = {int(place): texts[int(rows[place])] for place in np.flatnonzero(flagged)}
        score = np.where(flagged, 0.5, 1.0)
        return Findings.of(self.name, "label_format", rows, evidence.table.row_ids, score, flagged, reason=reasons)

"""The baseline: findings of an earlier audit, so that only what is new makes an audit fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from curate.findings import Findings
from curate.pipeline.audited import read_audit
from curate.report.model import Baseline, Change

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Earlier:
    """What an earlier audit flagged.

    Attributes:
        source: where it was read from.
        flagged: (row id, check, issue) of every flagged finding.
        checks: names of the checks that ran then.
    """

    source: str
    flagged: frozenset[Key]
    checks: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> Earlier:
        """From a JSON report, the Parquet file of its findings, or the folder of a result.

        Raises:
            DataError: there is no such file, or it is none of these.
        """
        audit = read_audit(path)
        keys = frozenset((row_id, *issue) for issue, ids in audit.flagged.items() for row_id in ids)
        return cls(str(path), keys, frozenset(check for check, _ in audit.judged))

    def compare(self, findings: Findings, row_ids: np.ndarray) -> tuple[Baseline, np.ndarray]:
        """What is new, known and gone.

        Args:
            findings: of the audit now.
            row_ids: (n,) ids of the rows that it judged.

        Returns:
            The counts, and an (m,) bool mask of the lines of the findings that are flagged and new.
        """
        places = np.flatnonzero(findings.table["is_issue"].to_numpy())
        keys = list(_keys(findings, places))
        is_new = np.array([key not in self.flagged for key in keys], dtype=bool)
        new = np.zeros(len(findings), dtype=bool)
        new[places[is_new]] = True
        ran = set(findings.summary)
        gone = [key for key in self.flagged - set(keys) if key[1] in ran]
        present = set(row_ids.tolist())
        still = sum(row_id in present for row_id, _, _ in gone)
        changes = _changes(keys, is_new, gone)
        return (
            Baseline(
                source=self.source,
                new=int(is_new.sum()),
                known=int((~is_new).sum()),
                gone=len(gone),
                gone_with_their_rows=len(gone) - still,
                unknown_checks=sorted(ran - self.checks),
                issues=changes,
            ),
            new,
        )


def _keys(findings: Findings, places: np.ndarray) -> Iterator[Key]:
    lines = findings.table.take(places)
    return zip(lines["row_id"].to_pylist(), lines["check"].to_pylist(), lines["issue"].to_pylist())


def _changes(keys: list[Key], is_new: np.ndarray, gone: list[Key]) -> list[Change]:
    fresh = Counter((check, issue) for (_, check, issue), new in zip(keys, is_new) if new)
    known = Counter((check, issue) for (_, check, issue), new in zip(keys, is_new) if not new)
    left = Counter((check, issue) for _, check, issue in gone)
    return [
        Change(check=check, issue=issue, new=fresh[pair], known=known[pair], gone=left[pair])
        for pair in sorted({*fresh, *known, *left})
        for check, issue in [pair]
    ]

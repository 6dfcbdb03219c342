"""Rows whose masks or boxes can't be judged, as a fact and as a note."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from curate.wording import counted, noun, some_of

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence


NOTED, LISTED = 5, 20


def not_judged(evidence: Evidence, failures: Mapping[int, str]) -> dict[str, Any]:
    """How many rows could not be judged, and why the first of them."""
    ids = evidence.table.row_ids
    return {"rows": len(failures), "reasons": {str(ids[row]): failures[row] for row in sorted(failures)[:LISTED]}}


def say_failures(evidence: Evidence, check: str, failures: Mapping[int, str]) -> None:
    """Add a note that some rows are not judged."""
    if not failures:
        return
    ids = evidence.table.row_ids
    told = some_of(sorted(failures), NOTED, lambda row: f"{ids[row]}: {failures[row]}", "; ")
    note = f"{check}: {counted(len(failures), 'row')} {noun(len(failures), 'is', 'are')} not judged ({told})"
    if note not in evidence.notes:
        evidence.notes.append(note)

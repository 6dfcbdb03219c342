"""Findings: what checks say about rows, one table for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("row_id", pa.string()),
        ("check", pa.string()),
        ("issue", pa.string()),
        ("score", pa.float32()),
        ("is_issue", pa.bool_()),
        ("suggested_label", pa.string()),
        ("group", pa.int64()),
        ("reason", pa.string()),
    ]
)
BLOCK_LINES = 16_384
"""Lines of the blocks that columns of equal values are repeated from."""
SETS_OF_ROWS = 4
"""Sets of rows whose columns the next findings may share."""
MOST_RUNS = 20_000
"""Groups of lines about one issue up to which those of an issue are looked up by their places."""


@dataclass(frozen=True)
class Findings:
    """Findings of one check or of many.

    Attributes:
        table: `SCHEMA`; one line per row and issue that a check applies to, flagged or not. `score` is in [0, 1]
            (0 worst, as in cleanlab); `reason` is empty where nothing is wrong.
        facts: check -> what it learned about the set as a whole (JSON values), e.g. the estimated noise rate.
    """

    table: pa.Table
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        check: str,
        issue: str,
        rows: np.ndarray,
        row_ids: np.ndarray,
        score: np.ndarray,
        is_issue: np.ndarray,
        suggested_label: Sequence[str | None] | None = None,
        group: np.ndarray | None = None,
        reason: Sequence[str] | Mapping[int, str] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Findings:
        """Findings of one issue of one check.

        Args:
            check: name of the check.
            issue: kind within the check.
            rows: (m,) int, positions in the table that the check applies to.
            row_ids: (n,) ids of the whole table; indexed by `rows` here.
            score: (m,) float in [0, 1], 0 worst.
            is_issue: (m,) bool.
            suggested_label: m names or None.
            group: (m,) int, rows that belong together; -1 for none.
            reason: m sentences, or a mapping from place in `rows` (0..m-1) to sentence for the flagged ones alone.
            facts: what the check learned about the set.
        """
        rows = np.asarray(rows, dtype=np.int64)
        m = len(rows)
        score = np.asarray(score, dtype=np.float32)
        if m and not (np.isfinite(score).all() and score.min() >= 0 and score.max() <= 1):
            raise ValueError(f"{check}/{issue}: scores must be finite and in [0, 1]")
        if reason is None or isinstance(reason, Mapping):
            reasons = _sparse(reason or {}, m)
        else:
            reasons = pa.chunked_array([pa.array(reason, pa.string())])
        suggested = _same(None, m) if suggested_label is None else pa.array(suggested_label, pa.string())
        groups = _no_groups(m) if group is None else pa.array(group, pa.int64(), mask=np.asarray(group) < 0)
        table = pa.table(
            [
                *_ROWS.arrays(rows, row_ids),
                _same(check, m),
                _same(issue, m),
                _scores(score),
                pa.array(np.asarray(is_issue, dtype=bool)),
                suggested,
                groups,
                reasons,
            ],
            schema=SCHEMA,
        )
        return cls(table, {check: dict(facts)} if facts else {})

    @classmethod
    def join(cls, parts: Sequence[Findings]) -> Findings:
        """The findings of several checks as one, in the given order."""
        facts: dict[str, dict[str, Any]] = {}
        for part in parts:
            for check, learned in part.facts.items():
                facts.setdefault(check, {}).update(learned)
        return cls(pa.concat_tables([SCHEMA.empty_table(), *(part.table for part in parts)]), facts)

    @classmethod
    def none(cls) -> Findings:
        """No findings."""
        return cls(SCHEMA.empty_table())

    def __len__(self) -> int:
        """Number of lines, flagged or not."""
        return self.table.num_rows

    def renamed(self, check: str, name: str) -> Findings:
        """The findings of a check under another name, that of its second or third turn in a pipeline."""
        if check == name:
            return self
        place = self.table.schema.get_field_index("check")
        names = pc.if_else(pc.equal(self.table["check"], check), name, self.table["check"])
        facts = {name if k == check else k: v for k, v in self.facts.items()}
        return Findings(self.table.set_column(place, SCHEMA.field("check"), names), facts)

    def moved(self, places: np.ndarray) -> Findings:
        """The same findings for a table whose rows stand elsewhere; ids stay.

        Args:
            places: (n,) int, where each row of the old table stands in the new one.
        """
        rows = pa.array(places[self.table["row"].to_numpy()], pa.int64())
        return Findings(self.table.set_column(0, SCHEMA.field("row"), rows), self.facts)

    @property
    def flagged(self) -> pa.Table:
        """The lines that are issues."""
        return self.table.filter(self.table["is_issue"])

    def only(self, check: str | None = None, issue: str | None = None) -> Findings:
        """The findings of one check, or of one issue of it; a view of the same lines where they stand together."""
        facts = self.facts if check is None else {k: v for k, v in self.facts.items() if k == check}
        runs = self._runs
        if runs is None:
            table = self.table
            for name, value in (("check", check), ("issue", issue)):
                table = table if value is None else table.filter(pc.equal(table[name], value))
            return Findings(table, facts)
        parts = [
            self.table.slice(start, stop - start)
            for (own, kind), start, stop in runs
            if check in (None, own) and issue in (None, kind)
        ]
        return Findings(pa.concat_tables([self.table.slice(0, 0), *parts]), facts)

    @cached_property
    def _runs(self) -> list[tuple[tuple[str, str], int, int]] | None:
        """((check, issue), first line, line after the last) of lines that stand together; None where hardly any do."""
        begins: dict[int, None] = {}
        for name in ("check", "issue"):
            first = 0
            for chunk in self.table[name].chunks:
                ends = pc.run_end_encode(chunk).run_ends.to_numpy() if len(chunk) else np.zeros(0, dtype=np.int32)
                begins |= dict.fromkeys([first, *(first + ends[:-1]).tolist()] if len(chunk) else [])
                first += len(chunk)
                if len(begins) > MOST_RUNS:
                    return None
        places = [*sorted(begins), len(self)]
        names = zip(*(_at(self.table[name], places[:-1]) for name in ("check", "issue")))
        return list(zip(names, places, places[1:]))

    @property
    def issues(self) -> list[tuple[str, str]]:
        """(check, issue) of the lines, in the order in which they come first."""
        return list(self._counts())

    @property
    def summary(self) -> dict[str, dict[str, dict[str, Any]]]:
        """check -> issue -> ``{"rows", "issues", "share"}``: rows judged, rows flagged, and their ratio."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for (check, issue), (rows, issues) in self._counts().items():
            found.setdefault(check, {})[issue] = {"rows": rows, "issues": issues, "share": issues / rows}
        return found

    def _counts(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(check, issue) -> rows judged and rows flagged, in the order in which they come first."""
        counts: dict[tuple[str, str], tuple[int, int]] = {}
        if self._runs is not None:
            for kind, first, behind in self._runs:
                flags, before = self.table["is_issue"].slice(first, behind - first), counts.get(kind, (0, 0))
                counts[kind] = before[0] + len(flags), before[1] + pc.sum(flags, min_count=0).as_py()
            return counts
        flags = self.table["is_issue"].to_numpy()
        return {kind: (len(places), int(flags[places].sum())) for kind, places in places_by_issue(self.table).items()}


def places_by_issue(lines: pa.Table) -> dict[tuple[str, str], np.ndarray]:
    """(check, issue) -> (k,) int64 places of its lines of findings, ascending; in the order in which they come first.

    (What `Table.group_by` does, without the library of queries that it loads.)
    """
    columns = [lines[name].combine_chunks().dictionary_encode() for name in ("check", "issue")]
    checks, issues = (column.dictionary.to_pylist() for column in columns)
    check, issue = (column.indices.to_numpy().astype(np.int64) for column in columns)
    codes, inverse = np.unique(check * max(len(issues), 1) + issue, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(inverse, minlength=len(codes)))[:-1]) if len(codes) else []
    found = sorted(zip(codes.tolist(), parts), key=lambda part: part[1][0])
    return {(checks[code // len(issues)], issues[code % len(issues)]): places for code, places in found}


def _at(column: pa.ChunkedArray, places: Sequence[int]) -> list[Any]:
    """The values at some places, one by one: `take` would make one array of all chunks before."""
    begins = np.cumsum([0, *map(len, column.chunks)])
    chunks = np.searchsorted(begins, places, side="right") - 1
    return [column.chunk(k)[place - int(begins[k])].as_py() for k, place in zip(chunks.tolist(), places)]


class _LastRows:
    """The columns of rows and their ids of the last findings: those of the next issue are mostly about the same rows,
    and share them. All rows and those with an embedding take turns: a few sets of rows of one table are held."""

    def __init__(self) -> None:
        self._held: list[tuple[np.ndarray, np.ndarray, pa.Array, pa.Array]] = []

    def arrays(self, rows: np.ndarray, row_ids: np.ndarray) -> tuple[pa.Array, pa.Array]:
        """The column of (m,) rows, and that of their ids."""
        self._held = [held for held in self._held if held[1] is row_ids]
        for held in self._held:
            if np.array_equal(held[0], rows):
                return held[2:]
        kept = rows.copy()
        row, ids = pa.array(kept), pa.array(row_ids[rows], pa.string())
        self._held = [*self._held[1 - SETS_OF_ROWS :], (kept, row_ids, row, ids)]
        return row, ids


_ROWS = _LastRows()


def _repeated(part: pa.Array, m: int) -> pa.ChunkedArray:
    """m values from one block of equal ones: every chunk is that block, so that they take no more memory than it."""
    whole, rest = divmod(m, len(part))
    return pa.chunked_array([part] * whole + [part.slice(0, rest)] * (rest > 0), part.type)


@lru_cache(maxsize=128)
def _block(value: str | None) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), BLOCK_LINES)


def _same(value: str | None, m: int) -> pa.ChunkedArray:
    return _repeated(_block(value), m)


def _scores(score: np.ndarray) -> pa.ChunkedArray:
    """(m,) scores; blocks in which nothing is wrong with any row, most of them, are one block."""
    parts = [score[first : first + BLOCK_LINES] for first in range(0, len(score), BLOCK_LINES)]
    fine = [bool((part == 1).all()) for part in parts]
    if not any(fine):
        return pa.chunked_array([pa.array(score)])
    # Copies, or the whole of the scores would be held for one block of them.
    return pa.chunked_array([_FINE.slice(0, len(p)) if one else pa.array(p.copy()) for p, one in zip(parts, fine)])


_FINE = pa.Array.from_buffers(pa.float32(), BLOCK_LINES, [None, pa.py_buffer(np.ones(BLOCK_LINES, np.float32))])


def _no_groups(m: int) -> pa.ChunkedArray:
    return _repeated(pa.nulls(BLOCK_LINES, pa.int64()), m)


def _sparse(reasons: Mapping[int, str], m: int) -> pa.ChunkedArray:
    """m reasons, empty but for some places; blocks without any are one block."""
    by_block: dict[int, dict[int, str]] = {}
    for place, text in reasons.items():
        by_block.setdefault(place // BLOCK_LINES, {})[place % BLOCK_LINES] = text
    chunks = []
    for block, first in enumerate(range(0, m, BLOCK_LINES)):
        size, said = min(BLOCK_LINES, m - first), by_block.get(block)
        if said is None:
            chunks.append(_block("").slice(0, size))
            continue
        texts = [""] * size
        for place, text in said.items():
            texts[place] = text
        chunks.append(pa.array(texts, pa.string()))
    return pa.chunked_array(chunks, pa.string())

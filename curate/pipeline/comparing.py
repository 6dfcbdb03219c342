"""The difference of two audits or of two results: rows, labels, weights, issues, class shares and measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curate.arrow import among
from curate.errors import DataError
from curate.pipeline.audited import Audited, read_audit
from curate.pipeline.curated import Curated
from curate.pipeline.files import is_result
from curate.report.comparison import ClassShift, Comparison, IssueShift, MeasureShift, RowChange, Rows

MOST_ROWS = 200
"""Changed rows that are listed; all of them are counted."""


@dataclass(frozen=True)
class _Side:
    """One of the two: an audit, and the result that it is part of if there is one."""

    audit: Audited
    curated: Curated | None


@dataclass(frozen=True)
class _Draws:
    """What a result makes of one row: its label, its weight, and how often it is drawn."""

    label: str | None
    weight: float
    times: int


def compare(first: str | Path, second: str | Path) -> Comparison:
    """Compare two audits or two results.

    Args:
        first: a JSON report, a Parquet file of findings, or the folder of a result.
        second: the same.

    Raises:
        DataError: one of them can't be read.
    """
    a, b = _side(Path(first)), _side(Path(second))
    return Comparison(
        first=str(first),
        second=str(second),
        rows=_rows(a, b),
        issues=_issues(a.audit, b.audit),
        classes=_classes(a, b),
        measures=_measures(a.audit.report, b.audit.report),
        **_changed(a, b),
    )


def _side(path: Path) -> _Side:
    from curate.pipeline.store import open_folder

    audit = read_audit(path)
    return _Side(audit, open_folder(path) if path.is_dir() and is_result(path) else None)


def _ids(side: _Side) -> frozenset[str] | None:
    if side.curated is not None:
        return frozenset(side.curated.table.row_ids.tolist())
    return side.audit.row_ids


def _rows(a: _Side, b: _Side) -> Rows:
    before, after = _ids(a), _ids(b)
    gained = lost = None
    if before is not None and after is not None:
        gained, lost = len(after - before), len(before - after)
    return Rows(
        first=_size(a, before),
        second=_size(b, after),
        first_kept=_kept(a),
        second_kept=_kept(b),
        gained=gained,
        lost=lost,
    )


def _kept(side: _Side) -> int | None:
    return None if side.curated is None else len(set(side.curated.plan["row_id"].to_pylist()))


def _size(side: _Side, ids: frozenset[str] | None) -> int:
    if ids is not None:
        return len(ids)
    return int(side.audit.report.get("rows", 0))


def _issues(a: Audited, b: Audited) -> list[IssueShift]:
    found = []
    for check, issue in sorted({*a.judged, *b.judged}):
        one, other = (side.flagged.get((check, issue)) for side in (a, b))
        if not one and not other:
            continue
        before, after = one or frozenset(), other or frozenset()
        found.append(
            IssueShift(
                check=check,
                issue=issue,
                first=None if one is None else len(one),
                second=None if other is None else len(other),
                first_share=_share(len(before), a.judged.get((check, issue))),
                second_share=_share(len(after), b.judged.get((check, issue))),
                new=0 if one is None else len(after - before),  # what one side did not look for has not come or gone
                known=len(after & before),
                gone=0 if other is None else len(before - after),
            )
        )
    return found


def _share(part: int, whole: int | None) -> float | None:
    return part / whole if whole else None


def _draws(curated: Curated) -> dict[str, _Draws]:
    """row id -> what the plan makes of it."""
    plan = curated.plan
    times = Counter(plan["row_id"].to_pylist())
    columns = (plan[name].to_pylist() for name in ("row_id", "label", "weight"))
    return {row_id: _Draws(_text(label), float(weight), times[row_id]) for row_id, label, weight in zip(*columns)}


def _text(label: Any) -> str | None:
    if label is None:
        return None
    if isinstance(label, list):
        return ", ".join(map(str, label))
    return f"{label:g}" if isinstance(label, float) else str(label)


def _changed(a: _Side, b: _Side) -> dict[str, Any]:
    """Rows that two results both hold and treat differently; nothing is known of that from audits alone."""
    names = ("kept", "dropped", "relabelled", "reweighted", "redrawn")
    if a.curated is None or b.curated is None:
        return dict.fromkeys(names) | {"changes": []}
    before, after = _draws(a.curated), _draws(b.curated)
    known = a.curated.table.row_ids[among(a.curated.table.row_ids, b.curated.table.row_ids)].tolist()
    counts: Counter[str] = Counter()
    changes: list[RowChange] = []
    for row_id in known:
        for what, one, other in _differences(before.get(row_id), after.get(row_id)):
            counts[what] += 1
            if len(changes) < MOST_ROWS:
                changes.append(RowChange(row_id=row_id, what=what, first=one, second=other))
    _add_relabelled_content(a.curated, b.curated, counts, changes)
    return {name: counts[name] for name in names} | {"changes": changes}


def _differences(one: _Draws | None, other: _Draws | None) -> list[tuple[str, str | None, str | None]]:
    if one is None and other is None:
        return []
    if one is None or other is None:
        label = (one or other).label  # type: ignore[union-attr]
        return [("dropped", label, None)] if other is None else [("kept", None, label)]
    found: list[tuple[str, str | None, str | None]] = []
    if one.label != other.label:
        found.append(("relabelled", one.label, other.label))
    if not np.isclose(one.weight, other.weight, rtol=1e-5):
        found.append(("reweighted", f"{one.weight:.4g}", f"{other.weight:.4g}"))
    if one.times != other.times:
        found.append(("redrawn", str(one.times), str(other.times)))
    return found


def _add_relabelled_content(a: Curated, b: Curated, counts: Counter[str], changes: list[RowChange]) -> None:
    """Rows whose label was changed in the data: the same content under another id, once on each side."""
    before, after = (_lone_content(one, other) for one, other in ((a, b), (b, a)))
    for content in before.keys() & after.keys():
        (row_id, label), (other_id, other_label) = before[content], after[content]
        if label != other_label:
            counts["relabelled"] += 1
            if len(changes) < MOST_ROWS:
                row = RowChange(row_id=f"{row_id} → {other_id}", what="relabelled", first=label, second=other_label)
                changes.append(row)


def _lone_content(one: Curated, other: Curated) -> dict[bytes, tuple[str, str | None]]:
    """content -> (row id, given label) of rows that the other result lacks, where that content is there once."""
    lacking = ~among(one.table.row_ids, other.table.row_ids)
    found: dict[bytes, tuple[str, str | None]] = {}
    seen: Counter[bytes] = Counter()
    for row in np.flatnonzero(lacking):
        key = one.table.content[row].tobytes()
        seen[key] += 1
        found[key] = (str(one.table.row_ids[row]), one.table.labels.name(int(row)))
    return {key: value for key, value in found.items() if seen[key] == 1}


def _classes(a: _Side, b: _Side) -> list[ClassShift]:
    one, other = (_class_counts(side) for side in (a, b))
    if not one or not other:
        return []
    totals = [sum(counts.values()) or 1 for counts in (one, other)]
    shifts = [
        ClassShift(
            name=name,
            first=one.get(name, 0),
            second=other.get(name, 0),
            first_share=one.get(name, 0) / totals[0],
            second_share=other.get(name, 0) / totals[1],
        )
        for name in {**one, **other}
    ]
    return sorted(shifts, key=lambda s: (-abs(s.second_share - s.first_share), s.name))


def _class_counts(side: _Side) -> dict[str, int]:
    """class -> draws after curation, or rows in an audit."""
    report = side.audit.report
    found = {}
    for line in report.get("classes", []):
        after = line.get("after")
        found[str(line["name"])] = int(line["rows"] if after is None else after)
    return found


def _measures(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[MeasureShift]:
    """Measures that both reports hold, the largest shift first, in units of their standard deviation."""
    before, after = one.get("measures", {}), other.get("measures", {})
    found = []
    for name in before.keys() & after.keys():
        try:
            a, b = (
                {key: float(side[name][key]) for key in ("mean", "std")} | {"median": float(side[name]["quantiles"][3])}
                for side in (before, after)
            )
        except (KeyError, TypeError, ValueError, IndexError):
            raise DataError(f"the measure {name!r} of a report can't be read: made by another version?") from None
        spread = float(np.sqrt((a["std"] ** 2 + b["std"] ** 2) / 2))
        shift = (b["mean"] - a["mean"]) / spread if spread > 0 else 0.0
        found.append(
            MeasureShift(
                name=name,
                first_mean=a["mean"],
                second_mean=b["mean"],
                first_median=a["median"],
                second_median=b["median"],
                shift=shift,
            )
        )
    return sorted(found, key=lambda m: (-abs(m.shift), m.name))

"""An audit read back: from a JSON report, the Parquet file of its findings, or the folder of a result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.findings import SCHEMA
from curate.pipeline.files import is_result

MAX_BYTES = 2_000_000_000
Issue = tuple[str, str]
_EXPECTED = "name a JSON report, a Parquet file of findings, or the folder of a result"


@dataclass(frozen=True)
class Audited:
    """What an audit said, as far as its file tells.

    Attributes:
        source: the file or folder.
        judged: (check, issue) -> rows judged.
        flagged: (check, issue) -> ids of the flagged rows.
        row_ids: ids of all the rows that some check judged; None where the file does not tell.
        report: the JSON report, empty where there is none.
    """

    source: str
    judged: Mapping[Issue, int]
    flagged: Mapping[Issue, frozenset[str]]
    row_ids: frozenset[str] | None = None
    report: Mapping[str, Any] = field(default_factory=dict)


def read_audit(path: Path) -> Audited:
    """Read an audit.

    Raises:
        DataError: there is no such file, or it is no report, no table of findings and no folder of a result.
    """
    if path.is_dir():
        if not is_result(path):
            raise DataError(f"{path} is not a curated folder; {_EXPECTED}")
        found = _of_findings(path / "findings.parquet")
        report = _report(path / "report.json") if (path / "report.json").is_file() else {}
        return Audited(str(path), found.judged, found.flagged, found.row_ids, report)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; {_EXPECTED}")
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    return _of_findings(path) if is_parquet else _of_report(path)


def _of_findings(path: Path) -> Audited:
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        missing = [name for name in ("row_id", "check", "issue", "is_issue") if name not in schema.names]
        if missing:
            raise DataError(f"{path}: no table of findings: it has no column {', '.join(missing)}")
        lines = pq.read_table(path, columns=["row_id", "check", "issue", "is_issue"])
        lines = lines.cast(pa.schema([SCHEMA.field(name) for name in lines.column_names]))
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(f"{path}: can't be read as Parquet: {error}") from None
    judged: dict[Issue, int] = {}
    flagged: dict[Issue, frozenset[str]] = {}
    groups = lines.group_by(["check", "issue"], use_threads=False).aggregate([("is_issue", "count")]).to_pylist()
    for group in groups:
        issue = (group["check"], group["issue"])
        of_issue = pc.and_(pc.equal(lines["check"], issue[0]), pc.equal(lines["issue"], issue[1]))
        judged[issue] = group["is_issue_count"]
        flagged[issue] = frozenset(lines.filter(pc.and_(of_issue, lines["is_issue"]))["row_id"].to_pylist())
    return Audited(str(path), judged, flagged, frozenset(pc.unique(lines["row_id"]).to_pylist()))


def _report(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path}: larger than {MAX_BYTES:,} bytes, which is no report of curate")
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: neither Parquet nor a JSON report: {error}") from None
    if not isinstance(body, dict) or body.get("schema_version") != 1 or not isinstance(body.get("checks"), dict):
        raise DataError(f"{path}: no report of curate (`curate audit DATA --format json` writes one)")
    return body


def _of_report(path: Path) -> Audited:
    body = _report(path)
    judged: dict[Issue, int] = {}
    flagged: dict[Issue, frozenset[str]] = {}
    try:
        for check, said in body["checks"].items():
            for issue, counts in said["issues"].items():
                judged[check, issue] = int(counts["rows"])
                flagged[check, issue] = frozenset(map(str, counts["flagged"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: a damaged report, or one of another version: {error!r}") from None
    return Audited(str(path), judged, flagged, None, body)

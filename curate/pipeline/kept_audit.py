"""Audits that were made before, found again by all that they depend on: an audit without change costs a look-up.

The key is a hash of the rows with all their columns, the task, the checks and settings, the code and what is installed.
What can't be hashed (a target read from elsewhere, models named by the user, checks without a file) is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from curate import registry
from curate.errors import StorageError
from curate.evidence.cache import Cache
from curate.evidence.memory import ceiling
from curate.evidence.settings import EvidenceSettings
from curate.findings import Findings
from curate.media.content import input_columns, is_media
from curate.media.known_files import stamps
from curate.pipeline.packed_findings import arrow_file, packed, unpacked
from curate.pipeline.surroundings import surroundings
from curate.report.model import Measured
from curate.report.views import Views
from curate.step import Check, Step
from curate.table import Table

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
PLAIN_SETTINGS = {"workers", "isolate"}
"""Settings that change no result."""


@dataclass(frozen=True)
class Found:
    """What an audit found.

    Attributes:
        findings: of all checks that ran.
        notes: sentences, without those of the source.
        facts: what was computed (JSON values).
        skipped: check -> why it could not run.
        views: small pictures of the evidence.
    """

    findings: Findings
    notes: tuple[str, ...]
    facts: Mapping[str, Any]
    skipped: Mapping[str, str]
    views: Views


class KeptAudit:
    """The place of one audit in the cache.

    Args:
        folder: of the cache.
        key: of the audit.
        table: the rows.
    """

    def __init__(self, folder: Path, key: str, table: Table) -> None:
        self._cache, self._key, self._table = Cache(folder), key, table

    @classmethod
    def of(
        cls,
        folder: Path | None,
        table: Table,
        checks: Sequence[str | Check] | None,
        settings: EvidenceSettings | None,
        seed: int,
        skip: bool,
    ) -> KeptAudit | None:
        """The place of this audit; None where there is no cache, or where it depends on what can't be told here."""
        settings = settings or EvidenceSettings()
        named = _checks_key(checks)
        if folder is None or named is None or table.task.target is not None or ":" in settings.encoder:
            return None
        rows = rows_key(table)
        if rows is None:
            return None
        chosen = settings.model_dump(mode="json", exclude=PLAIN_SETTINGS)
        parts = (FORMAT, surroundings(), named, chosen, ceiling(settings.memory), seed, skip, rows)
        return cls(folder, xxhash.xxh3_128_hexdigest(json.dumps(parts, sort_keys=True).encode()), table)

    def find(self) -> Found | None:
        """What was found then; None where that is not known."""
        data = self._cache.kept(self._key)
        return None if data is None else _unpacked(data, self._table)

    def keep(self, found: Found) -> str | None:
        """Keep an audit for the next one; a sentence where that is impossible."""
        data = _packed(found, self._table)
        if data is None:
            return None
        try:
            self._cache.keep(self._key, data)
        except StorageError as error:
            return f"the audit is not kept for the next one: {error}"
        return None


def _checks_key(checks: Sequence[str | Check] | None) -> list[Any] | None:
    """Names and settings of the checks; None where they are not all of this library, or depend on files."""
    if any(not where.startswith("curate.") for where in registry.step_names().values()):
        return None  # plug-ins: their code may change without anything being installed
    if checks is None:
        return ["all"]
    found: list[Any] = []
    for check in checks:
        if isinstance(check, Step):
            if not type(check).__module__.startswith("curate.") or type(check).relocated is not Step.relocated:
                return None
            found.append([check.name, check.model_dump(mode="json")])
        else:
            found.append([check, {}])
    return found


def rows_key(table: Table) -> str | None:
    """Hash of everything in a table; None where files beside the inputs were changed a moment ago."""
    hasher = xxhash.xxh3_128()
    about = [table.task.model_dump(mode="json"), str(table.root), table.source, table.notes]
    hasher.update(json.dumps(about, sort_keys=True).encode("utf-8", "surrogatepass"))
    hasher.update(np.ascontiguousarray(table.content).tobytes())
    ids = {"row_id": table.row_ids, "parent": table.parents, "made": table.made}
    parts = [pa.table({name: pa.array(given, pa.string())}) for name, given in ids.items() if given is not None]
    parts += [table.problems] + ([table.origin] if table.origin is not None else [])
    inputs = input_columns(table.task)
    for name in table.column_names:
        column = table.column(name)
        if is_media(column.type):  # the bytes of inputs are in their content hash
            paths = pc.struct_field(column, "path")
            parts.append(pa.table({"path": paths} if name in inputs else {"path": paths, "file": column}))
            if name not in inputs and not _stamped(paths, table, hasher):
                return None
        else:
            parts.append(pa.table({name: column}))
    if table.task.kind in ("segmentation", "detection") and table.task.probabilities is not None:
        return None  # files of arrays
    for part in parts:
        hasher.update(str(part.schema.remove_metadata()).encode())
        for batch in part.to_batches():
            hasher.update(batch.serialize())
    return hasher.hexdigest()


def _stamped(paths: pa.ChunkedArray, table: Table, hasher: Any) -> bool:
    """Whether the files of a column could be told by their size and times, which go into the hash."""
    names = paths.drop_null().to_pylist()
    if not names:
        return True
    if table.root is None:
        return False
    keys, usable = stamps(names, table.root)
    hasher.update(keys.tobytes())
    return bool(usable.all())


def _packed(found: Found, table: Table) -> pa.Buffer | None:
    """An audit as an Arrow file; None where a finding's id is not that of its row."""
    lines = packed(found.findings, table)
    if lines is None:
        return None
    views = found.views
    head = {
        "learned": found.findings.facts,
        "notes": found.notes,
        "facts": found.facts,
        "skipped": found.skipped,
        "measures": {name: one.model_dump(mode="json") for name, one in views.measures.items()},
        "rows": views.rows.tolist(),
        "width": views.vectors.shape[1],
    }
    vectors = np.ascontiguousarray(views.vectors, np.float32).tobytes()
    return arrow_file(lines.replace_schema_metadata({"audit": json.dumps(head), "vectors": vectors}))


def _unpacked(data: pa.Buffer, table: Table) -> Found:
    lines = pa.ipc.open_file(pa.BufferReader(data)).read_all()
    about = lines.schema.metadata
    head = json.loads(about[b"audit"])
    findings = unpacked(lines.replace_schema_metadata(None), head["learned"], table)
    vectors = np.frombuffer(about[b"vectors"], np.float32).reshape(len(head["rows"]), head["width"])
    views = Views(
        {name: Measured(**one) for name, one in head["measures"].items()}, np.array(head["rows"], np.int64), vectors
    )
    return Found(findings, tuple(head["notes"]), _of_a_look_up(head["facts"]), head["skipped"], views)


def _of_a_look_up(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The same facts, with nothing measured and no time spent."""
    evidence = dict(facts["evidence"])
    evidence["passes"] = [
        {
            name: {**part, "hits": part["rows"], "measured": 0} if isinstance(part, dict) and "hits" in part else part
            for name, part in one.items()
        }
        | {"seconds": 0.0}
        for one in evidence["passes"]
    ]
    evidence["estimates"] = {
        name: {**part, "seconds": 0.0, "from_cache": True} for name, part in evidence["estimates"].items()
    }
    return {**facts, "evidence": evidence, "seconds_of_checks": dict.fromkeys(facts["seconds_of_checks"], 0.0)}

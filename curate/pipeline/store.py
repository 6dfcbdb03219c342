"""The folder of a result: written aside and renamed, opened again with its checksums verified."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate import __version__
from curate.arrow import texts
from curate.errors import CurateError, DataError, StorageError
from curate.findings import Findings
from curate.ledger import Decisions
from curate.media.segments import split
from curate.pipeline.curated import Curated
from curate.pipeline.files import MANIFEST, folder_aside, is_result, sha256, write_parquet
from curate.pipeline.pipeline import Pipeline
from curate.storage import storing, write_text
from curate.stored import Stored
from curate.table import Table
from curate.task import MEDIA, Task

if TYPE_CHECKING:
    import datasets

FORMAT = 2
OPENINGS = 10
"""How often a folder is opened that runs replace meanwhile."""
THREADED_ROWS = 100_000
"""Tables of more rows are read by several threads."""


def write(curated: Curated, out: Path) -> None:
    """Write a result: manifest.json, plan, ledger, findings, rows and problems as Parquet, table.arrow, pipeline.yaml,
    report.html and report.json. Raises ConfigError (the folder is not ours) or StorageError."""
    out = out.resolve()  # a link to a folder stays a link: what it names is replaced
    with folder_aside(out) as folder:
        table = curated.table
        write_parquet(folder / "plan.parquet", curated.plan)
        write_parquet(folder / "ledger.parquet", curated.ledger)
        write_parquet(folder / "findings.parquet", curated.findings)
        write_parquet(folder / "rows.parquet", _identity(table))
        write_parquet(folder / "problems.parquet", table.problems)
        write_parquet(folder / "changes.parquet", curated.changes)
        _write_dataset(folder / "table.arrow", table.dataset)
        curated.pipeline.moved_to(out).to_yaml(folder / "pipeline.yaml")
        curated.report.to_json(folder / "report.json")
        curated.report.to_html(folder / "report.html", findings_path="findings.parquet")
        write_text(folder / MANIFEST, json.dumps(_manifest(curated, folder, out), indent=2, ensure_ascii=False) + "\n")


def _identity(table: Table) -> pa.Table:
    parents = pa.nulls(len(table), pa.string()) if table.parents is None else pa.array(table.parents, pa.string())
    columns = {
        "row_id": pa.array(table.row_ids, pa.string()),
        "content": pa.array([row.tobytes() for row in table.content], pa.binary(16)),
        "parent": parents,
    }
    found = pa.table(columns)
    if table.origin is not None:
        for name in table.origin.column_names:
            found = found.append_column(name, table.origin[name])
    return found


def _write_dataset(path: Path, dataset: datasets.Dataset) -> None:
    """Arrow IPC stream that `datasets.Dataset.from_file` maps. Media stay as they are: paths are not followed."""
    arrow: Any = dataset.with_format("arrow")
    schema = dataset.features.arrow_schema
    with storing(path), pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for start in range(0, dataset.num_rows, 4096):
            writer.write_table(arrow[start : start + 4096].cast(schema))


def _manifest(curated: Curated, folder: Path, out: Path) -> dict[str, Any]:
    table = curated.table
    root = None if table.root is None else Path(table.root).resolve()
    return {
        "format": FORMAT,
        "curate": __version__,
        "source": table.source,
        "root": None if root is None else {"relative": os.path.relpath(root, out), "absolute": str(root)},
        "rows": len(table),
        "seed": curated.pipeline.seed,
        "task": table.task.model_dump(mode="json", exclude_defaults=True),
        "class_weights": [float(w) for w in curated.class_weights],
        "accounts": list(curated.accounts),
        "notes": list(curated.notes),
        "facts": curated.facts,
        "learned": curated.findings_.facts,
        "files": {file.name: sha256(file) for file in sorted(folder.iterdir())},
    }


def open_folder(folder: str | Path) -> Curated:
    """Open a result again. Public as `curate.open`.

    Where a run replaces it meanwhile, the new one is opened, and never files of both.

    Raises:
        DataError: the folder is no result of curate, or a file of it is missing or damaged.
        StorageError: a file can't be read.
    """
    folder = Path(folder)
    for left in reversed(range(OPENINGS)):
        written = _manifest_bytes(folder)
        try:
            found = _opened(folder)
        except CurateError:
            if not left or _manifest_bytes(folder) == written:
                raise
            continue
        if _manifest_bytes(folder) == written:
            return found
    raise StorageError(f"{folder}: runs write to it again and again; open it once they are done")


def _manifest_bytes(folder: Path) -> bytes:
    """What tells a result from another in its place; empty where it can't be read."""
    try:
        return (folder / MANIFEST).read_bytes()
    except OSError:
        return b""


def _opened(folder: Path) -> Curated:
    path = folder / MANIFEST
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder; name the one that `curate run` wrote (its --out)")
    if not path.is_file():
        raise DataError(f"{folder} is not a curated folder: it has no {MANIFEST}")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: damaged ({error}); remove the folder and run the pipeline again") from None
    if not is_result(folder):
        raise DataError(f"{folder} is not a curated folder: its {MANIFEST} was written by another program")
    if manifest["format"] != FORMAT:
        raise DataError(f"{path}: format {manifest.get('format')!r}; this version reads format {FORMAT}")
    _verify(folder, manifest["files"])
    pipeline = Pipeline.from_yaml(folder / "pipeline.yaml")
    return Curated(
        table=_open_table(folder, manifest),
        findings_=_StoredFindings(folder, manifest["learned"], manifest["files"]["findings.parquet"]),
        ledger_=Decisions(_read(folder, "ledger")),
        plan=_read(folder, "plan"),
        class_weights=np.array(manifest["class_weights"], dtype=np.float32),
        pipeline=pipeline,
        accounts=manifest["accounts"],
        facts=manifest["facts"],
        notes=tuple(manifest["notes"]),
        changes=_read(folder, "changes"),
        folder=folder,
    )


class _StoredFindings(Findings):
    """Findings in the folder of a result, read when they are asked for: who feeds a trainer never does."""

    _folder: Path
    _digest: str

    def __init__(self, folder: Path, facts: dict[str, Any], digest: str) -> None:
        object.__setattr__(self, "_folder", folder)
        object.__setattr__(self, "_digest", digest)
        object.__setattr__(self, "facts", facts)

    @cached_property
    def table(self) -> pa.Table:  # pyright: ignore[reportIncompatibleVariableOverride]
        """See `Findings`. Raises StorageError, and DataError where a run has replaced the folder."""
        found = _read(self._folder, "findings")
        if sha256(self._folder / "findings.parquet") != self._digest:
            raise DataError(f"{self._folder}: it was replaced since it was opened; open it again")
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy elsewhere holds them."""
        return Findings, (self.table, self.facts)


def _verify(folder: Path, files: dict[str, str]) -> None:
    for name, digest in files.items():
        file = folder / name
        if Path(name).name != name or not file.is_file():
            raise DataError(f"{folder}: the file {name!r} is missing; run the pipeline again")
        if name.startswith("report."):
            continue
        try:
            found = sha256(file)
        except OSError as error:
            raise StorageError(f"{file}: can't be read: {error.strerror}") from None
        if found != digest:
            raise DataError(f"{file}: damaged or edited (its checksum differs from {MANIFEST}); run the pipeline again")


def _read(folder: Path, name: str) -> pa.Table:
    import pyarrow.parquet as pq

    try:
        # By the file: `read_table` loads pyarrow's data sets, and with them pandas.
        with pq.ParquetFile(folder / f"{name}.parquet") as file:
            # Every thread of Arrow keeps memory of its own, which a small file is not worth.
            return file.read(use_threads=file.metadata.num_rows > THREADED_ROWS)
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageError(f"{folder / name}.parquet: can't be read: {error}") from None


def _root(folder: Path, written: dict[str, str], rows: Stored, task: Task) -> Path:
    """Where the media are now: beside the result as when it was written, or where they were then.

    Both folders may be there after the result alone was moved; then the one counts that has the first of the files.
    """
    beside, before = (folder.resolve() / written["relative"]).resolve(), Path(written["absolute"])
    if not beside.is_dir() or beside == before:
        return before
    for column in (getattr(task, role) for role in MEDIA if getattr(task, role)):
        for chunk in rows.mapped[column].chunks:
            paths = pc.struct_field(chunk, "path").drop_null()
            if len(paths):
                named = split(str(paths[0]))[0]
                return beside if (beside / named).exists() or not (before / named).exists() else before
    return beside


def _open_table(folder: Path, manifest: dict[str, Any]) -> Table:
    rows = _read(folder, "rows")
    content = np.frombuffer(b"".join(rows["content"].to_pylist()), dtype=np.uint64).reshape(-1, 2)
    parents = rows["parent"]
    # Not opened by `datasets`, which with all that it imports takes more memory than most of what is done from here.
    stored, task = Stored(folder / "table.arrow"), Task(**manifest["task"])
    dataset: Any = stored
    ledger = _read(folder, "ledger")
    made = ledger["row_id"].filter(pc.is_in(ledger["action"], value_set=texts(["synthesize"]))).to_pylist()
    return Table(
        dataset=dataset,
        task=task,
        row_ids=np.array(rows["row_id"].to_pylist(), dtype=np.dtypes.StringDType()),
        content=content,
        root=None if manifest["root"] is None else _root(folder, manifest["root"], stored, task),
        problems=_read(folder, "problems"),
        origin=rows.select(["file", "line"]) if "file" in rows.column_names else None,
        source=manifest["source"],
        parents=None if parents.null_count else np.array(parents.to_pylist(), dtype=np.dtypes.StringDType()),
        made=np.array(made, dtype=np.dtypes.StringDType()) if made else None,
    )

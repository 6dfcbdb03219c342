"""Croissant: a description of the exported Parquet files that other tools read them by.

Source: MLCommons, Croissant format specification 1.1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from curate.pipeline.exporting.lines import Lines
from curate.pipeline.exporting.parquet import MAX_BYTES, write_splits
from curate.pipeline.exporting.written import Account, Written, writing, written
from curate.report.formats.croissant import CONTEXT, MEDIA_TYPES, identifier, plain_type, unique

NAME = "croissant.json"


def to_croissant(lines: Lines, out: Path, max_bytes: int = MAX_BYTES) -> Written:
    """Write Parquet files and `out`/croissant.json, their description.

    Raises:
        DataError: a row's file can't be read any more, and such rows are not skipped.
        StorageError: the folder can't be written.
    """
    with writing(out, "croissant", lines) as (folder, account):
        write_splits(lines, folder, account, max_bytes, below="data/")
        write_croissant(lines, folder, "data", account)
    return written(out, "croissant", lines, account.rows)


def write_croissant(lines: Lines, folder: Path, data: str, account: Account) -> None:
    """Describe the Parquet files of `folder`/`data` in `folder`/croissant.json."""
    (folder / NAME).write_text(
        json.dumps(described(lines, folder, data, account), indent=2, ensure_ascii=False) + "\n",
        encoding="utf-8",
        newline="\n",
    )


def described(lines: Lines, folder: Path, data: str, account: Account) -> dict[str, Any]:
    """The description: every file with its checksum, and one record set over all of them with a field per column."""
    table = lines.table
    paths = sorted({*(folder / data).glob("*.parquet"), *(folder / name for name in account.digests)})
    files = [
        {
            "@type": "cr:FileObject",
            "@id": path.name,
            "name": path.name,
            "contentUrl": f"{data}/{path.name}",
            "contentSize": f"{path.stat().st_size} B",
            "encodingFormat": "application/x-parquet",
            "sha256": account.digest(folder, f"{data}/{path.name}"),
        }
        for path in paths
    ]
    together = {
        "@type": "cr:FileSet",
        "@id": "lines-of-all-files",
        "name": "lines-of-all-files",
        "encodingFormat": "application/x-parquet",
        "includes": f"{data}/*.parquet",
    }
    taken: set[str] = set()
    schema = lines.features().arrow_schema
    fields = [_field(lines, column, schema.field(column).type, taken) for column in schema.names]
    split = {
        "@type": "cr:Field",
        "@id": (name := unique("rows/split", taken)),
        "name": name,
        "description": "the split, from the name of the file",
        "dataType": ["sc:Text", "cr:Split"],
        "source": {
            "fileSet": {"@id": together["@id"]},
            "extract": {"fileProperty": "filename"},
            "transform": {"regex": r"^(.+)-\d{5}-of-\d{5}\.parquet$"},
        },
    }
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": identifier(Path(table.source).stem or "dataset"),
        "description": "Curated rows with their labels, soft labels and weights.",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "distribution": [*files, together],
        "recordSet": [{"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": [*fields, split]}],
    }


def _field(lines: Lines, column: str, kind: pa.DataType, taken: set[str]) -> dict[str, Any]:
    task = lines.table.task
    name = unique(f"rows/{identifier(column)}", taken)
    source: dict[str, Any] = {"fileSet": {"@id": "lines-of-all-files"}, "extract": {"column": column}}
    roles = [role for role in type(task).model_fields if getattr(task, role) == column]
    said = f"the column {column!r}" + (f", used as {' and '.join(roles)}" if roles else "")
    field: dict[str, Any] = {"@type": "cr:Field", "@id": name, "name": name, "description": said}
    types, repeated = plain_type(kind)
    if (role := lines.media.get(column)) is not None:
        types, repeated = [MEDIA_TYPES.get(role, "sc:ImageObject")], False
        source["transform"] = {"jsonPath": "bytes"}
    elif pa.types.is_struct(parts := kind.value_type if repeated else kind):
        field["subField"] = [_part(name, one, column, source, taken) for one in parts]
        return field | ({"repeated": True} if repeated else {})
    if column == task.label:
        types = [*types, "cr:Label"]
    return field | {"dataType": types, "source": source} | ({"repeated": True} if repeated else {})


def _part(of: str, part: pa.Field, column: str, source: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    """The field of a part of a column of structs, such as the numbers of boxes."""
    name = unique(f"{of}/{identifier(part.name)}", taken)
    types, repeated = plain_type(part.type)
    path = part.name if part.name.isidentifier() else f"'{part.name}'"
    field = {
        "@type": "cr:Field",
        "@id": name,
        "name": name,
        "description": f"{part.name!r} of the column {column!r}",
        "dataType": types,
        "source": source | {"transform": {"jsonPath": path}},
    }
    return field | ({"repeated": True} if repeated else {})

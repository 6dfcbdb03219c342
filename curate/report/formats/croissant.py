"""Croissant 1.1: the data described as JSON-LD, with what made the audit as provenance and what it found as limits.

Source: MLCommons, Croissant format specification 1.1 and its responsible-AI extension 1.0; W3C PROV-O.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from curate.report.contents import input_columns
from curate.report.material import Material
from curate.report.model import Document
from curate.report.plain import percent, plain
from curate.wording import counted

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "prov": "http://www.w3.org/ns/prov#",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TABULAR = {".csv": "text/csv", ".tsv": "text/tab-separated-values", ".parquet": "application/x-parquet"}
_LINES = {".jsonl": "application/jsonlines", ".ndjson": "application/jsonlines"}
MEDIA_TYPES = {"image": "sc:ImageObject", "audio": "sc:AudioObject", "video": "sc:VideoObject"}
_PATTERNS = {"image": "image/*", "audio": "audio/*", "video": "video/*"}
MOST_FILES = 1000


def croissant(material: Material, document: Document) -> dict[str, Any]:
    """The description. Files on disk are named with their checksums, relative to where the data lie."""
    name = identifier(Path(str(material.table.source)).stem or "dataset")
    made: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": f"{counted(document.rows, 'row')}. {document.outcome.sentence}",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
    }
    distribution, record_set = _distribution(material)
    if distribution:
        made["distribution"] = distribution
    if record_set is not None:
        made["recordSet"] = [record_set]
    if limits := _limits(document):
        made["rai:dataLimitations"] = limits
    made["prov:wasGeneratedBy"] = {
        "@type": "prov:Activity",
        "name": "audit" if document.decisions is None else "curation",
        "prov:wasAssociatedWith": {"@type": "prov:SoftwareAgent", "name": f"curate {document.curate_version}"},
    }
    return plain(made)


def _limits(document: Document) -> list[str]:
    lines = [
        f"{check}, {name}: {issue.issues:,} of {issue.rows:,} rows ({percent(issue.share)})"
        for check, said in document.checks.items()
        for name, issue in said.issues.items()
        if issue.issues
    ]
    if document.label_noise is not None:
        lines.append(f"estimated share of wrong labels: {percent(document.label_noise)}")
    return lines + [f"{check} could not run: {why}" for check, why in document.skipped.items()]


def _distribution(material: Material) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Files, and the record set that is read from them; neither for data in memory."""
    path = Path(str(material.table.source))
    files = sorted({str(f) for f in _files(material) if f is not None})
    root = None if material.table.root is None else Path(material.table.root)
    if path.is_file():
        return _one_file(material, path)
    if root is None or not path.is_dir() or not files:
        return [], None
    kinds = {Path(file).suffix.lower() for file in files}
    if len(files) == 1 and kinds <= {*_TABULAR, *_LINES}:
        return _one_file(material, root / files[0])
    media = next((role for role in ("image", "audio", "video") if getattr(material.table.task, role)), None)
    if media is None or kinds & {*_TABULAR, *_LINES}:
        return [_file_object(root / file, file) for file in files[:MOST_FILES] if (root / file).is_file()], None
    return _media_files(material, media, sorted(kinds))


def _files(material: Material) -> list[str | None]:
    origin = material.table.origin
    return [] if origin is None else origin["file"].unique().to_pylist()


def _file_object(path: Path, url: str) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    kind = (_TABULAR | _LINES).get(path.suffix.lower(), "application/octet-stream")
    return {
        "@type": "cr:FileObject",
        "@id": identifier(url),
        "name": identifier(url),
        "contentUrl": url,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": kind,
        "sha256": digest.hexdigest(),
    }


def _one_file(material: Material, path: Path) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    file = _file_object(path, path.name)
    kind = path.suffix.lower()
    if kind not in _TABULAR and kind not in _LINES:
        return [file], None
    fields, taken = [], set()
    for column in _columns(material):
        identity = unique(f"rows/{identifier(column)}", taken)
        extract = {"column": column} if kind in _TABULAR else {"jsonPath": f"$[{_quoted(column)}]"}
        data_type, repeated = _data_type(material, column)
        field = {
            "@type": "cr:Field",
            "@id": identity,
            "name": identity,
            "description": f"the column {column!r}" + _role(material, column),
            "dataType": data_type,
            "source": {"fileObject": {"@id": file["@id"]}, "extract": extract},
        }
        fields.append(field | ({"repeated": True} if repeated else {}))
    return [file], {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields} if fields else None


def _media_files(material: Material, role: str, kinds: list[str]) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """A folder of media: one set of files; its record set gives the content and the name of each file."""
    files = {
        "@type": "cr:FileSet",
        "@id": "files",
        "name": "files",
        "description": f"{role} files in the folder of the data",
        "encodingFormat": _PATTERNS[role],
        "includes": [f"**/*{kind}" for kind in kinds],
    }
    fields = [
        ("content", [MEDIA_TYPES[role]], "content"),
        ("file", ["sc:Text"], "fullpath"),
    ]
    record_set = {
        "@type": "cr:RecordSet",
        "@id": "rows",
        "name": "rows",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"rows/{name}",
                "name": f"rows/{name}",
                "description": f"{name} of the {role}",
                "dataType": data_type,
                "source": {"fileSet": {"@id": "files"}, "extract": {"fileProperty": what}},
            }
            for name, data_type, what in fields
        ],
    }
    return [files], record_set


def _columns(material: Material) -> list[str]:
    """Columns of the file: the inputs and the roles, in the order in which the data have them."""
    table = material.table
    wanted = {*input_columns(table), *(getattr(table.task, r) for r in ("label", "split", "group", "id", "transcript"))}
    return [name for name in table.column_names if name in wanted]


def _role(material: Material, column: str) -> str:
    task = material.table.task
    roles = [role for role in type(task).model_fields if getattr(task, role) == column]
    return f", used as {' and '.join(roles)}" if roles else ""


def _data_type(material: Material, column: str) -> tuple[list[str], bool]:
    """Data types of a column, and whether it holds lists."""
    table = material.table
    types, repeated = plain_type(table.dataset.features.arrow_schema.field(column).type)
    if column == table.task.label:
        types.append("cr:Label")
    if column == table.task.split:
        types.append("cr:Split")
    return types, repeated


def plain_type(kind: Any) -> tuple[list[str], bool]:
    """Data type of an Arrow type, and whether it holds lists."""
    repeated = _is_list(kind)
    while _is_list(kind):
        kind = kind.value_type
    found = "sc:Text"
    if pa.types.is_boolean(kind):
        found = "sc:Boolean"
    elif pa.types.is_integer(kind):
        found = "sc:Integer"
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        found = "sc:Float"
    elif pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        found = "sc:Date"
    return [found], repeated


def _is_list(kind: Any) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def identifier(text: str) -> str:
    """A name that is valid as an identifier of JSON-LD and of the file system."""
    return re.sub(r"[^\w.\-]+", "_", text, flags=re.ASCII).strip("_.") or "unnamed"


def unique(name: str, taken: set[str]) -> str:
    """The name, with a number behind it if it is taken; it is taken from now on."""
    count, found = 1, name
    while found in taken:
        count += 1
        found = f"{name}_{count}"
    taken.add(found)
    return found


def _quoted(column: str) -> str:
    return "'" + column.replace("\\", "\\\\").replace("'", "\\'") + "'"

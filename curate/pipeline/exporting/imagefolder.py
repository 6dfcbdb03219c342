"""A folder per split and class with one file per row, and a `metadata.jsonl` that says the rest."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from curate.errors import ConfigError
from curate.pipeline.exporting.files import as_json, ending, folders, safe
from curate.pipeline.exporting.lines import Lines
from curate.pipeline.exporting.reading import named
from curate.pipeline.exporting.written import Written, writing, written
from curate.storage import storing
from curate.task import MEDIA

FILE_NAME = "file_name"


def to_imagefolder(lines: Lines, out: Path) -> Written:
    """Write `out`/train/CLASS/0000017_name.jpg and `out`/train/metadata.jsonl, and so on.

    torchvision's ``ImageFolder("out/train")`` and ``datasets.load_dataset("imagefolder", data_dir="out")`` read it;
    recordings and videos are written the same way (``audiofolder``, ``videofolder``). Rows of tasks without a
    class, and rows without a label, stand in the split's folder itself. With a line per draw, further draws of a
    row are hard links to its file.

    Raises:
        ConfigError: the rows hold no image, recording or video.
        DataError: a row's file can't be read any more, and such rows are not skipped.
        StorageError: the folder can't be written.
    """
    task = lines.table.task
    medium = next((role for role in MEDIA if getattr(task, role)), None)
    if medium is None:
        raise ConfigError(
            f"a folder of files needs images, recordings or videos, and this set has {'+'.join(task.modalities)}:"
            " write parquet, huggingface or webdataset"
        )
    form = f"{medium}folder"
    classes = folders(tuple(task.label_names)) if task.kind == "classification" else {}
    with writing(out, form, lines) as (folder, account):
        if classes:
            account.extra["folders"] = classes
        for split in lines.splits:
            own = folder / lines.names[split]
            own.mkdir(parents=True)
            account.rows[split] = _split(lines, split, own, getattr(task, medium), classes)
    return written(out, form, lines, account.rows)


def _split(lines: Lines, split: str, folder: Path, column: str, classes: dict[str, str]) -> int:
    count = 0
    first: dict[str, Path] = {}
    with storing(folder), (folder / "metadata.jsonl").open("w", encoding="utf-8", newline="\n") as metadata:
        for block in lines.blocks(split):
            for row in block.to_pylist():
                name = _write(lines, row, folder, column, classes, count, first)
                if FILE_NAME in row:  # readers take this column for the name of the file
                    row[f"given_{FILE_NAME}"] = row.pop(FILE_NAME)
                metadata.write(json.dumps(as_json({FILE_NAME: name} | row), ensure_ascii=False) + "\n")
                count += 1
    return count


def _write(
    lines: Lines, row: dict[str, Any], folder: Path, column: str, classes: dict[str, str], number: int,
    first: dict[str, Path],
) -> str:  # fmt: skip
    """Write the files of a row, take them out of it, and give the name of the main one."""
    label = row.get(lines.table.task.label or "")
    place = folder / classes[label] if classes and label is not None else folder
    place.mkdir(exist_ok=True)
    row_id = row[lines.table.task.id if lines.table.task.id == "row_id" else named(lines.table.column_names, "row_id")]
    main = ""
    for other, role in lines.media.items():
        media = row.pop(other)
        if media is None:
            continue
        stem = safe(Path(media["path"]).stem)[:60] if media["path"] else role
        path = place / f"{number:07d}_{stem}.{ending(media['bytes'], media['path'])}"
        if other != column:
            path = folder / "_other" / safe(other) / path.name
            path.parent.mkdir(parents=True, exist_ok=True)
            row[f"{other}_file_name"] = path.relative_to(folder).as_posix()
        else:
            main = path.relative_to(folder).as_posix()
        earlier = first.setdefault(f"{other}\0{row_id}", path)
        if earlier is path:
            path.write_bytes(media["bytes"])
        else:
            os.link(earlier, path)
    return main

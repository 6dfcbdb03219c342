"""The Hugging Face hub's form: a `DatasetDict`, or a folder with Parquet files and a dataset card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from curate.errors import ConfigError
from curate.pipeline.exporting.croissant import write_croissant
from curate.pipeline.exporting.lines import Lines
from curate.pipeline.exporting.parquet import MAX_BYTES, write_splits
from curate.pipeline.exporting.written import Written, writing, written
from curate.randomness import digest
from curate.wording import some_of

if TYPE_CHECKING:
    import datasets

LOADED_BYTES = 2_000_000_000
"""Largest set that is gathered in memory; what is larger is written to a folder and mapped."""


def dataset_dict(lines: Lines) -> datasets.DatasetDict:
    """The splits in memory, media embedded and decoded by `datasets`, classes as `ClassLabel`.

    Raises:
        ConfigError: the set is too large for that.
    """
    import datasets
    import pyarrow as pa
    from datasets.table import InMemoryTable

    features = lines.features(codes=True)
    found: Any = {}
    total = 0
    for split in lines.splits:
        blocks = [features.arrow_schema.empty_table()]
        for block in lines.blocks(split, codes=True):
            total += block.nbytes
            if total > LOADED_BYTES:
                raise ConfigError(
                    f"more than {LOADED_BYTES:,} bytes: name a folder to write to (to_huggingface('folder')) and open"
                    " it with datasets.load_dataset('folder')"
                )
            blocks.append(block)
        info = datasets.DatasetInfo(features=features)
        name = lines.names[split]
        found[name] = datasets.Dataset(
            InMemoryTable(pa.concat_tables(blocks)), info=info, split=datasets.NamedSplit(name)
        )
    return datasets.DatasetDict(found)


def to_huggingface(lines: Lines, out: Path, max_bytes: int = MAX_BYTES) -> Written:
    """Write `out`/README.md (the dataset card), data/*.parquet and croissant.json.

    ``datasets.load_dataset("folder")`` opens it, ``huggingface-cli upload`` puts it on the hub as it is.

    Raises:
        DataError: a row's file can't be read any more, and such rows are not skipped.
        StorageError: the folder can't be written.
    """
    with writing(out, "huggingface", lines) as (folder, account):
        write_splits(lines, folder, account, max_bytes, codes=True, below="data/")
        write_croissant(lines, folder, "data", account)
        content = digest(*(value for name, value in sorted(account.digests.items()) if name.startswith("data/")))
        (folder / "README.md").write_text(card(lines, account.rows, content), encoding="utf-8", newline="\n")
    return written(out, "huggingface", lines, account.rows)


def card(lines: Lines, rows: dict[str, int], content: int) -> str:
    """The dataset card: where the files are, what the columns mean, what was curated, and what the audit found.

    It names the content (a hash): `datasets` takes folders of one name for the same where their cards are.

    Source: Hugging Face, dataset cards.
    """
    section = lines.curated.report.to_markdown()
    front, body = section.removeprefix("---\n").split("\n---\n", 1)
    known = yaml.safe_load(front)
    files = [{"split": name, "path": f"data/{name}-*.parquet"} for name in lines.names.values()]
    known["configs"] = [{"config_name": "default", "description": f"content {content:032x}", "data_files": files}]
    total = sum(rows.values())
    head = f"---\n{yaml.safe_dump(known, sort_keys=False, allow_unicode=True)}---\n\n# Curated data\n\n"
    counts = ", ".join(f"{count:,} in {split}" for split, count in rows.items())
    return f"{head}{total:,} lines ({counts}).\n\n{_columns(lines)}\n\n{_made(lines)}\n{body}"


def _columns(lines: Lines) -> str:
    from curate.report.formats.markdown import escaped

    task = lines.table.task
    meaning = {
        "row_id": "identity of the row",
        "given_label": "the label before curation",
        "soft_label": "probability of each class: " + some_of(task.label_names, 20),
        "weight": "weight of the row in the loss",
        "draws": "how often an epoch of training draws the row",
        "origin": "original, repeated or synthetic",
    }  # fmt: skip
    found = []
    for name in lines.features():
        ours = next((one for one in meaning if name in (one, f"curated_{one}") and name != task.id), None)
        said = meaning[ours] if ours else "of the data" + (", the curated label" if name == task.label else "")
        found.append(f"- {escaped(name)}: {escaped(said, 600)}")
    return "## Columns\n\n" + "\n".join(found)


def _made(lines: Lines) -> str:
    """What was done, as the pipeline file that does it again."""
    text = lines.curated.pipeline.to_yaml()
    fence = "```"
    while fence in text:
        fence += "`"
    return f"## How it was made\n\n{fence}yaml\n{text}{fence}\n"

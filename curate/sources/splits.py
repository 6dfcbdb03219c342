"""The names of splits: what counts as one, and what it is called here."""

from __future__ import annotations

import os
import re
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from curate.sources.file_kinds import HEADERLESS, SPLIT_ENDINGS

CANONICAL = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "tr": "train",
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
    "validation": "validation",
    "eval": "validation",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "publictest": "validation",
    "privatetest": "test",
}
_SHARD = re.compile(
    r"^(?P<name>[A-Za-z]+)(?:[-_.]\d+(?:[-_]of[-_]\d+)?|(?:19|20)\d\d|\d{1,2}|[-_.]v\d+(?:\.\d+)*)?$", re.IGNORECASE
)


FILES = {"trec_10": "test"}
"""Stems of files that are splits by custom alone."""
_KEEL = re.compile(r"(?P<about>.+-\d+-\d+)(?P<split>tra|tst)$")
"""KEEL's folds: ``iris-5-1tra``, the first of five for training."""
GENRES = re.compile(r"_(mis)?matched$")
"""What MultiNLI writes behind the splits of its genres."""


def split_name(name: str) -> str | None:
    """The canonical split that a folder or a file stem is named after, or None.

    A number of a part, a year or a version may follow: ``train-00000-of-00002``, ``val2017``, ``test1``, ``dev-v1``.
    """
    match = _SHARD.match(GENRES.sub("", name.strip()))
    return CANONICAL.get(match["name"].lower()) if match else None


def about_and_split(stem: str) -> tuple[str, str] | None:
    """What a file is about and the split at the end of its name (``GunPoint_TRAIN`` -> GunPoint, train), or None."""
    if fold := _KEEL.match(stem.strip()):
        return fold["about"], "train" if fold["split"] == "tra" else "test"
    about, _, last = GENRES.sub("", stem.strip().replace("-", "_").replace(".", "_")).rpartition("_")
    split = CANONICAL.get(last.lower())
    return (about, split) if about and split else None


def file_about_and_split(name: str) -> tuple[str, str] | None:
    """What a file is about and its split, by its stem or its ending (``eng.testa``, ``adult.data``), or None."""
    stem, end = os.path.splitext(os.path.basename(name))  # noqa: PTH119, PTH122 (called once per file)
    split = SPLIT_ENDINGS.get(end.lower()) or ("train" if end.lower() in HEADERLESS else None)
    return about_and_split(stem) or ((stem, split) if split else None)


def split_of_file(name: str) -> str | None:
    """The split that a file is named after: by its stem, what its stem ends in, or its ending (``eng.testa``)."""
    stem, end = os.path.splitext(os.path.basename(name))  # noqa: PTH119, PTH122 (called once per file)
    about = about_and_split(stem)
    return split_name(stem) or (about[1] if about else SPLIT_ENDINGS.get(end.lower()) or FILES.get(stem.lower()))


def folder_splits(names: Collection[str]) -> dict[str, str] | None:
    """Folder -> split where all of them are named after splits, or two and more bear the name of one at an end.

    ``{train, val}``, ``{train2017, val2017}``, ``{cars_train, cars_test}``, ``{dev-clean, train-clean-100}``.
    """
    whole = {name: split for name in names if (split := split_name(name))}
    if names and len(whole) == len(names):
        return whole
    ends = {name: [CANONICAL.get(part.lower()) for part in (*_parts(name)[:1], *_parts(name)[-1:])] for name in names}
    found = {name: split for name, (first, last) in ends.items() if (split := first or last)}
    return found if len(found) == len(names) and len(set(found.values())) > 1 else None


def _parts(name: str) -> list[str]:
    return re.split(r"[-_. ]", name.strip())


def canonical(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Split values with their canonical names; others keep theirs, stripped; empty ones are null."""
    texts = column.cast(pa.string()).dictionary_encode().unify_dictionaries()
    if not texts.num_chunks:
        return column.cast(pa.string())
    names = texts.chunk(0).dictionary.to_pylist()
    renamed = pa.array([CANONICAL.get(n.strip().lower(), n.strip()) or None for n in names], pa.string())
    chunks = [renamed.take(chunk.indices) for chunk in texts.chunks]
    return pa.chunked_array(chunks, pa.string())


def split_names(column: pa.ChunkedArray) -> tuple[list[str], list[str]]:
    """The values of a column that are names of splits, and those that aren't; none where it can't be such a column."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return [], []
    values = pc.unique(column.drop_null())
    if not 0 < len(values) <= 16:
        return [], []
    texts = sorted(str(value) for value in values.to_pylist() if str(value).strip())
    named = [text for text in texts if text.strip().lower() in CANONICAL]
    return named, [text for text in texts if text not in named]

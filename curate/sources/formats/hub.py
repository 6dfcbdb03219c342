"""Data sets of the `datasets` library: in memory, saved on disk, or on the Hugging Face hub. Nothing is decoded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import DataError
from curate.pretrained import is_offline, unreachable, without_network
from curate.sources.raw import Raw, concatenated
from curate.sources.splits import CANONICAL
from curate.wording import counted, noun, some_of

if TYPE_CHECKING:
    import datasets

HUB_NAME = re.compile(r"^[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*$")


def from_dataset(data: datasets.Dataset, source: str = "datasets.Dataset") -> Raw:
    """A data set in memory; memory-mapped columns stay so."""
    columns: pa.Table = data.with_format("arrow")[:] if data._indices is not None else data.data.table
    columns = columns.select(data.column_names)
    return with_features(Raw(columns, source), data.features)


def from_dataset_dict(data: Mapping[Any, datasets.Dataset], source: str = "datasets.DatasetDict") -> Raw:
    """Several splits as one source with a split column."""
    if not data:
        raise DataError(f"{source}: there are no splits")
    parts = []
    for split, part in data.items():
        raw = from_dataset(part, f"{source}[{split!r}]")
        name = CANONICAL.get(str(split).lower(), str(split))
        column = "split" if "split" not in raw.columns.column_names else "source_split"
        values = pa.chunked_array([pa.array([name], pa.string()).take(pa.array(np.zeros(len(raw), np.int64)))])
        parts.append(replace(raw.with_column(column, values), roles={"split": column}))
    return concatenated(parts, source)


def from_disk(folder: Path, source: str) -> Raw:
    """What `save_to_disk` wrote.

    Raises:
        DataError: the folder is damaged.
    """
    from datasets import DatasetDict, load_from_disk

    try:
        data = load_from_disk(str(folder))
    except Exception as error:  # the library raises many kinds, from KeyError to ArrowInvalid
        raise DataError(f"{source}: a folder of save_to_disk that can't be read: {_first_line(error)}") from error
    raw = from_dataset_dict(data, source) if isinstance(data, DatasetDict) else from_dataset(data, source)
    return replace(raw, root=folder, bases=(folder,))


def from_hub(name: str, config: str | None = None, revision: str | None = None) -> Raw:
    """A data set of the hub, by its ``owner/name``.

    Raises:
        DataError: it does not exist, may not be read, or the hub can't be reached.
    """
    from datasets import DatasetDict, load_dataset

    name = name.removeprefix("hf://").removeprefix("datasets/")
    reason = None if is_offline() else unreachable(name, "dataset")
    try:
        with without_network() if reason else nullcontext():
            data = load_dataset(name, config, revision=revision)
    except Exception as error:  # network, hub and builder errors share no base
        raise DataError(
            f"{name!r} is no file or folder here, and can't be loaded from the Hugging Face hub:"
            f" {reason or _first_line(error)}"
        ) from error
    source = f"hf://{name}"
    return from_dataset_dict(data, source) if isinstance(data, DatasetDict) else from_dataset(data, source)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:300]}"


def with_features(raw: Raw, features: datasets.Features) -> Raw:
    """Class names as text in place of numbers, and which columns are media, from the features."""
    from datasets import Audio, ClassLabel, Image, Video

    media: dict[str, str] = dict(raw.media)
    names: dict[str, tuple[str, ...]] = dict(raw.class_names)
    roles: dict[str, Any] = dict(raw.roles)
    classes: list[str] = []
    for column, feature in features.items():
        inner = getattr(feature, "feature", None)
        if isinstance(feature, Image | Audio | Video):
            media[column] = type(feature).__name__.lower()
        for found, convert in ((feature, _named), (inner, _named_lists)):
            if found is not None and isinstance(found, ClassLabel):
                names[column] = tuple(found.names or ())
                given = raw.columns[column]
                raw = raw.with_column(column, convert(given, names[column]))
                raw = _noting_strange(raw, column, given)
                classes.append(column)
    if len(classes) == 1:  # else let the names of the columns decide, or the user
        roles.setdefault("label", classes[0])
    return replace(raw, media=media, class_names=names, roles=roles)


def _noting_strange(raw: Raw, column: str, given: pa.ChunkedArray) -> Raw:
    """Say how many codes stand for no class; -1 is the field's sign for a missing label and not worth a word."""
    now = raw.columns[column]
    if pa.types.is_nested(given.type):
        given, now = pc.list_flatten(given), pc.list_flatten(now)
    lost = pc.and_(pc.is_valid(given), pc.is_null(now))
    if not pa.types.is_integer(given.type) or not pc.any(lost).as_py():
        return raw
    codes = [str(code) for code in sorted(pc.unique(given.filter(lost)).to_pylist()) if code != -1]
    if not codes:
        return raw
    count = pc.sum(pc.and_(lost, pc.not_equal(given, -1))).as_py()
    labels = f"{counted(count, 'label')} {noun(count, 'is', 'are')}"
    note = f"{column}: {labels} no number of a class ({some_of(codes)}) and {noun(count, 'counts', 'count')} as missing"
    return replace(raw, notes=(*raw.notes, note))


def _named(column: pa.ChunkedArray, names: Sequence[str]) -> pa.ChunkedArray:
    if not (pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        return column
    codes = pc.fill_null(column.cast(pa.int64()), -1).to_numpy()
    fine = (codes >= 0) & (codes < len(names))
    texts = pa.array(list(names), pa.string()).take(pa.array(np.where(fine, codes, 0), mask=~fine))
    return pa.chunked_array([texts])


def _named_lists(column: pa.ChunkedArray, names: Sequence[str]) -> pa.ChunkedArray:
    lists = column.combine_chunks()
    lists = lists.cast(pa.list_(lists.type.value_type))
    flat = _named(pa.chunked_array([lists.values]), names).combine_chunks()
    return pa.chunked_array([pa.ListArray.from_arrays(lists.offsets, flat, mask=lists.is_null())])

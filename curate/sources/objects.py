"""Data that a program hands over: the reader by the type of the object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curate.errors import ConfigError, DataError
from curate.sources.formats.hub import from_dataset, from_dataset_dict
from curate.sources.formats.memory import from_columns, from_frame, from_table
from curate.sources.raw import Raw

INSTEAD = {
    "ndarray": "; an array of vectors is a column: {'features': array, 'label': labels}",
    "Series": "; a column is given as series.to_frame(), a row as series.to_frame().T",
}
"""What to do with types that people try."""


def from_object(source: Any) -> Raw:
    """A `datasets.Dataset` or `DatasetDict`, a DataFrame, an Arrow table, a dict of columns or a list of dicts.

    Raises:
        ConfigError: it is none of these.
        DataError: it has no rows.
    """
    kind, package = type(source).__name__, type(source).__module__.split(".")[0]
    if package == "datasets":
        return _from_datasets(source)
    if package == "pandas" and hasattr(source, "columns"):
        return from_frame(source)
    if isinstance(source, Mapping):
        return from_columns(source)
    if hasattr(source, "__arrow_c_stream__") and kind not in INSTEAD:
        return from_table(source)
    if isinstance(source, list | tuple) and not source:
        raise DataError(f"the {kind} is empty: there are no rows")
    if isinstance(source, list | tuple) and all(isinstance(row, Mapping) for row in source):
        keys = dict.fromkeys(key for row in source for key in row)
        return from_columns({key: [row.get(key) for row in source] for key in keys}, "list of dicts")
    raise ConfigError(
        f"a source of the type {kind} can't be read{INSTEAD.get(kind, '')}; give a path, a glob, a list of files, a"
        " dict of columns, a list of dicts, a DataFrame, an Arrow table or a datasets.Dataset"
    )


def _from_datasets(source: Any) -> Raw:
    from datasets import Dataset, DatasetDict

    if isinstance(source, DatasetDict):
        return from_dataset_dict(source)
    if isinstance(source, Dataset):
        if not source.num_rows:
            raise DataError("datasets.Dataset: there are no rows")
        return from_dataset(source)
    raise ConfigError(
        f"a {type(source).__name__} is a stream; take it as a Dataset first (Dataset.from_list(list(...)))"
    )

"""The methods of a result that write it in the formats of others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.errors import ConfigError

if TYPE_CHECKING:
    import datasets

    from curate.pipeline.exporting.lines import Lines
    from curate.pipeline.exporting.written import Written

FORMATS = ("parquet", "huggingface", "webdataset", "imagefolder", "croissant")


class Exports:
    """Exports of a result: the kept rows, each once, with the curated label, soft label, weight, and draws per epoch.

    All take `split` (one split instead of all), `repeated` (a line per draw of an epoch instead of one per row) and
    `on_error` (``raise``, or ``skip`` rows whose files can't be read any more and name them in the account). Those that
    write Parquet files or tars take `engine` and `address`, too: ``ray`` has the nodes of a cluster read the rows and
    write the files, which get the bytes that they have here; data and `out` must lie where all nodes see them. Each
    writes aside and renames, replaces an earlier export alone, and leaves `export.json` with checksums, class
    weights, and what the files do not carry. Augmentation is not carried out: that is the loader's.
    """

    def to_parquet(self, out: str | os.PathLike[str], *, max_bytes: int = 500_000_000, **which: Any) -> Written:
        """Parquet files of about `max_bytes`, one series per split, media embedded.

        Raises:
            ConfigError: an option is wrong, or `out` holds something else.
            DataError: a row's file can't be read any more.
            StorageError: the folder can't be written.
        """
        from curate.pipeline.exporting.parquet import to_parquet

        with _at_work(which):
            return to_parquet(self._lines(which), Path(out), _size("max_bytes", max_bytes))

    def to_huggingface(
        self, out: str | os.PathLike[str] | None = None, *, max_bytes: int = 500_000_000, **which: Any
    ) -> datasets.DatasetDict | Written:
        """A `datasets.DatasetDict` in memory; or, at `out`, a folder that the hub takes as it is, with a dataset card.

        Raises:
            ConfigError, DataError, StorageError: as `to_parquet`; or a set too large for memory and no folder.
        """
        from curate.pipeline.exporting.huggingface import dataset_dict, to_huggingface

        if out is None:
            if which.pop("engine", "local") != "local":
                raise ConfigError("a set in memory is made by this process: name a folder for engine='ray'")
            return dataset_dict(self._lines(which))
        with _at_work(which):
            return to_huggingface(self._lines(which), Path(out), _size("max_bytes", max_bytes))

    def to_webdataset(
        self,
        out: str | os.PathLike[str],
        *,
        max_rows: int = 10_000,
        max_bytes: int = 1_000_000_000,
        shuffled: bool = True,
        **which: Any,
    ) -> Written:
        """Tar shards with at most `max_rows` rows and about `max_bytes`; training rows shuffled by the seed.

        Raises:
            ConfigError, DataError, StorageError: as `to_parquet`.
        """
        from curate.pipeline.exporting.webdataset import to_webdataset

        with _at_work(which):
            lines = self._lines({"shuffled": shuffled} | which)
            return to_webdataset(lines, Path(out), _size("max_rows", max_rows), _size("max_bytes", max_bytes))

    def to_imagefolder(self, out: str | os.PathLike[str], **which: Any) -> Written:
        """A folder per split and class with a file per row, and metadata.jsonl; recordings and videos likewise.

        Raises:
            ConfigError, DataError, StorageError: as `to_parquet`; or the rows hold no files.
        """
        from curate.pipeline.exporting.imagefolder import to_imagefolder

        if which.pop("engine", "local") != "local":
            raise ConfigError(
                "a folder of files is written by this process: take webdataset or parquet with engine='ray'"
            )
        return to_imagefolder(self._lines(which), Path(out))

    def to_croissant(self, out: str | os.PathLike[str], *, max_bytes: int = 500_000_000, **which: Any) -> Written:
        """Parquet files and croissant.json, which describes them (`curated.report.to_croissant` describes the source).

        Raises:
            ConfigError, DataError, StorageError: as `to_parquet`.
        """
        from curate.pipeline.exporting.croissant import to_croissant

        with _at_work(which):
            return to_croissant(self._lines(which), Path(out), _size("max_bytes", max_bytes))

    def export(
        self,
        out: str | os.PathLike[str],
        form: str,
        **options: Any,
    ) -> Written:
        """The export of that name. Raises ConfigError for another name, else as the method named so."""
        from curate.errors import nearest

        if form not in FORMATS:
            raise ConfigError(f"unknown format {form!r}{nearest(str(form), FORMATS)}; known: {', '.join(FORMATS)}")
        return getattr(self, f"to_{form}")(out, **options)

    def _lines(self, which: dict[str, Any]) -> Lines:
        from curate.pipeline.exporting.lines import Lines

        if unknown := sorted(set(which) - {"split", "repeated", "shuffled", "on_error"}):
            raise ConfigError(
                f"unknown option {unknown[0]!r} of an export; known: split, repeated, on_error, engine, address"
            )
        result: Any = self
        return Lines.of(result, **which)


@contextmanager
def _at_work(which: dict[str, Any]) -> Iterator[None]:
    """Within the block, files are written where the options say, which are taken out; else by the engine that is."""
    from curate.engines.choosing import chosen

    if not {"engine", "address"} & which.keys():
        yield
        return
    with chosen(which.pop("engine", "local"), which.pop("address", None)):
        yield


def _size(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{name} must be a whole number of at least 1, not {value!r}")
    return value

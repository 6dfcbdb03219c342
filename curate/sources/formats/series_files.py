"""Files of labelled time series: ``.ts`` of sktime and aeon, and tables of the UCR archive."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa

from curate.errors import DataError
from curate.sources.encodings import decode
from curate.sources.raw import Raw, origins

_UCR = re.compile(r".+_(train|test)$", re.IGNORECASE)
LEAST_VALUES = 8
"""Numbers behind the class, from which on the lines of a table without a header are series."""


class _Wrong(ValueError):
    """A line that is no series."""


def read_ts(path: Path, name: str, encoding: str | None = None) -> Raw:
    """A file with ``@`` lines, and after ``@data`` a line per row: channels between colons, the class at the end.

    Raises:
        DataError: there is no ``@data``, no row, or values have time stamps of their own.
    """
    settings: dict[str, list[str]] = {}
    lines, found, unreadable, begun = [], [], {}, False
    for number, text in _lines(path, encoding):
        if text.startswith("#"):
            continue
        if text.startswith("@") and not begun:
            key, *words = text[1:].split()
            settings[key.lower()], begun = words, key.lower() == "data"
            continue
        if not begun:
            raise DataError(f"{name}: line {number} stands before @data: no file of time series")
        labelled = _true(settings, "classlabel") or _true(settings, "targetlabel")
        try:
            found.append(_channels(text, labelled))
        except _Wrong as error:
            unreadable[len(found)] = f"{path.name}, line {number}: {error}"
            found.append((None, None))
        lines.append(number)
    if not begun:
        raise DataError(f"{name}: there is no line @data: no file of time series")
    if _true(settings, "timestamps"):
        raise DataError(f"{name}: values with time stamps of their own are not read; write them at even steps")
    return _raw(path, name, found, lines, unreadable)


def _true(settings: dict[str, list[str]], key: str) -> bool:
    return settings.get(key, ["false"])[:1] == ["true"]


def _channels(text: str, labelled: bool) -> tuple[list[list[float | None]], str | None]:
    """The channels of a line, and its class."""
    *parts, last = text.split(":")
    channels = parts if labelled else [*parts, last]
    if not channels:
        raise _Wrong("a class and no values")
    return [_numbers(channel.split(",")) for channel in channels], last.strip() if labelled else None


def _lines(path: Path, encoding: str | None) -> list[tuple[int, str]]:
    """(number from 1, line) of a file; bytes that are not in its encoding are question marks, and so missing values."""
    text = decode(path, encoding).text.encode("utf-8", "replace").decode()
    return [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _numbers(values: list[str]) -> list[float | None]:
    try:
        numbers = [None if value.strip() in ("?", "") else float(value) for value in values]
    except ValueError as error:
        raise _Wrong(str(error)) from None
    return [None if value is None or np.isnan(value) else value for value in numbers]


def is_ucr(path: Path) -> bool:
    """Whether a table is one of the UCR archive: ``NAME_TRAIN.tsv``, no header, numbers alone."""
    if not _UCR.match(path.stem):
        return False
    with path.open("rb") as file:
        fields = re.split(rb"[\t,]| +", file.readline(1 << 20).strip())
    try:
        return len(fields) > LEAST_VALUES and all(
            np.isfinite(float(field)) or b"nan" in field.lower() for field in fields
        )
    except ValueError:
        return False


def read_ucr(path: Path, name: str, encoding: str | None = None) -> Raw:
    """Lines of a class and its values; what is missing behind the last value is the end of a shorter series."""
    found, lines, unreadable = [], [], {}
    for number, line in _lines(path, encoding):
        label, *values = re.split(r"[\t,]| +", line)
        try:
            series = _numbers(values)
            while series and series[-1] is None:
                series.pop()
            found.append(([series], re.sub(r"\.0+$", "", label)))
        except _Wrong as error:
            unreadable[len(found)] = f"{path.name}, line {number}: {error}"
            found.append((None, None))
        lines.append(number)
    return _raw(path, name, found, lines, unreadable)


def _raw(path: Path, name: str, found: list, lines: list[int], unreadable: dict[int, str]) -> Raw:
    if len(unreadable) == len(found):
        raise DataError(f"{name}: {next(iter(unreadable.values()))}" if found else f"{name}: there are no rows")
    single = all(channels is None or len(channels) == 1 for channels, _ in found)
    series = [channels if channels is None or not single else channels[0] for channels, _ in found]
    kind = pa.list_(pa.float64()) if single else pa.list_(pa.list_(pa.float64()))
    columns, roles = {"series": pa.array(series, kind)}, {"series": "series"}
    if any(label is not None for _, label in found):
        columns["label"], roles["label"] = pa.array([label for _, label in found], pa.string()), "label"
    return Raw(
        pa.table(columns),
        name,
        root=path.parent,
        bases=(path.parent,),
        unreadable=unreadable,
        records={row: why.encode() for row, why in unreadable.items()},
        origin=origins(path.name, np.array(lines, np.int64)),
        roles=roles,
    )

"""The memory ceiling: what may be decoded at once, how large chunks are, and where measured values are put.

What a pass takes beyond the program itself is bounded by the ceiling: one half is for media that are being decoded and
measured, over all threads; a quarter for what was measured and not handed over yet; a quarter for the measured values
of all rows, which stand in mapped files where they are more.
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from curate.engines.attention import looking_at
from curate.errors import ConfigError
from curate.evidence.measure import Measure, blank
from curate.storage import parse_bytes, storing

LEAST_BYTES = 64_000_000
"""Less than that no ceiling can hold: a few photographs and their values."""
BLOCK_ROWS = 65_536
MODEL_BYTES = 128_000_000
"""What a thread that runs a model takes for its batch, at most."""

_of_process: list[int] = []


def parse_ceiling(given: object) -> int:
    """A number of bytes from ``2GB``, ``512 MiB`` or a number. Raises ValueError for anything else, and for too few."""
    if isinstance(given, int) and not isinstance(given, bool):
        size = given
    else:
        try:
            size = parse_bytes(str(given))
        except ValueError:
            raise ValueError(f"{given!r} is no amount of memory; write it as 2GB, 512MB or 1.5GiB") from None
    if size < LEAST_BYTES:
        raise ValueError(f"{given!r} is less than the least ceiling that can be held, {LEAST_BYTES // 10**6} MB")
    return size


def limit_memory(given: str | None) -> None:
    """Hold passes of this process to a ceiling from now on, whatever the settings say. Raises ConfigError."""
    try:
        _of_process[:] = [] if given is None else [parse_ceiling(given)]
    except ValueError as error:
        raise ConfigError(f"--memory: {error}") from None


def ceiling(setting: int | None) -> int | None:
    """Bytes that hold for a pass: those of the process, else those of the settings; None for no ceiling."""
    return _of_process[0] if _of_process else setting


class Room:
    """Memory for media that are being decoded, shared by the threads of a pass.

    A thread that can't have what it asks for waits, and must hold nothing then.

    Args:
        size: bytes; more than that can't be asked for.
    """

    def __init__(self, size: int) -> None:
        self.size, self._free = size, size
        self._condition = threading.Condition()

    def take(self, size: int, wait: bool) -> bool:
        """Take some bytes; False where they are not there now and `wait` is false."""
        with self._condition:
            while wait and self._free < size:
                self._condition.wait(1.0)
                looking_at()  # who waits doesn't hang
            if self._free < size:
                return False
            self._free -= size
            return True

    def give_back(self, size: int) -> None:
        """Give some bytes back."""
        with self._condition:
            self._free += size
            self._condition.notify_all()


def models_at_once(measure: Measure, limit: int | None) -> int:
    """Threads that may run a model at once: as many as it says, of a ceiling as many as fit into a quarter of it."""
    return measure.at_once if limit is None else max(1, min(measure.at_once, limit // (4 * MODEL_BYTES)))


def room_of(limit: int | None) -> Room | None:
    """Half of the ceiling; None where there is none."""
    return None if limit is None else Room(limit // 2)


def chunk_rows(rows: int, limit: int | None, row_bytes: int, workers: int) -> int:
    """Rows of a chunk: as many as were planned, or fewer where two chunks per worker would pass a quarter."""
    if limit is None:
        return rows
    return max(1, min(rows, limit // 4 // (2 * max(workers, 1) * max(row_bytes, 1))))


def row_bytes(fields: Mapping[str, tuple[str, tuple[int, ...]]]) -> int:
    """Bytes of one row's values; texts are taken for 32 bytes."""
    return sum(
        (32 if dtype == "str" else np.dtype(dtype).itemsize) * int(np.prod(shape, dtype=np.int64))
        for dtype, shape in fields.values()
    )


def blanks(fields: Mapping[str, tuple[str, tuple[int, ...]]], rows: int, limit: int | None) -> dict[str, np.ndarray]:
    """Field -> (rows, *shape) values of rows without a measure; the largest fields stand in files beyond a quarter."""
    left = None if limit is None else limit // 4
    values: dict[str, np.ndarray] = {}
    for name, given in sorted(fields.items(), key=lambda one: row_bytes(dict([one]))):
        dtype, shape = given
        size = row_bytes({name: given}) * rows
        if left is None or size <= left or dtype == "str" or not size:
            values[name] = blank(dtype, shape, rows)
        else:
            values[name] = _mapped(dtype, shape, rows)
            size = 0
        left = None if left is None else max(0, left - size)
    return {name: values[name] for name in fields}


def _mapped(dtype: str, shape: tuple[int, ...], rows: int) -> np.ndarray:
    """The same in a file without a name, which goes with the array. Raises StorageError."""
    folder = Path(tempfile.gettempdir())
    with storing(folder, temporary=True), tempfile.TemporaryFile(prefix="curate-", dir=folder) as file:
        if hasattr(os, "posix_fallocate"):  # else a full disk would end the process as it fills the array
            os.posix_fallocate(file.fileno(), 0, np.dtype(dtype).itemsize * rows * math.prod(shape))
        values = np.memmap(file, dtype=np.dtype(dtype), mode="w+", shape=(rows, *shape))
    fill = blank(dtype, (), 1)[0]
    if fill != 0 or fill != fill:
        for start in range(0, rows, BLOCK_ROWS):
            values[start : start + BLOCK_ROWS] = fill
    return values

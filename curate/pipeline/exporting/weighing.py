"""How many bytes lines have, told by other machines: one number per row, which says what shard the row belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curate.engines.engine import Absent, current
from curate.media.payload import UnreadablePayload
from curate.pipeline.exporting.lines import Lines
from curate.pipeline.exporting.reading import BLOCK_ROWS, Reading, size, unreadable
from curate.pipeline.exporting.stretch import Stretch, unseen

MOST_LINES, LEAST_LINES = 4096, 64
"""Lines that one machine weighs at a time."""


@dataclass(frozen=True)
class Weighing:
    """Finds how many bytes lines have.

    Attributes:
        reading: of the lines.
        of_row: (reading, line without the content of its files) -> bytes beside these; None if none count.
    """

    reading: Reading
    of_row: Callable[[Reading, dict[str, Any]], int] | None

    def __call__(self, piece: Stretch) -> tuple[np.ndarray, dict[int, str]]:
        """(m,) int64 bytes of each line, and place -> why its files can't be read.

        Raises:
            Absent: a file or row is not here.
            StorageError: a file is not here which those who sent the piece can read.
        """
        sizes: list[np.ndarray] = []
        gone: dict[int, str] = {}
        start = 0
        for lines in piece.parts:
            for begin in range(0, lines.num_rows, BLOCK_ROWS):
                block = lines.slice(begin, BLOCK_ROWS)
                sizes.append(self._block(piece, block, start, gone))
                start += block.num_rows
        return np.concatenate(sizes), gone

    def _block(self, piece: Stretch, lines: pa.Table, start: int, gone: dict[int, str]) -> np.ndarray:
        reading, rows = self.reading, piece.fetch(lines["row"].to_numpy())
        found, files = np.zeros(lines.num_rows, np.int64), []
        for place, (row_id, values) in enumerate(zip(lines["row_id"].to_pylist(), reading.values(rows))):
            why = (piece.gone or {}).get(row_id)
            if why is None:
                try:
                    own = [size(value, reading.root) for value in values]
                except UnreadablePayload as error:
                    if piece.gone is None:
                        raise Absent(str(error)) from error
                    raise unseen(reading, unreadable(row_id, str(error))) from error
                found[place] = sum(bytes_ for bytes_, _ in own)
                files.append(tuple(file for _, file in own))
            else:
                gone[start + place] = why
        if self.of_row is None:
            return found
        kept = np.array([place for place in range(lines.num_rows) if start + place not in gone], np.int64)
        if len(kept):
            whole = reading.block(lines.take(pa.array(kept)), rows.take(pa.array(kept)), files)
            found[kept] += np.array([self.of_row(reading, row) for row in whole.to_pylist()], np.int64)
        return found


def weighed(
    lines: Lines, planned: pa.Table, reading: Reading, of_row: Callable[[Reading, dict[str, Any]], int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """How many bytes lines have, found by the machines of the engine.

    Args:
        lines: of the result; what can't be read is added to its skipped rows.
        planned: (n) the lines of a split.
        reading: of the lines.
        of_row: see `Weighing`.

    Returns:
        (n,) int64 bytes, and (n,) bool whether the row can be read.

    Raises:
        DataError: a file can't be read any more, and such rows are not skipped.
        StorageError: a machine lacks a file that is here.
    """
    n = planned.num_rows
    kept = np.ones(n, dtype=bool)
    if of_row is None and not reading.media:
        return np.zeros(n, np.int64), kept
    step = min(MOST_LINES, max(-(-n // (4 * current().slots())), LEAST_LINES))
    given = (
        Stretch.of(f"a stretch of {step} lines", lines.table, [planned.slice(begin, step)])
        for begin in range(0, n, step)
    )
    sizes, begin = [np.zeros(0, np.int64)], 0
    for own, gone in current().ordered_map(Weighing(reading, of_row), given):
        for place, why in gone.items():
            row_id = planned["row_id"][begin + place].as_py()
            if not reading.skips:
                raise unreadable(row_id, why)
            lines.skipped[row_id] = why
            kept[begin + place] = False
        sizes.append(own)
        begin += len(own)
    return np.concatenate(sizes), kept

"""The time series of a table that has one per row, decoded in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from curate.media import series
from curate.media.item import DecodeError
from curate.table import Table

BLOCK_VALUES = 1 << 22


def decoded(table: Table, rows: np.ndarray, usual_values: float) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Positions and (channels, length) float32 series of some rows, in blocks of about 16 MB.

    Args:
        table: with a column of series.
        rows: (m,) positions.
        usual_values: numbers in a usual series, by which the blocks are made.
    """
    step = int(np.clip(BLOCK_VALUES / max(usual_values, 1), 1, 8_192))
    for low in range(0, len(rows), step):
        part = rows[low : low + step]
        found = series.decode(table.rows(part, [str(table.task.series)]).column(0))
        good = [at for at, item in enumerate(found) if not isinstance(item, DecodeError)]
        yield part[good], [item for item in found if not isinstance(item, DecodeError)]

"""The plan: what the ledger amounts to, one line per draw; with the table it is all that the feed needs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

ORIGINS = ("original", "repeated", "synthetic")


def schema(kind: str | None) -> pa.Schema:
    """Columns of a plan. `label` is dictionary-encoded text for classes, a number for regression, a list of text for
    multilabel tasks; `copy` counts the draws of one row (0 for the original) and seeds its augmentation."""
    label = {"regression": pa.float64(), "multilabel": pa.list_(pa.string())}.get(
        kind or "", pa.dictionary(pa.int32(), pa.string())
    )
    return pa.schema(
        [
            ("row", pa.int64()),
            ("row_id", pa.string()),
            ("label", label),
            ("soft_label", pa.list_(pa.float32())),
            ("weight", pa.float32()),
            ("origin", pa.dictionary(pa.int8(), pa.string())),
            ("recipe", pa.dictionary(pa.int32(), pa.string())),
            ("split", pa.dictionary(pa.int32(), pa.string())),
            ("copy", pa.int32()),
        ]
    )


def draws(alive: np.ndarray, repeats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and copy numbers of the draws, by row and then by copy.

    Args:
        alive: (n,) bool, rows that are drawn at all.
        repeats: (n,) int, extra draws of each.

    Returns:
        (m,) int64 rows and (m,) int32 copy numbers, 0 for the original.
    """
    rows = np.flatnonzero(alive)
    times = 1 + repeats[rows]
    first = np.repeat(np.cumsum(times) - times, times)
    return np.repeat(rows, times), (np.arange(times.sum()) - first).astype(np.int32)


def soft_matrix(codes: np.ndarray, own: dict[int, np.ndarray], class_soft: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(m, K) float32 soft labels of `rows`, each summing to 1 (all 0 for a row without a label).

    A row with a soft label of its own (`own`: row -> (K,)) has it smoothed by the class targets, the others have their
    class's target. `class_soft` is (K, K), rows sum to 1.
    """
    k = len(class_soft)
    out = np.zeros((len(rows), k), dtype=np.float32)
    known = codes[rows] >= 0
    out[known] = class_soft[codes[rows[known]]]
    if own:
        has_own = np.isin(rows, np.fromiter(own, dtype=np.int64, count=len(own)))
        for place in np.flatnonzero(has_own):
            out[place] = own[int(rows[place])] @ class_soft
    return out

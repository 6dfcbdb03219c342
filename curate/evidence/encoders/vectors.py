"""Plain work on vectors: to unit length, and several parts joined into one."""

from __future__ import annotations

from mmap import mmap

import numpy as np

BLOCK_ROWS = 8_192


def unit(vectors: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """(n, d) -> (n, d) float32 of length 1; NaN in rows that are not finite or have no length.

    `out` takes the result, and may be `vectors` itself.

    Peak memory: the result, and some blocks.
    """
    result = np.empty(np.shape(vectors), dtype=np.float32) if out is None else out
    for begin in range(0, len(result), BLOCK_ROWS):
        block = np.asarray(vectors[begin : begin + BLOCK_ROWS], dtype=np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            largest = np.abs(block).max(1, keepdims=True, initial=0)  # against overflow of the squares
            scaled = block / np.where(largest > 0, largest, np.nan)
            scaled /= np.sqrt((scaled * scaled).sum(1, keepdims=True))
        scaled[~np.isfinite(scaled).all(1)] = np.nan
        result[begin : begin + BLOCK_ROWS] = scaled
    return result


def in_place(vectors: np.ndarray) -> np.ndarray:
    """The same as `unit`, in the memory of the vectors where they have their own, or a file that was made for them:
    nothing asks for their lengths, and those of a million rows need not be held twice."""
    own = vectors.flags.owndata or (isinstance(vectors, np.memmap) and isinstance(vectors.base, mmap))
    if vectors.dtype != np.float32 or not own or getattr(vectors, "mode", "w+") != "w+":
        return unit(vectors)
    vectors.setflags(write=True)
    unit(vectors, vectors)
    vectors.setflags(write=False)
    return vectors


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """Several embeddings of the same rows as one, each with equal say; a part that a row lacks is zero there."""
    if len(parts) == 1:
        return unit(parts[0])
    units = [unit(part) for part in parts]
    missing = np.all([np.isnan(part).any(1) for part in units], axis=0)
    both = np.concatenate([np.nan_to_num(part, nan=0.0) for part in units], axis=1)
    both[missing] = np.nan
    return unit(both)

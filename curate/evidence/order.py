"""The order in which estimates see rows: by the hash of the row id, so that the order of arrival does not matter."""

from __future__ import annotations

import weakref

import numpy as np
import xxhash

from curate.table import Labels, Table


def row_hashes(row_ids: np.ndarray) -> np.ndarray:
    """(n,) uint64 hash of each row id; those of the ids that were asked about last are kept as long as these are."""
    global _latest
    of, known = _latest
    if of is not None and of() is row_ids:
        return known
    digest = xxhash.xxh3_64_intdigest
    hashed = (digest(str(row_id).encode("utf-8", "surrogatepass")) for row_id in row_ids.tolist())
    hashes = np.fromiter(hashed, dtype=np.uint64, count=len(row_ids))
    hashes.setflags(write=False)
    _latest = weakref.ref(row_ids), hashes
    return hashes


_latest: tuple[weakref.ref[np.ndarray] | None, np.ndarray] = (None, np.zeros(0, dtype=np.uint64))
"""A table's ids never change, and evidence, pairs and keys of the cache ask for the hashes of one table in turn."""


def canonical_order(row_ids: np.ndarray) -> np.ndarray:
    """(n,) int64: positions of the rows, sorted by the hash of their ids."""
    return np.argsort(row_hashes(row_ids), kind="stable").astype(np.int64)


def fingerprint(*parts: object) -> str:
    """Hexadecimal 128-bit hash of arrays and values; arrays count with their dtype and shape."""
    hasher = xxhash.xxh3_128()
    for part in parts:
        if isinstance(part, np.ndarray):
            head = f"{part.dtype.str}{part.shape}"
            body = memoryview(np.ascontiguousarray(part).reshape(-1).view(np.uint8))  # pyright: ignore[reportArgumentType]
        else:
            head, body = type(part).__name__, str(part).encode("utf-8", "surrogatepass")
        hasher.update(f"{head}:{len(body)};".encode())
        hasher.update(body)
    return hasher.hexdigest()


def rows_fingerprint(table: Table, order: np.ndarray) -> str:
    """Hash of which rows the table has (ids, content, splits, groups, what is unreadable), whatever their order."""
    parts = [row_hashes(table.row_ids)[order], table.content[order], table.training[order], table.unreadable[order]]
    if table.groups is not None:
        _, first, codes = np.unique(table.groups[order], return_index=True, return_inverse=True)
        parts.append(np.argsort(np.argsort(first))[codes])
    return fingerprint(*parts)


def labels_fingerprint(labels: Labels, order: np.ndarray) -> str:
    """Hash of the labels in that order."""
    parts: list[object] = ["\x1f".join(labels.names), labels.codes[order]]
    parts += [values[order] for values in (labels.values, labels.sets) if values is not None]
    return fingerprint(*parts)


def duplicate_groups(content: np.ndarray) -> np.ndarray:
    """(n, 2) uint64 content hashes -> (n,) int64: rows with equal content share a number, -1 for rows that are alone.

    Groups are numbered in the order of their first row.
    """
    if not len(content):
        return np.zeros(0, dtype=np.int64)
    order = np.lexsort((content[:, 1], content[:, 0]))
    held = content[order]
    begun = np.append(True, (held[1:] != held[:-1]).any(1))
    place, first = np.cumsum(begun) - 1, order[begun]
    shared = np.flatnonzero(np.bincount(place) > 1)
    number = np.full(len(first), -1, dtype=np.int64)
    number[shared[np.argsort(first[shared])]] = np.arange(len(shared))
    groups = np.empty(len(order), dtype=np.int64)
    groups[order] = number[place]
    return groups

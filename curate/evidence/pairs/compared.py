"""How alike pairs of rows are, kept by what both hold: of a set that has grown only new pairs are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from curate.errors import StorageError
from curate.evidence.decoding import fingerprint
from curate.evidence.estimates import libraries
from curate.evidence.measurements import registered
from curate.randomness import digest
from curate.wording import counted

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.evidence.pairs.method import Method

VERSION = 1
FIELDS = {"similarity": ("float32", ())}
MOST_PAIRS = 1 << 21
"""Pairs up to which they are kept: 28 bytes each in the cache, and some 150 MB while they are looked up."""


def kept_similarity(
    evidence: Evidence,
    method: Method,
    left: np.ndarray,
    right: np.ndarray,
    compute: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """What the method says of pairs, from the cache where they were compared before.

    Args:
        evidence: of the rows.
        method: what compares them: a pair's similarity hangs on nothing but the content of the two rows, and on which
            of them is the left one.
        left: (p,) int64 rows; each pair of contents once.
        right: (p,) int64 rows.
        compute: (m,) int64 places of pairs -> (m,) float32 similarity; `method.compare` if left out.

    Returns:
        (p,) float32, the same to the bit whether a pair was kept or not.
    """

    def compared(some: np.ndarray) -> np.ndarray:
        return method.compare(evidence, left[some], right[some]) if compute is None else compute(some)

    store = evidence.store
    if store is None or not 0 < len(left) <= MOST_PAIRS:  # not by `compared`, which copies the pairs
        found = method.compare(evidence, left, right) if compute is None else compute(np.arange(len(left)))
        return np.asarray(found, dtype=np.float32)
    keys, name = _pair_keys(evidence.table.content, left, right), _folder(evidence, method)
    found, values, damaged = store.lookup(name, keys, FIELDS)
    if damaged:
        files = counted(damaged, "damaged file")
        evidence.note(f"{files} of compared pairs in the cache set aside; the pairs were compared again")
    similarity, missing = values["similarity"], np.flatnonzero(~found)
    if len(missing):
        similarity[missing] = compared(missing)
        try:
            store.append(name, keys[missing], {"similarity": similarity[missing]})
        except StorageError as error:  # the result is there; only the next run has to compare them again
            evidence.note(f"compared pairs are not kept for the next run: {error}")
    return similarity


def _pair_keys(content: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p, 2) uint64 hashes over the two content hashes of each pair, in their order."""
    both = np.ascontiguousarray(np.concatenate([content[left], content[right]], axis=1)).tobytes()
    hashed = b"".join(xxhash.xxh3_128_digest(both[begin : begin + 32]) for begin in range(0, len(both), 32))
    return np.frombuffer(hashed, np.uint64).reshape(-1, 2)


def _folder(evidence: Evidence, method: Method) -> str:
    """Name over all that similarities of the method depend on, but the content of the rows."""
    task = evidence.table.task
    measures = registered(method.needs(task))
    decoded = [fingerprint(modality, evidence.settings) for modality in sorted({m.modality for m in measures})]
    roles = "+".join((*task.modalities, *task.feature_columns))
    about = (method.unit, method.version, method.parameters, [m.fingerprint for m in measures], decoded, roles)
    return f"{digest('pairs', VERSION, *libraries(), *about):032x}"

"""Exact nearest vectors by cosine similarity: products of blocks, by faiss, or on a GPU by torch where there is one.

faiss costs hardly more than the bare product of the vectors and holds one block of similarities at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from curate.engines.engine import current
from curate.evidence.faiss_library import faiss
from curate.evidence.parts.lying import by_rows, lies_in_parts

Found = tuple[np.ndarray, ...]
BLOCK_BYTES = 48_000_000
GPU_BLOCK_BYTES = 500_000_000
QUERIES = 4_096
"""Queries that faiss is asked at a time. How it multiplies, and with it the last bits, hangs on how many they are: the
parts of a search on other machines are cut where a search on this one is."""
GPU_CELLS = 200_000_000
"""Similarities that a GPU holds at a time (0.8 GB)."""


@dataclass(frozen=True)
class Chosen:
    """Some rows of an array in some order, copied block by block when they are asked for.

    Attributes:
        vectors: (n, d) float32.
        rows: (u,) positions.
    """

    vectors: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        """u."""
        return len(self.rows)

    @property
    def width(self) -> int:
        """d."""
        return self.vectors.shape[1]

    @property
    def shape(self) -> tuple[int, int]:
        """(u, d)."""
        return len(self.rows), self.width

    @property
    def dtype(self) -> np.dtype:
        """float32."""
        return np.dtype(np.float32)

    def __getitem__(self, places: np.ndarray | slice) -> np.ndarray:
        """(m, d) float32 copy of some of them."""
        return np.ascontiguousarray(self.vectors[self.rows[places]], dtype=np.float32)


def exact_search(
    chosen: Chosen, targets: np.ndarray, queries: np.ndarray, k: int, device: str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest targets of each query, itself excluded, best first; ties by position.

    Args:
        chosen: (u, d) vectors of length 1, no two of them equal.
        targets: (t,) ascending places that may be found.
        queries: (q,) places to search for.
        k: how many.
        device: ``cpu``, or a device of torch.

    Returns:
        (q, k) int32 places, -1 for none, and (q, k) float32 similarities, -inf for none.

    Peak memory: two blocks of 48 MB, what faiss holds of similarities, and 36 k bytes per row of a block of queries. On
    a cluster each node answers some of the queries: from the vectors where they lie, or from a copy that is sent once.
    """
    work = partial(_nearest, targets=targets, k=k, device=device)
    near, similarity = zip(*searched(work, chosen, queries, device))
    return np.concatenate(near), np.concatenate(similarity)


def searched(
    work: Callable[[Chosen, np.ndarray], Found], chosen: Chosen, queries: np.ndarray, device: str = "cpu"
) -> Iterator[Found]:
    """What some work finds for the queries, some at a time, in order; on a cluster several machines do it.

    Args:
        work: of the vectors, which lie here or where it is done, and some queries; gives arrays with a line for each.
        chosen: the vectors.
        queries: (q,) places to search for.
        device: another than ``cpu`` is asked at once, and here.
    """
    asked = min(step_of(chosen.width), QUERIES) if device == "cpu" else len(queries)
    parts = [queries[begin : begin + asked] for begin in range(0, len(queries), max(asked, 1))] or [queries]
    if len(parts) > 1 and current().remote:
        places = np.arange(len(chosen))
        rows = chosen if lies_in_parts(chosen) else Chosen(chosen[places], places)
        return by_rows(work, rows, parts)
    return (work(chosen, part) for part in parts)


def step_of(width: int, device: str = "cpu") -> int:
    """Targets of a block, each of so many numbers."""
    return max(1024, (BLOCK_BYTES if device == "cpu" else GPU_BLOCK_BYTES) // (4 * width))


def _nearest(
    chosen: Chosen, queries: np.ndarray, *, targets: np.ndarray, k: int, device: str
) -> tuple[np.ndarray, np.ndarray]:
    # One more, because a query that is a target finds itself.
    near, similarity = proposed(chosen, queries, targets, k + 1, device)
    own = near == queries[:, None]
    near, similarity = best_first(np.where(own, -1, near), np.where(own, -np.inf, similarity), k)
    return near, np.minimum(similarity, 1.0)


def proposed(
    chosen: Chosen, queries: np.ndarray, targets: np.ndarray, k: int, device: str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest targets of each query, itself among them, as float32 has it.

    Returns:
        (q, k) int32 places, -1 for none, and (q, k) float32 similarities, -inf for none, best first.
    """
    near = np.full((len(queries), k), -1, dtype=np.int32)
    similarity = np.full((len(queries), k), -np.inf, dtype=np.float32)
    search, step = (_by_faiss if device == "cpu" else _by_torch), step_of(chosen.width, device)
    most = min(step, QUERIES) if device == "cpu" else step
    for start in range(0, len(targets) if len(queries) else 0, step):
        part = targets[start : start + step]
        base = chosen[part]
        for begin in range(0, len(queries), most):
            block = slice(begin, begin + most)
            value, place = search(chosen[queries[block]], base, min(k, len(part)), device)
            best = np.concatenate([near[block], np.where(place >= 0, part[place], -1)], axis=1)
            value = np.concatenate([similarity[block], np.where(place >= 0, value, -np.inf)], axis=1)
            near[block], similarity[block] = best_first(best, value, k)
        del base  # before the next block is copied
    return near, similarity


def best_first(places: np.ndarray, values: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(q, k) the best of (q, c) places and values; of equal ones the lowest place first."""
    order = np.lexsort((np.where(places >= 0, places, np.iinfo(np.int64).max), -values), axis=1)[:, :k]
    return np.take_along_axis(places, order, 1), np.take_along_axis(values, order, 1)


def _by_faiss(queries: np.ndarray, base: np.ndarray, k: int, device: str) -> tuple[np.ndarray, np.ndarray]:
    return faiss().knn(queries, base, k, metric=faiss().METRIC_INNER_PRODUCT)


@contextmanager
def _all_bits() -> Iterator[None]:
    """Within the block, products of float32 matrices are not rounded to fewer bits."""
    import torch

    products: Any = torch.backends.cuda.matmul
    name, exact = ("fp32_precision", "ieee") if hasattr(products, "fp32_precision") else ("allow_tf32", False)
    allowed = getattr(products, name)
    setattr(products, name, exact)
    try:
        yield
    finally:
        setattr(products, name, allowed)


def _by_torch(queries: np.ndarray, base: np.ndarray, k: int, device: str) -> tuple[np.ndarray, np.ndarray]:
    """The same on a device of torch, in float32, whatever whoever calls allows for a training of its own."""
    import torch

    targets = torch.from_numpy(base).to(device)
    values, places = [], []
    step = max(1, GPU_CELLS // len(base))
    with torch.inference_mode(), torch.autocast(targets.device.type, enabled=False), _all_bits():
        for begin in range(0, len(queries), step):
            block = torch.from_numpy(queries[begin : begin + step]).to(device)
            value, place = torch.topk(block @ targets.T, k, dim=1)
            values.append(value.cpu().numpy())
            places.append(place.cpu().numpy())
    return np.concatenate(values), np.concatenate(places)

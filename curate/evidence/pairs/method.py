"""What a way of finding near-duplicates is: one modality's search, its unit of similarity and its threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence
    from curate.task import Task


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows that are alike, each pair once.

    Attributes:
        left: (p,) int64 positions in the table.
        right: (p,) int64 positions in the table; never equal to `left`.
        similarity: (p,) float32 in [0, 1], 1 for equality, in the unit of the method that found them.
        threshold: least similarity of near-duplicates in this set by the method's own judgement; NaN where no set was
            searched.
    """

    left: np.ndarray
    right: np.ndarray
    similarity: np.ndarray
    threshold: float = float("nan")

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.left)

    @classmethod
    def of(cls, left: np.ndarray, right: np.ndarray, similarity: np.ndarray, threshold: float = float("nan")) -> Pairs:
        """Pairs with the dtypes that were promised."""
        return cls(
            np.asarray(left, dtype=np.int64),
            np.asarray(right, dtype=np.int64),
            np.clip(np.asarray(similarity, dtype=np.float32), 0.0, 1.0),
            float(threshold),
        )

    @classmethod
    def none(cls) -> Pairs:
        """No pairs."""
        return cls.of(np.zeros(0), np.zeros(0), np.zeros(0))

    def where(self, mask: np.ndarray) -> Pairs:
        """Some of the pairs, by an (p,) bool mask."""
        return Pairs(self.left[mask], self.right[mask], self.similarity[mask], self.threshold)


@dataclass(frozen=True)
class Method:
    """How near-duplicates of one modality are found.

    Attributes:
        unit: what the similarity is, for reasons: "<unit> 0.93", e.g. "share of five-letter pieces in common".
        version: raise it when the pairs change; it is part of the key of the cache.
        needs: task -> names of the per-row measures that `find` and `compare` ask for.
        threshold: evidence -> least similarity of near-duplicates where the user names none.
        find: (evidence, rows, least) -> the pairs among `rows` of at least that similarity. `rows` are (m,) int64
            positions of readable rows of distinct content, in an order that does not depend on that of the table.
            Candidates come from an index; never all pairs.
        compare: (evidence, left, right) -> (p,) float32 similarity of any given pairs of rows, the same value that
            `find` gives.
        embeds: whether it uses the embedding, so that its pairs depend on which rows are active.
        parameters: more that the pairs depend on, for the key of the cache.
        kept: whether a pair is so dear to compare that its similarity is kept (`kept_similarity`).
        spent: measures that nothing else asks for, so that they need not be held once the pairs are known.
    """

    unit: str
    version: int
    needs: Callable[[Task], tuple[str, ...]]
    threshold: Callable[[Evidence], float]
    find: Callable[[Evidence, np.ndarray, float], Pairs]
    compare: Callable[[Evidence, np.ndarray, np.ndarray], np.ndarray]
    embeds: bool = False
    parameters: tuple[object, ...] = field(default=())
    spent: tuple[str, ...] = ()
    kept: bool = False


def above(pairs: Pairs, least: float) -> Pairs:
    """The pairs of at least that similarity."""
    return pairs.where(pairs.similarity >= np.float32(least) - np.float32(1e-6))

"""What the heads of all folds say of the rows that they are asked about, and what it comes to for each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from curate.evidence.chunks import LeftArray
from curate.evidence.parts.left import ArrayWriter, opened

Said = np.ndarray | LeftArray
"""(q, K) float32 what a head says of some rows, here or left in the cache."""


@dataclass(frozen=True)
class Answers:
    """What heads say, as it comes.

    Attributes:
        given: of each head, (q,) places of the rows that it was asked about, and what it says of them.
        order: (m,) int64, the row that stands at each of the first places; further ones stand for themselves.
        rows: n.
        classes: K.
    """

    given: Iterable[tuple[np.ndarray, Said]]
    order: np.ndarray
    rows: int
    classes: int

    def all_there(self, writer: ArrayWriter) -> Answers:
        """The same once all heads were asked."""
        given = list(self.given)
        found = all_or_none([found for _, found in given], writer)
        return replace(self, given=list(zip([asked for asked, _ in given], found, strict=True)))

    def mean(self) -> np.ndarray:
        """(n, K) float32 mean of the heads that were asked about each row, 0 where none was."""
        total = np.zeros((self.rows, self.classes), dtype=np.float32)
        heads = np.zeros(len(total), dtype=np.int64)
        for asked, found in self.given:
            total[asked] += opened(found)
            heads[asked] += 1
        total /= np.maximum(heads, 1)[:, None]
        result = np.empty_like(total)
        result[self.order], result[len(self.order) :] = total[: len(self.order)], total[len(self.order) :]
        return result


def all_or_none(found: Sequence[Said], writer: ArrayWriter) -> Sequence[Said]:
    """The same, all of it here where some came back: not all machines may see what the others left."""
    if not any(isinstance(array, np.ndarray) for array in found):
        return found
    writer.came_back.append("answers")
    return [opened(array) for array in found]

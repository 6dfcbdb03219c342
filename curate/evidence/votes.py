"""What the nearest rows of other folds say about a row: a vote of their labels."""

from __future__ import annotations

import numpy as np

from curate.evidence.vector_rows import Rows

MOST_VOTERS = 10_000
"""More rows than this are thinned out to it, so that the cost grows with the rows and not with their square."""
VOTERS = 20
SOFTNESS = 0.05
"""Difference of cosine similarity at which a voter's weight falls to 1/e of the nearest one's."""
BLOCK_BYTES = 16_000_000


def neighbour_votes(vectors: Rows, targets: np.ndarray, voters: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Weighted vote of the nearest voters, mixed with the share of the classes among all voters.

    Args:
        vectors: (n, d) float32, L2-normalised.
        targets: (n, K) float32, one-hot or soft labels.
        voters: (m,) int64 rows that may vote; none of those asked may be among them.
        asked: (q,) int64 rows to vote about.

    Returns:
        (q, K) float32, rows sum to the sum of a target (1 for classes).
    """
    return Voters(vectors, targets, voters).votes(vectors, asked)


class Voters:
    """Rows that vote (see `neighbour_votes`)."""

    def __init__(self, vectors: Rows, targets: np.ndarray, voters: np.ndarray) -> None:
        self._share = targets[voters].mean(0, dtype=np.float64).astype(np.float32)
        if len(voters) > MOST_VOTERS:  # evenly spaced in the order of the rows' hashes: a sample that never changes
            voters = voters[np.linspace(0, len(voters) - 1, MOST_VOTERS).astype(np.int64)]
        self._base, self._labels = vectors[voters], targets[voters]

    def votes(self, vectors: Rows, asked: np.ndarray) -> np.ndarray:
        """(q, K) float32 votes about rows `asked` of `vectors`."""
        base, labels = self._base, self._labels
        result = np.empty((len(asked), labels.shape[1]), dtype=np.float32)
        count = min(VOTERS, len(base))
        step = max(1, BLOCK_BYTES // (4 * max(len(base), count * labels.shape[1])))
        for begin in range(0, len(asked), step):
            similarity = vectors[asked[begin : begin + step]] @ base.T
            best = np.argpartition(similarity, len(base) - count, axis=1)[:, -count:]
            near = np.take_along_axis(similarity, best, 1)
            weight = np.exp((near - near.max(1, keepdims=True)) / SOFTNESS)
            weight /= weight.sum(1, keepdims=True)
            result[begin : begin + step] = np.einsum("qv,qvk->qk", weight, labels[best])
        # The vote counts as half its voters' number of rows, the share of the classes as one row.
        return (result * (0.5 * count) + self._share) / (0.5 * count + 1)

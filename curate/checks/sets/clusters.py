"""Clusters of an embedding by k-means, in a few products of matrices: importing scikit-learn takes longer than them."""

from __future__ import annotations

import numpy as np

from curate.evidence.blas_threads import fitting_threads

ROUNDS = 20


def cluster_centres(vectors: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """Centres by k-means with the greedy start of k-means++, after at most 20 rounds.

    The same to the bit however many cores there are. Source: Arthur, Vassilvitskii, k-means++: the advantages of
    careful seeding, 2007.

    Args:
        vectors: (m, d) float32, m at least `clusters`.
        clusters: k.
        seed: of the start.

    Returns:
        (k, d) float32.
    """
    with fitting_threads(0):
        centres = _start(vectors, clusters, np.random.default_rng(seed))
        before = None
        for _ in range(ROUNDS):
            code = _distances(vectors, centres).argmin(1)
            if before is not None and (code == before).all():
                break
            before = code
            counts = np.bincount(code, minlength=clusters)
            members = np.zeros((clusters, len(vectors)), dtype=np.float32)
            members[code, np.arange(len(vectors))] = 1
            held = counts > 0  # a centre that lost its rows stays where it was
            centres[held] = (members @ vectors)[held] / counts[held, None].astype(np.float32)
    return centres


def _distances(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(m, k) squared distances, less the squared norm of each vector."""
    return np.square(centres).sum(1)[None] - 2 * vectors @ centres.T


def _start(vectors: np.ndarray, clusters: int, rng: np.random.Generator) -> np.ndarray:
    """(k, d) float32 rows far from each other: of a few drawn by their distance the one that leaves least."""
    norms = np.square(vectors).sum(1)
    tries = 2 + int(np.log(clusters))
    chosen = [int(rng.integers(len(vectors)))]
    left = np.maximum(norms + _distances(vectors, vectors[chosen])[:, 0], 0)
    while len(chosen) < clusters:
        reach = np.cumsum(left, dtype=np.float64)
        drawn = np.searchsorted(reach, rng.random(tries) * reach[-1]).clip(max=len(vectors) - 1)
        after = np.minimum(left[:, None], np.maximum(norms[:, None] + _distances(vectors, vectors[drawn]), 0))
        best = int(after.sum(0, dtype=np.float64).argmin())
        chosen.append(int(drawn[best]))
        left = after[:, best]
    return vectors[chosen].astype(np.float32)

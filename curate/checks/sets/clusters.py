"""Clusters of an embedding by k-means."""

from __future__ import annotations

import numpy as np

from curate.evidence.faiss_library import faiss

ROUNDS = 20


def cluster_centres(vectors: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """Centres by the k-means of faiss, which the search of neighbours has loaded already, after at most 20 rounds.

    The same to the bit however many cores there are.

    Args:
        vectors: (m, d) float32, m at least `clusters`.
        clusters: k.
        seed: of the start.

    Returns:
        (k, d) float32.
    """
    from threadpoolctl import threadpool_limits

    if (vectors == vectors[:1]).all():  # faiss would move apart the centres that share a row
        return vectors[:clusters]
    means = faiss().Kmeans(
        vectors.shape[1],
        clusters,
        niter=ROUNDS,
        seed=seed % 2**31,
        init_method=faiss().ClusteringInitMethod_KMEANS_PLUS_PLUS,
        min_points_per_centroid=1,
        max_points_per_centroid=len(vectors),
    )
    # More threads add the distances up in another order from run to run.
    with threadpool_limits(limits=1):
        means.train(np.ascontiguousarray(vectors))
    return np.asarray(means.centroids, dtype=np.float32)

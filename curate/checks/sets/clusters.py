"""Clusters of an embedding by k-means."""

from __future__ import annotations

import warnings

import numpy as np

ROUNDS = 20


def cluster_centres(vectors: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """Centres by scikit-learn's k-means, after at most 20 rounds; the same to the bit however many cores there are.

    Args:
        vectors: (m, d) float32, m at least `clusters`.
        clusters: k.
        seed: of the start.

    Returns:
        (k, d) float32.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    means = KMeans(clusters, n_init="auto", max_iter=ROUNDS, random_state=seed % 2**32)
    # More threads add the distances up in another order from run to run.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters: they share centres
        return means.fit(vectors).cluster_centers_

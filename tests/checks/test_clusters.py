"""Clusters of well separated rows are found, and the same ones each time."""

from __future__ import annotations

import numpy as np

from curate.checks.sets.clusters import cluster_centres


def test_separated_groups_get_a_centre_each() -> None:
    rng = np.random.default_rng(0)
    middles = 10 * np.eye(6, dtype=np.float32)
    vectors = (middles[np.arange(600) % 6] + 0.1 * rng.normal(size=(600, 6))).astype(np.float32)
    for seed in range(5):
        centres = cluster_centres(vectors, 6, seed)
        apart = np.linalg.norm(centres[:, None] - middles[None], axis=2).min(0)
        assert apart.max() < 0.1
        assert np.array_equal(centres, cluster_centres(vectors, 6, seed))


def test_equal_rows_leave_centres_without_members() -> None:
    assert np.array_equal(cluster_centres(np.ones((80, 3), dtype=np.float32), 2, 0), np.ones((2, 3)))

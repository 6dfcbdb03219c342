"""Which of equally near rows are found, and where centres lie, does not hang on how many threads there are."""

import numpy as np
import pytest
import sklearn.neighbors
from threadpoolctl import threadpool_limits

from curate.balance.resampling.nearest import nearest, summed_distances
from curate.balance.resampling.selecting import clustered, times_kept

VALUES = np.rint(2 * np.random.default_rng(0).normal(size=(1500, 20)))
CLASSES = np.arange(1500) % 3 // 2


def by_threads(work):
    """What is made with one thread of OpenMP, and with two."""
    assert sklearn.neighbors
    made = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="openmp"):
            made.append(work())
    return made


def test_nearest_rows(monkeypatch):
    monkeypatch.setattr("curate.engines.local.cores", lambda: 1)  # what is set holds for this thread alone
    one, two = by_threads(lambda: nearest(VALUES, 6))
    np.testing.assert_array_equal(one, two)
    assert (one == np.arange(1500)[:, None]).any(1).all()


def test_nearest_among_some_rows():
    queries, among = np.arange(0, 1500, 2), np.arange(1500)[1::2]
    found = nearest(VALUES, 3, queries, among)
    apart = np.linalg.norm(VALUES[queries][:, None] - VALUES[among], axis=2)
    np.testing.assert_allclose(np.take_along_axis(apart, found, 1), np.sort(apart, axis=1)[:, :3])
    np.testing.assert_allclose(summed_distances(VALUES, 3, queries, among), np.sort(apart, axis=1)[:, :3].sum(1))


@pytest.mark.parametrize(
    "work",
    [
        lambda: next(iter(clustered(VALUES, [(np.arange(1000), 300)], 0)))[0],
        lambda: times_kept("near_miss", {"version": 3}, VALUES, CLASSES, {0: 400}, 0)[0],
    ],
    ids=["centres", "library"],
)
def test_clusters_and_choices(work):
    np.testing.assert_array_equal(*by_threads(work))

"""Methods that choose among the rows there are: which stay, and how many times, by imbalanced-learn's samplers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from curate.balance.resampling import cleaning
from curate.balance.resampling.methods import METHODS
from curate.errors import DataError

TOO_FEW_TO_CHOOSE = "The number of the samples to be selected is larger"


def times_kept(
    method: str,
    settings: Mapping[str, Any],
    values: np.ndarray | None,
    y: np.ndarray,
    target: Mapping[int, int] | Sequence[int] | str,
    seed: int,
) -> tuple[np.ndarray, list[str]]:
    """How many times each row is kept.

    Args:
        method: name of a method that selects.
        settings: parameters of the library's class.
        values: (n, d) matrix; None for methods that look at nothing but the labels.
        y: (n,) int codes 0..C-1, all of which occur.
        target: code -> rows that stay (of random_over: rows to have), or for cleaning methods the codes they touch,
            or the word for them.
        seed: for `random_state`, where the sampler draws.

    Returns:
        (n,) int64 times, 0 for rows that go, and sentences about what could not be done.

    Raises:
        DataError: the library can't choose among these rows.
    """
    cls = METHODS[method].load()
    parameters = cls().get_params()
    aim = dict(target) if isinstance(target, Mapping) else target if isinstance(target, str) else list(target)
    given = {"sampling_strategy": aim, **settings}
    if "random_state" in parameters:
        given["random_state"] = seed
    if values is not None and method in cleaning.OWN and _ours(given):
        try:
            kept = cleaning.rows_kept(method, values, y, given.pop("sampling_strategy"), given)
        except ValueError as error:
            raise DataError(f"resample: {method} can't choose among these rows: {error}") from error
        return np.bincount(kept, minlength=len(y)).astype(np.int64), []
    sampler = cls(**given)
    seen = np.arange(len(y))[:, None] if values is None else values
    notes: list[str] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sampler.fit_resample(seen, y)
    except (ValueError, RuntimeError) as error:
        raise DataError(f"resample: {method} can't choose among these rows: {error}") from error
    for warning in caught:
        if str(warning.message).startswith(TOO_FEW_TO_CHOOSE):
            notes.append(f"resample: {method} found fewer rows that qualify than `to` asks for, and kept those")
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return np.bincount(sampler.sample_indices_, minlength=len(y)).astype(np.int64), list(dict.fromkeys(notes))


def _ours(given: Mapping[str, Any]) -> bool:
    """Whether the method is done here with such settings."""
    return given.get("version") != 3 and given.get("estimator") is None


def hardness_estimator(name: str, seed: int) -> Any:
    """The classifier that judges how hard a row is; None for the library's own, a forest of 100 trees."""
    if name == "random_forest":
        return None
    if name == "logistic":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=1000, random_state=seed)
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=5)


def nearest_to_centroids(values: np.ndarray, y: np.ndarray, target: Mapping[int, int], seed: int) -> np.ndarray:
    """(n,) int64 times each row is kept: of the classes in `target`, the rows nearest to the centres of k-means.

    As imbalanced-learn's `ClusterCentroids(voting="hard")`, which does not tell which rows they are.
    """
    from sklearn.neighbors import NearestNeighbors

    times = np.ones(len(y), dtype=np.int64)
    for code, wanted in target.items():
        own = np.flatnonzero(y == code)
        nearest = NearestNeighbors(n_neighbors=1).fit(values[own])
        chosen = nearest.kneighbors(clustered(values[own], wanted, seed)[0], return_distance=False)[:, 0]
        times[own] = np.bincount(chosen, minlength=len(own))
    return times


def clustered(values: np.ndarray, clusters: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(clusters, d) centres of k-means, and (m,) which of them each row belongs to."""
    from sklearn.cluster import KMeans

    with warnings.catch_warnings():
        # Fewer different rows than clusters: centres then stand on each other, which is what is asked for.
        warnings.filterwarnings("ignore", message="Number of distinct clusters", category=UserWarning)
        found = KMeans(n_clusters=clusters, random_state=seed).fit(values)
    return np.asarray(found.cluster_centers_, dtype=values.dtype), np.asarray(found.labels_, dtype=np.int64)

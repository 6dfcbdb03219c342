"""Methods that choose among the rows there are: which stay, and how many times, by imbalanced-learn's samplers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from curate.balance.resampling import cleaning
from curate.balance.resampling.methods import METHODS
from curate.engines.threads import one_thread_loops
from curate.errors import DataError
from curate.evidence.parts.lying import elsewhere, on_machines

Clustered = tuple[np.ndarray, np.ndarray]
TOO_FEW_TO_CHOOSE = "The number of the samples to be selected is larger"


def times_kept(
    method: str,
    settings: Mapping[str, Any],
    values: Any,
    y: np.ndarray,
    target: Mapping[int, int] | Sequence[int] | str,
    seed: int,
) -> tuple[np.ndarray, list[str]]:
    """How many times each row is kept.

    Args:
        method: name of a method that selects.
        settings: parameters of the library's class.
        values: (n, d) matrix, in memory or where it lies; None for methods that look at nothing but the labels.
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
    seen = np.arange(len(y))[:, None] if values is None else values
    return elsewhere(partial(_by_library, method, cls(**given), y), seen)


def _by_library(method: str, sampler: Any, y: np.ndarray, values: Any) -> tuple[np.ndarray, list[str]]:
    """As `times_kept`, by a sampler of the library."""
    notes: list[str] = []
    try:
        with warnings.catch_warnings(record=True) as caught, one_thread_loops():
            warnings.simplefilter("always")
            sampler.fit_resample(values[:], y)
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


def nearest_to_centroids(values: Any, y: np.ndarray, target: Mapping[int, int], seed: int) -> np.ndarray:
    """(n,) int64 times each row is kept: of the classes in `target`, the rows nearest to the centres of k-means.

    As imbalanced-learn's `ClusterCentroids(voting="hard")`, which does not tell which rows they are.
    """
    times = np.ones(len(y), dtype=np.int64)
    given = [(np.flatnonzero(y == code), wanted) for code, wanted in target.items()]
    for (own, _), chosen in zip(given, on_machines(partial(_nearest_to_centres, seed), values, given), strict=True):
        times[own] = chosen
    return times


def _nearest_to_centres(seed: int, values: Any, given: tuple[np.ndarray, int]) -> np.ndarray:
    """(m,) int64 how many of so many centres each of some rows is the nearest to."""
    from sklearn.neighbors import NearestNeighbors

    rows, wanted = given
    own = values[rows]
    nearest = NearestNeighbors(n_neighbors=1).fit(own)
    centres, _ = _clustered(own, wanted, seed)
    with one_thread_loops():
        chosen = nearest.kneighbors(centres, return_distance=False)[:, 0]
    return np.bincount(chosen, minlength=len(rows))


def clustered(values: Any, given: Sequence[tuple[np.ndarray, int]], seed: int) -> Iterator[Clustered]:
    """The centres of k-means of each of some groups of rows.

    Args:
        values: (n, d) matrix, in memory or where it lies.
        given: of each group its (m,) rows, and how many clusters they fall into.
        seed: of the first centres.

    Returns:
        (clusters, d) centres, and (m,) which of them each row belongs to.
    """
    return on_machines(partial(_of_group, seed), values, given)


def _of_group(seed: int, values: Any, given: tuple[np.ndarray, int]) -> Clustered:
    rows, clusters = given
    return _clustered(values[rows], clusters, seed)


def _clustered(values: np.ndarray, clusters: int, seed: int) -> Clustered:
    from sklearn.cluster import KMeans

    with warnings.catch_warnings(), one_thread_loops():  # more threads add rows up in another order from run to run
        # Fewer different rows than clusters: centres then stand on each other, which is what is asked for.
        warnings.filterwarnings("ignore", message="Number of distinct clusters", category=UserWarning)
        found = KMeans(n_clusters=clusters, random_state=seed).fit(values)
    return np.asarray(found.cluster_centers_, dtype=values.dtype), np.asarray(found.labels_, dtype=np.int64)

"""Filling numbers by regressing each column on the others, round after round."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

MOST_COLUMNS = 200
"""A round fits one regression per column, and what it learned is d numbers for each: d squared numbers a round."""


def learn(rows: np.ndarray, rounds: int) -> dict[str, Any]:
    """The regressions, in the order in which they are used, as JSON values.

    Args:
        rows: (m, d) float64 training rows, NaN where missing.
        rounds: most rounds.

    Returns:
        ``start``: d means (0 where no row has the number); ``models``: of each regression its column, the d - 1 factors
        of the other columns and its constant; ``converged``: whether the last round changed nothing much.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401  makes the next import possible
    from sklearn.impute import IterativeImputer

    if not len(rows) or not rows.shape[1]:
        return {"start": [0.0] * rows.shape[1], "models": [], "converged": True}
    imputer: Any = IterativeImputer(max_iter=rounds, keep_empty_features=True, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        imputer.fit(rows)
    start = np.nan_to_num(imputer.initial_imputer_.statistics_)
    models = [
        {
            "column": int(one.feat_idx),
            "factors": one.estimator.coef_.tolist(),
            "constant": float(one.estimator.intercept_),
        }
        for one in imputer.imputation_sequence_
    ]
    late = any(issubclass(one.category, ConvergenceWarning) for one in caught)
    return {"start": start.tolist(), "models": models, "converged": not late}


def filled(matrix: np.ndarray, learned: dict[str, Any]) -> np.ndarray:
    """(n, d) float64 without gaps; what a row gets depends on no other row.

    Args:
        matrix: (n, d) float64, NaN where missing.
        learned: what `learn` gave.
    """
    missing = np.isnan(matrix)
    result = np.where(missing, np.asarray(learned["start"], dtype=np.float64), matrix)
    for model in learned["models"]:
        column = model["column"]
        rows = np.flatnonzero(missing[:, column])
        others = np.delete(result[rows], column, axis=1)
        # Summed row by row: a matrix product would round by the number of rows.
        result[rows, column] = (others * np.asarray(model["factors"])).sum(1) + model["constant"]
    return result

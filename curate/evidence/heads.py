"""Fast heads on an embedding: multinomial, independent-label and linear regression, in float32."""

from __future__ import annotations

from typing import Literal

import numpy as np

Link = Literal["softmax", "sigmoid"]
FLOOR = 1e-9


def softmax(logits: np.ndarray) -> np.ndarray:
    """(n, K) logits -> (n, K) probabilities of the same dtype."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    raised /= raised.sum(1, keepdims=True)
    return raised


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """(n, K) logits -> (n, K) probabilities, each of its own."""
    return 0.5 * (1 + np.tanh(0.5 * logits))


def design(vectors: np.ndarray, learn: np.ndarray) -> np.ndarray:
    """Inputs of a head: centred on the rows to learn from, brought to unit scale, with a column of ones.

    Args:
        vectors: (n, d) float32, NaN in rows without a vector (they become zero).
        learn: (n,) bool.

    Returns:
        (n, d + 1) float32.
    """
    centred = np.nan_to_num(vectors - vectors[learn].mean(0), nan=0.0)
    spread = float(np.sqrt(np.mean(np.sum(centred[learn] ** 2, axis=1))))
    centred *= np.float32(np.sqrt(centred.shape[1]) / max(spread, 1e-3))
    return np.concatenate([centred, np.ones((len(centred), 1), dtype=np.float32)], axis=1)


def fit_logistic(
    inputs: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    ridge: float,
    *,
    link: Link = "softmax",
    start: np.ndarray | None = None,
    iterations: int = 30,
) -> np.ndarray:
    """Logistic regression by L-BFGS on float32 products.

    Several times faster than scikit-learn's `LogisticRegression`, which works in float64, and it takes soft targets.
    Rows to leave out get the weight 0, so that no fold copies the inputs.

    Args:
        inputs: (n, d) float32 from `design`.
        targets: (n, K) float32, one-hot or soft.
        weights: (n,) float32, at least one above 0.
        ridge: strength of the squared norm of the coefficients, relative to the mean loss of a row.
        link: ``softmax`` for classes that exclude each other, ``sigmoid`` for labels that don't.
        start: (d, K) coefficients to start from.
        iterations: of L-BFGS.

    Returns:
        (d, K) float32 coefficients.
    """
    from scipy.optimize import minimize

    shape = (inputs.shape[1], targets.shape[1])
    share = (weights / weights.sum(dtype=np.float64))[:, None].astype(np.float32)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        coefficients = flat.astype(np.float32).reshape(shape)
        logits = inputs @ coefficients
        if link == "softmax":
            logits -= logits.max(1, keepdims=True)
            wrong = np.exp(logits)
            total = wrong.sum(1, keepdims=True)
            wrong /= total
            value = -np.einsum("ij,ij->", share * targets, logits - np.log(total), dtype=np.float64)
        else:
            value = np.einsum("ij,ij->", share.repeat(shape[1], 1), np.logaddexp(0, logits) - targets * logits)
            wrong = sigmoid(logits)
        wrong -= targets
        wrong *= share
        gradient = inputs.T @ wrong + ridge * coefficients
        value = float(value) + 0.5 * ridge * float(np.square(flat).sum())
        return value, gradient.ravel().astype(np.float64)

    origin = np.zeros(shape[0] * shape[1]) if start is None else start.ravel().astype(np.float64)
    options = {"maxiter": iterations, "maxcor": 10, "gtol": 1e-5, "ftol": 1e-7}
    best = minimize(loss, origin, jac=True, method="L-BFGS-B", options=options).x
    return best.astype(np.float32).reshape(shape)


def fit_linear(inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray, ridges: np.ndarray) -> np.ndarray:
    """Ridge regression for several strengths at once.

    Args:
        inputs: (n, d) float32 from `design`, the last column ones (it is not shrunk).
        targets: (n,) float64.
        weights: (n,) float32, 0 for rows to leave out.
        ridges: (r,) strengths, relative to the mean square of the inputs.

    Returns:
        (d, r) float64 coefficients.
    """
    share = (weights / weights.sum(dtype=np.float64)).astype(np.float32)
    middle = float(share @ targets)
    centre = share @ inputs[:, :-1]
    gram = (inputs[:, :-1] * share[:, None]).T @ inputs[:, :-1] - np.outer(centre, centre)
    right = inputs[:, :-1].T @ (share * (targets - middle)).astype(np.float32)
    values, axes = np.linalg.eigh(gram.astype(np.float64))
    shrunk = (axes.T @ right)[:, None] / (np.maximum(values, 0)[:, None] + ridges[None])
    slopes = axes @ shrunk
    return np.concatenate([slopes, middle - centre[None] @ slopes])

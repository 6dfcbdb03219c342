"""Fast linear heads on an embedding: multinomial and binary logistic regression, and ridge regression."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """(n, K) logits -> (n, K) probabilities of the same dtype."""
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def fit_softmax(
    inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray, ridge: float, iterations: int = 60
) -> np.ndarray:
    """Multinomial logistic regression by L-BFGS in float32, several times faster than scikit-learn's in float64.

    Args:
        inputs: (n, d) float32; give it a column of ones for the bias.
        targets: (n, K) float32, one-hot or soft.
        weights: (n,) float32 row weights with mean 1.
        ridge: weight of the squared norm of the coefficients, per row.
        iterations: of L-BFGS.

    Returns:
        (d, K) float32 coefficients.
    """
    from scipy.optimize import minimize

    d, classes = inputs.shape[1], targets.shape[1]
    share = (weights / weights.sum())[:, None].astype(np.float32)
    transposed = np.ascontiguousarray(inputs.T)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        coefficients = flat.astype(np.float32).reshape(d, classes)
        logits = inputs @ coefficients
        logits -= logits.max(1, keepdims=True)
        raised = np.exp(logits)
        total = raised.sum(1, keepdims=True)
        value = -float((share * targets * (logits - np.log(total))).sum(dtype=np.float64))
        raised /= total
        raised -= targets
        raised *= share
        gradient = transposed @ raised + ridge * coefficients
        value += 0.5 * ridge * float((coefficients.astype(np.float64) ** 2).sum())
        return value, gradient.ravel().astype(np.float64)

    start = np.zeros(d * classes)
    options = {"maxiter": iterations, "maxcor": 10, "gtol": 1e-5, "ftol": 1e-7}
    return minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x.astype(np.float32).reshape(d, classes)

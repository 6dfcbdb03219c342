"""Fast heads on an embedding: multinomial, independent-label and linear regression, in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, TypeVar

import numpy as np

from curate.engines.local import cores, ordered_map
from curate.evidence.blas_threads import fitting_threads
from curate.evidence.vector_rows import Rows, finite_rows

Made = TypeVar("Made")
Link = Literal["softmax", "sigmoid"]
FLOOR = 1e-9
BLOCK_NUMBERS = 8_000_000
FIT_NUMBERS = 2_000_000
"""Of a block of rows that a thread goes through while a head is fitted."""
FEW_NUMBERS = 8_000_000
"""Of all rows, up to which one thread is done before others would have begun."""
MOST_THREADS = 8
SMALL_CELLS, SMALL_PRODUCT = 640, 900_000
"""Numbers of a product, and multiplications in it, up to which OpenBLAS goes over the rows as they lie. Beyond, it
copies them first, which takes several times as long as the product itself where classes are few."""
LEAST_STEP = 24
"""Rows in one product below which calls cost more than copies."""
MOST_PIECES = 64
"""Pieces of rows that are gone through one by one; more cost more than the rows between them."""


def softmax(logits: np.ndarray) -> np.ndarray:
    """(n, K) logits -> (n, K) probabilities of the same dtype."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    raised /= raised.sum(1, keepdims=True)
    return raised


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """(n, K) logits -> (n, K) probabilities, each of its own."""
    return 0.5 * (1 + np.tanh(0.5 * logits))


def blocks(rows: int, width: int, numbers: int = BLOCK_NUMBERS) -> Iterator[slice]:
    """Rows a few at a time, so that a block has about so many numbers; of a row `width`."""
    step = max(numbers // 2_000, numbers // max(1, width))
    return (slice(begin, min(begin + step, rows)) for begin in range(0, rows, step))


def design(vectors: Rows, learn: np.ndarray) -> np.ndarray:
    """Inputs of a head: centred on the rows to learn from, brought to unit scale, with a column of ones.

    Args:
        vectors: (n, d) float32, NaN in rows without a vector (they become zero).
        learn: (n,) bool.

    Returns:
        (n, d + 1) float32.

    Peak memory: the result, and some blocks of 32 MB.
    """
    return scaled(vectors, *scale(vectors, learn))


def scale(vectors: Rows, learn: np.ndarray) -> tuple[np.ndarray, np.float32]:
    """(d,) float32 middle of the rows to learn from, and the factor that brings them to unit scale."""
    n, width = vectors.shape
    total, square, count = np.zeros(width), 0.0, max(int(learn.sum()), 1)
    for rows in blocks(n, width):
        total += _only(vectors[rows], learn[rows]).sum(0, dtype=np.float64)
    middle = (total / count).astype(np.float32)
    for rows in blocks(n, width):
        apart = _only(vectors[rows], learn[rows]) - middle
        square += float(np.einsum("ij,ij->i", apart, apart).sum(dtype=np.float64))
    return middle, np.float32(np.sqrt(width) / max(np.sqrt(square / count), 1e-3))


def _only(block: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The chosen rows of a block, not copied where they are all."""
    return block if chosen.all() else block[chosen]


def scaled(vectors: Rows, middle: np.ndarray, factor: np.float32) -> np.ndarray:
    """(n, d + 1) float32 inputs by what `scale` found."""
    n, width = vectors.shape
    inputs = np.ones((n, width + 1), dtype=np.float32)
    for rows in blocks(n, width):
        block = vectors[rows]
        inputs[rows, :-1] = block
        inputs[rows, :-1] -= middle
        inputs[rows, :-1] *= factor
        inputs[rows.start : rows.stop][~finite_rows(block), :-1] = 0
    return inputs


def in_row_space(inputs: np.ndarray) -> np.ndarray:
    """(n, d + 1) inputs of which n is smaller -> (n, r + 1) float32 turned into the space that the rows span.

    Linear heads of a squared norm say the same of both, and cost by their width.
    """
    body = inputs[:, :-1]
    values, axes = np.linalg.eigh((body @ body.T).astype(np.float64))
    spanned = values > 1e-7 * max(float(values[-1]), 1e-30)
    turned = (axes[:, spanned] * np.sqrt(values[spanned])).astype(np.float32)
    return np.concatenate([turned, inputs[:, -1:]], axis=1)


def linear(inputs: np.ndarray, rows: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """(m, K) products of some rows with (d, K) coefficients; the rows are copied block by block."""
    result = np.empty((len(rows), coefficients.shape[1]), dtype=np.result_type(inputs, coefficients))
    for block in blocks(len(rows), inputs.shape[1]):
        result[block] = inputs[rows[block]] @ coefficients
    return result


def spans(rows: np.ndarray, width: int, numbers: int = BLOCK_NUMBERS) -> list[slice]:
    """(n,) bool rows as slices of about so many numbers; where they are torn into many pieces, slices of all rows."""
    edges = np.flatnonzero(np.diff(rows, prepend=False, append=False))
    pieces = [slice(0, len(rows))] if len(edges) > 2 * MOST_PIECES else [slice(*pair) for pair in edges.reshape(-1, 2)]
    return [
        slice(piece.start + part.start, piece.start + part.stop)
        for piece in pieces
        for part in blocks(piece.stop - piece.start, width, numbers)
    ]


def by_class(coefficients: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """(K, n) products of (K, d) coefficients with (n, d) inputs."""
    products = np.empty((len(coefficients), len(inputs)), dtype=np.result_type(coefficients, inputs))
    for rows in _small(len(coefficients), *inputs.shape):
        np.matmul(coefficients, inputs[rows].T, out=products[:, rows])
    return products


def summed_by_class(weights: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """(K, d) sums of (n, d) inputs, each times its (K, n) weights."""
    total = np.zeros((len(weights), inputs.shape[1]), dtype=np.result_type(weights, inputs))
    for rows in _small(len(weights), *inputs.shape):
        total += weights[:, rows] @ inputs[rows]
    return total


def _small(classes: int, rows: int, width: int) -> Iterator[slice]:
    """Rows a few at a time, so few that nothing is copied; all at once where that would be a handful."""
    step = min(SMALL_CELLS // classes, SMALL_PRODUCT // (classes * width))
    step = step if step >= LEAST_STEP else max(rows, 1)
    return (slice(begin, min(begin + step, rows)) for begin in range(0, rows, step))


def each_block(work: Callable[[slice], Made], parts: list[slice]) -> Iterator[Made]:
    """`work` of blocks of rows, in their order, in threads where they are several."""
    return ordered_map(work, parts, min(len(parts), cores(), MOST_THREADS) or 1)


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
    Rows to leave out get the weight 0, so that no fold copies the inputs; where they lie together they cost nothing.

    Args:
        inputs: (n, d) float32 from `design`.
        targets: (n, K) float32, one-hot or soft; read fastest in Fortran's order.
        weights: (n,) float32, at least one above 0.
        ridge: strength of the squared norm of the coefficients, relative to the mean loss of a row.
        link: ``softmax`` for classes that exclude each other, ``sigmoid`` for labels that don't.
        start: (d, K) coefficients to start from.
        iterations: of L-BFGS.

    Returns:
        (d, K) float32 coefficients.

    Peak memory: four blocks of 8 MB per thread, and 28 arrays of coefficients.
    """
    from scipy.optimize import minimize

    width, classes = inputs.shape[1], targets.shape[1]
    share = (weights / weights.sum(dtype=np.float64)).astype(np.float32)
    parts = spans(weights > 0, width + classes, FIT_NUMBERS)
    passed = map if inputs.size <= FEW_NUMBERS else each_block

    # Classes by rows: what is summed over few classes lies together.
    def part(coefficients: np.ndarray, rows: slice) -> tuple[float, np.ndarray]:
        logits, aim, counts = by_class(coefficients, inputs[rows]), targets[rows].T, share[rows]
        if link == "softmax":
            logits -= logits.max(0)
            wrong = np.exp(logits)
            total = wrong.sum(0)
            wrong /= total
            logits -= np.log(total)
            logits *= aim
            value = -np.einsum("j,ij->", counts, logits, dtype=np.float64)
        else:
            value = np.einsum("j,ij->", counts, np.logaddexp(0, logits) - aim * logits, dtype=np.float64)
            wrong = sigmoid(logits)
        wrong -= aim
        wrong *= counts
        return float(value), summed_by_class(wrong, inputs[rows])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        coefficients = flat.astype(np.float32).reshape(classes, width)
        value, gradient = 0.0, np.zeros((classes, width), dtype=np.float32)
        for more, slope in passed(partial(part, coefficients), parts):
            value += more
            gradient += slope
        gradient += np.float32(ridge) * coefficients
        value += 0.5 * ridge * float(np.einsum("ij,ij->", coefficients, coefficients, dtype=np.float64))
        return value, gradient.ravel().astype(np.float64)

    origin = np.zeros(classes * width) if start is None else start.T.ravel().astype(np.float64)
    options = {"maxiter": iterations, "maxcor": 10, "gtol": 1e-5, "ftol": 1e-7}
    with fitting_threads():
        best = minimize(loss, origin, jac=True, method="L-BFGS-B", options=options).x
    return np.ascontiguousarray(best.astype(np.float32).reshape(classes, width).T)


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
    gram = -np.outer(centre, centre)
    for rows in blocks(len(inputs), inputs.shape[1]):
        gram += (inputs[rows, :-1] * share[rows, None]).T @ inputs[rows, :-1]
    right = inputs[:, :-1].T @ (share * (targets - middle)).astype(np.float32)
    values, axes = np.linalg.eigh(gram.astype(np.float64))
    shrunk = (axes.T @ right)[:, None] / (np.maximum(values, 0)[:, None] + ridges[None])
    slopes = axes @ shrunk
    return np.concatenate([slopes, middle - centre[None] @ slopes])

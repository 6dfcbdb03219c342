"""The way from the true to the given label, fitted together with how much each head is to be believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from curate.evidence.heads import FLOOR, softmax
from curate.evidence.noise_matrix import NoiseMatrix, confident_joint, normalised

BIAS_ROWS = 10.0
"""Rows' worth of belief that a class has the share of the probabilities that the heads give it."""
EXPONENT_SUM = 2.0
"""What the exponents are believed to sum to. A head that was fitted on noisy labels gives the noise back as doubt, and
where content decides the class the labels alone cannot tell the two apart: that rare wrong labels are wrong, and not
the content ambiguous, has to be believed beforehand."""
EXPONENT_ROWS = 30.0
"""Rows' worth of belief that all heads count the same, and in sum `EXPONENT_SUM`."""
ROUNDS = 25
STARTS = (1.0, 4.0)
"""Sums of the exponents to start from. Heads that have learned the noise itself explain it without any; whether it is
likelier that they hedge shows only from sharp ones."""
CHOICES = (8, 16)
"""Rounds in which the belief about where wrong labels go is chosen anew."""
LONGEST_STEP = 0.3
"""Most that an exponent moves in one round: the noise follows a round behind."""
MOST_CELLS = 20_000_000
"""Rows times classes times heads above which the fit sees an even sample of the rows."""
BLOCK_CELLS = 5_000_000
"""Rows times classes that posteriors are computed of at a time."""


@dataclass(frozen=True)
class Channel:
    """What the given labels say once the way from the true to the given label is modelled.

    Attributes:
        noise: counts of given and true labels of the rows that it was fitted on, and what is believed beside them.
        exponents: (M,) float64 >= 0, one per head; in sum above 1 sharper than the heads: those that were fitted on
            noisy labels hedge.
        bias: (K,) float64, added to the logarithm after that: heads and votes give rare classes less than their share.
    """

    noise: NoiseMatrix
    exponents: np.ndarray
    bias: np.ndarray

    @property
    def joint(self) -> np.ndarray:
        """(K, K) float64, given label (row) and true label (column), sums to 1."""
        return self.noise.counts / self.noise.counts.sum()

    def calibrated(self, *heads: np.ndarray) -> np.ndarray:
        """(m, K) float32 probabilities: those of the heads to the power of their exponents, shifted by the bias."""
        return _in_blocks(lambda rows: self._pool([head[rows] for head in heads]), heads[0].shape)

    def posterior(self, codes: np.ndarray, *heads: np.ndarray, fitted: bool) -> np.ndarray:
        """(m, K) float32 probability of each true class, given the heads and the (m,) given labels.

        Args:
            codes: (m,) int64.
            heads: M arrays (m, K).
            fitted: whether the channel was fitted on these rows, so that what each of them added to the noise is to be
                taken off again.
        """

        def block(rows: slice) -> np.ndarray:
            p, given = self._pool([head[rows] for head in heads]), codes[rows]
            posterior = normalised(self.noise.joint_with(p, given))[0]
            for _ in range(3 if fitted else 0):
                posterior = normalised(self.noise.joint_without(posterior, p, given))[0]
            return posterior

        return _in_blocks(block, heads[0].shape)

    def _pool(self, heads: Sequence[np.ndarray]) -> np.ndarray:
        return softmax(_pooled([_logarithm(head) for head in heads], self.exponents, self.bias))


def fit_channel(heads: Sequence[np.ndarray], codes: np.ndarray) -> Channel:
    """Fit P(given | true), the exponents of the heads and class biases to the given labels.

    With p(k | x) ~ exp(c(k)) prod_m p_m(k | x)^b(m), a logarithmic opinion pool, the posterior of the true class is
    r(k) ~ p(k | x) T(given | k). T starts from cleanlab's `estimate_joint` (Northcutt, Jiang, Chuang: Confident
    Learning, 2021) and is refined by expectation maximisation, each row's r by the T of the other rows. In the same
    rounds b takes a Newton step towards the likeliest given labels, seen through T, and c moves until each class has as
    much mass in the probabilities as in the posterior (iterative scaling).

    The likelier result of two starts is taken.

    Args:
        heads: M arrays (n, K) of out-of-sample probabilities, rows sum to 1.
        codes: (n,) int64 given labels, all known.
    """
    n, classes = heads[0].shape
    most = max(1000, MOST_CELLS // (classes * len(heads)))
    # Evenly spaced in the order of the rows' hashes: a random sample that never changes.
    chosen = slice(None) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)
    logs, codes = [_logarithm(head[chosen]) for head in heads], codes[chosen]
    return max((_maximised(logs, codes, start) for start in STARTS), key=lambda found: found[1])[0]


def _maximised(logs: Sequence[np.ndarray], codes: np.ndarray, start: float) -> tuple[Channel, float]:
    """The channel after `ROUNDS` rounds from exponents that sum to `start`, and the labels' mean log-likelihood."""
    classes = logs[0].shape[1]
    even = np.full(len(logs), 1.0 / len(logs))
    exponents, bias, likelihood = even * start, np.zeros(classes), -np.inf
    count = _counter(codes, classes)
    p = softmax(_pooled(logs, exponents, bias))
    noise = NoiseMatrix.started(confident_joint(p, codes, classes) * len(codes))
    posterior = normalised(noise.joint_with(p, codes))[0]
    for done in range(ROUNDS):
        noise = replace(noise, counts=count(posterior))
        if done in CHOICES:
            noise = noise.with_likeliest_belief(posterior, p, codes)
        bias += np.log((posterior.sum(0) + BIAS_ROWS) / (p.sum(0) + BIAS_ROWS))
        exponents = np.maximum(exponents + _newton_step(logs, p, posterior, exponents - EXPONENT_SUM * even), 0.0)
        p = softmax(_pooled(logs, exponents, bias))
        posterior, likelihood = normalised(noise.joint_without(posterior, p, codes))
    return Channel(replace(noise, counts=count(posterior)), exponents, bias), likelihood


def _logarithm(head: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(head, np.float32(FLOOR), dtype=np.float32))


def _pooled(logs: Sequence[np.ndarray], exponents: np.ndarray, bias: np.ndarray) -> np.ndarray:
    total = logs[0] * np.float32(exponents[0])
    for log, exponent in zip(logs[1:], exponents[1:], strict=True):
        total += log * np.float32(exponent)
    total += bias.astype(np.float32)
    return total


def _newton_step(logs: Sequence[np.ndarray], p: np.ndarray, posterior: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """(M,) step of the exponents towards the likeliest posterior; `moved` is how far they are from their prior."""
    difference = posterior - p
    slope = np.array([np.einsum("ij,ij->", difference, log, dtype=np.float64) for log in logs])
    means = [np.einsum("ij,ij->i", p, log) for log in logs]
    curve = np.empty((len(logs), len(logs)))
    for a, one in enumerate(logs):
        weighted = p * one
        for b in range(a, len(logs)):
            product = np.einsum("ij,ij->", weighted, logs[b], dtype=np.float64)
            curve[a, b] = curve[b, a] = product - np.einsum("i,i->", means[a], means[b], dtype=np.float64)
    strength = EXPONENT_ROWS * max(1.0, float(np.trace(curve)) / (len(logs) * len(p)))
    step = np.linalg.solve(curve + strength * np.eye(len(logs)), slope - strength * moved)
    return np.clip(step, -LONGEST_STEP, LONGEST_STEP)


def _counter(codes: np.ndarray, classes: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from (n, K) posteriors to their (K, K) sums over the rows of each given label."""
    given = np.zeros((classes, len(codes)), dtype=np.float32)
    given[codes, np.arange(len(codes))] = 1
    return lambda posterior: (given @ posterior).astype(np.float64)


def _in_blocks(block: Callable[[slice], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    result = np.empty(shape, dtype=np.float32)
    step = max(1, BLOCK_CELLS // max(shape[1], 1))
    for begin in range(0, shape[0], step):
        rows = slice(begin, begin + step)
        result[rows] = block(rows)
    return result

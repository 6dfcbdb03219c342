"""The way from the true to the given label, fitted together with how much each head is to be believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from curate.evidence.channel_fit import logarithm, maximised, pooled
from curate.evidence.noise_matrix import NoiseMatrix, normalised

STARTS = (1.0, 4.0)
"""Sums of the exponents to start from. Heads that have learned the noise itself explain it without any; whether it is
likelier that they hedge shows only from sharp ones."""
MOST_CELLS = 20_000_000
"""Rows times classes times heads above which the fit sees an even sample of the rows."""
BLOCK_CELLS = 131_072
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
        return pooled([logarithm(head) for head in heads], self.exponents, self.bias)


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
    found = maximised([head[chosen] for head in heads], codes[chosen], STARTS)
    return Channel(found.noise, found.exponents, found.bias)


def _in_blocks(block: Callable[[slice], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    result = np.empty(shape, dtype=np.float32)
    step = max(1, BLOCK_CELLS // max(shape[1], 1))
    for begin in range(0, shape[0], step):
        rows = slice(begin, begin + step)
        result[rows] = block(rows)
    return result

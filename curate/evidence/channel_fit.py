"""Rounds of expectation maximisation that fit a channel, block by block of rows.

What is made of a block stays in the processor's cache, and columns of it lie together, so that sums over few classes
cost no more than those over many.
"""

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
CHOICES = (8, 16)
"""Rounds in which the belief about where wrong labels go is chosen anew."""
LONGEST_STEP = 0.3
"""Most that an exponent moves in one round: the noise follows a round behind."""
BLOCK_CELLS = 65_536
"""Rows times classes of a block."""


@dataclass(frozen=True)
class Fitted:
    """What the rounds came to.

    Attributes:
        noise: counts of given and true labels, and what is believed beside them.
        exponents: (M,) float64 >= 0, one per head.
        bias: (K,) float64.
        likelihood: sum of the logarithms of the given labels' probabilities.
    """

    noise: NoiseMatrix
    exponents: np.ndarray
    bias: np.ndarray
    likelihood: float


@dataclass
class Block:
    """Some rows.

    Attributes:
        logs: M arrays (r, K) float32 in Fortran's order, logarithms of the heads' probabilities.
        codes: (r,) given labels.
        given: (g,) the labels that are given here.
        indicator: (g, r) float32, 1 for the row's label.
        p: (r, K) float32 pooled probabilities.
        posterior: (r, K) float32 of the true label.
    """

    logs: list[np.ndarray]
    codes: np.ndarray
    given: np.ndarray
    indicator: np.ndarray
    p: np.ndarray
    posterior: np.ndarray

    @classmethod
    def of(cls, heads: Sequence[np.ndarray], codes: np.ndarray) -> Block:
        """Rows about which the M heads say so, (r, K) each, with these given labels."""
        logs = [logarithm(head) for head in heads]
        given = np.unique(codes)
        return cls(logs, codes, given, (given[:, None] == codes).astype(np.float32), logs[0], logs[0])

    @property
    def seen(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Arguments of `NoiseMatrix.joint_without`."""
        return self.posterior, self.p, self.codes

    def pool(self, exponents: np.ndarray, bias: np.ndarray) -> None:
        """Make `p`."""
        self.p = pooled(self.logs, exponents, bias)


class Sums:
    """What a round needs of all rows.

    Attributes:
        counts: (K, K) posteriors of the rows of each given label.
        masses: (2, K), of the posteriors and of the probabilities.
        slope: (M,) of the labels' log-likelihood by the exponents.
        curve: (M, M) of it.
    """

    def __init__(self, heads: int, classes: int) -> None:
        self.counts, self.masses = np.zeros((classes, classes)), np.zeros((2, classes))
        self.slope, self.curve = np.zeros(heads), np.zeros((heads, heads))

    def add(self, block: Block) -> None:
        """Those of a block."""
        p, posterior, logs = block.p, block.posterior, block.logs
        self.counts[block.given] += block.indicator @ posterior
        self.masses += posterior.sum(0), p.sum(0)
        difference = posterior - p
        means = [np.einsum("ij,ij->i", p, log) for log in logs]
        for a, one in enumerate(logs):
            self.slope[a] += np.einsum("ij,ij->i", difference, one).sum(dtype=np.float64)
            weighted = p * one
            for b in range(a, len(logs)):
                product = np.einsum("ij,ij->i", weighted, logs[b]) - means[a] * means[b]
                self.curve[a, b] += product.sum(dtype=np.float64)
                self.curve[b, a] = self.curve[a, b]


def maximised(heads: Sequence[np.ndarray], codes: np.ndarray, starts: Sequence[float]) -> Fitted:
    """The likeliest of what the rounds come to from exponents that sum to each of `starts`.

    Args:
        heads: M arrays (n, K) of probabilities, rows sum to 1.
        codes: (n,) int64 given labels, all known.
        starts: sums of the exponents.
    """
    step = max(1, BLOCK_CELLS // heads[0].shape[1])
    by_label = np.argsort(codes, kind="stable")  # a block has few labels, then
    parts = [by_label[begin : begin + step] for begin in range(0, len(codes), step)]
    blocks = [Block.of([head[rows] for head in heads], codes[rows]) for rows in parts]
    return max((_from(blocks, start) for start in starts), key=lambda found: found.likelihood)


def _from(blocks: Sequence[Block], start: float) -> Fitted:
    heads, classes = len(blocks[0].logs), blocks[0].logs[0].shape[1]
    codes = np.concatenate([block.codes for block in blocks])
    even = np.full(heads, 1.0 / heads)
    exponents, bias, likelihood = even * start, np.zeros(classes), -np.inf
    for block in blocks:
        block.pool(exponents, bias)
    joint = confident_joint(np.concatenate([block.p for block in blocks]), codes, classes)
    noise = NoiseMatrix.started(joint * len(codes))
    sums, _ = _swept(blocks, lambda block: noise.joint_with(block.p, block.codes))
    for done in range(ROUNDS):
        noise = replace(noise, counts=sums.counts)
        if done in CHOICES:
            noise = noise.with_likeliest_belief([block.seen for block in blocks])
        bias += np.log((sums.masses[0] + BIAS_ROWS) / (sums.masses[1] + BIAS_ROWS))
        exponents = np.maximum(exponents + _newton_step(sums, len(codes), exponents - EXPONENT_SUM * even), 0.0)
        sums, likelihood = _swept(blocks, _renewing(noise, exponents, bias))
    return Fitted(replace(noise, counts=sums.counts), exponents, bias, likelihood)


def _renewing(noise: NoiseMatrix, exponents: np.ndarray, bias: np.ndarray) -> Callable[[Block], np.ndarray]:
    def renewed(block: Block) -> np.ndarray:
        block.pool(exponents, bias)
        return noise.joint_without(*block.seen)

    return renewed


def _swept(blocks: Sequence[Block], joint: Callable[[Block], np.ndarray]) -> tuple[Sums, float]:
    """Give all blocks the posterior of a joint distribution; what they then sum to, and their log-likelihood."""
    sums, likelihood = Sums(len(blocks[0].logs), blocks[0].logs[0].shape[1]), 0.0
    for block in blocks:
        block.posterior, more = normalised(joint(block))
        likelihood += more
        sums.add(block)
    return sums, likelihood


def logarithm(head: np.ndarray) -> np.ndarray:
    """(n, K) float32 in Fortran's order, logarithms of probabilities."""
    return np.log(np.maximum(head, np.float32(FLOOR), dtype=np.float32, order="F"))


def pooled(logs: Sequence[np.ndarray], exponents: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """(n, K) float32 probabilities: those of the heads to the power of their exponents, shifted by the bias."""
    total = logs[0] * np.float32(exponents[0])
    for log, exponent in zip(logs[1:], exponents[1:], strict=True):
        total += log * np.float32(exponent)
    total += bias.astype(np.float32)
    return softmax(total)


def _newton_step(sums: Sums, rows: int, moved: np.ndarray) -> np.ndarray:
    """(M,) step of the exponents towards the likeliest posterior; `moved` is how far they are from their prior."""
    heads = len(moved)
    strength = EXPONENT_ROWS * max(1.0, float(np.trace(sums.curve)) / (heads * rows))
    step = np.linalg.solve(sums.curve + strength * np.eye(heads), sums.slope - strength * moved)
    return np.clip(step, -LONGEST_STEP, LONGEST_STEP)

"""Comparing prints of pictures: candidates by low frequencies, then the correlation of the aligned pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from curate.engines.local import ordered_map
from curate.engines.threads import one_thread_pictures, one_thread_products
from curate.evidence.pairs import _nearest
from curate.evidence.pairs._likeness import COARSE_SHARE, FINE_SHARE, NOISE, likeness
from curate.evidence.pairs._prints import SMALL_PX, blurred, crops, described_crops, level, mirrored, shrunk
from curate.evidence.pairs._registration import correlation, refined, warped
from curate.evidence.pairs._sent import is_sent, sent_similarity

MIDDLE_PX = 32
DESCRIBED = 512
"""Pictures that are described at once."""
CHUNK, CHUNK_FULL = 256, 64
"""Pairs that are compared at once, and at the full side: what is made of them stays near the processor."""
SENT_PAIRS = 8 * CHUNK
"""Pairs that one machine of an engine compares at a time: about a second's work."""
CANDIDATES = 16
"""Rows that one row may ask for as its candidates."""
LEAST_COSINE = 0.7
"""Of the descriptors of candidates: of 900 crops to 90 % of photographs 97 % reach it."""
LEAST_OF_UNRELATED = 0.4
"""Cosine under which pairs that were drawn at random are taken to be 0 alike: they are never among the likest."""
WAYS = 5
"""Ways to lay one picture onto the other (crops, mirrored or not) that are tried."""
STEPS = (1, 3, 2, 3)
"""Steps of the registration at 16 pixels in each way and in the best one, at 32 pixels, and at the full side."""
MORE_STEPS, ALIGNED = 7, 0.97
"""Pairs that correlate less than the latter at the full side may not lie well yet, and take more steps."""
GATES = (0.5, 0.55, 0.6, 0.5, 0.6)
"""Pairs that correlate less than that after the steps at 16 pixels, and before and after those at 32 pixels and at the
full side, are given up: no pair of copies of 1,116 pictures, edited in six ways, that would be found is. The least such
pair has 0.66, 0.73, 0.73, 0.70 and 0.71. Of candidates that are no copies half fail the first and nine tenths the
third."""


@dataclass(frozen=True)
class Pictures:
    """Prints ready for search and comparison.

    Attributes:
        prints: (n, S, S) int8.
        small: (n, 16, 16) int8 of what the prints show between the finest and the coarsest, shrunk.
        middle: (n, 32, 32) int8 likewise.
        queries: (12, n, d) descriptors: of the picture and its crops (`crops`), and all of these mirrored.
        spread: (n,) float32 standard deviation of luma, in levels (0 to 255).
    """

    prints: np.ndarray
    small: np.ndarray
    middle: np.ndarray
    queries: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, prints: np.ndarray, spread: np.ndarray, workers: int = 1) -> Pictures:
        """Describe (n, S, S) int8 prints, and the (n,) spread of the luma that they were made from; in threads."""

        def looked_at(begin: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            part = prints[begin : begin + DESCRIBED]
            middle = shrunk(part, MIDDLE_PX)
            return described_crops(middle), _rounded(_band(shrunk(middle, SMALL_PX))), _rounded(_band(middle))

        with one_thread_products():
            made, *bands = zip(*ordered_map(looked_at, range(0, max(len(prints), 1), DESCRIBED), workers))
        plain, (small, middle) = np.concatenate(made, axis=1), map(np.concatenate, bands)
        return cls(prints, small, middle, np.concatenate([plain, mirrored(plain)]), spread)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(getattr(self, own.name).nbytes for own in fields(self))

    def some(self, rows: np.ndarray) -> Pictures:
        """Some of them."""
        return Pictures(
            self.prints[rows], self.small[rows], self.middle[rows], self.queries[:, rows], self.spread[rows]
        )

    def candidates(self, most: int = CANDIDATES, workers: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """(p,) and (p,) places of pictures that may be alike."""
        return _nearest.candidates(self.queries[0], self.queries, LEAST_COSINE, most, workers)

    def likest(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(p,) float32 cosine of the descriptors of pairs in the way of laying one onto the other that suits best."""
        base = self.queries[0]
        ways = [np.einsum("qpd,pd->qp", self.queries[:, a], base[b]).max(0) for a, b in ((left, right), (right, left))]
        return np.maximum(*ways)

    def similarity(self, left: np.ndarray, right: np.ndarray, workers: int = 1) -> np.ndarray:
        """(p,) float32 in [0, 1]: `likeness` of the pictures once aligned; 0 for pairs given up (see `GATES`).

        Args:
            left: (p,) places of pictures.
            right: (p,) likewise.
            workers: threads; 0 for one per core.
        """
        if is_sent(len(left), SENT_PAIRS):
            return sent_similarity(self, left, right, SENT_PAIRS)
        parts = [slice(begin, begin + CHUNK) for begin in range(0, len(left), CHUNK)]
        with one_thread_products(), one_thread_pictures():
            compared = list(ordered_map(lambda part: self._compared(left[part], right[part]), parts, workers))
        return np.concatenate([np.zeros(0, dtype=np.float32), *compared])

    def _compared(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        start = self._start(left, right)
        out, going = np.zeros(len(left), dtype=np.float32), np.flatnonzero(start.score >= GATES[0])
        start = start.of(going)
        place, maps, _ = _narrowed(*start.pair(self.middle), start.maps, GATES[1:3], STEPS[2])
        going, (fixed, moving) = going[place], start.of(place).pair(self.prints)
        for begin in range(0, len(going), CHUNK_FULL):
            part = slice(begin, begin + CHUNK_FULL)
            spread = np.minimum(self.spread[left[going[part]]], self.spread[right[going[part]]])
            out[going[part]] = _compared_in_full(fixed[part], moving[part], maps[part], spread)
        return out

    def _start(self, left: np.ndarray, right: np.ndarray) -> _Start:
        """The best of a few ways to lay one picture onto the other, aligned coarsely."""
        base, views = self.queries[0], len(crops())
        ways = [
            np.einsum("qpd,pd->qp", self.queries[:, one], base[other]) for one, other in ((left, right), (right, left))
        ]
        likest = np.argsort(-np.concatenate(ways), axis=0, kind="stable")[:WAYS]
        best: _Start | None = None
        for way in likest:
            swapped, query = np.divmod(way, len(self.queries))
            moving, fixed = np.where(swapped, right, left), np.where(swapped, left, right)
            tried = _Start(fixed, moving, query >= views, crops()[query % views], np.zeros(len(left), dtype=np.float32))
            tried = tried.refined(self.small, STEPS[0])
            best = tried if best is None else best.or_better(tried)
        assert best is not None  # there is more than one query
        return best.refined(self.small, STEPS[1])


def described(prints: np.ndarray) -> np.ndarray:
    """(12, n, d) float32 `queries` of (n, S, S) int8 prints alone."""
    parts = [prints[begin : begin + DESCRIBED] for begin in range(0, max(len(prints), 1), DESCRIBED)]
    with one_thread_products():
        plain = np.concatenate([described_crops(shrunk(part, MIDDLE_PX)) for part in parts], axis=1)
    return np.concatenate([plain, mirrored(plain)])


@dataclass(frozen=True)
class _Start:
    """How pairs are laid onto each other: which picture stands, which moves, whether the first is mirrored, (p,) each;
    the (p, 2, 3) maps, and the (p,) correlation so far."""

    fixed: np.ndarray
    moving: np.ndarray
    flip: np.ndarray
    maps: np.ndarray
    score: np.ndarray

    def pair(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The (p, S, S) pictures that stand, mirrored where they are to be, and those that move."""
        fixed = pictures[self.fixed]
        flipped = np.where(self.flip[:, None, None], fixed[:, :, ::-1], fixed)
        return flipped.astype(np.float32), pictures[self.moving].astype(np.float32)

    def refined(self, pictures: np.ndarray, steps: int) -> _Start:
        """The same after steps on (n, S, S) pictures."""
        maps, score = refined(*self.pair(pictures), self.maps, steps, NOISE)
        return replace(self, maps=maps, score=score)

    def of(self, pairs: np.ndarray) -> _Start:
        """Some of the pairs."""
        return _Start(*(getattr(self, f.name)[pairs] for f in fields(self)))

    def or_better(self, other: _Start) -> _Start:
        """Pair by pair the one with the higher correlation."""
        better = other.score > self.score
        parts = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return _Start(*(np.where(better.reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in parts))


def _narrowed(
    fixed: np.ndarray, moving: np.ndarray, maps: np.ndarray, gates: Sequence[float], steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(m,) places of the pairs that pass a gate before and one after some steps, their maps and correlation."""
    score = correlation(fixed, *warped(moving, maps), NOISE) if len(maps) else np.zeros(0, dtype=np.float32)
    going = np.flatnonzero(score >= gates[0])
    if not len(going):
        return going, maps[going], score[going]
    maps, score = refined(fixed[going], moving[going], maps[going], steps, NOISE)
    good = score >= gates[1]
    return going[good], maps[good], score[good]


def _compared_in_full(fixed: np.ndarray, moving: np.ndarray, maps: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(p,) float32 `likeness` of (p, S, S) prints, aligned from (p, 2, 3) maps on; 0 for pairs given up."""
    out, a, b = np.zeros(len(fixed), dtype=np.float32), _band(fixed), _band(moving)
    going, maps, score = _narrowed(a, b, maps, GATES[3:], STEPS[3])
    loose = np.flatnonzero(score < ALIGNED)
    if len(loose):
        maps[loose], _ = refined(a[going[loose]], b[going[loose]], maps[loose], MORE_STEPS, NOISE)
    if len(going):
        seen, inside = warped(moving[going], maps)
        out[going] = likeness(fixed[going], seen, inside, spread[going])
    return out


def _band(pictures: np.ndarray) -> np.ndarray:
    """(p, S, S) float32: what lies between the finest and the coarsest that edits keep."""
    flat, side = level(pictures), pictures.shape[-1]
    return blurred(flat, FINE_SHARE * side) - blurred(flat, COARSE_SHARE * side)


def _rounded(pictures: np.ndarray) -> np.ndarray:
    """As int8, so that they hang on nothing but their own print."""
    return np.rint(pictures).clip(-127, 127).astype(np.int8)


def random_pairs(n: int, count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """(count,) and (count,) places of pairs among n pictures, the same ones each time; none where n is less than 2."""
    if n < 2:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    rng = np.random.default_rng(0)
    left = rng.integers(0, n, count)
    right = (left + rng.integers(1, n, count)) % n
    return np.minimum(left, right), np.maximum(left, right)


def usual_similarity(
    pictures: Pictures, left: np.ndarray, right: np.ndarray, quantile: float = 0.975, workers: int = 1
) -> float:
    """How alike the likest of unrelated pairs of a set are: a high quantile over pairs drawn at random.

    Pairs that are alike beyond doubt are left out, so that a set with many copies does not call copies usual; unless
    they are a fifth of all pairs, when they are what is usual.
    """
    if not len(left):
        return 0.0
    similarity = np.zeros(len(left), dtype=np.float32)
    near = np.flatnonzero(pictures.likest(left, right) >= LEAST_OF_UNRELATED)
    similarity[near] = pictures.similarity(left[near], right[near], workers)
    sure = similarity >= 0.97
    return float(np.quantile(similarity if sure.mean() > 0.2 else similarity[~sure], quantile))

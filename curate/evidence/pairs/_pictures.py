"""Comparing prints of pictures: candidates by low frequencies, then the correlation of the aligned pictures."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from curate.engines.local import ordered_map
from curate.engines.threads import one_thread_products
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
WAYS = 3
"""Ways to lay one picture onto the other (crops, mirrored or not) that are tried."""
STEPS = (5, 4, 3)
"""Steps of the registration at 16 and 32 pixels, and at the full side."""
MORE_STEPS, ALIGNED = 7, 0.97
"""Pairs that correlate less than the latter at the full side may not lie well yet, and take more steps."""
GATES = (0.5, 0.6, 0.5, 0.6)
"""Pairs that correlate less than that at 16 and at 32 pixels, and at the full side before and after the steps there,
are given up: none of the 12,486 pairs of copies of 600 pictures, edited in six ways, that would be found is. The
latter two were set on these; the least such pair has 0.62 and 0.68 there."""


@dataclass(frozen=True)
class Pictures:
    """Prints ready for search and comparison.

    Attributes:
        prints: (n, S, S) int8.
        small: (n, 16, 16) float32, shrunk and levelled.
        queries: (12, n, d) descriptors: of the picture and its crops (`crops`), and all of these mirrored.
        spread: (n,) float32 standard deviation of luma, in levels (0 to 255).
    """

    prints: np.ndarray
    small: np.ndarray
    queries: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, prints: np.ndarray, spread: np.ndarray, workers: int = 1) -> Pictures:
        """Describe (n, S, S) int8 prints, and the (n,) spread of the luma that they were made from; in threads."""

        def described(begin: int) -> tuple[np.ndarray, np.ndarray]:
            middle = shrunk(prints[begin : begin + DESCRIBED], MIDDLE_PX)
            return described_crops(middle), level(shrunk(middle, SMALL_PX))

        with one_thread_products():
            made, small = zip(*ordered_map(described, range(0, max(len(prints), 1), DESCRIBED), workers))
        plain = np.concatenate(made, axis=1)
        return cls(prints, np.concatenate(small), np.concatenate([plain, mirrored(plain)]), spread)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(getattr(self, own.name).nbytes for own in fields(self))

    def some(self, rows: np.ndarray) -> Pictures:
        """Some of them."""
        return Pictures(self.prints[rows], self.small[rows], self.queries[:, rows], self.spread[rows])

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
        with one_thread_products():
            compared = list(ordered_map(lambda part: self._compared(left[part], right[part]), parts, workers))
        return np.concatenate([np.zeros(0, dtype=np.float32), *compared])

    def _compared(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        start = self._start(left, right)
        out, going = np.zeros(len(left), dtype=np.float32), np.flatnonzero(start.score >= GATES[0])
        if len(going):
            start = start.of(going)
            fixed, moving = start.pair(self.prints)
            a, b = (level(shrunk(prints, MIDDLE_PX)) for prints in (fixed, moving))
            maps, score = refined(a, b, start.maps, STEPS[1], NOISE)
            good = score >= GATES[1]
            going, fixed, moving, maps = going[good], fixed[good], moving[good], maps[good]
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
            a, b = tried.pair(self.small)
            maps, score = refined(a, b, tried.maps, STEPS[0], NOISE)
            tried = replace(tried, maps=maps, score=score)
            best = tried if best is None else best.or_better(tried)
        assert best is not None  # there is more than one query
        return best


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
        return np.where(self.flip[:, None, None], fixed[:, :, ::-1], fixed), pictures[self.moving]

    def of(self, pairs: np.ndarray) -> _Start:
        """Some of the pairs."""
        return _Start(*(getattr(self, f.name)[pairs] for f in fields(self)))

    def or_better(self, other: _Start) -> _Start:
        """Pair by pair the one with the higher correlation."""
        better = other.score > self.score
        parts = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return _Start(*(np.where(better.reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in parts))


def _compared_in_full(fixed: np.ndarray, moving: np.ndarray, maps: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(p,) float32 `likeness` of (p, S, S) int8 prints, aligned from (p, 2, 3) maps on; 0 for pairs given up."""
    out, going = np.zeros(len(fixed), dtype=np.float32), np.arange(len(fixed))
    a, b = _band(fixed), _band(moving)
    for gate, steps in ((GATES[2], STEPS[2]), (GATES[3], MORE_STEPS)):
        score = correlation(a, *warped(b, maps), NOISE)
        good = score >= gate
        going, a, b, maps, score = going[good], a[good], b[good], maps[good], score[good]
        if not len(going):
            break
        loose = np.flatnonzero((score < ALIGNED) | (steps == STEPS[2]))
        if len(loose):
            maps[loose], _ = refined(a[loose], b[loose], maps[loose], steps, NOISE)
    if len(going):
        seen, inside = warped(moving[going].astype(np.float32), maps)
        out[going] = likeness(fixed[going].astype(np.float32), seen, inside, spread[going])
    return out


def _band(prints: np.ndarray) -> np.ndarray:
    """(p, S, S) float32: what lies between the finest and the coarsest that edits keep."""
    flat, side = level(prints.astype(np.float32)), prints.shape[-1]
    return blurred(flat, FINE_SHARE * side) - blurred(flat, COARSE_SHARE * side)


def random_pairs(n: int, count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """(count,) and (count,) places of pairs among n pictures, the same ones each time; none where n is less than 2."""
    if n < 2:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    rng = np.random.default_rng(0)
    left = rng.integers(0, n, count)
    right = (left + rng.integers(1, n, count)) % n
    return np.minimum(left, right), np.maximum(left, right)


def usual_similarity(pictures: Pictures, left: np.ndarray, right: np.ndarray, quantile: float = 0.975) -> float:
    """How alike the likest of unrelated pairs of a set are: a high quantile over pairs drawn at random.

    Pairs that are alike beyond doubt are left out, so that a set with many copies does not call copies usual; unless
    they are a fifth of all pairs, when they are what is usual.
    """
    if not len(left):
        return 0.0
    similarity = np.zeros(len(left), dtype=np.float32)
    near = np.flatnonzero(pictures.likest(left, right) >= LEAST_OF_UNRELATED)
    similarity[near] = pictures.similarity(left[near], right[near])
    sure = similarity >= 0.97
    return float(np.quantile(similarity if sure.mean() > 0.2 else similarity[~sure], quantile))

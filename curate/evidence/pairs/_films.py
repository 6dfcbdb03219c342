"""Comparing short films of small pictures, moment by moment, at the shift in time that fits best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.evidence.pairs import _nearest
from curate.evidence.pairs._prints import SMALL_PX, descriptors, level
from curate.evidence.pairs._sent import is_sent, sent_similarity

LOOKS = 16
"""Different pictures of one film that stand for it in the index."""
SAME_LOOK = 0.9
LEAST_COSINE = 0.7
CANDIDATES = 16
LEAST_OVERLAP = 0.6
"""Share of the shorter film that must lie over the other."""
SHIFTS = 3
"""Shifts in time that are looked at closely."""
SENT_PAIRS = 512
"""Pairs that one machine of an engine compares at a time: about half a second's work."""
CODING_NOISE = 4.0
"""Variance, in levels of the print, that another coding adds."""


@dataclass(frozen=True)
class Films:
    """Prints of videos ready for search and comparison.

    Attributes:
        prints: (n, T, 16, 16) int8.
        seconds: (n, T) float32 times of the pictures, NaN where there is none.
    """

    prints: np.ndarray
    seconds: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.prints.nbytes + self.seconds.nbytes

    def some(self, rows: np.ndarray) -> Films:
        """Some of them."""
        return Films(self.prints[rows], self.seconds[rows])

    def candidates(self) -> tuple[np.ndarray, np.ndarray]:
        """(p,) and (p,) places of films that have a look in common, left before right."""
        looks = [self._looks(place) for place in range(len(self.prints))]
        owner = np.repeat(np.arange(len(looks)), [len(own) for own in looks])
        if not len(owner):
            return owner, owner
        base = np.ascontiguousarray(np.concatenate(looks))
        one, other = _nearest.candidates(base, base[None], LEAST_COSINE, CANDIDATES, workers=0)
        left, right = np.minimum(owner[one], owner[other]), np.maximum(owner[one], owner[other])
        code = np.unique((left * np.int64(len(looks)) + right)[left < right])
        return code // len(looks), code % len(looks)

    def similarity(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(p,) float32 in [0, 1] (see `film_similarity`)."""
        if is_sent(len(left), SENT_PAIRS):
            return sent_similarity(self, left, right, SENT_PAIRS)
        pairs = zip(left.tolist(), right.tolist(), strict=True)
        return np.array([film_similarity(self._film(a), self._film(b)) for a, b in pairs], dtype=np.float32)

    def _film(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        shown = np.isfinite(self.seconds[place])
        pictures = self.prints[place][shown].astype(np.float32).reshape(int(shown.sum()), -1)
        return pictures, self.seconds[place][shown].astype(np.float64)

    def _looks(self, place: int) -> np.ndarray:
        """(k, d) descriptors of the pictures of a film that differ from each other."""
        pictures, _ = self._film(place)
        described = descriptors(level(pictures.reshape(-1, SMALL_PX, SMALL_PX)))
        kept: list[int] = []
        for number in range(len(described)):
            if len(kept) < LOOKS and not (described[kept] @ described[number] > SAME_LOOK).any():
                kept.append(number)
        return described[kept]


def film_similarity(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> float:
    """How little films differ, moment by moment, for how much they change in time: 1 for equal films, in [0, 1].

    One take of a scene differs from the next by what moves, twice: the mean squared difference is twice the variance in
    time. A copy differs by its coding alone. The shorter film is laid over the longer one at the best shift in time;
    pictures between two moments are interpolated.

    Args:
        one: (t, d) pictures and (t,) times in seconds.
        other: likewise.
    """
    short, long = (one, other) if np.ptp(one[1]) <= np.ptp(other[1]) else (other, one)
    shifts, step = _shifts(short, long)
    found = [_at_shift(short, long, shift) for shift in shifts]
    best = max(found, default=0.0)
    if best <= 0:
        return 0.0
    near = shifts[int(np.argmax(found))]
    return max(best, *(_at_shift(short, long, near + part * step) for part in (-0.5, -0.25, 0.25, 0.5)))


def _shifts(short: tuple[np.ndarray, np.ndarray], long: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, float]:
    """The most promising seconds by which the times of the short film are to be moved, and those between pictures."""
    distance = ((short[0][:, None, ::4] - long[0][None, :, ::4]) ** 2).mean(-1)
    moved = long[1][None] - short[1][:, None]
    step = max(_step(short[1]), _step(long[1]), 1e-3)
    cell = np.rint(moved / step).astype(np.int64)
    low = int(cell.min())
    count = np.bincount((cell - low).ravel())
    mean = np.bincount((cell - low).ravel(), weights=distance.ravel()) / np.maximum(count, 1)
    enough = count >= LEAST_OVERLAP * min(len(short[1]), len(long[1]), int(np.ptp(short[1]) / step) + 1)
    places = np.flatnonzero(enough)
    best = places[np.argsort(mean[places], kind="stable")[:SHIFTS]]
    return (best + low) * step, step


def _step(seconds: np.ndarray) -> float:
    return float(np.ptp(seconds)) / max(len(seconds) - 1, 1)


def _at_shift(short: tuple[np.ndarray, np.ndarray], long: tuple[np.ndarray, np.ndarray], shift: float) -> float:
    times = short[1] + shift
    slack = 0.5 * max(_step(short[1]), _step(long[1])) + 1e-6
    shared = (times >= long[1][0] - slack) & (times <= long[1][-1] + slack)
    if shared.sum() < max(1, LEAST_OVERLAP * len(times)):
        return 0.0
    a, b = short[0][shared], _interpolated(long, times[shared])
    a, b = a - a.mean(), b - b.mean()
    b = b * (float((a * b).mean()) / max(float((b * b).mean()), 1e-6))  # another contrast is no difference
    change = (float(a.var(0).mean()) + float(b.var(0).mean())) / 2
    return float(np.clip(1.0 - float(((a - b) ** 2).mean()) / (2 * (change + CODING_NOISE)), 0.0, 1.0))


def _interpolated(film: tuple[np.ndarray, np.ndarray], times: np.ndarray) -> np.ndarray:
    pictures, seconds = film
    if len(seconds) == 1:
        return np.repeat(pictures, len(times), axis=0)
    after = np.clip(np.searchsorted(seconds, times), 1, len(seconds) - 1)
    width = np.maximum(seconds[after] - seconds[after - 1], 1e-9)
    share = np.clip((times - seconds[after - 1]) / width, 0, 1)[:, None].astype(np.float32)
    return pictures[after - 1] * (1 - share) + pictures[after] * share

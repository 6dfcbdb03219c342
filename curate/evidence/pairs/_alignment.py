"""How alike two fingerprints of audio are, at the shift in time that suits them best."""

from __future__ import annotations

import numpy as np

from curate.evidence.measures.audio_prints import FRAMES, KEY_BITS, PARTS

MOST_SHIFT = 24
LEAST_OVERLAP = 0.75
"""Share of the shorter fingerprint that must lie over the other."""
STEADY = 0.02
"""Share of the places where something rises or falls, below which a sound is steady and known by its spectrum."""
STEADY_FRAMES = 8
BLOCK_PAIRS = 512
Prints = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def print_similarity(prints: Prints, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Correlation of the rises and falls of two clips, at the best shift of at most 0.24 s.

    Of the places where both fingerprints say that a band rises or falls, those where they agree less those where they
    contradict each other, over the geometric mean of the places where either says so. Where one of them is steady, they
    are compared by the mean levels of their bands instead (1 less a tenth of the root mean square difference in dB),
    and at most as alike as their pictures in 24 slots of time. Clips whose lengths, silence at the ends aside, differ
    by more than 5 % and half a second (steady ones 2 % and 80 ms) are not alike.

    Args:
        prints: (n, 320) rises, (n, 320) falls, (n,) frames, (n, 33) profiles and (n, 64) keys of the rows.
        left: (p,) int64 rows.
        right: (p,) int64 rows.

    Returns:
        (p,) float32 in [0, 1].
    """
    rise, fall, frames, profile, keys = prints
    out = np.zeros(len(left), dtype=np.float32)
    length = np.stack([frames[left], frames[right]]).astype(np.int64)
    near = np.abs(length[0] - length[1]) <= np.maximum(0.05 * length.max(0), 2 * MOST_SHIFT)
    fits = np.flatnonzero((length.min(0) > 0) & near)
    steady = _steady(rise, fall, frames)
    quiet = steady[left[fits]] | steady[right[fits]]
    still = quiet & np.abs(length[0] - length[1])[fits] <= np.maximum(0.02 * length.max(0)[fits], STEADY_FRAMES)
    out[fits[still]] = _steady_similarity(profile, keys, left[fits[still]], right[fits[still]])
    moving = fits[~quiet]
    whole = length[:, moving].max(0) <= FRAMES
    for chosen, parts in ((moving[whole], 1), (moving[~whole], PARTS)):
        for first in range(0, len(chosen), BLOCK_PAIRS):
            part = chosen[first : first + BLOCK_PAIRS]
            planes = np.stack([plane[rows[part]] for rows in (left, right) for plane in (rise, fall)])
            used = np.minimum(length[:, part], FRAMES) // parts
            out[part] = _best(planes.reshape(4, len(part), parts, -1), used)
    return out


def _best(planes: np.ndarray, used: np.ndarray) -> np.ndarray:
    """(q,) mean over the parts of the best correlation.

    Args:
        planes: (4, q, parts, frames) rises and falls of the left clips, then of the right ones.
        used: (2, q) frames of each that are filled.
    """
    rise, fall, rise_2, fall_2 = planes
    q, parts, size = rise.shape
    best = np.zeros((q, parts))
    most = MOST_SHIFT if parts == 1 else min(MOST_SHIFT, int(size * (1 - LEAST_OVERLAP)))
    for shift in range(-most, most + 1):
        a, b = slice(max(shift, 0), size + min(shift, 0)), slice(max(-shift, 0), size - max(shift, 0))
        up, down, up_2, down_2 = rise[..., a], fall[..., a], rise_2[..., b], fall_2[..., b]
        agree = _count(up & up_2) + _count(down & down_2)
        against = _count(up & down_2) + _count(down & up_2)
        # Only the frames that lie over each other count; words beyond a clip's end are zero.
        overlap = np.minimum(used[0] - max(shift, 0), used[1] - max(-shift, 0))
        inside = np.arange(up.shape[-1]) < overlap[:, None, None]
        said = _count(np.where(inside, up | down, 0)), _count(np.where(inside, up_2 | down_2, 0))
        value = (agree - against) / np.sqrt(np.maximum(said[0] * said[1], 1.0))
        enough = overlap >= LEAST_OVERLAP * np.minimum(used[0], used[1])
        best = np.maximum(best, np.where(enough[:, None], value, 0.0))
    return best.mean(1)


def _steady_similarity(profile: np.ndarray, keys: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    one, other = profile[left].astype(np.float32), profile[right].astype(np.float32)
    apart = (one - one.mean(1, keepdims=True)) - (other - other.mean(1, keepdims=True))
    alike = np.maximum(1 - np.sqrt(np.square(apart).mean(1)) / 10, 0)
    bits = np.bitwise_count(keys[left] ^ keys[right]).mean(1) / KEY_BITS  # half of them differ by chance
    return np.minimum(alike, np.maximum(1 - 2 * bits, 0))


def _count(words: np.ndarray) -> np.ndarray:
    return np.bitwise_count(words).sum(-1, dtype=np.float64)


def _steady(rise: np.ndarray, fall: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(n,) bool: rows in which hardly anything rises or falls."""
    said = np.bitwise_count(rise | fall).sum(1, dtype=np.int64)
    return said < STEADY * 32 * np.minimum(np.maximum(frames, 1), FRAMES)

"""Marks of damage in a recording: where it is silent or clipped, how loud it is, offsets and channels that are dead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.evidence.measure import Measure
from curate.evidence.measures.audio import FRAME_SECONDS, decibels, frame_levels_db
from curate.media.item import Audio

QUIET_DB = (-80, -70, -60, -50, -40)
"""Levels in dB of full scale below which time is counted as silent."""
GATE_DB = 30.0
FULL_SCALE = 0.999
FLAT = 5e-4
LSB = 1 / 32_768
CORNER = 5.0


class AudioMarks(Measure):
    """Marks that a quality check needs, with the stretch of time (start and end in seconds) where each is worst.

    quiet_fractions: share of 25 ms frames below each level of `QUIET_DB`. quiet_stretches: the longest run of such
    frames; NaN where there is none. active_level_db: level of the frames within 30 dB of the loudest one, so that
    pauses do not count. flat_peak_fraction: share of the samples that lie on flat tops, runs of equal samples at the
    extremes of a channel that are entered by a corner and not by a curve; found at any level, so also after the
    recording was scaled down. flat_peak_level: the level at which it was cut, 1 for full scale; 0 where there are none.
    full_scale_fraction: samples at 0.999 of full scale or beyond, two or more in a row. dc_offset_level: median over
    frames of their means, of the channel where it is largest. channel_difference_db: level of the largest difference of
    a channel from the first, relative to the whole; NaN for mono. channel_sum_db: level of the mean of the channels,
    relative likewise: what is left when they are mixed. weakest_channel_db, strongest_channel_db: levels of channels.
    """

    name = "audio.marks"
    modality = "audio"
    parameters = {"quiet_db": QUIET_DB, "gate_db": GATE_DB, "flat": FLAT, "corner": CORNER, "full_scale": FULL_SCALE}
    fields = {
        "audio.quiet_fractions": ("float32", (len(QUIET_DB),)),
        "audio.quiet_stretches": ("float32", (len(QUIET_DB), 2)),
        "audio.active_level_db": ("float32", ()),
        "audio.flat_peak_fraction": ("float32", ()),
        "audio.flat_peak_level": ("float32", ()),
        "audio.flat_peak_stretch": ("float32", (2,)),
        "audio.full_scale_fraction": ("float32", ()),
        "audio.dc_offset_level": ("float32", ()),
        "audio.channel_difference_db": ("float32", ()),
        "audio.channel_sum_db": ("float32", ()),
        "audio.weakest_channel": ("int32", ()),
        "audio.weakest_channel_db": ("float32", ()),
        "audio.strongest_channel_db": ("float32", ()),
    }

    def measure(self, items: Sequence[Audio]) -> dict[str, np.ndarray]:
        """Values of n clips."""
        rows = [_row(item) for item in items]
        return {field: np.array([row[field.partition(".")[2]] for row in rows]) for field in self.fields}


def _row(item: Audio) -> dict[str, object]:
    samples, rate = item.samples, item.rate
    levels = frame_levels_db(samples, rate)
    frame = min(round(rate * FRAME_SECONDS) or 1, samples.shape[1]) / rate
    below = levels[None] < np.array(QUIET_DB)[:, None]
    stretches = np.array([longest_stretch(quiet) for quiet in below]) * frame
    active = levels[levels >= levels.max() - GATE_DB]
    flat, level, stretch = flat_peaks(samples, rate, item.format)
    apart, together = channel_likeness_db(samples)
    channels = decibels(np.einsum("ij,ij->i", samples, samples, dtype=np.float64) / samples.shape[1])
    return {
        "quiet_fractions": below.mean(1),
        "quiet_stretches": np.minimum(stretches, item.seconds),
        "active_level_db": float(decibels(float(np.mean(10 ** (active / 10))))),
        "flat_peak_fraction": flat,
        "flat_peak_level": level,
        "flat_peak_stretch": stretch,
        "full_scale_fraction": full_scale_fraction(samples),
        "dc_offset_level": dc_offset(samples, rate),
        "channel_difference_db": apart,
        "channel_sum_db": together,
        "weakest_channel": int(channels.argmin()),
        "weakest_channel_db": float(channels.min()),
        "strongest_channel_db": float(channels.max()),
    }


def longest_stretch(mask: np.ndarray) -> tuple[float, float]:
    """Start and end (in places) of the longest run of True in an (n,) mask, the first of equals; NaN where none is."""
    starts, ends = runs(mask)
    if not len(starts):
        return np.nan, np.nan
    longest = int((ends - starts).argmax())
    return float(starts[longest]), float(ends[longest])


def runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends (exclusive) of the runs of True in an (n,) mask."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).view(np.int8)))
    return edges[::2], edges[1::2]


def flat_peaks(samples: np.ndarray, rate: int, kind: str = "") -> tuple[float, float, tuple[float, float]]:
    """Share of (channels, n) samples on flat tops, the level of the tops, and the second that has most (seconds)."""
    places, level = [], 0.0
    for channel in samples:
        quantum = _quantum(channel, kind)
        for wave in (channel, -channel):
            found = _flat_tops(wave, quantum)
            if len(found):
                places.append(found)
                level = max(level, float(wave.max()))
    if not places:
        return 0.0, 0.0, (np.nan, np.nan)
    cut = np.unique(np.concatenate(places))
    share = sum(map(len, places)) / samples.size
    # The densest second, trimmed to the first and last cut sample in it.
    inside = np.searchsorted(cut, cut + rate) - np.arange(len(cut))
    first = int(inside.argmax())
    return share, level, (float(cut[first] / rate), float((cut[first + inside[first] - 1] + 1) / rate))


def _flat_tops(wave: np.ndarray, quantum: float) -> np.ndarray:
    """Places of samples on flat tops at the maximum of (n,) samples.

    A smooth wave has at most a few samples within a tolerance of its maximum, and leaves it by a step that is at most
    4 times the spread inside (three samples of a parabola); a cut wave leaves it by the slope that it was cut at. Runs
    of two are also made by tones, whose samples straddle each crest, and count only beside longer ones.
    """
    peak = float(wave.max())
    if peak <= 0:
        return np.zeros(0, dtype=np.int64)
    tolerance = max(1.5 * LSB, FLAT * peak)
    starts, ends = runs(wave >= peak - tolerance)
    last = len(wave) - 1
    before = np.where(starts > 0, peak - wave[np.maximum(starts - 1, 0)], 0)
    after = np.where(ends <= last, peak - wave[np.minimum(ends, last)], 0)
    length = ends - starts
    cut = (length >= 2) & (np.maximum(before, after) > CORNER * max(tolerance, quantum))
    if np.count_nonzero(cut & (length >= 3)) < 2 and length[cut].max(initial=0) < 6:
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([np.arange(a, b) for a, b in zip(starts[cut], ends[cut])])


def _quantum(channel: np.ndarray, kind: str) -> float:
    """The step between neighbouring values near full scale where that is coarse (8 bits, however stored), or 0."""
    if kind.endswith(("ULAW", "ALAW", "pcm_mulaw", "pcm_alaw")):
        return float(np.abs(channel).max()) / 16
    coarse = channel[:4_000] * 128
    return 1 / 128 if (coarse == np.round(coarse)).all() else 0.0


def full_scale_fraction(samples: np.ndarray) -> float:
    """Share of (channels, n) samples at full scale beside another one: a lone one is but the peak of the recording."""
    full = np.abs(samples) >= FULL_SCALE
    beside = np.zeros_like(full)
    beside[:, 1:] |= full[:, :-1]
    beside[:, :-1] |= full[:, 1:]
    return np.count_nonzero(full & beside) / samples.size


def dc_offset(samples: np.ndarray, rate: int) -> float:
    """(channels, n) -> the median over 25 ms frames of their means, of the channel where it is largest, signed."""
    size = max(1, min(round(rate * FRAME_SECONDS), samples.shape[1]))
    whole = samples.shape[1] // size * size
    means = samples[:, :whole].reshape(samples.shape[0], -1, size).mean(2, dtype=np.float64)
    middle = np.median(means, axis=1)
    return float(middle[np.abs(middle).argmax()])


def channel_likeness_db(samples: np.ndarray) -> tuple[float, float]:
    """Level of the largest difference of a channel from the first, and of the mean of all, in dB; NaN for mono.

    Both are relative to the level of (channels, n) samples as a whole; NaN in silence, too.
    """
    level = float(np.einsum("ij,ij->", samples, samples, dtype=np.float64) / samples.size)
    if samples.shape[0] < 2 or level <= 0:
        return float("nan"), float("nan")
    apart = max(float(np.mean((channel - samples[0]) ** 2, dtype=np.float64)) for channel in samples[1:])
    together = float(np.mean(samples.mean(0, dtype=np.float64) ** 2))
    return float(decibels(apart / level)), float(decibels(together / level))

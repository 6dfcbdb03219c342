"""Measures of a video over time: black and frozen runs, cuts, the spacing of frames, missing frames, the sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from curate.evidence.measure import Measure
from curate.media.item import Skim, Video
from curate.media.video_skim import MOST_FRAMES, MOST_KEY_FRAMES, SIDE_PX

BLACK_LEVEL = 26
"""A frame is black where 98 % of its pixels are at most this bright (0 to 255)."""
FROZEN_MEAN, FROZEN_MOST = 0.1, 2
"""A frame repeats the one before it where small copies differ by less than this, on average and anywhere (0 to 255)."""
LEAST_CHANGE = 0.05
"""A cut changes luma (0 to 1) by at least this on average ..."""
MOST_LIKENESS = 0.5
"""... leaves no more correlation than this between the pictures ..."""
ABOVE_NEIGHBOURS = 3.0
"""... and stands this many times above the median change of the frames around, so that fast motion is none."""
AROUND = 5
"""Frames on each side that count as around."""
CUT_SECONDS = 0.25
"""Cuts are looked for where the copies stand no farther apart than this."""
CUT_TIMES = 8
"""Times that are kept of the cuts."""
SPACING_TOLERANCE = 0.2
"""Share of the usual interval by which another one may differ."""
TICK_SECONDS = 0.0021
"""Containers round time stamps to milliseconds."""


class Run(NamedTuple):
    """The longest run of marked frames: when it starts and how long it is, in seconds, and the marked share of all."""

    start: float
    seconds: float
    share: float


class VideoTimeline(Measure):
    """What happens between the frames that `video.statistics` sees, from small grey copies of up to 6,000 frames.

    black_seconds, black_start: the longest run of black frames, 0 where there is none. frozen_seconds, frozen_start:
    of frames that repeat the one before, black ones aside; frozen_fraction: their share of all. cuts, cut_times: hard
    cuts and the first 8 times, in seconds, -1 behind the last; both -1 where the copies stand too far apart to tell.
    sampled_seconds: mean distance of the copies. interval_seconds: median distance of frames; uneven_fraction: share of
    the distances that differ from it by over a fifth; longest_interval_seconds. missing_fraction: share of the frames
    that the header promises or the container holds, and that could not be decoded. sound_peak, sound_level: largest
    sample and root mean square, full scale is 1, -1 without sound; sound_seconds: how much of it was decoded;
    sound_damage: why it could not be.
    """

    name = "video.timeline"
    modality = "video"
    parameters = {
        "side_px": SIDE_PX,
        "copies": [MOST_FRAMES, MOST_KEY_FRAMES],
        "black": BLACK_LEVEL,
        "frozen": [FROZEN_MEAN, FROZEN_MOST],
        "cuts": [LEAST_CHANGE, MOST_LIKENESS, ABOVE_NEIGHBOURS, AROUND, CUT_SECONDS],
        "spacing": [SPACING_TOLERANCE, TICK_SECONDS],
    }
    fields = {
        "video.black_seconds": ("float32", ()),
        "video.black_start": ("float32", ()),
        "video.frozen_seconds": ("float32", ()),
        "video.frozen_start": ("float32", ()),
        "video.frozen_fraction": ("float32", ()),
        "video.cuts": ("int32", ()),
        "video.cut_times": ("float32", (CUT_TIMES,)),
        "video.sampled_frames": ("int32", ()),
        "video.sampled_seconds": ("float32", ()),
        "video.interval_seconds": ("float32", ()),
        "video.uneven_fraction": ("float32", ()),
        "video.longest_interval_seconds": ("float32", ()),
        "video.missing_fraction": ("float32", ()),
        "video.sound_peak": ("float32", ()),
        "video.sound_level": ("float32", ()),
        "video.sound_seconds": ("float32", ()),
        "video.sound_damage": ("str", ()),
    }

    def measure(self, items: Sequence[Video]) -> dict[str, np.ndarray]:
        """Values of n videos."""
        rows = [_pictures(item) | _spacing(item) | _sound(item) for item in items]
        return {field: np.array([row[field.partition(".")[2]] for row in rows]) for field in self.fields}


def _pictures(item: Video) -> dict[str, object]:
    skim = item.skim or Skim(np.zeros((0, 1, 1), np.uint8), np.zeros(0), True)
    step = sampling(skim, item.seconds)
    black = black_frames(skim.copies)
    still = frozen_frames(skim.copies) & ~black
    dark, frozen = longest_run(black, skim.times, step), longest_run(still, skim.times, step)
    cuts = cut_places(skim.copies) if skim.whole and step <= CUT_SECONDS else None
    times = np.full(CUT_TIMES, -1.0)
    if cuts is not None:
        times[: min(len(cuts), CUT_TIMES)] = skim.times[cuts[:CUT_TIMES]]
    return {
        "black_seconds": dark.seconds,
        "black_start": dark.start,
        # the first frame of a run is no repetition, and is as long on the screen as the others
        "frozen_seconds": frozen.seconds + step if frozen.seconds else 0.0,
        "frozen_start": max(frozen.start - step, 0.0),
        "frozen_fraction": frozen.share,
        "cuts": -1 if cuts is None else len(cuts),
        "cut_times": times,
        "sampled_frames": len(skim.copies),
        "sampled_seconds": step,
    }


def sampling(skim: Skim, seconds: float) -> float:
    """Mean distance of the copies in seconds."""
    if len(skim.times) > 1 and skim.times[-1] > skim.times[0]:
        return float(skim.times[-1] - skim.times[0]) / (len(skim.times) - 1)
    return seconds


def black_frames(copies: np.ndarray) -> np.ndarray:
    """(m, h, w) uint8 -> (m,) bool: black frames."""
    return (copies > BLACK_LEVEL).mean((1, 2)) <= 0.02 if len(copies) else np.zeros(0, bool)


def frozen_frames(copies: np.ndarray) -> np.ndarray:
    """(m, h, w) uint8 -> (m,) bool: frames that repeat the one before."""
    frozen = np.zeros(len(copies), dtype=bool)
    for place in range(1, len(copies)):
        change = np.abs(copies[place].astype(np.int16) - copies[place - 1])
        frozen[place] = change.max() <= FROZEN_MOST and change.mean() < FROZEN_MEAN
    return frozen


def longest_run(marked: np.ndarray, times: np.ndarray, step: float) -> Run:
    """The longest run of True in (m,) frames at (m,) times, each of them `step` seconds long."""
    if not marked.any():
        return Run(0.0, 0.0, 0.0)
    edges = np.diff(np.concatenate([[0], marked.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    lengths = times[ends] - times[starts] + step
    place = int(lengths.argmax())
    return Run(float(times[starts[place]]), float(lengths[place]), float(marked.mean()))


def cut_places(copies: np.ndarray) -> np.ndarray:
    """(m, h, w) uint8 -> places of the first frames after a hard cut.

    After the adaptive detectors of shot boundaries (Lienhart, Reliable Transition Detection in Videos, 2001): a change
    that is large, that leaves nothing in its place, and that stands out from the changes before and after it. A flash
    leaves the correlation, and fast motion changes the frames around as much.
    """
    count = len(copies)
    if count < 3:
        return np.zeros(0, dtype=np.int64)
    change, likeness = np.zeros(count), np.ones(count)
    last = copies[0].astype(np.float32)
    for place in range(1, count):
        now = copies[place].astype(np.float32)
        change[place] = np.abs(now - last).mean() / 255
        likeness[place] = correlation(now, last)
        last = now
    found = []
    for place in np.flatnonzero((change >= LEAST_CHANGE) & (likeness <= MOST_LIKENESS)):
        around = np.concatenate([change[max(1, place - AROUND) : place], change[place + 1 : place + 1 + AROUND]])
        if not len(around) or change[place] >= ABOVE_NEIGHBOURS * np.median(around):
            found.append(place)
    return np.array(found, dtype=np.int64)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson correlation of two (h, w) pictures; 0 where one of them is of one colour."""
    a, b = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 1e-3 * one.size else 0.0


def _spacing(item: Video) -> dict[str, object]:
    stamps = np.zeros(0) if item.stamps is None else item.stamps
    intervals = np.diff(stamps)
    count = max(item.declared_count, item.frame_count)
    there = item.decoded_count if item.decoded_count >= 0 else item.frame_count
    usual = float(np.median(intervals)) if len(intervals) else 0.0
    off = np.abs(intervals - usual) > max(SPACING_TOLERANCE * usual, TICK_SECONDS)
    return {
        "interval_seconds": usual,
        "uneven_fraction": float(off.mean()) if len(intervals) else 0.0,
        "longest_interval_seconds": float(intervals.max()) if len(intervals) else 0.0,
        "missing_fraction": max(0.0, 1.0 - there / count) if count else 0.0,
    }


def _sound(item: Video) -> dict[str, object]:
    sound = item.sound
    if sound is None:
        return {"sound_peak": -1.0, "sound_level": -1.0, "sound_seconds": 0.0, "sound_damage": ""}
    return {
        "sound_peak": sound.peak,
        "sound_level": sound.level,
        "sound_seconds": sound.seconds,
        "sound_damage": sound.damage,
    }

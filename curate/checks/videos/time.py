"""Runs, cuts, spacing and missing frames of videos, and their sound."""

from __future__ import annotations

from typing import Any

import numpy as np

from curate.checks.judging.bounds import Bounded, at_most
from curate.checks.judging.oddness import rarity
from curate.wording import counted

TIME = (
    "black_seconds", "black_start", "frozen_seconds", "frozen_start", "frozen_fraction", "cuts", "sampled_frames",
    "sampled_seconds", "interval_seconds", "uneven_fraction", "longest_interval_seconds", "missing_fraction",
    "sound_peak", "sound_level", "sound_seconds",
)  # fmt: skip
LONG_INTERVAL = 5.0
"""A frame that stays on the screen this many times longer than usual is a gap."""
STILL_SHARE = 0.5
"""Where the median video of a set stands still for this share of its frames, still ones are what it is about."""


def run_issues(step: Any, base: np.ndarray, m: dict[str, np.ndarray]) -> list[Bounded]:
    """Black and frozen runs.

    Args:
        step: the `VideoQuality` with the bounds.
        base: (m,) bool, rows that say what is usual.
        m: measure -> (m,) values.
    """
    issues = []
    seconds = np.maximum(m["seconds"], 1e-6)

    def sampled(p: int) -> str:
        return f"{m['sampled_frames'][p]:.0f} frames looked at, one every {m['sampled_seconds'][p]:.2f} s"

    if step.min_black_seconds:
        bound = np.minimum(step.min_black_seconds, step.min_run_share * seconds)
        # half a frame of tolerance: a run of a second need not be a whole number of frames
        black = at_most(m["black_seconds"] + m["sampled_seconds"] / 2, bound)
        issues.append(
            Bounded(
                "black",
                np.where(m["black_seconds"] > 0, black, 1.0),
                lambda p: (
                    f"black for {m['black_seconds'][p]:.2f} s from {m['black_start'][p]:.2f} s on (bound"
                    f" {bound[p]:.2f} s; {sampled(p)})"
                ),
            )
        )
    if step.min_frozen_seconds:
        least = np.minimum(step.min_frozen_seconds, step.min_run_share * seconds)
        frozen = at_most(m["frozen_seconds"] + m["sampled_seconds"] / 2, least)
        usual = m["frozen_fraction"][base]
        still = len(usual) > 0 and float(np.median(usual)) >= STILL_SHARE
        issues.append(
            Bounded(
                "frozen",
                np.where((m["frozen_seconds"] > 0) & (not still), frozen, 1.0),
                lambda p: (
                    f"one picture stands for {m['frozen_seconds'][p]:.2f} s from {m['frozen_start'][p]:.2f} s on"
                    f" (bound {least[p]:.2f} s; {sampled(p)})"
                ),
            )
        )
    return issues


def cut_issue(step: Any, base: np.ndarray, cuts: np.ndarray, times: np.ndarray) -> Bounded:
    """More cuts than `max_cuts`, where most of the set has no more.

    Args:
        step: the `VideoQuality`.
        base: (m,) bool, rows that say what is usual.
        cuts: (m,) numbers, -1 where it is not known.
        times: (m, k) seconds of the first ones, -1 behind the last.
    """
    more = cuts > step.max_cuts
    score, share = rarity(more, base, step.max_rare_share)

    def reason(p: int) -> str:
        shown = ", ".join(f"{t:.2f}" for t in times[p][times[p] >= 0])
        rest = " ..." if cuts[p] > (times[p] >= 0).sum() else ""
        return (
            f"{counted(int(cuts[p]), 'hard cut')} inside, at {shown}{rest} s (at most {step.max_cuts}), as"
            f" in {share:.1%} of the set"
        )

    return Bounded("cuts", score, reason)


def frame_issues(step: Any, base: np.ndarray, m: dict[str, np.ndarray]) -> list[Bounded]:
    """Frames that can't be decoded, and frames that are unevenly spaced where those of the others are not."""
    issues = []
    if step.max_missing_fraction is not None:
        missing = m["missing_fraction"]
        issues.append(
            Bounded(
                "unreadable_tail",
                at_most(missing, max(step.max_missing_fraction, 1e-9)),
                lambda p: (
                    f"{missing[p]:.1%} of {m['frame_count'][p]:.0f} frames can't be decoded: {_lost(m, p):.2f} of"
                    f" {m['seconds'][p]:.2f} s (at most {step.max_missing_fraction:.1%})"
                ),
            )
        )
    if step.max_uneven_fraction:
        usual, longest, uneven = m["interval_seconds"], m["longest_interval_seconds"], m["uneven_fraction"]
        gap = longest > np.maximum(LONG_INTERVAL * usual, step.min_gap_seconds)
        score, share = rarity((uneven > step.max_uneven_fraction) | gap, base, step.max_rare_share)
        issues.append(
            Bounded(
                "variable_frame_rate",
                score,
                lambda p: (
                    f"{uneven[p]:.1%} of the distances of frames differ by over a fifth from the usual"
                    f" {1000 * usual[p]:.1f} ms (at most {step.max_uneven_fraction:.0%}), the longest is"
                    f" {1000 * longest[p]:.0f} ms; as in {share:.1%} of the set"
                ),
            )
        )
    return issues


def _lost(m: dict[str, np.ndarray], place: int) -> float:
    return float(m["missing_fraction"][place] * m["seconds"][place])


def sound_issues(
    step: Any, base: np.ndarray, has_sound: np.ndarray, damage: np.ndarray, m: dict[str, np.ndarray]
) -> list[Bounded]:
    """No sound track, one that can't be decoded, or silence, where most of the others sound.

    Args:
        step: the `VideoQuality`.
        base: (m,) bool, rows that say what is usual.
        has_sound: (m,) bool, whether there is a sound track.
        damage: (m,) why it can't be decoded, empty where it can.
        m: measure -> (m,) values.
    """
    lacking = ~has_sound | (damage != "")
    none, share = rarity(lacking, base, step.max_rare_share)
    issues = [
        Bounded(
            "missing_sound",
            none,
            lambda p: (
                (f"the sound track can't be decoded ({damage[p]})" if damage[p] else "there is no sound track")
                + f", as in {share:.1%} of the set"
            ),
        )
    ]
    if step.min_sound_db is not None:
        with np.errstate(divide="ignore"):
            peak_db = 20 * np.log10(np.maximum(m["sound_peak"], 0.0))
        silent = ~lacking & (peak_db < step.min_sound_db)
        score, quiet = rarity(silent, base, step.max_rare_share)
        issues.append(
            Bounded(
                "silent_sound",
                score,
                lambda p: (
                    f"the sound track {_loudness(float(peak_db[p]))} in the"
                    f" {m['sound_seconds'][p]:.1f} s that were decoded"
                    f" (least {step.min_sound_db:g} dB of full scale), as in {quiet:.1%} of the set"
                ),
            )
        )
    return issues


def _loudness(peak_db: float) -> str:
    return f"peaks at {peak_db:.0f} dB" if np.isfinite(peak_db) else "holds nothing but zeros"

"""Issues of how a recording was made and stored: level, channels, sampling rate, length."""

from __future__ import annotations

import numpy as np

from curate.checks.audio.bounds import Recordings, above_db, below_db
from curate.checks.judging.bounds import Bounded, at_least, at_most
from curate.wording import counted

DEVIATIONS = 5.0
FLOOR_DB = -120.0


def levels(
    clips: Recordings, least_db: float | None, most_db: float | None, deviation_db: float | None
) -> list[Bounded]:
    """Too quiet and too loud: beyond a fixed level, or far from the level that is usual in the set."""
    level = clips["active_level_db"]
    median = clips.usual(level)
    apart = np.inf if deviation_db is None else max(deviation_db, DEVIATIONS * clips.spread(level))
    low = max(-np.inf if least_db is None else least_db, median - apart)
    high = min(np.inf if most_db is None else most_db, median + apart)

    def said(p: int, side: str, bound: float) -> str:
        return f"level of {level[p]:.1f} dB of full scale, {side} {bound:.1f} dB (median of the set: {median:.1f} dB)"

    issues = []
    if np.isfinite(low):
        # Digital silence has no level that could be too low: it is `silent`.
        quiet = np.where(level <= FLOOR_DB + 1e-3, 1.0, above_db(level, low))
        issues.append(Bounded("too_quiet", quiet, lambda p: said(p, "below", low)))
    if np.isfinite(high):
        issues.append(Bounded("too_loud", below_db(level, high), lambda p: said(p, "above", high)))
    return issues


def dead_channel(clips: Recordings, least_db: float) -> Bounded:
    """One channel is far weaker than another, unless most of the set is so (as a low-frequency channel may be)."""
    channel, weakest, strongest = clips["weakest_channel"], clips["weakest_channel_db"], clips["strongest_channel_db"]
    apart = weakest - strongest
    return Bounded(
        "dead_channel",
        unless_usual(above_db(apart, least_db), clips["channels"] > 1),
        lambda p: (
            f"channel {channel[p] + 1} of {clips['channels'][p]} is at {weakest[p]:.0f} dB of full scale,"
            f" {-apart[p]:.0f} dB below the strongest; allowed: {-least_db:g} dB"
        ),
    )


def alike_channels(clips: Recordings, least_db: float) -> list[Bounded]:
    """Channels that hold the same (unless most of the set is stored so), or that cancel each other when mixed."""
    apart, together = clips["channel_difference_db"], clips["channel_sum_db"]
    same = unless_usual(above_db(apart, least_db), np.isfinite(apart))
    return [
        Bounded(
            "identical_channels",
            same,
            lambda p: (
                f"all channels hold the same: they differ by {apart[p]:.0f} dB of the whole, below {least_db:g} dB"
            ),
        ),
        Bounded(
            "cancelling_channels",
            above_db(together, least_db),
            lambda p: (
                f"the channels cancel each other: mixed, {together[p]:.0f} dB of the whole is left,"
                f" below {least_db:g} dB"
            ),
        ),
    ]


def unless_usual(score: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """(m,) scores, none below 0.5 where more than half of the (m,) judged recordings would be: the set is made so."""
    if judged.any() and (score[judged] < 0.5).mean() > 0.5:
        return np.maximum(score, 0.5)
    return score


def odd_rate_and_channels(clips: Recordings, least_share: float) -> list[Bounded]:
    """A sampling rate, or a number of channels, that few others have."""
    rate, count = clips["rate_hz"], clips["channels"]
    of_rate, usual_rate = clips.share_of_value(rate)
    of_count, usual_count = clips.share_of_value(count)
    return [
        Bounded(
            "odd_rate",
            np.where(rate == usual_rate, 1.0, at_least(of_rate, least_share)),
            lambda p: f"sampled at {rate[p]:,} Hz, as {of_rate[p]:.1%} of the set; most have {usual_rate:,} Hz",
        ),
        Bounded(
            "odd_channels",
            np.where(count == usual_count, 1.0, at_least(of_count, least_share)),
            lambda p: f"{counted(int(count[p]), 'channel')}, as {of_count[p]:.1%} of the set; most have {usual_count}",
        ),
    ]


def odd_duration(
    clips: Recordings,
    deviations: float | None,
    ratios: tuple[float, float],
    limits: tuple[float | None, float | None],
) -> Bounded:
    """Much shorter or longer than the set usually is, or beyond a fixed length.

    Args:
        clips: the recordings.
        deviations: robust deviations of the logarithm of the length; None where only `limits` count.
        ratios: within the first, a length is never odd by deviations; beyond the second, always.
        limits: least and most seconds.
    """
    seconds = clips["seconds"]
    length = np.log(np.maximum(seconds, 1e-6))
    median = clips.usual(length)
    ratio = np.exp(np.abs(length - median))
    score, bound = np.ones(len(clips)), np.inf
    if deviations is not None:
        reach = np.exp(min(deviations * clips.spread(length), 50.0))
        bound = float(np.clip(reach, ratios[0], max(ratios)))
        score = at_most(np.log(np.maximum(ratio, 1 + 1e-9)), float(np.log(bound)))
    least, most = (0.0 if limits[0] is None else limits[0], np.inf if limits[1] is None else limits[1])
    beyond = (seconds < least) | (seconds > most)
    over = np.minimum(seconds / np.where(seconds < least, least, seconds), np.where(seconds > most, most / seconds, 1))
    score = np.where(beyond, np.minimum(score, 0.5 * over), score)

    def said(p: int) -> str:
        if beyond[p]:
            return f"{seconds[p]:.2f} s, outside of {least:g} to {most:g} s"
        return (
            f"{seconds[p]:.2f} s, {ratio[p]:.1f} times off the median of {np.exp(median):.2f} s; allowed: {bound:.1f}"
        )

    return Bounded("odd_duration", score, said)

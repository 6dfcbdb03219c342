"""Issues of the sound itself: silence, clipping, offset, noise, bandwidth, samples that are no numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curate.checks.audio.bounds import Recordings, above_db, span
from curate.checks.judging.bounds import Bounded, at_least, at_most
from curate.evidence.measures.audio_marks import QUIET_DB

USUAL_SNR_MARGIN_DB = 10.0
USUAL_BANDWIDTH = 0.75


def silent(clips: Recordings, silence_db: int, most: float) -> Bounded:
    """Nearly nothing is above the level of silence."""
    share, said = _silence(clips, silence_db)
    return Bounded("silent", at_least(1.0 - share, 1.0 - most), lambda p: f"{said(p)}; allowed: {most:.0%}")


def mostly_silent(clips: Recordings, silence_db: int, most: float, wholly: np.ndarray) -> Bounded:
    """Much more silence than the set usually has; `wholly` silent ones, (m,) bool, are another issue."""
    share, said = _silence(clips, silence_db)
    bound = max(most, clips.fence(share))
    score = at_least(1.0 - share, 1.0 - bound) if bound < 1 else np.ones(len(clips))
    score[wholly] = 1.0
    return Bounded("mostly_silent", score, lambda p: f"{said(p)}; usual in the set: at most {bound:.0%}")


def _silence(clips: Recordings, silence_db: int) -> tuple[np.ndarray, Callable[[int], str]]:
    place = QUIET_DB.index(silence_db)
    share, stretch = clips["quiet_fractions"][:, place], clips["quiet_stretches"][:, place]

    def said(p: int) -> str:
        return f"{share[p]:.0%} of it is below {silence_db} dB of full scale, longest at {span(stretch[p])}"

    return share, said


def clipped(clips: Recordings, most: float) -> Bounded:
    """The tops of the wave are cut off, at full scale or at any level."""
    cut = np.maximum(clips["flat_peak_fraction"], clips["full_scale_fraction"])
    level, stretch = clips["flat_peak_level"], clips["flat_peak_stretch"]

    def said(p: int) -> str:
        scaled = 0 < level[p] < 0.999
        at = f"{20 * np.log10(level[p]):.1f} dB of full scale" if scaled else "full scale"
        worst = f", worst at {span(stretch[p])}" if np.isfinite(stretch[p]).all() else ""
        return f"{cut[p]:.1%} of the samples are cut off at {at}{worst}; allowed: {most:.1%}"

    return Bounded("clipped", at_most(cut, most), said)


def dc_offset(clips: Recordings, most: float) -> Bounded:
    """The wave does not swing around zero."""
    offset = clips["dc_offset_level"]
    return Bounded(
        "dc_offset",
        at_most(np.abs(offset), most),
        lambda p: (
            f"the wave is shifted by {offset[p]:+.3f} of full scale ({20 * np.log10(abs(offset[p])):.0f} dB);"
            f" allowed: {most:g}"
        ),
    )


def low_snr(clips: Recordings, least_db: float) -> Bounded:
    """Steady broadband noise beside the signal, more than in other recordings of the class or the set."""
    snr = clips["snr_db"]
    typical = clips.usual_of_class(snr)
    bound = np.minimum(least_db, typical - USUAL_SNR_MARGIN_DB)
    return Bounded(
        "low_snr",
        above_db(snr, bound),
        lambda p: (
            f"signal-to-noise ratio of {snr[p]:.1f} dB{' or less' if snr[p] <= -10 else ''}, below {bound[p]:.1f} dB"
            f" (usual here: {typical[p]:.0f} dB)"
        ),
    )


def narrow_bandwidth(clips: Recordings, least: float, edge_db: float) -> Bounded:
    """The spectrum ends far below half the rate at a steep edge, and not so in the rest of the set."""
    half, edge, depth = clips["rate_hz"] / 2, clips["bandwidth_hz"], clips["band_edge_db"]
    share = edge / np.maximum(half, 1)
    bound = min(least, USUAL_BANDWIDTH * clips.usual(share))
    score = at_least(share, bound)
    return Bounded(
        "narrow_bandwidth",
        np.where(depth < edge_db, np.maximum(score, 0.5), score),
        lambda p: (
            f"nothing above {edge[p]:,.0f} Hz (a drop of {depth[p]:.0f} dB), {share[p]:.0%} of the {half[p]:,.0f} Hz"
            f" that its rate allows and less than {bound:.0%}: as if resampled from about {2 * edge[p]:,.0f} Hz"
        ),
    )


def not_finite(clips: Recordings) -> Bounded:
    """Samples that are NaN or infinite."""
    lost = clips["non_finite_fraction"]
    return Bounded(
        "not_finite", np.where(lost > 0, 0.0, 1.0), lambda p: f"{lost[p]:.2%} of the samples are NaN or infinite"
    )

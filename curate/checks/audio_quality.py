"""Recordings that are silent, clipped, noisy, cut off in frequency, or unlike the rest of the set in form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from curate.checks.audio import damage, form
from curate.checks.audio.bounds import Recordings
from curate.checks.judging.bounds import Bounded, findings
from curate.findings import Findings
from curate.step import Check
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

FIELDS = (
    "seconds", "rate_hz", "channels", "non_finite_fraction",
    "quiet_fractions", "quiet_stretches", "active_level_db", "flat_peak_fraction", "flat_peak_level",
    "flat_peak_stretch", "full_scale_fraction", "dc_offset_level", "channel_difference_db", "channel_sum_db",
    "weakest_channel", "weakest_channel_db", "strongest_channel_db",
    "snr_db", "bandwidth_hz", "band_edge_db",
)  # fmt: skip


class AudioQuality(Check):
    """Finds recordings that are silent, clipped, offset, noisy, of narrow band, or of an odd level, length or rate.

    Files that can't be decoded, or end before the length that they declare, are found by `unreadable`. Scores are 0.5
    at an issue's bound and fall towards 0 beyond it; an issue whose setting is null is not looked for. What depends on
    how a set was recorded (level, noise, band, length, rate, likeness of channels) must also stand apart from the set.
    Cost: the pass that decodes every recording, and 2 ms for a short one, 15 ms for 5 s at 44.1 kHz.
    Source: noise floor by minimum statistics (Martin, Noise Power Spectral Density Estimation, 2001).
    """

    modalities = ("audio",)
    issues: ClassVar[tuple[str, ...]] = (
        "not_finite", "silent", "mostly_silent", "clipped", "dc_offset", "low_snr", "narrow_bandwidth", "too_quiet",
        "too_loud", "dead_channel", "identical_channels", "cancelling_channels", "odd_rate", "odd_channels",
        "odd_duration",
    )  # fmt: skip

    silence_db: Literal[-80, -70, -60, -50, -40] = Field(
        -60, description="level in dB of full scale below which a frame of 25 ms is silent"
    )
    max_silent_fraction: float | None = Field(
        0.95, ge=0, lt=1, description="silent: share of frames below `silence_db`; null for off"
    )
    max_quiet_fraction: float | None = Field(
        0.7, ge=0, lt=1, description="mostly_silent: the same share, if also unusual for the set; null for off"
    )
    max_clipped_fraction: float | None = Field(
        0.002, gt=0, le=1, description="clipped: share of samples on flat tops, or at full scale; null for off"
    )
    max_dc_offset: float | None = Field(
        0.01, gt=0, le=1, description="dc_offset: middle of the wave as a share of full scale; null for off"
    )
    min_snr_db: float | None = Field(
        8.0,
        ge=-10,
        le=80,
        description="low_snr: signal-to-noise ratio in dB, if also 10 dB below the class's or set's; null for off",
    )
    min_bandwidth_fraction: float | None = Field(
        0.6, gt=0, le=1, description="narrow_bandwidth: upper edge of the band over half the rate; null for off"
    )
    min_band_edge_db: float = Field(18.0, ge=6, description="narrow_bandwidth: drop at that edge in dB")
    min_level_db: float | None = Field(
        -55.0, ge=-120, le=0, description="too_quiet: level in dB of full scale, pauses aside; null for no fixed bound"
    )
    max_level_db: float | None = Field(
        -6.0, ge=-120, le=6, description="too_loud: level in dB of full scale, pauses aside; null for no fixed bound"
    )
    max_level_deviation_db: float | None = Field(
        20.0,
        gt=0,
        description="too_quiet, too_loud: dB from the set's median, and 5 robust deviations; null for no such bound",
    )
    min_channel_level_db: float | None = Field(
        -40.0, ge=-120, lt=0, description="dead_channel: weakest channel over the strongest, in dB; null for off"
    )
    min_channel_difference_db: float | None = Field(
        -60.0,
        ge=-120,
        lt=0,
        description="identical_channels, cancelling_channels: their difference, or their mean, over the whole, in dB;"
        " null for off",
    )
    min_rate_share: float | None = Field(
        0.15, ge=0, le=1, description="odd_rate, odd_channels: share of the set that has the same; null for off"
    )
    max_duration_deviations: float | None = Field(
        5.0, gt=0, description="odd_duration: robust deviations of the logarithm of the length; null for off"
    )
    min_duration_ratio: float = Field(1.5, gt=1, description="odd_duration: within this ratio of the median, never odd")
    max_duration_ratio: float = Field(20.0, gt=1, description="odd_duration: beyond this ratio of the median, always")
    min_seconds: float | None = Field(None, gt=0, description="odd_duration: shortest length; null for no such bound")
    max_seconds: float | None = Field(None, gt=0, description="odd_duration: longest length; null for no such bound")

    def needs(self, task: Task) -> tuple[str, ...]:
        """Form, marks of damage and spectrum."""
        return tuple(f"audio.{name}" for name in FIELDS) if "audio" in task.modalities else ()

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row."""
        clips = Recordings(evidence, FIELDS)
        found = findings(self.name, evidence, clips.rows, [*self._damage(clips), *self._form(clips)])
        return Findings(found.table, {self.name: {**found.facts[self.name], **_what_is_usual(clips)}})

    def _damage(self, clips: Recordings) -> list[Bounded]:
        issues = [damage.not_finite(clips)]
        if self.max_silent_fraction is not None:
            issues.append(damage.silent(clips, self.silence_db, self.max_silent_fraction))
        if self.max_quiet_fraction is not None:
            wholly = issues[-1].score < 0.5 if issues[-1].issue == "silent" else np.zeros(len(clips), dtype=bool)
            issues.append(damage.mostly_silent(clips, self.silence_db, self.max_quiet_fraction, wholly))
        if self.max_clipped_fraction is not None:
            issues.append(damage.clipped(clips, self.max_clipped_fraction))
        if self.max_dc_offset is not None:
            issues.append(damage.dc_offset(clips, self.max_dc_offset))
        if self.min_snr_db is not None:
            issues.append(damage.low_snr(clips, self.min_snr_db))
        if self.min_bandwidth_fraction is not None:
            issues.append(damage.narrow_bandwidth(clips, self.min_bandwidth_fraction, self.min_band_edge_db))
        return issues

    def _form(self, clips: Recordings) -> list[Bounded]:
        issues = form.levels(clips, self.min_level_db, self.max_level_db, self.max_level_deviation_db)
        if self.min_channel_level_db is not None:
            issues.append(form.dead_channel(clips, self.min_channel_level_db))
        if self.min_channel_difference_db is not None:
            issues += form.alike_channels(clips, self.min_channel_difference_db)
        if self.min_rate_share is not None:
            issues += form.odd_rate_and_channels(clips, self.min_rate_share)
        limits = (self.min_seconds, self.max_seconds)
        if self.max_duration_deviations is not None or limits != (None, None):
            ratios = (self.min_duration_ratio, self.max_duration_ratio)
            issues.append(form.odd_duration(clips, self.max_duration_deviations, ratios, limits))
        return issues


def _what_is_usual(clips: Recordings) -> dict[str, Any]:
    """Medians of the set, and how much of it is stored with one channel repeated."""
    if not len(clips):
        return {}
    return {
        "median_seconds": round(clips.usual(clips["seconds"]), 3),
        "median_level_db": round(clips.usual(clips["active_level_db"]), 1),
        "median_snr_db": round(clips.usual(clips["snr_db"]), 1),
        "median_bandwidth_hz": round(clips.usual(clips["bandwidth_hz"])),
        "rows_with_identical_channels": int((clips["channel_difference_db"] <= -60).sum()),
        "rows_with_a_dead_channel": int((clips["weakest_channel_db"] - clips["strongest_channel_db"] <= -40).sum()),
    }

"""Recordings that are silent, clipped, or of an odd length or sampling rate."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from curate.checks._bounds import Bounded, at_least, at_most, findings, usual
from curate.evidence.evidence import Evidence
from curate.findings import Findings
from curate.step import Check
from curate.task import Task


class AudioQuality(Check):
    """Finds recordings that are silent, clipped, hold values that are no numbers, or differ in length or rate.

    Scores are 0.5 at an issue's bound and fall towards 0 beyond it. Cost: the pass that decodes every recording.
    """

    modalities = ("audio",)

    max_silent_fraction: float = Field(
        0.95, ge=0, lt=1, description="silent: share of 25 ms frames below -60 dB of full scale"
    )
    max_clipped_fraction: float = Field(0.01, gt=0, le=1, description="clipped: share of samples at full scale")
    max_duration_ratio: float = Field(5.0, ge=1, description="odd_duration: seconds over the set's median, or under it")
    min_rate_share: float = Field(
        0.05, ge=0, le=1, description="odd_rate: share of the set that has the recording's sampling rate"
    )

    def needs(self, task: Task) -> tuple[str, ...]:
        """Length, level, clipping, rate."""
        names = ("seconds", "rate_hz", "rms_db", "silent_fraction", "clipped_fraction", "non_finite_fraction")
        return tuple(f"audio.{name}" for name in names) if "audio" in task.modalities else ()

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row."""
        table, rows = evidence.table, np.flatnonzero(evidence.active)
        rows = rows[np.isfinite(evidence.measure("audio.seconds")[rows])]
        seconds, level, silent, clipped, lost = (
            evidence.measure(f"audio.{name}")[rows].astype(np.float64)
            for name in ("seconds", "rms_db", "silent_fraction", "clipped_fraction", "non_finite_fraction")
        )
        rate = evidence.measure("audio.rate_hz")[rows]
        median = usual(seconds, evidence, rows)
        ratio = np.exp(np.abs(np.log(np.maximum(seconds, 1e-3) / max(median, 1e-3))))
        rates, place = np.unique(rate, return_inverse=True)
        base = table.training[rows] if table.training[rows].any() else np.ones(len(rows), dtype=bool)
        counts = np.bincount(place[base], minlength=len(rates))
        common = int(rates[counts.argmax()]) if len(rates) else 0
        share = (counts / max(int(base.sum()), 1))[place]
        issues = [
            Bounded(
                "silent",
                at_least(1.0 - silent, 1.0 - self.max_silent_fraction),
                lambda p: f"{silent[p]:.0%} of it is below -60 dB (level {level[p]:.0f} dB)",
            ),
            Bounded(
                "clipped",
                at_most(clipped, self.max_clipped_fraction),
                lambda p: f"{clipped[p]:.1%} of the samples are at full scale",
            ),
            Bounded(
                "odd_duration",
                at_most(ratio, self.max_duration_ratio),
                lambda p: f"{seconds[p]:.2f} s, {ratio[p]:.1f} times off the median of {median:.2f} s",
            ),
            Bounded(
                "odd_rate",
                at_least(share, self.min_rate_share),
                lambda p: f"sampled at {rate[p]:,} Hz, as {share[p]:.1%} of the set; most have {common:,} Hz",
            ),
            Bounded(
                "not_finite",
                np.where(lost > 0, 0.0, 1.0),
                lambda p: f"{lost[p]:.2%} of the samples are not finite numbers",
            ),
        ]
        return findings(self.name, evidence, rows, issues)

"""Videos that break off, stand still, are black, cut, silent, blurred, or of an odd length, rate, size or name."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.images.form import FormCheck, form_issues
from curate.checks.judging.bounds import Bounded, at_least, at_most, findings
from curate.checks.judging.file_endings import ending_issue
from curate.checks.judging.ignoring import IgnoringCheck
from curate.checks.judging.oddness import ratios, usual_rows
from curate.checks.videos.time import TIME, cut_issue, frame_issues, run_issues, sound_issues
from curate.findings import Findings
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

FORM = ("seconds", "fps", "width", "height", "frame_count", "fineness", "edge_kurtosis", "blockiness")
ISSUES = (
    "unreadable_tail", "black", "frozen", "cuts", "variable_frame_rate", "missing_sound", "silent_sound",
    "odd_duration", "odd_fps", "odd_size", "odd_aspect", "blurry", "overcompressed", "wrong_ending",
)  # fmt: skip


class VideoQuality(FormCheck, IgnoringCheck):
    """Finds videos that are damaged behind, stand still, turn black, are cut, fall silent, or differ in form.

    Issues: unreadable_tail (frames that the file promises can't be decoded), black and frozen (the longest run, with
    its start), cuts (hard cuts inside a clip, with their times), variable_frame_rate, missing_sound and silent_sound
    (where the others sound), odd_duration, odd_fps, odd_size, odd_aspect (against the set), blurry, overcompressed,
    wrong_ending. Files that are cut off or can't be decoded are the findings of `unreadable`. Scores are 0.5 at an
    issue's bound and fall towards 0 beyond it.

    Every frame is looked at as a small copy where the video has up to `max_video_pixels` (a setting of the evidence)
    over all frames; of longer ones up to 240 key frames, and reasons say how many. Sound is decoded whole up to 30 s,
    and at ten places of 3 s in longer videos. Cost: the pass that decodes every video.
    """

    modalities = ("video",)
    issues: ClassVar[tuple[str, ...]] = ISSUES

    max_missing_fraction: float | None = Field(
        0.01, ge=0, le=1, description="unreadable_tail: share of the frames that can't be decoded; null: off, as below"
    )
    min_black_seconds: float | None = Field(1.0, ge=0, description="black: length of the longest run; 0 or null: off")
    min_frozen_seconds: float | None = Field(
        1.0, ge=0, description="frozen: length of the longest run of one picture, black aside"
    )
    min_run_share: float = Field(
        0.3, gt=0, le=1, description="black and frozen: or this share of the video, where that is shorter"
    )
    max_cuts: int | None = Field(0, ge=0, description="cuts: hard cuts that a clip may have")
    max_uneven_fraction: float | None = Field(
        0.05, ge=0, le=1, description="variable_frame_rate: share of the distances of frames that are uneven"
    )
    min_gap_seconds: float = Field(
        0.5, gt=0, description="variable_frame_rate: or one frame stays this long, and 5 times longer than usual"
    )
    min_sound_db: float | None = Field(
        -60.0, le=0, description="silent_sound: the loudest sample is below this, in dB of full scale"
    )
    max_duration_ratio: float | None = Field(
        3.0, ge=0, description="odd_duration: seconds this many times off the set's median; more where it spreads wide"
    )
    max_fps_ratio: float | None = Field(
        1.5, ge=0, description="odd_fps: frames per second this many times off the set's median, likewise"
    )
    max_size_ratio: float | None = Field(
        2.0, ge=0, description="odd_size: side (root of the area) this many times off the set's median, likewise"
    )
    min_fineness: float | None = Field(
        0.7, ge=0, description="blurry: finest over coarser detail of the frames; sharp photos have 0.86 and more"
    )
    min_compressed_fineness: float | None = Field(
        0.85, ge=0, description="overcompressed: the same is below this, and the edges stand out of nothing:"
    )
    max_edge_kurtosis: float = Field(
        30.0, gt=0, description="overcompressed: kurtosis of the Laplacian is above this; most footage has 5 to 25"
    )
    max_blockiness: float | None = Field(
        1.75,
        gt=0,
        description="overcompressed: or steps of luma at the borders of blocks of 8 pixels are this many times higher"
        " than inside; good footage has up to 1.5, H.264 at a rate factor (CRF) of 45 and more over 1.8; null for off",
    )
    max_rare_share: float = Field(
        1 / 3,
        gt=0,
        le=1,
        description="cuts, variable_frame_rate, missing_sound, silent_sound: only where fewer than this share of the"
        " set are so",
    )

    def needs(self, task: Task) -> tuple[str, ...]:
        """Form, sharpness, timeline and sound."""
        if "video" not in task.modalities:
            return ()
        return tuple(f"video.{name}" for name in (*FORM, *TIME, "format", "has_audio", "cut_times", "sound_damage"))

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row."""
        rows = np.flatnonzero(evidence.active)
        rows = rows[np.isfinite(evidence.measure("video.seconds")[rows])]
        m = {name: evidence.measure(f"video.{name}")[rows].astype(np.float64) for name in (*FORM, *TIME)}
        base = usual_rows(evidence, rows)
        issues = [*frame_issues(self, base, m), *run_issues(self, base, m)]
        if self.max_cuts is not None:
            issues.append(cut_issue(self, base, m["cuts"], evidence.measure("video.cut_times")[rows]))
        has_sound, damage = (evidence.measure(f"video.{name}")[rows] for name in ("has_audio", "sound_damage"))
        issues += sound_issues(self, base, has_sound.astype(bool), damage, m)
        issues += [*self._rates(base, m), *form_issues(self, base, m["width"], m["height"]), *self._sharpness(m)]
        if column := evidence.table.task.video:
            formats = evidence.measure("video.format")[rows]
            containers = np.array([name.partition("/")[0] for name in formats.tolist()], dtype=formats.dtype)
            issues.append(ending_issue(evidence, rows, column, containers))
        return findings(self.name, evidence, rows, [issue for issue in issues if issue.issue not in self.ignore])

    def _rates(self, base: np.ndarray, m: dict[str, np.ndarray]) -> list[Bounded]:
        issues = []
        for issue, name, unit, least in (
            ("odd_duration", "seconds", "s", self.max_duration_ratio),
            ("odd_fps", "fps", "frames per second", self.max_fps_ratio),
        ):
            if not least:
                continue
            values = m[name]
            off = ratios(values, base, least)
            issues.append(
                Bounded(
                    issue,
                    off.score,
                    lambda p, values=values, off=off, unit=unit: (
                        f"{values[p]:.2f} {unit}, {off.ratio[p]:.1f} times off the median of {off.median:.2f} {unit}"
                        f" (at most {off.bound:.1f} times)"
                    ),
                )
            )
        return issues

    def _sharpness(self, m: dict[str, np.ndarray]) -> list[Bounded]:
        fine = m["fineness"]
        issues = []
        if self.min_fineness:
            issues.append(
                Bounded(
                    "blurry",
                    at_least(fine, self.min_fineness),
                    lambda p: f"finest over coarser detail is {fine[p]:.2f} (least {self.min_fineness:.2f})",
                )
            )
        if self.min_compressed_fineness or self.max_blockiness:
            issues.append(self._compression(m))
        return issues

    def _compression(self, m: dict[str, np.ndarray]) -> Bounded:
        """Blocks that show, or edges that stand out of nothing."""
        fine, kurtosis, blocks = m["fineness"], np.nan_to_num(m["edge_kurtosis"], nan=0.0), m["blockiness"]
        bare, blocky = np.ones(len(fine)), np.ones(len(fine))
        if self.min_compressed_fineness:
            hard = kurtosis > self.max_edge_kurtosis
            bare = np.where(hard, at_least(fine, self.min_compressed_fineness), 1.0)
        if self.max_blockiness:
            blocky = at_most(blocks, self.max_blockiness)

        def reason(p: int) -> str:
            if blocky[p] <= bare[p]:
                return (
                    f"steps at the borders of blocks of 8 pixels are {blocks[p]:.2f} times as high as inside (at most"
                    f" {self.max_blockiness:.2f} times)"
                )
            return (
                f"finest over coarser detail is {fine[p]:.2f} (least {self.min_compressed_fineness:.2f}), and the"
                f" kurtosis of edges {kurtosis[p]:.0f} (at most {self.max_edge_kurtosis:.0f})"
            )

        return Bounded("overcompressed", np.minimum(bare, blocky), reason)

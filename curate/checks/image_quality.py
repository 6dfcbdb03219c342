"""Images that are blank, dark, bright, flat, blurred, noise, of an odd size or shape, or marked out from their set."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from curate.checks.images.form import MARKS, FormCheck, form_issues, mark_issues
from curate.checks.images.light import LIGHT, light_issues
from curate.checks.judging.bounds import findings
from curate.checks.judging.file_endings import ending_issue
from curate.checks.judging.ignoring import IgnoringCheck
from curate.checks.judging.oddness import usual_rows
from curate.findings import Findings
from curate.task import Task

if TYPE_CHECKING:
    from curate.evidence.evidence import Evidence

ISSUES = (
    "low_information", "dark", "bright", "low_contrast", "blurry", "noisy", "odd_size", "odd_aspect", "turned",
    "border", "transparent", "animated", "greyscale", "coloured", "wrong_ending",
)  # fmt: skip


class ImageQuality(FormCheck, IgnoringCheck):
    """Finds images that are poor in themselves, or that differ from the others of their set in form.

    Issues: low_information (blank, or of few levels), dark, bright, low_contrast, blurry, noisy; odd_size, odd_aspect;
    turned (an EXIF orientation tag, by which pixels are turned upright here and not by every reader), border (letterbox
    bars, frames), transparent, animated, greyscale or coloured among the others, wrong_ending (the file's name says
    another format).
    Scores are 0.5 at an issue's bound and fall towards 0 beyond it. Apart from noisy and wrong_ending an image must
    also stand apart from the set, so that a set that is dark, small, plain or grey as a whole isn't flagged as a whole.
    Files that can't be decoded are the findings of `unreadable`. Cost: the pass that decodes every image.
    Source: after CleanVision's issues; blur after Crete and others, The Blur Effect (2007).
    """

    modalities = ("image",)
    issues: ClassVar[tuple[str, ...]] = ISSUES

    min_entropy_bits: float | None = Field(
        2.5, ge=0, le=8, description="low_information: entropy of luma, in bits, below this; 0 or null: off, as below"
    )
    min_light_level: float | None = Field(
        0.32, ge=0, le=1, description="dark: the 99th percentile of luma (0 to 1) is below this"
    )
    max_dark_level: float | None = Field(
        0.65, ge=0, le=1, description="bright: the 1st percentile of luma (0 to 1) is above this"
    )
    min_luma_range: float | None = Field(
        0.2, ge=0, le=1, description="low_contrast: 1st to 99th percentile of luma (0 to 1) is less than this"
    )
    min_detail: float | None = Field(
        0.12,
        ge=0,
        le=1,
        description="blurry: an average over 3 pixels removes less than this share of the differences of neighbours",
    )
    max_edge_sharpness: float = Field(
        0.4, ge=0, description="blurry: and the sharpest edges are no sharper than this; 1 for edges of one pixel"
    )
    relative: float = Field(
        0.5, ge=0, le=1, description="the five above: and below this share of the set's median of the same"
    )
    max_noise: float | None = Field(
        12.0, ge=0, description="noisy: variance of the Laplacian over the variance of luma; 20 for white noise"
    )
    max_grey_chroma: float | None = Field(
        0.02, ge=0, le=1, description="greyscale: R, G and B differ by at most this (0 to 1); null: off"
    )
    min_border_fraction: float | None = Field(
        0.03, ge=0, le=1, description="border: share of the area that is a uniform frame with straight edges"
    )
    min_transparency: float | None = Field(
        0.01, ge=0, le=1, description="transparent: mean transparency above this (0 opaque, 1 invisible)"
    )
    max_rare_share: float = Field(
        1 / 3,
        gt=0,
        le=1,
        description="turned, border, transparent, animated, greyscale, coloured: only where fewer than this share of"
        " the set are so",
    )

    def needs(self, task: Task) -> tuple[str, ...]:
        """Size, light, sharpness and marks."""
        if "image" not in task.modalities:
            return ()
        return tuple(f"image.{name}" for name in ("width", "height", "format", *LIGHT, *MARKS))

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row."""
        rows = np.flatnonzero(evidence.active)
        names = ("width", "height", *LIGHT, *MARKS)
        m = {name: evidence.measure(f"image.{name}")[rows].astype(np.float64) for name in names}
        measured = np.isfinite(m["brightness"]) & (m["width"] > 0)
        rows, m = rows[measured], {name: values[measured] for name, values in m.items()}
        base = usual_rows(evidence, rows)
        width, height = m["width"], m["height"]
        issues = [
            *light_issues(self, evidence, rows, m),
            *form_issues(self, base, width, height),
            *mark_issues(self, base, width, height, m),
        ]
        if column := evidence.table.task.image:
            issues.append(ending_issue(evidence, rows, column, evidence.measure("image.format")[rows]))
        return findings(self.name, evidence, rows, [issue for issue in issues if issue.issue not in self.ignore])

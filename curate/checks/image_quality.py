"""Images that are blank, dark, bright, flat, blurred, noise, or of an odd size or shape."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from curate.checks._bounds import Bounded, at_least, at_most, findings, usual
from curate.evidence.evidence import Evidence
from curate.findings import Findings
from curate.step import Check
from curate.task import Task

MEASURES = ("width", "height", "brightness", "contrast", "dark_level", "light_level", "entropy_bits", "sharpness")


class ImageQuality(Check):
    """Finds images that are blank, too dark, too bright, flat, blurred, mere noise, or of an odd size or shape.

    Scores are 0.5 at an issue's bound and fall towards 0 beyond it. Bounds are absolute, and apart from `noisy` an
    image must also stand apart from the set (`relative`, or its median size and shape), so that a set that is dark,
    small or plain as a whole isn't flagged as a whole. Cost: the pass that decodes every image.
    Source: after CleanVision's issues; blur by the variance of the Laplacian (Pech-Pacheco and others, 2000).
    """

    modalities = ("image",)

    min_entropy_bits: float = Field(1.0, ge=0, le=8, description="blank: entropy of luma, in bits, below this")
    min_light_level: float = Field(0.2, ge=0, le=1, description="dark: the 99th percentile of luma is below this")
    max_dark_level: float = Field(0.8, ge=0, le=1, description="bright: the 1st percentile of luma is above this")
    min_luma_range: float = Field(
        0.15, ge=0, le=1, description="low_contrast: 1st to 99th percentile of luma is less than this"
    )
    min_sharpness: float = Field(
        100.0, ge=0, description="blurry: variance of the Laplacian of luma (0 to 255) below this"
    )
    min_relative_sharpness: float = Field(
        0.1, ge=0, le=1, description="blurry: and below this share of the set's median"
    )
    max_noise: float = Field(
        12.0, gt=0, description="noisy: variance of the Laplacian over the variance of luma; 20 for white noise"
    )
    relative: float = Field(
        0.5, ge=0, le=1, description="blank, dark, bright and low_contrast: and below this share of the set's median"
    )
    max_size_ratio: float = Field(8.0, ge=1, description="odd_size: side (root of the area) over the set's median side")
    max_aspect_ratio: float = Field(
        3.0, ge=1, description="odd_aspect: width over height, over the set's median of that"
    )

    def needs(self, task: Task) -> tuple[str, ...]:
        """Size, light and sharpness."""
        return tuple(f"image.{name}" for name in MEASURES) if "image" in task.modalities else ()

    def find(self, evidence: Evidence) -> Findings:
        """One line per issue and active row."""
        rows = np.flatnonzero(evidence.active)
        m = {name: evidence.measure(f"image.{name}")[rows].astype(np.float64) for name in MEASURES}
        measured = np.isfinite(m["brightness"]) & (m["width"] > 0)
        rows, m = rows[measured], {name: values[measured] for name, values in m.items()}
        return findings(self.name, evidence, rows, [*self._light(evidence, rows, m), *self._form(evidence, rows, m)])

    def _light(self, evidence: Evidence, rows: np.ndarray, m: dict[str, np.ndarray]) -> list[Bounded]:
        def low(value: np.ndarray, bound: float, relative: float) -> np.ndarray:
            return at_least(value, min(bound, relative * usual(value, evidence, rows)))

        span, shade = m["light_level"] - m["dark_level"], 1.0 - m["dark_level"]
        blank = low(m["entropy_bits"], self.min_entropy_bits, self.relative)
        blurry = low(m["sharpness"], self.min_sharpness, self.min_relative_sharpness)
        return [
            Bounded(
                "low_information", blank, lambda p: f"entropy of {m['entropy_bits'][p]:.2f} bits, as of a blank image"
            ),
            Bounded(
                "dark",
                low(m["light_level"], self.min_light_level, self.relative),
                lambda p: f"99 % of the pixels are darker than {m['light_level'][p]:.0%} luma",
            ),
            Bounded(
                "bright",
                low(shade, 1.0 - self.max_dark_level, self.relative),
                lambda p: f"99 % of the pixels are brighter than {m['dark_level'][p]:.0%} luma",
            ),
            Bounded(
                "low_contrast",
                low(span, self.min_luma_range, self.relative),
                lambda p: f"luma spans only {span[p]:.1%} (1st to 99th percentile)",
            ),
            # a blank image has no edges to be blurred
            Bounded(
                "blurry",
                np.where(blank < 0.5, np.maximum(blurry, 0.5), blurry),
                lambda p: f"variance of the Laplacian is {m['sharpness'][p]:.1f}, few sharp edges",
            ),
        ]

    def _form(self, evidence: Evidence, rows: np.ndarray, m: dict[str, np.ndarray]) -> list[Bounded]:
        noise = m["sharpness"] / np.maximum((255 * m["contrast"]) ** 2, 1e-6)
        noise[255 * m["contrast"] < 2] = 0.0
        side = np.sqrt(m["width"] * m["height"])
        shape = np.log(m["width"] / m["height"])
        usual_side, usual_shape = usual(side, evidence, rows), usual(shape, evidence, rows)
        size_ratio = np.exp(np.abs(np.log(side / max(usual_side, 1e-6))))
        shape_ratio = np.exp(np.abs(shape - usual_shape))

        def size(place: int) -> str:
            return f"{m['width'][place]:.0f} x {m['height'][place]:.0f} px"

        return [
            Bounded(
                "noisy",
                at_most(noise, self.max_noise),
                lambda p: f"neighbouring pixels are unrelated: noise measure {noise[p]:.1f} (20 for white noise)",
            ),
            Bounded(
                "odd_size",
                at_most(size_ratio, self.max_size_ratio),
                lambda p: f"{size(p)}, {size_ratio[p]:.1f} times off the median side of {usual_side:.0f} px",
            ),
            Bounded(
                "odd_aspect",
                at_most(shape_ratio, self.max_aspect_ratio),
                lambda p: (
                    f"{size(p)}, {shape_ratio[p]:.1f} times off the median shape of {np.exp(usual_shape):.2f} : 1"
                ),
            ),
        ]

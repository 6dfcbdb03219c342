"""The step that makes images clearer: noise, sharpness, contrast, colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from curate.errors import DataError
from curate.media import image
from curate.media.item import DecodeError
from curate.media.payload import UnreadablePayload, read_bytes
from curate.step import Transform
from curate.transforms._columns import learnable, replaced
from curate.transforms.media.pixels import Format, opencv, written
from curate.transforms.media.rewriting import MEDIA, rewrite, with_failures

if TYPE_CHECKING:
    from curate.table import Table

MOST_FITTED = 1_000
"""Training images that a histogram is learned from."""


class EnhanceImage(Transform):
    """Makes the images of all splits clearer: evens out their contrast, and more where it is asked for.

    The rules are done in this order: denoise, white balance, gamma, matching of histograms, contrast (CLAHE), sharpen.
    What is learned (the histogram to match) is learned from training images and saved with the result. An image that
    can't be read stays, and is reported. Cost: one decoding and one encoding of each image, on all cores; `denoise:
    non_local_means` takes about a second per megapixel.
    Source: OpenCV; Zuiderveld, Contrast limited adaptive histogram equalization, 1994; Buades, Coll, Morel, A
    non-local algorithm for image denoising, 2005.
    """

    modalities = ("image",)

    denoise: Literal["none", "median", "bilateral", "non_local_means"] = Field(
        "none", description="against noise: median (salt and pepper), bilateral (keeps edges) or non_local_means (slow)"
    )
    denoise_strength: float = Field(
        10.0, gt=0, le=100, description="grey levels of noise to smooth away (bilateral, non_local_means)"
    )
    white_balance: bool = Field(False, description="bring the mean of the three colours to one level (grey world)")
    gamma: float = Field(1.0, gt=0, le=10, description="exponent of the brightness; under 1 lightens, over 1 darkens")
    match_histogram: bool = Field(
        False, description="give every image the mean histogram of the training images, colour by colour"
    )
    clahe: float = Field(
        2.0, ge=0, le=40, description="clip limit of adaptive equalisation of the lightness; 0 for none"
    )
    tiles: int = Field(8, ge=1, le=64, description="parts of a side that CLAHE equalises by themselves")
    sharpen: float = Field(0.0, ge=0, le=10, description="amount of an unsharp mask (1 is usual); 0 for none")
    radius_px: float = Field(
        1.0, gt=0, le=50, description="standard deviation of the blur of the unsharp mask, in pixels"
    )
    format: Format = Field(
        "same", description="of the files that are written; same keeps JPEG and WebP, and makes all else PNG"
    )
    quality: int = Field(95, ge=1, le=100, description="of JPEG and WebP")

    @model_validator(mode="after")
    def _something_to_do(self) -> EnhanceImage:
        asked = self.white_balance or self.match_histogram or self.clahe or self.sharpen
        if not asked and self.denoise == "none" and self.gamma == 1.0:
            raise ValueError("every rule is off: set denoise, white_balance, gamma, match_histogram, clahe or sharpen")
        return self

    def fit(self, table: Table) -> dict[str, Any]:
        """The mean cumulative histogram of up to 1,000 training images, 3 x 256 shares.

        Raises:
            DataError: no training image can be read.
        """
        if not self.match_histogram:
            return {}
        rows = np.flatnonzero(learnable(table))
        rows = rows[np.argsort(table.content[rows, 0], kind="stable")[:MOST_FITTED]]  # a choice that no order changes
        total, read = np.zeros((3, 256)), 0
        for row in rows:
            value = table.rows([int(row)], [str(table.task.image)])[str(table.task.image)][0].as_py()
            try:
                pixels = image.decode(read_bytes(value, table.root)).pixels
            except (DecodeError, UnreadablePayload):
                continue  # apply reports it
            total += _histogram(pixels)
            read += 1
        if not read:
            raise DataError(f"enhance_image: none of {len(rows)} training images can be read, to match histograms with")
        return {"histogram": np.round(total.cumsum(1) / read, 6).tolist()}

    def apply(self, table: Table, fitted: dict[str, Any] | None = None) -> Table:
        """The table with clearer images.

        Raises:
            DataError: there is no room for what is written, or nothing to learn a histogram from.
            MissingPackage: the extra ``image`` is not installed.
        """
        fitted = self.fit(table) if fitted is None else fitted
        name = str(table.task.image)
        wanted = np.array(fitted["histogram"]) if self.match_histogram else None

        def change(row: int, data: Mapping[str, bytes]) -> list[dict[str, Any]] | None:
            given = image.decode(data[name])
            pixels = self.enhanced(given.pixels, wanted)
            return [{name: written(pixels, given, self.format, self.quality)}]

        result = rewrite(table, [name], pa.schema([(name, MEDIA)]), change)
        return with_failures(replaced(table, result.columns), result.failures)

    def enhanced(self, pixels: np.ndarray, histogram: np.ndarray | None = None) -> np.ndarray:
        """(h, w, 3) uint8 after the rules.

        Args:
            pixels: (h, w, 3) uint8 RGB; not changed.
            histogram: (3, 256) cumulative shares to match.
        """
        cv2 = opencv("enhancing images")
        if self.denoise == "median":
            pixels = cv2.medianBlur(pixels, 3)
        elif self.denoise == "bilateral":
            pixels = cv2.bilateralFilter(pixels, 5, 3 * self.denoise_strength, 3)
        elif self.denoise == "non_local_means":
            strength = self.denoise_strength
            pixels = cv2.fastNlMeansDenoisingColored(pixels, None, strength, strength, 5, 15)
        if self.white_balance:
            means = pixels.reshape(-1, 3).mean(0)
            factor = means.mean() / np.maximum(means, 1.0)
            pixels = _by_table(pixels, np.clip(np.arange(256)[None] * factor[:, None], 0, 255))
        if self.gamma != 1.0:
            pixels = _by_table(pixels, np.repeat(255 * (np.arange(256)[None] / 255) ** self.gamma, 3, axis=0))
        if histogram is not None:
            own = _histogram(pixels).cumsum(1)
            pixels = _by_table(pixels, _matched(own, histogram))
        if self.clahe:
            lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
            equaliser = cv2.createCLAHE(clipLimit=self.clahe, tileGridSize=(self.tiles, self.tiles))
            lab[..., 0] = equaliser.apply(np.ascontiguousarray(lab[..., 0]))
            pixels = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
        if self.sharpen:
            blurred = cv2.GaussianBlur(pixels, (0, 0), self.radius_px)
            pixels = cv2.addWeighted(pixels, 1 + self.sharpen, blurred, -self.sharpen, 0)
        return pixels


def _histogram(pixels: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 -> (3, 256) shares of the levels of each colour."""
    return np.stack([np.bincount(pixels[..., c].ravel(), minlength=256) for c in range(3)]) / pixels[..., 0].size


def _matched(own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(3, 256) levels that give an image of cumulative shares `own` those of `wanted`: the first that has as many."""
    return np.stack([np.searchsorted(w, o - 1e-6).clip(0, 255) for o, w in zip(own, wanted)]).astype(np.float64)


def _by_table(pixels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Each level replaced by what (3, 256) `table` has for it."""
    levels = np.rint(table).clip(0, 255).astype(np.uint8)
    return np.stack([levels[c][pixels[..., c]] for c in range(3)], axis=-1)

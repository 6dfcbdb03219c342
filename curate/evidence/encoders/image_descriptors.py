"""Images without a model: what gradients, brightness and colour are where, as one vector of unit length per part."""

from __future__ import annotations

import numpy as np

from curate.evidence.measure import Measure

SIDE = 32
ORIENTATIONS = 12
CELLS = 8
COLOUR_BINS = 6
PARTS = {"gradients": 1.0, "coarse_gradients": 0.7, "picture": 0.7, "colour_layout": 0.5, "colours": 0.4}
"""How much each part counts in the cosine similarity (length of its vector)."""


def image_descriptor(pixels: np.ndarray) -> np.ndarray:
    """(height, width, 3) uint8 RGB -> (d,) float32: oriented gradients, thumbnail, colour layout, colours.

    Gradient histograms after Dalal, Triggs: Histograms of Oriented Gradients for Human Detection, 2005, with
    full-circle orientations, soft votes between neighbouring cells and orientations, on the picture stretched to 32 x
    32 pixels.
    """
    colour = resized(pixels, (SIDE, SIDE)).astype(np.float32) / 255.0
    grey = colour @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    fine = _gradient_histograms(grey)
    coarse = fine.reshape(CELLS // 2, 2, CELLS // 2, 2, ORIENTATIONS).sum((1, 3))
    thumbnail = _pooled(grey, 8)
    chroma = np.stack([colour[..., 0] - grey, colour[..., 2] - grey], axis=-1)
    bins = np.minimum((colour * COLOUR_BINS).astype(np.int64), COLOUR_BINS - 1)
    counts = np.bincount((bins @ np.array([COLOUR_BINS**2, COLOUR_BINS, 1])).ravel(), minlength=COLOUR_BINS**3)
    parts = {
        "gradients": _block_normalised(fine),
        "coarse_gradients": np.sqrt(coarse),
        "picture": thumbnail - thumbnail.mean(),
        "colour_layout": np.concatenate([_pooled(chroma, 4).ravel(), _pooled(colour, 2).ravel() - 0.5]),
        "colours": np.sqrt(counts.astype(np.float32)),
    }
    return np.concatenate([PARTS[name] * _unit(values) for name, values in parts.items()]).astype(np.float32)


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(height, width, 3) uint8 -> (*size, 3) uint8, by area where it shrinks, else between neighbouring pixels."""
    shrinks = pixels.shape[0] > size[0] and pixels.shape[1] > size[1]
    try:
        import cv2
    except ImportError:
        from PIL import Image

        way = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
        return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), way))
    return cv2.resize(pixels, (size[1], size[0]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _gradient_histograms(grey: np.ndarray) -> np.ndarray:
    """(32, 32) -> (8, 8, 12): gradient strength, voting for the nearest two orientations and four cells."""
    padded = np.pad(grey, 1, mode="edge")
    across = padded[1:-1, 2:] - padded[1:-1, :-2]
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    strength = np.hypot(across, down)
    angle = np.arctan2(down, across) * (ORIENTATIONS / (2 * np.pi)) % ORIENTATIONS
    low = np.floor(angle).astype(np.int64)
    share = angle - low
    votes = np.zeros((SIDE, SIDE, ORIENTATIONS), dtype=np.float32)
    rows, columns = np.indices((SIDE, SIDE))
    votes[rows, columns, low % ORIENTATIONS] += strength * (1 - share)
    votes[rows, columns, (low + 1) % ORIENTATIONS] += strength * share
    kernel = _cell_weights()
    return np.einsum("ai,bj,ijo->abo", kernel, kernel, votes, optimize=True)


def _cell_weights() -> np.ndarray:
    """(8, 32): how much each line of pixels counts for each of 8 cells (overlapping triangles)."""
    width = SIDE / CELLS
    centre = (np.arange(CELLS) + 0.5) * width - 0.5
    return np.maximum(0, 1 - np.abs(np.arange(SIDE)[None] - centre[:, None]) / width).astype(np.float32)


def _block_normalised(cells: np.ndarray) -> np.ndarray:
    """(c, c, o) -> the same, each cell divided by the strength around it (3 x 3 cells), then its square root."""
    energy = (cells**2).sum(-1)
    padded = np.pad(energy, 1, mode="edge")
    around = sum(padded[i : i + len(cells), j : j + len(cells)] for i in range(3) for j in range(3))
    floor = 1e-4 + 0.02 * energy.max()
    return np.sqrt(cells / np.sqrt(around + floor)[..., None]).ravel()


def _pooled(picture: np.ndarray, side: int) -> np.ndarray:
    """(32, 32, ...) -> (side, side, ...) means."""
    step = SIDE // side
    return picture.reshape(side, step, side, step, *picture.shape[2:]).mean((1, 3))


def _unit(values: np.ndarray) -> np.ndarray:
    flat = values.astype(np.float32).ravel()
    length = float(np.sqrt((flat * flat).sum()))
    return flat / length if length > 1e-6 else np.full(len(flat), len(flat) ** -0.5, dtype=np.float32)


DIMENSIONS = CELLS * CELLS * ORIENTATIONS + CELLS * CELLS * ORIENTATIONS // 4 + 64 + 4 * 4 * 2 + 12 + COLOUR_BINS**3


def picture_descriptors(pictures: list[np.ndarray]) -> np.ndarray:
    """(height, width, 3) uint8 pictures -> (n, d) float32."""
    return np.stack([image_descriptor(picture) for picture in pictures])


class ImageDescriptors(Measure):
    """The descriptor of every image."""

    name = "encoder.image_descriptors"
    version = 1
    modality = "image"
    least_side = 1_024  # as the other measures, so that a picture is decoded once for all
    fields = {"encoder.image_descriptors": ("float32", (DIMENSIONS,))}

    def measure(self, items: list) -> dict[str, np.ndarray]:
        """Descriptors of a chunk of `curate.media.item.Image`."""
        return {"encoder.image_descriptors": picture_descriptors([item.pixels for item in items])}

"""Small pictures as arrays: filters, descriptors that stand for them in an index, and the crops they are looked for by.

A picture is an (S, S) array of luma with mean 0. Coordinates run from -1 to 1 over either side.
"""

from __future__ import annotations

from functools import cache

import numpy as np

SMALL_PX = 16
FREQUENCIES = 6
"""Half waves over the side that a descriptor counts; cropping to 90 % moves what is finer out of step."""
CROP = 0.07
"""The queries for cropped pictures cut that share off two sides: between no crop and the largest one."""
GRID, LARGEST = 1 / 64, 128.0
"""What the values of described pictures are multiples of, and their largest size."""


def crops() -> np.ndarray:
    """(6, 2, 3) float32 affine maps: the whole picture, and crops at its four corners and in its middle."""
    whole = np.eye(2, 3, dtype=np.float32)
    cut = [[[1 - CROP, 0, x * CROP], [0, 1 - CROP, y * CROP]] for x in (-1, 1) for y in (-1, 1)]
    cut.append([[1 - CROP, 0, 0], [0, 1 - CROP, 0]])
    return np.concatenate([whole[None], np.array(cut, dtype=np.float32)])


def shrunk(pictures: np.ndarray, side_px: int) -> np.ndarray:
    """(n, S, S) -> (n, side_px, side_px) float32 means of blocks; S is a multiple of `side_px`."""
    block = pictures.shape[-1] // side_px
    # Sums of whole lines, then of columns: numpy's mean over two short axes takes ten times as long.
    kind = np.int32 if pictures.dtype.kind == "i" else np.float32
    lines = pictures[:, ::block].astype(kind)
    for place in range(1, block):
        lines += pictures[:, place::block]
    sums = lines[:, :, ::block].astype(np.float32)
    for place in range(1, block):
        sums += lines[:, :, place::block]
    sums /= block * block
    return sums


@cache
def coordinates(side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """(S, S) x and y of the centres of pixels, from -1 to 1."""
    line = ((np.arange(side_px, dtype=np.float32) + 0.5) * 2 / side_px - 1).astype(np.float32)
    x, y = np.meshgrid(line, line)
    return x, y


@cache
def _plane(side_px: int) -> np.ndarray:
    x, y = coordinates(side_px)
    columns = np.stack([np.ones(side_px**2, dtype=np.float32), x.ravel(), y.ravel()], axis=1)
    return np.linalg.qr(columns)[0].astype(np.float32)


def level(pictures: np.ndarray) -> np.ndarray:
    """Without their mean and slope: two skies that darken downwards have nothing in common."""
    n, side, _ = pictures.shape
    flat, basis = pictures.reshape(n, 1, side * side).astype(np.float32), _plane(side)
    # One product per picture: the last bits of a row of a common one hang on where in it the row stands.
    return (flat - (flat @ basis) @ basis.T).reshape(n, side, side)


@cache
def _blur_matrix(side_px: int, sigma_px: float) -> np.ndarray:
    """(S, S) float32: rows of a Gaussian, mirrored at the ends."""
    reach = int(4 * sigma_px) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((side_px, side_px))
    for row in range(side_px):
        place = np.arange(row - reach, row + reach + 1) % (2 * side_px)
        np.add.at(matrix[row], np.where(place < side_px, place, 2 * side_px - 1 - place), weights)
    return matrix.astype(np.float32)


def blurred(pictures: np.ndarray, sigma_px: float) -> np.ndarray:
    """(n, S, S) float32 blurred by a Gaussian."""
    matrix = _blur_matrix(pictures.shape[-1], sigma_px)
    return matrix @ pictures @ matrix.T


@cache
def _waves() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(16, 16) cosines, (16, 16) bool of the frequencies that count, (d,) their weights."""
    u = np.arange(SMALL_PX)
    cosines = np.cos(np.pi * (u + 0.5) * u[:, None] / SMALL_PX).astype(np.float32)
    frequency = np.hypot(u, u[:, None])
    counted = (frequency > 0) & (frequency <= FREQUENCIES)
    return cosines, counted, frequency[counted].astype(np.float32)


def descriptors(small: np.ndarray) -> np.ndarray:
    """(n, 16, 16) levelled -> (n, 34) float32 unit vectors of low frequencies, all weighing about the same."""
    cosines, counted, weight = _waves()
    waves = (cosines @ small @ cosines.T)[:, counted] * weight
    return waves / np.maximum(np.linalg.norm(waves, axis=1, keepdims=True), 1e-6)


def mirrored(vectors: np.ndarray) -> np.ndarray:
    """The descriptors of the pictures flipped left to right: odd horizontal waves change their sign."""
    _, counted, _ = _waves()
    odd = np.where(np.arange(SMALL_PX) % 2 == 1, -1.0, 1.0).astype(np.float32)
    return vectors * np.broadcast_to(odd, (SMALL_PX, SMALL_PX))[counted]


@cache
def _views(side_px: int) -> np.ndarray:
    """(6 * 34, S * S) float64: from a picture to the waves of it and its crops (`crops`), before they get length 1.

    They are whole multiples of a power of two, so small that no sum of products with a picture of whole `GRID`s has
    more bits than a float64: such sums are exact in any order.

    Looking at a part of a picture, shrinking, levelling and taking cosines are sums over its pixels, and so is all of
    them together.
    """
    cosines, counted, weight = _waves()
    basis = _plane(SMALL_PX)
    flat = np.eye(SMALL_PX**2, dtype=np.float32) - basis @ basis.T
    waves = np.einsum("ui,vj->uvij", cosines, cosines).reshape(SMALL_PX**2, -1)[counted.ravel()]
    described = (waves @ flat) * weight[:, None]
    views = np.concatenate(
        [described @ np.kron(_seen(crop[1, 1], crop[1, 2], side_px), _seen(crop[0, 0], crop[0, 2], side_px))
         for crop in crops()]
    )  # fmt: skip
    largest = LARGEST / GRID * np.abs(views).sum(1).max()
    unit = 2.0 ** (np.ceil(np.log2(largest)) - 52)
    return np.rint(views / unit) * unit


def _seen(scale: float, shift: float, side_px: int) -> np.ndarray:
    """(16, S) float64: from lines of a picture to those of its part, between which it is looked, in means of blocks."""
    line = (np.arange(side_px) + 0.5) * 2 / side_px - 1
    place = ((scale * line + shift + 1) * (side_px / 2) - 0.5).clip(0, side_px - 1)
    low = np.minimum(np.floor(place).astype(np.int64), side_px - 2)
    weights = np.zeros((side_px, side_px))
    rows = np.arange(side_px)
    weights[rows, low] = 1 - (place - low)
    weights[rows, low + 1] = place - low
    return weights.reshape(SMALL_PX, side_px // SMALL_PX, side_px).mean(1)


def described_crops(pictures: np.ndarray) -> np.ndarray:
    """(n, S, S) float32 -> (6, n, 34) float32 unit vectors: `descriptors` of the pictures and of their crops.

    The values lie in [-128, 128] and are taken to whole multiples of `GRID`, which means of up to 8 by 8 integers are.
    No vector hangs on the other pictures.
    """
    n, side, _ = pictures.shape
    views = _views(side)
    exact = np.rint(pictures.reshape(n, side * side) * np.float32(1 / GRID)).astype(np.float64)
    waves = (exact @ views.T).reshape(n, len(crops()), len(views) // len(crops()))
    waves /= np.maximum(np.linalg.norm(waves, axis=2, keepdims=True), 1e-6 / GRID)
    return waves.transpose(1, 0, 2).astype(np.float32, order="C")

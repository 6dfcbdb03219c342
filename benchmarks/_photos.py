"""Photographs for benchmarks, as many as wanted: scenes put together from parts of a few real ones, as JPEG files.

Each has a background, things before it, light from one side and the noise of a sensor, so that its spectrum and its
bits per pixel are those of a photograph; no two show the same. A fiftieth are edited copies of the one before. Parts
are cut from the pictures of a folder instead where one is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks import _originals

SIDES_PX = (256, 512)
"""Between these lie all sides."""
SHAPES = ((4, 3), (3, 4), (3, 2), (2, 3), (1, 1), (16, 9))
LEAST_SPREAD = 30.0
"""Standard deviation of the levels of a part that shows something."""
SOURCE_SIDES_PX = (256, 640)
"""Least pixels of the shorter side of pictures of a folder, most of the longer one."""
COPIES = 50
"""Every how many-th file is an edited copy of the file before."""


def write_photos(folder: Path, count: int, data: Path, seed: int = 0, originals: Path | None = None) -> None:
    """Write `count` JPEG files; the same for the same seed and sources.

    Args:
        folder: where they are written.
        count: how many.
        data: the shared data, for frames of its videos.
        seed: of what is drawn.
        originals: a folder of pictures to cut parts from, instead of those photographs and frames.
    """
    sources = _sources(data) if originals is None else _originals.arrays(originals, SOURCE_SIDES_PX)
    folder.mkdir(parents=True, exist_ok=True)
    last: np.ndarray | None = None
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        copied = last is not None and number % COPIES == COPIES - 1
        scene = _edited(last, rng) if copied and last is not None else _scene(sources, rng)
        quality = int(rng.integers(80, 96))
        _, encoded = cv2.imencode(".jpg", scene[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        (folder / f"{number:06d}.jpg").write_bytes(encoded.tobytes())
        last = scene


def _sources(data: Path) -> list[np.ndarray]:
    """The two photos of scikit-learn, and some frames of the videos of the shared data where these are there."""
    from sklearn.datasets import load_sample_images

    found = list(load_sample_images().images)
    for file in sorted((data / "video_scenes" / "originals").glob("*.mp4")):
        if "distorted" in file.name:
            continue
        film = cv2.VideoCapture(str(file))
        for share in (0.1, 0.5, 0.9):
            film.set(cv2.CAP_PROP_POS_FRAMES, share * film.get(cv2.CAP_PROP_FRAME_COUNT))
            there, frame = film.read()
            if there:
                found.append(np.ascontiguousarray(frame[:, :, ::-1]))
    return found


def _scene(sources: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """(h, w, 3) uint8: a background, things before it, light and noise."""
    shape = SHAPES[rng.integers(len(SHAPES))]
    long = int(rng.integers(round(SIDES_PX[0] * max(shape) / min(shape)), SIDES_PX[1], endpoint=True))
    width, height = (round(long * part / max(shape)) for part in shape)
    scene = _part(sources, width, height, rng).astype(np.float32)
    for _ in range(int(rng.integers(2, 7))):
        mask = np.zeros((height, width), dtype=np.float32)
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(width * rng.uniform(0.08, 0.4)), int(height * rng.uniform(0.08, 0.4)))
        cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1, cv2.LINE_AA)
        thing = _part(sources, width, height, rng).astype(np.float32)
        scene += (thing - scene) * mask[:, :, None]
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    light = 1 + rng.uniform(-0.25, 0.25) * x + rng.uniform(-0.25, 0.25) * y
    scene = scene * light[:, :, None] * rng.uniform(0.85, 1.1, 3) + rng.normal(0, rng.uniform(0.5, 3), scene.shape)
    return np.clip(np.rint(scene), 0, 255).astype(np.uint8)


def _part(sources: Sequence[np.ndarray], width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """(height, width, 3) uint8: some part of some source that shows something, turned and perhaps mirrored."""
    for _ in range(5):
        part = _turned(sources, width, height, rng)
        if part.std() > LEAST_SPREAD:
            break
    return part


def _turned(sources: Sequence[np.ndarray], width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    source = sources[rng.integers(len(sources))]
    scale = rng.uniform(0.6, 1.6) * max(width / source.shape[1], height / source.shape[0])
    matrix = cv2.getRotationMatrix2D(
        (source.shape[1] * rng.uniform(0.2, 0.8), source.shape[0] * rng.uniform(0.2, 0.8)), rng.uniform(0, 360), scale
    )
    matrix[:, 2] += np.array([width, height]) / 2 - matrix[:, :2] @ np.array(source.shape[1::-1]) / 2
    part = cv2.warpAffine(source, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return part[:, ::-1] if rng.integers(2) else part


def _edited(scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy that was cropped, mirrored, lit or shrunk."""
    height, width = scene.shape[:2]
    match int(rng.integers(4)):
        case 0:
            top, left = round(0.05 * height), round(0.05 * width)
            return np.ascontiguousarray(scene[top : height - top, left : width - left])
        case 1:
            return np.ascontiguousarray(scene[:, ::-1])
        case 2:
            return np.clip(scene * 1.25, 0, 255).astype(np.uint8)
    return cv2.resize(scene, (max(16, width * 3 // 4), max(16, height * 3 // 4)), interpolation=cv2.INTER_AREA)

"""Contestants of the loader's benchmark on video: 8 frames of H.264, cropped to 112, flipped, normalised."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._loader_data import MEAN, STD, Epochs, opened

BATCH, FRAMES, SIDE = 8, 8, 112
NEEDS: dict[str, tuple[str, ...]] = {}


def recipe() -> dict[str, Any]:
    """The augment step of the contestant `curate`."""
    return {"image": [{"RandomResizedCrop": {"size": [SIDE, SIDE]}}, "HorizontalFlip"]}


def clip(file: Path) -> np.ndarray:
    """(8, h, w, 3) uint8, evenly spaced: one pass that converts only the frames that are wanted."""
    import av

    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        wanted = {int((i + 0.5) * stream.frames / FRAMES) for i in range(FRAMES)}
        kept = [f.to_ndarray(format="rgb24") for i, f in enumerate(container.decode(stream)) if i in wanted]
    return np.stack(kept)


def changed(frames: np.ndarray, rng: random.Random) -> np.ndarray:
    """(8, 112, 112, 3) uint8: one crop and flip for all frames."""
    import cv2

    height, width = frames.shape[1:3]
    for _ in range(10):
        area, ratio = height * width * rng.uniform(0.08, 1.0), np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if w <= width and h <= height:
            top, left = rng.randint(0, height - h), rng.randint(0, width - w)
            frames = frames[:, top : top + h, left : left + w]
            break
    small = np.stack([cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for frame in frames])
    return small[:, :, ::-1] if rng.random() < 0.5 else small


def bound(data: Path, workers: int) -> Iterable[Any]:
    """PyAV and OpenCV in a loop, into one array that is used again."""
    files = sorted((data / "videos").glob("*/*.mp4"))
    rng = random.Random(0)
    batch = np.empty((BATCH, FRAMES, 3, SIDE, SIDE), np.float32)
    scale = (1 / (255 * np.array(STD, np.float32)))[:, None, None]
    shift = (-np.array(MEAN, np.float32) / np.array(STD, np.float32))[:, None, None]

    def epoch():
        order = rng.sample(files, len(files))
        for start in range(0, len(order), BATCH):
            for place, file in zip(batch, order[start : start + BATCH]):
                np.copyto(place, changed(clip(file), rng).transpose(0, 3, 1, 2))
                place *= scale
                place += shift
            yield batch[: len(order) - start]

    return Epochs(epoch)


def curated(data: Path, workers: int) -> Iterable[Any]:
    """The result of a pipeline with that augment step, opened and fed."""
    return opened(data, workers, batch_size=BATCH, frames=FRAMES, mean=list(MEAN), std=list(STD))


def threads(data: Path, workers: int) -> Iterable[Any] | None:
    """The same with threads as workers."""
    if not workers:
        return None
    return opened(data, workers, batch_size=BATCH, frames=FRAMES, mean=list(MEAN), std=list(STD), workers="threads")


class _Files:
    def __init__(self, files: list[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[Any, int]:
        import torch

        frames = changed(clip(self.files[i]), random.Random())
        tensor = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float().div_(255)
        mean, std = (torch.tensor(part)[:, None, None] for part in (MEAN, STD))
        return (tensor - mean) / std, int(self.files[i].parent.name[-1])


def torch_files(data: Path, workers: int) -> Iterable[Any]:
    """A Dataset over files and a DataLoader."""
    from torch.utils.data import DataLoader

    dataset: Any = _Files(sorted((data / "videos").glob("*/*.mp4")))
    return DataLoader(dataset, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


CONTESTANTS = {
    "bound: PyAV + OpenCV": bound,
    "curate": curated,
    "curate, threads": threads,
    "files + DataLoader": torch_files,
}

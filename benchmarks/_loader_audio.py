"""Contestants of the loader's benchmark on sound: FLAC at 44.1 kHz as one channel at 16 kHz, gain, noise, padded."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._loader_data import RATE, Epochs, opened

BATCH = 32
GAIN_DB, SNR_DB = (-12.0, 6.0), (5.0, 30.0)
NEEDS: dict[str, tuple[str, ...]] = {}


def recipe() -> dict[str, Any]:
    """The augment step of the contestant `curate`."""
    gain = {"min_gain_db": GAIN_DB[0], "max_gain_db": GAIN_DB[1]}
    return {"audio": [{"gain": gain}, {"add_noise": {"min_snr_db": SNR_DB[0], "max_snr_db": SNR_DB[1]}}]}


def sound(file: Path, rng: random.Random, noise: np.random.Generator) -> np.ndarray:
    """(n,) float32: what one writes with soundfile, soxr and NumPy."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    samples = soxr.resample(samples, rate, RATE, quality="HQ").mean(1)
    samples = np.clip(samples * np.float32(10 ** (rng.uniform(*GAIN_DB) / 20)), -1, 1)
    hiss = noise.standard_normal(len(samples), np.float32)
    power = float(np.mean(samples**2)) / 10 ** (rng.uniform(*SNR_DB) / 10)
    return samples + np.float32(power**0.5) * hiss


def padded(sounds: list[np.ndarray]) -> np.ndarray:
    """(B, T) float32."""
    batch = np.zeros((len(sounds), max(map(len, sounds))), np.float32)
    for place, samples in zip(batch, sounds):
        place[: len(samples)] = samples
    return batch


def bound(data: Path, workers: int) -> Iterable[Any]:
    """The same in a loop."""
    files = sorted((data / "audios").glob("*/*.flac"))
    rng, noise = random.Random(0), np.random.default_rng(0)

    def epoch():
        order = rng.sample(files, len(files))
        for start in range(0, len(order), BATCH):
            yield padded([sound(file, rng, noise) for file in order[start : start + BATCH]])

    return Epochs(epoch)


def curated(data: Path, workers: int) -> Iterable[Any]:
    """The result of a pipeline with that augment step, opened and fed."""
    return opened(data, workers, batch_size=BATCH, sampling_rate=RATE)


def threads(data: Path, workers: int) -> Iterable[Any] | None:
    """The same with threads as workers."""
    return opened(data, workers, batch_size=BATCH, sampling_rate=RATE, workers="threads") if workers else None


class _Files:
    def __init__(self, files: list[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[np.ndarray, int]:
        samples = sound(self.files[i], random.Random(), np.random.default_rng())
        return samples, int(self.files[i].parent.name[-1])


def _collated(rows: list[tuple[np.ndarray, int]]) -> tuple[Any, Any]:
    import torch

    sounds = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(samples) for samples, _ in rows], batch_first=True)
    return sounds, torch.tensor([label for _, label in rows])


def torch_files(data: Path, workers: int) -> Iterable[Any]:
    """A Dataset over files and a DataLoader that pads."""
    from torch.utils.data import DataLoader

    dataset: Any = _Files(sorted((data / "audios").glob("*/*.flac")))
    return DataLoader(
        dataset, BATCH, shuffle=True, num_workers=workers, collate_fn=_collated, persistent_workers=workers > 0
    )


def torch_datasets(data: Path, workers: int) -> Iterable[Any]:
    """Hugging Face datasets with undecoded audio and `set_transform`."""
    import datasets
    from torch.utils.data import DataLoader

    files = sorted((data / "audios").glob("*/*.flac"))
    columns = {"audio": [str(file) for file in files], "label": [int(file.parent.name[-1]) for file in files]}

    def changed(rows: dict[str, list]) -> dict[str, list]:
        chance = random.Random(), np.random.default_rng()
        return {"audio": [sound(Path(file), *chance) for file in rows["audio"]], "label": rows["label"]}

    def collated(rows: list[dict[str, Any]]) -> tuple[Any, Any]:
        return _collated([(row["audio"], row["label"]) for row in rows])

    dataset: Any = datasets.Dataset.from_dict(columns).with_transform(changed)
    return DataLoader(
        dataset, BATCH, shuffle=True, num_workers=workers, collate_fn=collated, persistent_workers=workers > 0
    )


CONTESTANTS = {
    "bound: soundfile + soxr": bound,
    "curate": curated,
    "curate, threads": threads,
    "files + DataLoader": torch_files,
    "datasets + DataLoader": torch_datasets,
}

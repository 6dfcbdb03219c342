"""Contestants of the loader's benchmark on images: batches of 64 of `pixel_values` (B, 3, 224, 224) float32."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._loader_data import MEAN, STD, Epochs, opened

BATCH = 64
_KEPT: list[Any] = []
SIDE = 224
JITTER = {"brightness": (0.8, 1.2), "contrast": (0.8, 1.2), "saturation": (0.8, 1.2), "hue": (-0.05, 0.05)}
NEEDS: dict[str, tuple[str, ...]] = {
    "ImageFolder + torchvision": ("torchvision",),
    "webdataset + albumentations": ("webdataset",),
    "webdataset, OpenCV + albumentations": ("webdataset",),
    "litdata + albumentations": ("litdata",),
    "litdata, OpenCV + albumentations": ("litdata",),
}


def bound(data: Path, workers: int) -> Iterable[Any]:
    """simplejpeg and OpenCV in a loop, into one array that is used again: nothing but the work itself."""
    import cv2
    import simplejpeg

    cv2.setNumThreads(1)
    files = sorted((data / "images").glob("*/*.jpg"))
    rng = random.Random(0)
    batch = np.empty((BATCH, 3, SIDE, SIDE), np.float32)
    scale, shift = [1 / (255 * s) for s in STD], [-m / s for m, s in zip(MEAN, STD)]

    def epoch():
        order = rng.sample(files, len(files))
        for start in range(0, len(order), BATCH):
            for place, file in zip(batch, order[start : start + BATCH]):
                pixels = _jittered(_cropped(simplejpeg.decode_jpeg(file.read_bytes(), "RGB"), rng), rng)
                for channel, plane in enumerate(cv2.split(pixels)):
                    cv2.addWeighted(plane, scale[channel], plane, 0, shift[channel], place[channel], cv2.CV_32F)
            yield batch[: len(order) - start]

    return Epochs(epoch)


def _cropped(pixels: np.ndarray, rng: random.Random) -> np.ndarray:
    """RandomResizedCrop(224) and a flip."""
    import cv2

    height, width = pixels.shape[:2]
    for _ in range(10):
        area, ratio = height * width * rng.uniform(0.08, 1.0), np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if w <= width and h <= height:
            top, left = rng.randint(0, height - h), rng.randint(0, width - w)
            pixels = pixels[top : top + h, left : left + w]
            break
    pixels = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return cv2.flip(pixels, 1) if rng.random() < 0.5 else pixels


def _jittered(pixels: np.ndarray, rng: random.Random) -> np.ndarray:
    """ColorJitter: brightness, contrast, saturation and hue in random order."""
    import cv2

    values = np.arange(256, dtype=np.float32)
    for name in rng.sample(sorted(JITTER), 4):
        factor = rng.uniform(*JITTER[name])
        if name == "brightness":
            pixels = cv2.LUT(pixels, (values * factor).clip(0, 255).astype(np.uint8))
        elif name == "contrast":
            mean = cv2.mean(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))[0]
            pixels = cv2.LUT(pixels, ((values - mean) * factor + mean).clip(0, 255).astype(np.uint8))
        elif name == "saturation":
            grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
            pixels = cv2.addWeighted(pixels, factor, grey, 1 - factor, 0)
        else:
            hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
            turned = ((np.arange(256) + 180 * factor) % 180).astype(np.uint8)
            hue, saturation, value = cv2.split(hsv)
            pixels = cv2.cvtColor(cv2.merge([cv2.LUT(hue, turned), saturation, value]), cv2.COLOR_HSV2RGB)
    return pixels


def recipe() -> dict[str, Any]:
    """The augment step that does the same."""
    return {
        "image": [
            {"RandomResizedCrop": {"size": [SIDE, SIDE]}},
            "HorizontalFlip",
            {"ColorJitter": {name: list(span) for name, span in JITTER.items()} | {"p": 1.0}},
        ]
    }


def curated(data: Path, workers: int) -> Iterable[Any]:
    """The result of a pipeline with that augment step, opened and fed."""
    return opened(data, workers, batch_size=BATCH, mean=list(MEAN), std=list(STD))


def threads(data: Path, workers: int) -> Iterable[Any] | None:
    """The same with threads as workers."""
    return (
        opened(data, workers, batch_size=BATCH, mean=list(MEAN), std=list(STD), workers="threads") if workers else None
    )


def _changes() -> Any:
    import albumentations as A
    from albumentations.pytorch import ToTensorV2

    return A.Compose(
        [
            A.RandomResizedCrop((SIDE, SIDE)),
            A.HorizontalFlip(),
            A.ColorJitter(**JITTER, p=1.0),
            A.Normalize(MEAN, STD),
            ToTensorV2(),
        ]
    )


def _loader(dataset: Any, workers: int, shuffle: bool = True, batch: int | None = BATCH) -> Any:
    import cv2
    from torch.utils.data import DataLoader

    cv2.setNumThreads(1)
    return DataLoader(dataset, batch_size=batch, shuffle=shuffle, num_workers=workers, persistent_workers=workers > 0)


class _Files:
    def __init__(self, files: list[Path]) -> None:
        self.files, self.changes = files, _changes()

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[Any, int]:
        import cv2

        pixels = cv2.imread(str(self.files[i]), cv2.IMREAD_COLOR_RGB)
        return self.changes(image=pixels)["image"], int(self.files[i].parent.name[-1])


def torch_files(data: Path, workers: int) -> Iterable[Any]:
    """As the documentation of Albumentations has it: `cv2.imread` in a Dataset, one Compose, a DataLoader."""
    return _loader(_Files(sorted((data / "images").glob("*/*.jpg"))), workers)


def torch_datasets(data: Path, workers: int) -> Iterable[Any]:
    """Hugging Face datasets with `set_transform`, as its documentation has it."""
    import datasets

    changes = _changes()

    def changed(rows: dict[str, list]) -> dict[str, list]:
        pixels = [changes(image=np.asarray(image.convert("RGB")))["image"] for image in rows["image"]]
        return {"pixel_values": pixels, "label": rows["label"]}

    rows = datasets.load_from_disk(str(data / "datasets")).with_transform(changed)
    return _loader(rows, workers)


def image_folder(data: Path, workers: int) -> Iterable[Any]:
    """torchvision's ImageFolder and its own transforms."""
    _torchvision()
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    changes = transforms.Compose(
        [
            transforms.RandomResizedCrop(SIDE),
            transforms.RandomHorizontalFlip(),
            transforms.ColorJitter(**JITTER),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    return _loader(ImageFolder(data / "images", changes), workers)


def _torchvision() -> Any:
    """torchvision's wheel wants CUDA libraries; beside a CPU torch its Python part works once its operators exist."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, arguments in (("nms", "Tensor dets, Tensor scores"), ("qnms", "Tensor dets, Tensor scores")):
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}({arguments}, float iou_threshold) -> Tensor")
    _KEPT.append(library)
    import torchvision

    return torchvision


def webdataset(data: Path, workers: int) -> Iterable[Any]:
    """Shards of JPEGs as its documentation has it: decoded by ``decode("pil")``, shuffled in a buffer."""
    changes = _changes()

    def changed(image: Any) -> Any:
        return changes(image=np.asarray(image))["image"]

    rows = _shards(data).decode("pil").to_tuple("jpg", "cls").map_tuple(changed, int)
    return _web_loader(rows, workers)


def webdataset_opencv(data: Path, workers: int) -> Iterable[Any]:
    """The same shards, decoded by OpenCV in a function of one's own."""
    import cv2

    changes = _changes()

    def decoded(sample: tuple[bytes, bytes]) -> tuple[Any, int]:
        pixels = cv2.imdecode(np.frombuffer(sample[0], np.uint8), cv2.IMREAD_COLOR_RGB)
        return changes(image=pixels)["image"], int(sample[1])

    return _web_loader(_shards(data).to_tuple("jpg", "cls").map(decoded), workers)


def _shards(data: Path) -> Any:
    import webdataset as wds

    shards = sorted(str(path) for path in (data / "shards").glob("*.tar"))
    return wds.WebDataset(shards, shardshuffle=len(shards), seed=0).shuffle(256)


def _web_loader(rows: Any, workers: int) -> Any:
    import cv2
    import webdataset as wds

    cv2.setNumThreads(1)
    return wds.WebLoader(rows.batched(BATCH), batch_size=None, num_workers=workers, persistent_workers=workers > 0)


def litdata(data: Path, workers: int) -> Iterable[Any]:
    """Chunks of images as its documentation has it: `optimize` was given Pillow's, rows come decoded."""
    if importlib.util.find_spec("torchvision") is not None:
        _torchvision()  # litdata imports it on sight
    changes = _changes()
    return _streamed(data / "chunks_of_images", workers, lambda image: changes(image=_pixels(image))["image"])


def _pixels(image: Any) -> np.ndarray:
    """(h, w, 3) of what litdata gives: a tensor (3, h, w) where torchvision can decode, else Pillow's."""
    import torch

    return image.permute(1, 2, 0).contiguous().numpy() if isinstance(image, torch.Tensor) else np.asarray(image)


def litdata_opencv(data: Path, workers: int) -> Iterable[Any]:
    """Chunks of JPEGs as plain bytes, decoded by OpenCV in a function of one's own."""
    import cv2

    changes = _changes()

    def decoded(content: bytes) -> Any:
        return changes(image=cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB))["image"]

    return _streamed(data / "chunks", workers, decoded)


def _streamed(chunks: Path, workers: int, made: Callable[[Any], Any]) -> Any:
    import cv2
    import litdata as ld

    cv2.setNumThreads(1)

    class Rows(ld.StreamingDataset):
        def __getitem__(self, index: Any) -> tuple[Any, int]:
            row = super().__getitem__(index)
            return made(row["image"]), int(row["label"])

    rows = Rows(str(chunks), shuffle=True)
    return ld.StreamingDataLoader(rows, batch_size=BATCH, num_workers=workers, persistent_workers=workers > 0)


CONTESTANTS = {
    "bound: simplejpeg + OpenCV": bound,
    "curate": curated,
    "curate, threads": threads,
    "files + albumentations": torch_files,
    "datasets + albumentations": torch_datasets,
    "ImageFolder + torchvision": image_folder,
    "webdataset + albumentations": webdataset,
    "webdataset, OpenCV + albumentations": webdataset_opencv,
    "litdata + albumentations": litdata,
    "litdata, OpenCV + albumentations": litdata_opencv,
}
"""Peers do as their documentation says, also in decoding; with ", OpenCV" in the name they decode by a function of
one's own."""

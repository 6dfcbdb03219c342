"""Files for the loader's benchmark: photographs, recordings and clips that are the same on every machine."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = 8
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RATE = 16_000


def image_files(folder: Path, count: int) -> None:
    """`count` JPEGs in a folder per class, sides of 256 to 512 pixels: parts of scikit-learn's two photographs."""
    import cv2
    from PIL import Image
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(0)
    photographs = load_sample_images().images
    for i in range(count):
        photograph = photographs[i % len(photographs)]
        height, width = rng.integers(256, 513, 2)
        scale = rng.uniform(max(height / photograph.shape[0], width / photograph.shape[1], 0.7), 1.3)
        large = cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        top, left = rng.integers(0, large.shape[0] - height + 1), rng.integers(0, large.shape[1] - width + 1)
        file = folder / f"class{i % CLASSES}" / f"{i:05d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(large[top : top + height, left : left + width]).save(file, quality=90)


def audio_files(folder: Path, count: int) -> None:
    """`count` FLAC files of 3 to 5 s at 44.1 kHz in a folder per class: chords with vibrato, and hiss."""
    import soundfile

    rng = np.random.default_rng(1)
    for i in range(count):
        time = np.arange(int(44_100 * rng.uniform(3, 5))) / 44_100
        tones = rng.uniform(100, 2000, 4)
        sound = sum(np.sin(2 * np.pi * tone * time + 3 * np.sin(2 * np.pi * 5 * time)) for tone in tones)
        samples = 0.15 * sound + 0.01 * rng.normal(size=len(time))
        file = folder / f"class{i % CLASSES}" / f"{i:05d}.flac"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, np.clip(samples, -1, 1).astype(np.float32), 44_100, subtype="PCM_16")


def video_files(folder: Path, count: int) -> None:
    """`count` H.264 files of 2 s, 320 x 240 pixels, 24 frames a second: a window that moves over a photograph."""
    import av
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(2)
    photographs = load_sample_images().images
    for i in range(count):
        photograph = photographs[i % len(photographs)]
        starts, ends = rng.integers(0, (photograph.shape[0] - 239, photograph.shape[1] - 319), (2, 2))
        file = folder / f"class{i % CLASSES}" / f"{i:05d}.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(file), "w") as container:
            stream = container.add_stream("h264", rate=24)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            for t in np.linspace(0, 1, 48):
                top, left = (starts + t * (ends - starts)).astype(int)
                frame = np.ascontiguousarray(photograph[top : top + 240, left : left + 320])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
            container.mux(stream.encode())


class Epochs:
    """What can be iterated again and again."""

    def __init__(self, epoch: Callable[[], Iterator[Any]]) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        """The batches of one epoch."""
        return self.epoch()


def opened(data: Path, count: int, **options: Any) -> Any:
    """The loader of the curated set in that folder, with so many workers."""
    import curate

    more = {"persistent_workers": True} if count else {}
    return curate.open(data / "curated").loader(num_workers=count, **more, **options)


MAKERS = {"image": image_files, "audio": audio_files, "video": video_files}


def prepare(modality: str, folder: Path, count: int, recipe: dict) -> None:
    """Make the files of a modality and their forms for every contestant, unless they are there."""
    done = folder / "done"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / f"{modality}s"
    MAKERS[modality](files, count)
    curated_set(files, folder / "curated", recipe)
    if modality == "image":
        datasets_set(files, folder / "datasets")
        webdataset_set(files, folder / "shards")
        litdata_set(files, folder)
    done.touch()


def curated_set(files: Path, out: Path, recipe: dict) -> None:
    """The result of a pipeline that only augments."""
    import curate

    text = json.dumps({"curate": 1, "steps": [{"augment": recipe}]})
    pipeline_file = out.with_suffix(".yaml")
    pipeline_file.write_text(text)
    curate.Pipeline.from_yaml(pipeline_file).run(str(files), out=out)


def datasets_set(files: Path, out: Path) -> None:
    """A `datasets` folder with the encoded images in it."""
    import datasets

    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    rows = {"image": [], "label": []}
    for file in sorted(files.glob("*/*")):
        rows["image"].append({"bytes": file.read_bytes(), "path": None})
        rows["label"].append(int(file.parent.name[-1]))
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(out))


def webdataset_set(files: Path, out: Path, shards: int = 8) -> None:
    """Tar files with a JPEG and a class for each row."""
    import tarfile

    out.mkdir(parents=True, exist_ok=True)
    every = sorted(files.glob("*/*"), key=lambda file: file.name)
    for shard in range(shards):
        with tarfile.open(out / f"{shard:04d}.tar", "w") as tar:
            for file in every[shard::shards]:
                for suffix, data in (("jpg", file.read_bytes()), ("cls", file.parent.name[-1].encode())):
                    entry = tarfile.TarInfo(f"{file.stem}.{suffix}")
                    entry.size = len(data)
                    tar.addfile(entry, io.BytesIO(data))


def litdata_set(files: Path, folder: Path) -> None:
    """Chunks as litdata writes them, of the JPEGs' bytes and of images; nothing where it is not installed."""
    import importlib.util

    if importlib.util.find_spec("litdata") is None:
        return
    import litdata

    every = [str(file) for file in sorted(files.glob("*/*"), key=lambda file: file.name)]
    for make, name in ((_litdata_row, "chunks"), (_litdata_image, "chunks_of_images")):
        litdata.optimize(make, every, str(folder / name), chunk_bytes="8MB", num_workers=1)


def _litdata_row(file: str) -> dict:
    return {"image": Path(file).read_bytes(), "label": int(Path(file).parent.name[-1])}


def _litdata_image(file: str) -> dict:
    from PIL import Image

    return {"image": Image.open(file), "label": int(Path(file).parent.name[-1])}

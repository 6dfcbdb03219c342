"""Small sets and pipelines of every modality, each with a broken row, a double and steps that change rows."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks._reaudit_sets import melody, passage, picture

HEAD = "curate: 1\nsource: {path: %s}\nevidence: {encoder: classic, workers: 1}\n"
STEPS = {
    "image": """steps:
  - unreadable
  - image_quality: {fix: review}
  - exact_duplicates: {fix: drop}
  - resize_image: {size: 96}
  - near_duplicates: {fix: weight, limit: 1}
  - label_errors: {fix: soften, limit: 1}
  - class_weights
""",
    "text": """steps:
  - clean_text
  - exact_duplicates: {fix: drop}
  - text_quality: {fix: review}
  - label_errors: {fix: soften, limit: 1}
  - oversample: {to: majority}
""",
    "audio": """steps:
  - unreadable
  - exact_duplicates: {fix: drop}
  - resample_audio: {rate: 8000}
  - audio_quality: {fix: weight, limit: 1}
  - class_weights
""",
    "video": """steps:
  - unreadable
  - exact_duplicates: {fix: drop}
  - video_quality: {fix: weight, limit: 1}
  - class_weights
""",
    "table": """task: {features: [a, b, c], label: label}
steps:
  - missing_values
  - impute
  - scale
  - outliers: {fix: review, limit: 1}
  - label_errors: {fix: soften, limit: 1}
  - synthesize
""",
    "series": """task: {series: series, label: label}
steps:
  - series_quality: {fix: weight, limit: 1}
  - exact_duplicates: {fix: drop}
  - label_errors: {fix: soften, limit: 1}
  - class_weights
""",
}
MODALITIES = tuple(STEPS)


def make_set(kind: str, home: Path, rows: int, seed: int = 0) -> Path:
    """Write a set and its pipeline; gives the pipeline file."""
    home.mkdir(parents=True, exist_ok=True)
    data = WRITERS[kind](home, rows, np.random.default_rng((seed, MODALITIES.index(kind))))
    file = home / "pipeline.yaml"
    file.write_text(HEAD % data.name + STEPS[kind], encoding="utf-8")
    return file


def _media(
    ending: str,
    write: Callable[[Path, int, np.random.Generator], None],
    home: Path,
    rows: int,
    rng: np.random.Generator,
) -> Path:
    """A folder per class, with a file that is cut off and one that is there twice."""
    for row in range(rows):
        path = home / "set" / "ab"[row % 2] / f"{row:04d}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, row % 2, rng)
    (home / "set" / "a" / f"cut.{ending}").write_bytes(path.read_bytes()[:77])
    (home / "set" / "b" / f"twice.{ending}").write_bytes(path.read_bytes())
    return home / "set"


def _images(home: Path, rows: int, rng: np.random.Generator) -> Path:
    return _media("jpg", picture, home, rows, rng)


def _audio(home: Path, rows: int, rng: np.random.Generator) -> Path:
    return _media("wav", melody, home, rows, rng)


def _videos(home: Path, rows: int, rng: np.random.Generator) -> Path:
    return _media("mp4", clip, home, rows, rng)


def clip(path: Path, label: int, rng: np.random.Generator) -> None:
    """Twelve frames of 64 x 48 pixels: a square that moves over noise, by class in another colour."""
    import av

    ground = rng.integers(0, 80, (48, 64, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for step in range(12):
            frame = ground.copy()
            frame[10 + step : 26 + step, 2 * step : 2 * step + 16, label] = 230
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _texts(home: Path, rows: int, rng: np.random.Generator) -> Path:
    lines = [[passage(row % 3, rng), f"class{row % 3}"] for row in range(rows)]
    return _csv(home / "texts.csv", ["text", "label"], [*lines, lines[0], ["  ", "class1"]])


def _records(home: Path, rows: int, rng: np.random.Generator) -> Path:
    codes = np.arange(rows) % 5 // 2  # two classes of two fifths of the rows, one of a fifth
    values = rng.normal(codes[:, None], 0.4, (rows, 3)).round(4)
    lines = [[*map(str, row), f"class{code}"] for row, code in zip(values.tolist(), codes.tolist(), strict=True)]
    lines[3][1] = ""
    return _csv(home / "records.csv", ["a", "b", "c", "label"], lines)


def _csv(path: Path, names: list[str], lines: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *lines])
    return path


def _series(home: Path, rows: int, rng: np.random.Generator) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    time, codes = np.linspace(0, 6, 64), np.arange(rows) % 2
    waves = [np.sin((1 + code) * time + rng.uniform(0, 6)) + rng.normal(0, 0.2, 64) for code in codes.tolist()]
    waves[-1] = waves[-2]
    labels = [f"class{code}" for code in codes.tolist()]
    pq.write_table(pa.table({"series": [wave.tolist() for wave in waves], "label": labels}), home / "series.parquet")
    return home / "series.parquet"


WRITERS: dict[str, Callable[[Path, int, np.random.Generator], Path]] = {
    "image": _images,
    "text": _texts,
    "audio": _audio,
    "video": _videos,
    "table": _records,
    "series": _series,
}

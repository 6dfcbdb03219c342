"""Videos: another coding, and either end cut off."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

import curate
from benchmarks.near_duplicates.scoring import Planted, score, show, timed
from curate.evidence import Evidence, EvidenceSettings

EDITS = ("coded", "start_cut", "end_cut")
VIDEOS = 100
SECONDS = 2.0


def clips(data: Path) -> list[tuple[np.ndarray, int]]:
    """Frames and rate of two-second stretches of eighths of the pictures of the four videos; none overlap."""
    import av
    import cv2

    found = []
    for file in sorted((data / "video_scenes" / "originals").glob("*.mp4")):
        if "distorted" in file.name:
            continue
        with av.open(str(file)) as container:
            rate = round(float(container.streams.video[0].average_rate or 25))
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        small = np.stack([cv2.resize(frame, (480, 270), interpolation=cv2.INTER_AREA) for frame in frames])
        length, parts = int(SECONDS * rate), [(y, x) for y in (0, 135) for x in (0, 120, 240, 360)]
        for begin in range(0, len(small) - length + 1, length):
            found += [(small[begin : begin + length, y : y + 134, x : x + 120], rate) for y, x in parts]
    moving = [clip for clip in found if clip[0].astype(np.float32).std(0).mean() > 1.0]
    chosen = np.random.default_rng(0).permutation(len(moving))[:VIDEOS]
    return [moving[i] for i in chosen]


def encoded(
    frames: np.ndarray, rate: int, codec: str = "libx264", bit_rate: int | None = None, **options: Any
) -> bytes:
    """Bytes of an MP4 file."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.height, stream.width = (side // 2 * 2 for side in frames.shape[1:3])
        stream.pix_fmt = "yuv420p"
        stream.options = {name: str(value) for name, value in options.items()}
        if bit_rate:
            stream.bit_rate = bit_rate
        for frame in frames:
            picture = np.ascontiguousarray(frame[: stream.height, : stream.width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


def edited(frames: np.ndarray, rate: int, edit: str) -> bytes:
    """The film as MPEG-4 of 120 kbit/s at three quarters of its size, or without its first or last quarter."""
    import cv2

    quarter = len(frames) // 4
    match edit:
        case "coded":
            size = (frames.shape[2] * 3 // 4, frames.shape[1] * 3 // 4)
            small = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])
            return encoded(small, rate, "mpeg4", bit_rate=120_000)
        case "start_cut":
            return encoded(frames[quarter:], rate, crf=28)
    return encoded(frames[:-quarter], rate, crf=28)


def by_curate(files: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs above curate's own threshold."""
    data = {"video": [{"bytes": content, "path": None} for content in files]}
    table = curate.load(data, task=curate.Task(video="video"))
    pairs = Evidence(table, EvidenceSettings(encoder="classic")).near_pairs()
    found = pairs.where(pairs.similarity >= pairs.threshold)
    return found.left, found.right


def run(data: Path) -> None:
    """Print the table."""
    if not (data / "video_scenes").is_dir():
        print(f"  skipped, no data in {data}")
        return
    originals = clips(data)
    files = [encoded(frames, rate, crf=18) for frames, rate in originals]
    known = frozenset((int(min(a, b)), int(max(a, b))) for a, b in zip(*by_curate(files), strict=True))
    if known:
        print(f"  {len(known)} pairs of originals look the same (a still shot), and count neither way")
    files += [edited(frames, rate, edit) for edit in EDITS for frames, rate in originals]
    print(f"  moving parts of films: {len(originals)} originals, {len(files)} rows")
    left, right, seconds = timed(lambda: by_curate(files))
    show("curate", score(Planted.of(len(originals), EDITS, known), left, right), seconds)

"""Recordings and clips for benchmarks, as many as wanted, made from those of the shared data."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

KINDS = (
    ("WAV", "PCM_16", "wav"),
    ("FLAC", "PCM_16", "flac"),
    ("OGG", "VORBIS", "ogg"),
    ("MP3", "MPEG_LAYER_III", "mp3"),
)


def write_recordings(folder: Path, count: int, data: Path, seconds: float = 5.0, seed: int = 0) -> None:
    """Write `count` files of about `seconds`: spoken digits one after the other, at 16 kHz, in four codings in turn."""
    import soundfile
    import soxr

    folder.mkdir(parents=True, exist_ok=True)
    spoken = sorted((data / "fsdd_600" / "recordings").rglob("*.wav"))
    rate = 16_000
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        parts, length = [], 0
        while length < seconds * rate:
            samples, own = soundfile.read(spoken[rng.integers(len(spoken))], dtype="float32")
            samples = soxr.resample(samples, own, rate * rng.uniform(0.9, 1.1)).astype(np.float32)
            parts += [samples * rng.uniform(0.4, 1.0), np.zeros(int(rng.integers(800, 6_000)), np.float32)]
            length += len(parts[-2]) + len(parts[-1])
        sound = np.concatenate(parts) + rng.normal(0, 1e-3, length).astype(np.float32)
        kind, coding, ending = KINDS[number % len(KINDS)]
        soundfile.write(folder / f"{number:05d}.{ending}", sound.clip(-1, 1), rate, format=kind, subtype=coding)


def write_clips(folder: Path, count: int, data: Path, seconds: float = 2.0, seed: int = 0) -> None:
    """Write `count` H.264 clips of `seconds`, 320 pixels wide: parts of the videos, at other places and brightness."""
    import av
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    films = []
    for file in sorted((data / "video_scenes" / "originals").glob("*.mp4")):
        if "distorted" not in file.name:
            with av.open(str(file)) as container:
                films.append([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        film, wanted = films[rng.integers(len(films))], int(seconds * 24)
        start = int(rng.integers(max(1, len(film) - wanted)))
        height, width = film[0].shape[:2]
        share = rng.uniform(0.6, 1.0)
        y, x = (int(rng.integers(side - int(side * share) + 1)) for side in (height, width))
        out = BytesIO()
        with av.open(out, "w", format="mp4") as target:
            stream = target.add_stream("libx264", rate=24, options={"crf": "23", "preset": "fast", "threads": "1"})
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            for place in range(wanted):
                frame = film[(start + place) % len(film)]
                part = frame[y : y + int(height * share), x : x + int(width * share)]
                part = cv2.resize(part, (320, 240), interpolation=cv2.INTER_AREA)
                made = av.VideoFrame.from_ndarray(np.ascontiguousarray(part), format="rgb24")
                for packet in stream.encode(made):
                    target.mux(packet)
            for packet in stream.encode(None):
                target.mux(packet)
        (folder / f"{number:05d}.mp4").write_bytes(out.getvalue())

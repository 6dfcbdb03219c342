"""Faults that are planted into images, masks, boxes and videos, as encoded files."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

File = tuple[str, bytes]
"""Name and content."""


def encoded(pixels: np.ndarray, kind: str = "JPEG", quality: int = 92, **options) -> bytes:
    """(h, w, 3 or 4) or (h, w) uint8 -> a file."""
    from PIL import Image

    out = io.BytesIO()
    if kind == "JPEG":
        options["quality"] = quality
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, kind, **options)
    return out.getvalue()


def photo_crops(count: int, side: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Crops of the two photos that come with scikit-learn, shrunk to (side, side, 3) from 1 to 1.6 times that."""
    import cv2
    from sklearn.datasets import load_sample_images

    photos, crops = load_sample_images().images, []
    for place in range(count):
        photo = photos[place % len(photos)]
        size = int(min(side * rng.uniform(1.0, 1.6), min(photo.shape[:2])))
        y, x = rng.integers(photo.shape[0] - size + 1), rng.integers(photo.shape[1] - size + 1)
        crops.append(cv2.resize(photo[y : y + size, x : x + size], (side, side), interpolation=cv2.INTER_AREA))
    return crops


def clip(values: np.ndarray) -> np.ndarray:
    """Rounded to uint8."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def framed(pixels: np.ndarray, share: float, colour: int, sides: str) -> np.ndarray:
    """Bars or a frame over `share` of the height at each end."""
    out, depth = pixels.copy(), max(2, round(share * len(pixels)))
    out[:depth] = out[-depth:] = colour
    if sides == "all":
        out[:, :depth] = out[:, -depth:] = colour
    return out


def image_faults(base: Sequence[np.ndarray], count: int, rng: np.random.Generator) -> dict[str, list[File]]:
    """Issue -> `count` faulty files made of photos."""
    import cv2

    scale = max(1.0, base[0].shape[0] / 96)

    def resized(p: np.ndarray, across: float, down: float) -> np.ndarray:
        return cv2.resize(p, (max(4, round(p.shape[1] * across)), max(4, round(p.shape[0] * down))))

    def blank(p: np.ndarray) -> np.ndarray:
        return clip(rng.uniform(0, 255, 3) + rng.normal(0, 0.4, p.shape))

    def blur(p: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(p, (0, 0), rng.uniform(1.6, 3.0) * min(scale, 1.5))

    def turned(p: np.ndarray) -> bytes:
        from PIL import Image

        exif = Image.Exif()
        exif[0x0112] = int(rng.integers(2, 9))
        return encoded(p, exif=exif.tobytes())

    def clear(p: np.ndarray) -> bytes:
        alpha = np.full(p.shape[:2], 255, np.uint8)
        alpha[: int(rng.uniform(0.1, 1.0) * len(alpha))] = rng.integers(0, 200)
        return encoded(np.dstack([p, alpha]), "PNG")

    def moving(p: np.ndarray) -> bytes:
        from PIL import Image

        frames = [Image.fromarray(np.roll(p, 3 * i, axis=1)) for i in range(1, 4)]
        return encoded(p, "GIF", save_all=True, append_images=frames)

    def grey(p: np.ndarray) -> np.ndarray:
        return np.repeat(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY)[:, :, None], 3, 2)

    def border(p: np.ndarray) -> np.ndarray:
        return framed(p, rng.uniform(0.07, 0.25), int(rng.choice([0, 255])), str(rng.choice(["all", "ends"])))

    makers: dict[str, tuple[str, Callable[[np.ndarray], bytes | np.ndarray]]] = {
        "low_information": ("jpg", blank),
        "dark": ("jpg", lambda p: clip(p * rng.uniform(0.03, 0.25))),
        "bright": ("jpg", lambda p: clip(255 - (255 - p.astype(float)) * rng.uniform(0.03, 0.28))),
        "low_contrast": ("jpg", lambda p: clip(127 + (p - 127.0) * rng.uniform(0.04, 0.18))),
        "blurry": ("jpg", blur),
        "noisy": ("png", lambda p: rng.integers(0, 256, p.shape, dtype=np.uint8)),
        "odd_size": ("jpg", lambda p: resized(p, *[float(rng.choice([0.2, 0.25, 4, 6]))] * 2)),
        "odd_aspect": ("jpg", lambda p: resized(p, float(rng.uniform(3, 6)), 1)),
        "turned": ("jpg", turned),
        "border": ("jpg", border),
        "transparent": ("png", clear),
        "animated": ("gif", moving),
        "greyscale": ("jpg", grey),
        "wrong_ending": ("png", lambda p: p),
    }
    found: dict[str, list[File]] = {}
    for issue, (ending, make) in makers.items():
        files = []
        for place in range(count):
            made = make(base[place % len(base)])
            if not isinstance(made, bytes):
                made = encoded(made, "PNG" if ending == "png" and issue != "wrong_ending" else "JPEG")
            files.append((f"{issue}_{place:03d}.{ending}", made))
        found[issue] = files
    return found


def film(
    frames: Sequence[np.ndarray],
    fps: float = 25,
    stamps: Sequence[int] | None = None,
    sound: np.ndarray | None = None,
    options: dict[str, str] | None = None,
) -> bytes:
    """An MP4 of frames (h, w, 3), H.264, with AAC sound (16 kHz, mono, full scale is 1) where it is given.

    `stamps` are the times of the frames in milliseconds.
    """
    from fractions import Fraction

    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1000)
        video = container.add_stream("libx264", rate=rate, options=options or {"crf": "20"})
        video.height, video.width = (side // 2 * 2 for side in frames[0].shape[:2])
        video.pix_fmt = "yuv420p"
        if stamps is not None:
            video.codec_context.time_base = Fraction(1, 1000)
        track = container.add_stream("aac", rate=16_000) if sound is not None else None
        for place, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[: video.height, : video.width]), "rgb24")
            if stamps is not None:
                frame.pts, frame.time_base = int(stamps[place]), Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if track is not None and sound is not None:
            block = av.AudioFrame.from_ndarray(sound.astype(np.float32)[None], format="fltp", layout="mono")
            block.sample_rate = 16_000
            container.mux(track.encode(block))
            container.mux(track.encode(None))
    return out.getvalue()


def footage(folder: Path, width: int = 128) -> dict[str, list[np.ndarray]]:
    """File -> its frames, shrunk, of the real videos in a folder."""
    import av

    found = {}
    for path in sorted(folder.glob("*.mp4")):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            height = round(width * stream.height / stream.width) // 2 * 2
            found[path.name] = [
                frame.to_ndarray(format="rgb24", width=width, height=height) for frame in container.decode(stream)
            ]
    return found


def tone(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Noise and a tone at 16 kHz."""
    time = np.arange(int(16_000 * seconds)) / 16_000
    return (0.2 * np.sin(2 * np.pi * rng.uniform(200, 2000) * time) + rng.normal(0, 0.02, len(time))).astype(np.float32)


def clean_videos(shots: Sequence[Sequence[np.ndarray]], count: int, rng: np.random.Generator) -> list[File]:
    """`count` clips of 2 s with sound, each within one shot."""
    return [
        (f"clean_{place:03d}.mp4", film(stretch(shots[place % len(shots)], 50, rng), sound=tone(2, rng)))
        for place in range(count)
    ]


def stretch(shot: Sequence[np.ndarray], count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """`count` frames in a row from anywhere in a shot, there and back where it is shorter, brightness varied."""
    there_and_back = [*shot, *shot[-2:0:-1]]
    start = int(rng.integers(len(there_and_back)))
    gain = rng.uniform(0.85, 1.1)
    return [clip(there_and_back[(start + i) % len(there_and_back)] * gain) for i in range(count)]


def video_faults(shots: Sequence[Sequence[np.ndarray]], count: int, rng: np.random.Generator) -> dict[str, list[File]]:
    """Issue -> `count` faulty clips of real footage."""
    import cv2

    def one(issue: str, place: int) -> bytes:
        shot = shots[place % len(shots)]
        frames, sound = stretch(shot, 50, rng), tone(2, rng)
        start = int(rng.integers(3, 20))
        if issue == "black":
            frames[start : start + 27] = [np.zeros_like(frames[0])] * 27
        elif issue == "frozen":
            frames[start : start + 28] = [frames[start]] * 28
        elif issue == "cuts":
            other = stretch(shots[(place + 1) % len(shots)], 50, rng)
            size = frames[0].shape[1::-1]
            frames[start + 5 :] = [cv2.resize(f, size) for f in other[start + 5 :]]
        elif issue == "variable_frame_rate":
            steps = rng.choice([20, 40, 90, 160], 50)
            return film(frames, stamps=np.cumsum(steps), sound=tone(4, rng))
        elif issue == "missing_sound":
            return film(frames)
        elif issue == "silent_sound":
            sound = np.zeros_like(sound)
        elif issue == "odd_duration":
            count_frames = int(rng.choice([8, 400]))
            return film(stretch(shot, count_frames, rng), sound=tone(count_frames / 25, rng))
        elif issue == "odd_fps":
            return film(frames[:20], fps=float(rng.choice([8, 60])), sound=sound)
        elif issue == "odd_size":
            frames = [cv2.resize(f, None, fx=3.5, fy=3.5) for f in frames]
        elif issue == "odd_aspect":
            frames = [cv2.resize(f, None, fx=4, fy=0.5) for f in frames]
        elif issue == "overcompressed":
            return film(frames, sound=sound, options={"crf": "45"})
        elif issue == "blurry":
            frames = [cv2.GaussianBlur(f, (0, 0), 2.5) for f in frames]
        elif issue == "unreadable_tail":
            return broken_tail(film(frames, sound=sound))
        return film(frames, sound=sound)

    issues = (
        "black", "frozen", "cuts", "variable_frame_rate", "missing_sound", "silent_sound", "odd_duration", "odd_fps",
        "odd_size", "odd_aspect", "blurry", "overcompressed", "unreadable_tail",
    )  # fmt: skip
    found = {issue: [(f"{issue}_{i:03d}.mp4", one(issue, i)) for i in range(count)] for issue in issues}
    found["wrong_ending"] = [
        (f"wrong_{i:03d}.avi", film(stretch(shots[i % len(shots)], 50, rng), sound=tone(2, rng))) for i in range(count)
    ]
    return found


def broken_tail(data: bytes, frames: int = 3) -> bytes:
    """The last frames of an MP4 overwritten with bytes that are no pictures; the index still promises them."""
    import av

    with av.open(io.BytesIO(data)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
        places = [(p.pos, p.size) for p in sorted(packets, key=lambda p: p.dts)[-frames:]]
    raw = bytearray(data)
    for start, size in places:
        raw[start : start + size] = b"\xff" * size
    return bytes(raw)


CUTS = {"bikes.mp4": (0, 30, 76, 137, 187, 242), "nasa_13013.mp4": (0, 140, 202)}
"""First frames of the shots of the real videos, found by eye; the others are of one shot. Frames 125 to 140 of the
second are a dissolve."""


def shots_of(films: dict[str, list[np.ndarray]], least: int = 20) -> list[list[np.ndarray]]:
    """The shots of at least so many frames; those of the compressed copy of another video are left out."""
    found = []
    for name, frames in films.items():
        starts = [*CUTS.get(name, (0,)), len(frames)]
        if "distorted" not in name:
            found += [frames[a:b] for a, b in pairwise(starts) if b - a >= least and (name, a) != ("nasa_13013.mp4", 0)]
    return found

"""Sound media files of every format that can be written here, small, as seeds of mutations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np


def seeds(modality: str) -> dict[str, bytes]:
    """``name.ending`` -> a sound file of ``image``, ``audio`` or ``video``; formats without an encoder are left out."""
    found = {}
    for name, make in {"image": _images, "audio": _audio, "video": _videos}[modality]():
        try:
            found[name] = make()
        except Exception as error:  # whatever a codec that is not there raises: the set says which formats it has
            print(f"  no {name}: {type(error).__name__}: {str(error)[:80]}")
    return found


def _picture(size: tuple[int, int] = (72, 96)) -> np.ndarray:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[: size[0], : size[1]]
    base = np.stack([127 + 120 * np.sin(x / 9 + y / 17), 2 * y, 255 - 2 * x], axis=2)
    return (base + rng.normal(0, 12, base.shape)).clip(0, 255).astype(np.uint8)


def _images() -> Iterator[tuple[str, Callable[[], bytes]]]:
    from PIL import Image

    picture = Image.fromarray(_picture())
    several = [Image.fromarray(np.roll(_picture(), 8 * i, 1)) for i in range(4)]

    def save(image: Any, kind: str, **options: Any) -> Callable[[], bytes]:
        def write() -> bytes:
            out = BytesIO()
            image.save(out, kind, **options)
            return out.getvalue()

        return write

    exif = Image.Exif()
    exif[0x0112] = 6
    alpha = picture.copy()
    alpha.putalpha(Image.fromarray(_picture()[:, :, 0]))
    deep = Image.fromarray((_picture()[:, :, 0].astype(np.uint16) << 8) + 7)
    palette, grey = picture.quantize(64), picture.convert("L")
    rest: dict[str, Any] = {"save_all": True, "append_images": several[1:]}
    yield "plain.jpg", save(picture, "JPEG", quality=85)
    yield "progressive.jpg", save(picture, "JPEG", progressive=True)
    yield "turned.jpg", save(picture, "JPEG", exif=exif, subsampling=0)
    yield "grey.jpg", save(grey, "JPEG")
    yield "cmyk.jpg", save(picture.convert("CMYK"), "JPEG")
    yield "restarts.jpg", save(picture, "JPEG", restart_marker_blocks=2)
    yield "plain.png", save(picture, "PNG")
    yield "alpha.png", save(alpha, "PNG")
    yield "palette.png", save(palette, "PNG", transparency=3)
    yield "deep.png", save(deep, "PNG")
    yield "bits.png", save(grey.convert("1"), "PNG")
    yield "moving.png", save(several[0], "PNG", duration=80, **rest)
    yield "plain.gif", save(palette, "GIF")
    yield "moving.gif", save(several[0], "GIF", duration=80, loop=0, **rest)
    yield "lossy.webp", save(picture, "WEBP")
    yield "lossless.webp", save(alpha, "WEBP", lossless=True)
    yield "moving.webp", save(several[0], "WEBP", duration=80, **rest)
    yield "plain.bmp", save(picture, "BMP")
    yield "palette.bmp", save(palette, "BMP")
    yield "raw.tiff", save(picture, "TIFF")
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield f"{packing}.tiff", save(picture, "TIFF", compression=packing)
    yield "fax.tiff", save(grey.convert("1"), "TIFF", compression="group4")
    yield "deep.tiff", save(deep, "TIFF")
    yield "floats.tiff", save(Image.fromarray(_picture()[:, :, 0].astype(np.float32) / 255), "TIFF")
    yield "pages.tiff", save(several[0], "TIFF", compression="tiff_lzw", **rest)
    yield "plain.avif", save(picture, "AVIF")
    yield "plain.jp2", save(picture, "JPEG2000")
    yield "plain.ppm", save(picture, "PPM")


def _wave(seconds: float = 0.7, rate: int = 16_000, channels: int = 2) -> np.ndarray:
    rng = np.random.default_rng(7)
    t = np.arange(int(seconds * rate)) / rate
    tone = 0.4 * np.sin(2 * np.pi * 330 * t * (1 + t)) * np.exp(-t)
    return (tone[:, None] + rng.normal(0, 0.01, (len(t), channels))).astype(np.float32)


def _audio() -> Iterator[tuple[str, Callable[[], bytes]]]:
    import soundfile

    def save(kind: str, subtype: str, rate: int = 16_000, channels: int = 2) -> Callable[[], bytes]:
        def write() -> bytes:
            out = BytesIO()
            soundfile.write(out, _wave(rate=rate, channels=channels), rate, format=kind, subtype=subtype)
            return out.getvalue()

        return write

    for subtype in ("PCM_16", "PCM_24", "PCM_U8", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM"):
        yield f"{subtype.lower()}.wav", save("WAV", subtype)
    yield "sixteen.wav", save("WAV", "PCM_16", channels=6)
    yield "pcm.flac", save("FLAC", "PCM_16")
    yield "deep.flac", save("FLAC", "PCM_24", channels=1)
    yield "vorbis.ogg", save("OGG", "VORBIS")
    yield "opus.ogg", save("OGG", "OPUS", rate=48_000, channels=1)
    yield "layer3.mp3", save("MP3", "MPEG_LAYER_III", rate=44_100)
    yield "low.mp3", save("MP3", "MPEG_LAYER_III", rate=16_000, channels=1)
    yield "pcm.aiff", save("AIFF", "PCM_16")
    yield "pcm.au", save("AU", "PCM_16")
    yield "pcm.caf", save("CAF", "PCM_16")
    yield "aac.m4a", lambda: _film("ipod", None, "aac")
    yield "adts.aac", lambda: _film("adts", None, "aac")


def _film(kind: str, coding: str | None, sound: str | None, pixels: str = "yuv420p") -> bytes:
    import av

    os.environ.setdefault("SVT_LOG", "1")
    rate = 25 if coding == "mpeg1video" else 20
    options = {"x265-params": "log-level=none"} if coding == "libx265" else {}
    out = BytesIO()
    with av.open(out, "w", format=kind) as container:
        picture = None
        if coding:
            picture = container.add_stream(coding, rate=rate, options=options)
            picture.width, picture.height, picture.pix_fmt = 80, 64, pixels
            picture.codec_context.thread_count = 1  # those of libvpx may wait for each other for ever
        track = None
        if sound:
            track = container.add_stream(sound, rate=48_000 if sound == "libopus" else 16_000)
            track.layout = "mono"
        if picture is not None:
            still = _picture((64, 80))
            for i in range(20):
                frame = av.VideoFrame.from_ndarray(np.roll(still, 3 * i, 1), format="rgb24").reformat(format=pixels)
                container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        if track is not None:
            wave = _wave(1.0, track.rate, 1).T
            resampler = av.AudioResampler(track.format.name, "mono", track.rate, frame_size=track.frame_size or 1024)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), format="fltp", layout="mono")
            frame.rate, frame.pts = track.rate, 0
            for part in (*resampler.resample(frame), *resampler.resample(None)):
                container.mux(track.encode(part))
            container.mux(track.encode(None))
    return out.getvalue()


def _videos() -> Iterator[tuple[str, Callable[[], bytes]]]:
    kinds = (
        ("h264.mp4", "mp4", "libx264", "aac", "yuv420p"),
        ("silent.mp4", "mp4", "libx264", None, "yuv420p"),
        ("mpeg4.mp4", "mp4", "mpeg4", "aac", "yuv420p"),
        ("hevc.mp4", "mp4", "libx265", None, "yuv420p"),
        ("av1.mp4", "mp4", "libsvtav1", None, "yuv420p"),
        ("h264.mov", "mov", "libx264", "pcm_s16le", "yuv420p"),
        ("mpeg4.avi", "avi", "mpeg4", "pcm_s16le", "yuv420p"),
        ("mjpeg.avi", "avi", "mjpeg", None, "yuvj420p"),
        ("vp8.webm", "webm", "libvpx", "libopus", "yuv420p"),
        ("vp9.webm", "webm", "libvpx-vp9", None, "yuv420p"),
        ("h264.mkv", "matroska", "libx264", "aac", "yuv420p"),
        ("ffv1.mkv", "matroska", "ffv1", None, "yuv420p"),
        ("flv1.flv", "flv", "flv1", None, "yuv420p"),
        ("mpeg1.mpg", "mpeg", "mpeg1video", None, "yuv420p"),
        ("mpeg2.ts", "mpegts", "mpeg2video", None, "yuv420p"),
    )
    for name, kind, coding, sound, pixels in kinds:
        name = name.replace(".ts", ".mts")
        yield name, lambda a=kind, b=coding, c=sound, d=pixels: _film(a, b, c, d)

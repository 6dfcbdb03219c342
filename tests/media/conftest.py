"""Encoded files of every kind, made in memory, and seeded ways to damage them."""

import io
from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """(90, 120, 3) uint8: soft gradients with some texture, no two corners alike."""
    y, x = np.mgrid[:90, :120]
    noise = np.random.default_rng(0).integers(-6, 7, (90, 120, 3))
    return np.clip(np.stack([x * 2, y * 2.5, (x + y)], -1) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def images(picture) -> dict[str, bytes]:
    """Name -> encoded image."""
    from PIL import Image

    base = Image.fromarray(picture)

    def encoded(image, kind, **options):
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    return {
        "png": encoded(base, "PNG"),
        "jpeg": encoded(base, "JPEG", quality=95, subsampling=0),
        "progressive": encoded(base, "JPEG", quality=95, progressive=True),
        "cmyk": encoded(base.convert("CMYK"), "JPEG", quality=95),
        "grey_jpeg": encoded(base.convert("L"), "JPEG", quality=95),
        "grey": encoded(base.convert("L"), "PNG"),
        "palette": encoded(base.convert("P"), "PNG"),
        "bilevel": encoded(base.convert("1"), "PNG"),
        "grey_alpha": encoded(base.convert("LA"), "PNG"),
        "rgba": encoded(base.convert("RGBA"), "PNG"),
        "grey16": encoded(Image.fromarray(picture[:, :, 0].astype(np.uint16) * 256 + 7), "PNG"),
        "gif": encoded(base, "GIF"),
        "animation": encoded(base, "GIF", save_all=True, append_images=[base.rotate(30), base.rotate(60)]),
        "webp": encoded(base, "WEBP", quality=95),
        "webp_lossless": encoded(base, "WEBP", lossless=True),
        "bmp": encoded(base, "BMP"),
        "tiff": encoded(base, "TIFF", compression="tiff_lzw"),
        "jpeg2000": encoded(base, "JPEG2000"),
        "avif": encoded(base, "AVIF", quality=95),
        "ppm": encoded(base, "PPM"),
    }


@pytest.fixture(scope="session")
def tone() -> np.ndarray:
    """(2, 16000) float32: a tone at 0.3 of full scale, and the same at half of that."""
    wave = 0.3 * np.sin(np.arange(16_000) / 20)
    return np.stack([wave, wave / 2]).astype(np.float32)


@pytest.fixture(scope="session")
def clips(tone) -> dict[str, bytes]:
    """Name -> encoded audio, 1 s of `tone` at 16 kHz."""
    import av
    import soundfile

    def written(kind, subtype=None):
        out = io.BytesIO()
        soundfile.write(out, tone.T, 16_000, format=kind, subtype=subtype)
        return out.getvalue()

    def muxed(kind, codec):
        out = io.BytesIO()
        with av.open(out, "w", format=kind) as container:
            stream = container.add_stream(codec, rate=16_000)
            stream.layout = "stereo"
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="stereo")
            frame.sample_rate = 16_000
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
        return out.getvalue()

    return {
        "wav": written("WAV", "PCM_16"),
        "wav_float": written("WAV", "FLOAT"),
        "wav_24": written("WAV", "PCM_24"),
        "flac": written("FLAC"),
        "vorbis": written("OGG", "VORBIS"),
        "opus": written("OGG", "OPUS"),
        "mp3": written("MP3"),
        "aiff": written("AIFF"),
        "au": written("AU"),
        "caf": written("CAF"),
        "w64": written("W64"),
        "rf64": written("RF64"),
        "m4a": muxed("mp4", "aac"),
        "aac": muxed("adts", "aac"),
        "mka": muxed("matroska", "aac"),
    }


@pytest.fixture(scope="session")
def film() -> Callable[..., bytes]:
    """Encodes `count` frames of 64 x 48 pixels; frame i is grey of level 5 * i."""
    import av

    def make(kind: str = "mp4", codec: str = "libx264", count: int = 40, sound: bool = False) -> bytes:
        out = io.BytesIO()
        with av.open(out, "w", format=kind) as container:
            stream = container.add_stream(codec, rate=20)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.codec_context.gop_size = 10
            track = container.add_stream("aac", rate=16_000) if sound else None
            for i in range(count):
                picture = np.full((48, 64, 3), 5 * i, np.uint8)
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                    container.mux(packet)
            for packet in stream.encode(None):
                container.mux(packet)
            if track is not None:
                samples = np.zeros((1, 16_000 * count // 20), np.float32)
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                frame.sample_rate = 16_000
                for packet in [*track.encode(frame), *track.encode(None)]:
                    container.mux(packet)
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def mutants() -> Callable[..., list[bytes]]:
    """`count` damaged copies of files: bytes flipped, blocks zeroed, cut out or doubled, ends cut, junk added."""

    def damage(data: bytes, rng: np.random.Generator) -> bytes:
        raw = bytearray(data)
        kind = rng.integers(7)
        at, size = int(rng.integers(len(raw))), int(rng.integers(1, max(2, len(raw) // 8)))
        if kind == 0:
            for place in rng.integers(len(raw), size=int(rng.integers(1, 20))):
                raw[place] ^= int(rng.integers(1, 256))
        elif kind == 1:
            raw[at : at + size] = bytes(len(raw[at : at + size]))
        elif kind == 2:
            del raw[at : at + size]
        elif kind == 3:
            raw[at:at] = raw[at : at + size]
        elif kind == 4:
            del raw[at:]
        elif kind == 5:
            raw[at:at] = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
        else:  # the header is where the sizes are
            for place in rng.integers(min(64, len(raw)), size=3):
                raw[place] = int(rng.integers(256))
        return bytes(raw)

    def make(files: list[bytes], count: int, seed: int) -> list[bytes]:
        rng = np.random.default_rng(seed)
        return [damage(files[i % len(files)], rng) for i in range(count)]

    return make

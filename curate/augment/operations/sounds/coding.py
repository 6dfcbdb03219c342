"""Operations of transmission: telephones and lossy codecs."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from io import BytesIO
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from curate.augment.operations.operation import Drawn
from curate.augment.operations.sounds.sound import SoundOperation, ordered
from curate.augment.operations.sounds.timing import fitted
from curate.errors import MissingPackage
from curate.media.audio import resample

LEAST_SECONDS = 0.1
"""Shorter recordings hold less than a codec's frame and stay as they are."""
CODECS = {
    "mp3": ("mp3", "libmp3lame"),
    "aac": ("adts", "aac"),
    "opus": ("ogg", "libopus"),
    "vorbis": ("ogg", "libvorbis"),
}
MP3_KBPS = {
    **dict.fromkeys((32_000, 44_100, 48_000), (32, 320)),
    **dict.fromkeys((16_000, 22_050, 24_000), (8, 160)),
    **dict.fromkeys((8_000, 11_025, 12_000), (8, 64)),
}
"""Rates of MP3 -> its lowest and highest bit rate, which libsndfile takes as levels of compression 1 and 0."""
MP3_DELAY = 1105
"""Samples that LAME and a decoder put before the sound, where the frames are too small to hold how many those are."""
TELEPHONE_HZ = 8_000
MU = 255.0


class Telephone(SoundOperation):
    """Sends it through a telephone: 300 to 3400 Hz, 8000 samples per second, 8 bits by the mu-law. Give `p`.

    Source: ITU-T G.711; soxr.
    """

    p: float = Field(0.5, ge=0, le=1, description="probability that the operation is done to an item")

    @property
    def by_chance(self) -> bool:
        """Nothing but whether it is done is left to chance."""
        return False

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """Nothing."""
        return {}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        from scipy import signal

        n = samples.shape[-1]
        if n < LEAST_SECONDS * rate:
            return samples
        narrow = samples if rate == TELEPHONE_HZ else resample(samples, rate, TELEPHONE_HZ)
        sections = signal.butter(4, (300, 3400), "bandpass", fs=TELEPHONE_HZ, output="sos")
        narrow = np.clip(np.asarray(signal.sosfilt(sections, narrow, axis=-1)), -1.0, 1.0)
        pressed = np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU)
        pressed = np.rint(pressed * 127) / 127
        narrow = (np.sign(pressed) * np.expm1(np.abs(pressed) * np.log1p(MU)) / MU).astype(np.float32)
        return fitted(narrow if rate == TELEPHONE_HZ else resample(narrow, TELEPHONE_HZ, rate), n)


class LossyCodec(SoundOperation):
    """Encodes it with loss at a drawn bit rate and decodes it again. Shorter than 0.1 s it stays as it is.

    Source: libsndfile (MP3 by LAME, at the rates that MP3 has), else FFmpeg (PyAV): LAME, AAC, Opus.
    """

    codecs: tuple[Literal["mp3", "aac", "opus"], ...] = Field(
        ("mp3", "opus"), min_length=1, description="codecs of which one is drawn"
    )
    min_kbps: int = Field(16, ge=8, le=320, description="lowest bit rate, in kilobits per second")
    max_kbps: int = Field(64, ge=8, le=320, description="highest bit rate, in kilobits per second")

    @model_validator(mode="after")
    def _bounds(self) -> LossyCodec:
        return ordered(self, "min_kbps", "max_kbps")

    def draw(self, rng: np.random.Generator, item: Any) -> Drawn:
        """Codec and bit rate."""
        codec = self.codecs[int(rng.integers(len(self.codecs)))]
        return {"codec": codec, "kbps": int(rng.integers(self.min_kbps, self.max_kbps + 1))}

    def _heard(self, samples: np.ndarray, rate: int, drawn: Drawn) -> np.ndarray:
        n, channels = samples.shape[-1], min(2, len(samples))
        if n < LEAST_SECONDS * rate:
            return samples
        if drawn["codec"] == "mp3" and rate in MP3_KBPS and _writes_mp3():
            own = _as_mp3(samples[:channels], rate, drawn["kbps"])
        else:
            own = _coded(samples[:channels], rate, drawn["codec"], drawn["kbps"])
        return fitted(own if len(samples) <= 2 else np.repeat(own[:1], len(samples), axis=0), n)


@cache
def _writes_mp3() -> bool:
    """Whether libsndfile was built with LAME and mpg123."""
    try:
        import soundfile
    except ImportError:
        return False
    return "MP3" in soundfile.available_formats()


def _as_mp3(samples: np.ndarray, rate: int, kbps: int) -> np.ndarray:
    """(1 or 2, n) samples through MP3, at a rate of `MP3_KBPS`."""
    import soundfile

    least, most = MP3_KBPS[rate]
    level = min(max((most - kbps) / (most - least), 0.0), 0.9999)  # it refuses 1
    file = BytesIO()
    soundfile.write(file, samples.T, rate, format="MP3", bitrate_mode="CONSTANT", compression_level=level)
    file.seek(0)
    heard = soundfile.read(file, dtype="float32", always_2d=True)[0].T
    return heard[:, MP3_DELAY:] if heard.shape[-1] > samples.shape[-1] else heard


def _coded(samples: np.ndarray, rate: int, codec: str, kbps: int) -> np.ndarray:
    """(1 or 2, n) samples through a codec, at the same rate."""
    try:
        import av
        import av.codec
    except ImportError as error:
        raise MissingPackage("av", "audio", "lossy codecs") from error
    kind, name = CODECS[codec]
    layout = "mono" if len(samples) == 1 else "stereo"
    offered = sorted(av.codec.Codec(name, "w").audio_rates or [rate])
    coded_rate = next((r for r in offered if r >= rate), offered[-1])
    form = (av.codec.Codec(name, "w").audio_formats or [av.AudioFormat("fltp")])[0].name
    file = BytesIO()
    with av.open(file, "w", format=kind) as out:
        stream: Any = out.add_stream(name, rate=coded_rate)
        stream.layout, stream.bit_rate, stream.format = layout, kbps * 1000, form
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(form, layout, coded_rate, frame_size=stream.codec_context.frame_size or 1024)
        sent = 0
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            part.pts, part.time_base = sent, Fraction(1, coded_rate)
            sent += part.samples
            for packet in stream.encode(part):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    file.seek(0)
    with av.open(file, "r", format=kind.replace("adts", "aac")) as back:
        resampler = av.AudioResampler("fltp", layout, rate)
        parts = [p.to_ndarray() for frame in back.decode(audio=0) for p in resampler.resample(frame)]
        parts += [p.to_ndarray() for p in resampler.resample(None)]
    return np.concatenate(parts, axis=1) if parts else samples

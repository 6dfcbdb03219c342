"""Encoded audio -> float32 samples."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.errors import MissingPackage
from curate.media.container import DEMUXERS, opened
from curate.media.ending import check_end
from curate.media.item import Audio, DecodeError
from curate.media.sniff import plainly, sniff, what_it_is

if TYPE_CHECKING:
    from av.container import InputContainer

MAX_SECONDS = 7_200.0
MAX_VALUES_PER_SECOND = 96_000
"""What a second of the limit may hold over all channels: two channels at 48 kHz."""
MAX_RATE = 10_000_000
"""Samples per second that probes for ultrasound come near to."""
MAX_FACTOR = 200_000
"""Of a resampler by polyphase filters: twenty coefficients for each, which are exact for all rates up to it."""
LARGEST = np.float32(2.0**40)
"""Beyond 32-bit integers that nobody scaled, and small enough that a sum of squares stays a float32."""
TOLERANCE = 0.005
"""Share of the declared length that may be missing before a file counts as cut off."""


def decode(data: bytes, max_seconds: float = MAX_SECONDS, rate: int | None = None) -> Audio:
    """Decode a whole audio file: what libsndfile reads (WAV, FLAC, Ogg, Opus, MP3, AIFF, ...), else through FFmpeg.

    Args:
        data: the encoded file (for a video its first sound track).
        max_seconds: length from which on a file is refused.
        rate: samples per second to resample to; the file's own if left out.

    Raises:
        DecodeError: not audio, too long, without samples, cut off (shorter than its header says) or damaged.
        MissingPackage: the extra ``audio`` is not installed.
    """
    if not data:
        raise DecodeError("the file is empty")
    found = sniff(data)
    name = found[0] if found else ""
    if found and found[1] not in ("audio", "video"):
        raise DecodeError(what_it_is(data, "audio") or "not audio")
    check_end(data, name)
    if name in BY_LIBSNDFILE or name not in DEMUXERS:
        samples, file_rate, kind = _read_with_soundfile(data, name, max_seconds)
    else:
        samples, file_rate, kind = _read_with_av(data, max_seconds)
    if samples.shape[1] == 0:
        raise DecodeError(f"the {name or 'audio'} file holds no samples")
    bad = 0
    if not (samples.min() >= -LARGEST and samples.max() <= LARGEST):  # both are NaN where one sample is
        finite = np.abs(samples) <= LARGEST
        bad = int(samples.size - np.count_nonzero(finite))
        samples = np.where(finite, samples, np.float32(0))
    if rate is not None and rate != file_rate:
        samples = resample(samples, file_rate, rate)
    return Audio(samples, rate or file_rate, kind, file_rate, bad)


def resample(samples: np.ndarray, rate: int, to_rate: int) -> np.ndarray:
    """(channels, n) float32 at `rate` -> (channels, m) float32 at `to_rate` samples per second (soxr, high quality)."""
    try:
        import soxr
    except ImportError:
        raise MissingPackage("soxr", "audio", "resampling audio") from None
    moved = soxr.resample(np.ascontiguousarray(samples.T), rate, to_rate, quality="HQ")
    return np.ascontiguousarray(moved.T, dtype=np.float32)


def factors(rate: int, to_rate: int) -> tuple[int, int]:
    """By how much polyphase filters go up and down from one rate to another, or nearly: at most `MAX_FACTOR` each.

    Time and memory of these filters grow with the larger factor, however few the samples are.
    """
    exact = Fraction(to_rate, rate)
    if max(exact.numerator, exact.denominator) <= MAX_FACTOR:
        return exact.numerator, exact.denominator
    if exact > 1:
        down, up = factors(to_rate, rate)
        return up, down
    near = max(exact.limit_denominator(MAX_FACTOR), Fraction(1, MAX_FACTOR))
    return near.numerator, near.denominator


def encode_wav(samples: np.ndarray, rate: int) -> bytes:
    """(channels, n) float32 in [-1, 1] -> a 16-bit WAV file; what exceeds full scale is clipped."""
    return encode(samples, rate)


def encode(samples: np.ndarray, rate: int, kind: str = "WAV", bits: int = 16) -> bytes:
    """(channels, n) float32 in [-1, 1] -> a file that loses nothing but bits; what exceeds full scale is clipped.

    Args:
        samples: (channels, n) float32.
        rate: samples per second.
        kind: ``WAV`` or ``FLAC``.
        bits: per sample, 16 or 24; 32 writes float32 samples, unclipped (WAV alone).
    """
    soundfile = soundfile_library()
    out = BytesIO()
    subtype = "FLOAT" if bits == 32 else f"PCM_{bits}"
    values = samples.T if bits == 32 else np.clip(samples.T, -1, 1)
    soundfile.write(out, values, rate, format=kind, subtype=subtype)
    return out.getvalue()


BY_LIBSNDFILE = ("WAV", "FLAC", "Ogg", "MP3", "AIFF", "CAF", "AU", "W64")


def soundfile_library() -> Any:
    """The module. Raises MissingPackage."""
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: the package is there, its libsndfile is not
        raise MissingPackage("soundfile", "audio", "reading audio") from None
    return soundfile


def _read_with_soundfile(data: bytes, name: str, max_seconds: float) -> tuple[np.ndarray, int, str]:
    soundfile = soundfile_library()
    try:
        file = soundfile.SoundFile(BytesIO(data))
    except Exception as error:
        if name in ("WAV", "AIFF", "CAF"):  # these wrap codings that only FFmpeg knows
            return _read_with_av(data, max_seconds)
        if not name:
            raise DecodeError("not audio of a known format") from None
        raise DecodeError(f"the {name} audio is damaged or cut off ({plainly(error)})") from None
    with file:
        kind, rate, channels, declared = f"{file.format}/{file.subtype}", file.samplerate, file.channels, file.frames
        if rate < 1 or channels < 1:
            raise DecodeError(f"the {name} header declares {channels} channels at {rate} Hz")
        check_length(declared, rate, channels, max_seconds)
        try:
            samples = file.read(frames=declared, dtype="float32", always_2d=True)
        except MemoryError:
            raise DecodeError(f"the {name} header declares {declared:,} samples that are not there") from None
        except Exception as error:
            raise DecodeError(f"the {name} audio is damaged or cut off ({plainly(error)})") from None
    if len(samples) < declared * (1 - TOLERANCE):
        raise _cut_off(name or kind, len(samples) / rate, declared / rate)
    return np.ascontiguousarray(samples.T), rate, kind


def _read_with_av(data: bytes, max_seconds: float) -> tuple[np.ndarray, int, str]:
    with opened(data, "audio") as container:
        import av

        if not container.streams.audio:
            raise DecodeError("the file has no sound track")
        stream = container.streams.audio[0]
        rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
        if not rate or not channels:
            raise DecodeError("the sound track declares no sample rate or no channels")
        declared = _declared_seconds(container)
        check_length(int(declared * rate), rate, channels, max_seconds)
        resampler = av.AudioResampler(format="fltp", layout=stream.codec_context.layout, rate=rate)
        parts, length = [], 0
        for frame in container.decode(stream):
            for plain in resampler.resample(frame):
                parts.append(plain.to_ndarray())
                length += plain.samples
            check_length(length, rate, channels, max_seconds)
        parts += [plain.to_ndarray() for plain in resampler.resample(None)]
        kind = f"{container.format.name.split(',')[0]}/{stream.codec_context.name}"
        samples = np.concatenate(parts, axis=1) if parts else np.zeros((channels, 0), np.float32)
        # Containers count the codec's lead-in and round to its blocks, hence the fixed part.
        own = _track_seconds(container)
        if samples.shape[1] / rate < own * 0.95 - 0.15:
            raise _cut_off(kind, samples.shape[1] / rate, own)
        return samples, rate, kind


def _declared_seconds(container: InputContainer) -> float:
    """The length that a container declares (its longest stream), 0 where it declares none."""
    return max(container.duration or 0, 0) / 1_000_000


def _track_seconds(container: InputContainer) -> float:
    """The length that the first sound track declares; the container's where it is a sound file that says no more.

    The sound of a video may be shorter than its pictures.
    """
    track = container.streams.audio[0]
    if track.duration and track.time_base:
        return float(track.duration * track.time_base)
    return 0.0 if container.streams.video else _declared_seconds(container)


def check_length(frames: int, rate: int, channels: int, max_seconds: float) -> None:
    """Raises DecodeError for more samples than so many seconds may hold, or than any second does."""
    if rate > MAX_RATE:
        raise DecodeError(f"the audio declares {rate:,} samples per second, more than the limit of {MAX_RATE:,}")
    if frames > max_seconds * rate:
        raise DecodeError(
            f"the audio is {frames / rate:,.1f} s long, more than the limit of {max_seconds:,.0f} s (max_seconds)"
        )
    if frames * channels > max_seconds * MAX_VALUES_PER_SECOND:
        raise DecodeError(
            f"the audio has {frames * channels:,} samples over {channels} channels, more than the limit of"
            f" {max_seconds * MAX_VALUES_PER_SECOND:,.0f} (max_seconds x {MAX_VALUES_PER_SECOND:,})"
        )


def _cut_off(kind: str, seconds: float, declared: float) -> DecodeError:
    return DecodeError(f"the {kind} audio is cut off: {seconds:.2f} s of {declared:.2f} s are there")

"""Sound as a short clip that plays, and its waveform."""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np

from curate.errors import MissingPackage
from curate.media.audio import decode
from curate.report.previews.item import Budget, Sound, data_uri
from curate.report.previews.series import envelope_path

LONGEST_SECONDS = 8.0
LARGEST_WAV = 40_000
"""Bytes; longer clips are sent as MP3, which every browser plays."""


def audio_preview(data: bytes, budget: Budget) -> Sound:
    """The first `LONGEST_SECONDS` of a sound, mono; without the clip where the page is full.

    Raises:
        DecodeError: the sound can't be decoded.
        MissingPackage: the extra ``audio`` is not installed.
    """
    audio = decode(data)
    mono = audio.samples.mean(axis=0, dtype=np.float32)
    shown = mono[: int(LONGEST_SECONDS * audio.rate)]
    uri = clip(shown, audio.rate)
    seconds, shown_seconds = len(mono) / audio.rate, len(shown) / audio.rate
    peak = float(np.abs(shown).max(initial=0.0))
    # Drawn as high as its peak: a quiet recording would be a flat line, and its loudness is said in words.
    path = envelope_path(shown / peak if peak else shown)
    peak_db = 20 * math.log10(peak) if peak else None
    return Sound(uri if budget.take(len(uri)) else None, path, seconds, shown_seconds, audio.file_rate, peak_db)


def clip(samples: np.ndarray, rate: int) -> str:
    """(n,) float32 mono -> data URI: a WAV file of 16 bits where that is small, else MP3."""
    try:
        import soundfile
    except ImportError:
        raise MissingPackage("soundfile", "audio", "playing sound in a report") from None
    small = 2 * len(samples) <= LARGEST_WAV
    if not small:
        samples, rate = _slower(samples, rate)
    out = BytesIO()
    if small:
        soundfile.write(out, samples, rate, format="WAV", subtype="PCM_16")
        return data_uri("audio/wav", out.getvalue())
    soundfile.write(out, samples, rate, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.8)
    return data_uri("audio/mpeg", out.getvalue())


def _slower(samples: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """At most 16 kHz: enough to hear what is wrong."""
    if rate <= 16_000:
        return samples, rate
    from scipy.signal import resample_poly

    return resample_poly(samples, 16_000, rate).astype(np.float32), 16_000

"""Sound as a short clip that plays, and its waveform."""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np

from curate.errors import MissingPackage
from curate.media.audio import decode, factors
from curate.report.previews.item import Budget, Sound, data_uri
from curate.report.previews.marks import seconds
from curate.report.previews.series import band, envelope_path

LONGEST_SECONDS = 8.0
LARGEST_WAV = 40_000
"""Bytes; longer clips are sent as MP3, which every browser plays."""


def audio_preview(data: bytes, budget: Budget, reason: str = "") -> Sound:
    """The first `LONGEST_SECONDS` of a sound, mono; without the clip where the page is full.

    A clip of a long sound begins a second before what the reason points at.

    Raises:
        DecodeError: the sound can't be decoded.
        MissingPackage: the extra ``audio`` is not installed.
    """
    audio = decode(data)
    mono = audio.samples.mean(axis=0, dtype=np.float32)
    whole, pointed = len(mono) / audio.rate, seconds(reason)
    begin = 0.0
    if pointed and pointed[0][1] > LONGEST_SECONDS and pointed[0][0] < whole:
        begin = max(0.0, min(pointed[0][0] - 1.0, whole - LONGEST_SECONDS))
    shown = mono[int(begin * audio.rate) :][: int(LONGEST_SECONDS * audio.rate)]
    uri = clip(shown, audio.rate)
    length = len(shown) / audio.rate
    marks = tuple(
        band(max(0.0, start - begin), min(length, end - begin), length)
        for start, end in pointed
        if start - begin < length and end > begin
    )
    peak = float(np.abs(shown).max(initial=0.0))
    # Drawn as high as its peak: a quiet recording would be a flat line, and its loudness is said in words.
    path = envelope_path(shown / peak if peak else shown)
    peak_db = 20 * math.log10(peak) if peak else None
    uri = uri if budget.take(len(uri)) else None
    return Sound(uri, path, whole, length, audio.file_rate, peak_db, begin, marks)


def clip(samples: np.ndarray, rate: int, largest_wav: int = LARGEST_WAV) -> str:
    """(n,) float32 mono -> data URI: a WAV file of 16 bits up to that many bytes, else MP3."""
    try:
        import soundfile
    except ImportError:
        raise MissingPackage("soundfile", "audio", "playing sound in a report") from None
    small = 2 * len(samples) <= largest_wav
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

    return resample_poly(samples, *factors(rate, 16_000)).astype(np.float32), 16_000

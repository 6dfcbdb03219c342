"""A part of a sound as a WAV file that loses nothing."""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO

import numpy as np

from curate.media.audio import BY_LIBSNDFILE, MAX_SECONDS, check_length, soundfile_library
from curate.media.container import DEMUXERS, opened
from curate.media.item import DecodeError
from curate.media.segments import Segment, nothing_there
from curate.media.sniff import plainly

WHOLE = {"PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32", "PCM_U8": "int16", "PCM_S8": "int16"}
"""Codings whose samples are whole numbers -> the type that holds them."""
LEAD_SECONDS = 0.5
"""What is decoded before a segment: codecs need some frames until their samples are right."""
SHORTFALL, SHORTFALL_SECONDS = 0.05, 0.15
"""Share of the declared length, and seconds on top, that may not be there: containers estimate it."""


def cut_sound(file: BinaryIO, name: str, segment: Segment) -> bytes:
    """The samples of a segment: from ``round(start * rate)`` up to ``round(end * rate)``, or the end of the file.

    In containers that keep but milliseconds (Matroska) they are those to within one.

    Args:
        file: the encoded sound.
        name: what it is, in the words of `curate.media.sniff`.
        segment: what is cut out.

    Raises:
        DecodeError: not a sound, damaged, too long, or nothing of the segment is there.
        MissingPackage: the extra ``audio`` is not installed.
    """
    # libsndfile's decoder of MP3 complains on standard error of the first frames after a seek.
    if name != "MP3" and (name in BY_LIBSNDFILE or name not in DEMUXERS):
        return _with_soundfile(file, name, segment)
    return _with_av(file, segment)


def places(segment: Segment, rate: int, frames: int) -> tuple[int, int]:
    """First sample of a segment and the one behind its last, in a sound of so many; raises DecodeError for none."""
    start = round(segment.start * rate)
    end = frames if segment.end is None else min(frames, round(segment.end * rate))
    if start >= frames:
        raise nothing_there(segment, frames / rate)
    if end <= start:
        raise DecodeError(f"the segment from {segment.start:g} to {segment.end:g} s holds no sample")
    return start, end


def _with_soundfile(file: BinaryIO, name: str, segment: Segment) -> bytes:
    soundfile = soundfile_library()
    file.seek(0)
    try:
        sound = soundfile.SoundFile(file)
    except Exception as error:
        if name in ("WAV", "AIFF", "CAF"):  # these wrap codings that only FFmpeg knows
            return _with_av(file, segment)
        if not name:
            raise DecodeError("not audio of a known format") from None
        raise DecodeError(f"the {name} audio is damaged or cut off ({plainly(error)})") from None
    with sound:
        rate, kind = sound.samplerate, sound.subtype
        if rate < 1 or sound.channels < 1:
            raise DecodeError(f"the {name} header declares {sound.channels} channels at {rate} Hz")
        start, end = places(segment, rate, sound.frames)
        check_length(end - start, rate, sound.channels, MAX_SECONDS)
        try:
            lead = 0 if kind in WHOLE else min(start, round(LEAD_SECONDS * rate))
            sound.seek(start - lead)
            samples = sound.read(lead + end - start, dtype=WHOLE.get(kind, "float32"), always_2d=True)[lead:]
        except MemoryError:
            raise DecodeError(f"the {name} header declares samples that are not there") from None
        except Exception as error:
            raise DecodeError(f"the {name} audio is damaged or cut off ({plainly(error)})") from None
    if len(samples) < end - start:
        raise DecodeError(f"the {name} audio is cut off: {len(samples):,} of {end - start:,} samples are there")
    return _wav(samples, rate, "PCM_U8" if kind == "PCM_S8" else kind if kind in WHOLE else "FLOAT")


def _with_av(file: BinaryIO, segment: Segment) -> bytes:
    file.seek(0)
    with opened(file, "audio") as container:
        import av

        if not container.streams.audio:
            raise DecodeError("the file has no sound track")
        track = container.streams.audio[0]
        rate, channels, base = (
            track.codec_context.sample_rate,
            track.codec_context.channels,
            float(track.time_base or 1),
        )
        if not rate or not channels:
            raise DecodeError("the sound track declares no sample rate or no channels")
        # Times of a film count from its beginning, whichever track that belongs to; of a sound from its first sample.
        origin = (track.start_time or 0) * base if not container.streams.video else (container.start_time or 0) / 1e6
        declared = float(track.duration * base) if track.duration else max(container.duration or 0, 0) / 1_000_000
        first = round(segment.start * rate)
        last = round(segment.end * rate) if segment.end is not None else None
        if declared and first >= round(declared * rate):
            raise nothing_there(segment, declared)
        if lead := max(0.0, segment.start - LEAD_SECONDS):
            container.seek(round((origin + lead) / base), stream=track, backward=True)
        parts: list[np.ndarray] = []
        held, place = 0, None
        resampler: Any = av.AudioResampler(format="fltp", layout=track.codec_context.layout, rate=rate)
        for frame in container.decode(track):
            if place is None:  # the others follow it
                place = round(((frame.pts or 0) * float(frame.time_base or 1) - origin) * rate)
            for plain in resampler.resample(frame):
                whole = plain.to_ndarray()
                block = whole[:, max(0, first - place) : None if last is None else max(0, last - place)]
                place += whole.shape[1]
                held += block.shape[1]
                parts.append(block)
            check_length(held, rate, channels, MAX_SECONDS)
            if last is not None and place >= last:
                break
        end = place or 0
        if not held:
            raise nothing_there(segment, end / rate)
        expected = declared * (1 - SHORTFALL) - SHORTFALL_SECONDS
        if end / rate < min(expected, segment.end or expected):
            raise DecodeError(f"the sound is cut off: {end / rate:.2f} s of {declared:.2f} s are there")
        return _wav(np.concatenate(parts, axis=1).T, rate, "FLOAT")


def _wav(samples: np.ndarray, rate: int, coding: str) -> bytes:
    """(n, channels) samples as a WAV file, the same bytes at any time."""
    out = BytesIO()
    soundfile_library().write(out, np.ascontiguousarray(samples), rate, format="WAV", subtype=coding)
    data = bytearray(out.getvalue())
    # libsndfile notes the time of writing with the peak of float samples.
    if (peak := data.find(b"PEAK", 0, 256)) >= 0:
        data[peak + 12 : peak + 16] = bytes(4)
    return bytes(data)

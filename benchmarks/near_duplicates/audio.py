"""Edited recordings: recall of each edit and false pairs, next to cosine of the library's audio descriptors."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np

from curate.evidence.encoders.audio_descriptors import audio_descriptor
from curate.evidence.encoders.features import standardised
from curate.evidence.measures.audio_prints import AudioPrints
from curate.evidence.pairs import audio as method
from curate.evidence.pairs._alignment import print_similarity
from curate.evidence.pairs._banding import candidates
from curate.media.item import Audio

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CLIPS = 200
Clip = tuple[np.ndarray, int]


def _coded(samples: np.ndarray, rate: int, kind: str, subtype: str | None = None) -> Clip:
    import soundfile

    out = BytesIO()
    soundfile.write(out, samples, rate, format=kind, subtype=subtype)
    out.seek(0)
    return soundfile.read(out, dtype="float32")


def gain(samples: np.ndarray, rate: int, rng: random.Random) -> Clip:
    """12 or 6 dB softer, or 6 dB louder and clipped."""
    return np.clip(samples * 10 ** (rng.choice([-12, -6, 6]) / 20), -1, 1), rate


def resampled(samples: np.ndarray, rate: int, rng: random.Random) -> Clip:
    """8, 16 or 44.1 kHz."""
    import soxr

    to = rng.choice([each for each in (8_000, 16_000, 44_100) if each != rate])
    return soxr.resample(samples, rate, to), to


def mp3(samples: np.ndarray, rate: int, rng: random.Random) -> Clip:
    """MP3 and back."""
    return _coded(samples, rate, "MP3")


def ogg(samples: np.ndarray, rate: int, rng: random.Random) -> Clip:
    """Ogg Vorbis and back."""
    return _coded(samples, rate, "OGG", "VORBIS")


def padded(samples: np.ndarray, rate: int, rng: random.Random) -> Clip:
    """A second of silence before or after."""
    silence = np.zeros(rate, np.float32)
    return np.concatenate([silence, samples] if rng.random() < 0.5 else [samples, silence]), rate


def noisy(samples: np.ndarray, rate: int, rng: random.Random) -> Clip:
    """White noise 25 dB below."""
    noise = np.random.default_rng(rng.randrange(10**9)).normal(size=len(samples))
    return samples + noise * np.sqrt(np.square(samples).mean() / 10**2.5), rate


EDITS = {"gain": gain, "resampled": resampled, "mp3": mp3, "ogg": ogg, "padded": padded, "noisy": noisy}


def digits(folder: Path) -> list[Clip]:
    """Spoken digits: six speakers, ten takes of each digit, none of which is another."""
    import soundfile

    return [soundfile.read(file, dtype="float32") for file in sorted((folder / "recordings").glob("*.wav"))]


def melodies(count: int) -> list[Clip]:
    """Tones of a few harmonics, 1 to 12 s, at three rates."""
    rng = np.random.default_rng(0)
    clips = []
    for number in range(count):
        rate, seconds = (16_000, 22_050, 44_100)[number % 3], rng.uniform(1, 12)
        moment = np.arange(int(seconds * rate)) / rate
        samples, start = np.zeros(len(moment)), 0.0
        while start < seconds:
            length, hertz = rng.uniform(0.1, 0.5), 110 * 2 ** (rng.integers(0, 48) / 12)
            inside = (moment >= start) & (moment < start + length)
            waves = [np.sin(2 * np.pi * hertz * h * moment[inside]) / h for h in range(1, 5)]
            samples[inside] += np.sum(waves, axis=0) * np.exp(-3 * (moment[inside] - start))
            start += length
        clips.append(((0.7 * samples / np.abs(samples).max()).astype(np.float32), rate))
    return clips


def prints(items: list[Audio]) -> tuple[np.ndarray, np.ndarray]:
    """Fingerprints, keys, alignment."""
    values = AudioPrints().measure(items)
    some = np.flatnonzero(values["audio.print_frames"] > 0)
    left, right = candidates(values["audio.print_keys"][some], method.LEAST_KEYS, 1)
    left, right = some[left], some[right]
    fields = tuple(values[f"audio.print_{name}"] for name in method.FIELDS)
    kept = print_similarity(fields, left, right) >= method.MIN_SIMILARITY
    return left[kept], right[kept]


def descriptors(items: list[Audio]) -> tuple[np.ndarray, np.ndarray]:
    """Cosine of the standardised descriptors of at least 0.95, all pairs."""
    rows = np.stack([audio_descriptor(item.samples, item.rate) for item in items])
    vectors = standardised(rows, np.ones(len(rows), dtype=bool))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    left, right = np.nonzero(np.triu(vectors @ vectors.T >= 0.95, 1))
    return left, right


def line(name: str, find: Callable[[list[Audio]], tuple[np.ndarray, np.ndarray]], items: list[Audio], rows: int) -> str:
    """One way of finding pairs, as a line of the table."""
    began = time.perf_counter()
    left, right = find(items)
    seconds = time.perf_counter() - began
    origin, edit = np.arange(len(items)) % rows, np.arange(len(items)) // rows
    same = origin[left] == origin[right]
    recall = [(same & (edit[left] == 0) & (edit[right] == k)).sum() / rows for k in range(1, len(EDITS) + 1)]
    shown = "  ".join(f"{edit} {value:.3f}" for edit, value in zip(EDITS, recall))
    false, every = int((~same).sum()), len(items) * (len(items) - 1) / 2
    return f"  {name:<12} {shown}  false pairs per 10,000: {1e4 * false / every:.3f} ({false})  {seconds:5.1f} s"


def run(folder: Path = DATA) -> None:
    """Print the table."""
    rng = random.Random(0)
    sets = {"melodies": melodies(CLIPS // 2)}
    if (folder / "fsdd_600").is_dir():
        sets = {"fsdd_600": rng.sample(digits(folder / "fsdd_600"), CLIPS)} | sets
    else:
        print(f"audio fsdd_600: skipped, no folder {folder / 'fsdd_600'}")
    for name, base in sets.items():
        clips = base + [edit(*clip, rng) for edit in EDITS.values() for clip in base]
        items = [Audio(samples[None].astype(np.float32), rate, "", rate) for samples, rate in clips]
        print(f"audio {name}: {len(base)} clips x {len(EDITS)} edits")
        for peer, find in (("curate", prints), ("embedding", descriptors)):
            print(line(peer, find, items, len(base)), flush=True)


if __name__ == "__main__":
    run()

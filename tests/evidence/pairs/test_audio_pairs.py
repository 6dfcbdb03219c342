"""Near-duplicate recordings: edits of a clip are found, the same word spoken again is not."""

import random
from io import BytesIO

import numpy as np
import pytest
import soundfile
import soxr

from curate.evidence.measures.audio_prints import FRAMES, AudioPrints, fingerprint
from curate.evidence.pairs import audio
from curate.evidence.pairs._alignment import print_similarity
from curate.media.item import Audio


class Clips:
    """As much of the evidence as the method asks for."""

    store = None

    def __init__(self, clips):
        items = [Audio(np.atleast_2d(samples).astype(np.float32), rate, "WAV/PCM_16", rate) for samples, rate in clips]
        self._values = AudioPrints().measure(items)

    def measure(self, name):
        return self._values[name]

    def rows_of(self, name, rows):
        return self._values[name][rows]


def coded(samples, rate, kind, subtype=None):
    out = BytesIO()
    soundfile.write(out, samples, rate, format=kind, subtype=subtype)
    out.seek(0)
    return soundfile.read(out, dtype="float32")


def gain(samples, rate, rng):
    return np.clip(samples * 10 ** (rng.choice([-12, -6, 6]) / 20), -1, 1), rate


def resampled(samples, rate, rng):
    to = rng.choice([each for each in (8_000, 16_000, 44_100) if each != rate])
    return soxr.resample(samples, rate, to), to


def mp3(samples, rate, rng):
    return coded(samples, rate, "MP3")


def ogg(samples, rate, rng):
    return coded(samples, rate, "OGG", "VORBIS")


def padded(samples, rate, rng):
    silence = np.zeros(rate, np.float32)
    return np.concatenate([silence, samples] if rng.random() < 0.5 else [samples, silence]), rate


EDITS = {"gain": gain, "resampled": resampled, "mp3": mp3, "ogg": ogg, "padded": padded}


def melody(rng, rate, seconds):
    time = np.arange(int(seconds * rate)) / rate
    out, start = np.zeros(len(time)), 0.0
    while start < seconds:
        length, hertz = rng.uniform(0.1, 0.5), 110 * 2 ** (rng.integers(0, 48) / 12)
        inside = (time >= start) & (time < start + length)
        out[inside] += sum(np.sin(2 * np.pi * hertz * h * time[inside]) / h for h in range(1, 5))
        start += length
    return (0.5 * out / np.abs(out).max()).astype(np.float32)


def pairs_of(clips):
    evidence = Clips(clips)
    found = audio.find(evidence, np.arange(len(clips)), audio.MIN_SIMILARITY)
    return found.left, found.right


def check(base, least=0.95):
    rng = random.Random(0)
    clips = base + [edit(*clip, rng) for edit in EDITS.values() for clip in base]
    left, right = pairs_of(clips)
    origin, edit = np.arange(len(clips)) % len(base), np.arange(len(clips)) // len(base)
    same = origin[left] == origin[right]
    for number, name in enumerate(EDITS, 1):
        recall = (same & (edit[left] == 0) & (edit[right] == number)).sum() / len(base)
        assert recall >= least, (name, recall)
    assert (~same).sum() <= 1e-4 * len(clips) * (len(clips) - 1) / 2


def test_edits_of_spoken_digits_are_found_and_other_takes_are_not(shared_data):
    files = sorted((shared_data / "fsdd_600" / "recordings").glob("*.wav"))[::12]
    check([soundfile.read(file, dtype="float32") for file in files])
    takes = [soundfile.read(file, dtype="float32") for file in sorted(files[0].parent.glob("[0-4]_jackson_*.wav"))]
    assert not len(pairs_of(takes)[0])  # ten takes of each of five digits by one speaker


@pytest.mark.parametrize("seconds", [1.0, 3.2, 9.0])
def test_edits_of_melodies_of_any_length_are_found(seconds):
    rng = np.random.default_rng(int(seconds * 10))
    check([(melody(rng, rate, seconds), rate) for rate in (16_000, 22_050, 44_100) * 3])


def test_steady_sounds_are_told_apart_by_their_spectrum():
    rng = np.random.default_rng(0)
    time = np.arange(32_000) / 16_000
    base = [(0.2 * sum(np.sin(2 * np.pi * f * time) for f in rng.uniform(150, 3_000, 3)), 16_000) for _ in range(12)]
    clips = base + [ogg(samples, rate, None) for samples, rate in base]
    left, right = pairs_of(clips)
    assert {(i, i + 12) for i in range(12)} <= set(zip(left.tolist(), right.tolist(), strict=True))
    assert (left % 12 == right % 12).mean() >= 0.9


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((1, 8_000)),
        np.full((2, 8_000), 0.5),
        np.zeros((1, 0)),
        np.ones((1, 1)),
        np.random.default_rng(0).normal(size=(1, 300)),
    ],
)
def test_silence_and_clips_too_short_have_no_print(samples):
    rise, fall, frames, profile, keys = fingerprint(samples.astype(np.float32), 8_000)
    assert rise.shape == fall.shape == (FRAMES,)
    if frames == 0:
        assert not any(values.any() for values in (rise, fall, profile, keys))
    if not samples.any() or samples.shape[1] < 400:
        assert frames == 0
    assert not len(pairs_of([(samples, 8_000)] * 3)[0]) or frames > 0


def test_similarity_is_symmetric_one_for_itself_and_zero_for_other_lengths():
    rng = np.random.default_rng(0)
    clips = [(melody(rng, 16_000, seconds), 16_000) for seconds in (1.0, 1.0, 2.0, 6.0, 6.2)]
    evidence = Clips(clips)
    prints = tuple(evidence.measure(f"audio.print_{name}") for name in audio.FIELDS)
    left, right = np.array([(i, j) for i in range(5) for j in range(5)]).T
    matrix = print_similarity(prints, left, right).reshape(5, 5)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(matrix.diagonal(), 1.0)
    assert matrix[0, 2] == matrix[2, 3] == 0.0
    assert matrix[3, 4] < 0.4


def test_channels_that_cancel_each_other_still_have_a_print():
    samples = melody(np.random.default_rng(0), 16_000, 1.5)
    both = np.stack([samples, -samples])
    left, right = pairs_of([(samples, 16_000), (both, 16_000)])
    assert (left.tolist(), right.tolist()) == ([0], [1])

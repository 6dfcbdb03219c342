"""Throughput of sound augmentation per 5-second clip, against calling a library directly, in one run.

    python -m benchmarks.augment_audio [--seconds 2]

Ours goes through a recipe, as the loader does it, with a generator of its own for every row. Beside it stands what one
would call by hand: torchaudio where it has the operation (made importable beside any torch), else scipy, soxr or
soundfile, with parameters drawn by NumPy. One thread for all; the two take turns of a few milliseconds, and the ratio
is the median of those of the turns. Above 1 it says that ours is faster.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable

import numpy as np

from benchmarks.augment import keep_what_is_freed

RATE, SECONDS = 16_000, 5
WANTED = 0.9
TURNS = 60
SLICE_SECONDS = 0.004


def compared(theirs: Callable[[], object], ours: Callable[[], object], seconds: float) -> tuple[float, float, float]:
    """Seconds per call of both, in turns of this thread's CPU time, and the median ratio of the turns."""
    calls = [theirs, ours]
    for call in calls:
        call()
    once = min(timed(theirs, 1) for _ in range(3))
    number = max(1, int(SLICE_SECONDS / once))
    turns = max(1, min(TURNS, int(seconds / (2 * number * once))))
    times = np.array(
        [
            [timed(calls[place], number) for place in order][:: 1 if order[0] == 0 else -1]
            for order in ([0, 1], [1, 0]) * (turns // 2 + 1)
        ]
    )
    mine, other = times[:, 1] / number, times[:, 0] / number
    return float(np.median(other)), float(np.median(mine)), float(np.median(other / mine))


def timed(call: Callable[[], object], number: int) -> float:
    """CPU seconds of some calls."""
    started = time.thread_time()
    for _ in range(number):
        call()
    return time.thread_time() - started


def clip() -> np.ndarray:
    """(1, n) float32: a tone that changes, and a little noise."""
    rng, t = np.random.default_rng(0), np.arange(RATE * SECONDS) / RATE
    return (0.3 * np.sin(2 * np.pi * (200 + 100 * t) * t) + rng.normal(0, 0.01, len(t)))[None].astype(np.float32)


def libraries(samples: np.ndarray) -> dict[str, tuple[str, Callable[[], object]]]:
    """Operation -> (library, call) on the clip."""
    import soundfile
    import soxr
    import torch
    from scipy import signal

    from curate.media.torch_audio import torchaudio

    torch.set_num_threads(1)
    audio = torchaudio("benchmarks")
    apply, of = audio.functional, audio.transforms
    wave, rng = torch.from_numpy(samples), np.random.default_rng(0)
    n, response = samples.shape[-1], torch.randn(1, RATE // 2)
    window = torch.hann_window(1024)
    stretch, spectrum = of.TimeStretch(256, 513), of.Spectrogram(1024, hop_length=256, power=None)
    mask = of.TimeMasking(60)

    def filtered(kind: str, edges: object) -> object:
        return signal.sosfilt(signal.butter(2, edges, kind, fs=RATE, output="sos"), samples)

    def equalized() -> object:
        out = wave
        for hz in rng.uniform(200, 4000, 3):
            out = apply.equalizer_biquad(out, RATE, float(hz), float(rng.uniform(-6, 6)), 1.0)
        return out

    def stretched() -> object:
        return torch.istft(stretch(spectrum(wave), float(rng.uniform(0.9, 1.1))), 1024, 256, window=window)

    def coded() -> object:
        file = io.BytesIO()
        level = 1 - (32 - 8) / (160 - 8)  # libsndfile's for 32 kbit/s, as ours
        soundfile.write(file, samples.T, RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=level)
        file.seek(0)
        return soundfile.read(file, dtype="float32")

    def telephone() -> object:
        narrow = apply.resample(apply.bandpass_biquad(wave, RATE, 1000, 0.4), RATE, 8000)
        return apply.resample(apply.mu_law_decoding(apply.mu_law_encoding(narrow, 256), 256), 8000, RATE)

    return {
        "add_noise": (
            "torchaudio",
            lambda: apply.add_noise(wave, torch.randn(1, n), torch.tensor([float(rng.uniform(5, 30))])),
        ),
        "gain": ("torchaudio", lambda: of.Vol(float(rng.uniform(-12, 6)), "db")(wave)),
        "pitch_shift": ("torchaudio", lambda: apply.pitch_shift(wave, RATE, int(rng.choice([-2, -1, 1, 2])))),
        "time_stretch": ("torchaudio", stretched),
        "speed": ("soxr", lambda: soxr.resample(samples.T, RATE * float(rng.uniform(0.9, 1.1)), RATE)),
        "low_pass": ("scipy", lambda: filtered("lowpass", float(rng.uniform(1000, 7500)))),
        "high_pass": ("scipy", lambda: filtered("highpass", float(rng.uniform(20, 1000)))),
        "band_pass": ("scipy", lambda: filtered("bandpass", (500.0, 2000.0))),
        "band_stop": ("scipy", lambda: filtered("bandstop", (500.0, 2000.0))),
        "equalize": ("torchaudio", equalized),
        "reverb": ("torchaudio", lambda: apply.fftconvolve(wave, response)[:, :n]),
        "telephone": ("torchaudio", telephone),
        "lossy_codec": ("soundfile", coded),
        "time_mask": ("torchaudio, on a spectrogram", lambda: mask(spectrum(wave).abs())),
        "clip": ("torch", lambda: torch.clamp(wave, -(q := float(torch.quantile(wave.abs(), 0.97))), q)),
        "time_shift": ("torch", lambda: torch.roll(wave, int(rng.integers(-8000, 8000)), -1)),
        "polarity": ("torch", lambda: -wave),
    }


def recipe(name: str, samples: np.ndarray) -> Callable[[], object]:
    """The call that the loader makes for a row, each time for another one."""
    from curate.augment.recipe import Recipe

    settings = {"p": 1.0} | ({"codecs": ["mp3"], "min_kbps": 32, "max_kbps": 32} if name == "lossy_codec" else {})
    made = Recipe.from_json(json.dumps([{"step": "augment", "audio": [{name: settings}]}]))
    ids, place = [f"row-{i}" for i in range(4096)], [0]

    def call() -> object:
        place[0] = (place[0] + 1) & 4095
        return made.apply("audio", (samples, RATE), seed=1, epoch=0, row_id=ids[place[0]], copy=0)

    return call


def main() -> None:
    """Print a line per operation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operation", help="one operation alone")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each operation and way")
    given, _ = parser.parse_known_args()
    samples = clip()
    keep_what_is_freed()
    print(f"one clip of {SECONDS} s at {RATE} Hz, milliseconds\n")
    print(f"{'operation':16}{'directly':>10}{'ours':>10}{'ratio':>8}  by")
    low = []
    for name, (library, call) in libraries(samples).items():
        if given.operation not in (None, name):
            continue
        theirs, ours, ratio = compared(call, recipe(name, samples), given.seconds)
        low += [name] if ratio < WANTED else []
        print(f"{name:16}{theirs * 1e3:10.3f}{ours * 1e3:10.3f}{ratio:8.2f}  {library}", flush=True)
    print(f"\nbelow {WANTED}: {', '.join(low) or 'none'}")


if __name__ == "__main__":
    main()

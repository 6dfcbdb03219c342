"""Sets that grow, shrink and change: a folder of images, a folder of audio, a CSV file of texts."""

from __future__ import annotations

import csv
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import _originals

CLASSES = 5
SOURCE_SIDES_PX = (256, 640)
"""Least pixels of the shorter side of pictures of a folder, most of the longer one."""


@dataclass
class GrowingSet:
    """A set on the disk of which items are added, changed and removed.

    Attributes:
        kind: image, text or audio.
        home: where it is written.
        seed: of every item: an item's content follows from the seed, its number and its version alone.
        originals: a folder of pictures to cut images from, instead of two photographs.
    """

    kind: str
    home: Path
    seed: int = 0
    originals: Path | None = None

    def __post_init__(self) -> None:
        """Nothing is there yet."""
        self.items: dict[int, int] = {}
        self._next = 0
        if self.kind == "image":
            self._photos = _originals.arrays(self.originals, SOURCE_SIDES_PX) if self.originals else photographs()

    @property
    def data(self) -> Path:
        """What `curate audit` is given."""
        return self.home / "texts.csv" if self.kind == "text" else self.home / "set"

    def add(self, count: int) -> None:
        """Add new items."""
        for number in range(self._next, self._next + count):
            self.items[number] = 0
            self._write(number)
        self._next += count
        self._close()

    def change(self, count: int) -> None:
        """Give the first items other content."""
        for number in sorted(self.items)[:count]:
            self.items[number] += 1
            self._write(number)
        self._close()

    def remove(self, count: int) -> None:
        """Remove the last items."""
        for number in sorted(self.items)[-count:]:
            del self.items[number]
            if self.kind != "text":
                self._path(number).unlink()
        self._close()

    def _path(self, number: int) -> Path:
        ending = {"image": "jpg", "audio": "wav"}[self.kind]
        return self.home / "set" / f"class{number % CLASSES}" / f"{number:06d}.{ending}"

    def _write(self, number: int) -> None:
        if self.kind == "text":
            return
        path = self._path(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng((self.seed, number, self.items[number]))
        if self.kind == "image":
            picture(path, number % CLASSES, rng, self._photos)
        else:
            melody(path, number % CLASSES, rng)

    def _close(self) -> None:
        if self.kind != "text":
            return
        self.home.mkdir(parents=True, exist_ok=True)
        with self.data.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["text", "label"])
            for number, version in sorted(self.items.items()):
                rng = np.random.default_rng((self.seed, number, version))
                lines.writerow([passage(number % CLASSES, rng), f"class{number % CLASSES}"])


def picture(path: Path, label: int, rng: np.random.Generator, photos: Sequence[np.ndarray] | None = None) -> None:
    """A JPEG of 256 to 512 pixels a side: a crop of a photograph, mirrored, tinted by class, with some grain."""
    from PIL import Image

    photos = photographs() if photos is None else photos
    photo = photos[int(rng.integers(len(photos)))]
    width, height = (int(side) for side in rng.integers(256, 513, 2))
    scale = float(rng.uniform(0.6, 1.0))
    wide, high = min(int(width * scale), photo.shape[1]), min(int(height * scale), photo.shape[0])
    top, left = int(rng.integers(photo.shape[0] - high + 1)), int(rng.integers(photo.shape[1] - wide + 1))
    part = photo[top : top + high, left : left + wide]
    part = part[:, ::-1] if rng.random() < 0.5 else part
    tint = np.roll(np.array([1.15, 1.0, 0.85]), label % 3) * float(rng.uniform(0.8, 1.1))
    grain = rng.normal(0.0, 4.0, part.shape)
    pixels = np.clip(part * tint + grain, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).resize((width, height)).save(path, quality=int(rng.integers(70, 95)))


_PHOTOGRAPHS: list[np.ndarray] = []


def photographs() -> list[np.ndarray]:
    """The two photographs that come with scikit-learn, (427, 640, 3) uint8 each."""
    if not _PHOTOGRAPHS:
        from sklearn.datasets import load_sample_images

        _PHOTOGRAPHS.extend(load_sample_images()["images"])
    return _PHOTOGRAPHS


def melody(path: Path, label: int, rng: np.random.Generator, rate_hz: int = 16_000) -> None:
    """A mono WAV of 2 to 5 seconds: notes with overtones, by class in another register, over soft noise."""
    notes = []
    for _ in range(int(rng.integers(8, 20))):
        time = np.arange(int(rate_hz * 0.25)) / rate_hz
        pitch = 110.0 * 2 ** ((12 * label / 2 + int(rng.integers(12))) / 12)
        tones = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 5))
        notes.append(tones * np.exp(-4 * time))
    wave_form = np.concatenate(notes)
    wave_form = 0.5 * wave_form / np.abs(wave_form).max() + rng.normal(0, 0.003, len(wave_form))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(wave_form, -1, 1) * 32767).astype("<i2").tobytes())


SUBJECTS = (
    "card payment bank account transfer money cash balance fee charge refund statement currency exchange limit",
    "flight hotel train ticket luggage airport visa passport booking seat route delay station travel cruise",
    "recipe oven dinner sauce garlic onion butter bread lunch vegetables kitchen meal flavour spice cheese",
    "weather rain storm sunshine temperature forecast wind snow cloud degrees humid cold umbrella season ice",
    "guitar song concert album singer melody piano band stage playlist drum violin chorus radio orchestra",
)
PLAIN = " ".join(
    (
        "the a my your this that with without after before when why how could would should please tell me",
        "about want need find make change again always never today tomorrow yesterday morning evening week",
        "month year people friend family work home place time reason problem question answer help know think",
        "believe remember forget ask say show give take long short new old good better best small large first",
        "second last next other another every many few several because although however therefore while until",
        "since between against during through under over above below",
    )
).split()


def passage(label: int, rng: np.random.Generator) -> str:
    """A passage of 20 to 80 words, about a third of them of the class's subject."""
    subject = SUBJECTS[label].split()
    sentences = []
    for _ in range(int(rng.integers(2, 7))):
        count = int(rng.integers(8, 15))
        about = rng.random(count) < 0.35
        words = np.where(about, rng.choice(subject, count), rng.choice(PLAIN, count)).tolist()
        if rng.random() < 0.4:
            words.append(str(int(rng.integers(2, 2000))))
        sentences.append(" ".join(words).capitalize() + ".")
    return " ".join(sentences)

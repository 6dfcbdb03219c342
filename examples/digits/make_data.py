"""Writes scikit-learn's handwritten digits as image files in class folders, and plants faults in the training part.

The faults stand in `truth.csv`, beside the folders that are curated, and never inside them:

    digits/train/<label>/<number>.png    what the pipeline reads
    digits/test/<label>/<number>.png     others, up to 100 per class, faultless, never curated
    digits/truth.csv                     file, given label, true label, fault, the file it is a copy of

Images are 8 x 8 scans, enlarged to 32 x 32. All is drawn from one seed: equal seeds write equal bytes.
"""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

LOOK_ALIKES = {
    0: (6, 8),
    1: (7, 2),
    2: (7, 3),
    3: (8, 5),
    4: (9, 7),
    5: (6, 3),
    6: (5, 0),
    7: (1, 2),
    8: (3, 1),
    9: (4, 3),
}
"""Digit -> the digits that it is taken for."""

JUNK = ("blank", "noise", "truncated")
COPIES = ("exact_copy", "conflicting_copy", "edited_copy")
FIELDS = ("file", "given", "true", "fault", "copy_of")


@dataclass(frozen=True)
class Faults:
    """How much is planted. Counts are files; `flipped` is a share of each class's genuine images.

    Of every class at most `test_per_class` of the images that are not trained on are for testing.
    """

    head: int = 140
    tail: int = 14
    flipped: float = 0.12
    exact_copy: int = 24
    conflicting_copy: int = 8
    edited_copy: int = 30
    blank: int = 6
    noise: int = 6
    truncated: int = 10
    test_per_class: int = 100

    @classmethod
    def scaled(cls, head: int) -> Faults:
        """The faults of a set whose commonest class has `head` rows, in the same proportions."""
        whole = cls()
        counts = ("exact_copy", "conflicting_copy", "edited_copy", "blank", "noise", "truncated")
        fewer = {name: max(2, round(getattr(whole, name) * head / whole.head)) for name in counts}
        return cls(head=head, tail=max(2, round(head / 10)), **fewer)


@dataclass(frozen=True)
class Row:
    """A file to be written: its bytes, the label it is filed under, its true label, and what is wrong with it."""

    content: bytes
    given: int
    true: int | None
    fault: str = ""
    copy_of: int = -1
    suffix: str = ".png"


def encode(pixels: np.ndarray, form: str = "PNG", **options: int) -> bytes:
    """Encoded bytes of (h, w) uint8 grey levels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=form, **options)
    return buffer.getvalue()


def enlarge(scan: np.ndarray) -> np.ndarray:
    """(8, 8) grey levels in 0..16 -> (32, 32) uint8, white on black, smooth."""
    image = Image.fromarray(np.round(scan * (255 / 16)).astype(np.uint8))
    return np.asarray(image.resize((32, 32), Image.Resampling.BICUBIC))


def class_sizes(head: int, tail: int, classes: int = 10) -> np.ndarray:
    """(classes,) rows of each class, falling geometrically from `head` to `tail`."""
    return np.round(head * (tail / head) ** (np.arange(classes) / (classes - 1))).astype(int)


def edit(pixels: np.ndarray, which: int, rng: np.random.Generator) -> tuple[bytes, str]:
    """A slightly changed copy of (32, 32) uint8 pixels and its file suffix: one of five everyday edits."""
    match which % 5:
        case 0:
            return encode(np.clip(pixels * 0.85 + 12, 0, 255).astype(np.uint8)), ".png"
        case 1:
            return encode(np.roll(pixels, int(rng.choice([-1, 1])), axis=int(rng.integers(2)))), ".png"
        case 2:
            return encode(np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.6)))), ".png"
        case 3:
            return encode(np.clip(pixels + rng.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)), ".png"
    return encode(pixels, "JPEG", quality=85), ".jpg"


def genuine_rows(
    scans: np.ndarray, digits: np.ndarray, faults: Faults, rng: np.random.Generator
) -> tuple[list[Row], list[Row]]:
    """The training rows (long-tailed, with a share of flipped labels) and the test rows (others, all true)."""
    training, test = [], []
    for digit, size in enumerate(class_sizes(faults.head, faults.tail)):
        own = rng.permutation(np.flatnonzero(digits == digit))
        take = own[: size + faults.test_per_class]
        rows = [Row(encode(enlarge(scans[i])), digit, digit) for i in take]
        training += rows[:size]
        test += rows[size:]
    labels = np.array([row.given for row in training])
    for digit in range(len(LOOK_ALIKES)):
        own = np.flatnonzero(labels == digit)
        for place in rng.choice(own, round(faults.flipped * len(own)), replace=False):
            training[place] = Row(training[place].content, int(rng.choice(LOOK_ALIKES[digit])), digit, "flipped")
    return training, test


def planted_rows(training: list[Row], faults: Faults, rng: np.random.Generator) -> list[Row]:
    """Copies of sound training rows, and files that are no digits at all."""
    sound = rng.permutation([i for i, row in enumerate(training) if not row.fault])
    planted: list[Row] = []
    exact, conflicting, edited = np.split(
        sound[: faults.exact_copy + faults.conflicting_copy + faults.edited_copy],
        [faults.exact_copy, faults.exact_copy + faults.conflicting_copy],
    )
    for i in exact:
        planted.append(Row(training[i].content, training[i].given, training[i].true, "exact_copy", int(i)))
    for i in conflicting:
        digit = training[i].given
        planted.append(Row(training[i].content, int(rng.choice(LOOK_ALIKES[digit])), digit, "conflicting_copy", int(i)))
    for which, i in enumerate(edited):
        pixels = np.asarray(Image.open(io.BytesIO(training[i].content)))
        content, suffix = edit(pixels, which, rng)
        planted.append(Row(content, training[i].given, training[i].true, "edited_copy", int(i), suffix))

    def anyone() -> int:
        return training[int(rng.integers(len(training)))].given

    for grey in np.linspace(0, 255, faults.blank).astype(np.uint8):
        planted.append(Row(encode(np.full((32, 32), grey)), anyone(), None, "blank"))
    for _ in range(faults.noise):
        planted.append(Row(encode(rng.integers(0, 256, (32, 32), dtype=np.uint8)), anyone(), None, "noise"))
    for share in np.linspace(0, 0.9, faults.truncated):  # the first one is an empty file
        whole = training[int(sound[-1 - len(planted)])]
        planted.append(Row(whole.content[: int(share * len(whole.content))], whole.given, None, "truncated"))
    return planted


def write(folder: Path, rows: list[Row], rng: np.random.Generator) -> list[str]:
    """Write the rows under numbers that say nothing of them. Returns each row's path in `folder`."""
    names = []
    for row, number in zip(rows, rng.permutation(len(rows))):
        name = f"{row.given}/{number:05d}{row.suffix}"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(row.content)
        names.append(name)
    return names


def make_data(out: Path, faults: Faults | None = None, seed: int = 0) -> list[dict[str, str]]:
    """Write the data set and its truth to `out`, in place of an earlier one. Returns the lines of `truth.csv`."""
    from sklearn.datasets import load_digits

    faults = faults or Faults()
    for part in ("train", "test"):
        if (out / part).exists():
            shutil.rmtree(out / part)
    rng = np.random.default_rng(seed)
    bunch = load_digits()
    training, test = genuine_rows(bunch.images, bunch.target, faults, rng)
    rows = training + planted_rows(training, faults, rng)
    names = write(out / "train", rows, rng)
    write(out / "test", test, rng)
    lines = [
        {
            "file": name,
            "given": str(row.given),
            "true": "" if row.true is None else str(row.true),
            "fault": row.fault,
            "copy_of": names[row.copy_of] if row.copy_of >= 0 else "",
        }
        for name, row in zip(names, rows)
    ]
    with (out / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(sorted(lines, key=lambda line: line["file"]))
    return lines

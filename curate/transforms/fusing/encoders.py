"""Encoders that look at one row at a time, by name: nothing of them needs to be learned or kept."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError, nearest
from curate.evidence.encoders import efficientnet, image_descriptors, language, named, text_models
from curate.evidence.encoders.audio_descriptors import AudioDescriptors
from curate.evidence.encoders.choice import IMAGE_PACKAGES, TEXT_PACKAGES
from curate.evidence.encoders.series_descriptors import MOST_CHANNELS, series_descriptor, sizes
from curate.evidence.encoders.videos import VideoFrames
from curate.evidence.measure import Measure
from curate.evidence.measuring import take
from curate.evidence.settings import EvidenceSettings
from curate.media import series
from curate.media.item import DecodeError
from curate.table import Table
from curate.transforms._columns import learnable

KNOWN = {
    "text": ("ngrams", "wordllama", "minilm"),
    "image": ("descriptors", "efficientnet"),
    "video": ("descriptors", "efficientnet"),
    "audio": ("descriptors",),
    "series": ("descriptors",),
}
"""Role -> encoders by their own names; others are ``library:NAME`` of `curate.evidence.encoders.named.LIBRARIES`."""
SAMPLE = 300
BATCH = 4096


class HashedNgrams(Measure):
    """Pieces of words, two to four characters long, counted in a fixed number of places by their hash.

    Source: Weinberger et al. 2009, "Feature hashing for large scale multitask learning"; scikit-learn.
    """

    modality = "text"
    libraries = ("scikit-learn",)

    def __init__(self, width: int) -> None:
        self.name = "encoder.hashed_ngrams"
        self.fields = {self.name: ("float32", (width,))}
        self.parameters = {"width": width}

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Vectors of length 1; NaN for an empty text."""
        from sklearn.feature_extraction.text import HashingVectorizer

        (_, (width,)) = self.fields[self.name]
        hashed: Any = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=width)
        texts = pc.fill_null(items, "").to_pylist()
        vectors = hashed.transform(texts).toarray().astype(np.float32)
        vectors[[not text.strip() for text in texts]] = np.nan
        return {self.name: vectors}


def problem(role: str, name: str) -> str | None:
    """What is wrong with an encoder's name for a role, None if nothing is."""
    library, _, model = name.partition(":")
    if role not in KNOWN:
        return f"{role!r} has no encoder{nearest(role, KNOWN)}; {', '.join(KNOWN)} have"
    if model and library in named.LIBRARIES:
        taken = named.LIBRARIES[library]
        return None if role in taken else f"{library} models embed {' or '.join(taken)}, not {role}"
    if name in KNOWN[role]:
        return None
    others = ", ".join(f"{lib}:NAME" for lib, roles in named.LIBRARIES.items() if role in roles)
    return f"unknown encoder {name!r} of {role}{nearest(name, KNOWN[role])}; known: {', '.join(KNOWN[role])}, {others}"


def usual(role: str, table: Table) -> str:
    """The encoder of a role where none is named: the strongest fast one that is installed and fits training rows."""
    if role == "text":
        rows = np.flatnonzero(learnable(table))
        content = table.content[rows]
        sample = rows[np.lexsort((content[:, 1], content[:, 0]))][:SAMPLE]
        texts = [text for text in table.column(str(table.task.text)).take(pa.array(sample)).to_pylist() if text]
        there = all(find_spec(package) is not None for package in TEXT_PACKAGES["wordllama"])
        return "wordllama" if there and language.english_share(texts)[0] >= language.LEAST_ENGLISH else "ngrams"
    if role in ("image", "video"):
        return "efficientnet" if all(find_spec(package) is not None for package in IMAGE_PACKAGES) else "descriptors"
    return "descriptors"


def encoded(table: Table, role: str, name: str, width: int) -> tuple[np.ndarray, dict[int, str]]:
    """What an encoder makes of a role.

    Args:
        table: the rows.
        role: text, image, audio, video or series.
        name: of the encoder.
        width: numbers of ngrams, channels of series.

    Returns:
        (n, d) float32 vectors, NaN in rows that have none; row -> why it can't be decoded.
    """
    if not len(table):
        return np.empty((0, 0), dtype=np.float32), {}
    if role == "series":
        return _series(table, width)
    measure = _measure(role, name, width)
    found = take(table, [measure], EvidenceSettings())
    return found.values[next(iter(measure.fields))], found.broken


def channels(table: Table, rows: np.ndarray) -> int:
    """Most channels of the series of some rows."""
    decoded = series.decode(table.column(str(table.task.series)))
    counts = [len(one) for one in (decoded[row] for row in rows.tolist()) if not isinstance(one, DecodeError)]
    return min(max(counts, default=1), MOST_CHANNELS)


def _series(table: Table, width: int) -> tuple[np.ndarray, dict[int, str]]:
    vectors = np.full((len(table), sum(sizes(width))), np.nan, dtype=np.float32)
    broken: dict[int, str] = {}
    missing = table.column(str(table.task.series)).is_null().to_numpy()
    for row, one in enumerate(series.decode(table.column(str(table.task.series)))):
        if not isinstance(one, DecodeError):
            vectors[row] = series_descriptor(one, width)
        elif not missing[row]:
            broken[row] = str(one)
    return vectors, broken


def _measure(role: str, name: str, width: int) -> Measure:
    library, _, model = name.partition(":")
    if model:
        return _named(role, library, model)
    if role == "text":
        kinds: dict[str, Any] = {"wordllama": text_models.WordLlamaText, "minilm": text_models.MiniLmText}
        return HashedNgrams(width) if name == "ngrams" else kinds[name]()
    if role == "audio":
        return AudioDescriptors()
    strong = name == "efficientnet"
    if role == "image":
        return efficientnet.EfficientNetImage() if strong else image_descriptors.ImageDescriptors()
    if strong:
        return efficientnet.of_frames()
    return VideoFrames(name, image_descriptors.picture_descriptors, image_descriptors.DIMENSIONS)


def _named(role: str, library: str, model: str) -> Measure:
    if why := problem(role, f"{library}:{model}"):
        raise ConfigError(f"fuse: {why}")
    return named.measure_of(library, model, role)

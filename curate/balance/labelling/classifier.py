"""A transformers classifier as a teacher: the probabilities of a text, picture or recording, by the model's name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError, nearest
from curate.evidence.encoders.named import identity, image_settings
from curate.evidence.encoders.text_models import of_filled
from curate.evidence.encoders.torch_models import device, required, stacked
from curate.evidence.measure import Measure
from curate.pretrained import opened
from curate.randomness import digest
from curate.wording import some_of

ROLES = ("text", "image", "audio")
BATCH = 16


class Classifier(Measure):
    """Probabilities of a model's own classes, one value of `names` each.

    Args:
        model: name or folder of a transformers model for classification.
        role: text, image or audio.
    """

    parallel = False

    def __init__(self, model: str, role: str) -> None:
        purpose = f"the teacher {model!r}"
        self._transformers = required("transformers", "transformers", "trainers", purpose)
        kind = {"text": "SequenceClassification", "image": "ImageClassification", "audio": "AudioClassification"}[role]
        self._network, self._prepare = _opened(self._transformers, model, role, kind)
        labels = self._network.config.id2label
        self.names = tuple(str(labels[k]) for k in range(len(labels)))
        known = identity(model)
        self.name = self.field = f"teacher.{digest(known):032x}"
        self.modality = role
        self.fields = {self.field: ("float32", (len(self.names),))}
        self.libraries = ("transformers", "torch")
        self.parameters = {"model": known}

    def measure(self, items: Any) -> dict[str, np.ndarray]:
        """(n, C) probabilities of a chunk."""
        if isinstance(items, (pa.Array, pa.ChunkedArray)):
            return {self.field: of_filled(items, len(self.names), self._texts)}
        if self.modality == "audio":
            return {self.field: np.stack([self._heard(item) for item in items])}
        return {self.field: np.concatenate([self._run(self._prepare([item.pixels])) for item in items])}

    def _texts(self, texts: list[str]) -> np.ndarray:
        return np.concatenate([self._run(self._prepare(texts[i : i + BATCH])) for i in range(0, len(texts), BATCH)])

    def _heard(self, item: Any) -> np.ndarray:
        from curate.media.audio import resample

        wanted = int(self._prepare.sampling_rate)
        samples = resample(item.samples.mean(0), item.rate, wanted)
        return self._run(self._prepare(samples, sampling_rate=wanted, return_tensors="pt"))[0]

    def _run(self, inputs: Any) -> np.ndarray:
        import torch

        with torch.inference_mode():
            logits = self._network(**inputs.to(device())).logits
        return logits.float().softmax(-1).cpu().numpy()


def _opened(transformers: Any, model: str, role: str, kind: str) -> tuple[Any, Any]:
    """The network, and what prepares its inputs."""
    purpose = f"teacher_labels ({role})"
    load = getattr(transformers, f"AutoModelFor{kind}").from_pretrained
    network = opened(model, lambda how: load(model, use_safetensors=True, **how), purpose).eval().to(device())
    if role == "text":
        tokenizer = opened(model, lambda how: transformers.AutoTokenizer.from_pretrained(model, **how), purpose)
        limit = min(512, getattr(network.config, "max_position_embeddings", 512) or 512)
        options = {"truncation": True, "max_length": limit, "padding": True, "return_tensors": "pt"}
        return network, lambda texts: tokenizer(texts, **options)
    if role == "audio":
        prepare = transformers.AutoFeatureExtractor.from_pretrained
        return network, opened(model, lambda how: prepare(model, **how), purpose)
    settings = image_settings(model)
    return network, lambda pictures: _stacked(transformers, pictures, settings)


def _stacked(transformers: Any, pictures: list[np.ndarray], settings: Any) -> Any:
    import torch

    return transformers.BatchFeature({"pixel_values": torch.from_numpy(stacked(pictures, *settings))})


def onto_classes(
    values: np.ndarray, theirs: tuple[str, ...], ours: tuple[str, ...], given: Mapping[str, str]
) -> np.ndarray:
    """(n, C) probabilities of a model's classes -> (n, K) of the task's; what falls on no class of ours is left out.

    Names match by `given` (theirs -> ours), else whatever their case, blanks, hyphens and underscores; a model without
    names of its own (``LABEL_0``, ...) and as many classes as the task has them in the task's order.

    Raises:
        ConfigError: some class of the task has no class of the model's.
    """
    place = {_plain(name): k for k, name in enumerate(ours)}
    target = [place.get(_plain(given.get(name, name)), -1) for name in theirs]
    nameless = all(re.fullmatch(r"LABEL_\d+", name) for name in theirs)
    if nameless and not given and len(theirs) == len(ours):
        target = list(range(len(ours)))
    lacking = [name for k, name in enumerate(ours) if k not in target]
    if lacking:
        raise ConfigError(
            f"teacher_labels: the model has no class for {lacking[0]!r}{nearest(lacking[0], theirs)}; it has"
            f" {some_of(theirs, 20)}. Say which is which in `classes`, as {{model's class: class of the task}}"
        )
    result = np.zeros((len(values), len(ours)))
    for column, k in enumerate(target):
        if k >= 0:
            result[:, k] += values[:, column]
    return result / np.maximum(result.sum(1, keepdims=True), 1e-12)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()

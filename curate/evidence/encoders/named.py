"""Encoders that the user names: models of sentence-transformers, transformers, timm and open_clip."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from curate.errors import ConfigError
from curate.evidence.encoders.text_models import load_transformer, mean_states, of_filled
from curate.evidence.encoders.torch_models import device, in_batches, loaded, required, stacked
from curate.evidence.encoders.videos import VideoFrames
from curate.evidence.measure import Measure
from curate.pretrained import opened

LIBRARIES = {
    "sentence-transformers": ("text",),
    "transformers": ("text", "image", "video", "audio"),
    "timm": ("image", "video"),
    "open_clip": ("text", "image", "video"),
}
"""Library -> input roles that its models are taken for."""
Embed = Callable[[list], np.ndarray]


class NamedModel(Measure):
    """Vectors by a model that the user named.

    Args:
        library: one of `LIBRARIES`.
        model: its name there, or a folder.
        modality: text, image or audio.
        embed: items (texts, pictures or (samples, rate) pairs) -> (n, d) float32.
        width: d.
    """

    parallel = False
    version = 2

    def __init__(self, library: str, model: str, modality: str, embed: Embed, width: int) -> None:
        self.name = f"encoder.{library.replace('-', '_')}_{modality}"
        self.modality = modality
        self.fields = {self.name: ("float32", (width,))}
        self.libraries = ({"open_clip": "open_clip_torch"}.get(library, library), "torch")
        self.parameters = {"model": identity(model)}
        self._embed, self._width = embed, width

    def measure(self, items: Any) -> dict[str, np.ndarray]:
        """Vectors of a chunk of items of the modality."""
        if isinstance(items, (pa.Array, pa.ChunkedArray)):
            return {self.name: of_filled(items, self._width, self._embed)}
        if self.modality == "audio":
            return {self.name: self._embed([(item.samples.mean(0), item.rate) for item in items])}
        return {self.name: self._embed([item.pixels for item in items])}


def identity(model: str) -> str:
    """The name of a model, or the hash of the files of a model's folder."""
    folder = Path(model)
    if not folder.is_dir():
        return model
    hasher = xxhash.xxh3_128()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        hasher.update(f"{path.relative_to(folder)}:{path.stat().st_size};".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                hasher.update(block)
    return f"folder {hasher.hexdigest()}"


def measure_of(library: str, model: str, role: str) -> Measure:
    """The vectors of a role by a model; of videos those of three frames. Raises as `embedder`."""
    taken_for = "image" if role == "video" else role
    embed, width = embedder(library, model, taken_for)
    measure = NamedModel(library, model, taken_for, embed, width)
    if role != "video":
        return measure
    name = library.replace("-", "_")
    return VideoFrames(name, embed, width, measure.libraries, measure.parameters, lambda: 1)


@cache
def embedder(library: str, model: str, role: str) -> tuple[Embed, int]:
    """What embeds a list of items of that role, and the length of its vectors. Loads the model.

    Raises:
        MissingPackage: the library is not installed.
        ConfigError: there is no such model, or it does not take that role.
    """
    if role not in LIBRARIES[library]:
        raise ConfigError(f"encoder: {library} models embed {' or '.join(LIBRARIES[library])}, not {role}")
    make = {
        "sentence-transformers": _sentence_transformers,
        "transformers": _transformers,
        "timm": _timm,
        "open_clip": _open_clip,
    }[library]
    embed = make(model, role)
    probe = {"text": ["a"], "audio": [(np.zeros(16_000, dtype=np.float32), 16_000)]}
    item = probe.get(role, [np.zeros((32, 32, 3), dtype=np.uint8)])
    vectors = loaded(model, lambda: embed(item))
    return embed, vectors.shape[1]


def _sentence_transformers(model: str, role: str) -> Embed:
    library = required("sentence_transformers", "sentence-transformers", "text", f"the encoder {model!r}")
    weights = {"use_safetensors": True}
    encoder = opened(
        model, lambda how: library.SentenceTransformer(model, device=device(), model_kwargs=weights, **how), "encoder"
    )

    def embed(texts: list) -> np.ndarray:
        return encoder.encode(texts, batch_size=32, show_progress_bar=False, convert_to_numpy=True)

    return embed


def _transformers(model: str, role: str) -> Embed:
    purpose = f"the encoder {model!r}"
    transformers = required("transformers", "transformers", "trainers", purpose)
    if role == "text":
        tokenizer, network = load_transformer(model, "encoder")
        return lambda texts: mean_states(tokenizer, network, texts)
    load = transformers.AutoModel.from_pretrained
    network = opened(model, lambda how: load(model, use_safetensors=True, **how), "encoder").eval().to(device())
    if role == "audio":
        prepare = transformers.AutoFeatureExtractor.from_pretrained
        extractor = opened(model, lambda how: prepare(model, **how), "encoder")
        return lambda items: np.stack([_heard(network, extractor, *item) for item in items])
    settings = image_settings(model)
    return lambda pictures: in_batches(stacked(pictures, *settings), lambda batch: _seen(network, batch))


def image_settings(model: str) -> tuple[tuple[int, int], Any, Any]:
    """Size, mean and deviation that an image model wants (its processor's file, read without torchvision).

    Raises:
        ConfigError: the model has no such file.
    """
    from transformers.image_processing_utils import BaseImageProcessor

    load = BaseImageProcessor.get_image_processor_dict
    wanted, _ = opened(model, lambda how: load(model, **how), "encoder")
    size = wanted.get("crop_size") or wanted.get("size") or {"height": 224, "width": 224}
    if isinstance(size, int):
        size = {"shortest_edge": size}
    edge = size.get("shortest_edge", 224)
    mean, deviation = wanted.get("image_mean") or [0.5] * 3, wanted.get("image_std") or [0.5] * 3
    return (int(size.get("height", edge)), int(size.get("width", edge))), mean, deviation


def _seen(network: Any, batch: Any) -> Any:
    if hasattr(network, "get_image_features"):
        found = network.get_image_features(pixel_values=batch)
        return getattr(found, "pooler_output", found)
    output = network(pixel_values=batch)
    pooled = getattr(output, "pooler_output", None)
    if pooled is not None:
        return pooled.flatten(1)
    states = output.last_hidden_state
    return states.mean(1) if states.ndim == 3 else states.mean((2, 3))


def _heard(network: Any, extractor: Any, samples: np.ndarray, rate: int) -> np.ndarray:
    import torch

    from curate.evidence.encoders.audio_descriptors import resampled

    wanted = int(extractor.sampling_rate)
    inputs = extractor(resampled(samples, rate, wanted), sampling_rate=wanted, return_tensors="pt").to(device())
    with torch.inference_mode():
        encoder = network.get_encoder() if network.config.is_encoder_decoder else network
        states = encoder(inputs[extractor.model_input_names[0]]).last_hidden_state
    return states.mean(1)[0].float().cpu().numpy()


def _timm(model: str, role: str) -> Embed:
    timm = required("timm", "timm", "vision-models", f"the encoder {model!r}")
    name = f"local-dir:{model}" if Path(model).is_dir() else model
    network = loaded(model, lambda: timm.create_model(name, pretrained=True, num_classes=0).eval().to(device()))
    data = timm.data.resolve_model_data_config(network)
    size = tuple(data["input_size"][1:])
    return lambda pictures: in_batches(stacked(pictures, size, data["mean"], data["std"]), network)


def _open_clip(model: str, role: str) -> Embed:
    open_clip = required("open_clip", "open-clip-torch", "vision-models", f"the encoder {model!r}")
    name, _, weights = model.rpartition("/") if ":" not in model else (model, "", "")
    if Path(model).is_dir():
        name, weights = f"local-dir:{model}", ""
    made = loaded(model, lambda: open_clip.create_model(name or model, pretrained=weights or None))
    network = made.eval().to(device())
    if role == "text":
        tokenizer = loaded(model, lambda: open_clip.get_tokenizer(name or model))
        return lambda texts: _clip_texts(network, tokenizer, texts)
    visual = network.visual
    side = visual.image_size if isinstance(visual.image_size, tuple) else (visual.image_size,) * 2
    mean = getattr(visual, "image_mean", None) or open_clip.OPENAI_DATASET_MEAN
    deviation = getattr(visual, "image_std", None) or open_clip.OPENAI_DATASET_STD
    return lambda pictures: in_batches(stacked(pictures, side, mean, deviation), network.encode_image)


def _clip_texts(network: Any, tokenizer: Any, texts: list) -> np.ndarray:
    import torch

    parts = []
    for begin in range(0, len(texts), 32):
        with torch.inference_mode():
            parts.append(network.encode_text(tokenizer(texts[begin : begin + 32]).to(device())).float().cpu().numpy())
    return np.concatenate(parts)

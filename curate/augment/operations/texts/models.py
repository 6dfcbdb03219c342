"""Models of transformers by name, loaded once per process."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from curate.pretrained import opened


def loaded(name: str, kind: str, purpose: str, device: str) -> tuple[Any, Any]:
    """Tokenizer and model, ready to answer.

    Args:
        name: of a model on the hub, or a folder.
        kind: ``AutoModelForMaskedLM`` or ``AutoModelForSeq2SeqLM``.
        purpose: for messages.
        device: cpu or cuda.

    Raises:
        MissingPackage: transformers is not installed.
        ConfigError: there is no such model, or it does not do that.
    """
    return _loaded(name, kind, purpose, device)


@lru_cache(maxsize=8)
def _loaded(name: str, kind: str, purpose: str, device: str) -> tuple[Any, Any]:
    from curate.evidence.encoders.torch_models import required

    transformers = required("transformers", "transformers", "trainers", purpose)

    def load(how: dict[str, Any]) -> tuple[Any, Any]:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **how)
        return tokenizer, getattr(transformers, kind).from_pretrained(name, use_safetensors=True, **how)

    tokenizer, model = opened(name, load, purpose)
    return tokenizer, model.eval().to(device)


def token_limit(tokenizer: Any, model: Any) -> int:
    """The most tokens that the model takes."""
    wide = getattr(model.config, "max_position_embeddings", None) or 512
    return min(wide, tokenizer.model_max_length or 512)

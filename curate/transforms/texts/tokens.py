"""Where tokens begin and end, by plain rules or by a tokenizer of transformers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from curate.errors import ConfigError
from curate.evidence.encoders.torch_models import required
from curate.pretrained import opened
from curate.transforms.texts.scripts import MARKS, UNSPACED, graphemes

PLAIN = ("words", "whitespace", "characters")
_WHITESPACE = re.compile(r"\S+")
_WORDS = re.compile(rf"[{UNSPACED}][{MARKS}]*|[^\s{UNSPACED}]+")


@dataclass(frozen=True)
class Tokenizer:
    """Tells where the tokens of texts stand.

    Attributes:
        name: for messages.
        spans: texts -> per text (k, 2) int64, start and end of each token in characters, in order, none empty.
        special: tokens that a model's tokenizer puts around every text.
    """

    name: str
    spans: Callable[[Sequence[str]], list[np.ndarray]]
    special: int = 0

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """(n,) int64 tokens of each text."""
        return np.array([len(found) for found in self.spans(texts)], dtype=np.int64)


def tokenizer(name: str) -> Tokenizer:
    """A tokenizer by name.

    Args:
        name: words (runs without blanks, and each character of a script that has no blanks), whitespace (runs without
            blanks), characters (as people see them), or a model of transformers: its name, its folder, or a
            ``tokenizer.json``.

    Raises:
        ConfigError: there is none of that name, or it does not tell where its tokens stand.
        MissingPackage: transformers is not installed.
    """
    if name == "characters":
        return Tokenizer(name, lambda texts: [_characters(text) for text in texts])
    if name in PLAIN:
        pattern = _WORDS if name == "words" else _WHITESPACE
        return Tokenizer(name, lambda texts: [_matches(pattern, text) for text in texts])
    return _of_model(name)


def _matches(pattern: re.Pattern[str], text: str) -> np.ndarray:
    return np.array([found.span() for found in pattern.finditer(text)], dtype=np.int64).reshape(-1, 2)


def _characters(text: str) -> np.ndarray:
    if text.isascii():
        starts = np.arange(len(text), dtype=np.int64)
        return np.stack([starts, starts + 1], axis=1)
    return _matches(graphemes(), text)


def _advice() -> str:
    return f"it is one of {', '.join(PLAIN)}, or the name, folder or tokenizer.json of a model of transformers"


@cache
def _of_model(name: str) -> Tokenizer:
    if name.endswith(".json"):
        return _from_file(name)
    transformers = required("transformers", "transformers", "trainers", f"the tokenizer {name!r}")
    load = transformers.AutoTokenizer.from_pretrained
    model = opened(name, lambda how: load(name, **how), "tokenizer", _advice())
    if not model.is_fast:
        raise ConfigError(f"the tokenizer {name!r} does not tell where its tokens stand in a text; use a fast one")

    def spans(texts: Sequence[str]) -> list[np.ndarray]:
        found = model(list(texts), add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [_in_order(offsets) for offsets in found["offset_mapping"]]

    return Tokenizer(name, spans, int(model.num_special_tokens_to_add()))


def _from_file(name: str) -> Tokenizer:
    tokenizers = required("tokenizers", "transformers", "trainers", f"the tokenizer {name!r}")
    try:
        if not Path(name).is_file():
            raise OSError("there is no such file")
        model: Any = tokenizers.Tokenizer.from_file(name)
    except Exception as error:  # the library raises bare Exception for a file that it can't read
        raise ConfigError(f"tokenizer: {name!r} can't be loaded: {str(error).splitlines()[0]}; {_advice()}") from error
    model.no_truncation()
    model.no_padding()

    def spans(texts: Sequence[str]) -> list[np.ndarray]:
        return [_in_order(found.offsets) for found in model.encode_batch(list(texts), add_special_tokens=False)]

    return Tokenizer(name, spans, int(model.num_special_tokens_to_add(False)))


def _in_order(offsets: Sequence[tuple[int, int]]) -> np.ndarray:
    """Offsets as spans. Several tokens may share the bytes of one character: each keeps the whole of it."""
    spans = np.array(offsets, dtype=np.int64).reshape(-1, 2)
    return spans[spans[:, 1] > spans[:, 0]]

"""Text from text by sequence-to-sequence models of transformers: translations, summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from curate.errors import ConfigError
from curate.evidence.encoders.torch_models import device, required
from curate.pretrained import opened

BATCH = 8
WIDTH = 16
"""Inputs are padded to a multiple of so many tokens and batches filled up, so that what a text becomes does not depend
on which others stand beside it: kernels round by the shape of a batch."""
LONGEST = 100_000
"""A tokenizer without a limit of its own names a larger number."""


@dataclass(frozen=True)
class Writer:
    """A model that writes text, with its tokenizer.

    Attributes:
        name: of the model.
        tokenizer: of transformers.
        model: of transformers, ready to run.
        limit: most tokens that it reads.
    """

    name: str
    tokenizer: Any
    model: Any
    limit: int

    def tokens(self, texts: Sequence[str]) -> np.ndarray:
        """(n,) int64 tokens of each text, without special ones."""
        found = self.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return np.array([len(ids) for ids in found], dtype=np.int64)

    def write(
        self, texts: Sequence[str], new_tokens: int, beams: int, prefix: str = "", source: str = "", target: str = ""
    ) -> list[str]:
        """What the model writes for each text, without chance (greedy, or by beams).

        Args:
            texts: what it reads; more than `limit` tokens are cut off.
            new_tokens: most tokens that it writes.
            beams: sequences that it follows at once.
            prefix: put before each text (``translate English to German: ``).
            source: code of the language of the texts, for models that know several.
            target: code of the language to write, for models that know several.

        Raises:
            ConfigError: the model does not know the language.
        """
        different = list(dict.fromkeys(texts))
        options = {"max_new_tokens": new_tokens, "num_beams": beams, "do_sample": False, "max_length": None}
        if source and hasattr(self.tokenizer, "src_lang"):
            self.tokenizer.src_lang = source
        if target and (first := self._language(target)) is not None:
            options["forced_bos_token_id"] = first
        given = self.tokenizer([prefix + text for text in different], truncation=True, max_length=self.limit)
        lengths = np.array([-(-len(ids) // WIDTH) * WIDTH for ids in given["input_ids"]])
        written = [""] * len(different)
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            for begin in range(0, len(rows), BATCH):
                chosen = rows[begin : begin + BATCH]
                filled = {k: [v[row] for row in np.resize(chosen, BATCH)] for k, v in given.items() if k in _INPUTS}
                for row, text in zip(chosen.tolist(), self._generate(filled, int(length), options)):
                    written[row] = text
        known = dict(zip(different, written))
        return [known[text] for text in texts]

    def _generate(self, inputs: dict[str, Any], length: int, options: dict[str, Any]) -> list[str]:
        import torch

        width = min(length, self.limit)
        batch = self.tokenizer.pad(inputs, padding="max_length", max_length=width, return_tensors="pt").to(device())
        with torch.inference_mode():
            found = self.model.generate(**batch, **options)
        texts = self.tokenizer.batch_decode(found, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return [text.strip() for text in texts]

    def _language(self, code: str) -> int | None:
        """The token that makes the model write a language; None for a model that needs none."""
        codes = getattr(self.tokenizer, "lang_code_to_id", None) or {}
        if code in codes:
            return int(codes[code])
        if hasattr(self.tokenizer, "get_lang_id"):
            try:
                return int(self.tokenizer.get_lang_id(code))
            except KeyError as error:
                raise ConfigError(f"the model {self.name!r} does not know the language {code!r}") from error
        if not hasattr(self.tokenizer, "src_lang"):
            return None
        found = self.tokenizer.convert_tokens_to_ids(code)
        if found is None or found == self.tokenizer.unk_token_id:
            raise ConfigError(f"the model {self.name!r} does not know the language {code!r}; use the codes of its page")
        return int(found)


ADVICE = "give the name of a sequence-to-sequence model on the hub, or a folder that holds one"
_INPUTS = ("input_ids", "attention_mask")


@cache
def writer(name: str, purpose: str) -> Writer:
    """A model by its name or folder.

    Args:
        name: on the hub, or of a folder.
        purpose: for messages: ``translate_text``.

    Raises:
        MissingPackage: transformers or torch is not installed.
        ConfigError: there is no such model, or it writes no text from text.
    """
    required("torch", "torch", "trainers", f"{purpose} by the model {name!r}")
    transformers = required("transformers", "transformers", "trainers", f"{purpose} by the model {name!r}")

    def load(how: dict[str, Any]) -> tuple[Any, Any]:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **how)
        return tokenizer, transformers.AutoModelForSeq2SeqLM.from_pretrained(name, use_safetensors=True, **how)

    tokenizer, model = opened(name, load, purpose, ADVICE)
    model = model.eval().to(device())
    limits = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None) or LONGEST]
    limit = int(min(limits))
    return Writer(name, tokenizer, model, limit if limit < LONGEST else 512)

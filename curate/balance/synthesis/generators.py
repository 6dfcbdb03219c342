"""New rows by a generator: a Python function, or a language model that is shown examples of a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from curate.errors import ConfigError
from curate.evidence.encoders.torch_models import device, required
from curate.media.content import input_columns, is_media
from curate.pretrained import opened
from curate.table import Table

Generator = Callable[[str, pa.Table, int, np.random.Generator], Any]
"""(label, examples, how many rows, chance) -> a `pyarrow.Table` with the columns of the inputs, or a list of items."""


def language_model(name: str, prompt: str, max_tokens: int, temperature: float) -> Generator:
    """A generator of texts by a causal model of transformers.

    Args:
        name: of the model, or its folder.
        prompt: with the places ``{label}`` and ``{examples}``; what follows up to the end of the line is the new text.
        max_tokens: longest new text.
        temperature: of the draws.

    Raises:
        MissingPackage: transformers is not installed.
        ConfigError: the model can't be loaded.
    """
    transformers = required("transformers", "transformers", "trainers", f"the generator {name!r}")

    def load(how: dict[str, Any]) -> tuple[Any, Any]:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **how)
        return tokenizer, transformers.AutoModelForCausalLM.from_pretrained(name, use_safetensors=True, **how)

    tokenizer, network = opened(
        name, load, "synthesize", "give the name of a text-generation model on the hub, or a folder that holds one"
    )
    network = network.eval().to(device())
    room = int(getattr(network.config, "max_position_embeddings", 1024) or 1024) - max_tokens
    if room < 8:
        raise ConfigError(f"synthesize: the model {name!r} has no room for a prompt beside {max_tokens} new tokens")

    def generate(label: str, examples: pa.Table, count: int, rng: np.random.Generator) -> list[str]:
        import torch

        shown = "\n- ".join(" ".join(str(text).split()) for text in examples.column(0).to_pylist())
        given = tokenizer(prompt.replace("{label}", label).replace("{examples}", shown), return_tensors="pt")
        ids = given["input_ids"][:, -room:].to(device())
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())), torch.inference_mode():
            torch.manual_seed(int(rng.integers(2**63)))
            found = network.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                temperature=temperature,
                max_new_tokens=max_tokens,
                num_return_sequences=count,
                pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id or 0,
            )
        texts = tokenizer.batch_decode(found[:, ids.shape[1] :], skip_special_tokens=True)
        return [text.strip().split("\n")[0].strip() for text in texts]

    return generate


def as_rows(found: Any, table: Table, name: str) -> pa.Table:
    """What a generator gave as columns of the table's inputs.

    Raises:
        ConfigError: columns are missing or unknown, or items are of another kind than the one input is.
    """
    wanted = input_columns(table.task)
    if isinstance(found, pa.Table):
        if sorted(found.column_names) != sorted(wanted):
            raise ConfigError(
                f"synthesize: the generator {name} gave the columns {', '.join(found.column_names)}; expected"
                f" {', '.join(wanted)}"
            )
        return found
    if len(wanted) != 1 or not isinstance(found, Sequence) or isinstance(found, str | bytes):
        raise ConfigError(
            f"synthesize: the generator {name} gave a {type(found).__name__}; expected a pyarrow.Table with the columns"
            f" {', '.join(wanted)}" + (", or a list of items" if len(wanted) == 1 else "")
        )
    kind = table.column(wanted[0]).type
    if is_media(kind):
        if not all(isinstance(item, bytes) for item in found):
            raise ConfigError(f"synthesize: the generator {name} must give encoded files as bytes for {wanted[0]!r}")
        found = [{"bytes": item, "path": None} for item in found]
    try:
        return pa.table({wanted[0]: pa.array(list(found), kind)})
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ConfigError(f"synthesize: the generator {name} gave values that are no {kind}: {error}") from error


class Seen:
    """Which contents there are already, so that none is made again.

    Texts are compared without regard to case and blanks, other inputs byte by byte.
    """

    def __init__(self, table: Table, rows: np.ndarray) -> None:
        self._known = set(map(_key, table.rows(rows, input_columns(table.task)).to_pylist()))

    def new(self, rows: pa.Table) -> np.ndarray:
        """(k,) places of rows that hold something and are not there yet; they are from now on."""
        fresh = []
        for place, row in enumerate(rows.to_pylist()):
            key = _key(row)
            if key not in self._known and not _empty(row):
                self._known.add(key)
                fresh.append(place)
        return np.array(fresh, dtype=np.int64)


def _key(row: dict[str, Any]) -> str:
    return repr([(k, " ".join(v.casefold().split()) if isinstance(v, str) else v) for k, v in sorted(row.items())])


def _empty(row: dict[str, Any]) -> bool:
    return all(value is None or (isinstance(value, str) and not value.strip()) for value in row.values())

"""What rows cost of a budget in tokens or seconds, and how large the budget of a pool is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.evidence.encoders.torch_models import required
from curate.pretrained import opened

CHUNK = 1024


def tokens(evidence: Any, rows: np.ndarray, tokenizer: str | None) -> np.ndarray:
    """(m,) float64 tokens of each row, at least 1: words by the measure `text.words`, or by a tokenizer.

    Raises:
        ConfigError: the tokenizer can't be opened.
        MissingPackage: transformers is not installed.
    """
    task = evidence.table.task
    if task.text is None and task.tokens is not None:
        lengths = pc.fill_null(pc.list_value_length(evidence.table.column(task.tokens)), 0)
        return np.maximum(lengths.to_numpy().astype(np.float64)[rows], 1)
    if tokenizer is None:
        return np.maximum(np.asarray(evidence.measure("text.words"), dtype=np.float64)[rows], 1)
    opened = _opened(tokenizer)
    texts = pc.fill_null(evidence.table.column(task.text).cast(pa.string()), "").take(pa.array(rows))
    found: list[int] = []
    for start in range(0, len(texts), CHUNK):
        found += [len(ids) for ids in opened(texts.slice(start, CHUNK).to_pylist(), verbose=False)["input_ids"]]
    return np.maximum(np.array(found, dtype=np.float64), 1)


def _opened(name: str) -> Any:
    transformers = required("transformers", "transformers", "trainers", f"select: the tokenizer {name!r}")
    return opened(name, lambda how: transformers.AutoTokenizer.from_pretrained(name, **how), "select")


def seconds(evidence: Any, rows: np.ndarray) -> np.ndarray:
    """(m,) float64 seconds of audio or video of each row; rows of unknown length count as the longest."""
    role = "audio" if evidence.table.task.audio is not None else "video"
    found = np.asarray(evidence.measure(f"{role}.seconds"), dtype=np.float64)[rows]
    known = np.isfinite(found) & (found > 0)
    longest = float(found[known].max()) if known.any() else 1.0
    return np.where(known, found, longest)

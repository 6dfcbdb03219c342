"""What samplers read of a plan: what tells it from others, weights, and where classes and rows stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import ConfigError


def keys(plan: Any) -> list[bytes]:
    """Bytes that differ for plans with other lines, however the lines are chunked."""
    if plan is None or "row_id" not in plan.column_names:
        return []
    ids = pa.concat_arrays([pa.array([], pa.large_string()), *plan["row_id"].cast(pa.large_string()).chunks])
    _, bounds, text = ids.buffers()
    ends = np.frombuffer(bounds, np.int64)[ids.offset : ids.offset + len(ids) + 1] if len(ids) else np.zeros(1, int)
    keys = [np.diff(ends).tobytes(), bytes(memoryview(text)[ends[0] : ends[-1]]) if text is not None else b""]
    if "copy" in plan.column_names:
        keys.append(plan["copy"].to_numpy().tobytes())
    return keys


def weights(plan: Any, given: np.ndarray | Sequence[float] | None, n: int) -> np.ndarray:
    """(n,) float64 weights to draw by, those given or the plan's; finite, at least 0, and not all 0."""
    if given is None:
        if plan is None:
            raise ConfigError("the sampler 'weighted' needs weights: pass a plan, or weights=")
        given = plan["weight"].to_numpy()
    chances = np.asarray(given, dtype=np.float64)
    if chances.shape != (n,):
        raise ConfigError(f"{n} lines in the plan, but weights of the shape {chances.shape}")
    bad = np.flatnonzero(~(np.isfinite(chances) & (chances >= 0)))
    if len(bad):
        raise ConfigError(f"weights must be finite and at least 0; position {bad[0]} has {chances[bad[0]]}")
    if n and not chances.sum():
        raise ConfigError("all weights are 0: nothing could be drawn")
    return chances


def classes(plan: Any, mode: str) -> dict[str, np.ndarray]:
    """The positions of every class that occurs, in the order of the classes' names."""
    if plan is None:
        raise ConfigError(f"the sampler {mode!r} needs a plan with labels, not the number of its lines")
    label = plan["label"].combine_chunks()
    if pa.types.is_floating(label.type):
        hint = " (adaptive: {by: rows} follows rows)" if mode == "adaptive" else ""
        raise ConfigError(f"the sampler {mode!r} needs classes, and the labels of this plan are numbers{hint}")
    position = np.arange(len(label))
    if pa.types.is_list(label.type) or pa.types.is_large_list(label.type):
        position = pc.list_parent_indices(label).to_numpy()
        label = pc.list_flatten(label)
    found = positions(label.cast(pa.string()), position)
    if not found and len(plan):
        raise ConfigError(f"the sampler {mode!r} needs labels, and no line of the plan has one")
    return found


def positions(names: Any, position: np.ndarray) -> dict[str, np.ndarray]:
    """Name -> the positions that it stands at, in the order of the names; nulls are left out."""
    encoded = names.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    by_name = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[by_name], np.arange(len(encoded.dictionary) + 1))
    texts = encoded.dictionary.to_pylist()
    order = np.argsort(np.array(texts, dtype=np.dtypes.StringDType()), kind="stable")
    return {texts[k]: position[by_name[edges[k] : edges[k + 1]]] for k in order}

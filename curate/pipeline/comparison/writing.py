"""The folder of a comparison: page, JSON, every prediction, the pipeline and a manifest with checksums."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from curate import __version__
from curate.errors import ConfigError
from curate.pipeline.comparison.held_out import HeldOut
from curate.pipeline.comparison.scores import Truth
from curate.pipeline.files import MANIFEST, folder_aside, is_result, refuse_folder, sha256, write_parquet
from curate.pipeline.pipeline import Pipeline
from curate.report.comparison_page import training_page
from curate.report.comparison_training import TrainingComparison
from curate.storage import write_text

KIND = "comparison"
FORMAT = f"{KIND} 1"


def write(
    found: TrainingComparison,
    predicted: Mapping[str, np.ndarray | None],
    held: HeldOut,
    truth: Truth,
    pipeline: Pipeline,
    out: Path,
) -> None:
    """Write comparison.html, comparison.json, predictions.parquet, pipeline.yaml and manifest.json.

    Raises:
        ConfigError: `out` holds something else.
        StorageError: the disk failed.
    """
    out = out.resolve()
    with folder_aside(out) as folder:
        write_text(folder / "comparison.html", training_page(found))
        write_text(folder / "comparison.json", found.to_json())
        write_parquet(folder / "predictions.parquet", predictions(predicted, held, truth))
        pipeline.moved_to(out).to_yaml(folder / "pipeline.yaml")
        files = {path.name: sha256(path) for path in sorted(folder.iterdir())}
        manifest = {"curate": __version__, "kind": KIND, "format": FORMAT, "files": files}
        write_text(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")


def refuse(out: Path) -> None:
    """Raise ConfigError if a comparison can't go to `out`: a file, or a folder that holds anything else."""
    refuse_folder(out)
    if is_result(out):
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        if manifest.get("kind") != KIND:
            raise ConfigError(f"{out} holds the result of a run; name another folder for the comparison with --out")


def predictions(predicted: Mapping[str, np.ndarray | None], held: HeldOut, truth: Truth) -> pa.Table:
    """One line per arm, seed and test row: ``row_id``, ``label`` and ``predicted`` (names, numbers, or a list of the
    probability of each label)."""
    ids = pa.array(held.table.row_ids[held.rows], pa.string())
    parts = []
    for arm, said in predicted.items():
        for seed in range(0 if said is None else len(said)):
            assert said is not None
            columns = {
                "arm": pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(ids), np.int32)), pa.array([arm])),
                "seed": pa.array(np.full(len(ids), seed, np.int32)),
                "row_id": ids,
                "label": _labels(truth),
                "predicted": _said(truth, said[seed]),
            }
            parts.append(pa.table(columns))
    return pa.concat_tables(parts).unify_dictionaries()


def _labels(truth: Truth) -> pa.Array:
    if truth.values is not None:
        return pa.array(truth.values, pa.float64())
    if truth.sets is not None:
        names = np.array(truth.names, dtype=object)
        return pa.array([names[row > 0].tolist() for row in truth.sets], pa.list_(pa.string()))
    return _named(truth.codes, truth.names)


def _said(truth: Truth, said: np.ndarray) -> pa.Array:
    if truth.values is not None:
        return pa.array(said.astype(np.float64))
    if truth.sets is not None:
        offsets = pa.array(np.arange(len(said) + 1, dtype=np.int32) * said.shape[1])
        return pa.ListArray.from_arrays(offsets, pa.array(said.astype(np.float32).ravel()))
    return _named(said, truth.names)


def _named(codes: np.ndarray, names: tuple[str, ...]) -> pa.Array:
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))

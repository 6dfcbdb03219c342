"""Records written twice: pair F1 on febrl, and what tables without copies give, next to naive rules."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from curate.evidence.pairs._record_fields import encode, equal_share, side_by_side
from curate.evidence.pairs._record_weights import match_probability
from curate.evidence.pairs.records import MIN_PROBABILITY, link

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Pairs = tuple[np.ndarray, np.ndarray]


def ours(frame: pd.DataFrame) -> Pairs:
    """Blocking, and Fellegi and Sunter's weights without labels."""
    fields = [encode(pa.chunked_array([pa.array(frame[name], from_pandas=True)])) for name in frame.columns]
    linkage = link(fields, np.arange(len(frame)))
    if linkage.weights is None:
        return linkage.left, linkage.right
    sure = match_probability(linkage.weights, linkage.fields, linkage.left, linkage.right) >= MIN_PROBABILITY
    return linkage.left[sure], linkage.right[sure]


def equal_cells(frame: pd.DataFrame) -> Pairs:
    """All pairs: at least seven of ten cells equal."""
    fields = [encode(pa.chunked_array([pa.array(frame[name], from_pandas=True)])) for name in frame.columns]
    left, right = np.triu_indices(len(frame), 1)
    alike = equal_share(side_by_side(fields), left, right) >= 0.7
    return left[alike], right[alike]


def joined_text(frame: pd.DataFrame) -> Pairs:
    """All pairs: rapidfuzz's ratio of the joined cells of at least 80."""
    from rapidfuzz import fuzz, process

    texts = frame.fillna("").astype(str).agg(" ".join, axis=1).tolist()
    ratio = process.cdist(texts, texts, scorer=fuzz.ratio, dtype=np.uint8)
    left, right = np.nonzero(np.triu(ratio >= 80, 1))
    return left, right


PEERS: dict[str, Callable[[pd.DataFrame], Pairs]] = {
    "curate": ours,
    "equal cells": equal_cells,
    "joined text": joined_text,
}


def _line(name: str, find: Callable[[pd.DataFrame], Pairs], frame: pd.DataFrame, person: np.ndarray | None) -> str:
    began = time.perf_counter()
    try:
        left, right = find(frame)
    except ImportError as error:
        return f"  {name:<12} skipped: {error}"
    seconds = time.perf_counter() - began
    every = len(frame) * (len(frame) - 1) / 2
    if person is None:
        rows = len(np.unique(right))
        text = f"pairs {len(left):>7,} ({1e4 * len(left) / every:.3f} per 10,000), rows that would go {rows:,}"
        return f"  {name:<12} {text}  {seconds:5.1f} s"
    hits = int((person[left] == person[right]).sum())
    true = int((np.unique(person, return_counts=True)[1] > 1).sum())
    precision, recall = hits / max(len(left), 1), hits / true
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    false = 1e4 * (len(left) - hits) / every
    return (
        f"  {name:<12} precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}"
        f"  false pairs per 10,000: {false:.3f}  {seconds:5.1f} s"
    )


def _frames(folder: Path) -> dict[str, tuple[pd.DataFrame, np.ndarray | None]]:
    found: dict[str, tuple[pd.DataFrame, np.ndarray | None]] = {}
    path = folder / "febrl_dedup" / "dataset1.csv"
    if path.exists():
        frame = pd.read_csv(path, skipinitialspace=True, dtype=str)
        person = frame.pop("rec_id").str.extract(r"rec-(\d+)-")[0].astype(int).to_numpy()
        found["febrl_dedup"] = (frame, person)
    for name in ("dirty", "clean"):
        path = folder / "hospital_dirty_clean" / f"{name}.csv"
        if path.exists():
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            found[f"hospital {name} (no copies)"] = (frame.drop_duplicates(ignore_index=True), None)
    for path in sorted((folder / "adbench_tabular").glob("*.npz")):
        values = np.unique(np.load(path)["X"], axis=0)[:2_000]
        if values.shape[1] <= 40:
            found[f"adbench {path.stem} (as columns)"] = (pd.DataFrame(values).rename(columns=str), None)
    return found


def run(folder: Path = DATA) -> None:
    """Print the table."""
    frames = _frames(folder)
    if not frames:
        print(f"records: skipped, no data in {folder}")
    for name, (frame, person) in frames.items():
        print(f"records {name}: {len(frame)} rows, {frame.shape[1]} columns")
        for peer, find in PEERS.items():
            print(_line(peer, find, frame, person), flush=True)


if __name__ == "__main__":
    run()

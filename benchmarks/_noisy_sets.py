"""Sets with wrong labels whose truth is known, and how a seed splits them: what `robust_training` trains on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import curate
from benchmarks.label_errors import planted
from curate.evidence import Evidence, EvidenceSettings

MOST_ROWS = 4_000
"""Of a table of adbench."""
Split = Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class NoisySet:
    """Rows with given and true labels.

    Attributes:
        name: of the set and its noise.
        x: (n, d) float32 embedding of all rows.
        given: (n,) names of the labels that training sees.
        true: (n,) names that are right.
        table: (rows, labels) -> the rows as a user would load them.
        settings: which encoder the pipeline uses.
        split: seed -> (rows that are curated, those of them that heads learn from, rows to be judged by).
    """

    name: str
    x: np.ndarray
    given: np.ndarray
    true: np.ndarray
    table: Callable[[np.ndarray, np.ndarray], curate.Table]
    settings: EvidenceSettings
    split: Split


def noisy_sets(data: Path, cache: Path, everything: bool, only: tuple[str, ...]) -> Iterator[NoisySet]:
    """The sets that are there, one after another; with `everything` also those to see that nothing is lost on."""
    makers = {"banking": ("banking77", _banking), "cifar10n": ("cifar10n_3000", _cifar)}
    if everything:
        makers |= {
            "clinc": ("clinc150", _clinc),
            "sms": ("sms_spam", _sms),
            "fsdd": ("fsdd_600", _fsdd),
            "adbench": ("adbench_tabular", _adbench),
        }
    for name, (folder, make) in makers.items():
        if only and not any(wanted.startswith(name) or name.startswith(wanted) for wanted in only):
            continue
        if not (data / folder).is_dir():
            print(f"{folder}: skipped, no folder {data / folder}", flush=True)
            continue
        for found in make(data / folder, cache):
            if not only or found.name.startswith(only):
                yield found


def _rows(columns: dict[str, Any], root: Path | None, **roles: str) -> Callable[[np.ndarray, np.ndarray], curate.Table]:
    """A table of some rows with some labels."""

    def table(rows: np.ndarray, labels: np.ndarray) -> curate.Table:
        lines = {name: [values[row] for row in rows] for name, values in columns.items()}
        lines |= {"label": labels.tolist(), "id": [str(row) for row in rows]}
        task = curate.Task(kind="classification", label="label", id="id", **roles)
        return curate.load(lines, task) if root is None else curate.load(pd.DataFrame(lines), task, root=root)

    return table


def _embedded(table: Any, labels: np.ndarray, settings: EvidenceSettings, cache: Path) -> np.ndarray:
    whole = table(np.arange(len(labels)), labels)
    return np.asarray(Evidence(whole, settings, cache=cache).embedding().vectors, dtype=np.float32)


def _texts(texts: list[str], labels: np.ndarray, cache: Path) -> tuple[Any, np.ndarray, EvidenceSettings]:
    settings, table = EvidenceSettings(encoder="minilm"), _rows({"text": texts}, None, text="text")
    return table, _embedded(table, labels, settings, cache), settings


def own_test(train: int, n: int) -> Split:
    """The rows from `train` on are judged by; all others are curated, and nine tenths of them learned from."""

    def split(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        learned = np.random.default_rng(seed).permutation(train)[: round(0.9 * train)]
        return np.arange(train), np.sort(learned), np.arange(train, n)

    return split


def three_tenths(classes: np.ndarray) -> Split:
    """Another three tenths of each class to be judged by for each seed; all others are curated and learned from."""

    def split(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        held = [rng.permutation(np.flatnonzero(classes == name)) for name in np.unique(classes)]
        test = np.sort(np.concatenate([rows[: max(1, round(0.3 * len(rows)))] for rows in held]))
        train = np.setdiff1d(np.arange(len(classes)), test)
        return train, train, test

    return split


def _with_noise(
    name: str, table: Any, x: np.ndarray, true: np.ndarray, settings: EvidenceSettings, split: Split, noises: str
) -> Iterator[NoisySet]:
    """The set as it is, and with planted noise: ``near25`` is a quarter to one of the three nearest classes."""
    names, codes = np.unique(true, return_inverse=True)
    for noise in noises.split():
        kind, share = noise.rstrip("0123456789"), int(noise.lstrip("abcdefghijklmnopqrstuvwxyz")) / 100
        given = names[planted(codes, x, kind == "near", share)]
        yield NoisySet(f"{name} {noise}", x, given, true, table, settings, split)


def _banking(folder: Path, cache: Path) -> Iterator[NoisySet]:
    train, test = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "test.parquet")
    noise = pd.read_parquet(folder / "injected_noise.parquet")
    true = np.array([*train.label, *test.label])
    table, x, settings = _texts([*train.text, *test.text], true, cache)
    for column in ("label_uniform10", "label_near10", "label_near25"):
        given = np.array([*noise[column], *test.label])
        split = own_test(len(train), len(true))
        yield NoisySet(f"banking {column.removeprefix('label_')}", x, given, true, table, settings, split)


def _cifar(folder: Path, cache: Path) -> Iterator[NoisySet]:
    labels = pd.read_csv(folder / "labels.csv")
    table, settings = _rows({"image": labels.file.tolist()}, folder, image="image"), EvidenceSettings()
    true = labels.clean.to_numpy().astype(str)
    x = _embedded(table, true, settings, cache)
    for column in ("aggregate", "worst"):
        given = labels[column].to_numpy().astype(str)
        yield NoisySet(f"cifar10n {column}", x, given, true, table, settings, three_tenths(true))


def _clinc(folder: Path, cache: Path) -> Iterator[NoisySet]:
    rows = pd.read_parquet(folder / "small.parquet")
    rows = rows[rows.intent != "oos"]
    train, test = rows[rows.split == "train"], rows[rows.split == "test"]
    true = np.array([*train.intent, *test.intent])
    table, x, settings = _texts([*train.text, *test.text], true, cache)
    split = own_test(len(train), len(true))
    yield from _with_noise("clinc", table, x, true, settings, split, "uniform0 uniform10 near25")


def _sms(folder: Path, cache: Path) -> Iterator[NoisySet]:
    rows = pd.read_parquet(folder / "sms.parquet").drop_duplicates("text")
    true = rows.label.to_numpy().astype(str)
    table, x, settings = _texts(rows.text.tolist(), true, cache)
    yield from _with_noise("sms", table, x, true, settings, three_tenths(true), "uniform0 uniform10 uniform25")


def _fsdd(folder: Path, cache: Path) -> Iterator[NoisySet]:
    rows = pd.read_csv(folder / "metadata.csv", dtype={"digit": str})
    table, settings = _rows({"audio": rows.file.tolist()}, folder, audio="audio"), EvidenceSettings()
    true = rows.digit.to_numpy().astype(str)
    x = _embedded(table, true, settings, cache)
    yield from _with_noise("fsdd", table, x, true, settings, three_tenths(true), "uniform0 uniform10 near25")


def _adbench(folder: Path, cache: Path) -> Iterator[NoisySet]:
    for file in sorted(folder.glob("*.npz")):
        with np.load(file) as arrays:
            cells, true = arrays["X"].astype(np.float32), np.where(arrays["y"].ravel() > 0, "rare", "usual")
        kept = np.sort(np.random.default_rng(0).permutation(len(true))[:MOST_ROWS])
        cells, true = cells[kept], true[kept]
        table, settings = _rows({"features": list(cells)}, None, features="features"), EvidenceSettings()
        x = _embedded(table, true, settings, cache)
        name = f"adbench {file.stem.split('_')[1].split('-')[0].lower()}"
        yield from _with_noise(name, table, x, true, settings, three_tenths(true), "uniform0 uniform10")

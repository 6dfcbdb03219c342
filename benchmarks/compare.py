"""Does `compare` tell steps that help from steps that harm and steps that do nothing, on real data, and at what cost?

    python -m benchmarks.compare [--data ../shared/data] [--only banking77,sms_spam] [--seeds 5]

Of each set a third is the untouched test, with right labels. Into the training labels noise is planted where the set
has none of its own. The pipeline holds a step that should help (label_errors: drop), one that does harm (labels at
random for four tenths of the rows), one that does neither (a fiftieth of the rows dropped at random) and one that
changes nothing (exact_duplicates after itself). Every set is compared with an empty cache, and again with a full one.
CPU seconds are of this process.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

import curate
from curate.ledger import Decisions
from curate.step import Balance

Pair = tuple[Any, Any]


class Scramble(Balance):
    """Gives four tenths of the training rows a label at random."""

    def decide(self, labels: Any, evidence: Any, rng: np.random.Generator) -> Decisions:
        """Relabels."""
        table = evidence.table
        rows = np.flatnonzero(evidence.active & table.training & (rng.random(len(table)) < 0.4))
        names = [labels.names[code] for code in rng.integers(0, len(labels.names), len(rows))]
        return Decisions.of("scramble", "relabel", table.row_ids[rows], "at random", after=names)


class Thin(Balance):
    """Drops a fiftieth of the training rows at random."""

    def decide(self, labels: Any, evidence: Any, rng: np.random.Generator) -> Decisions:
        """Drops."""
        table = evidence.table
        rows = np.flatnonzero(evidence.active & table.training & (rng.random(len(table)) < 0.02))
        return Decisions.of("thin", "drop", table.row_ids[rows], "at random")


PIPELINE = [
    {"exact_duplicates": {"fix": "drop"}},
    {"label_errors": {"fix": "drop", "limit": 1.0}},
    Thin(),
    {"exact_duplicates": {"fix": "drop"}},
    Scramble(),
]
EXPECTED = {
    "label_errors": "helps",
    "thin": "unclear",
    "exact_duplicates#2": "changes nothing",
    "scramble": "hurts",
}


def split(rows: pd.DataFrame, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two thirds and a third."""
    order = np.random.default_rng(seed).permutation(len(rows))
    cut = 2 * len(rows) // 3
    return rows.iloc[order[:cut]].reset_index(drop=True), rows.iloc[order[cut:]].reset_index(drop=True)


def flipped(labels: pd.Series, share: float, seed: int = 0) -> pd.Series:
    """A share of the labels changed to the next class."""
    names = sorted(labels.unique())
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(labels)) < share
    after = {name: names[(i + 1) % len(names)] for i, name in enumerate(names)}
    return labels.where(~wrong, labels.map(after))


def banking(folder: Path, work: Path) -> Pair:
    """Intents; a tenth of the labels are those of look-alikes."""
    train, noise = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "injected_noise.parquet")
    test = pd.read_parquet(folder / "test.parquet")
    train = pd.DataFrame({"text": train.text, "label": noise.label_near10.astype(str)})
    return curate.load(train), pd.DataFrame({"text": test.text, "label": test.label.astype(str)})


def sms(folder: Path, work: Path) -> Pair:
    """Spam; copies of test rows are taken out of the training rows, and a tenth of the labels flipped."""
    train, test = split(pd.read_parquet(folder / "sms.parquet")[["text", "label"]].drop_duplicates("text"))
    return curate.load(train.assign(label=flipped(train.label, 0.1))), test


def cifar(folder: Path, work: Path) -> Pair:
    """Photographs; the worst of three people's labels in training, the right ones in the test."""
    train, test = split(pd.read_csv(folder / "labels.csv"))
    for name, rows, label in (("train", train, "worst"), ("test", test, "clean")):
        lines = pd.DataFrame({"image": rows.file, "label": rows[label]})
        lines.to_csv(work / f"{name}.csv", index=False)
    options = {"image": "image", "label": "label", "root": folder}
    return curate.load(work / "train.csv", **options), curate.load(work / "test.csv", **options)


def cardio(folder: Path, work: Path) -> Pair:
    """Measurements of hearts, a tenth of them pathological; a tenth of the labels flipped."""
    held = np.load(folder / "6_cardio.npz")
    rows = pd.DataFrame(held["X"], columns=[f"x{i}" for i in range(held["X"].shape[1])])
    rows["label"] = np.where(held["y"] == 1, "pathological", "normal")
    train, test = split(rows)
    names = [name for name in rows if name != "label"]
    train["label"] = flipped(train.label, 0.1)
    return curate.load(train, features=names, label="label"), curate.load(test, features=names, label="label")


SETS: dict[str, tuple[str, Callable[[Path, Path], Pair]]] = {
    "banking77": ("banking77", banking),
    "sms_spam": ("sms_spam", sms),
    "cifar10n_3000": ("cifar10n_3000", cifar),
    "cardio": ("adbench_tabular", cardio),
}


def measured(data: Path, only: list[str], seeds: int) -> Iterator[tuple[str, Any, float, float]]:
    """Name, comparison, CPU seconds with an empty and with a full cache."""
    for name, (folder, make) in SETS.items():
        if only and name not in only:
            continue
        if not (data / folder).is_dir():
            print(f"{name}: skipped, there is no {data / folder}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as work:
            table, test = make(data / folder, Path(work))
            seconds = []
            for _ in range(2):
                began = time.process_time()
                found = curate.compare(curate.Pipeline(PIPELINE), table, test, seeds=seeds, cache=Path(work) / "cache")
                seconds.append(time.process_time() - began)
            yield name, found, seconds[0], seconds[1]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    named = os.environ.get("CURATE_SHARED_DATA")
    default = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    grid = Grid("set", "test rows", "metric", "raw", "curated", *EXPECTED, "CPU s", "again", title="compare")
    right = judged = 0
    for name, found, first, again in measured(options.data, [n for n in options.only.split(",") if n], options.seeds):
        effects = {effect.name: effect for effect in found.effects}
        cells = []
        for step, expected in EXPECTED.items():
            effect = effects[step]
            judged, right = judged + 1, right + (effect.verdict == expected)
            cells.append(f"{effect.verdict} {found.change(effect.difference)} [{found.span(effect)}]")
        scores = [found.value(found.arm(arm).score) for arm in ("raw", "curated")]
        row = [name, str(found.test_rows), found.metric, *scores, *cells, f"{first:.0f}", f"{again:.0f}"]
        grid.add_row(*row)
        print(" | ".join(row), flush=True)
    Console(width=220).print(grid)
    print(f"{right} of {judged} verdicts are those expected: {', '.join(f'{k}: {v}' for k, v in EXPECTED.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

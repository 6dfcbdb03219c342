"""Peak memory of an audit and of a run, against what `curate run --dry-run` says that they take at most; and of who
opens the result: an export to Parquet, the explanation of a row, and a loader (of texts, tables and vectors).

    python -m benchmarks.memory [--only text,image] [--large] [--json FILE]

A set of each kind is written, in two sizes (a third with `--large`); all checks that an audit makes by default are the
steps of a pipeline. Peaks are proportional set sizes of the process and its children. Exit code 1 if any is above what
was said before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from benchmarks._installed import compiled
from benchmarks._peaks import peak_mb
from benchmarks._reaudit_sets import GrowingSet

Written = Callable[[Path, int], Path]


def growing(kind: str) -> Written:
    """Writes sets of `_reaudit_sets`."""

    def write(folder: Path, rows: int) -> Path:
        held = GrowingSet(kind, folder)
        held.add(rows)
        return held.data

    return write


def table(folder: Path, rows: int) -> Path:
    """16 columns of numbers, four of categories, five classes."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 5, rows)
    colours = np.array(["red", "green", "blue", "black"])
    columns: dict[str, Any] = {f"f{k}": rng.normal(size=rows) + label * (k % 3) for k in range(16)}
    columns |= {f"c{k}": colours[rng.integers(0, 4, rows)].tolist() for k in range(4)}
    return _written(folder, columns, label)


def vectors(folder: Path, rows: int, width: int = 384) -> Path:
    """Vectors of ten classes."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 10, rows)
    values = (rng.normal(size=(10, width))[label] + 1.5 * rng.normal(size=(rows, width))).astype(np.float32)
    return _written(folder, {"vector": pa.FixedSizeListArray.from_arrays(values.ravel(), width)}, label)


def _written(folder: Path, columns: dict[str, Any], label: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    path = folder / "rows.parquet"
    parquet.write_table(pa.table(columns | {"label": [f"class{k}" for k in label.tolist()]}), path)
    return path


FEED = "import curate, sys; [0 for _ in curate.open(sys.argv[1]).loader(batch_size=64)]"
FED = ("text", "n-grams", "table", "vectors")
CASES: dict[str, tuple[Written, tuple[int, int, int], str]] = {
    "text": (growing("text"), (5_000, 20_000, 100_000), "wordllama"),
    "n-grams": (growing("text"), (5_000, 20_000, 50_000), "classic"),
    "image": (growing("image"), (500, 2_000, 8_000), "auto"),
    "audio": (growing("audio"), (300, 1_000, 4_000), "auto"),
    "table": (table, (5_000, 50_000, 200_000), "auto"),
    "vectors": (vectors, (5_000, 20_000, 100_000), "auto"),
}
"""Kind -> what writes it, sizes, encoder."""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", help="kinds, by commas")
    options.add_argument("--large", action="store_true", help="the third size, too")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    compiled()
    kinds = list(CASES) if chosen.only is None else chosen.only.split(",")
    if unknown := set(kinds) - set(CASES):
        options.error(f"unknown kinds: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    found = []
    print(f"{'kind':14} {'rows':>8} {'said MB':>9} {'audit MB':>9} {'run MB':>9} {'said / peak':>12}"
        f" {'export MB':>10} {'explain MB':>11} {'loader MB':>10}", flush=True)  # fmt: skip
    for kind in kinds:
        for rows in CASES[kind][1][: 3 if chosen.large else 2]:
            found.append(one(kind, rows))
            line = found[-1]
            worst = max(line["audit_mb"], line["run_mb"])
            print(
                f"{kind:14} {rows:8,} {line['said_mb']:9,.0f} {line['audit_mb']:9,.0f} {line['run_mb']:9,.0f}"
                f" {line['said_mb'] / worst:12.2f} {line['export_mb']:10,.0f} {line['explain_mb']:11,.0f}"
                f" {line['loader_mb']:10,.0f}{'' if worst <= line['said_mb'] else '  MORE THAN SAID'}",
                flush=True,
            )
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    raise SystemExit(any(max(line["audit_mb"], line["run_mb"]) > line["said_mb"] for line in found))


def one(kind: str, rows: int) -> dict[str, Any]:
    """What was said, and the peaks."""
    write, _, encoder = CASES[kind]
    with tempfile.TemporaryDirectory() as work:
        data, pipeline = write(Path(work) / "data", rows), Path(work) / "pipeline.yaml"
        curate = [sys.executable, "-m", "curate"]
        audit, printed = peak_mb([*curate, "audit", str(data), "--encoder", encoder, "--no-cache", "--format", "json"])
        steps = list(json.loads(printed)["checks"])
        about = {"curate": 1, "source": {"path": str(data)}, "evidence": {"encoder": encoder}, "steps": steps}
        pipeline.write_text(json.dumps(about), encoding="utf-8")
        command = [*curate, "run", str(pipeline), "--no-cache", "--json"]
        forecast = json.loads(peak_mb([*command, "--dry-run"])[1])
        out = str(Path(work) / "out")
        run, _ = peak_mb([*command, "--out", out])
        opened = {
            "export_mb": peak_mb([*curate, "export", out, str(Path(work) / "exported")])[0],
            "explain_mb": peak_mb([*curate, "explain", out, "#17"])[0],
            "loader_mb": peak_mb([sys.executable, "-c", FEED, out])[0] if kind in FED else float("nan"),
        }
    said = forecast["memory"] / 1e6
    return {"kind": kind, "rows": rows, "said_mb": said, "audit_mb": audit, "run_mb": run} | opened


if __name__ == "__main__":
    main()

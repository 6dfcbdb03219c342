"""Outliers and near-duplicates of many vectors: CPU seconds, memory and recall against Datalab.

    python -m benchmarks.neighbours [--rows 200000] [--columns 384] [--data clusters] [--repeats 5] [--json FILE]
        [--datalab-rows 20000]

The vectors are float32: `clusters` (500 centres with noise), `latent` (16 hidden numbers, turned into `--columns` and
noise added) or `none` (nothing but noise, of which no index knows the neighbours). A hundredth are near copies of
others, and one in a thousand is nothing but noise. Each measurement has a process of its own, in turns: CPU seconds
are those of all threads, growth is that of the peak of the resident set over what the process holds when the table is
there.

Datalab compares all pairs; it is measured at `--datalab-rows` and at half of that, and multiplied up by
a n + b n^2 through both. Recall@10 is that of 500 rows against a plain product with all others.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import warnings
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.label_errors_speed import cpu_seconds, line, resident

ASKED = 500


def vectors(rows: int, columns: int, kind: str) -> np.ndarray:
    """(rows, columns) float32, the last hundredth near copies of the first rows."""
    rng = np.random.default_rng(0)
    found = np.empty((rows, columns), dtype=np.float32)
    centres = rng.standard_normal((500, columns), dtype=np.float32)
    turned = rng.standard_normal((16, columns), dtype=np.float32)
    for begin in range(0, rows, 20_000):
        block = found[begin : begin + 20_000]
        block[:] = rng.standard_normal(block.shape, dtype=np.float32)
        if kind == "clusters":
            block *= 0.7
            block += centres[rng.integers(0, len(centres), len(block))]
        elif kind == "latent":
            block *= 0.4
            block += rng.standard_normal((len(block), len(turned)), dtype=np.float32) @ turned
    lone = rng.choice(rows, rows // 1000, replace=False)
    found[lone] = np.sqrt((found[: min(rows, 2000)] ** 2).mean()) * rng.standard_normal((len(lone), columns))
    copies = rows // 100
    found[rows - copies :] = found[:copies] + 1e-3 * rng.standard_normal((copies, columns), dtype=np.float32)
    return found


def table_of(values: np.ndarray) -> Any:
    """A table with one column of vectors."""
    import pyarrow as pa

    import curate

    column = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
    return curate.load(pa.table({"x": column}), task=curate.Task(features="x", kind="unlabeled"))


def ours(table: Any) -> tuple[Any, dict[str, Any]]:
    """Both steps on one evidence."""
    from curate.checks.near_duplicates import NearDuplicates
    from curate.checks.outliers import Outliers
    from curate.evidence import Evidence

    evidence = Evidence(table)
    outliers, copies = Outliers().find(evidence), NearDuplicates().find(evidence)
    issues = {
        "outliers": outliers.summary["outliers"]["outlier"]["issues"],
        "copies": copies.summary["near_duplicates"]["near_duplicate"]["issues"],
    }
    return evidence, issues


def theirs(values: np.ndarray) -> dict[str, Any]:
    """Datalab's checks on the same vectors."""
    from cleanlab import Datalab

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        lab = Datalab({"id": list(range(len(values)))}, verbosity=0)
        lab.find_issues(features=values, issue_types={"outlier": {}, "near_duplicate": {}})
        found = lab.get_issue_summary().set_index("issue_type")["num_issues"].to_dict()
    return {"outliers": int(found["outlier"]), "copies": int(found["near_duplicate"])}


def recall(evidence: Any) -> float:
    """Share of the 10 nearest rows that were found, over some rows; as near as the tenth counts."""
    embedding, near = evidence.embedding().vectors, evidence.neighbours(10)
    rows, hits, every = np.linspace(0, len(embedding) - 1, ASKED).astype(np.int64), 0, np.isfinite(embedding[:, 0])
    for row in rows:
        likeness = np.where(every, embedding @ embedding[row], -2)
        likeness[row] = -2
        least = np.partition(likeness, -10)[-10]
        hits += int((likeness[near.indices[row]] >= least - 1e-6).sum())
    return hits / (10 * len(rows))


def measured_here(way: str, rows: int, columns: int, kind: str) -> dict[str, Any]:
    """What one way takes in this process."""
    values = vectors(rows, columns, kind)
    small = vectors(2000, columns, kind)
    table = None
    if way == "curate":
        ours(table_of(small))  # loads what it needs
        table = table_of(values)
        del values
    else:
        theirs(small)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before, used = resident("VmRSS"), cpu_seconds()
    evidence, issues = ours(table) if table is not None else (None, theirs(values))
    taken = {"cpu": cpu_seconds() - used, "growth_mb": (resident("VmHWM") - before) / 1e6, **issues}
    if evidence is not None:
        taken |= {"told": float(evidence.neighbours(10).recall), "recall": recall(evidence)}
    return taken


def measured(way: str, rows: int, options: argparse.Namespace) -> dict[str, Any] | None:
    """The same in a process of its own; None where it failed, with its last line on standard error."""
    command = [sys.executable, "-m", "benchmarks.neighbours", "--child", way, "--rows", str(rows)]
    command += ["--columns", str(options.columns), "--data", options.data]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{way} failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def multiplied_up(small: float, large: float, size: int, rows: int) -> float:
    """Seconds at `rows` by a n + b n^2 through those at size / 2 and size; n^2 alone if that would bend down."""
    half = size // 2
    square = (large / size - small / half) / (size - half)
    straight = large / size - square * size
    if square <= 0 or straight < 0:
        return large * (rows / size) ** 2
    return straight * rows + square * rows**2


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=384)
    parser.add_argument("--data", choices=("clusters", "latent", "none"), default="clusters")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--datalab-rows", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", choices=("curate", "datalab"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measured_here(options.child, options.rows, options.columns, options.data)))
        return 0
    size = options.datalab_rows
    turns: dict[tuple[str, int], list[dict[str, Any]]] = {
        (way, rows): [] for way, rows in (("curate", options.rows), ("datalab", size // 2), ("datalab", size))
    }
    for _ in range(options.repeats):
        for (way, rows), found in turns.items():
            taken = measured(way, rows, options)
            found += [] if taken is None else [taken]
    print(f"{options.data}, {options.columns} numbers per row; medians of {options.repeats}")
    print(f"{'':<10}{'rows':>9}{'CPU s':>9}{'growth MB':>11}{'outliers':>10}{'copies':>8}{'recall@10':>11}{'told':>8}")
    seconds: dict[tuple[str, int], float] = {}
    for (way, rows), found in turns.items():
        if not found:
            continue
        middle = {name: median(one[name] for one in found) for name in found[0]}
        seconds[way, rows] = middle["cpu"]
        more = "".join(f"{middle[name]:>{width}.4f}" for name, width in (("recall", 11), ("told", 8)) if name in middle)
        print(
            f"{way:<10}{rows:>9,}{middle['cpu']:>9.1f}{middle['growth_mb']:>11.0f}{middle['outliers']:>10.0f}"
            f"{middle['copies']:>8.0f}{more}"
        )
    bounds = []
    if ("curate", options.rows) in seconds:
        best = turns["curate", options.rows]
        if len(seconds) == 3:
            far = multiplied_up(seconds["datalab", size // 2], seconds["datalab", size], size, options.rows)
            print(f"Datalab at {options.rows:,} rows by a n + b n^2: {far:.0f} s")
            bounds.append(line("Datalab (multiplied up) / curate", far / seconds["curate", options.rows], 10, True))
        bounds.append(line("recall@10", median(one["recall"] for one in best), 0.98, True))
        bounds.append(line("growth in MB", median(one["growth_mb"] for one in best), 600, False))
    if options.json is not None:
        runs = [{"way": way, "rows": rows, "runs": found} for (way, rows), found in turns.items()]
        options.json.write_text(json.dumps({"runs": runs, "bounds": bounds}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

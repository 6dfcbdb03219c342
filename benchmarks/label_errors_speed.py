"""Label errors by given probabilities: CPU seconds and memory against cleanlab, Datalab and one bare read of the array.

    python -m benchmarks.label_errors_speed [--rows 500000] [--classes 100] [--repeats 5] [--mapped] [--only FILTERS]
        [--accuracy 0.9] [--datalab-rows 50000] [--json FILE]

The probabilities are float32, of a model that is right in `--accuracy` of the rows; a tenth of the labels is wrong.
All ways take turns in one process, and the median of their CPU seconds (all threads, children too) counts:

- read: the sum of each row, block by block, which is the least that a pass with a result per row does; and beside it
  the plain sum of all numbers;
- curate: `label_issues`, the function behind `label_errors` with `method: confident_learning`;
- cleanlab: `find_label_issues` with the same filter, in one process;
- the step: `label_errors` on a table with a column of probabilities, with ids, scores, suggestions and reasons;
- Datalab: its "label" check alone on `--datalab-rows` rows, multiplied up: its time grows with the rows.

With `--mapped` curate and the read see a mapped file. Growth of memory is that of the peak of the resident set
(VmHWM) over what a process of its own holds when the array is there.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

FILTERS = ("prune_by_noise_rate", "both", "confident_learning")
BLOCK = 8_192
BOUNDS = {"cleanlab": 5.0, "growth": 10.0, "read": 5.0, "datalab": 30.0}


def make(rows: int, classes: int, accuracy: float, folder: Path) -> None:
    """Write probabilities and labels."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, classes, rows)
    p = np.lib.format.open_memmap(folder / "p.npy", mode="w+", dtype=np.float32, shape=(rows, classes))
    for begin in range(0, rows, 50_000):
        here = true[begin : begin + 50_000]
        logits = rng.standard_normal((len(here), classes), dtype=np.float32) * 1.5
        seen = np.where(rng.random(len(here)) < accuracy, here, rng.integers(0, classes, len(here)))
        logits[np.arange(len(here)), seen] += rng.gamma(9.0, 1.0, len(here)).astype(np.float32)
        np.exp(logits, out=logits)
        p[begin : begin + len(here)] = logits / logits.sum(1, keepdims=True)
    p.flush()
    np.save(folder / "labels.npy", np.where(rng.random(rows) < 0.1, rng.integers(0, classes, rows), true))


def read_rows(p: np.ndarray) -> float:
    """The sum of each row, block by block."""
    return max(float(p[begin : begin + BLOCK].sum(1).max()) for begin in range(0, len(p), BLOCK))


def cleanlab_issues(labels: np.ndarray, p: np.ndarray, filter_by: str) -> np.ndarray:
    """Its own filter, in one process."""
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about classes of few rows
        return np.asarray(find_label_issues(labels, p, filter_by=filter_by, n_jobs=1), dtype=bool)


def curate_issues(labels: np.ndarray, p: np.ndarray, filter_by: str) -> np.ndarray:
    """The streaming passes."""
    from curate.checks.labels.pruning import label_issues

    return label_issues(labels, p, filter_by).issues


def datalab(labels: np.ndarray, p: np.ndarray) -> None:
    """Its "label" check alone."""
    from cleanlab import Datalab

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        lab = Datalab({"y": labels}, label_name="y", verbosity=0)
        lab.find_issues(pred_probs=p, issue_types={"label": {}})


def table_of(labels: np.ndarray, p: np.ndarray) -> Any:
    """A table with a column of probabilities."""
    import pyarrow as pa

    import curate

    names = [f"c{k:04d}" for k in range(p.shape[1])]
    column = pa.FixedSizeListArray.from_arrays(pa.array(np.asarray(p).reshape(-1)), p.shape[1])
    text = pa.array(np.arange(len(p)).astype(str).tolist())
    given = pa.DictionaryArray.from_arrays(pa.array(labels.astype(np.int32)), pa.array(names)).cast(pa.string())
    task = curate.Task(
        kind="classification", text="text", label="label", probabilities="p", id="id", label_names=tuple(names)
    )
    return curate.load(pa.table({"id": text, "text": text, "label": given, "p": column}), task=task)


def step(table: Any, filter_by: str) -> int:
    """The step on a table that is loaded."""
    from curate.checks.label_errors import LabelErrors
    from curate.evidence import Evidence

    found = LabelErrors(method="confident_learning", filter=filter_by).find(Evidence(table))  # pyright: ignore
    return found.summary["label_errors"]["label_error"]["issues"]


def cpu_seconds() -> float:
    """Of all threads of this process and of its children that have ended."""
    import time

    used = os.times()
    return time.process_time() + used.children_user + used.children_system


def resident(name: str) -> int:
    """Bytes: VmRSS now, VmHWM at the peak."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def grown(way: str, filter_by: str, folder: Path, mapped: bool) -> float:
    """Megabytes by which the peak of this process grows while one way runs."""
    p = np.load(folder / "p.npy", mmap_mode="r" if mapped else None)
    labels = np.load(folder / "labels.npy")
    few = np.concatenate([np.flatnonzero(labels == k)[:4] for k in range(p.shape[1])])
    table = small = None
    if way == "step":
        table, small = table_of(labels, p), table_of(labels[few], p[few])
    works: dict[str, Callable[[bool], Any]] = {
        "curate": lambda warm: curate_issues(labels[few] if warm else labels, p[few] if warm else p, filter_by),
        "cleanlab": lambda warm: cleanlab_issues(labels[few] if warm else labels, p[few] if warm else p, filter_by),
        "step": lambda warm: step(small if warm else table, filter_by),
    }
    works[way](True)  # loads what it needs
    read_rows(p)  # a mapped file counts as held, too
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = resident("VmRSS")
    works[way](False)
    return max(0, resident("VmHWM") - before) / 1e6


def measured_growth(way: str, filter_by: str, folder: Path, options: argparse.Namespace) -> float:
    """The same in a process of its own; NaN where the system tells no peak."""
    command = [sys.executable, "-m", "benchmarks.label_errors_speed", "--child", way, filter_by, str(folder)]
    done = subprocess.run(command + ["--mapped"] * options.mapped, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"memory of {way} is not known: {(done.stderr.strip().splitlines() or ['?'])[-1]}", file=sys.stderr)
        return float("nan")
    return float(done.stdout.split()[-1])


def turns(ways: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median CPU seconds of each way; they take turns, the first of which does not count."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, work in ways.items():
            before = cpu_seconds()
            work()
            if turn:
                taken[name].append(cpu_seconds() - before)
    return {name: median(values) for name, values in taken.items()}


def line(name: str, value: float, bound: float, at_least: bool) -> dict[str, Any]:
    """Print a ratio beside its bound, and give both."""
    held = bool(value >= bound if at_least else value <= bound)
    verdict = "cannot be told" if value != value else "held" if held else "NOT held"
    print(f"  {name:<58}{value:>8.2f}  {'at least' if at_least else 'at most'} {bound:g}: {verdict}")
    return {"name": name, "value": value, "bound": bound, "at_least": at_least, "held": held}


def compared(folder: Path, options: argparse.Namespace, chosen: list[str]) -> dict[str, Any]:
    """Measure all ways, print the table, and give the figures."""
    stored = np.load(folder / "p.npy", mmap_mode="r")
    p, labels = np.load(folder / "p.npy"), np.load(folder / "labels.npy")
    seen, table = stored if options.mapped else p, table_of(labels, p)
    some = slice(0, min(options.datalab_rows, len(p)))
    ways: dict[str, Callable[[], Any]] = {"read": lambda: read_rows(seen), "plain sum": lambda: seen.sum()}
    for name in chosen:
        ways[f"curate {name}"] = lambda name=name: curate_issues(labels, seen, name)
        ways[f"cleanlab {name}"] = lambda name=name: cleanlab_issues(labels, p, name)
    ways["the step"] = lambda: step(table, chosen[0])
    if options.datalab_rows:
        ways["Datalab"] = lambda: datalab(labels[some], p[some])
    seconds = turns(ways, options.repeats)
    if options.datalab_rows:
        seconds["Datalab"] *= len(p) / (some.stop - some.start)
    print(f"{len(p):,} x {p.shape[1]} float32{', mapped' if options.mapped else ''}; CPU seconds, MB of growth")
    growth: dict[str, float] = {}
    for name in chosen:
        growth |= {f"{way} {name}": measured_growth(way, name, folder, options) for way in ("curate", "cleanlab")}
    growth["the step"] = measured_growth("step", chosen[0], folder, options)
    for name, taken in seconds.items():
        print(f"  {name:<40}{taken:>9.3f}" + (f"{growth[name]:>9.1f}" if name in growth else ""))
    bounds = []
    for name in chosen:
        ours, theirs = f"curate {name}", f"cleanlab {name}"
        same = bool((curate_issues(labels, seen, name) == cleanlab_issues(labels, p, name)).all())
        print(f"  {name}: {'the same rows are' if same else 'OTHER ROWS ARE'} flagged")
        bounds += [
            {"name": f"same rows, {name}", "held": same},
            line(f"cleanlab / curate, {name}", seconds[theirs] / seconds[ours], BOUNDS["cleanlab"], True),
            line(f"growth cleanlab / curate, {name}", growth[theirs] / max(growth[ours], 1e-9), BOUNDS["growth"], True),
            line(f"curate / read, {name}", seconds[ours] / seconds["read"], BOUNDS["read"], False),
        ]
    if options.datalab_rows:
        ratio = seconds["Datalab"] / seconds[f"curate {chosen[0]}"]
        bounds.append(line("Datalab (multiplied up) / curate", ratio, BOUNDS["datalab"], True))
        line("Datalab (multiplied up) / the step", seconds["Datalab"] / seconds["the step"], 1.0, True)
    return {"rows": len(p), "classes": p.shape[1], "seconds": seconds, "growth_mb": growth, "bounds": bounds}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--accuracy", type=float, default=0.9)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--mapped", action="store_true")
    parser.add_argument("--only", default=",".join(FILTERS), help="filters, the first of which the step uses")
    parser.add_argument("--datalab-rows", type=int, default=50_000, help="0 leaves Datalab out")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=3, metavar=("WAY", "FILTER", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        way, filter_by, folder = options.child
        print(grown(way, filter_by, Path(folder), options.mapped))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        make(options.rows, options.classes, options.accuracy, Path(folder))
        found = compared(Path(folder), options, [name for name in options.only.split(",") if name])
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

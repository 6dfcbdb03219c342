"""The main job on real pixels: plant faults in handwritten digits, curate them, train on the result, compare.

Run it from the repository's root: ``python -m examples.digits``. It exits with 1 where a promised figure is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]  # for `python examples/digits/__main__.py`

PIPELINE = ROOT / "pipelines" / "quickstart.yaml"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m examples.digits", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "demo-data" / "digits", help="folder for data and result")
    parser.add_argument("--rows", type=int, default=140, help="images of the commonest class (20 to 140)")
    parser.add_argument("--seeds", type=int, default=5, help="training runs per set")
    parser.add_argument("--steps", type=int, default=300, help="optimiser steps per training run")
    parser.add_argument("--data-seed", type=int, default=0, help="which faults are planted where")
    parser.add_argument("--keep", action="store_true", help="use the data that is there instead of writing it anew")
    options = parser.parse_args(arguments)
    if not 20 <= options.rows <= 140 or options.seeds < 1 or options.steps < 1:
        parser.error("--rows must be from 20 to 140, --seeds and --steps at least 1")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the demo. Returns the exit code: 0; 1 if a promise is broken; else that of `curate run`."""
    started = time.monotonic()
    options = parse(arguments)
    from rich.console import Console

    from examples.digits import compare, tables, train
    from examples.digits.make_data import Faults, make_data

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    data, result, truth_file = options.out / "train", options.out / "curated", options.out / "truth.csv"
    if not (options.keep and truth_file.exists()):
        lines = make_data(options.out, Faults.scaled(options.rows), options.data_seed)
        console.print(f"{len(lines)} image files with planted faults are in {data}; the truth stands in {truth_file}")
    console.print(f"\n[bold]$ curate run {PIPELINE} --source {data} --out {result} --no-cache[/bold]")
    from curate.cli import invoke

    code = invoke(["run", str(PIPELINE), "--source", str(data), "--out", str(result), "--no-cache"])
    if code:
        return code
    import curate

    curated = curate.open(result)
    truth = compare.Truth.read(truth_file, curated)
    found = compare.detections(curated, truth)
    console.print(tables.of_detections(found))
    console.print(tables.of_decisions(compare.decisions(curated, truth)))
    with console.status("training"):
        accuracies = train.accuracies(curated, options.out, truth, seeds=options.seeds, steps=options.steps)
    console.print(tables.of_accuracies(accuracies, options.steps))
    promises = compare.promises(found, accuracies)
    console.print(tables.of_promises(promises))
    console.print(f"report: {result / 'report.html'}\nall of it took {time.monotonic() - started:.0f} s")
    return 0 if all(promise.holds for promise in promises) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Time and peak memory of `resample` against imbalanced-learn on the same rows, each in a process of its own.

    python -m benchmarks.resample [--rows 1000000] [--neighbour-rows 20000] [--columns 64] [--only smote,tomek_links]

Methods that look at no neighbour, and smote, see `--rows` rows of float32 numbers in three classes (96, 3 and 1 %); the
others, whose cost is rows x rows, see `--neighbour-rows`. Memory is the growth of the resident set from the moment when
the rows are there to its peak, in units of the array. The bound of 4 is for the first three: in small arrays what is
fixed outweighs them, and methods that make twice as many rows as there are give back more than the bound. A ratio of
times above 1 is in favour of `resample`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

SHARES = (0.96, 0.03, 0.01)
WHOLE = ("random_over", "random_under", "smote")
OTHERS = (
    "borderline_smote",
    "kmeans_smote",
    "adasyn",
    "near_miss",
    "tomek_links",
    "edited_nearest_neighbours",
    "all_knn",
    "one_sided_selection",
    "neighbourhood_cleaning_rule",
    "smote_enn",
    "smote_tomek",
)
BOUND = 4.0
SEED = 7


class Peak:
    """Growth of the resident set while a block runs, in bytes, looked at every two milliseconds."""

    def __enter__(self) -> Peak:
        self.begin = self.high = self._resident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.002):
            self.high = max(self.high, self._resident())

    def _resident(self) -> int:
        fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
        return int(fields[1]) * 4096

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.grown = max(self.high, self._resident()) - self.begin


def rows_of(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Float32 numbers of three overlapping classes, and their codes."""
    rng = np.random.default_rng(0)
    codes = rng.choice(len(SHARES), size=rows, p=SHARES)
    values = rng.standard_normal((rows, columns), dtype=np.float32)
    values[:, 0] += codes.astype(np.float32) * 1.5
    return values, codes


def ours(method: str, values: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    """What `resample` takes, on a table of these rows."""
    from curate.balance.resample import Resample
    from curate.made import Made

    settings = {"cluster_balance_threshold": 0.005} if method == "kmeans_smote" else {}
    step = Resample(method=method, seed=SEED, **settings)  # pyright: ignore[reportArgumentType]
    few = np.r_[np.flatnonzero(codes == 0)[:400], np.flatnonzero(codes == 1)[:60], np.flatnonzero(codes == 2)[:40]]
    small, whole = evidence_of(values[few], codes[few]), evidence_of(values, codes)
    step.decide(small.labels, small, np.random.default_rng(0))  # loads what it needs
    with Peak() as peak:
        began = time.perf_counter()
        found = step.decide(whole.labels, whole, np.random.default_rng(0))
        seconds = time.perf_counter() - began
    made = found.rows.num_rows if isinstance(found, Made) else 0
    return {"seconds": seconds, "grown": peak.grown, "made": made}


def evidence_of(values: np.ndarray, codes: np.ndarray) -> Any:
    """The evidence of a table of these rows, as far as the step finds it made."""
    import curate
    from curate.evidence import Evidence

    task = curate.Task(kind="classification", features="features", label="label", label_names=("a", "b", "c"))
    names = np.array(["a", "b", "c"])[codes].tolist()
    evidence = Evidence(curate.load({"features": values, "label": names}, task=task))
    evidence.active  # noqa: B018  reads what is broken, which is no part of the step
    return evidence


def theirs(method: str, values: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    """What the library takes, on the array."""
    from imblearn import combine

    from curate.balance.resampling.methods import METHODS

    special = {"smote_enn": combine.SMOTEENN, "smote_tomek": combine.SMOTETomek}
    sampler = special[method] if method in special else METHODS[method].load()
    settings = {"cluster_balance_threshold": 0.005} if method == "kmeans_smote" else {}
    if "random_state" in sampler().get_params():
        settings["random_state"] = SEED
    few = np.r_[np.flatnonzero(codes == 0)[:400], np.flatnonzero(codes == 1)[:60], np.flatnonzero(codes == 2)[:40]]
    sampler(**settings).fit_resample(values[few], codes[few])  # loads what it needs
    with Peak() as peak:
        began = time.perf_counter()
        new_values, _ = sampler(**settings).fit_resample(values, codes)
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "grown": peak.grown, "made": max(0, len(new_values) - len(values))}


def child(method: str, side: str, rows: int, columns: int) -> None:
    """One measurement, printed as JSON."""
    values, codes = rows_of(rows, columns)
    found = (ours if side == "ours" else theirs)(method, values, codes)
    print(json.dumps(found | {"array": values.nbytes}))


def measured(method: str, side: str, rows: int, columns: int) -> dict[str, float] | None:
    """The measurement of a process of its own; None where it failed, with its last line on standard error."""
    command = [sys.executable, "-m", "benchmarks.resample", "--child", method, side]
    command += ["--rows", str(rows), "--columns", str(columns)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{method} ({side}) failed: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def line(method: str, rows: int, columns: int) -> bool:
    """Measure one method on both sides and print it; whether its memory is within the bound."""
    here, there = (measured(method, side, rows, columns) for side in ("ours", "library"))
    if here is None or there is None:
        return True
    memory, library = here["grown"] / here["array"], there["grown"] / there["array"]
    print(
        f"{method:30} {rows:>9,} {int(here['made']):>9,} {here['seconds']:>8.2f} {there['seconds']:>8.2f}"
        f" {there['seconds'] / max(here['seconds'], 1e-9):>7.2f} {memory:>8.2f} {library:>8.2f}"
        f"{'' if memory < BOUND or method not in WHOLE else '  over the bound'}"
    )
    return memory < BOUND or method not in WHOLE


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--neighbour-rows", type=int, default=20_000)
    parser.add_argument("--columns", type=int, default=64)
    parser.add_argument("--only", default="")
    parser.add_argument("--child", nargs=2, metavar=("METHOD", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child, options.rows, options.columns)
        return
    chosen = [name for name in options.only.split(",") if name] or [*WHOLE, *OTHERS]
    print(
        f"{'method':30} {'rows':>9} {'made':>9} {'ours s':>8} {'library':>8} {'ratio':>7} {'arrays':>8} {'library':>8}"
    )
    within = [
        line(name, options.rows if name in WHOLE else min(options.rows, options.neighbour_rows), options.columns)
        for name in chosen
    ]
    print("memory within the bound" if all(within) else f"memory over the bound in {len(within) - sum(within)} methods")


if __name__ == "__main__":
    main()

"""Peak memory and time of `select`, against plain NumPy, scikit-learn or a naive greedy choice in the same run.

    python -m benchmarks.select [--rows 1000000] [--share 0.001] [--compared 8000] [--only k_centre,herding]

Memory: every method selects from `--rows` x 64 float32 vectors in a process of its own. Given are the peak of that
process, all Python and the vectors included, and the growth of its peak over what it held before, both as multiples of
the array; the bound of the growth is 4. Near pairs, by which diversity drops rows, are given to it as other steps' are:
a pair for every second row. Exit code 1 where a method is over the bound. Time: on `--compared` rows, where the naive
choice can still be waited for; a ratio above 1 says that ours is faster. The naive choices are what a user would write:
one distance or similarity to all rows for every row that is chosen; scikit-learn's `train_test_split`; a sort.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from curate.balance.select import Select
from curate.evidence.pairs import Pairs
from curate.table import Labels

WIDTH = 64
CLASSES = 10
BOUND = 4.0
METHODS: dict[str, dict[str, Any]] = {
    "random": {},
    "stratified": {},
    "k_centre": {},
    "facility_location": {},
    "herding": {},
    "diversity": {},
    "uncertainty": {"by": "margin"},
    "quality": {"measure": "text.words"},
}


class Rows(types.SimpleNamespace):
    """What stands for a table."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.row_ids)


def evidence_of(n: int) -> Any:
    """Evidence of n random rows in memory: unit vectors around class centres, ids, probabilities, a measure."""
    rng = np.random.default_rng(0)
    vectors = np.empty((n, WIDTH), dtype=np.float32)
    codes = rng.integers(0, CLASSES, n)
    centres = rng.normal(size=(CLASSES, WIDTH)).astype(np.float32)
    for start in range(0, n, 65_536):
        part = slice(start, min(start + 65_536, n))
        rng.standard_normal(dtype=np.float32, out=vectors[part])
        vectors[part] += centres[codes[part]]
        vectors[part] /= np.linalg.norm(vectors[part], axis=1, keepdims=True)
    values = rng.random((n, CLASSES), dtype=np.float32)
    values /= values.sum(1, keepdims=True)
    ids = np.array([f"row{i:07d}" for i in range(n)], dtype=np.dtypes.StringDType())
    labels = Labels(tuple(f"class {k}" for k in range(CLASSES)), codes)
    task = types.SimpleNamespace(kind="classification", text="text", tokens=None, audio=None, video=None)
    pairs = np.arange(0, n - 1, 2)
    near = Pairs.of(pairs, pairs + 1, np.full(len(pairs), 0.99), 0.95)
    table = Rows(row_ids=ids, training=np.ones(n, dtype=bool), labels=labels, task=task)
    return types.SimpleNamespace(
        table=table,
        labels=labels,
        active=np.ones(n, dtype=bool),
        embedding=lambda: types.SimpleNamespace(vectors=vectors, valid=np.ones(n, dtype=bool)),
        probabilities=lambda: types.SimpleNamespace(values=values, valid=np.ones(n, dtype=bool)),
        measure=lambda name: codes,
        duplicate_groups=lambda: np.full(n, -1, dtype=np.int64),
        near_pairs=lambda least: near,
        vectors=vectors,
        notes=[],
    )


def resident(field: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at its peak."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"the system does not tell {field}")


def child(method: str, n: int, share: float) -> None:
    """Select in this process, and print seconds, peak before and after, rows selected."""
    evidence = evidence_of(n)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before, started = resident("VmRSS"), time.perf_counter()
    step = Select.model_validate({"method": method, "share": share, **METHODS[method]})
    decided = step.decide(evidence.labels, evidence, np.random.default_rng(0))
    seconds = time.perf_counter() - started
    found = {"seconds": seconds, "before": before, "peak": resident("VmHWM"), "kept": n - decided.table.num_rows}
    print(json.dumps(found), flush=True)


def naive_k_centre(x: np.ndarray, k: int) -> list[int]:
    """Gonzalez by one pass over all rows per choice."""
    chosen = [int(np.square(x - x.mean(0)).sum(1).argmin())]
    far = np.square(x - x[chosen[0]]).sum(1)
    while len(chosen) < k:
        chosen.append(int(far.argmax()))
        far = np.minimum(far, np.square(x - x[chosen[-1]]).sum(1))
    return chosen


def naive_facility_location(x: np.ndarray, k: int) -> list[int]:
    """Greedy with all similarities held and all rows looked at for every choice."""
    likeness = np.maximum(x @ x.T, 0)
    best, chosen = np.zeros(len(x), dtype=np.float32), []
    for _ in range(k):
        worth = np.maximum(likeness - best, 0).sum(1)
        worth[chosen] = -1
        chosen.append(int(worth.argmax()))
        best = np.maximum(best, likeness[chosen[-1]])
    return chosen


def naive_herding(x: np.ndarray, k: int) -> list[int]:
    """Welling's update with one product per choice."""
    mean, lag, chosen = x.mean(0), np.zeros(x.shape[1], dtype=np.float32), []
    for _ in range(k):
        lag = lag + mean
        worth = x @ lag
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
        lag = lag - x[chosen[-1]]
    return chosen


def by_scikit_learn(codes: np.ndarray, k: int) -> list[int]:
    """A stratified sample."""
    from sklearn.model_selection import train_test_split

    return list(train_test_split(np.arange(len(codes)), train_size=k, stratify=codes, random_state=0)[0])


def compared(name: str, n: int, share: float) -> tuple[float, float, float]:
    """Seconds of ours, seconds of the naive choice, and how good ours is as a share of it (1 is as good)."""
    evidence, k = evidence_of(n), max(1, round(share * n))
    x, codes = evidence.vectors, evidence.labels.codes
    values = evidence.probabilities().values
    naive: dict[str, Callable[[], list[int]]] = {
        "random": lambda: np.random.default_rng(0).permutation(n)[:k].tolist(),
        "stratified": lambda: by_scikit_learn(codes, k),
        "k_centre": lambda: naive_k_centre(x, k),
        "facility_location": lambda: naive_facility_location(x, k),
        "herding": lambda: naive_herding(x, k),
        "uncertainty": lambda: np.argsort(np.diff(np.sort(values, 1)[:, -2:], axis=1)[:, 0])[:k].tolist(),
        "quality": lambda: np.argsort(-codes, kind="stable")[:k].tolist(),
    }
    step = Select.model_validate({"method": name, "rows": k, **METHODS[name]})
    started = time.perf_counter()
    ids = step.ranking(evidence.labels, evidence, np.random.default_rng(0))
    ours = time.perf_counter() - started
    started = time.perf_counter()
    theirs = naive[name]()
    seconds = time.perf_counter() - started
    return ours, seconds, goodness(name, x, np.array([int(i[3:]) for i in ids]), np.array(theirs))


def goodness(name: str, x: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> float:
    """What the method wants to be large or small, ours against theirs."""
    if name == "facility_location":
        return float(np.maximum(x @ x[ours].T, 0).max(1).sum() / np.maximum(x @ x[theirs].T, 0).max(1).sum())
    if name == "k_centre":
        radius = [np.sqrt(np.maximum(2 - 2 * (x @ x[c].T).max(1), 0)).max() for c in (ours, theirs)]
        return float(radius[1] / radius[0])
    if name == "herding":
        gap = [np.linalg.norm(x[c].mean(0) - x.mean(0)) for c in (ours, theirs)]
        return float(gap[1] / gap[0])
    return float("nan")


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--share", type=float, default=0.001, help="which share of the rows is selected")
    parser.add_argument("--compared", type=int, default=8_000, help="rows of the comparison with naive choices")
    parser.add_argument("--only", default=",".join(METHODS))
    parser.add_argument("--child", default="")
    given = parser.parse_args()
    if given.child:
        child(given.child, given.rows, given.share)
        return 0
    array = given.rows * WIDTH * 4
    print(f"{given.rows:,} x {WIDTH} float32 = {array / 1e6:.0f} MB, share {given.share:g}")
    print(f"{'method':20} {'seconds':>8} {'peak MB':>8} {'x array':>8} {'growth x':>8} {'selected':>9}")
    over = []
    for name in given.only.split(","):
        command = [sys.executable, "-m", "benchmarks.select", "--child", name, "--rows", str(given.rows)]
        out = subprocess.run([*command, "--share", str(given.share)], capture_output=True, text=True, check=True)
        line = json.loads(out.stdout.splitlines()[-1])
        grown = (line["peak"] - line["before"]) / array
        over += [name] if grown >= BOUND else []
        print(
            f"{name:20} {line['seconds']:8.1f} {line['peak'] / 1e6:8.0f} {line['peak'] / array:8.2f} {grown:8.2f}"
            f" {line['kept']:9,}",
            flush=True,
        )
    print(f"\n{given.compared:,} rows, 5 % selected: seconds of ours, of the naive choice, ratio, ours as good as it")
    for name in (name for name in given.only.split(",") if name != "diversity"):
        ours, theirs, good = compared(name, given.compared, 0.05)
        print(f"{name:20} {ours:8.3f} {theirs:8.3f} {theirs / ours:8.2f} {good:8.3f}", flush=True)
    print("memory within the bound" if not over else f"memory over the bound: {', '.join(over)}")
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main())

"""Peak memory and time of every method of `resample`, some of them against imbalanced-learn on the same rows.

    python -m benchmarks.resample [--rows 1000000] [--columns 64] [--only smote,tomek_links] [--library] [--whole]

Rows are float32 numbers in three classes (96, 3 and 1 %; in a regression 4 % beyond the whiskers, in a multilabel task
four labels of which one is on 1 % of the rows). Each measurement has a process of its own. Memory is the growth of the
peak of the resident set (VmHWM) over what the process holds when the rows are there, in multiples of the array; the
bound is 4 at a million rows.

Methods whose cost is rows x rows would run for hours at a million. They are measured at the size in the column `rows`,
unless `--whole`. What is fixed (libraries, buffers of threads, 32 MB of new rows) weighs more in a smaller array: where
it is over the bound there, half of the size is measured, too, and the growth at a million is the line through both,
marked with `~`. A support vector machine is measured at the whole size with an optimiser that stops early
(`svm_smote_stopped`): it needs the same room but for its support vectors, copied when its cache was given back. With
`--library` the library runs on the array, too; a ratio of times above 1 is in favour of `resample`. Exit code 1 where a
method is over the bound.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SHARES = (0.96, 0.03, 0.01)
SMALLER = {
    "adasyn": 300_000,
    "borderline_smote": 300_000,
    "borderline_smote_2": 300_000,
    "tomek_links": 300_000,
    "one_sided_selection": 100_000,
    "svm_smote": 16_000,
    "edited_nearest_neighbours": 40_000,
    "repeated_edited_nearest_neighbours": 30_000,
    "all_knn": 30_000,
    "condensed_nearest_neighbour": 6_000,
    "neighbourhood_cleaning_rule": 40_000,
    "instance_hardness_threshold": 20_000,
    "cluster_centroids": 40_000,
    "smote_enn": 80_000,
    "smote_tomek": 80_000,
    "near_miss_2": 100_000,
    "smoten": 40_000,
}
"""Method -> rows that it is measured with, where a million would run for hours on two cores."""
METHODS = (
    "random_over", "random_over_shrinkage", "random_under", "smote", "smotenc", "smoten", "borderline_smote",
    "borderline_smote_2", "svm_smote", "svm_smote_stopped", "kmeans_smote", "adasyn", "near_miss", "near_miss_2",
    "near_miss_3", "tomek_links", "edited_nearest_neighbours", "repeated_edited_nearest_neighbours", "all_knn",
    "condensed_nearest_neighbour", "one_sided_selection", "neighbourhood_cleaning_rule", "instance_hardness_threshold",
    "cluster_centroids", "smote_enn", "smote_tomek", "ml_ros", "lp_ros", "mlsmote", "bins", "smoter", "smogn",
)  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "random_over_shrinkage": {"shrinkage": 1.0},
    "borderline_smote_2": {"borderline": 2},
    "near_miss_2": {"version": 2},
    "near_miss_3": {"version": 3},
    "kmeans_smote": {"cluster_balance_threshold": 0.005},
    "repeated_edited_nearest_neighbours": {"max_iter": 3},
}
KINDS = {"ml_ros": "multilabel", "lp_ros": "multilabel", "mlsmote": "multilabel"} | dict.fromkeys(
    ("bins", "smoter", "smogn"), "regression"
)
BOUND, MILLION, SEED = 4.0, 1_000_000, 7
ITERATIONS = 200
"""After which the optimiser of `svm_smote_stopped` stops."""
TIMED = ("svm_smote",)
"""Methods of which the memory is judged by another line of the table."""


def base(name: str) -> str:
    """The method without its variant."""
    return name.removesuffix("_shrinkage").removesuffix("_2").removesuffix("_3").removesuffix("_stopped")


def rows_of(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Float32 numbers of three overlapping classes, and their codes."""
    rng = np.random.default_rng(0)
    codes = rng.choice(len(SHARES), size=rows, p=SHARES)
    values = rng.standard_normal((rows, columns), dtype=np.float32)
    values[:, 0] += codes.astype(np.float32) * 1.5
    return values, codes


def evidence_of(name: str, values: np.ndarray, codes: np.ndarray) -> Any:
    """The evidence of a table of these rows, as far as the step finds it made."""
    import pyarrow as pa

    import curate
    from curate.evidence import Evidence

    kind, n = KINDS.get(name, "classification"), len(codes)
    columns, roles = inputs_of(name, values)
    task: dict[str, Any] = {"kind": kind, "label": "label"} | roles
    if kind == "regression":
        columns["label"] = values[:, 0] + np.where(codes > 0, 10.0, 0.0)
    elif kind == "multilabel":
        rng = np.random.default_rng(1)
        on = np.column_stack([rng.random(n) < 0.5, rng.random(n) < 0.3, codes > 0, codes > 1])
        places = np.concatenate([[0], np.cumsum(on.sum(1))]).astype(np.int32)
        names = pa.array(list("abcd")).take(pa.array(np.nonzero(on)[1]))
        columns["label"] = pa.ListArray.from_arrays(pa.array(places), names)
        task["label_names"] = tuple("abcd")
    else:
        columns["label"] = pa.array(["a", "b", "c"]).take(pa.array(codes))
        task["label_names"] = ("a", "b", "c")
    import datasets

    table = pa.table(columns)
    del columns, values
    evidence = Evidence(curate.load(datasets.Dataset(table), task=curate.Task(**task)))
    evidence.active  # noqa: B018  reads what is broken, which is no part of the step
    return evidence


def inputs_of(name: str, values: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns and roles: a vector; for smotenc numbers beside one category; for smoten categories alone."""
    import pyarrow as pa

    width = values.shape[1]
    if name in ("smotenc", "smoten"):
        columns: dict[str, Any] = {f"x{i}": pa.array(values[:, i]) for i in range(width)}
        words = pa.array([f"w{i}" for i in range(8)])
        for i in range(width if name == "smoten" else 1):
            columns[f"x{i}"] = words.take(pa.array(np.clip(values[:, i] * 2 + 4, 0, 7).astype(np.int8)))
        return columns, {"features": tuple(columns)}
    flat = pa.array(values.reshape(-1))
    return {"features": pa.FixedSizeListArray.from_arrays(flat, width)}, {"features": "features"}


def resident(field: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at its peak."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"the system does not tell {field}")


def measured_here(work: Any) -> tuple[dict[str, float], Any]:
    """Wall and processor seconds and growth of the peak while `work` runs, and what it gives."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before, began, used = resident("VmRSS"), time.perf_counter(), time.process_time()
    found = work()
    seconds, used = time.perf_counter() - began, time.process_time() - used
    return {"seconds": seconds, "cpu": used, "grown": max(0, resident("VmHWM") - before)}, found


def few(codes: np.ndarray) -> np.ndarray:
    """Rows of a small set with all classes."""
    return np.concatenate([np.flatnonzero(codes == code)[:size] for code, size in enumerate((400, 60, 40))])


def ours(name: str, rows: int, columns: int) -> dict[str, float]:
    """What `resample` takes, on a table of these rows."""
    from curate.balance.resample import Resample
    from curate.made import Made

    if name.endswith("_stopped"):
        _stop_early()
    values, codes = rows_of(rows, columns)
    step = Resample(method=base(name), seed=SEED, **SETTINGS.get(name, {}))  # pyright: ignore[reportArgumentType]
    some = few(codes)
    small = evidence_of(name, values[some], codes[some])
    step.decide(small.labels, small, np.random.default_rng(0))  # loads what it needs
    whole, size = evidence_of(name, values, codes), values.nbytes
    del values
    took, found = measured_here(lambda: step.decide(whole.labels, whole, np.random.default_rng(0)))
    return took | {"made": found.rows.num_rows if isinstance(found, Made) else 0, "array": size}


def _stop_early() -> None:
    """Let the support vector machine of the step stop after some iterations."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    from curate.balance.resampling import recorded

    class Stopped(recorded._Machine):
        def __init__(self, values: np.ndarray, machine: Any) -> None:
            super().__init__(values, machine.set_params(max_iter=ITERATIONS))

    warnings.simplefilter("ignore", ConvergenceWarning)  # that is what is asked for
    recorded._Machine = Stopped


def theirs(name: str, rows: int, columns: int) -> dict[str, float]:
    """What the library takes, on the array."""
    from imblearn import combine

    from curate.balance.resampling.methods import METHODS as KNOWN

    values, codes = rows_of(rows, columns)
    special = {"smote_enn": combine.SMOTEENN, "smote_tomek": combine.SMOTETomek}
    sampler = special[name] if name in special else KNOWN[base(name)].load()
    settings = {{"borderline": "kind"}.get(key, key): value for key, value in SETTINGS.get(name, {}).items()}
    settings |= {"kind": "borderline-2"} if "kind" in settings else {}
    if "random_state" in sampler().get_params():
        settings["random_state"] = SEED
    some = few(codes)
    sampler(**settings).fit_resample(values[some], codes[some])  # loads what it needs
    took, found = measured_here(lambda: sampler(**settings).fit_resample(values, codes))
    return took | {"made": max(0, len(found[0]) - len(values)), "array": values.nbytes}


def measured(name: str, side: str, rows: int, columns: int) -> dict[str, float] | None:
    """The measurement of a process of its own; None where it failed, with its last line on standard error."""
    command = [sys.executable, "-m", "benchmarks.resample", "--child", name, side]
    command += ["--rows", str(rows), "--columns", str(columns)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name} ({side}) failed: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def at_a_million(large: dict[str, float], half: dict[str, float], columns: int) -> float:
    """Growth at a million rows in arrays, on the line through two sizes."""
    slope = (large["grown"] - half["grown"]) / (large["array"] - half["array"])
    array = MILLION * columns * 4
    return max(0.0, slope + (large["grown"] - slope * large["array"]) / array)


def line(name: str, rows: int, options: argparse.Namespace) -> bool:
    """Measure one method and print it; whether its memory is within the bound."""
    columns, here = options.columns, measured(name, "ours", rows, options.columns)
    there = measured(name, "library", rows, columns) if options.library and name not in KINDS else None
    if here is None:
        return False
    grown = here["grown"] / here["array"]
    judged = name not in TIMED
    small = judged and rows < options.rows and grown >= BOUND  # what is fixed weighs less in a larger array
    half = measured(name, "ours", rows // 2, columns) if small else None
    bound = grown if half is None else at_a_million(here, half, columns)
    library = "" if there is None else f"{there['cpu']:>9.1f} {there['cpu'] / here['cpu']:>6.2f}"
    library += "" if there is None else f" {there['grown'] / there['array']:>7.2f}"
    print(
        f"{name:36} {rows:>9,} {int(here['made']):>9,} {here['seconds']:>8.1f} {here['cpu']:>8.1f} {grown:>7.2f}"
        f" {'~' if half else ' '}{bound:>6.2f}{_verdict(bound, judged)} {library}",
        flush=True,
    )
    return bound < BOUND or not judged


def _verdict(bound: float, judged: bool) -> str:
    if not judged:
        return "  not judged at this size"
    return "" if bound < BOUND else "  over the bound"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=MILLION)
    parser.add_argument("--columns", type=int, default=64)
    parser.add_argument("--only", default="")
    parser.add_argument("--library", action="store_true", help="measure imbalanced-learn, too")
    parser.add_argument("--whole", action="store_true", help="all methods with --rows, however long they take")
    parser.add_argument("--child", nargs=2, metavar=("METHOD", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, side = options.child
        print(json.dumps((ours if side == "ours" else theirs)(name, options.rows, options.columns)))
        return 0
    chosen = [name for name in options.only.split(",") if name] or METHODS
    print(
        f"{'method':36} {'rows':>9} {'made':>9} {'seconds':>8} {'cpu':>8} {'arrays':>7} {'at 1 M':>7}"
        + ("  library cpu, ratio, arrays" if options.library else "")
    )
    within = [
        line(name, options.rows if options.whole else min(options.rows, SMALLER.get(name, options.rows)), options)
        for name in chosen
    ]
    print("memory within the bound" if all(within) else f"memory over the bound in {len(within) - sum(within)} methods")
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main())

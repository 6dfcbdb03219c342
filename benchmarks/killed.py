"""Runs that are killed with SIGKILL at random moments, and started again.

    python -m benchmarks.killed [--kills 100] [--seed 0] [--only image,text,audio,video,table,series] [--json FILE]

Each kill has an empty cache and output folder. `curate run` is killed at a moment drawn evenly from the time that a
whole run takes; in a third of the cases a second run is killed as well. Then the same command is given again and left
alone. Asked is that it ends well, that every file of the result is the same, byte for byte, as that of a run nobody
killed, that no row is lost or doubled, and that nothing is left beside the result. Seeds of moments: (--seed, number of
the kill).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks._killed_sets import MODALITIES, make_set

RESULTS = ("plan", "ledger", "findings", "rows", "problems", "changes")
ROWS = {"image": 60, "text": 200, "audio": 40, "video": 16, "table": 300, "series": 120}


@dataclass
class Tally:
    """What became of the kills of one modality."""

    seconds: float
    kills: int = 0
    struck: int = 0
    finished: int = 0
    same: int = 0
    rows_right: int = 0
    clean: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether every restart ended as if nothing had been."""
        return self.finished == self.same == self.rows_right == self.clean == self.kills


def start(home: Path, name: str) -> subprocess.Popen[str]:
    """`curate run` in a process group of its own."""
    command = [
        sys.executable,
        "-m",
        "curate",
        "run",
        "pipeline.yaml",
        "--out",
        f"out-{name}",
        "--cache",
        f"cache-{name}",
    ]
    return subprocess.Popen(
        command,
        cwd=home,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | _checkout(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _checkout() -> dict[str, str]:
    import curate

    return {"PYTHONPATH": str(Path(curate.__file__).resolve().parents[1])}


def killed(home: Path, name: str, after: float) -> bool:
    """Start a run and kill it after so many seconds; False where it was done before."""
    run = start(home, name)
    try:
        run.wait(after)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    return run.returncode == -signal.SIGKILL


def finished(home: Path, name: str) -> str | None:
    """Run and leave alone; what it said where it did not end well."""
    run = start(home, name)
    _, said = run.communicate()
    return None if run.returncode == 0 else f"exit code {run.returncode}: {said[-500:]}"


def different(one: Path, other: Path) -> list[str]:
    """Files of two results that are not the same."""
    names = [*(f"{name}.parquet" for name in RESULTS), "table.arrow", "pipeline.yaml"]
    return [name for name in names if (one / name).read_bytes() != (other / name).read_bytes()]


def rows_are_right(out: Path) -> bool:
    """Every row is there once, and the accounts of the manifest hold."""
    ids = pq.read_table(out / "rows.parquet")["row_id"].to_pylist()
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    lines = manifest["accounts"]
    balanced = all(one["read"] + one["added"] == one["kept"] + one["dropped"] + one["unreadable"] for one in lines)
    return len(set(ids)) == len(ids) == sum(one["read"] + one["added"] for one in lines) and balanced


def strike(home: Path, number: int, seed: int, tally: Tally) -> None:
    """One case: kill once or twice, start again, compare."""
    rng, name = np.random.default_rng((seed, number)), f"{number:03d}"
    struck = killed(home, name, rng.uniform(0.05, tally.seconds))
    if rng.random() < 1 / 3:
        struck |= killed(home, name, rng.uniform(0.05, tally.seconds))
    fault, out = finished(home, name), home / f"out-{name}"
    tally.kills += 1
    tally.struck += struck
    if fault is not None:
        tally.faults.append(f"kill {number}: {fault}")
        return
    tally.finished += 1
    wrong = different(home / "out-whole", out)
    tally.same += not wrong
    tally.rows_right += rows_are_right(out)
    left = [path.name for path in home.iterdir() if path.name.startswith(f".{out.name}.")]
    tally.clean += not left
    if wrong or left:
        tally.faults.append(f"kill {number}: different {wrong}, left {left}")
    shutil.rmtree(out)
    shutil.rmtree(home / f"cache-{name}")


def main() -> None:
    """Kill and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", default=",".join(MODALITIES))
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    kinds = chosen.only.split(",")
    print(
        f"{'kind':7} {'whole run':>10} {'kills':>6} {'struck':>7} {'finished':>9} {'same bytes':>11} {'rows':>6}"
        f" {'clean':>6}"
    )
    found: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory() as work:
        for place, kind in enumerate(kinds):
            home = Path(work) / kind
            make_set(kind, home, ROWS[kind], chosen.seed)
            began = time.perf_counter()
            if fault := finished(home, "whole"):
                raise SystemExit(f"{kind}: a run that nobody killed ended with {fault}")
            tally = found[kind] = Tally(time.perf_counter() - began)
            for number in range(place, chosen.kills, len(kinds)):
                strike(home, number, chosen.seed, tally)
            counts = f"{tally.struck:>7} {tally.finished:>9} {tally.same:>11} {tally.rows_right:>6} {tally.clean:>6}"
            print(f"{kind:7} {tally.seconds:8.1f} s {tally.kills:6} {counts}", flush=True)
            for line in tally.faults:
                print("   ", line)
    right = all(tally.right for tally in found.values())
    print(
        f"{sum(t.kills for t in found.values())} kills, seed {chosen.seed}: {'all right' if right else 'NOT all right'}"
    )
    if chosen.json:
        lines = {kind: asdict(tally) for kind, tally in found.items()}
        chosen.json.write_text(json.dumps({"seed": chosen.seed, "kinds": lines}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

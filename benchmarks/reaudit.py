"""What a second audit costs: with no change, with 1 % new rows, with 1 % changed, with 1 % removed.

    python -m benchmarks.reaudit [--only image,text,audio] [--size 3000] [--repeats 3] [--json FILE]

Every audit is a process of its own (`curate audit DATA`), as a user runs it; its cost is the CPU time of that process
and of all that it starts, so start-up and imports count. Bounds: no change at most 2 % of the first, 1 % new rows at
most 5 %. Each repeat begins with an empty cache; the table gives medians.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks._reaudit_sets import GrowingSet

SIZES = {"image": 3000, "text": 20_000, "audio": 1500}
BOUNDS = {"no change": 0.02, "1 % new": 0.05}
MOMENTS = ("first", "no change", "1 % new", "1 % changed", "1 % removed")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="image,text,audio", help="kinds, by commas")
    options.add_argument("--size", type=int, help="rows; a size by kind if left out")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--json", type=Path)
    options.add_argument("--work", type=Path, help="folder for the sets; a temporary one if left out")
    chosen = options.parse_args()
    found = {}
    for kind in chosen.only.split(","):
        size = chosen.size or SIZES[kind]
        with tempfile.TemporaryDirectory(dir=chosen.work) as work:
            rounds = [_round(kind, size, Path(work) / str(i)) for i in range(chosen.repeats)]
        found[kind] = {"rows": size} | {m: median(r[m] for r in rounds) for m in MOMENTS}
    _print(found)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _round(kind: str, size: int, work: Path) -> dict[str, float]:
    """Moment -> CPU seconds of the audit."""
    held, some, seconds = GrowingSet(kind, work), max(size // 100, 1), {}
    held.add(size)
    changes = {"1 % new": held.add, "1 % changed": held.change, "1 % removed": held.remove}
    for moment in MOMENTS:
        if moment in changes:
            changes[moment](some)
        seconds[moment] = audit_seconds(held.data, work / "cache")
    shutil.rmtree(work)
    return seconds


def audit_seconds(data: Path, cache: Path) -> float:
    """CPU seconds of `curate audit`, its start-up and all that it starts among them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "curate", "audit", str(data), "--cache", str(cache), "--format", "json"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    if done.returncode != 0:
        raise SystemExit(f"curate audit {data} ended with {done.returncode}: {done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def _print(found: dict[str, dict[str, float]]) -> None:
    print(f"{'kind':6} {'rows':>7} {'first':>9} " + " ".join(f"{moment:>18}" for moment in MOMENTS[1:]))
    for kind, row in found.items():
        cells = []
        for moment in MOMENTS[1:]:
            share = row[moment] / row["first"]
            bound = BOUNDS.get(moment)
            verdict = "" if bound is None else ("  ok" if share <= bound else " OVER")
            cells.append(f"{row[moment]:6.2f} s {share:5.1%}{verdict}".rjust(18))
        print(f"{kind:6} {row['rows']:7,} {row['first']:7.1f} s " + " ".join(cells))
    print("bounds: no change at most 2 % of the first, 1 % new rows at most 5 %")


if __name__ == "__main__":
    main()

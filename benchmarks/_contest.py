"""Several ways to do the same work, each run in a process of its own, in turns: CPU and wall seconds, peak memory."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

MARK = "CONTEST "


@dataclass
class Runs:
    """What was measured of one way, one value per repeat."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    missing: str = ""

    @property
    def median_cpu(self) -> float:
        """CPU seconds, NaN where the way could not be run."""
        return median(self.cpu) if self.cpu else float("nan")

    @property
    def median_wall(self) -> float:
        """Seconds by the clock, NaN where the way could not be run."""
        return median(self.wall) if self.wall else float("nan")


def cpu_seconds() -> float:
    """Of all threads of this process and of its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def measured(work: Callable[[], Mapping[str, Any] | None]) -> None:
    """Do the work in this process, and print what it took for `contest`."""
    before = peak_mb()
    cpu, wall = cpu_seconds(), time.perf_counter()
    more = work()
    taken = {"cpu": cpu_seconds() - cpu, "wall": time.perf_counter() - wall, "peak_mb": peak_mb() - before}
    print(MARK + json.dumps({**taken, "more": dict(more or {})}))


def peak_mb() -> float:
    """Largest resident memory of this process so far, and of the largest of its children that have ended, in MB."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_maxrss for one in used) / (1024 if platform.system() == "Linux" else 1 << 20)


def on_cores(count: int) -> None:
    """Keep this process, its threads and children to so many cores, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:count]))


def contest(module: str, ways: Sequence[str], arguments: Sequence[str], repeats: int) -> dict[str, Runs]:
    """Run `python -m MODULE --one WAY ARGUMENTS` for every way, `repeats` times in turns.

    A way that exits with 3 is missing; what it prints last on standard error says why.
    """
    results = {way: Runs() for way in ways}
    for _ in range(repeats):
        for way, runs in results.items():
            if runs.missing:
                continue
            command = [sys.executable, "-m", module, "--one", way, *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 3:
                runs.missing = (done.stderr.strip().splitlines() or ["it is missing"])[-1]
                continue
            if done.returncode:
                raise SystemExit(f"{way} failed:\n{done.stderr}")
            line = next(line for line in done.stdout.splitlines() if line.startswith(MARK))
            taken = json.loads(line[len(MARK) :])
            runs.cpu.append(taken["cpu"])
            runs.wall.append(taken["wall"])
            runs.peak_mb.append(taken["peak_mb"])
            runs.more = taken["more"]
    return results


def show(results: Mapping[str, Runs], rows: int, bare: str) -> None:
    """Print milliseconds per row, and CPU time as a multiple of that of the way `bare`."""
    print(f"{'':<34}{'CPU ms/row':>12}{'wall ms/row':>13}{'x bare':>9}{'peak MB':>9}")
    for way, runs in results.items():
        if runs.missing:
            print(f"{way:<34}  left out: {runs.missing}")
            continue
        ratio = runs.median_cpu / results[bare].median_cpu
        cpu, wall = 1000 * runs.median_cpu / rows, 1000 * runs.median_wall / rows
        print(f"{way:<34}{cpu:>12.3f}{wall:>13.3f}{ratio:>9.2f}{median(runs.peak_mb):>9.0f}")


def bound(name: str, value: float, limit: float, at_least: bool) -> dict[str, Any]:
    """Print a ratio beside its bound, and give both."""
    kept = bool(value >= limit if at_least else value <= limit)
    word = "at least" if at_least else "at most"
    verdict = "cannot be told" if value != value else "held" if kept else "NOT held"
    print(f"{name}: {value:.2f} ({word} {limit:g}: {verdict})")
    return {"name": name, "value": value, "bound": limit, "at_least": at_least, "held": kept}


def write_json(path: Path | None, results: Mapping[str, Runs], bounds: Sequence[Mapping[str, Any]], rows: int) -> None:
    """Write all that was measured."""
    if path is None:
        return
    ways = {way: {name: getattr(runs, name) for name in runs.__dataclass_fields__} for way, runs in results.items()}
    path.write_text(json.dumps({"rows": rows, "ways": ways, "bounds": list(bounds)}, indent=1, allow_nan=True) + "\n")

"""Peak memory of a process and of all that it starts: proportional set sizes, looked at every so often."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks._installed import environment

PAUSE_S = 0.05


def peak_mb(command: Sequence[str], least: int = 0) -> tuple[float, str]:
    """Largest sum of proportional set sizes, and what the command printed.

    Raises:
        SystemExit: it ended with a code above `least`.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(command, stdout=out, stderr=errors, env=environment())
        peak = 0.0
        while child.poll() is None:
            peak = max(peak, memory_mb(child.pid))
            time.sleep(PAUSE_S)
        out.seek(0)
        errors.seek(0)
        if child.returncode > least:
            raise SystemExit(f"{' '.join(command)} ended with {child.returncode}: {errors.read()[-2_000:]}")
        return peak, out.read()


def memory_mb(root: int) -> float:
    """Proportional set sizes of a process and of all that it started, MB."""
    total = 0
    for pid in tree(root):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:  # it has ended
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def tree(root: int) -> list[int]:
    """A process and all that it started, still running."""
    found = [root]
    for pid in found:
        try:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
        except OSError:
            continue
    return found

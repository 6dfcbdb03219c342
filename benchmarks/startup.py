"""Start-up: `import curate`, `curate --help`, and an audit that is found in the cache, against a bare interpreter.

    python -m benchmarks.startup [--rows 2000] [--repeats 5] [--json FILE]

Each is a process of its own; the figures are medians of its CPU seconds and peak memory, interleaved. The bounds are
the interpreter alone, and the interpreter that imports numpy and pyarrow, without which no table is read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks._installed import compiled, environment
from benchmarks._reaudit_sets import GrowingSet

HEAVY = ("torch", "pandas", "sklearn", "datasets", "cv2", "scipy", "transformers")
CHILD = """
import os, sys
child = os.fork()
if not child:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
_, status, used = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=2000)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as work:
        texts = GrowingSet("text", Path(work))
        texts.add(chosen.rows)
        audit = ["-m", "curate", "audit", str(texts.data), "--cache", str(Path(work) / "cache"), "--json"]
        cases = {
            "python": ["-c", "pass"],
            "import numpy, pyarrow": ["-c", "import numpy, pyarrow.compute"],
            "import curate": ["-c", "import curate"],
            "curate --help": ["-m", "curate", "--help"],
            f"cached audit of {chosen.rows:,} texts": audit,
        }
        compiled()
        _spent(audit)
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
        for _ in range(chosen.repeats):
            for name, arguments in cases.items():
                runs[name].append(_spent(arguments))
    found = {
        name: {"cpu_seconds": median(one[0] for one in each), "peak_mb": median(one[1] for one in each)}
        for name, each in runs.items()
    }
    bare = found["python"]["cpu_seconds"]
    for name, figures in found.items():
        print(f"{name:32} {figures['cpu_seconds']:7.3f} s CPU {figures['cpu_seconds'] / bare:7.1f} x"
              f" {figures['peak_mb']:8.0f} MB")  # fmt: skip
    usage = "import sys; from curate.cli import invoke; sys.stdout = sys.stderr; invoke(['--help'])"
    for name, code in {"import curate": "import curate", "curate --help": usage}.items():
        print(f"heavy packages after {name}:", ", ".join(_heavy(code)) or "none")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _spent(arguments: list[str]) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of a process."""
    command = [sys.executable, "-c", CHILD, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    code, seconds, kilobytes = done.stdout.split()
    if code != "0":
        raise SystemExit(f"{' '.join(arguments)} ended with {code}: {done.stderr[-1000:]}")
    return float(seconds), int(kilobytes) / 1000


def _heavy(code: str) -> list[str]:
    """Heavy packages that are loaded after some code."""
    tail = f"; import sys; print([name for name in {HEAVY!r} if name in sys.modules], file=sys.__stdout__)"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return [part for part in done.stdout.strip().strip("[]").replace("'", "").split(", ") if part]


if __name__ == "__main__":
    main()

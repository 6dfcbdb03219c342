"""All benchmarks of speed and memory one after the other, each in a process of its own.

    python -m benchmarks.every [--quick] [--only label_errors_speed,startup] [--json bench.json]

Prints what each prints, then a table of how long each took and whether it ended well, and writes that with what those
measured that write JSON. At full size it takes hours on two cores; `--quick` takes about 20 minutes, with sizes that
tell whether everything runs, and ratios that say little.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

QUICK: dict[str, list[str]] = {
    "startup": ["--rows", "300", "--repeats", "2"],
    "label_errors_speed": ["--rows", "50000", "--repeats", "2", "--datalab-rows", "5000"],
    "neighbours": ["--rows", "20000", "--repeats", "1", "--datalab-rows", "4000"],
    "text_dedup": ["--rows", "5000", "--repeats", "1", "--part", "1000"],
    "image_audit": ["--size", "200", "--repeats", "1", "--no-peers"],
    "audio_audit": ["--size", "60", "--repeats", "1"],
    "video_audit": ["--size", "20", "--repeats", "1"],
    "reaudit": ["--size", "100", "--repeats", "1"],
    "memory": ["--only", "table"],
    "million_rows": ["--rows", "10000", "--formats", "csv"],
    "killed": ["--kills", "6"],
    "fuzz": ["--files", "150"],
    "busy": ["--texts", "64", "--rows", "2000", "--repeats", "1"],
    "augment": ["--seconds", "0.05"],
    "resample": ["--rows", "20000"],
    "select": ["--rows", "20000", "--compared", "1000"],
    "loader": ["--repeats", "1", "--workers", "0"],
    "sampler": ["--lines", "1000000"],
}
"""Benchmark -> what makes it short."""


def run(name: str, options: list[str], folder: Path) -> dict[str, Any]:
    """Run one, and what is known of it afterwards."""
    found = folder / f"{name}.json"
    source = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
    asked = ["--json", str(found)] if '"--json"' in source else []
    began = time.perf_counter()
    print(f"\n== {name} {' '.join(options)}", flush=True)
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options, *asked], check=False)
    told = json.loads(found.read_text(encoding="utf-8")) if found.exists() else None
    return {"seconds": time.perf_counter() - began, "exit_code": done.returncode, "options": options, "found": told}


def main() -> int:
    """Run them, print the table; 1 where one did not end with 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", default=",".join(QUICK), help="names, separated by commas")
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    given = parser.parse_args()
    names = given.only.split(",")
    if unknown := [name for name in names if name not in QUICK]:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(QUICK)}")
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            results[name] = run(name, QUICK[name] if given.quick else [], Path(folder))
            aside = given.json.with_name(f".{given.json.name}")
            aside.write_text(json.dumps(results, indent=1), encoding="utf-8")
            aside.replace(given.json)
    print(f"\n{'benchmark':24}{'seconds':>10}{'exit code':>12}")
    for name, one in results.items():
        print(f"{name:24}{one['seconds']:10.1f}{one['exit_code']:12}")
    print(f"written to {given.json}; exit code 1 of a benchmark: a bound that it knows was missed")
    return int(any(one["exit_code"] for one in results.values()))


if __name__ == "__main__":
    sys.exit(main())
